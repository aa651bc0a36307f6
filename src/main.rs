//! The binary: the TLS provider, then the command line of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: without a process-wide provider the first TLS configuration of any library would panic. It fails only
    // when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    claudeprobe::cli::main()
}
