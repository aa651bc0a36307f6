//! The pods of a run: which paths share one.

use super::path::Path;
use super::placement::Placement;

/// Paths that one pod of a run sends.
#[derive(Clone, Debug, PartialEq)]
pub struct PodGroup {
    /// The path that has this pod to itself; `None` for the shared pod.
    pub own: Option<String>,
    /// Where and how the pod runs.
    pub placement: Placement,
    /// Indexes into the probe's paths, ascending.
    pub paths: Vec<usize>,
}

/// Paths that share the default placement share one pod; a path with its own placement has its own.
pub(super) fn group(shared: &Placement, paths: &[Path]) -> Vec<PodGroup> {
    let mut groups = Vec::new();
    let together: Vec<usize> = (0..paths.len())
        .filter(|index| paths[*index].placement.is_none())
        .collect();
    if !together.is_empty() {
        groups.push(PodGroup {
            own: None,
            placement: shared.clone(),
            paths: together,
        });
    }
    for (index, path) in paths.iter().enumerate() {
        if let Some(placement) = &path.placement {
            groups.push(PodGroup {
                own: Some(path.name.clone()),
                placement: placement.clone(),
                paths: vec![index],
            });
        }
    }
    groups
}
