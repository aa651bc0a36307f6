//! The paths of a probe, each with all that it inherits filled in.

use super::fault::Faults;
use super::headers::{self, Credential, Header};
use super::placement::{self, Placement};
use super::request;
use super::url::BaseUrl;
use crate::catalogue::Code;
use crate::claude::client;
use crate::resource::spec::{self, ExpectAccount, HttpVersion, KeyRef, PathOptions, Upstream};

/// Name of the control.
pub const DIRECT: &str = "direct";
/// Most gateways of one probe.
pub const MAX_GATEWAYS: usize = 8;
/// Longest name of a gateway.
pub const MAX_PATH_NAME: usize = 40;

/// One path: the control or a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// [`DIRECT`] or the gateway's name.
    pub name: String,
    /// Whether this is the control.
    pub direct: bool,
    /// Where it leads.
    pub url: BaseUrl,
    /// What the gateway leads to; `Anthropic` for the control.
    pub upstream: Upstream,
    /// Whether it must use direct's organisation and workspace.
    pub expect_account: ExpectAccount,
    /// Findings to live with.
    pub accept: Vec<Code>,
    /// Labels of the gateway's own pods.
    pub workload: Option<Selector>,
    /// The key in effect, its own or the probe's; `None` sends none.
    pub credential: Option<Credential>,
    /// Its own name of the model.
    pub model: Option<String>,
    /// Extra headers of this path only; none of them is among the request's.
    pub headers: Vec<Header>,
    /// Forward proxy.
    pub proxy: Option<Proxy>,
    /// TLS settings.
    pub tls: Tls,
    /// HTTP version.
    pub http_version: HttpVersion,
    /// Placement of a pod of its own.
    pub placement: Option<Placement>,
}

impl Path {
    /// Whether the path leads to the Claude API as far as its declaration says: exchanges that only Claude answers make sense.
    #[must_use]
    pub fn leads_to_claude(&self) -> bool {
        matches!(self.upstream, Upstream::Auto | Upstream::Anthropic)
    }
}

/// A forward proxy; its credential is in the keys `username` and `password` of a Secret.
pub type Proxy = client::Proxy<KeyRef>;
/// TLS settings; the client certificate is in a Secret of type kubernetes.io/tls.
pub type Tls = client::Tls<KeyRef>;

/// Labels that a pod must have, at least one.
pub type Selector = std::collections::BTreeMap<String, String>;

pub(super) fn paths(spec: &spec::ClaudeProbeSpec, faults: &mut Faults) -> Vec<Path> {
    let default = spec
        .credential
        .as_ref()
        .and_then(|credential| headers::credential("spec.credential", credential, faults));
    let shared = Shared { spec, default };
    let mut paths = Vec::new();
    if let Some(direct) = &spec.direct {
        let entry = Entry {
            name: DIRECT,
            field: "spec.direct".into(),
            url: &direct.url,
            options: &direct.options,
        };
        paths.extend(shared.path(&entry, faults));
    }
    faults.check(
        (1..=MAX_GATEWAYS).contains(&spec.gateways.len()),
        "spec.gateways",
        format!("must have 1 to {MAX_GATEWAYS} entries"),
    );
    let control = paths.first().and_then(|direct| direct.credential.clone());
    for (index, gateway) in spec.gateways.iter().enumerate() {
        let field = format!("spec.gateways[{index}]");
        name(&format!("{field}.name"), &gateway.name, &spec.gateways[..index], faults);
        let entry = Entry {
            name: &gateway.name,
            field,
            url: &gateway.url,
            options: &gateway.options,
        };
        let Some(mut path) = shared.path(&entry, faults) else {
            continue;
        };
        path.direct = false;
        path.upstream = gateway.upstream;
        path.accept.clone_from(&gateway.accept);
        path.workload = gateway
            .workload
            .as_ref()
            .and_then(|workload| selector(&format!("{}.workload", entry.field), workload, faults));
        let same_key =
            matches!((&path.credential, &control), (Some(own), Some(control)) if own.secret == control.secret);
        if let Some(credential) = &mut path.credential {
            credential.anthropic = same_key;
        }
        faults.check(
            spec.direct.is_some() || gateway.expect_account != Some(ExpectAccount::Same),
            format!("{}.expectAccount", entry.field),
            "must not be Same without spec.direct: set spec.direct, or remove expectAccount",
        );
        path.expect_account = gateway.expect_account.unwrap_or(if same_key && path.leads_to_claude() {
            ExpectAccount::Same
        } else {
            ExpectAccount::Any
        });
        paths.push(path);
    }
    paths
}

struct Shared<'a> {
    spec: &'a spec::ClaudeProbeSpec,
    /// `None` where the spec has no valid default, `Some(None)` where it says to send none.
    default: Option<Option<Credential>>,
}

struct Entry<'a> {
    name: &'a str,
    field: String,
    url: &'a str,
    options: &'a PathOptions,
}

impl Shared<'_> {
    /// The path as if it were the control; what only gateways have is the caller's.
    fn path(&self, entry: &Entry<'_>, faults: &mut Faults) -> Option<Path> {
        let Entry { field, options, .. } = entry;
        let url = BaseUrl::parse(entry.url).map_err(|error| faults.add(format!("{field}.url"), error));
        let credential = self.credential(entry, faults);
        if let Some(model) = &options.model {
            request::model(&format!("{field}.model"), model, faults);
        }
        let headers = headers::headers(&format!("{field}.headers"), &options.headers, faults);
        for header in &headers {
            let twice = self
                .spec
                .request
                .headers
                .iter()
                .any(|known| known.name.eq_ignore_ascii_case(&header.name));
            faults.check(
                !twice,
                format!("{field}.headers"),
                format!(
                    "{:?} must not be in request.headers too: remove one of the two",
                    header.name
                ),
            );
        }
        let tls = tls(&format!("{field}.tls"), options.tls.as_ref(), faults);
        let proxy = options
            .proxy
            .as_ref()
            .and_then(|it| proxy(&format!("{field}.proxy"), it, faults));
        let placement = options
            .placement
            .as_ref()
            .map(|it| placement::placement(&format!("{field}.placement"), it, faults));
        let mut credential = credential?;
        if let Some(credential) = &mut credential {
            credential.anthropic = true;
        }
        Some(Path {
            name: entry.name.to_owned(),
            direct: true,
            url: url.ok()?,
            upstream: Upstream::Anthropic,
            expect_account: ExpectAccount::Same,
            accept: Vec::new(),
            workload: None,
            credential,
            model: options.model.clone(),
            headers,
            proxy,
            tls,
            http_version: options.http_version,
            placement,
        })
    }

    fn credential(&self, entry: &Entry<'_>, faults: &mut Faults) -> Option<Option<Credential>> {
        match (&entry.options.credential, &self.spec.credential) {
            (Some(own), _) => headers::credential(&format!("{}.credential", entry.field), own, faults),
            (None, Some(_)) => self.default.clone(),
            (None, None) => {
                faults.add(
                    format!("{}.credential", entry.field),
                    "must be set here, or as spec.credential for all paths (none: {} sends no key)",
                );
                None
            }
        }
    }
}

fn name(field: &str, name: &str, before: &[spec::GatewayPath], faults: &mut Faults) {
    faults.check(
        headers::is_dns_label(name) && name.len() <= MAX_PATH_NAME,
        field,
        format!("{name:?} must be at most {MAX_PATH_NAME} lower-case letters, digits and -"),
    );
    faults.check(
        name != DIRECT && name != "all",
        field,
        format!("{name:?} must be another name: direct and all are reserved"),
    );
    faults.check(
        !before.iter().any(|gateway| gateway.name == name),
        field,
        format!("{name:?} must be unique among the gateways"),
    );
}

fn tls(field: &str, tls: Option<&spec::Tls>, faults: &mut Faults) -> Tls {
    let Some(tls) = tls else { return Tls::default() };
    if let Some(ca) = &tls.ca_config_map_key_ref {
        headers::key_ref(&format!("{field}.caConfigMapKeyRef"), ca, faults);
    }
    if let Some(secret) = &tls.client_certificate_secret_ref {
        headers::object_name(
            &format!("{field}.clientCertificateSecretRef.name"),
            &secret.name,
            faults,
        );
    }
    if let Some(name) = &tls.server_name {
        let good = name.len() <= 253
            && name
                .split('.')
                .all(|label| headers::is_dns_label(&label.to_ascii_lowercase()));
        faults.check(
            good,
            format!("{field}.serverName"),
            "must be a host name such as gateway.example.com",
        );
    }
    Tls {
        ca: tls.ca_config_map_key_ref.clone(),
        server_name: tls.server_name.clone(),
        client_certificate: tls
            .client_certificate_secret_ref
            .as_ref()
            .map(|secret| pair(secret, "tls.crt", "tls.key")),
    }
}

fn proxy(field: &str, proxy: &spec::Proxy, faults: &mut Faults) -> Option<Proxy> {
    if let Some(secret) = &proxy.credential_secret_ref {
        headers::object_name(&format!("{field}.credentialSecretRef.name"), &secret.name, faults);
    }
    let url = BaseUrl::parse_proxy(&proxy.url).map_err(|error| faults.add(format!("{field}.url"), error));
    Some(Proxy {
        url: url.ok()?.as_str().to_owned(),
        credential: proxy
            .credential_secret_ref
            .as_ref()
            .map(|secret| pair(secret, "username", "password")),
    })
}

/// Two keys of one Secret.
fn pair(secret: &spec::SecretRef, one: &str, two: &str) -> (KeyRef, KeyRef) {
    let key = |key: &str| KeyRef {
        name: secret.name.clone(),
        key: key.to_owned(),
    };
    (key(one), key(two))
}

pub(super) fn selector(field: &str, workload: &spec::Workload, faults: &mut Faults) -> Option<Selector> {
    let field = format!("{field}.selector.matchLabels");
    let labels = &workload.selector.match_labels;
    if labels.is_empty() {
        faults.add(
            field,
            "must have at least one label: an empty selector selects every pod",
        );
        return None;
    }
    placement::labels(&field, labels, faults);
    Some(labels.clone())
}
