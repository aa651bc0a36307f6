//! The gateway programs and the frame of their configurations; what a case adds is its own text.

use crate::certificates::authority;
use crate::envoy::Envoy;
use crate::litellm::{self, Litellm};
use crate::others::Other;
use crate::peers;
use crate::program::{self, Program, Start};
use crate::stage::{Stage, write};

/// The certificate that a gateway shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Of the test authority, for the gateway's address.
    Good,
    /// For another name.
    WrongName,
    /// Long expired.
    Expired,
    /// Good for five more days.
    Expiring,
}

impl Certificate {
    /// Days until it ends.
    fn days(self) -> i64 {
        match self {
            Self::Good | Self::WrongName => 365,
            Self::Expired => -2_000,
            Self::Expiring => 5,
        }
    }
}

/// A gateway and its configuration.
#[derive(Clone, Debug)]
pub enum Front {
    /// nginx: lines of the `http` and of the `server` block.
    Nginx {
        /// `http` block.
        http: String,
        /// `server` block.
        server: String,
        /// TLS towards the client.
        tls: Option<Certificate>,
    },
    /// HAProxy: lines of `defaults`, `frontend` and `backend`.
    Haproxy {
        /// `defaults` section.
        defaults: String,
        /// `frontend` section.
        frontend: String,
        /// `backend` section.
        backend: String,
        /// TLS towards the client.
        tls: Option<Certificate>,
    },
    /// Envoy.
    Envoy(Envoy),
    /// Squid: lines of its configuration, `http_port` included (`{listen}` is its address).
    Squid(String),
    /// Another program of one configuration file.
    Other(Other),
    /// LiteLLM: which of the shared instances.
    Litellm(Litellm),
    /// No program: these bytes are the reply to every request, recorded from a gateway that cannot be run here.
    Recorded(String),
    /// No program: a device between us and Claude that knows bytes only, and forgets connections that are idle for a second.
    Forgets,
    /// No program: the case names addresses without a server.
    NoServer,
}

/// nginx in front of Claude with this location, HTTP/1.1 and unbuffered unless the text configures otherwise.
pub fn nginx(location: &str) -> Front {
    nginx_server(&format!(
        "location / {{ proxy_http_version 1.1; proxy_buffering off; {location} proxy_pass {{claude_url}}; }}"
    ))
}

/// nginx with this server block.
pub fn nginx_server(server: &str) -> Front {
    Front::Nginx {
        http: String::new(),
        server: server.to_owned(),
        tls: None,
    }
}

/// HAProxy in front of Claude with these frontend and backend lines.
pub fn haproxy(frontend: &str, backend: &str) -> Front {
    Front::Haproxy {
        defaults: String::new(),
        frontend: frontend.to_owned(),
        backend: format!("{backend}\n    server claude {{claude}}"),
        tls: None,
    }
}

/// HAProxy whose backend is another server.
pub fn haproxy_to(server: &str) -> Front {
    Front::Haproxy {
        defaults: String::new(),
        frontend: String::new(),
        backend: format!("server claude {server}"),
        tls: None,
    }
}

impl Front {
    /// The program's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nginx { .. } => "nginx",
            Self::Haproxy { .. } => "haproxy",
            Self::Envoy(_) => "envoy",
            Self::Squid(_) => "squid",
            Self::Other(other) => other.name(),
            Self::Litellm(_) => "litellm",
            Self::Recorded(_) | Self::Forgets => "recorded",
            Self::NoServer => "none",
        }
    }

    /// The same with TLS towards the client.
    pub fn https(mut self, certificate: Certificate) -> Self {
        match &mut self {
            Self::Nginx { tls, .. } | Self::Haproxy { tls, .. } => *tls = Some(certificate),
            Self::Envoy(envoy) => envoy.tls = Some(certificate),
            Self::Squid(_) | Self::Other(_) | Self::Litellm(_) | Self::Recorded(_) | Self::Forgets | Self::NoServer => {
                panic!("no TLS towards the client here")
            }
        }
        self
    }

    /// nginx: these further lines in the `http` block.
    pub fn http(mut self, lines: &str) -> Self {
        let Self::Nginx { http, .. } = &mut self else {
            panic!("only nginx has an http block")
        };
        http.push_str(lines);
        self
    }

    /// Whether clients speak TLS to it.
    pub fn is_https(&self) -> bool {
        match self {
            Self::Nginx { tls, .. } | Self::Haproxy { tls, .. } => tls.is_some(),
            Self::Envoy(envoy) => envoy.tls.is_some(),
            Self::Squid(_) | Self::Other(_) | Self::Litellm(_) | Self::Recorded(_) | Self::Forgets | Self::NoServer => {
                false
            }
        }
    }

    /// All texts of the case: the stage starts what they refer to.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Nginx { http, server, .. } => vec![http, server],
            Self::Haproxy {
                defaults,
                frontend,
                backend,
                ..
            } => vec![defaults, frontend, backend],
            Self::Envoy(envoy) => {
                let mut texts = vec![
                    envoy.manager,
                    envoy.route,
                    envoy.beside,
                    envoy.host,
                    envoy.cluster,
                    envoy.upstream.0,
                    envoy.tcp,
                    envoy.listener,
                ];
                texts.extend(envoy.filters);
                texts
            }
            Self::Squid(lines) => vec![lines],
            Self::Other(other) => vec![other.lines],
            Self::Litellm(_) | Self::Recorded(_) | Self::Forgets | Self::NoServer => Vec::new(),
        }
    }

    /// Starts it. `None` when there is no program.
    pub fn start(&self, stage: &mut Stage) -> Option<Program> {
        match self {
            Self::NoServer => return None,
            Self::Litellm(which) => {
                let lease = litellm::lease(*which, stage.fill("{claude}").parse().unwrap());
                stage.address("gateway_address", lease.address());
                stage.litellm = Some(lease);
                return None;
            }
            Self::Recorded(reply) => {
                let address = peers::plays_back(reply.clone());
                stage.address("gateway_address", address);
                return None;
            }
            Self::Forgets => {
                let claude = stage.fill("{claude}").parse().unwrap();
                stage.address("gateway_address", peers::forgets_idle(claude));
                return None;
            }
            _ => {}
        }
        let address = program::address();
        stage.address("listen", address);
        let directory = program::directory();
        let certificate = match self {
            Self::Nginx { tls, .. } | Self::Haproxy { tls, .. } => *tls,
            Self::Envoy(envoy) => envoy.tls,
            Self::Squid(_) | Self::Other(_) | Self::Litellm(_) | Self::Recorded(_) | Self::Forgets | Self::NoServer => {
                None
            }
        };
        if let Some(certificate) = certificate {
            let name = match certificate {
                Certificate::WrongName => "elsewhere.test".to_owned(),
                _ => address.ip().to_string(),
            };
            let (chain, key) = authority().issue(&[name], certificate.days());
            write(&directory.path().join("server.pem"), &format!("{chain}{key}"));
        }
        let own = directory.path().to_string_lossy().into_owned();
        let (program, file, text, arguments) = match self {
            Self::Nginx { http, server, tls } => (
                program::find("nginx"),
                "nginx.conf",
                nginx_conf(http, server, tls.is_some()),
                vec!["-p", "{own}", "-c", "{own}/nginx.conf", "-e", "{own}/error.log"],
            ),
            Self::Haproxy {
                defaults,
                frontend,
                backend,
                tls,
            } => (
                program::find("haproxy"),
                "haproxy.cfg",
                haproxy_conf(defaults, frontend, backend, tls.is_some()),
                vec!["-db", "-f", "{own}/haproxy.cfg"],
            ),
            Self::Envoy(envoy) => (
                program::find_cached("envoy-1.40.0/envoy"),
                "envoy.yaml",
                envoy.configuration(),
                vec![
                    "-c",
                    "{own}/envoy.yaml",
                    "--concurrency",
                    "1",
                    "--disable-hot-restart",
                    "--log-level",
                    "warning",
                ],
            ),
            Self::Squid(lines) => (
                program::find("squid"),
                "squid.conf",
                squid_conf(lines),
                vec!["-N", "-f", "{own}/squid.conf"],
            ),
            Self::Other(other) => other.parts(),
            Self::Litellm(_) | Self::Recorded(_) | Self::Forgets | Self::NoServer => return None,
        };
        stage.name("own", own);
        if matches!(self, Self::Other(other) if other.is_of_npm()) {
            let manifest = program::find_cached("npm-gateways/package.json");
            stage.name("npm", manifest.parent().unwrap().to_string_lossy());
        }
        write(&directory.path().join(file), &stage.fill(&text));
        if text.contains("sslcrtd_program") {
            certificate_store(&directory.path().join("certificates"));
        }
        let start = Start {
            name: self.name(),
            program,
            arguments: arguments.into_iter().map(|argument| stage.fill(argument)).collect(),
            address,
            directory,
        };
        let program = start.run();
        stage.address("gateway_address", address);
        stage.address(self.name(), address);
        Some(program)
    }
}

fn nginx_conf(http: &str, server: &str, tls: bool) -> String {
    let (modsecurity, ssl, certificate) = (
        if server.contains("modsecurity") {
            "load_module /usr/lib/nginx/modules/ngx_http_modsecurity_module.so;\n"
        } else {
            ""
        },
        if tls { " ssl" } else { "" },
        if tls {
            "ssl_certificate {own}/server.pem; ssl_certificate_key {own}/server.pem;"
        } else {
            ""
        },
    );
    // A case may listen in its own way.
    let listen = if server.contains("listen {listen}") {
        String::new()
    } else {
        format!("listen {{listen}}{ssl}; ")
    };
    format!(
        "{modsecurity}daemon off; master_process off; user root; pid {{own}}/pid; error_log {{own}}/error.log info;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {{own}}/body; proxy_temp_path {{own}}/proxy; fastcgi_temp_path {{own}}/fastcgi;
  uwsgi_temp_path {{own}}/uwsgi; scgi_temp_path {{own}}/scgi;
  log_format timed '$request $status up=$upstream_status connect=$upstream_connect_time total=$request_time';
  access_log {{own}}/access.log timed;
  {http}
  server {{
    {listen}{certificate}
    {server}
  }}
}}
"
    )
}

fn haproxy_conf(defaults: &str, frontend: &str, backend: &str, tls: bool) -> String {
    let ssl = if tls { " ssl crt {own}/server.pem" } else { "" };
    // A case may bind in its own way.
    let bind = if frontend.contains("bind {listen}") {
        String::new()
    } else {
        format!("bind {{listen}}{ssl}")
    };
    format!(
        "global
    maxconn 200
defaults
    mode http
    log stdout format raw local0
    option httplog
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 1
    {defaults}
frontend in
    {bind}
    {frontend}
    default_backend out
backend out
    {backend}
"
    )
}

fn squid_conf(lines: &str) -> String {
    format!(
        "pid_filename none
cache_effective_user proxy
cache deny all
visible_hostname corp-proxy
access_log stdio:{{own}}/access.log
cache_log {{own}}/cache.log
coredump_dir {{own}}
shutdown_lifetime 0 seconds
{lines}
"
    )
}

/// The store that Squid's certificate helper needs.
fn certificate_store(path: &std::path::Path) {
    let helper = "/usr/lib/squid/security_file_certgen";
    let made = std::process::Command::new(helper)
        .arg("-c")
        .arg("-s")
        .arg(path)
        .args(["-M", "4MB"])
        .output();
    let made = made.unwrap_or_else(|error| panic!("{helper}: {error}: run tests/tools/install gateways"));
    assert!(
        made.status.success(),
        "{helper}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    // Squid gives up root and must own it then.
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap()) != 0 {
        return;
    }
    let owned = std::process::Command::new("chown")
        .arg("-R")
        .arg("proxy:")
        .arg(path)
        .status();
    assert!(
        owned.is_ok_and(|status| status.success()),
        "chown proxy {}",
        path.display()
    );
}
