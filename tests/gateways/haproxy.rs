//! HAProxy, started with one frontend and one backend of the case's choice.

use std::net::SocketAddr;
use std::process::Command;

use crate::program::{Program, directory, find, free_port};

/// A running HAProxy.
pub struct Haproxy {
    _program: Program,
    pub address: SocketAddr,
}

impl Haproxy {
    /// `frontend` and `backend` are lines of their sections; the backend's server line is the caller's.
    pub fn start(defaults: &str, frontend: &str, backend: &str) -> Self {
        let port = free_port();
        let conf = format!(
            "global
    maxconn 200
defaults
    mode http
    log stdout format raw local0
    option httplog
    timeout connect 2s
    timeout client 50s
    timeout server 50s
    retries 1
{defaults}
frontend in
    bind 127.0.0.1:{port}
{frontend}
    default_backend out
backend out
{backend}
"
        );
        let directory = directory(&[("haproxy.cfg", &conf)]);
        let mut command = Command::new(find(&["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"]));
        command.args(["-db", "-f", "haproxy.cfg"]);
        Self {
            _program: Program::start(command, directory, port),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
