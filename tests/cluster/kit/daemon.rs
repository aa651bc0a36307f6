//! Programs that run on the node beside Kubernetes, and the Services that lead to them.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use super::{NODE_IP, apply, eventually};

/// A port of the node that no other daemon of these tests uses.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A Service without selector that leads from `port` to `target` on the node.
pub fn service(namespace: &str, name: &str, port: u16, target: u16) {
    apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{ports: [{{name: http, port: {port}}}]}}}}\n\
         ---\n\
         {{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {name}, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}, \
         addressType: IPv4, endpoints: [{{addresses: [{NODE_IP}], conditions: {{ready: true}}}}], ports: [{{name: http, port: {target}}}]}}\n"
    ));
}

/// Waits until connections to the Service are accepted: it takes a moment from its creation to rules on the node, and names.
pub fn wait_for_service(namespace: &str, name: &str, port: u16) {
    let host = format!("{name}.{namespace}.svc");
    eventually(&format!("{host}:{port} accepts connections"), || {
        TcpStream::connect((host.as_str(), port)).map_err(|error| error.to_string())
    });
}

/// A running program; ends with the value.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts `command`, its output in `log`, and waits until it accepts connections on `ports`.
    pub fn start(command: &mut Command, log: &Path, ports: &[u16]) -> Self {
        let out = File::create(log).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        for port in ports {
            eventually(&format!("{command:?} accepts connections on {port}"), || {
                if let Some(status) = child.try_wait().unwrap() {
                    panic!("{command:?} ended, {status}:\n{}", fs::read_to_string(log).unwrap());
                }
                TcpStream::connect((NODE_IP, *port)).map_err(|error| error.to_string())
            });
        }
        Self { child }
    }
}

impl Drop for Daemon {
    /// By SIGTERM: a master process that is killed leaves its workers behind.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
