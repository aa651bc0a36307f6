//! Address and links of the status page, from the command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli::exit::Failure;
use crate::http::Current;
use crate::status_page::access::{Access, Reviewer};
use crate::status_page::tls::TlsListener;
use crate::status_page::{self, Page};

/// Where it listens without a word.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);

/// Options of the status page.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Address of the status page, or off. Beyond loopback it needs TLS and a bearer token per request, and shows the
    /// probes that the token's owner may get [default: 127.0.0.1:8090, or off with a warning if that is in use]
    #[arg(long, env = "CLAUDEPROBE_STATUS_PAGE", value_name = "ADDRESS|off")]
    status_page: Option<Place>,
    /// Folder with tls.crt and tls.key, as a mounted Secret of type kubernetes.io/tls, for a status page beyond
    /// loopback. Reloaded on change
    #[arg(long, env = "CLAUDEPROBE_STATUS_PAGE_TLS", value_name = "FOLDER")]
    status_page_tls: Option<PathBuf>,
    /// Audience of tokens for the status page [default: the API server's own]
    #[arg(long, env = "CLAUDEPROBE_STATUS_PAGE_AUDIENCE", value_name = "AUDIENCE")]
    status_page_audience: Option<String>,
    /// What precedes docs/findings/… in the status page's links, with a final slash [default: no links]
    #[arg(long, env = "CLAUDEPROBE_RUNBOOK_BASE", value_name = "URL", value_parser = base)]
    runbook_base: Option<String>,
}

/// An address, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Off,
    At(SocketAddr),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            text => text
                .parse()
                .map(Self::At)
                .map_err(|_| "must be ADDRESS:PORT, such as 127.0.0.1:8090 or [::]:8443, or off".to_owned()),
        }
    }
}

/// A link that a reader may follow: nothing that a browser would run.
fn base(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".into());
    }
    if !text.ends_with('/') {
        return Err("must end with a slash: docs/findings/… follows it".into());
    }
    Ok(url.into())
}

/// A page that is bound, and not served yet.
#[derive(Debug)]
pub struct Door {
    listener: Listener,
    /// Where it listens.
    pub address: SocketAddr,
    audience: Option<String>,
    docs: Option<String>,
}

enum Listener {
    Plain(TcpListener),
    Tls(Box<TlsListener>),
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

impl Options {
    /// Binds the page's address; `None` where there is to be no page.
    ///
    /// # Errors
    /// Options that do not go together, an address that was asked for and cannot be had, a certificate that cannot be used.
    pub async fn bind(&self) -> Result<Option<Door>, Failure> {
        let address = match self.status_page {
            Some(Place::Off) => return Ok(None),
            Some(Place::At(address)) => address,
            None => DEFAULT,
        };
        self.check(address)?;
        let tcp = match TcpListener::bind(address).await {
            Ok(tcp) => tcp,
            Err(error) if self.status_page.is_none() => {
                tracing::warn!(%address, %error, "no status page: its address is in use; give --status-page another address, or off");
                return Ok(None);
            }
            Err(error) => {
                return Err(Failure::runtime(format!(
                    "--status-page: cannot listen on {address}: {error}"
                )));
            }
        };
        let address = tcp.local_addr().map_err(|error| Failure::runtime(error.to_string()))?;
        let listener = match &self.status_page_tls {
            None => Listener::Plain(tcp),
            Some(folder) => Listener::Tls(Box::new(
                TlsListener::new(tcp, folder)
                    .map_err(|error| Failure::runtime(format!("--status-page-tls: {error}")))?,
            )),
        };
        Ok(Some(Door {
            listener,
            address,
            audience: self.status_page_audience.clone(),
            docs: self.runbook_base.clone(),
        }))
    }

    fn check(&self, address: SocketAddr) -> Result<(), Failure> {
        let local = address.ip().is_loopback();
        let only_elsewhere = |name: &str| {
            Failure::usage(format!(
                "{name} is for a status page that others can reach: {address} is on loopback. Leave it out, or give --status-page \
                 another address"
            ))
        };
        match (local, &self.status_page_tls, &self.status_page_audience) {
            (false, None, _) => Err(Failure::usage(format!(
                "--status-page {address} is not on loopback, so every request carries a token: give --status-page-tls, a folder with \
                 tls.crt and tls.key, or use a loopback address and kubectl port-forward"
            ))),
            (true, Some(_), _) => Err(only_elsewhere("--status-page-tls")),
            (true, None, Some(_)) => Err(only_elsewhere("--status-page-audience")),
            _ => Ok(()),
        }
    }
}

impl Door {
    /// Serves the page of `current` until `stop`. The rights of a reader over TLS are looked up by `client`.
    pub fn open(
        self,
        client: &Client,
        current: Current,
        replica: String,
        stop: CancellationToken,
    ) -> JoinHandle<std::io::Result<()>> {
        let page = |access| Page {
            source: Box::new(current),
            access,
            replica,
            docs: self.docs,
        };
        match self.listener {
            Listener::Plain(listener) => tokio::spawn(status_page::serve(listener, page(Access::Local), stop)),
            Listener::Tls(listener) => {
                let reviewer = Reviewer::new(client.clone(), self.audience);
                tokio::spawn(status_page::serve(
                    *listener,
                    page(Access::Reviewed(Box::new(reviewer))),
                    stop,
                ))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        page: Options,
    }

    fn args(line: &[&str]) -> Result<Options, String> {
        let line = std::iter::once("x").chain(line.iter().copied());
        Line::try_parse_from(line)
            .map(|line| line.page)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_invalid_address_or_link_is_rejected_with_its_fix() {
        for (line, part) in [
            (["--status-page", "8090"], "127.0.0.1:8090"),
            (["--runbook-base", "javascript:alert(1)/"], "http://"),
            (["--runbook-base", "https://git.example.com/x"], "slash"),
            (["--runbook-base", "docs/"], "URL"),
        ] {
            let error = args(&line).unwrap_err();
            assert!(error.contains(part), "{line:?}: {error}");
        }
    }

    #[tokio::test]
    async fn a_page_that_others_can_reach_needs_a_certificate() {
        let refused = async |line: &[&str]| args(line).unwrap().bind().await.unwrap_err().message;
        let text = refused(&["--status-page", "0.0.0.0:0"]).await;
        assert!(text.contains("--status-page-tls"), "{text}");
        let text = refused(&["--status-page", "127.0.0.1:0", "--status-page-tls", "/x"]).await;
        assert!(text.contains("on loopback"), "{text}");
        let text = refused(&["--status-page-audience", "a"]).await;
        assert!(text.contains("on loopback"), "{text}");
        let text = refused(&["--status-page", "0.0.0.0:0", "--status-page-tls", "/nowhere"]).await;
        assert!(text.contains("/nowhere/tls.crt"), "{text}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error() {
        assert!(args(&["--status-page", "off"]).unwrap().bind().await.unwrap().is_none());
        let taken = args(&["--status-page", "127.0.0.1:0"])
            .unwrap()
            .bind()
            .await
            .unwrap()
            .unwrap();
        let address = taken.address.to_string();
        let failure = args(&["--status-page", &address]).unwrap().bind().await.unwrap_err();
        assert!(failure.message.contains(&address), "{failure:?}");
    }
}
