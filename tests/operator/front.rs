//! A TCP front of the API server that can be cut, and a kubeconfig that leads through it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The front. Cut, it closes every connection and accepts none for longer than it takes to close it.
pub struct Front {
    open: Arc<watch::Sender<bool>>,
    /// The kubeconfig that leads through it; removed with the front.
    pub kubeconfig: PathBuf,
}

impl Front {
    /// Starts one before the API server that KUBECONFIG names.
    pub async fn start() -> Self {
        let given = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        let (_, rest) = given.split_once("https://").unwrap();
        let server: SocketAddr = rest.split(['"', '/', '\n']).next().unwrap().trim().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        // The certificate is for the server's own address.
        let led = given.replace(
            &format!("\"https://{server}\""),
            &format!("\"https://{own}\", tls-server-name: \"{}\"", server.ip()),
        );
        assert_ne!(led, given, "the kubeconfig names its server");
        let kubeconfig = std::env::temp_dir().join(format!("claudeprobe-front-{}-{}", std::process::id(), own.port()));
        std::fs::write(&kubeconfig, led).unwrap();
        let open = Arc::new(watch::Sender::new(true));
        let state = open.clone();
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let mut open = state.subscribe();
                if !*open.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut there) = TcpStream::connect(server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut here, &mut there) => {}
                        _ = open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { open, kubeconfig }
    }

    /// Lets connections through, or none.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}
