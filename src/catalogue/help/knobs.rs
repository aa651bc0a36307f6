//! Where to turn, product by product: the directives that decide one thing each. Several findings share a set.

mod answering;
mod asking;
mod reaching;

pub use answering::*;
pub use asking::*;
pub use reaching::*;

use super::Knob;

/// Nothing that a gateway could change.
pub const NONE: &[Knob] = &[];
