use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde_json::json;

use super::super::client::{Answers, BoxFuture, CallError, RequestError, Transport};
use super::super::progress::{Silent, Stage};
use super::*;

/// An endpoint that answers as a function says.
struct Fake<F>(F);

impl<F: Fn(&[Call]) -> Result<Answers, RequestError> + Send + Sync> Transport for Fake<F> {
    fn send<'a>(&'a self, calls: &'a [Call]) -> BoxFuture<'a, Result<Answers, RequestError>> {
        Box::pin(async move { (self.0)(calls) })
    }
}

/// Keeps the notes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn stage(&self, _: Stage, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, text: &str) {
        lock(&self.0).push(text.to_owned());
    }
    fn detail(&self, _: &str) {}
}

/// Gives up soon.
pub(in super::super) fn pace(jobs: u32, batch: u32) -> Pace {
    Pace {
        jobs: NonZeroU32::new(jobs).unwrap(),
        batch: NonZeroU32::new(batch).unwrap(),
        rate: None,
        timeout: Duration::from_secs(1),
        patience: Duration::from_millis(300),
    }
}

pub(in super::super) fn endpoint(pace: Pace, transport: Box<dyn Transport>) -> Endpoint {
    Endpoint::new("node".into(), transport, pace, Arc::new(Silent))
}

fn pool_with(pace: Pace, transports: Vec<Box<dyn Transport>>, progress: Arc<dyn Progress>) -> Pool {
    let endpoints = transports.into_iter().enumerate().map(|(i, transport)| {
        Endpoint::new(format!("node {i}").into(), transport, pace, Arc::clone(&progress))
    });
    Pool::of(endpoints.collect(), Arc::clone(&progress))
}

fn pool(pace: Pace, transports: Vec<Box<dyn Transport>>) -> Pool {
    pool_with(pace, transports, Arc::new(Silent))
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

/// Answers every call with something else.
fn lie(calls: &[Call]) -> Result<Answers, RequestError> {
    Ok(calls.iter().map(|_| Ok(json!(null))).collect())
}

fn calls(count: u32) -> Vec<Call> {
    (0..count).map(|n| Call::new("test", vec![json!(n)]).at(n)).collect()
}

/// What an operation of so many calls gives, each of which must be echoed; on any endpoint, or on one.
fn ask_on(pool: &Pool, on: Option<usize>, count: u32) -> Result<Option<Vec<u32>>, Error> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let calls = calls(count);
    let check = |index: usize, value: &Value| match value.as_u64() {
        Some(n) if n == index as u64 => Ok(u32::try_from(n).unwrap()),
        _ => Err("no echo".to_owned()),
    };
    let calls = &calls;
    let operation = |peer: Arc<Peer>| async move { peer.ask(calls, check).await };
    runtime.block_on(async {
        match on {
            Some(index) => pool.run_on(index, operation).await,
            None => pool.run(operation).await.map(Some),
        }
    })
}

fn ask(pool: &Pool, count: u32) -> Result<Vec<u32>, Error> {
    ask_on(pool, None, count).map(Option::unwrap_or_default)
}

fn echoed(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[test]
fn answers_stand_in_the_order_of_the_calls_whatever_the_pace() {
    for (jobs, batch, endpoints) in [(1, 1, 1), (3, 7, 1), (16, 50, 3), (2, 1_000, 2)] {
        let pool = pool(pace(jobs, batch), (0..endpoints).map(|_| fake(echo)).collect());
        assert_eq!(ask(&pool, 103).unwrap(), echoed(103));
        assert!(ask(&pool, 0).unwrap().is_empty());
    }
}

#[test]
fn a_batch_that_is_too_much_is_asked_for_in_parts() {
    let small_only = |calls: &[Call]| match calls.len() {
        0..=5 => echo(calls),
        6..=9 => Ok(vec![Err(CallError::TooLarge("too large".to_owned())); calls.len()]),
        _ => Err(RequestError::TooLarge("too large".to_owned())),
    };
    assert_eq!(ask(&pool(pace(4, 50), vec![fake(small_only)]), 200).unwrap(), echoed(200));
}

#[test]
fn a_single_answer_that_is_too_large_is_an_error_of_its_own() {
    let pool = pool(pace(1, 1), vec![fake(|_| Err(RequestError::TooLarge("32 MiB".to_owned())))]);
    assert!(matches!(ask(&pool, 1), Err(Error::TooLarge { .. })));
}

#[test]
fn an_error_and_a_wrong_answer_that_pass_are_tried_again() {
    for lies in [false, true] {
        let tries = AtomicU64::new(0);
        let flaky = move |calls: &[Call]| {
            let passing = |call: &Call| call.height == Some(7) && tries.fetch_add(1, Ordering::Relaxed) < 2;
            let answer = |call: &Call| match (passing(call), lies) {
                (true, true) => Ok(json!("?")),
                (true, false) => Err(CallError::Passing("injected (error -32000)".to_owned())),
                _ => Ok(call.params[0].clone()),
            };
            Ok(calls.iter().map(answer).collect())
        };
        assert_eq!(ask(&pool(pace(2, 4), vec![fake(flaky)]), 20).unwrap(), echoed(20));
    }
}

#[test]
fn the_last_endpoint_is_named_with_what_it_does_wrong() {
    let broken = |calls: &[Call]| Ok(vec![Err(CallError::Passing("injected".to_owned())); calls.len()]);
    let message = ask(&pool(pace(1, 1), vec![fake(broken)]), 1).unwrap_err().to_string();
    assert!(message.contains("node 0 failed test of block 0 5 times: injected"), "{message}");
    let message = ask(&pool(pace(1, 1), vec![fake(lie)]), 1).unwrap_err().to_string();
    assert!(message.contains("node 0 answers wrongly about block 0 (test): no echo"), "{message}");
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
    let refusing = |_: &[Call]| Ok(vec![Err(CallError::Refused("RPC call is unsafe".to_owned()))]);
    let message = ask(&pool(pace(1, 1), vec![fake(refusing)]), 1).unwrap_err().to_string();
    assert!(message.contains("--rpc-methods unsafe"), "{message}");
    let pruned = |_: &[Call]| Ok(vec![Err(CallError::Pruned("State already discarded".to_owned()))]);
    let message = ask(&pool(pace(1, 1), vec![fake(pruned)]), 1).unwrap_err().to_string();
    assert!(message.contains("node 0 is not an archive node") && message.contains("block 0"), "{message}");
}

#[test]
fn a_busy_endpoint_is_waited_for_without_counting_tries() {
    let asked = AtomicU64::new(0);
    let busy = move |calls: &[Call]| match asked.fetch_add(1, Ordering::Relaxed) {
        0 | 3 => Ok(vec![Err(CallError::Busy("rate limit".to_owned())); calls.len()]),
        1 => Err(RequestError::Throttled("429".to_owned(), Some(Duration::from_millis(50)))),
        _ => echo(calls),
    };
    assert_eq!(ask(&pool(pace(1, 4), vec![fake(busy)]), 20).unwrap(), echoed(20));
}

#[test]
fn endpoints_that_misbehave_are_dropped_with_a_note_and_the_others_go_on() {
    let away = |_: &[Call]| Err(RequestError::Away("connection refused".to_owned()));
    let hopeless = |_: &[Call]| Err(RequestError::Hopeless("404".to_owned()));
    let refusing = |_: &[Call]| Ok(vec![Err(CallError::Refused("Method not found".to_owned()))]);
    let notes = Arc::new(Notes::default());
    let others: Vec<Box<dyn Transport>> =
        vec![fake(lie), fake(away), fake(echo), fake(hopeless), fake(refusing)];
    let pool_of_five = pool_with(pace(2, 4), others, notes.clone());
    // Each is asked by itself: among several idle ones the pool would go on with the first that answers.
    for index in 0..5 {
        assert_eq!(ask_on(&pool_of_five, Some(index), 50).unwrap(), (index == 2).then(|| echoed(50)));
    }
    assert_eq!(ask(&pool_of_five, 50).unwrap(), echoed(50));
    assert_eq!(pool_of_five.names(), ["node 2"]);
    let notes = lock(&notes.0);
    let dropped: Vec<_> = notes.iter().filter(|note| note.contains("is not asked any more, node")).collect();
    assert_eq!(dropped.len(), 4, "{notes:?}");
    assert!(dropped.iter().all(|note| note.contains("goes on")), "{notes:?}");
}

#[test]
fn the_last_endpoint_that_is_away_is_named() {
    let away = |_: &[Call]| Err(RequestError::Away("connection refused".to_owned()));
    let message = ask(&pool(pace(2, 4), vec![fake(away)]), 50).unwrap_err().to_string();
    assert!(message.contains("node 0 can not be reached: connection refused"), "{message}");
}
