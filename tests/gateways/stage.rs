//! Addresses, files and keys that the parts of a case share. Configuration texts refer to it by `{name}`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use claudeprobe::standin::{Standin, TEST_KEY};
use tempfile::TempDir;

use crate::certificates::{authority, inspector};
use crate::litellm::Lease;
use crate::peers::{Blackhole, NoNames, closed};
use crate::program;

/// A well-formed key that Claude does not accept (any more).
pub const OLD_KEY: &str =
    "sk-ant-api03-old000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000AA";

/// A valid key of another organisation.
pub const OTHER_KEY: &str =
    "sk-ant-api03-other0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000AA";

/// ModSecurity with the core rule set as Debian installs it.
const MODSECURITY: &str = "SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRule REQUEST_HEADERS:Content-Type \"^application/json\" \"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"
SecResponseBodyAccess Off
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
";

/// The names of a case with their values.
pub struct Stage {
    names: BTreeMap<String, String>,
    /// Files of the case.
    pub directory: TempDir,
    blackhole: Option<Blackhole>,
    /// The shared gateway that the case holds.
    pub litellm: Option<Lease>,
}

impl Stage {
    /// A stage around a stand-in. `texts` are all texts that can refer to it: a server that none names is not started.
    pub async fn new(standin: &Standin, texts: &[&str]) -> Self {
        let directory = program::directory();
        let mut stage = Self {
            names: BTreeMap::new(),
            directory,
            blackhole: None,
            litellm: None,
        };
        stage.address("claude", standin.address());
        stage.name("claude_url", standin.url());
        stage.name("key", TEST_KEY);
        stage.name("old", OLD_KEY);
        stage.name("other", OTHER_KEY);
        let directory = stage.directory.path().to_string_lossy().into_owned();
        stage.name("dir", directory);
        let wanted = |name: &str| texts.iter().any(|text| text.contains(name));
        if wanted("{closed") {
            stage.address("closed", closed());
        }
        if wanted("{second}") {
            stage.address("second", closed());
        }
        if wanted("{blackhole") {
            let blackhole = Blackhole::start().await;
            stage.address("blackhole", blackhole.address);
            stage.blackhole = Some(blackhole);
        }
        if wanted("{names") {
            stage.address("names", NoNames::start().address);
        }
        stage.file("ca.pem", &authority().pem);
        // user `claude`, password `secret`, as `openssl passwd -apr1` writes it
        stage.file("htpasswd", "claude:$apr1$Qk6jYdpF$Wa4oWrNcwtH6ezL8Bb4fX1\n");
        if wanted("modsecurity") {
            stage.file("modsecurity.conf", MODSECURITY);
        }
        if wanted("{dir}/hosts") {
            let ip = standin.address().ip();
            stage.file("hosts", &format!("{ip} api.anthropic.com\n"));
        }
        if wanted("inspector") {
            let both = format!("{}{}", inspector().pem, inspector().key);
            stage.file("inspector.pem", &both);
        }
        stage
    }

    /// Sets the value of a name.
    pub fn name(&mut self, name: &str, value: impl Into<String>) {
        self.names.insert(format!("{{{name}}}"), value.into());
    }

    /// Sets `{name}`, `{name_ip}` and `{name_port}`.
    pub fn address(&mut self, name: &str, address: SocketAddr) {
        self.name(name, address.to_string());
        self.name(&format!("{name}_ip"), address.ip().to_string());
        self.name(&format!("{name}_port"), address.port().to_string());
    }

    /// Replaces all names of a text.
    pub fn fill(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Writes a file of the case.
    pub fn file(&self, name: &str, content: &str) {
        write(&self.directory.path().join(name), content);
    }
}

/// Writes a file that every user can read.
pub fn write(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
}
