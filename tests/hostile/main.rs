//! Hostile and broken servers, on either path of a whole `claudeprobe check`: it ends by itself, in bounded memory, with a finding about the
//! path that is odd and none about the other, and no control character from a server reaches a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod bodies;
mod check;
mod connections;
mod http2;
mod response_headers;
mod server;
mod streams;
