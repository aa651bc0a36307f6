//! The stories, by what they are about.

mod cleanup;
mod cost;
mod egress;
mod gateway_faults;
mod healthy;
mod limits;
mod on_call;
mod restarts;
mod rights;
mod rotation;
mod secrets;
mod starting;
