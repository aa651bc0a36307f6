//! The text helpers of a status: everything that goes into a status, an Event or a log has a largest size.

pub use crate::text::mask::untrusted;
pub use crate::text::{capitalised as sentence_case, one_line, shortened as bounded};
