//! The settings of gateway products that decide over a finding, one set per subject. Several findings share a set.

mod connections;
mod requests;
mod responses;

pub use connections::*;
pub use requests::*;
pub use responses::*;

use super::ProductHint;
