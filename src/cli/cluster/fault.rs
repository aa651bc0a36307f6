//! Errors of the API server as messages, each with its fix.

use kube::core::Status;

use crate::cli::exit::Failure;
use crate::telemetry::chain;
use crate::text::plain::plain;

/// Whether the API server knows the kind, and not the object.
pub fn is_missing_object(status: &Status) -> bool {
    status.code == 404
        && status
            .details
            .as_ref()
            .is_some_and(|details| details.kind == "claudeprobes" && !details.name.is_empty())
}

/// The sentence for `error`, which came when `verb` was asked of the probes in `namespace` (or in all) at `place`.
pub fn sentence(error: &kube::Error, place: &str, verb: &str, namespace: Option<&str>) -> Failure {
    let scope = namespace.map_or_else(
        || "all namespaces".to_owned(),
        |namespace| format!("namespace {namespace}"),
    );
    match error {
        kube::Error::Api(status) => refusal(status, place, verb, &scope, namespace.is_none()),
        kube::Error::Auth(error) => Failure::runtime(plain(&format!(
            "the kubeconfig's login for {place} fails: {}. Log in again",
            chain(error)
        ))),
        kube::Error::SerdeError(error) => Failure::runtime(plain(&format!(
            "{place} answers, but not as a Kubernetes API server does: {error}"
        ))),
        kube::Error::Service(error) => unreachable(place, &chain(error.as_ref())),
        error => unreachable(place, &chain(error)),
    }
}

fn unreachable(place: &str, why: &str) -> Failure {
    Failure::runtime(plain(&format!(
        "the API server at {place} cannot be reached: {why}. Check the address, the VPN and the proxy; kubectl version asks \
             the same server"
    )))
}

fn refusal(status: &Status, place: &str, verb: &str, scope: &str, everywhere: bool) -> Failure {
    let says = status.message.trim().trim_end_matches('.');
    let text = match status.code {
        401 => format!("the API server at {place} rejects your credentials ({says}): log in again"),
        403 if says.contains("cannot ") && everywhere => format!(
            "you may not {verb} claudeprobes in {scope}: replace --all-namespaces by --namespace, or request the role \
             claudeprobe-view for the whole cluster ({says})"
        ),
        403 if says.contains("cannot ") => {
            let (role, of) = match verb {
                "patch" => ("claudeprobe-edit", "edit and admin"),
                _ => ("claudeprobe-view", "view, edit and admin"),
            };
            format!(
                "you may not {verb} claudeprobes in {scope}: request the role {role} there, which {of} include ({says})"
            )
        }
        403 => format!("the API server at {place} rejects the {verb} of the claudeprobe in {scope}: {says}"),
        404 => format!(
            "the cluster at {place} has no CRD ClaudeProbe. Check the context, or install the chart, or run: claudeprobe crd | kubectl \
             apply --server-side -f -"
        ),
        429 | 500..=599 => format!(
            "the API server at {place} cannot answer now ({} {says}): try again in a moment",
            status.code
        ),
        code => format!("the API server at {place} answers {code} to {verb} in {scope}: {says}"),
    };
    Failure::runtime(plain(&text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn refused(code: u16, message: &str, verb: &str, namespace: Option<&str>) -> String {
        let status = Status {
            code,
            message: message.to_owned(),
            ..Status::default()
        };
        let failure = sentence(&kube::Error::Api(Box::new(status)), "https://c:6443", verb, namespace);
        assert_eq!(failure.exit.0, 4);
        failure.message
    }

    const CANNOT: &str = "claudeprobes.claudeprobe.dev \"a\" is forbidden: User \"jane\" cannot get resource";

    #[rstest]
    #[case(401, "Unauthorized", "get", Some("ai"), "log in again")]
    #[case(403, CANNOT, "get", Some("ai"), "namespace ai: request the role claudeprobe-view")]
    #[case(403, CANNOT, "patch", Some("ai"), "request the role claudeprobe-edit")]
    #[case(403, CANNOT, "list", None, "replace --all-namespaces")]
    #[case(
        403,
        "denied by a policy\u{1b}[2J",
        "patch",
        Some("ai"),
        "rejects the patch of the claudeprobe in namespace ai: denied by a policy [2J"
    )]
    #[case(404, "404 page not found", "get", Some("ai"), "has no CRD ClaudeProbe")]
    #[case(503, "etcd", "get", Some("ai"), "try again in a moment")]
    fn every_rejection_has_its_fix(
        #[case] code: u16,
        #[case] message: &str,
        #[case] verb: &str,
        #[case] namespace: Option<&str>,
        #[case] expected: &str,
    ) {
        let text = refused(code, message, verb, namespace);
        assert!(text.contains(expected), "{text}");
    }
}
