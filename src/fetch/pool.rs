//! Several endpoints of one chain share the load: every call is answered once, in whatever order.
//!
//! Answers come back in the order of the calls, so nothing that is made of them depends on how many
//! requests were in flight, how large they were, or which endpoint answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Address, Answers, Call, CallError, RequestError, Transport, transport};
use super::error::Error;
use super::pace::{BatchSize, Pace, TokenBucket, pause};
use super::progress::Progress;

/// How often one call is tried when the endpoints answer it with an error that may pass.
const TRIES_OF_A_CALL: u32 = 5;

/// An answer, and who gave it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) endpoint: Arc<str>,
}

/// The endpoints.
pub(super) struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    progress: Arc<dyn Progress>,
    /// Whose turn it is to get the first request of the next job.
    turn: AtomicUsize,
}

impl Pool {
    pub(super) fn new(urls: &[String], pace: Pace, progress: Arc<dyn Progress>) -> Result<Pool, Error> {
        let mut endpoints = Vec::new();
        for url in urls {
            let address = Address::parse(url)?;
            endpoints.push(Arc::new(Endpoint::new(Arc::clone(&address.name), transport(&address)?, pace)));
        }
        Ok(Pool { endpoints, progress, turn: AtomicUsize::new(0) })
    }

    /// Scheme, host and port of every endpoint, in the order given.
    pub(super) fn names(&self) -> Vec<String> {
        self.endpoints.iter().map(|endpoint| endpoint.name.to_string()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.endpoints.len()
    }

    pub(super) fn progress(&self) -> &dyn Progress {
        self.progress.as_ref()
    }

    /// The answer to one call.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, Error> {
        only(self.call_all(vec![call]).await?)
    }

    /// The answers to the calls, in their order.
    pub(super) async fn call_all(&self, calls: Vec<Call>) -> Result<Vec<Answer>, Error> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.endpoints.len().max(1);
        let mut endpoints = self.endpoints.clone();
        endpoints.rotate_left(first);
        self.run(&endpoints, calls).await
    }

    /// The answer of one endpoint, counted from 0 in the order given.
    pub(super) async fn call_on(&self, index: usize, call: Call) -> Result<Answer, Error> {
        let endpoint = self.endpoints.get(index).ok_or(Error::Internal("there is no such endpoint"))?;
        only(self.run(std::slice::from_ref(endpoint), vec![call]).await?)
    }

    async fn run(&self, endpoints: &[Arc<Endpoint>], calls: Vec<Call>) -> Result<Vec<Answer>, Error> {
        let job = Arc::new(Job::new(calls));
        loop {
            // Dropping the set, as an interruption does, ends the requests that are in flight.
            let mut workers = JoinSet::new();
            let mut load = job.weight();
            'spawn: for _ in 0..endpoints.iter().map(|e| e.pace.jobs.get()).max().unwrap_or(0) {
                for endpoint in endpoints.iter().filter(|endpoint| endpoint.is_up()) {
                    if load == 0 {
                        break 'spawn;
                    }
                    load = load.saturating_sub(u64::from(endpoint.batch_size()));
                    let worker = Worker {
                        endpoint: Arc::clone(endpoint),
                        job: Arc::clone(&job),
                        progress: Arc::clone(&self.progress),
                    };
                    workers.spawn(worker.run());
                }
            }
            if workers.is_empty() {
                break;
            }
            while let Some(ended) = workers.join_next().await {
                ended.map_err(|_| Error::Internal("a request was dropped"))?;
            }
            if job.has_failed() {
                break;
            }
        }
        match job.finish() {
            Outcome::Answered(answers) => Ok(answers),
            Outcome::Failed(error) => Err(error),
            Outcome::Unanswered => Err(unreachable_error(endpoints)),
        }
    }
}

fn only(answers: Vec<Answer>) -> Result<Answer, Error> {
    answers.into_iter().next().ok_or(Error::Internal("a call was not answered"))
}

fn unreachable_error(endpoints: &[Arc<Endpoint>]) -> Error {
    let given_up =
        endpoints.iter().rev().find_map(|e| Some((Arc::clone(&e.name), lock(&e.health).down.clone()?)));
    match given_up {
        Some((endpoint, cause)) => Error::Unreachable { endpoint, cause },
        None => Error::Internal("there is no endpoint"),
    }
}

/// The data stays whole when a holder of the lock panics, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One endpoint, with what is known of its health.
struct Endpoint {
    name: Arc<str>,
    transport: Box<dyn Transport>,
    pace: Pace,
    in_flight: Semaphore,
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
    fn new(name: Arc<str>, transport: Box<dyn Transport>, pace: Pace) -> Self {
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

    fn is_up(&self) -> bool {
        lock(&self.health).down.is_none()
    }

    fn batch_size(&self) -> u32 {
        lock(&self.health).batch.get()
    }

    /// Waits until calls of this weight may be sent; says how many pauses there were so far.
    async fn admit(&self, weight: u32) -> u64 {
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

    fn answered(&self) {
        let mut health = lock(&self.health);
        health.known = true;
        health.failures_in_a_row = 0;
        health.batch.succeeded();
    }

    /// Plans a pause; gives the endpoint up when there were enough.
    fn failed(&self, pauses_when_sent: u64, cause: String) {
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

/// Calls that are being answered.
struct Job {
    calls: Vec<Call>,
    state: Mutex<JobState>,
}

struct JobState {
    waiting: VecDeque<usize>,
    answers: Vec<Option<Answer>>,
    tries: Vec<u32>,
    error: Option<Error>,
}

enum Outcome {
    Answered(Vec<Answer>),
    Failed(Error),
    Unanswered,
}

impl Job {
    fn new(calls: Vec<Call>) -> Self {
        let state = JobState {
            waiting: (0..calls.len()).collect(),
            answers: vec![None; calls.len()],
            tries: vec![0; calls.len()],
            error: None,
        };
        Job { calls, state: Mutex::new(state) }
    }

    /// Weight of the calls that wait.
    fn weight(&self) -> u64 {
        let state = lock(&self.state);
        state.waiting.iter().filter_map(|&i| self.calls.get(i)).map(|call| u64::from(call.weight)).sum()
    }

    /// Calls for one request of at most this weight, but at least one call, as long as one waits.
    fn take(&self, weight_max: u32) -> Vec<(usize, Call)> {
        let mut state = lock(&self.state);
        let mut taken = Vec::new();
        let mut weight = 0_u32;
        while state.error.is_none()
            && let Some((index, call)) = state.waiting.front().and_then(|&i| Some((i, self.calls.get(i)?)))
        {
            weight = weight.saturating_add(call.weight);
            if weight > weight_max && !taken.is_empty() {
                break;
            }
            taken.push((index, call.clone()));
            state.waiting.pop_front();
        }
        taken
    }

    fn put_back(&self, indices: impl DoubleEndedIterator<Item = usize>) {
        let mut state = lock(&self.state);
        for index in indices.rev() {
            state.waiting.push_front(index);
        }
    }

    fn answer(&self, index: usize, answer: Answer) {
        if let Some(slot) = lock(&self.state).answers.get_mut(index) {
            *slot = Some(answer);
        }
    }

    /// Counts a failed try of a call; says how many there were.
    fn count_try(&self, index: usize) -> u32 {
        let mut state = lock(&self.state);
        state.tries.get_mut(index).map_or(u32::MAX, |tries| {
            *tries += 1;
            *tries
        })
    }

    /// The first error ends the job.
    fn fail(&self, error: Error) {
        lock(&self.state).error.get_or_insert(error);
    }

    fn has_failed(&self) -> bool {
        lock(&self.state).error.is_some()
    }

    fn finish(&self) -> Outcome {
        let mut state = lock(&self.state);
        if let Some(error) = state.error.take() {
            return Outcome::Failed(error);
        }
        match std::mem::take(&mut state.answers).into_iter().collect() {
            Some(answers) => Outcome::Answered(answers),
            None => Outcome::Unanswered,
        }
    }
}

/// Sends requests of a job to one endpoint, one after the other.
struct Worker {
    endpoint: Arc<Endpoint>,
    job: Arc<Job>,
    progress: Arc<dyn Progress>,
}

impl Worker {
    async fn run(self) {
        while self.endpoint.is_up() {
            let Ok(permit) = self.endpoint.in_flight.acquire().await else { return };
            let (indices, calls): (Vec<_>, Vec<_>) =
                self.job.take(self.endpoint.batch_size()).into_iter().unzip();
            if calls.is_empty() {
                return;
            }
            let weight = calls.iter().fold(0_u32, |sum, call| sum.saturating_add(call.weight));
            let pauses = self.endpoint.admit(weight).await;
            let answers = self.endpoint.transport.send(&calls).await;
            drop(permit);
            match answers {
                Ok(answers) => self.sort(&indices, &calls, answers, pauses).await,
                Err(RequestError::TooLarge(cause) | RequestError::Broken(cause)) if calls.len() > 1 => {
                    self.progress.note(&format!("{}: {cause}; asking for less at once", self.endpoint.name));
                    lock(&self.endpoint.health).batch.was_too_much(weight);
                    self.job.put_back(indices.into_iter());
                }
                Err(RequestError::TooLarge(cause)) => {
                    self.sort(&indices, &calls, vec![Err(CallError::TooLarge(cause))], pauses).await;
                }
                Err(RequestError::Broken(cause)) => {
                    self.sort(&indices, &calls, vec![Err(CallError::Passing(cause))], pauses).await;
                }
                Err(RequestError::Away(cause)) => {
                    self.progress.note(&format!("{}: {cause}", self.endpoint.name));
                    self.job.put_back(indices.into_iter());
                    self.endpoint.failed(pauses, cause);
                }
                Err(RequestError::Hopeless(cause)) => {
                    self.job.put_back(indices.into_iter());
                    lock(&self.endpoint.health).down = Some(cause);
                }
            }
        }
    }

    /// Keeps good answers, and decides about the others one by one.
    async fn sort(&self, indices: &[usize], calls: &[Call], answers: Answers, pauses: u64) {
        if answers.iter().any(Result::is_ok) {
            self.endpoint.answered();
        }
        let mut again = Vec::new();
        let mut tries_max = 0;
        for ((&index, call), answer) in indices.iter().zip(calls).zip(answers) {
            let endpoint = Arc::clone(&self.endpoint.name);
            match answer {
                Ok(value) => {
                    self.job.answer(index, Answer { value, endpoint });
                    self.progress.advance(call.progress);
                }
                Err(CallError::Busy(message)) => {
                    again.push(index);
                    self.endpoint.failed(pauses, message);
                }
                Err(CallError::Passing(message)) => {
                    let tries = self.job.count_try(index);
                    if tries >= TRIES_OF_A_CALL {
                        self.job.fail(Error::Failed { endpoint, call: call.describe(), tries, message });
                    } else {
                        self.progress
                            .note(&format!("{endpoint}: {}: {message}; trying again", call.describe()));
                        tries_max = tries_max.max(tries);
                        again.push(index);
                    }
                }
                Err(CallError::TooLarge(message)) => {
                    self.job.fail(Error::TooLarge { endpoint, call: call.describe(), message });
                }
                Err(CallError::Refused(message)) => {
                    self.job.fail(Error::Refused { endpoint, call: call.describe(), message });
                }
                Err(CallError::Pruned(message)) => {
                    let block = call.height.map_or_else(|| "a block".to_owned(), |h| format!("block {h}"));
                    self.job.fail(Error::NotAnArchiveNode { endpoint, block, message });
                }
            }
        }
        sleep(pause(tries_max, true, 0).unwrap_or_default()).await;
        self.job.put_back(again.into_iter());
    }
}
