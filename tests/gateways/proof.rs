//! The proof that a fault is on the wire: one raw request and the observations that it must give.

use std::time::{Duration, Instant};

use claudeprobe::standin::{Recorded, Standin};

use crate::certificates::authority;
use crate::curl;
use crate::stage::Stage;
use crate::wire::{self, End, Seen, Target};

/// The body of the raw request: like the prober's frozen request.
const BODY: &str = r#"{"model":"claude-haiku-4-5","max_tokens":64,STREAM"messages":[{"role":"user","content":"Count from 1 to 20."}]}"#;

/// The field for a stream.
const STREAM: &str = r#""stream":true,"#;

/// One expected observation.
#[derive(Clone, Copy, Debug)]
pub enum Observation {
    /// This status.
    Status(u16),
    /// This text in the body.
    BodyHas(&'static str),
    /// No byte in the body.
    Empty,
    /// A response header with this text in its value.
    Header(&'static str, &'static str),
    /// No such response header.
    NoHeader(&'static str),
    /// The end of the reply.
    Ends(End),
    /// `message_stop` in the body.
    Complete(bool),
    /// Milliseconds until the end: at least, at most.
    Lasts(u64, u64),
    /// Milliseconds until the first byte of the body: at least, at most.
    Begins(u64, u64),
    /// Reads that the body came in: at most.
    ReadsAtMost(usize),
    /// Reads that the body came in: at least.
    ReadsAtLeast(usize),
    /// Claude saw this header with this value.
    Arrives(&'static str, &'static str),
    /// Claude saw no such header.
    ArrivesNot(&'static str),
    /// Claude saw the header so many times.
    ArrivesTimes(&'static str, usize),
    /// Claude got so many requests for ours.
    Calls(usize),
    /// HTTP/2 is spoken.
    Http2,
    /// There is no connection, TLS or tunnel, for this reason.
    Unreachable(&'static str),
}

/// One raw request and its expected observations.
#[derive(Clone, Debug)]
pub struct Proof {
    direct: bool,
    stream: bool,
    headers: Vec<&'static str>,
    key: Option<&'static str>,
    body: Option<String>,
    observations: Vec<Observation>,
    tunnel: Option<&'static str>,
    early: bool,
    path: &'static str,
    http2: bool,
    until: bool,
    again_after: Option<Duration>,
}

/// A request through the gateway.
pub fn through(observations: &[Observation]) -> Proof {
    Proof {
        direct: false,
        stream: true,
        headers: Vec::new(),
        key: Some("x-api-key: {key}"),
        body: None,
        observations: observations.to_vec(),
        tunnel: None,
        early: false,
        path: "/v1/messages",
        http2: false,
        until: false,
        again_after: None,
    }
}

/// A request straight to Claude.
pub fn direct(observations: &[Observation]) -> Proof {
    Proof {
        direct: true,
        ..through(observations)
    }
}

impl Proof {
    /// Asks for a whole message.
    pub fn whole(mut self) -> Self {
        self.stream = false;
        self
    }

    /// With this further header line.
    pub fn with(mut self, line: &'static str) -> Self {
        self.headers.push(line);
        self
    }

    /// With this header line for the key, or none.
    pub fn key(mut self, line: Option<&'static str>) -> Self {
        self.key = line;
        self
    }

    /// With this body.
    pub fn body(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }

    /// For another model.
    pub fn model(self, model: &str) -> Self {
        let stream = if self.stream { STREAM } else { "" };
        self.body(BODY.replace("STREAM", stream).replace("claude-haiku-4-5", model))
    }

    /// At this path.
    pub fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Over HTTP/2, by `curl`.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self.observations.push(Observation::Http2);
        self
    }

    /// Repeated until all is observed.
    pub fn until(mut self) -> Self {
        self.until = true;
        self
    }

    /// Once more on the same connection, after it rested for so many milliseconds: the observations are of the second reply, or of the end
    /// of the connection.
    pub fn again_after(mut self, ms: u64) -> Self {
        self.again_after = Some(Duration::from_millis(ms));
        self
    }

    /// Through a tunnel that this forward proxy opens.
    pub fn tunnel(mut self, proxy: &'static str) -> Self {
        self.tunnel = Some(proxy);
        self
    }

    /// Not before a minute of the clock has more than half of itself left: what follows is counted in the same one.
    pub fn early_in_the_minute(mut self) -> Self {
        self.early = true;
        self
    }

    /// Texts that may refer to the stage.
    pub fn texts(&self) -> Vec<&str> {
        self.headers
            .iter()
            .copied()
            .chain(self.key)
            .chain(self.tunnel)
            .collect()
    }

    /// Sends the request and compares.
    ///
    /// # Panics
    /// When an observation differs.
    pub async fn check(&self, stage: &Stage, standin: &Standin, bearer: bool) {
        while self.early && jiff::Zoned::now().second() >= 30 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let before = standin.requests().last().map_or(0, |last| last.sequence);
            let seen = self.ask(stage, bearer).await;
            let arrived = standin.requests_since(before);
            let all = self
                .observations
                .iter()
                .all(|observation| see(observation, &seen, &arrived).is_ok());
            if !all && self.until && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            return self.compare(&seen, &arrived);
        }
    }

    fn compare(&self, seen: &Seen, arrived: &[Recorded]) {
        for observation in &self.observations {
            if let Err(instead) = see(observation, seen, arrived) {
                panic!(
                    "the fault is not on the wire: expected {observation:?}, but {instead}\n{}\n{}\nended by {:?} after {:?}; arrived: {arrived:#?}",
                    seen.head,
                    seen.text(),
                    seen.end,
                    seen.total
                );
            }
        }
    }

    async fn ask(&self, stage: &Stage, bearer: bool) -> Seen {
        let base = stage.fill(if self.direct { "{direct}" } else { "{gateway}" });
        let url = url::Url::parse(&base).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let authority_text = format!("{host}:{}", url.port_or_known_default().unwrap());
        let hop = self
            .tunnel
            .map_or_else(|| authority_text.clone(), |proxy| stage.fill(proxy));
        let Ok(address) = hop.parse() else {
            // A name: the case tests whether it resolves.
            let trouble = tokio::net::lookup_host(&hop).await.err();
            return Seen::unreachable(format!("no address: {trouble:?}"));
        };
        let target = Target {
            address,
            authority: authority_text.clone(),
            tls: (url.scheme() == "https").then(|| (authority().pem.clone(), host.clone())),
            tunnel: self.tunnel.is_some(),
        };
        let body = self
            .body
            .clone()
            .unwrap_or_else(|| BODY.replace("STREAM", if self.stream { STREAM } else { "" }));
        let path = format!("{}{}", url.path().trim_end_matches('/'), self.path);
        let mut lines = vec!["content-type: application/json".to_owned()];
        let key = match self.key {
            Some(line) if bearer && line.starts_with("x-api-key: {") => {
                Some(line.replace("x-api-key:", "authorization: Bearer"))
            }
            line => line.map(str::to_owned),
        };
        let has = |name: &str| self.headers.iter().any(|line| line.starts_with(name));
        if !has("anthropic-version") {
            lines.push("anthropic-version: 2023-06-01".to_owned());
        }
        for line in self.headers.iter().map(|line| (*line).to_owned()).chain(key) {
            lines.push(stage.fill(&line));
        }
        if self.http2 {
            let url = format!("{}://{authority_text}{path}", url.scheme());
            let roots = stage.fill("{dir}/ca.pem");
            return tokio::task::spawn_blocking(move || curl::ask(&url, &roots, &lines, &body))
                .await
                .unwrap();
        }
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n{}\r\n\r\n",
            body.len(),
            lines.join("\r\n")
        );
        wire::ask(&target, &head, body.as_bytes(), self.again_after).await
    }
}

fn see(observation: &Observation, seen: &Seen, arrived: &[Recorded]) -> Result<(), String> {
    let within = |time: Duration, least: u64, most: u64| {
        (Duration::from_millis(least)..=Duration::from_millis(most)).contains(&time)
    };
    let last = arrived.last();
    let values =
        |name: &'static str| -> Vec<&str> { last.into_iter().flat_map(|request| request.header(name)).collect() };
    let text = seen.text();
    let (holds, instead) = match *observation {
        Observation::Status(status) => (seen.status == status, format!("the status is {}", seen.status)),
        Observation::BodyHas(words) => (text.contains(words), "the body differs".into()),
        Observation::Empty => (seen.body.is_empty(), "there is a body".into()),
        Observation::Header(name, value) => (
            seen.header(name).is_some_and(|found| found.contains(value)),
            format!("it is {:?}", seen.header(name)),
        ),
        Observation::NoHeader(name) => (seen.header(name).is_none(), "it is there".into()),
        Observation::Ends(end) => (seen.end == end, format!("it ends by {:?}", seen.end)),
        Observation::Complete(complete) => (text.contains("message_stop") == complete, "it is otherwise".into()),
        Observation::Lasts(least, most) => (within(seen.total, least, most), format!("it takes {:?}", seen.total)),
        Observation::Begins(least, most) => (
            within(seen.first_body, least, most),
            format!("the body begins after {:?}", seen.first_body),
        ),
        Observation::ReadsAtMost(most) => (seen.reads <= most, format!("it comes in {} reads", seen.reads)),
        Observation::ReadsAtLeast(least) => (seen.reads >= least, format!("it comes in {} reads", seen.reads)),
        Observation::Arrives(name, value) => (
            values(name).contains(&value),
            format!("there arrives {:?}", values(name)),
        ),
        Observation::ArrivesNot(name) => (
            last.is_some() && values(name).is_empty(),
            format!("there arrives {:?}", values(name)),
        ),
        Observation::ArrivesTimes(name, times) => {
            (values(name).len() == times, format!("there arrives {:?}", values(name)))
        }
        Observation::Calls(calls) => (arrived.len() == calls, format!("{} requests arrive", arrived.len())),
        Observation::Http2 => (seen.version == "2", format!("it is HTTP/{}", seen.version)),
        Observation::Unreachable(why) => (
            seen.end == End::NoConnection && seen.trouble.contains(why),
            format!("it is `{}`", seen.trouble),
        ),
    };
    if holds { Ok(()) } else { Err(instead) }
}
