//! `kubectl delete` leaves nothing behind.

use crate::kit::eventually;
use crate::kit::nginx::Nginx;
use crate::kit::operator::series;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

#[test]
fn a_deleted_probe_takes_its_pods_and_series_along() {
    let story = Story::new("cleanup", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "");
    story.first_run();
    let of_story = format!("namespace=\"{}\"", story.namespace);
    assert!(!series("claudeprobe_up", &[&of_story]).is_empty());
    assert!(
        story.kubectl(&["get", "pods", "-o", "name"]).starts_with("pod/p-"),
        "the newest pod stays for its logs"
    );

    story.kubectl(&["delete", "claudeprobe", "p", "--timeout=20s"]);
    eventually("its pods are gone", || {
        match story.kubectl(&["get", "pods", "-o", "name"]) {
            none if none.is_empty() => Ok(()),
            left => Err(left),
        }
    });
    eventually("its series are gone", || match series("claudeprobe_", &[&of_story]) {
        none if none.is_empty() => Ok(()),
        left => Err(left.join("\n")),
    });
}
