//! Sets up a scenario on loopback: a stand-in Claude, the gateway, and the URLs for a client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::gateway::{Behaviour, Gateway};
use super::scenario::{Scenario, Setup};
use crate::standin::{Config, Standin, StartError, TEST_KEY};

/// A scenario that is set up; it is taken down when dropped.
#[derive(Debug)]
pub struct Stage {
    /// Base URL of the direct path.
    pub direct: String,
    /// Base URL of the gateway.
    pub gateway: String,
    /// The key that the client holds.
    pub key: String,
    claude: Standin,
    _behind: Option<Standin>,
    running: Option<Gateway>,
}

/// Why a scenario could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The stand-in did not start.
    #[error(transparent)]
    Standin(#[from] StartError),
    /// No port for the gateway.
    #[error("a gateway cannot listen on loopback: {0}")]
    Listen(#[from] io::Error),
}

impl Stage {
    /// Sets `scenario` up.
    ///
    /// # Errors
    /// When loopback has no free port.
    pub async fn set(scenario: &Scenario) -> Result<Self, StageError> {
        let claude = claude(scenario, &scenario.claude).await?;
        let behind = match &scenario.behind {
            Some(rules) => Some(self::claude(scenario, rules).await?),
            None => None,
        };
        let upstream = behind.as_ref().unwrap_or(&claude).address();
        let (gateway, url) = match &scenario.gateway {
            Setup::Up(behaviour) => up(upstream, behaviour.clone()).await?,
            Setup::UpstreamDown => up(closed().await?, Behaviour::default()).await?,
            Setup::Down => (None, format!("http://{}", closed().await?)),
            // Reserved never to exist (RFC 6761 section 6.4).
            Setup::NoSuchHost => (None, "http://gateway.invalid".to_owned()),
            Setup::WrongPath => {
                let (gateway, url) = up(upstream, Behaviour::default()).await?;
                (gateway, format!("{url}/claude"))
            }
        };
        let direct = if scenario.no_control {
            format!("http://{}", closed().await?)
        } else {
            claude.url()
        };
        Ok(Self {
            direct,
            gateway: url,
            key: scenario.key.clone().unwrap_or_else(|| TEST_KEY.to_owned()),
            claude,
            _behind: behind,
            running: gateway,
        })
    }

    /// Gives the running gateway, and Claude behind it, the fault of another scenario; addresses and key stay. Both
    /// scenarios must be [interchangeable](Scenario::behaviour).
    pub fn play(&self, scenario: &Scenario) {
        if let (Some(gateway), Some(behaviour)) = (&self.running, scenario.behaviour()) {
            gateway.behave(behaviour.clone());
            self.claude.set_pace(scenario.pace, Config::default().first_byte);
            self.claude.clear_faults();
            for rule in &scenario.claude {
                self.claude.set_fault(rule.clone());
            }
        }
    }
}

async fn claude(scenario: &Scenario, rules: &[crate::standin::Rule]) -> Result<Standin, StartError> {
    let standin = Standin::start(Config {
        control: None,
        pace: scenario.pace,
        ..Config::default()
    })
    .await?;
    for rule in rules {
        standin.set_fault(rule.clone());
    }
    Ok(standin)
}

async fn up(upstream: SocketAddr, behaviour: Behaviour) -> io::Result<(Option<Gateway>, String)> {
    let gateway = Gateway::start(upstream, behaviour).await?;
    let url = gateway.url();
    Ok((Some(gateway), url))
}

/// An address on which nothing listens: the kernel does not hand the port out again soon.
async fn closed() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}
