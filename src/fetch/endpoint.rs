//! One endpoint: how much it is asked, and what is known of its health.

use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::Transport;
use super::job::lock;
use super::pace::{BatchSize, Pace, TokenBucket, pause};

/// One endpoint, with what is known of its health.
pub(super) struct Endpoint {
    pub(super) name: Arc<str>,
    pub(super) transport: Box<dyn Transport>,
    pub(super) pace: Pace,
    pub(super) in_flight: Semaphore,
    health: Mutex<Health>,
}

struct Health {
    bucket: Option<TokenBucket>,
    batch: BatchSize,
    /// It has answered before.
    known: bool,
    failures_in_a_row: u32,
    /// Counts the pauses. Requests that fail together were sent before the same pause, and count once.
    pauses: u64,
    resume_at: Instant,
    /// Why it was given up.
    down: Option<String>,
    jitter: StdRng,
}

impl Endpoint {
    pub(super) fn new(name: Arc<str>, transport: Box<dyn Transport>, pace: Pace) -> Self {
        let now = Instant::now();
        let health = Health {
            bucket: pace.rate.map(|rate| TokenBucket::new(rate, now)),
            batch: BatchSize::new(pace.batch),
            known: false,
            failures_in_a_row: 0,
            pauses: 0,
            resume_at: now,
            down: None,
            jitter: StdRng::from_os_rng(),
        };
        let permits = usize::try_from(pace.jobs.get()).unwrap_or(Semaphore::MAX_PERMITS);
        let in_flight = Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        Endpoint { name, transport, pace, in_flight, health: Mutex::new(health) }
    }

    pub(super) fn is_up(&self) -> bool {
        lock(&self.health).down.is_none()
    }

    pub(super) fn batch_size(&self) -> u32 {
        lock(&self.health).batch.get()
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

    /// Why it was given up, if it was.
    pub(super) fn down(&self) -> Option<String> {
        lock(&self.health).down.clone()
    }

    /// Gives it up.
    pub(super) fn give_up(&self, cause: String) {
        lock(&self.health).down = Some(cause);
    }

    /// A request of calls with this weight was too much.
    pub(super) fn was_too_much(&self, weight: u32) {
        lock(&self.health).batch.was_too_much(weight);
    }

    pub(super) fn answered(&self) {
        let mut health = lock(&self.health);
        health.known = true;
        health.failures_in_a_row = 0;
        health.batch.succeeded();
    }

    /// Plans a pause; gives the endpoint up when there were enough.
    pub(super) fn failed(&self, pauses_when_sent: u64, cause: String) {
        let mut health = lock(&self.health);
        if health.pauses != pauses_when_sent {
            return;
        }
        health.pauses += 1;
        health.failures_in_a_row += 1;
        let jitter = health.jitter.next_u32();
        match pause(health.failures_in_a_row, health.known, jitter) {
            Some(pause) => health.resume_at = Instant::now() + pause,
            None => health.down = Some(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::tests::{echo, fake, pace};
    use super::*;

    #[test]
    fn failures_at_the_same_time_count_once() {
        let endpoint = Endpoint::new("node".into(), fake(echo), pace(4, 4));
        for _ in 0..9 {
            endpoint.failed(0, "away".to_owned());
        }
        assert_eq!(lock(&endpoint.health).failures_in_a_row, 1);
        endpoint.failed(1, "away".to_owned());
        assert_eq!(lock(&endpoint.health).failures_in_a_row, 2);
        endpoint.answered();
        assert_eq!(lock(&endpoint.health).failures_in_a_row, 0);
    }
}
