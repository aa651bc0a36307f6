//! What a rule is.

use crate::diagnosis::view::{PathView, View};
use crate::resource::status::Finding;

/// A rule for one path.
pub(super) type PathRule = fn(&View<'_>, &PathView<'_>) -> Vec<Finding>;
