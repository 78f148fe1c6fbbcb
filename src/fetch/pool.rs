//! Several endpoints of one chain share the load. Work is done in operations, each on one endpoint, so that no
//! piece of it mixes what two endpoints say; one that fails is done again, on another endpoint if there is one.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::address::Address;
use super::client::{Call, transport};
use super::endpoint::{Endpoint, lock};
use super::error::Error;
use super::failure::Failure;
use super::pace::{Pace, pause};
use super::progress::Progress;
use super::wire::Wrong;

/// How often an endpoint may fail one operation until it is given up.
const TRIES_OF_AN_OPERATION: u32 = 3;

/// The endpoints.
pub(super) struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    progress: Arc<dyn Progress>,
    /// Held while one is given up, so that two that fail at once do not both go.
    dropping: Mutex<()>,
}

/// An endpoint to do an operation on.
pub(super) struct Peer {
    endpoint: Arc<Endpoint>,
    /// Place of the endpoint in the order given.
    pub(super) index: usize,
    has_peers: bool,
}

impl Peer {
    /// As [`Endpoint::ask`].
    pub(super) async fn ask<T: Send>(
        &self,
        calls: &[Call],
        check: impl Fn(usize, &Value) -> Result<T, Wrong> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        self.endpoint.ask(calls, self.has_peers, check).await
    }

    /// The answer to one call.
    pub(super) async fn ask_one<T: Send>(
        &self,
        call: Call,
        check: impl Fn(&Value) -> Result<T, Wrong> + Send + Sync,
    ) -> Result<T, Failure> {
        let answers = self.ask(&[call], |_, value| check(value)).await?;
        answers.into_iter().next().ok_or_else(|| Error::Internal("a call was not answered").into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.endpoint.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(urls: &[String], pace: Pace, progress: Arc<dyn Progress>) -> Result<Pool, Error> {
        let mut endpoints = Vec::new();
        for url in urls {
            let address = Address::parse(url)?;
            let transport = transport(&address, pace.timeout)?;
            endpoints.push(Endpoint::new(Arc::clone(&address.name), transport, pace, Arc::clone(&progress)));
        }
        Ok(Pool::of(endpoints, progress))
    }

    fn of(endpoints: Vec<Endpoint>, progress: Arc<dyn Progress>) -> Pool {
        Pool { endpoints: endpoints.into_iter().map(Arc::new).collect(), progress, dropping: Mutex::new(()) }
    }

    /// Scheme, host and port of every endpoint that is asked, in the order given.
    pub(super) fn names(&self) -> Vec<String> {
        self.up().map(|index| self.name(index).to_string()).collect()
    }

    /// Scheme, host and port of one endpoint.
    pub(super) fn name(&self, index: usize) -> Arc<str> {
        self.endpoints.get(index).map_or_else(|| "nobody".into(), |endpoint| Arc::clone(&endpoint.name))
    }

    /// The endpoints that were not given up.
    pub(super) fn up(&self) -> impl Iterator<Item = usize> {
        let up = self.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.down().is_none());
        up.map(|(index, _)| index)
    }

    /// Operations that keep every endpoint busy.
    pub(super) fn width(&self) -> usize {
        let jobs = self.up().filter_map(|index| self.endpoints.get(index)).map(|e| e.pace.jobs.get());
        usize::try_from(jobs.fold(1, u32::saturating_add)).unwrap_or(1)
    }

    /// What each endpoint that is asked may be asked.
    pub(super) fn paces(&self) -> Vec<Pace> {
        self.up().filter_map(|index| self.endpoints.get(index)).map(|endpoint| endpoint.pace).collect()
    }

    pub(super) fn progress(&self) -> &Arc<dyn Progress> {
        &self.progress
    }

    /// Does an operation on the endpoint that has least to do, and again elsewhere when it fails there.
    ///
    /// # Errors
    /// What the last endpoint left did wrong.
    pub(super) async fn run<T, F>(&self, operation: impl Fn(Arc<Peer>) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = vec![0; self.endpoints.len()];
        let mut failed_last = None;
        loop {
            let index = self.choose(failed_last).ok_or_else(|| self.none_left())?;
            match self.attempt(index, &operation, &mut tries).await? {
                Some(done) => return Ok(done),
                None => failed_last = Some(index),
            }
        }
    }

    /// As [`Pool::run`], on one endpoint; none if it was given up for it.
    ///
    /// # Errors
    /// What the endpoint did wrong, if it is the last one.
    pub(super) async fn run_on<T, F>(
        &self,
        index: usize,
        operation: impl Fn(Arc<Peer>) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = vec![0; self.endpoints.len()];
        while self.up().any(|up| up == index) {
            if let Some(done) = self.attempt(index, &operation, &mut tries).await? {
                return Ok(Some(done));
            }
        }
        if self.up().next().is_none() { Err(self.none_left()) } else { Ok(None) }
    }

    /// Tries an operation once; none if it may be tried again, there or elsewhere.
    async fn attempt<T, F>(
        &self,
        index: usize,
        operation: &impl Fn(Arc<Peer>) -> F,
        tries: &mut [u32],
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let endpoint = self.endpoints.get(index).ok_or(Error::Internal("there is no such endpoint"))?;
        endpoint.running.fetch_add(1, Ordering::Relaxed);
        let peer = Peer { endpoint: Arc::clone(endpoint), index, has_peers: self.up().count() > 1 };
        let failure = match operation(Arc::new(peer)).await {
            Ok(done) => return Ok(Some(done)),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Away(cause)) => {
                if endpoint.down().is_some() {
                    self.tell(endpoint, &Failure::Away(cause).of(&endpoint.name));
                } else {
                    if endpoint.first_told_away() {
                        self.progress.note(&format!("{}: {cause}; others go on meanwhile", endpoint.name));
                    }
                    // Others may all be waiting for the end of their pauses.
                    sleep(pause(1, 0)).await;
                }
                return Ok(None);
            }
            Err(failure) => failure,
        };
        let tries = tries.get_mut(index).map_or(TRIES_OF_AN_OPERATION, |tries| {
            *tries += 1;
            *tries
        });
        // A call was tried several times before an operation fails: with others at hand that is enough.
        let has_others = self.up().any(|up| up != index);
        let is_hopeless = has_others || failure.is_final() || tries >= TRIES_OF_AN_OPERATION;
        let error = failure.of(&endpoint.name);
        if is_hopeless {
            self.drop_unless_last(index, error)?;
        } else {
            self.progress.detail(&format!("{error}; trying again"));
            sleep(pause(tries + 1, 0)).await;
        }
        Ok(None)
    }

    /// Gives an endpoint up for what it did, so that the work goes to the others.
    ///
    /// # Errors
    /// It is the last one.
    pub(super) fn drop_unless_last(&self, index: usize, error: Error) -> Result<(), Error> {
        let _dropping = lock(&self.dropping);
        let Some(endpoint) = self.endpoints.get(index) else { return Err(error) };
        if !self.up().any(|up| up != index) {
            return Err(error);
        }
        if endpoint.down().is_none() {
            endpoint.give_up(error.to_string());
            self.tell(endpoint, &error);
        }
        Ok(())
    }

    /// Tells once that an endpoint is out, if the work goes on without it.
    fn tell(&self, endpoint: &Endpoint, error: &Error) {
        let left = self.names();
        if endpoint.first_told() && !left.is_empty() {
            let (name, left) = (&endpoint.name, left.join(", "));
            self.progress.note(&format!("{name} is not asked any more, {left} goes on: {error}"));
        }
    }

    /// The endpoint with least to do, one that is not in a pause if possible, and not `but` if there is another.
    fn choose(&self, but: Option<usize>) -> Option<usize> {
        let now = Instant::now();
        self.up()
            .filter_map(|index| Some((index, self.endpoints.get(index)?)))
            .min_by_key(|(index, endpoint)| {
                let pause = endpoint.resume_at().saturating_duration_since(now);
                (pause, Some(*index) == but, endpoint.load(), *index)
            })
            .map(|(index, _)| index)
    }

    fn none_left(&self) -> Error {
        let causes = self.endpoints.iter().rev().find_map(|e| Some((Arc::clone(&e.name), e.down()?)));
        match causes {
            Some((endpoint, cause)) => Error::Unreachable { endpoint, cause },
            None => Error::Internal("there is no endpoint"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
