//! Peers that no gateway program provides: a port that refuses, one that drops packets, a name server without names, recorded bytes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::program;

/// An address that refuses connections.
pub fn closed() -> SocketAddr {
    program::address()
}

/// An address whose SYNs are dropped, while this lives: its queue is full and nothing accepts.
pub struct Blackhole {
    /// Where.
    pub address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _queued: Vec<JoinHandle<std::io::Result<TcpStream>>>,
}

impl Blackhole {
    /// Fills the queue, and proves that a further connection gets no answer.
    pub async fn start() -> Self {
        let address = program::address();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(0).unwrap();
        let queued = (0..4).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
        for _ in 0..50 {
            if timeout(Duration::from_millis(300), TcpStream::connect(address))
                .await
                .is_err()
            {
                return Self {
                    address,
                    _listener: listener,
                    _queued: queued,
                };
            }
        }
        panic!("{address} still accepts connections: the kernel does not drop SYNs of a full queue");
    }
}

impl Drop for Blackhole {
    fn drop(&mut self) {
        for task in &self._queued {
            task.abort();
        }
    }
}

/// A name server that answers NXDOMAIN for every name.
pub struct NoNames {
    /// Where.
    pub address: SocketAddr,
}

impl NoNames {
    /// Answers until the process ends.
    pub fn start() -> Self {
        let socket = UdpSocket::bind(program::address()).unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut packet = [0u8; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut packet) {
                if length < 12 {
                    continue;
                }
                packet[2] = 0x81; // a response, recursion desired
                packet[3] = 0x83; // recursion available, NXDOMAIN
                packet[6..12].fill(0); // no answer, authority or additional records
                let end = question_end(&packet[..length]);
                let _ = socket.send_to(&packet[..end], peer);
            }
        });
        Self { address }
    }
}

/// Where the question of a query ends: what follows (EDNS) is not repeated.
fn question_end(packet: &[u8]) -> usize {
    let mut at = 12;
    while at < packet.len() && packet[at] != 0 {
        at += usize::from(packet[at]) + 1;
    }
    (at + 5).min(packet.len())
}

/// An address where every request gets this reply, until the process ends; then the connection is closed.
pub fn plays_back(reply: String) -> SocketAddr {
    let listener = TcpListener::bind(program::address()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let reply = reply.clone();
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut buffer = [0u8; 16 * 1024];
                while !is_whole(&request) {
                    match stream.read(&mut buffer) {
                        Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
                        _ => return,
                    }
                }
                let _ = stream.write_all(reply.as_bytes());
            });
        }
    });
    address
}

/// Whether head and body of a request are here.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |text| text.trim().parse().unwrap_or(0));
    request.len() >= end + 4 + length
}

/// How long a connection may be idle before [`forgets_idle`] forgets it.
const IDLE: Duration = Duration::from_secs(1);

/// An address that passes bytes on to `upstream`, as a NAT or a load balancer does, and answers with a reset what comes on a
/// connection that was idle for a second.
pub fn forgets_idle(upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(program::address()).unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(relay(client, upstream));
        }
    });
    address
}

async fn relay(mut client: TcpStream, upstream: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (mut up, mut down) = ([0u8; 16 * 1024], [0u8; 16 * 1024]);
    let mut last = Instant::now();
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(length) if length > 0 && last.elapsed() < IDLE => {
                    if server.write_all(&up[..length]).await.is_err() { return }
                }
                Ok(length) if length > 0 => {
                    // The connection is forgotten.
                    let _ = client.set_zero_linger();
                    return;
                }
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(length) if length > 0 => if client.write_all(&down[..length]).await.is_err() { return },
                _ => return,
            },
        }
        last = Instant::now();
    }
}
