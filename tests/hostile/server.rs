//! A server that plays a script on a raw socket, plain or behind TLS, and counts the requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claudeprobe::standin::tls::Authority;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads a whole request.
    Request,
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the same bytes until the peer is gone.
    Flood(Vec<u8>),
    /// Sends one of these bytes every 20 ms, over and over, until the peer is gone.
    Drip(&'static [u8]),
    /// Goes on in TLS; what came before was in the clear.
    Tls,
    /// Sends bytes below TLS, where a record should stand.
    Below(Vec<u8>),
    /// Sends FIN, and goes on.
    Fin,
    /// Ends by RST.
    Reset,
    /// Does nothing until the peer is gone.
    Hang,
}

/// Text to send.
pub fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}

/// The script after a request.
pub fn reply(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    std::iter::once(Step::Request).chain(steps).collect()
}

/// A script's server. Ends with the test's runtime.
pub struct Server {
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Serves every connection with this script; closes it at the script's end.
    pub async fn start(script: Vec<Step>, authority: &Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, acceptor) = (Arc::clone(&requests), acceptor(authority));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(play(socket, script.clone(), acceptor.clone(), Arc::clone(&count)));
            }
        });
        Self { address, requests }
    }

    /// Requests that were read so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let own = authority.issue(&["127.0.0.1".to_owned()]).unwrap();
    let chain = CertificateDer::pem_slice_iter(own.chain_pem().as_bytes());
    let key = PrivateKeyDer::from_pem_slice(own.key_pem().as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn play(mut socket: TcpStream, script: Vec<Step>, acceptor: TlsAcceptor, requests: Arc<AtomicUsize>) {
    let mut steps = script.into_iter();
    while let Some(step) = steps.next() {
        match step {
            Step::Tls => {
                let Ok(mut stream) = acceptor.accept(socket).await else {
                    return;
                };
                for step in steps.by_ref() {
                    let done = match step {
                        Step::Below(bytes) => stream.get_mut().0.write_all(&bytes).await,
                        Step::Reset => stream.get_ref().0.set_zero_linger(),
                        step => act(&mut stream, step, &requests).await,
                    };
                    if done.is_err() {
                        return;
                    }
                }
                return;
            }
            Step::Reset => return socket.set_zero_linger().unwrap(),
            step => {
                if act(&mut socket, step, &requests).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// One step on either kind of connection; an error ends the script.
async fn act<S>(socket: &mut S, step: Step, requests: &AtomicUsize) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match step {
        Step::Request => {
            read_request(socket).await?;
            requests.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        Step::Send(bytes) | Step::Below(bytes) => {
            socket.write_all(&bytes).await?;
            socket.flush().await
        }
        Step::Flood(bytes) => loop {
            socket.write_all(&bytes).await?;
        },
        Step::Drip(bytes) => {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            for &byte in bytes.iter().cycle() {
                ticks.tick().await;
                socket.write_all(&[byte]).await?;
                socket.flush().await?;
            }
            Ok(())
        }
        Step::Fin => socket.shutdown().await,
        Step::Hang => {
            let mut rest = vec![0; 64 * 1024];
            while socket.read(&mut rest).await? > 0 {}
            Ok(())
        }
        Step::Tls | Step::Reset => Ok(()),
    }
}

/// Reads the head and `content-length` bytes of body; of HTTP/2 the preface and what came with it.
async fn read_request<S: AsyncRead + Unpin>(socket: &mut S) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            return Ok(());
        }
    }
}
