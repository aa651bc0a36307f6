//! Real programs, each in a directory of its own, on an address of its own, gone when dropped.
//!
//! Knows how to start, wait for and end a program; what its configuration means is for the module of that program.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest time until a program accepts connections. LiteLLM needs 15 s with two processors to itself;
/// a program that cannot start ends, and the test fails at once.
pub const START: Duration = Duration::from_secs(120);

/// A running gateway program.
pub struct Program {
    name: &'static str,
    child: Child,
    directory: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
}

/// How to start a program.
pub struct Start {
    /// Its name in messages.
    pub name: &'static str,
    /// Its file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where it will listen.
    pub address: SocketAddr,
    /// Its directory.
    pub directory: TempDir,
}

impl Start {
    /// Starts it and waits until it accepts connections.
    ///
    /// # Panics
    /// When it ends, or does not listen in time; the message has its log.
    pub fn run(self) -> Program {
        let output = self.directory.path().join("output.log");
        let file = File::create(&output).unwrap();
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(self.directory.path())
            // Ends with this process, also after a crash.
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: cannot start {}: {error}", self.name, self.program.display()));
        let mut program = Program {
            name: self.name,
            child,
            directory: self.directory,
            address: self.address,
        };
        program.wait_until_it_accepts();
        program
    }
}

impl Program {
    fn wait_until_it_accepts(&mut self) {
        let end = Instant::now() + START;
        loop {
            if TcpStream::connect_timeout(&self.address, Duration::from_millis(200)).is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended at once ({status}):\n{}", self.name, self.log());
            }
            assert!(
                Instant::now() < end,
                "{} does not listen on {} after {START:?}:\n{}",
                self.name,
                self.address,
                self.log()
            );
            thread::sleep(Duration::from_millis(15));
        }
    }

    /// The end of its log, for messages.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                let content = fs::read(entry.path()).unwrap_or_default();
                let tail = &content[content.len().saturating_sub(4000)..];
                text += &format!("--- {}\n{}\n", entry.path().display(), String::from_utf8_lossy(tail));
            }
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // None of them leaves children behind: nginx and Apache run without a master, the others are one process (Squid's helpers
        // and Varnish's worker end with their standard input).
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file of a program.
///
/// # Panics
/// When it is not there: these tests are never skipped.
pub fn find(name: &str) -> PathBuf {
    let search = std::env::var("PATH").unwrap_or_default();
    search
        .split(':')
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"])
        .map(|directory| Path::new(directory).join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("`{name}` is not installed: run tests/tools/install gateways"))
}

/// The file of a program that `tests/tools/install` put into the cache.
///
/// # Panics
/// When it is not there.
pub fn find_cached(file: &str) -> PathBuf {
    let cache = std::env::var("XDG_CACHE_HOME").map_or_else(
        |_| PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    let path = cache.join("claudeprobe").join(file);
    assert!(
        path.is_file(),
        "{} is missing: run tests/tools/install gateways",
        path.display()
    );
    path
}

/// A directory that a program can use after it drops root.
pub fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("claudeprobe-").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    directory
}

/// A loopback address that no other test, process or outgoing connection uses: each call has an IP address of its own.
pub fn address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let byte = |value: u32| u8::try_from(value & 0xff).unwrap();
    let ip = Ipv4Addr::new(
        127,
        64 + byte((process >> 5) & 0x7f),
        byte(process << 3 | number >> 8),
        byte(number),
    );
    let listener = TcpListener::bind((IpAddr::V4(ip), 0)).unwrap();
    listener.local_addr().unwrap()
}
