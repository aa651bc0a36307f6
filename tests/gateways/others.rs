//! Further gateways of one configuration file each: Apache, Caddy, lighttpd, Varnish, and two AI gateways of npm's. What a case adds
//! is its own text.

use std::path::PathBuf;

use crate::program;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Apache httpd: directives before the `ProxyPass` of everything.
    Apache,
    /// Caddy: the site's directives.
    Caddy,
    /// lighttpd: assignments in addition to the proxy's.
    Lighttpd,
    /// Varnish: subroutines in addition to the backend.
    Varnish,
    /// Claude Code Router: the fields of its one provider without the name. It requires [`ROUTER_KEY`].
    Router,
    /// Portkey's gateway: a list of further hosts that it may call. The headers of each request configure the rest.
    Portkey,
}

/// The key that [`Kind::Router`] asks for.
pub const ROUTER_KEY: &str = "router-key-0001";

/// It looks below its home directory for its configuration.
const START_ROUTER: &str = "mkdir {own}/.claude-code-router && cp {own}/router.json {own}/.claude-code-router/config.json && \
    HOME={own} exec {npm}/node {npm}/node_modules/@musistudio/claude-code-router/dist/cli.js start";

/// It calls only the private addresses that are configured. Without the file before it, it listens on every address.
const START_PORTKEY: &str = "TRUSTED_CUSTOM_HOSTS=$(sed -n '1s#^// ##p' {own}/own.cjs) exec {npm}/node --require {own}/own.cjs \
    {npm}/node_modules/@portkey-ai/gateway/build/start-server.js --headless --port={listen_port}";

/// A program and its text.
#[derive(Clone, Debug)]
pub struct Other {
    /// Which.
    pub kind: Kind,
    /// What the case adds.
    pub lines: &'static str,
}

impl Other {
    /// The program's name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Apache => "apache",
            Kind::Caddy => "caddy",
            Kind::Lighttpd => "lighttpd",
            Kind::Varnish => "varnish",
            Kind::Router => "router",
            Kind::Portkey => "portkey",
        }
    }

    /// Whether `{npm}` must lead to what npm installed.
    pub fn is_of_npm(&self) -> bool {
        matches!(self.kind, Kind::Router | Kind::Portkey)
    }

    /// Program, file of its configuration, its text, arguments.
    pub fn parts(&self) -> (PathBuf, &'static str, String, Vec<&'static str>) {
        match self.kind {
            Kind::Apache => (
                program::find("apache2"),
                "apache.conf",
                apache_conf(self.lines),
                vec!["-X", "-f", "{own}/apache.conf"],
            ),
            // It keeps what it ran last below the home directory.
            Kind::Caddy => (
                program::find("env"),
                "Caddyfile",
                caddyfile(self.lines),
                vec![
                    "HOME={own}",
                    "XDG_CONFIG_HOME={own}",
                    "XDG_DATA_HOME={own}",
                    "caddy",
                    "run",
                    "--config",
                    "{own}/Caddyfile",
                ],
            ),
            Kind::Lighttpd => (
                program::find("lighttpd"),
                "lighttpd.conf",
                lighttpd_conf(self.lines),
                vec!["-D", "-f", "{own}/lighttpd.conf"],
            ),
            Kind::Varnish => (
                program::find("varnishd"),
                "gateway.vcl",
                vcl(self.lines),
                vec![
                    "-F",
                    "-a",
                    "{listen}",
                    "-f",
                    "{own}/gateway.vcl",
                    "-n",
                    "{own}/n",
                    "-s",
                    "malloc,16m",
                    "-j",
                    "none",
                ],
            ),
            Kind::Router => (
                program::find("sh"),
                "router.json",
                router_json(self.lines),
                vec!["-c", START_ROUTER],
            ),
            Kind::Portkey => (
                program::find("sh"),
                "own.cjs",
                portkey_cjs(self.lines),
                vec!["-c", START_PORTKEY],
            ),
        }
    }
}

fn apache_conf(lines: &str) -> String {
    let modules: String = [
        "mpm_event",
        "authn_core",
        "authz_core",
        "authz_host",
        "headers",
        "proxy",
        "proxy_http",
    ]
    .into_iter()
    .map(|module| format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n"))
    .collect();
    format!(
        "{modules}ServerName gateway.test
ServerRoot {{own}}
DefaultRuntimeDir {{own}}
Mutex file:{{own}} default
PidFile {{own}}/pid
ErrorLog {{own}}/error.log
Listen {{listen}}
{lines}
ProxyPass / {{claude_url}}/
"
    )
}

fn caddyfile(lines: &str) -> String {
    // A case may have a line of the servers' own.
    let (servers, site) = lines.split_once("\n---\n").unwrap_or(("", lines));
    format!(
        "{{
admin off
auto_https off
{servers}
}}
http://:{{listen_port}} {{
bind {{listen_ip}}
{site}
}}
"
    )
}

fn lighttpd_conf(lines: &str) -> String {
    format!(
        "server.modules = (\"mod_proxy\")
server.bind = \"{{listen_ip}}\"
server.port = {{listen_port}}
server.document-root = \"{{own}}\"
server.errorlog = \"{{own}}/error.log\"
server.upload-dirs = (\"{{own}}\")
{lines}
"
    )
}

fn vcl(lines: &str) -> String {
    format!(
        "vcl 4.1;
import std;
backend claude {{ .host = \"{{claude_ip}}\"; .port = \"{{claude_port}}\"; }}
{lines}
"
    )
}

/// Every request goes to the provider's one model.
fn router_json(provider: &str) -> String {
    let model = provider
        .split_once("\"models\": [\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let model = model.map_or("", |(model, _)| model);
    format!(
        r#"{{
  "HOST": "{{listen_ip}}", "PORT": {{listen_port}}, "APIKEY": "{ROUTER_KEY}", "LOG": false, "NON_INTERACTIVE_MODE": true,
  "Providers": [{{"name": "claude", {provider}, "transformer": {{"use": ["Anthropic"]}}}}],
  "Router": {{"default": "claude,{model}"}}
}}
"#
    )
}

fn portkey_cjs(hosts: &str) -> String {
    format!(
        "// {{claude_ip}},{hosts}
const {{ Server }} = require('node:net');
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {{
  return listen.call(this, {{ port, host: '{{listen_ip}}' }}, rest.find((each) => typeof each === 'function'));
}};
"
    )
}
