//! Causes that only the operator shows: it remembers runs, and reads pods.

use claudeprobe::catalogue::Code;
use claudeprobe::diagnosis::{Context, StaleWorkload};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Front, nginx};
use crate::proof::Observation::{Begins, Status};
use crate::proof::{direct, through};

/// A filter that delays each request.
const HOLDS: Envoy = Envoy {
    filters: &[
        r#"{name: fault, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, delay: {fixed_delay: 0.4s, percentage: {numerator: 100}}}}"#,
    ],
    ..Envoy::PLAIN
};

/// Two pods of the spec's workload took the key before it changed. The cluster's stories show how the operator sees that.
fn pods_with_an_older_key(context: &mut Context) {
    context.stale_workloads = vec![StaleWorkload {
        key_ref: "claude/key".into(),
        pods: vec!["chat-0".into(), "chat-1".into()],
        count: 2,
        certain: true,
    }];
}

cases! {
    pods_hold_an_older_key_than_the_probe: Case::new(nginx("")).context(pods_with_an_older_key)
        .proof(through(&[Status(200)])).proof(direct(&[Status(200)]))
        .degraded(Code::WorkloadStaleCredential, "");
    envoy_holds_every_request_for_a_while: Case::new(Front::Envoy(HOLDS)).runs(13)
        .proof(through(&[Status(200), Begins(380, 8000)])).proof(direct(&[Status(200), Begins(0, 300)]))
        .degraded(Code::GatewayLatency, "edge");

    the_model_will_be_retired_soon: Case::new(nginx("")).request(", model: claude-sonnet-4-5")
        // A week before the day.
        .context(|context| context.now_ms = 1_795_392_000_000)
        .proof(through(&[Status(200)]))
        .degraded(Code::ModelRetiring, "");
}
