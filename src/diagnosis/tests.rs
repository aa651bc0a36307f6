//! The guarantees of the diagnosis, one test a sentence; laws over many cases are in `laws`.

mod changed;
mod conditions;
mod credential;
mod headers;
mod heads;
mod honesty;
mod kinds;
mod laws;
mod limits;
mod network;
mod product;
mod provenance;
mod replicas;
mod stream;
mod translated;
