//! Calls that wait for answers, shared by the workers that send them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::client::Call;
use super::error::Error;

/// An answer, and who gave it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) endpoint: Arc<str>,
}

/// The data stays whole when a holder of the lock panics, so a poisoned lock is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls that are being answered.
pub(super) struct Job {
    calls: Vec<Call>,
    state: Mutex<JobState>,
}

struct JobState {
    waiting: VecDeque<usize>,
    answers: Vec<Option<Answer>>,
    tries: Vec<u32>,
    error: Option<Error>,
}

/// How a job ended.
pub(super) enum Outcome {
    Answered(Vec<Answer>),
    Failed(Error),
    Unanswered,
}

impl Job {
    pub(super) fn new(calls: Vec<Call>) -> Self {
        let state = JobState {
            waiting: (0..calls.len()).collect(),
            answers: vec![None; calls.len()],
            tries: vec![0; calls.len()],
            error: None,
        };
        Job { calls, state: Mutex::new(state) }
    }

    /// Weight of the calls that wait.
    pub(super) fn weight(&self) -> u64 {
        let state = lock(&self.state);
        state.waiting.iter().filter_map(|&i| self.calls.get(i)).map(|call| u64::from(call.weight)).sum()
    }

    /// Calls for one request of at most this weight, but at least one call, as long as one waits.
    pub(super) fn take(&self, weight_max: u32) -> Vec<(usize, Call)> {
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

    pub(super) fn put_back(&self, indices: impl DoubleEndedIterator<Item = usize>) {
        let mut state = lock(&self.state);
        for index in indices.rev() {
            state.waiting.push_front(index);
        }
    }

    pub(super) fn answer(&self, index: usize, answer: Answer) {
        if let Some(slot) = lock(&self.state).answers.get_mut(index) {
            *slot = Some(answer);
        }
    }

    /// Counts a failed try of a call; says how many there were.
    pub(super) fn count_try(&self, index: usize) -> u32 {
        let mut state = lock(&self.state);
        state.tries.get_mut(index).map_or(u32::MAX, |tries| {
            *tries += 1;
            *tries
        })
    }

    /// The first error ends the job.
    pub(super) fn fail(&self, error: Error) {
        lock(&self.state).error.get_or_insert(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        lock(&self.state).error.is_some()
    }

    pub(super) fn finish(&self) -> Outcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_filled_by_weight_and_hold_at_least_one_call() {
        let job = Job::new(vec![
            Call::new("a", vec![]).weighing(10),
            Call::new("b", vec![]).weighing(15),
            Call::new("c", vec![]),
            Call::new("d", vec![]).weighing(99),
        ]);
        let taken = || job.take(25).into_iter().map(|(index, _)| index).collect::<Vec<_>>();
        assert_eq!(taken(), [0, 1]);
        assert_eq!(taken(), [2]);
        assert_eq!(taken(), [3]);
        assert!(taken().is_empty());
        job.put_back([1, 2].into_iter());
        assert_eq!(taken(), [1, 2]);
    }
}
