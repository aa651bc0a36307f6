//! What the diagnosis promises, as sentences. Rows are those of the decision table that the design names as specification.

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
