//! Listening: TCP, TLS, HTTP/1.1 and HTTP/2, one task per connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::router::{Connection, Shared, handle};
use super::tls::Identity;
use super::wire::{Switch, Wire};

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections until `stop`.
pub(super) async fn api(listener: TcpListener, tls: Option<Identity>, shared: Arc<Shared>, stop: CancellationToken) {
    let acceptor = tls.map(|identity| TlsAcceptor::from(identity.server_config()));
    let connections = AtomicU64::new(0);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((tcp, peer)) = accepted else {
            // Out of descriptors, or the peer is gone already: give others a chance.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let number = connections.fetch_add(1, Ordering::Relaxed) + 1;
        let (acceptor, shared, stop) = (acceptor.clone(), Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = connection(tcp, peer.to_string(), number, acceptor, shared) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn connection(tcp: TcpStream, peer: String, number: u64, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let _ = tcp.set_nodelay(true);
    let switch = Switch::new(number);
    let wire = Wire::new(tcp, Arc::clone(&switch));
    match acceptor {
        None => {
            http(
                wire,
                Connection {
                    peer,
                    server_name: None,
                    switch,
                },
                shared,
            )
            .await
        }
        Some(acceptor) => {
            let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(wire)).await else {
                return;
            };
            let server_name = stream.get_ref().1.server_name().map(str::to_owned);
            http(
                stream,
                Connection {
                    peer,
                    server_name,
                    switch,
                },
                shared,
            )
            .await;
        }
    }
}

async fn http<S>(stream: S, connection: Connection, shared: Arc<Shared>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (shared, connection) = (Arc::clone(&shared), connection.clone());
        handle(shared, connection, request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).max_buf_size(1 << 20);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(1 << 20);
    // How a connection ends is in the log of its requests.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// Serves the control endpoint until `stop`.
pub(super) async fn control(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    let served: Result<(), Infallible> = async {
        let _ = axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        Ok(())
    }
    .await;
    let _ = served;
}
