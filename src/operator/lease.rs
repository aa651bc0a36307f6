//! Leader election: one operator leads, the others are on standby. The Lease is taken and kept by compare-and-swap.
//!
//! Leadership is a value that is checked before every write ([`Leadership::time_left`]). A replica that loses it
//! becomes a standby; the process, its caches and its server continue. The API server's `resourceVersion` makes each
//! step a compare-and-swap. Expiry is measured by how long *this replica* has seen the record unchanged, so clocks of
//! different nodes need not agree.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Settings of the Lease.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Name of the Lease.
    pub name: String,
    /// Our identity: unique among processes that run at the same time.
    pub identity: String,
    /// How long leadership lasts without renewal; whole seconds.
    pub duration: Duration,
    /// How often the leader renews it and a standby reads it.
    pub renew: Duration,
}

/// Whether we lead, and until when.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    /// Time until leadership expires; `None` when we do not lead.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let until = (*self.0.borrow())?;
        until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }

    /// Waits for the next change between leading and not leading; `Some(leads)`, or `None` when the Lease's task has
    /// ended.
    pub async fn changed(&mut self, leads: bool) -> Option<bool> {
        loop {
            self.0.changed().await.ok()?;
            let now = self.0.borrow_and_update().is_some();
            if now != leads {
                return Some(now);
            }
        }
    }
}

/// What to do about the Lease that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is ours: renew it.
    Renew,
    /// It is free or expired: take it.
    Take,
    /// Another replica holds it.
    Wait,
}

/// The last change of the record that we saw.
#[derive(Clone, Debug)]
struct Seen {
    version: Option<String>,
    since: Instant,
}

/// Pure: `seen` is the last change of the record by our own clock.
fn step(spec: &LeaseSpec, seen: &Seen, identity: &str, now: Instant) -> Step {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    if holder == identity {
        return Step::Renew;
    }
    let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or(15)).unwrap_or(15);
    let expired = now.duration_since(seen.since) > Duration::from_secs(seconds);
    if holder.is_empty() || expired {
        Step::Take
    } else {
        Step::Wait
    }
}

/// Holds the Lease while it can. [`Elector::run`] is a task of its own.
#[derive(Debug)]
pub struct Elector {
    api: Api<Lease>,
    settings: LeaseSettings,
    seen: Option<Seen>,
    /// The record of our last write, until another one is read.
    ours: Option<Lease>,
    until: watch::Sender<Option<Instant>>,
}

impl Elector {
    /// An elector and the leadership value that it updates.
    #[must_use]
    pub fn new(api: Api<Lease>, settings: LeaseSettings) -> (Self, Leadership) {
        let (until, receiver) = watch::channel(None);
        (
            Self {
                api,
                settings,
                seen: None,
                ours: None,
                until,
            },
            Leadership(receiver),
        )
    }

    /// Takes and renews the Lease until `stop`, then releases it so that another replica need not wait.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let requested = Instant::now();
            let limit = self.settings.renew.max(Duration::from_secs(1));
            let held = tokio::select! {
                () = stop.cancelled() => break,
                outcome = tokio::time::timeout(limit, self.attempt()) => match outcome {
                    Ok(Ok(held)) => Some(held),
                    Ok(Err(error)) => { tracing::warn!(%error, lease = self.settings.name, "the Lease could not be read or written"); None }
                    Err(_) => { tracing::warn!(lease = self.settings.name, "the API server did not answer a request for the Lease in time"); None }
                },
            };
            match held {
                // Counted from before the request: the API server's record never expires earlier.
                Some(true) => self.publish(Some(requested + self.settings.duration)),
                Some(false) => self.publish(None),
                // Unknown: leadership ends when it expires.
                None => {
                    let over = (*self.until.borrow()).is_none_or(|until| until <= Instant::now());
                    if over {
                        self.publish(None);
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
        self.release().await;
    }

    /// Time until the next attempt; never beyond our leadership, so that its end is published in time.
    fn pause(&self) -> Duration {
        let left = (*self.until.borrow()).map(|until| until.saturating_duration_since(Instant::now()));
        let pause = self.settings.renew;
        left.map_or(pause, |left| pause.min(left))
            .max(Duration::from_millis(50))
    }

    fn publish(&self, until: Option<Instant>) {
        let was = self.until.borrow().is_some();
        if until.is_some() != was {
            let identity = &self.settings.identity;
            tracing::info!(
                leads = until.is_some(),
                identity,
                lease = self.settings.name,
                "leadership changed"
            );
        }
        self.until.send_replace(until);
    }

    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        // Only the holder writes it: a renewal of our own last write needs no read before it.
        if let Some(ours) = self.ours.take()
            && self.renew(ours).await?
        {
            return Ok(true);
        }
        let Some(lease) = self.api.get_opt(&self.settings.name).await? else {
            let fresh = Lease {
                metadata: ObjectMeta {
                    name: Some(self.settings.name.clone()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.record(None)),
            };
            let created = self.api.create(&PostParams::default(), &fresh).await;
            return self.won(created);
        };
        let version = lease.metadata.resource_version.clone();
        let now = Instant::now();
        let seen = match self.seen.take() {
            Some(seen) if seen.version == version => seen,
            _ => Seen { version, since: now },
        };
        let step = step(
            &lease.spec.clone().unwrap_or_default(),
            &seen,
            &self.settings.identity,
            now,
        );
        self.seen = Some(seen);
        if step == Step::Wait {
            Ok(false)
        } else {
            self.renew(lease).await
        }
    }

    async fn renew(&mut self, lease: Lease) -> Result<bool, kube::Error> {
        let spec = self.record(lease.spec.as_ref());
        let renewed = Lease {
            spec: Some(spec),
            ..lease
        };
        let written = self
            .api
            .replace(&self.settings.name, &PostParams::default(), &renewed)
            .await;
        self.won(written)
    }

    fn won(&mut self, written: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
        match written {
            Ok(lease) => {
                self.ours = Some(lease);
                Ok(true)
            }
            // Another replica was faster: no error.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn record(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(super::clock::now()));
        let ours = before.is_some_and(|spec| spec.holder_identity.as_deref() == Some(&self.settings.identity));
        let transitions = before.map_or(0, |spec| spec.lease_transitions.unwrap_or(0) + i32::from(!ours));
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            acquire_time: before
                .filter(|_| ours)
                .map_or_else(|| now.clone(), |spec| spec.acquire_time.clone()),
            renew_time: now,
            lease_transitions: Some(transitions),
            ..before.cloned().unwrap_or_default()
        }
    }

    async fn release(&self) {
        let led = self.until.borrow().is_some();
        self.publish(None);
        if !led {
            return;
        }
        let written = async {
            let mut lease = self.api.get(&self.settings.name).await?;
            if let Some(spec) = lease
                .spec
                .as_mut()
                .filter(|spec| spec.holder_identity.as_deref() == Some(&self.settings.identity))
            {
                spec.holder_identity = Some(String::new());
                spec.lease_duration_seconds = Some(1);
                self.api
                    .replace(&self.settings.name, &PostParams::default(), &lease)
                    .await?;
            }
            Ok::<(), kube::Error>(())
        };
        if !matches!(tokio::time::timeout(Duration::from_secs(3), written).await, Ok(Ok(()))) {
            tracing::warn!(
                lease = self.settings.name,
                "the Lease could not be released: another replica waits until it expires"
            );
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{Method, Request, Response, StatusCode};
    use kube::client::Body;
    use serde_json::Value;

    use super::*;

    /// An API server that knows one Lease.
    #[derive(Clone, Default)]
    struct Server(Arc<Mutex<(Option<Value>, u64, bool)>>);

    impl Server {
        fn client(&self) -> kube::Client {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move { server.answer(request).await }
            });
            kube::Client::new(service, "operators")
        }

        fn away(&self, away: bool) {
            self.0.lock().unwrap().2 = away;
        }

        async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
            let (parts, body) = request.into_parts();
            let bytes = body.collect_bytes().await.unwrap();
            let mut state = self.0.lock().unwrap();
            if state.2 {
                return Err(std::io::Error::other("away"));
            }
            let error = |code: u16| {
                (
                    code,
                    serde_json::json!({"kind": "Status", "status": "Failure", "code": code, "message": "", "reason": if code == 404 { "NotFound" } else { "Conflict" }}),
                )
            };
            let (code, value) = match (parts.method, state.0.clone()) {
                (Method::GET, Some(lease)) => (200, lease),
                (Method::GET, None) => error(404),
                (method, known) => {
                    let mut lease: Value = serde_json::from_slice(&bytes).unwrap();
                    let fits = known
                        .as_ref()
                        .map(|known| known["metadata"]["resourceVersion"].clone())
                        .unwrap_or_default()
                        == lease["metadata"]["resourceVersion"];
                    if (method == Method::POST && known.is_some()) || !fits {
                        error(409)
                    } else {
                        state.1 += 1;
                        lease["metadata"]["resourceVersion"] = state.1.to_string().into();
                        state.0 = Some(lease.clone());
                        (200, lease)
                    }
                }
            };
            let body = Body::from(serde_json::to_vec(&value).unwrap());
            Ok(Response::builder()
                .status(StatusCode::from_u16(code).unwrap())
                .body(body)
                .unwrap())
        }
    }

    fn elector(server: &Server, identity: &str) -> (Leadership, CancellationToken, tokio::task::JoinHandle<()>) {
        let settings = LeaseSettings {
            name: "claudeprobe".into(),
            identity: identity.into(),
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(5),
        };
        let (elector, leadership) = Elector::new(Api::default_namespaced(server.client()), settings);
        let stop = CancellationToken::new();
        let task = tokio::spawn(elector.run(stop.clone()));
        (leadership, stop, task)
    }

    async fn settle(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_two_leads_and_the_other_takes_over_when_it_stops() {
        let server = Server::default();
        let (one, stop, task) = elector(&server, "one");
        settle(1).await;
        let (two, _other, _task) = elector(&server, "two");
        settle(60).await;
        assert!(one.time_left().is_some_and(|left| left > Duration::from_secs(8)));
        assert_eq!(two.time_left(), None);
        stop.cancel();
        task.await.unwrap();
        assert_eq!(one.time_left(), None);
        settle(8).await;
        assert!(two.time_left().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_leader_is_replaced_only_after_its_lease_expires() {
        let server = Server::default();
        let (one, _stop, task) = elector(&server, "one");
        settle(1).await;
        let (two, _other, _task) = elector(&server, "two");
        settle(20).await;
        task.abort();
        let mut both_free = false;
        for _ in 0..400 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(one.time_left().is_none() || two.time_left().is_none(), "two leaders");
            both_free |= one.time_left().is_none() && two.time_left().is_none();
        }
        assert!(both_free && two.time_left().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_api_server_leadership_expires_and_returns_by_itself() {
        let server = Server::default();
        let (mut one, _stop, _task) = elector(&server, "one");
        settle(1).await;
        assert!(one.time_left().is_some());
        server.away(true);
        assert_eq!(one.changed(true).await, Some(false));
        assert_eq!(one.time_left(), None);
        server.away(false);
        assert_eq!(one.changed(false).await, Some(true));
    }
}
