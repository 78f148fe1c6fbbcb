//! Several endpoints of one chain share the load: every call is answered once, in whatever order.
//!
//! Answers come back in the order of the calls, so nothing that is made of them depends on how many
//! requests were in flight, how large they were, or which endpoint answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::{Address, Answers, Call, CallError, RequestError, transport};
use super::endpoint::Endpoint;
use super::error::Error;
use super::job::{Answer, Job, Outcome};
use super::pace::{Pace, pause};
use super::progress::Progress;

/// How often one call is tried when the endpoints answer it with an error that may pass.
const TRIES_OF_A_CALL: u32 = 5;

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
    let given_up = endpoints.iter().rev().find_map(|e| Some((Arc::clone(&e.name), e.down()?)));
    match given_up {
        Some((endpoint, cause)) => Error::Unreachable { endpoint, cause },
        None => Error::Internal("there is no endpoint"),
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
                    self.endpoint.was_too_much(weight);
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
                    self.endpoint.give_up(cause);
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

#[cfg(test)]
pub(super) mod tests;
