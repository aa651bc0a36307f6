//! nginx, started with one server block of the case's choice.

use std::net::SocketAddr;
use std::process::Command;

use crate::program::{Program, directory, find, free_port};

/// A running nginx.
pub struct Nginx {
    _program: Program,
    pub address: SocketAddr,
}

impl Nginx {
    /// `http` stands in the http block, `server` in the server block; `files` (name, contents) lie beside the configuration.
    pub fn start(http: &str, server: &str, files: &[(&str, &str)]) -> Self {
        Self::listening("", http, server, files)
    }

    /// The same behind TLS, with `server.pem` and `server.key` among the files.
    pub fn start_tls(http: &str, server: &str, files: &[(&str, &str)]) -> Self {
        let server = format!("ssl_certificate server.pem; ssl_certificate_key server.key;\n{server}");
        Self::listening(" ssl", http, &server, files)
    }

    fn listening(options: &str, http: &str, server: &str, files: &[(&str, &str)]) -> Self {
        let port = free_port();
        let conf = format!(
            "daemon off; worker_processes 1; pid nginx.pid; error_log error.log info;
             events {{ worker_connections 256; }}
             http {{
                 access_log access.log;
                 client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
                 scgi_temp_path scgi;
                 {http}
                 server {{ listen 127.0.0.1:{port}{options}; {server} }}
             }}"
        );
        let mut all = vec![("nginx.conf", conf.as_str())];
        all.extend_from_slice(files);
        let directory = directory(&all);
        let mut command = Command::new(find(&["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"]));
        command.arg("-p").arg(directory.path()).args(["-c", "nginx.conf", "-e", "error.log"]);
        Self {
            _program: Program::start(command, directory, port),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
