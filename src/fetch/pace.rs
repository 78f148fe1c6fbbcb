//! How fast to ask: the arithmetic of rate, batch size and pauses. Nothing here waits or reads a clock.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// What one endpoint is asked at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests in flight.
    pub jobs: NonZeroU32,
    /// Calls in one request, counted by weight.
    pub batch: NonZeroU32,
    /// Calls a second, counted by weight; none is as fast as the endpoint answers.
    pub rate: Option<NonZeroU32>,
}

impl Pace {
    /// For a node that others use too: 4 requests in flight, 25 calls each, 100 calls a second.
    pub const POLITE: Pace = Pace { jobs: non_zero(4), batch: non_zero(25), rate: Some(non_zero(100)) };
    /// For a node of one's own: 16 requests in flight, 50 calls each, as fast as it answers.
    pub const OWN_NODE: Pace = Pace { jobs: non_zero(16), batch: non_zero(50), rate: None };
}

/// `n`, or 1 for zero.
const fn non_zero(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// Spreads calls evenly over time: after `n` calls, `n / rate` seconds pass before the next ones.
///
/// Nothing is saved up for a burst, so a pause never ends in a rush.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_call: Duration,
    next: Instant,
}

impl TokenBucket {
    pub(super) fn new(rate: NonZeroU32, now: Instant) -> Self {
        TokenBucket { per_call: Duration::from_secs(1) / rate.get(), next: now }
    }

    /// Books `weight` calls and says how long to wait before sending them.
    pub(super) fn book(&mut self, weight: u32, now: Instant) -> Duration {
        let start = self.next.max(now);
        self.next = start + self.per_call.saturating_mul(weight);
        start - now
    }
}

/// Calls sent in one request: halved when a request is too much, grown slowly while all goes well.
#[derive(Debug)]
pub(super) struct BatchSize {
    size: u32,
    max: u32,
    good_in_a_row: u32,
}

impl BatchSize {
    const GOOD_BEFORE_GROWTH: u32 = 20;
    const GROWTH: u32 = 5;

    pub(super) fn new(max: NonZeroU32) -> Self {
        BatchSize { size: max.get(), max: max.get(), good_in_a_row: 0 }
    }

    pub(super) fn get(&self) -> u32 {
        self.size
    }

    pub(super) fn succeeded(&mut self) {
        self.good_in_a_row += 1;
        if self.good_in_a_row >= Self::GOOD_BEFORE_GROWTH {
            self.good_in_a_row = 0;
            self.size = self.size.saturating_add(Self::GROWTH).min(self.max);
        }
    }

    /// A request of `sent` calls was too much. Requests of the old size which were in flight at the
    /// same time all fail; they halve the size once, not once each.
    pub(super) fn was_too_much(&mut self, sent: u32) {
        self.good_in_a_row = 0;
        self.size = self.size.min((sent / 2).max(1));
    }
}

/// Pauses between tries, milliseconds; more than a minute in all.
const PAUSES_MS: [u64; 7] = [10, 100, 500, 2_000, 10_000, 20_000, 30_000];
/// How many of the pauses are waited for an endpoint that never answered: its address is likely wrong.
const PAUSES_OF_A_STRANGER: usize = 3;

/// The pause after the `failures`-th failure in a row (from 1), or none when it is time to give up.
///
/// `jitter` (any number) lengthens it by up to a quarter, so that many clients do not come back at once.
pub(super) fn pause(failures: u32, known: bool, jitter: u32) -> Option<Duration> {
    let limit = if known { PAUSES_MS.len() } else { PAUSES_OF_A_STRANGER };
    let index = usize::try_from(failures.checked_sub(1)?).ok()?;
    let pause_ms = *PAUSES_MS.get(..limit)?.get(index)?;
    let extra_ms = pause_ms * u64::from(jitter % 256) / 1024;
    Some(Duration::from_millis(pause_ms + extra_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_spreads_calls_evenly_and_saves_nothing() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(non_zero(100), now);
        assert_eq!(bucket.book(25, now), Duration::ZERO);
        assert_eq!(bucket.book(25, now), Duration::from_millis(250));
        assert_eq!(bucket.book(1, now), Duration::from_millis(500));
        let later = now + Duration::from_secs(60);
        assert_eq!(bucket.book(100, later), Duration::ZERO);
        assert_eq!(bucket.book(1, later), Duration::from_secs(1));
    }

    #[test]
    fn the_batch_is_halved_once_by_requests_of_the_same_size_and_grows_back() {
        let mut batch = BatchSize::new(non_zero(50));
        batch.was_too_much(50);
        batch.was_too_much(50);
        assert_eq!(batch.get(), 25);
        batch.was_too_much(25);
        assert_eq!(batch.get(), 12);
        batch.was_too_much(1);
        assert_eq!(batch.get(), 1);
        for _ in 0..BatchSize::GOOD_BEFORE_GROWTH {
            batch.succeeded();
        }
        assert_eq!(batch.get(), 6);
        for _ in 0..1_000 {
            batch.succeeded();
        }
        assert_eq!(batch.get(), 50);
    }

    #[test]
    fn pauses_grow_and_end_sooner_for_a_stranger() {
        assert_eq!(pause(1, true, 0), Some(Duration::from_millis(10)));
        assert_eq!(pause(7, true, 0), Some(Duration::from_secs(30)));
        assert_eq!(pause(8, true, 0), None);
        assert_eq!(pause(3, false, 0), Some(Duration::from_millis(500)));
        assert_eq!(pause(4, false, 0), None);
        assert_eq!(pause(0, true, 0), None);
        let longest = pause(4, true, u32::MAX).unwrap();
        assert!(longest > Duration::from_secs(2) && longest < Duration::from_millis(2_500));
    }
}
