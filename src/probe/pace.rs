//! How fast exchanges may follow each other with one key: a probe must not eat the limit that it watches.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time over which limits count.
const WINDOW: Duration = Duration::from_secs(60);

/// Requests sent with one key, and the limit last seen.
#[derive(Clone, Debug, Default)]
pub struct Pacer {
    sent: VecDeque<Instant>,
    per_minute: Option<u32>,
}

impl Pacer {
    /// Notes the requests limit that a reply stated, per minute.
    pub fn limit(&mut self, per_minute: u32) {
        self.per_minute = Some(per_minute);
    }

    /// Notes a request.
    pub fn sent(&mut self, at: Instant) {
        self.sent.push_back(at);
        while self.sent.len() > 4096 {
            self.sent.pop_front();
        }
    }

    /// How long to wait before the next request: at most a fifth of the limit in any minute, and never faster than the
    /// limit evenly spread (60 per minute may be enforced as 1 per second).
    #[must_use]
    pub fn wait(&self, now: Instant) -> Duration {
        let Some(limit) = self.per_minute.filter(|&limit| limit > 0) else {
            return Duration::ZERO;
        };
        let spacing = WINDOW / limit;
        let since_last = self
            .sent
            .back()
            .map_or(WINDOW, |last| now.saturating_duration_since(*last));
        let share = (usize::try_from(limit).unwrap_or(usize::MAX) / 5).max(1);
        let recent: Vec<&Instant> = self
            .sent
            .iter()
            .filter(|at| now.saturating_duration_since(**at) < WINDOW)
            .collect();
        let until_share = match recent.len().checked_sub(share) {
            None => Duration::ZERO,
            Some(surplus) => recent.get(surplus).map_or(Duration::ZERO, |oldest| {
                WINDOW.saturating_sub(now.saturating_duration_since(**oldest))
            }),
        };
        spacing.saturating_sub(since_last).max(until_share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_limit_goes_through_in_a_minute_evenly_at_least() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(50);
        let mut now = start;
        for _ in 0..10 {
            let wait = pacer.wait(now);
            assert!(wait <= Duration::from_millis(1200));
            now += wait;
            pacer.sent(now);
        }
        let wait = pacer.wait(now);
        assert_eq!(
            now + wait,
            start + WINDOW,
            "the eleventh waits until the first is a minute old"
        );
    }

    #[test]
    fn without_a_known_limit_nothing_waits() {
        let mut pacer = Pacer::default();
        pacer.sent(Instant::now());
        assert_eq!(pacer.wait(Instant::now()), Duration::ZERO);
    }
}
