//! One endpoint: how much it is asked, and what is known of its health.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

use super::client::Transport;
use super::pace::{Adaptive, Latency, PAUSES_OF_A_STRANGER, Pace, TokenBucket, pause, with_jitter};
use super::progress::Progress;

/// The data stays whole when a holder of the lock panics, so a poisoned lock is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One endpoint, with what is known of its health.
pub(super) struct Endpoint {
    pub(super) name: Arc<str>,
    pub(super) transport: Box<dyn Transport>,
    pub(super) pace: Pace,
    pub(super) progress: Arc<dyn Progress>,
    /// Operations that run on it.
    pub(super) running: AtomicUsize,
    in_flight: Semaphore,
    health: Mutex<Health>,
}

struct Health {
    bucket: Option<TokenBucket>,
    batch: Adaptive,
    jobs: Adaptive,
    /// Permits to take out of circulation as they come back, because fewer jobs are wanted.
    surplus: u32,
    latency: Latency,
    /// It has answered before.
    known: bool,
    failures_in_a_row: u32,
    failing_since: Option<Instant>,
    /// Counts the pauses. Requests that fail together were sent before the same pause, and count once.
    pauses: u64,
    resume_at: Instant,
    /// Why it was given up.
    down: Option<String>,
    /// Somebody was told that it was given up.
    told: bool,
    /// Somebody was told that it does not answer at the moment.
    told_away: bool,
    jitter: StdRng,
}

impl Endpoint {
    pub(super) fn new(
        name: Arc<str>,
        transport: Box<dyn Transport>,
        pace: Pace,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let now = Instant::now();
        let jobs = Adaptive::new(pace.jobs);
        let in_flight = Semaphore::new(usize::try_from(jobs.get()).unwrap_or(1));
        let health = Health {
            bucket: pace.rate.map(|rate| TokenBucket::new(rate, now)),
            batch: Adaptive::new(pace.batch),
            jobs,
            surplus: 0,
            latency: Latency::default(),
            known: false,
            failures_in_a_row: 0,
            failing_since: None,
            pauses: 0,
            resume_at: now,
            down: None,
            told: false,
            told_away: false,
            jitter: StdRng::from_os_rng(),
        };
        let running = AtomicUsize::new(0);
        Endpoint { name, transport, pace, progress, running, in_flight, health: Mutex::new(health) }
    }

    /// How many operations run on it for each request it may have in flight, in thousandths.
    pub(super) fn load(&self) -> usize {
        let jobs = usize::try_from(lock(&self.health).jobs.get()).unwrap_or(usize::MAX).max(1);
        self.running.load(Ordering::Relaxed).saturating_mul(1_000) / jobs
    }

    pub(super) fn batch_size(&self) -> u32 {
        lock(&self.health).batch.get()
    }

    /// Waits until there may be one more request in flight.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.in_flight.acquire().await.ok()
    }

    /// Gives the slot of a request back.
    pub(super) fn free(&self, slot: SemaphorePermit<'_>) {
        let mut health = lock(&self.health);
        if health.surplus > 0 {
            health.surplus -= 1;
            slot.forget();
        }
    }

    /// Waits until calls of this weight may be sent; says how many pauses there were so far.
    pub(super) async fn admit(&self, weight: u32) -> u64 {
        let wait = lock(&self.health).bucket.as_mut().map(|bucket| bucket.book(weight, Instant::now()));
        sleep(wait.unwrap_or_default()).await;
        // Waiting for the rate, or for a pause, may last into the next pause.
        loop {
            let (resume_at, pauses) = self.pause();
            if resume_at <= Instant::now() {
                return pauses;
            }
            sleep_until(resume_at).await;
        }
    }

    /// When the last pause ends, and how many there were.
    fn pause(&self) -> (Instant, u64) {
        let health = lock(&self.health);
        (health.resume_at, health.pauses)
    }

    /// When it may be asked again.
    pub(super) fn resume_at(&self) -> Instant {
        lock(&self.health).resume_at
    }

    /// Failures since its last good answer.
    pub(super) fn failures_in_a_row(&self) -> u32 {
        lock(&self.health).failures_in_a_row
    }

    /// Why it was given up, if it was.
    pub(super) fn down(&self) -> Option<String> {
        lock(&self.health).down.clone()
    }

    /// Gives it up.
    pub(super) fn give_up(&self, cause: String) {
        lock(&self.health).down.get_or_insert(cause);
    }

    /// Whether this is the first time that somebody is told that it was given up.
    pub(super) fn first_told(&self) -> bool {
        !std::mem::replace(&mut lock(&self.health).told, true)
    }

    /// Whether this is the first time since its last answer that somebody is told that it is away.
    pub(super) fn first_told_away(&self) -> bool {
        !std::mem::replace(&mut lock(&self.health).told_away, true)
    }

    /// A request of calls with this weight was too much.
    pub(super) fn was_too_much(&self, weight: u32) {
        lock(&self.health).batch.failed(weight);
    }

    /// A request was answered, after this time.
    pub(super) fn answered(&self, took: Duration) {
        let mut health = lock(&self.health);
        health.known = true;
        health.failures_in_a_row = 0;
        health.failing_since = None;
        health.told_away = false;
        if health.latency.holds(took) {
            health.batch.succeeded();
            let before = health.jobs.get();
            health.jobs.succeeded();
            let more = health.jobs.get().saturating_sub(before);
            // A permit that is still to be taken out is kept instead of a new one.
            let kept = more.min(health.surplus);
            health.surplus -= kept;
            self.in_flight.add_permits(usize::try_from(more - kept).unwrap_or(0));
        }
    }

    /// Plans a pause for all that is asked of the endpoint, as long as it wishes, and fewer requests in flight
    /// after it; gives the endpoint up when it had its time.
    pub(super) fn failed(&self, pauses_when_sent: u64, wish: Option<Duration>, cause: &str) {
        let now = Instant::now();
        let mut health = lock(&self.health);
        if health.pauses != pauses_when_sent {
            return;
        }
        health.pauses += 1;
        health.failures_in_a_row = health.failures_in_a_row.saturating_add(1);
        let since = *health.failing_since.get_or_insert(now);
        let before = health.jobs.get();
        health.jobs.failed(before);
        health.surplus += before.saturating_sub(health.jobs.get());
        let left = (since + self.pace.patience).saturating_duration_since(now);
        // Who says when to come back is asked once more then, be that after its time.
        let is_over = left.is_zero()
            || (!health.known && wish.is_none() && health.failures_in_a_row > PAUSES_OF_A_STRANGER);
        if is_over {
            health.down.get_or_insert_with(|| cause.to_owned());
            return;
        }
        let jitter = health.jitter.next_u32();
        let pause = match wish {
            Some(wish) => with_jitter(wish.max(pause(1, 0)), jitter % 64),
            // It is tried once more when the time that it is given ends, and not long after that.
            None => pause(health.failures_in_a_row, jitter).min(left),
        };
        health.resume_at = now + pause;
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::tests::{echo, endpoint, fake, pace};
    use super::*;

    #[test]
    fn failures_at_the_same_time_count_once() {
        let endpoint = endpoint(pace(4, 4), fake(echo));
        for _ in 0..9 {
            endpoint.failed(0, None, "away");
        }
        assert_eq!(endpoint.failures_in_a_row(), 1);
        endpoint.failed(1, None, "away");
        assert_eq!(endpoint.failures_in_a_row(), 2);
        endpoint.answered(Duration::ZERO);
        assert_eq!(endpoint.failures_in_a_row(), 0);
    }

    #[test]
    fn no_pause_outlasts_the_patience() {
        let endpoint = endpoint(Pace { patience: Duration::from_secs(3), ..pace(4, 4) }, fake(echo));
        endpoint.answered(Duration::ZERO);
        for pauses in 0..6 {
            endpoint.failed(pauses, None, "away");
        }
        assert!(endpoint.resume_at().duration_since(Instant::now()) <= Duration::from_secs(3));
        assert_eq!(endpoint.down(), None);
    }

    #[test]
    fn a_wish_to_be_left_alone_holds_for_every_request() {
        let endpoint = endpoint(pace(4, 4), fake(echo));
        endpoint.failed(0, Some(Duration::from_secs(7)), "429");
        let left = endpoint.resume_at().duration_since(Instant::now());
        assert!(left > Duration::from_secs(6) && left < Duration::from_secs(8), "{left:?}");
    }

    #[test]
    fn nobody_is_waited_for_who_only_ever_wishes_to_be_left_alone() {
        let endpoint = endpoint(Pace { patience: Duration::from_millis(5), ..pace(4, 4) }, fake(echo));
        endpoint.failed(0, Some(Duration::ZERO), "429");
        assert_eq!(endpoint.down(), None);
        std::thread::sleep(Duration::from_millis(6));
        endpoint.failed(1, Some(Duration::ZERO), "429");
        assert_eq!(endpoint.down().as_deref(), Some("429"));
    }

    fn jobs_and_surplus(endpoint: &Endpoint) -> (u32, u32) {
        let health = lock(&endpoint.health);
        (health.jobs.get(), health.surplus)
    }

    #[test]
    fn requests_in_flight_grow_with_good_answers_and_are_halved() {
        let endpoint = endpoint(pace(16, 4), fake(echo));
        for _ in 0..20 {
            endpoint.answered(Duration::ZERO);
        }
        assert_eq!(jobs_and_surplus(&endpoint), (16, 0));
        assert_eq!(endpoint.in_flight.available_permits(), 16);
        endpoint.failed(0, None, "away");
        assert_eq!(jobs_and_surplus(&endpoint), (8, 8));
    }
}
