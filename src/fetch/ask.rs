//! Asks one endpoint a list of calls, in requests as large as it likes them, and tries again what may pass.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Answers, Call, CallError, RequestError};
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::pace::pause;
use super::wire::Wrong;

/// How often one call is tried when it is answered wrongly, or with an error that may pass.
const TRIES_OF_A_CALL: u32 = 5;
/// Failures in a row after which the work goes to another endpoint, if there is one.
const FAILURES_BEFORE_HANDOVER: u32 = 3;

/// Calls that are being answered.
struct Asked<'a, T, C> {
    endpoint: &'a Endpoint,
    calls: &'a [Call],
    check: C,
    waiting: VecDeque<usize>,
    answers: Vec<Option<T>>,
    tries: Vec<u32>,
}

impl Endpoint {
    /// The answers to the calls, in their order, each as `check` reads it from the place of the call and the value.
    ///
    /// `has_peers` says whether another endpoint could do it, should this one be away.
    ///
    /// # Errors
    /// Why the endpoint does not answer.
    pub(super) async fn ask<T: Send>(
        &self,
        calls: &[Call],
        has_peers: bool,
        check: impl Fn(usize, &Value) -> Result<T, Wrong> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut asked = Asked {
            endpoint: self,
            calls,
            check,
            waiting: (0..calls.len()).collect(),
            answers: calls.iter().map(|_| None).collect(),
            tries: vec![0; calls.len()],
        };
        while !asked.waiting.is_empty() {
            if let Some(cause) = self.down() {
                return Err(Failure::Away(cause));
            }
            if has_peers && self.failures_in_a_row() >= FAILURES_BEFORE_HANDOVER {
                // Whoever comes back to it after its pause finds out whether it recovered.
                if self.resume_at() > Instant::now() {
                    return Err(Failure::Away("it does not answer at the moment".to_owned()));
                }
            }
            asked.request().await?;
        }
        let answers: Option<Vec<T>> = asked.answers.into_iter().collect();
        answers.ok_or_else(|| Failure::Away("a call was not answered".to_owned()))
    }
}

impl<T, C: Fn(usize, &Value) -> Result<T, Wrong>> Asked<'_, T, C> {
    /// Sends one request and sorts what comes back.
    async fn request(&mut self) -> Result<(), Failure> {
        let endpoint = self.endpoint;
        let Some(slot) = endpoint.slot().await else { return Err(Failure::Away("it was closed".to_owned())) };
        let indices = self.take(endpoint.batch_size());
        let calls: Vec<Call> = indices.iter().filter_map(|&i| self.calls.get(i)).cloned().collect();
        let weight = calls.iter().fold(0_u32, |sum, call| sum.saturating_add(call.weight));
        let pauses = endpoint.admit(weight).await;
        let sent = Instant::now();
        let answers = endpoint.transport.send(&calls).await;
        let took = sent.elapsed();
        endpoint.free(slot);
        match answers {
            Ok(answers) => {
                if answers.iter().any(Result::is_ok) {
                    endpoint.answered(took);
                }
                return self.sort(&indices, answers, pauses).await;
            }
            Err(RequestError::TooLarge(cause)) if calls.len() > 1 => self.ask_for_less(weight, &cause),
            Err(RequestError::TooLarge(cause)) => {
                return self.sort(&indices, vec![Err(CallError::TooLarge(cause))], pauses).await;
            }
            // Servers refuse a batch that is too large for them by an answer that is none to a batch. Until it is known
            // that they do not answer a single call either, that is nothing to hold against them.
            Err(RequestError::Broken(cause)) if calls.len() > 1 => self.ask_for_less(weight, &cause),
            Err(RequestError::Late(cause)) if calls.len() > 1 => {
                self.ask_for_less(weight, &cause);
                endpoint.failed(pauses, None, &cause);
            }
            Err(RequestError::Broken(cause) | RequestError::Late(cause) | RequestError::Away(cause)) => {
                self.detail(&cause);
                endpoint.failed(pauses, None, &cause);
            }
            Err(RequestError::Throttled(cause, wish)) => {
                self.detail(&cause);
                endpoint.failed(pauses, wish, &cause);
            }
            Err(RequestError::Hopeless(cause)) => {
                endpoint.give_up(cause);
            }
        }
        self.put_back(&indices);
        Ok(())
    }

    fn detail(&self, text: &str) {
        self.endpoint.progress.detail(&format!("{}: {text}", self.endpoint.name));
    }

    fn ask_for_less(&self, weight: u32, cause: &str) {
        self.detail(&format!("{cause}; asking for less at once"));
        self.endpoint.was_too_much(weight);
    }

    /// Calls for one request of at most this weight, but at least one call.
    fn take(&mut self, weight_max: u32) -> Vec<usize> {
        let mut taken = Vec::new();
        let mut weight = 0_u32;
        while let Some((index, call)) = self.waiting.front().and_then(|&i| Some((i, self.calls.get(i)?))) {
            weight = weight.saturating_add(call.weight);
            if weight > weight_max && !taken.is_empty() {
                break;
            }
            taken.push(index);
            self.waiting.pop_front();
        }
        taken
    }

    fn put_back(&mut self, indices: &[usize]) {
        indices.iter().rev().for_each(|&index| self.waiting.push_front(index));
    }

    /// Keeps good answers, and decides about the others one by one.
    async fn sort(&mut self, indices: &[usize], answers: Answers, pauses: u64) -> Result<(), Failure> {
        let is_alone = indices.len() == 1;
        let mut again = Vec::new();
        let mut tries_max = 0;
        let mut is_too_much = false;
        for (&index, answer) in indices.iter().zip(answers) {
            let Some(call) = self.calls.get(index) else { continue };
            let passing = match answer {
                Ok(value) => match (self.check)(index, &value) {
                    Ok(read) => {
                        if let Some(slot) = self.answers.get_mut(index) {
                            *slot = Some(read);
                        }
                        continue;
                    }
                    Err(what) => Failure::Wrong { subject: call.subject(), what },
                },
                Err(CallError::Passing(message)) => {
                    Failure::Failed { call: call.describe(), tries: TRIES_OF_A_CALL, message }
                }
                Err(CallError::Busy(message)) => {
                    again.push(index);
                    self.endpoint.failed(pauses, None, &message);
                    continue;
                }
                Err(CallError::TooLarge(_)) if !is_alone => {
                    again.push(index);
                    is_too_much = true;
                    continue;
                }
                Err(CallError::TooLarge(message)) => {
                    return Err(Failure::TooLarge { call: call.describe(), message });
                }
                Err(CallError::Refused(message)) => {
                    return Err(Failure::Refused { call: call.describe(), message });
                }
                Err(CallError::Pruned(message)) => {
                    let block = call.height.map_or_else(|| "a block".to_owned(), |h| format!("block {h}"));
                    return Err(Failure::Pruned { block, message });
                }
            };
            let tries = self.tries.get_mut(index).map_or(TRIES_OF_A_CALL, |tries| {
                *tries += 1;
                *tries
            });
            if tries >= TRIES_OF_A_CALL {
                return Err(passing);
            }
            let error = passing.of(&self.endpoint.name);
            self.endpoint.progress.detail(&format!("{error}; trying again"));
            tries_max = tries_max.max(tries);
            again.push(index);
        }
        if is_too_much {
            self.endpoint.was_too_much(u32::try_from(indices.len()).unwrap_or(u32::MAX));
        }
        if tries_max > 0 {
            sleep(pause(tries_max, 0)).await;
        }
        self.put_back(&again);
        Ok(())
    }
}
