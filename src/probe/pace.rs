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

    /// Requests that may be sent in any minute, when a limit is known: a fifth of it, at least one.
    #[must_use]
    pub fn share(&self) -> Option<usize> {
        let limit = self.per_minute.filter(|&limit| limit > 0)?;
        Some((usize::try_from(limit).unwrap_or(usize::MAX) / 5).max(1))
    }

    /// How long to wait before the next request.
    #[must_use]
    pub fn wait(&self, now: Instant) -> Duration {
        self.wait_for(1, now)
    }

    /// How long to wait before so many requests at once: at most a fifth of the limit in any minute, and never faster
    /// than the limit evenly spread (60 per minute may be enforced as 1 per second).
    #[must_use]
    pub fn wait_for(&self, count: usize, now: Instant) -> Duration {
        let (Some(limit), Some(share)) = (self.per_minute.filter(|&limit| limit > 0), self.share()) else {
            return Duration::ZERO;
        };
        let spacing = WINDOW / limit;
        let since_last = self
            .sent
            .back()
            .map_or(WINDOW, |last| now.saturating_duration_since(*last));
        let recent: Vec<&Instant> = self
            .sent
            .iter()
            .filter(|at| now.saturating_duration_since(**at) < WINDOW)
            .collect();
        // So many of the recent ones must be a minute old first; more than there are cannot be waited for.
        let surplus = (recent.len() + count).saturating_sub(share).min(recent.len());
        let until_share = match surplus.checked_sub(1).and_then(|last| recent.get(last)) {
            None => Duration::ZERO,
            Some(sent) => WINDOW.saturating_sub(now.saturating_duration_since(**sent)),
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
    fn several_at_once_wait_until_there_is_room_for_all_of_them() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(50);
        assert_eq!(pacer.share(), Some(10));
        for second in 0..8 {
            pacer.sent(start + Duration::from_secs(2 * second));
        }
        let now = start + Duration::from_secs(16);
        assert!(pacer.wait_for(2, now) <= Duration::from_millis(1200));
        // Room for four is there when the second request is a minute old.
        assert_eq!(now + pacer.wait_for(4, now), start + WINDOW + Duration::from_secs(2));
    }

    #[test]
    fn without_a_known_limit_nothing_waits() {
        let mut pacer = Pacer::default();
        pacer.sent(Instant::now());
        assert_eq!(pacer.wait(Instant::now()), Duration::ZERO);
    }
}
