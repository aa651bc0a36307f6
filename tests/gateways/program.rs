//! Starts real programs with configurations of their own, and ends them with the test.

use std::collections::HashSet;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest start of a program.
const START: Duration = Duration::from_secs(30);

/// A running program with a directory of its own. Dropping it ends the program and all that it started.
pub struct Program {
    child: Child,
    directory: TempDir,
}

impl Program {
    /// Starts `command` in `directory` and waits until something accepts connections on `port`.
    pub fn start(mut command: Command, directory: TempDir, port: u16) -> Self {
        let log = File::create(directory.path().join("output.log")).unwrap();
        command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // A group of its own, so that workers end with their master.
            .process_group(0);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started ({error}): run tests/tools/install"));
        let mut program = Self { child, directory };
        program.wait(&name, port);
        program
    }

    fn wait(&mut self, name: &str, port: u16) {
        let deadline = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{name} does not listen on port {port} ({ended:?}):\n{}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that it has written to its output and log files.
    pub fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let logs = entries.map(|entry| entry.unwrap().path());
        let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The standard library signals one process only, and this crate forbids unsafe code.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// An own directory, with `files` (name, contents) in it.
pub fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        std::fs::write(directory.path().join(name), contents).unwrap();
    }
    directory
}

/// A port that is free now and that no other test of this process was given.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let mut given = GIVEN.lock().unwrap();
        if given.get_or_insert_default().insert(port) {
            return port;
        }
    }
}

/// A port on which nothing listens.
pub fn closed_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

/// An address that answers no SYN: a listener whose accept queue is full. It lasts as long as the value.
pub struct Blackhole {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Blackhole {
    pub fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        // The standard library listens with a queue of 128 (or 4096, by its version); connections that nobody accepts fill
        // it, and then SYNs are dropped.
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queued.push(stream);
        }
        Self {
            address,
            _listener: listener,
            _queued: queued,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The first of these that exists.
pub fn find(candidates: &[&str]) -> PathBuf {
    let found = candidates.iter().map(Path::new).find(|path| path.exists());
    found
        .unwrap_or_else(|| panic!("none of {candidates:?} is installed: run tests/tools/install"))
        .to_path_buf()
}
