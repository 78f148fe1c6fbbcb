use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;

use serde_json::json;

use super::super::client::{BoxFuture, Transport};
use super::super::progress::Silent;
use super::*;

/// An endpoint that answers as a function says.
struct Fake<F>(F);

impl<F: Fn(&[Call]) -> Result<Answers, RequestError> + Send + Sync> Transport for Fake<F> {
    fn send<'a>(&'a self, calls: &'a [Call]) -> BoxFuture<'a, Result<Answers, RequestError>> {
        Box::pin(async move { (self.0)(calls) })
    }
}

pub(in super::super) fn pace(jobs: u32, batch: u32) -> Pace {
    Pace { jobs: NonZeroU32::new(jobs).unwrap(), batch: NonZeroU32::new(batch).unwrap(), rate: None }
}

fn pool(pace: Pace, transports: Vec<Box<dyn Transport>>) -> Pool {
    let endpoints = transports.into_iter().enumerate();
    let endpoints =
        endpoints.map(|(i, transport)| Arc::new(Endpoint::new(format!("node {i}").into(), transport, pace)));
    Pool { endpoints: endpoints.collect(), progress: Arc::new(Silent), turn: AtomicUsize::new(0) }
}

pub(in super::super) fn fake(
    f: impl Fn(&[Call]) -> Result<Answers, RequestError> + Send + Sync + 'static,
) -> Box<dyn Transport> {
    Box::new(Fake(f))
}

/// Answers every call with its first parameter.
pub(in super::super) fn echo(calls: &[Call]) -> Result<Answers, RequestError> {
    Ok(calls.iter().map(|call| Ok(call.params[0].clone())).collect())
}

fn calls(count: u32) -> Vec<Call> {
    (0..count).map(|n| Call::new("test", vec![json!(n)]).at(n)).collect()
}

fn ask(pool: &Pool, count: u32) -> Result<Vec<Answer>, Error> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(pool.call_all(calls(count)))
}

fn assert_echoed(answers: &[Answer], count: u32) {
    let values: Vec<u32> = answers.iter().map(|a| serde_json::from_value(a.value.clone()).unwrap()).collect();
    assert_eq!(values, (0..count).collect::<Vec<_>>());
}

#[test]
fn answers_stand_in_the_order_of_the_calls_whatever_the_pace() {
    for (jobs, batch, endpoints) in [(1, 1, 1), (3, 7, 1), (16, 50, 3), (2, 1_000, 2)] {
        let pool = pool(pace(jobs, batch), (0..endpoints).map(|_| fake(echo)).collect());
        assert_echoed(&ask(&pool, 103).unwrap(), 103);
        assert!(ask(&pool, 0).unwrap().is_empty());
    }
}

#[test]
fn a_batch_that_is_too_much_is_asked_for_in_parts() {
    let small_only = |calls: &[Call]| match calls.len() {
        0..=5 => echo(calls),
        6..=20 => Err(RequestError::Broken("no batch".to_owned())),
        _ => Err(RequestError::TooLarge("too large".to_owned())),
    };
    assert_echoed(&ask(&pool(pace(4, 50), vec![fake(small_only)]), 200).unwrap(), 200);
}

#[test]
fn a_single_answer_that_is_too_large_is_an_error_of_its_own() {
    let pool = pool(pace(1, 1), vec![fake(|_| Err(RequestError::TooLarge("32 MiB".to_owned())))]);
    assert!(matches!(ask(&pool, 1), Err(Error::TooLarge { .. })));
}

#[test]
fn an_error_that_passes_is_tried_again() {
    let tries = AtomicU64::new(0);
    let flaky = move |calls: &[Call]| {
        let passing = |call: &Call| call.height == Some(7) && tries.fetch_add(1, Ordering::Relaxed) < 2;
        let answer = |call: &Call| match passing(call) {
            true => Err(CallError::Passing("injected (error -32000)".to_owned())),
            false => Ok(call.params[0].clone()),
        };
        Ok(calls.iter().map(answer).collect())
    };
    assert_echoed(&ask(&pool(pace(2, 4), vec![fake(flaky)]), 20).unwrap(), 20);
}

#[test]
fn an_error_that_does_not_pass_names_the_call() {
    let broken = |calls: &[Call]| Ok(vec![Err(CallError::Passing("injected".to_owned())); calls.len()]);
    let message = ask(&pool(pace(1, 1), vec![fake(broken)]), 1).unwrap_err().to_string();
    assert!(message.contains("node 0 failed test of block 0 5 times: injected"), "{message}");
}

#[test]
fn a_refusal_and_dropped_state_are_not_tried_again() {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let refusing = move |_: &[Call]| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(vec![Err(CallError::Refused("Method not found".to_owned()))])
    };
    assert!(matches!(ask(&pool(pace(1, 1), vec![fake(refusing)]), 9), Err(Error::Refused { .. })));
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    let pruned = |_: &[Call]| Ok(vec![Err(CallError::Pruned("State already discarded".to_owned()))]);
    let message = ask(&pool(pace(1, 1), vec![fake(pruned)]), 1).unwrap_err().to_string();
    assert!(message.contains("node 0 is not an archive node") && message.contains("block 0"), "{message}");
}

#[test]
fn a_busy_endpoint_is_waited_for_without_counting_tries() {
    let asked = AtomicU64::new(0);
    let busy = move |calls: &[Call]| match asked.fetch_add(1, Ordering::Relaxed) {
        0 | 2 => Ok(vec![Err(CallError::Busy("rate limit".to_owned())); calls.len()]),
        _ => echo(calls),
    };
    assert_echoed(&ask(&pool(pace(1, 4), vec![fake(busy)]), 20).unwrap(), 20);
}

#[test]
fn others_go_on_for_an_endpoint_that_is_away_and_the_last_one_is_named() {
    let away = |_: &[Call]| Err(RequestError::Away("connection refused".to_owned()));
    let hopeless = |_: &[Call]| Err(RequestError::Hopeless("404".to_owned()));
    let pool_of_three = pool(pace(2, 4), vec![fake(away), fake(echo), fake(hopeless)]);
    for _ in 0..3 {
        assert_echoed(&ask(&pool_of_three, 50).unwrap(), 50);
    }
    let message = ask(&pool(pace(2, 4), vec![fake(away)]), 50).unwrap_err().to_string();
    assert!(message.contains("node 0 can not be reached: connection refused"), "{message}");
}
