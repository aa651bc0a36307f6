//! Rate limits as token buckets, per organisation and model class, and the headers that show them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::config::Limits;
use super::error_name::ErrorName;
use crate::claude::headers::LimitKind;

/// A bucket that fills continuously to its limit within a minute.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    #[allow(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
    fn full(limit: u64, now: Instant) -> Self {
        Self {
            limit: limit as f64,
            level: limit as f64,
            at: now,
        }
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + self.limit / 60.0 * seconds).min(self.limit);
        self.at = now;
    }

    /// Seconds until `units` are there, at least 1.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to an hour"
    )]
    fn wait(&self, units: f64) -> u64 {
        let rate = (self.limit / 60.0).max(f64::MIN_POSITIVE);
        ((units - self.level) / rate).ceil().clamp(1.0, 3600.0) as u64
    }
}

#[derive(Debug)]
struct Pools {
    limits: Limits,
    requests: Bucket,
    input: Bucket,
    output: Bucket,
    count: Bucket,
}

impl Pools {
    fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            requests: Bucket::full(limits.requests, now),
            input: Bucket::full(limits.input_tokens, now),
            output: Bucket::full(limits.output_tokens, now),
            count: Bucket::full(limits.count_requests, now),
        }
    }
}

/// All organisations' buckets and the calls in progress.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pools: Mutex<HashMap<(String, String), Pools>>,
    running: Mutex<HashMap<String, u32>>,
}

/// A limit that is reached: which, and for how many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub name: ErrorName,
    pub seconds: u64,
}

/// What the headers show.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    rows: Vec<(LimitKind, u64, u64, String)>,
}

impl Snapshot {
    /// The `anthropic-ratelimit-*` headers; `remaining` of tokens rounded to thousands.
    pub fn headers(&self) -> impl Iterator<Item = (String, String)> {
        self.rows.iter().flat_map(|(kind, limit, remaining, reset)| {
            let name = |part: &str| format!("anthropic-ratelimit-{}-{part}", kind.name());
            [
                (name("limit"), limit.to_string()),
                (name("remaining"), remaining.to_string()),
                (name("reset"), reset.clone()),
            ]
        })
    }
}

impl Meter {
    /// Takes one request and its input tokens, or says which limit forbids it; nothing is taken then.
    pub fn take(&self, organization: &str, class: &str, limits: Limits, input_tokens: u64) -> Result<(), Reached> {
        self.with(organization, class, limits, |pools| {
            #[allow(clippy::cast_precision_loss, reason = "a body has at most 32 MiB")]
            let input = input_tokens as f64;
            for (bucket, units, name) in [
                (&pools.requests, 1.0, ErrorName::RateLimitRequests),
                (&pools.input, input, ErrorName::RateLimitInputTokens),
                (&pools.output, 1.0, ErrorName::RateLimitOutputTokens),
            ] {
                if bucket.level < units {
                    return Err(Reached {
                        name,
                        seconds: bucket.wait(units),
                    });
                }
            }
            pools.requests.level -= 1.0;
            pools.input.level -= input;
            Ok(())
        })
    }

    /// Takes one request of token counting.
    pub fn take_count(&self, organization: &str, limits: Limits) -> Result<(), Reached> {
        self.with(organization, "", limits, |pools| {
            if pools.count.level < 1.0 {
                return Err(Reached {
                    name: ErrorName::RateLimitRequests,
                    seconds: pools.count.wait(1.0),
                });
            }
            pools.count.level -= 1.0;
            Ok(())
        })
    }

    /// Output tokens count when they are made.
    #[allow(clippy::cast_precision_loss, reason = "max_tokens is far below 2^52")]
    pub fn spend_output(&self, organization: &str, class: &str, limits: Limits, tokens: u64) {
        self.with(organization, class, limits, |pools| {
            pools.output.level = (pools.output.level - tokens as f64).max(0.0)
        });
    }

    /// The state now; `None` for an organisation whose replies do not show it. `exhausted` shows that limit as used up.
    pub fn snapshot(
        &self,
        organization: &str,
        class: &str,
        limits: Limits,
        exhausted: Option<ErrorName>,
    ) -> Option<Snapshot> {
        limits.headers.then(|| {
            let (requests, input, output) = self.with(organization, class, limits, |pools| {
                (pools.requests, pools.input, pools.output)
            });
            let row = |kind, bucket: Bucket, name| row(kind, bucket, exhausted == Some(name));
            let requests = row(LimitKind::Requests, requests, ErrorName::RateLimitRequests);
            let input = row(LimitKind::InputTokens, input, ErrorName::RateLimitInputTokens);
            let output = row(LimitKind::OutputTokens, output, ErrorName::RateLimitOutputTokens);
            let tokens = (
                LimitKind::Tokens,
                input.1 + output.1,
                input.2 + output.2,
                input.3.clone(),
            );
            Snapshot {
                rows: vec![input, output, requests, tokens],
            }
        })
    }

    /// Begins a call, if the organisation may have one more at the same time.
    pub fn begin(self: &Arc<Self>, organization: &str, limits: Limits) -> Option<Running> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(organization.to_owned()).or_default();
        if limits.concurrency.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Running {
            meter: Arc::clone(self),
            organization: organization.to_owned(),
        })
    }

    fn with<T>(&self, organization: &str, class: &str, limits: Limits, act: impl FnOnce(&mut Pools) -> T) -> T {
        let now = Instant::now();
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = pools
            .entry((organization.to_owned(), class.to_owned()))
            .and_modify(|pools| {
                // A changed limit starts afresh.
                if pools.limits != limits {
                    *pools = Pools::new(limits, now);
                }
            })
            .or_insert_with(|| Pools::new(limits, now));
        for bucket in [
            &mut entry.requests,
            &mut entry.input,
            &mut entry.output,
            &mut entry.count,
        ] {
            bucket.refill(now);
        }
        act(entry)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "levels lie between 0 and the limit"
)]
fn row(kind: LimitKind, bucket: Bucket, exhausted: bool) -> (LimitKind, u64, u64, String) {
    let level = if exhausted { 0.0 } else { bucket.level.floor() };
    let shown = if kind == LimitKind::Requests {
        level
    } else {
        (level / 1000.0).round() * 1000.0
    };
    let seconds = ((bucket.limit - level) / (bucket.limit / 60.0).max(f64::MIN_POSITIVE))
        .ceil()
        .clamp(0.0, 3600.0);
    let reset = crate::clock::now() + jiff::SignedDuration::from_secs(seconds as i64);
    (
        kind,
        bucket.limit as u64,
        shown.min(bucket.limit) as u64,
        reset.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// A call in progress; dropping it ends it.
#[derive(Debug)]
pub(super) struct Running {
    meter: Arc<Meter>,
    organization: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.meter.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.organization) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits() -> Limits {
        Limits {
            requests: 2,
            input_tokens: 6_000,
            concurrency: Some(1),
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_names_itself_and_fills_again() {
        let meter = Meter::default();
        assert_eq!(meter.take("o", "haiku", limits(), 10), Ok(()));
        assert_eq!(meter.take("o", "haiku", limits(), 10), Ok(()));
        let reached = meter.take("o", "haiku", limits(), 10).unwrap_err();
        assert_eq!(
            reached,
            Reached {
                name: ErrorName::RateLimitRequests,
                seconds: 30
            }
        );
        assert_eq!(
            meter.take("o", "opus", limits(), 10),
            Ok(()),
            "another class has limits of its own"
        );
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(meter.take("o", "haiku", limits(), 10), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_limited_apart_and_shown_in_thousands() {
        let meter = Meter::default();
        assert_eq!(meter.take("o", "c", limits(), 5_600), Ok(()));
        let reached = meter.take("o", "c", limits(), 500).unwrap_err();
        assert_eq!(reached.name, ErrorName::RateLimitInputTokens);
        let snapshot = meter.snapshot("o", "c", limits(), None).unwrap();
        let headers: HashMap<_, _> = snapshot.headers().collect();
        assert_eq!(headers["anthropic-ratelimit-input-tokens-remaining"], "0");
        assert_eq!(headers["anthropic-ratelimit-requests-remaining"], "1");
        assert_eq!(headers.len(), 12);
        assert!(
            meter
                .snapshot(
                    "o",
                    "c",
                    Limits {
                        headers: false,
                        ..limits()
                    },
                    None
                )
                .is_none()
        );
    }

    #[tokio::test]
    async fn concurrency_counts_calls_in_progress() {
        let meter = Arc::new(Meter::default());
        let first = meter.begin("o", limits()).unwrap();
        assert!(meter.begin("o", limits()).is_none());
        assert!(meter.begin("other", limits()).is_some());
        drop(first);
        assert!(meter.begin("o", limits()).is_some());
    }
}
