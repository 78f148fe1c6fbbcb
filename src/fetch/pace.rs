//! How fast to ask: the arithmetic of rate, batch size, requests in flight and pauses. Nothing here waits or reads a clock.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// What one endpoint is asked at most, and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests in flight.
    pub jobs: NonZeroU32,
    /// Calls in one request, counted by weight.
    pub batch: NonZeroU32,
    /// Calls a second, counted by weight; none is as fast as the endpoint answers.
    pub rate: Option<NonZeroU32>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long an endpoint that answered before may be away or busy until it is given up.
    pub patience: Duration,
}

impl Pace {
    /// For a node that others use too: 4 requests in flight, 25 calls each, 100 calls a second.
    pub const POLITE: Pace = Pace {
        jobs: non_zero(4),
        batch: non_zero(25),
        rate: Some(non_zero(100)),
        timeout: Duration::from_secs(60),
        patience: Duration::from_secs(300),
    };
    /// For a node of one's own: 16 requests in flight, 50 calls each, as fast as it answers.
    pub const OWN_NODE: Pace = Pace { jobs: non_zero(16), batch: non_zero(50), rate: None, ..Pace::POLITE };
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

/// A number that grows while all goes well and is halved when something fails.
///
/// It begins small. Until the first failure it grows with every good answer, which doubles the requests in
/// flight with every round trip; after that only with every `PATIENCE`-th good answer in a row.
#[derive(Debug)]
pub(super) struct Adaptive {
    size: u32,
    max: u32,
    step: u32,
    good_in_a_row: u32,
    has_failed: bool,
}

impl Adaptive {
    const PATIENCE: u32 = 20;

    /// At most `max`; a quarter of that to begin with, and a tenth more with every step.
    pub(super) fn new(max: NonZeroU32) -> Self {
        let max = max.get();
        Adaptive { size: max.div_ceil(4), max, step: max.div_ceil(10), good_in_a_row: 0, has_failed: false }
    }

    pub(super) fn get(&self) -> u32 {
        self.size
    }

    pub(super) fn succeeded(&mut self) {
        self.good_in_a_row = self.good_in_a_row.saturating_add(1);
        if !self.has_failed || self.good_in_a_row >= Self::PATIENCE {
            self.good_in_a_row = 0;
            self.size = self.size.saturating_add(self.step).min(self.max);
        }
    }

    /// A request at the size `used` failed. Requests of the old size which were in flight at the same time
    /// all fail; they halve the size once, not once each.
    pub(super) fn failed(&mut self, used: u32) {
        self.good_in_a_row = 0;
        self.has_failed = true;
        self.size = self.size.min((used / 2).max(1));
    }
}

/// Whether an endpoint answers as fast as it did when it had little to do.
#[derive(Debug, Default)]
pub(super) struct Latency {
    floor: Option<Duration>,
}

impl Latency {
    /// Larger requests take a little longer, and nobody minds.
    const SLACK: Duration = Duration::from_millis(200);

    /// Notes how long a request took; says whether that is still as usual.
    pub(super) fn holds(&mut self, took: Duration) -> bool {
        let floor = self.floor.map_or(took, |floor| floor.min(took));
        // The floor rises slowly, so that one lucky answer is not the measure for ever.
        self.floor = Some(floor + (took - floor) / 64);
        took <= floor.saturating_mul(2) + Self::SLACK
    }
}

/// Pauses between tries, milliseconds; the last one is repeated.
const PAUSES_MS: [u64; 7] = [10, 100, 500, 2_000, 5_000, 10_000, 20_000];
/// How many of the pauses are waited for an endpoint that never answered: its address is likely wrong.
pub(super) const PAUSES_OF_A_STRANGER: u32 = 3;

/// The pause after the `failures`-th failure in a row (from 1).
///
/// `jitter` (any number) lengthens it by up to a quarter, so that many clients do not come back at once.
pub(super) fn pause(failures: u32, jitter: u32) -> Duration {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let last = PAUSES_MS.last().copied().unwrap_or_default();
    with_jitter(Duration::from_millis(PAUSES_MS.get(index).copied().unwrap_or(last)), jitter)
}

/// Up to a quarter longer.
pub(super) fn with_jitter(pause: Duration, jitter: u32) -> Duration {
    pause + pause.saturating_mul(jitter % 256) / 1_024
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
    fn sizes_grow_fast_at_first_are_halved_once_and_grow_back_slowly() {
        let mut batch = Adaptive::new(non_zero(50));
        assert_eq!(batch.get(), 13);
        for _ in 0..8 {
            batch.succeeded();
        }
        assert_eq!(batch.get(), 50);
        batch.failed(50);
        batch.failed(50);
        assert_eq!(batch.get(), 25);
        batch.failed(25);
        assert_eq!(batch.get(), 12);
        batch.failed(1);
        assert_eq!(batch.get(), 1);
        for _ in 0..Adaptive::PATIENCE {
            batch.succeeded();
        }
        assert_eq!(batch.get(), 6);
        for _ in 0..1_000 {
            batch.succeeded();
        }
        assert_eq!(batch.get(), 50);
        assert_eq!(Adaptive::new(non_zero(1)).get(), 1);
    }

    #[test]
    fn latency_holds_until_answers_take_much_longer() {
        let ms = Duration::from_millis;
        let mut latency = Latency::default();
        assert!(latency.holds(ms(50)) && latency.holds(ms(250)));
        assert!(!latency.holds(ms(1_000)));
        assert!(latency.holds(ms(60)));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(1, 0), Duration::from_millis(10));
        assert_eq!(pause(7, 0), Duration::from_secs(20));
        assert_eq!(pause(99, 0), Duration::from_secs(20));
        let longest = pause(4, u32::MAX);
        assert!(longest > Duration::from_secs(2) && longest < Duration::from_millis(2_500));
    }
}
