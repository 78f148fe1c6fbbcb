//! Faults that pass, or that one can live with: the archive is the same.

use std::time::{Duration, Instant};

use crate::support::{Export, Node, blocks};

/// Exports from a node with these faults into the same archive.
#[track_caller]
fn survives(faults: &[&str]) {
    let (node, export) = (Node::with(faults), Export::new());
    export.run(&[&node]).exits(0);
    export.is_whole();
    node.has_struck();
}

#[test]
fn connections_break() {
    survives(&["refuse:ms=400,after=20,times=1"]);
    survives(&["reset:rate=0.2,times=5"]);
    survives(&["stall:ms=4000,after=15,times=1"]);
    survives(&["refuse:ms=100,after=25,times=2", "reset:rate=0.1,times=3"]);
}

#[test]
fn proxies_answer_in_the_place_of_the_node() {
    survives(&["502:rate=0.2,times=5"]);
    survives(&["429:after=10,times=3"]);
    survives(&["503:after=10,times=3"]);
    survives(&["truncate:rate=0.2,times=5"]);
}

#[test]
fn answers_to_a_batch_are_muddled() {
    survives(&["disorder"]);
    survives(&["other-id:rate=0.2,times=4"]);
    survives(&["batch-limit:items=7"]);
    survives(&["batch-limit:items=1"]);
}

#[test]
fn a_node_is_wrong_for_a_moment() {
    survives(&["null:block=400,times=1"]);
    survives(&["wrong-header:block=400,times=1"]);
    survives(&["fork:block=400,after=300,times=40"]);
}

#[test]
fn a_node_that_says_when_to_come_back_is_left_alone_until_then() {
    for (fault, least) in [
        ("429:retry-after=2,after=10,times=1", 2),
        ("503:retry-after=2,after=10,times=1", 2),
        // A date has whole seconds, so it may come up to one second sooner.
        ("429:retry-date=3,after=10,times=1", 2),
    ] {
        let begun = Instant::now();
        survives(&[fault]);
        assert!(begun.elapsed() >= Duration::from_secs(least), "{fault}");
    }
}

#[test]
fn the_rate_counts_calls_and_not_requests() {
    let (node, export) = (Node::honest(), Export::with("--own-node --rate 1000"));
    let begun = Instant::now();
    export.run(&[&node]).exits(0);
    export.is_whole();
    let figures = node.figures();
    assert!(figures.items >= 2 * blocks() - 100 && figures.requests < figures.items / 5, "{figures:?}");
    assert!(begun.elapsed().as_secs_f64() >= 0.7, "{:?} for {} calls", begun.elapsed(), figures.items);
}
