//! What a rule is.

use crate::diagnosis::view::{Leg, View};
use crate::resource::status::Finding;

/// A rule that looks at one path.
pub(super) type PathRule = fn(&View<'_>, &Leg<'_>) -> Vec<Finding>;
