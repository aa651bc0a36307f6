//! The prober against raw sockets on loopback: each way in which a server can end, stall, lie or flood.

mod apart;
mod counting;
mod endings;
mod hostile;
mod manners;
mod pairs;
mod rewritten;
mod secure;
mod special;
mod support;
mod ways;
