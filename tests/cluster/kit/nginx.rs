//! A typical gateway: a real nginx with a configuration of its own.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::daemon::{Daemon, free_port, service, wait_for_service};

/// A running nginx behind a Service.
#[derive(Debug)]
pub struct Nginx {
    daemon: Option<Daemon>,
    home: TempDir,
    port: u16,
    /// The Service's URL.
    pub url: String,
}

impl Nginx {
    /// Starts nginx with `location`, the inside of its `location / {…}`, behind Service `name` of `namespace`. `http` goes before the server.
    pub fn start(namespace: &str, name: &str, http: &str, location: &str) -> Self {
        let port = free_port();
        service(namespace, name, 8080, port);
        let home = tempfile::Builder::new().prefix("nginx-").tempdir().unwrap();
        fs::create_dir(home.path().join("logs")).unwrap();
        let url = format!("http://{name}.{namespace}.svc:8080");
        let mut nginx = Self {
            daemon: None,
            home,
            port,
            url,
        };
        nginx.configure(http, location);
        nginx.restart();
        wait_for_service(namespace, name, 8080);
        nginx
    }

    /// Writes another configuration; in force after the next `restart`.
    pub fn configure(&self, http: &str, location: &str) {
        let Self { home, port, .. } = self;
        let home = home.path().display();
        let text = format!(
            "daemon off; user root; pid {home}/pid; error_log {home}/logs/error.log info; worker_processes 1;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n  access_log {home}/logs/access.log; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;\n\
             fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;\n  {http}\n\
             server {{ listen {port}; location / {{\n{location}\n}} }}\n}}\n"
        );
        fs::write(self.home.path().join("nginx.conf"), text).unwrap();
    }

    /// Stops it, if it runs, and starts it with the configuration last written.
    pub fn restart(&mut self) {
        self.daemon = None;
        let home = self.home.path();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(home).arg("-c").arg(home.join("nginx.conf"));
        self.daemon = Some(Daemon::start(&mut command, &home.join("logs/out"), &[self.port]));
    }
}
