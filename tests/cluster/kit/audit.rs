//! The API server's audit log: which user sent which request.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

/// One answered request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub verb: String,
    pub user: User,
    pub object_ref: Option<ObjectRef>,
    #[serde(default)]
    pub response_status: Response,
}

#[derive(Clone, Debug, Deserialize)]
pub struct User {
    pub username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Response {
    pub code: u16,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ObjectRef {
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

impl Entry {
    /// `create pods`, `patch claudeprobes/status`, …
    pub fn what(&self) -> String {
        let object = self.object_ref.clone().unwrap_or_default();
        let slash = if object.subresource.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{}", self.verb, object.resource, object.subresource)
    }

    /// A request of the operator's service account itself, not of a user who impersonates it.
    pub fn by_operator(&self) -> bool {
        self.user.username == "system:serviceaccount:claudeprobe-system:claudeprobe-operator"
    }

    /// It was granted.
    pub fn granted(&self) -> bool {
        self.response_status.code < 300
    }
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

fn path() -> PathBuf {
    let node = std::env::var("CLAUDEPROBE_TEST_NODE").expect("CLAUDEPROBE_TEST_NODE is set by tests/run");
    std::env::temp_dir().join(format!("claudeprobe-{node}/audit.log"))
}

/// Its beginning.
pub fn start() -> Mark {
    Mark(0)
}

/// The end of the log as it is now.
pub fn mark() -> Mark {
    Mark(usize::try_from(fs::metadata(path()).unwrap().len()).unwrap())
}

/// What was answered since `mark`.
pub fn since(mark: Mark) -> Vec<Entry> {
    let log = fs::read(path()).unwrap();
    let text = String::from_utf8_lossy(&log[mark.0..]);
    // The last line may still be on its way.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the audit log"))
        .collect()
}
