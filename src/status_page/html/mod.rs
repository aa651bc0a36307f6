//! The page as HTML: pure, one document in one answer, no script, nothing loaded from elsewhere.
//!
//! Every value passes through `maud`, which escapes it; there is no other way into the document (nothing here is `PreEscaped` but the
//! style sheet). Letters that would be obeyed instead of shown are gone before, see `text::plain`.

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

use super::Standing;

/// The style sheet: inline, and named by its digest in the Content-Security-Policy.
pub const STYLE: &str = include_str!("style.css");

/// What all pages say of themselves.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Name of the replica that answers, and how far what it shows can be trusted; nothing for strangers.
    pub replica: Option<(&'a str, Standing)>,
    /// Whose rights decided what is shown, where rights were asked for.
    pub user: Option<&'a str>,
    /// What stands before `docs/…` in links; without it findings are named, and not linked.
    pub docs: Option<&'a str>,
    /// When this was made.
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
                // Without it a browser asks for /favicon.ico.
                link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 9h3l2-6 4 11 2-5h3' fill='none' stroke='%230b5cad' stroke-width='2'/%3E%3C/svg%3E";
                title { (title) " · claudeprobe" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    div.wide {
                        a.mark href="/" { "claudeprobe" }
                        @if let Some((replica, standing)) = frame.replica { p.replica { (said_of(replica, standing, frame.user)) } }
                    }
                }
                main.wide id="main" tabindex="-1" {
                    @if let Some((_, standing)) = frame.replica { (caution(standing)) }
                    (main)
                }
                footer {
                    div.wide {
                        p { "Made " time datetime=(frame.now) { (frame.now) } " from this replica's memory, which a watch keeps up to date. "
                            "Lines of latency begin with the replica and end with it; Prometheus keeps what must last." }
                        p { "Read-only. The same in a terminal: " code { "claudeprobe list -A" } ", " code { "claudeprobe explain NAMESPACE/NAME" } "." }
                    }
                }
            }
        }
    }
    .into_string()
}

fn said_of(replica: &str, standing: Standing, user: Option<&str>) -> String {
    let does = match standing {
        Standing::Acts => "acts",
        Standing::StandsBy => "stands by",
        Standing::Starts => "starts",
        Standing::Stuck => "is stuck",
    };
    let user = user.map_or_else(String::new, |user| format!(" · as {user}"));
    format!("Replica {replica} {does}{user}")
}

/// What keeps this page from being the whole and present truth.
fn caution(standing: Standing) -> Markup {
    let text = match standing {
        Standing::Acts => return html! {},
        Standing::StandsBy => {
            "This replica stands by, and another one acts: what you see is what the API server told, and may be a moment behind."
        }
        Standing::Starts => {
            "This replica has not read everything yet: probes may be missing. Load the page again in a moment."
        }
        Standing::Stuck => {
            "This replica has not made progress for 30 seconds: what you see may be old. The kubelet restarts it if that lasts."
        }
    };
    html! { div.notice role="note" { p { (text) } } }
}

/// A page with a sentence, for whatever cannot be shown.
#[must_use]
pub fn message(frame: &Frame<'_>, title: &str, sentences: &[String]) -> String {
    let main = html! {
        h1 { (title) }
        @for sentence in sentences { p { (sentence) } }
        p { a href="/" { "All probes" } }
    };
    document(frame, title, &main)
}
