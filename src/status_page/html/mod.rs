//! The page as HTML: pure, one document per response, no script, no external resources.
//!
//! `maud` escapes every value (only the style sheet is `PreEscaped`). `text::plain` has already removed characters that a
//! browser would interpret.

mod overview;
mod parts;
mod probe;
mod sparkline;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use overview::overview;
pub use probe::probe;

use super::ReplicaState;

/// The style sheet: inline, and named by its digest in the Content-Security-Policy.
pub const STYLE: &str = include_str!("style.css");

/// Header and footer of all pages.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Name and state of this replica; `None` for unauthenticated readers.
    pub replica: Option<(&'a str, ReplicaState)>,
    /// The user whose rights limit the page, if rights were checked.
    pub user: Option<&'a str>,
    /// Base URL of `docs/…` in links; without it findings have no link.
    pub docs: Option<&'a str>,
    /// Time of this document.
    pub now: Timestamp,
}

/// A document.
fn document(frame: &Frame<'_>, title: &str, main: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                // Without it a browser requests /favicon.ico.
                link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 9h3l2-6 4 11 2-5h3' fill='none' stroke='%230b5cad' stroke-width='2'/%3E%3C/svg%3E";
                title { (title) " · claudeprobe" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    div.wide {
                        a.mark href="/" { "claudeprobe" }
                        @if let Some((replica, state)) = frame.replica { p.replica { (replica_line(replica, state, frame.user)) } }
                    }
                }
                main.wide id="main" tabindex="-1" {
                    @if let Some((_, state)) = frame.replica { (notice(state)) }
                    (main)
                }
                footer {
                    div.wide {
                        p {
                            "Generated " time datetime=(frame.now) { (frame.now) } " from this replica's memory, which a watch keeps current. "
                            "Latency lines start with the replica and end with it. Prometheus keeps long-term data."
                        }
                        p { "Read-only. The same in a terminal: " code { "claudeprobe list -A" } ", " code { "claudeprobe explain NAMESPACE/NAME" } "." }
                    }
                }
            }
        }
    }
    .into_string()
}

fn replica_line(replica: &str, state: ReplicaState, user: Option<&str>) -> String {
    let does = match state {
        ReplicaState::Leader => "leads",
        ReplicaState::Standby => "is on standby",
        ReplicaState::Starting => "is starting",
        ReplicaState::Stuck => "is stuck",
    };
    let user = user.map_or_else(String::new, |user| format!(" · as {user}"));
    format!("Replica {replica} {does}{user}")
}

/// Why the page may be incomplete or stale.
fn notice(state: ReplicaState) -> Markup {
    let text = match state {
        ReplicaState::Leader => return html! {},
        ReplicaState::Standby => {
            "This replica is on standby, another one leads. The page shows the state from the API server, which may be a moment old."
        }
        ReplicaState::Starting => {
            "This replica has not read all probes yet: some may be missing. Reload the page in a moment."
        }
        ReplicaState::Stuck => {
            "This replica has made no progress for 30 seconds: the page may be stale. The kubelet restarts the replica if this continues."
        }
    };
    html! { div.notice role="note" { p { (text) } } }
}

/// A page with a title and paragraphs, for errors.
#[must_use]
pub fn message(frame: &Frame<'_>, title: &str, paragraphs: &[String]) -> String {
    let main = html! {
        h1 { (title) }
        @for paragraph in paragraphs { p { (paragraph) } }
        p { a href="/" { "All probes" } }
    };
    document(frame, title, &main)
}
