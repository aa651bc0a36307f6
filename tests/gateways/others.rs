//! Further gateways of one configuration file each: Apache, Caddy, lighttpd, Varnish. What a case adds is its own text.

use std::path::PathBuf;

use crate::program;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Apache httpd: directives before the `ProxyPass` of everything.
    Apache,
    /// Caddy: the site's directives.
    Caddy,
    /// lighttpd: assignments besides the proxy's.
    Lighttpd,
    /// Varnish: subroutines besides the backend.
    Varnish,
}

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
        }
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
