//! Faults that do not pass: a clear error, and what was fetched is kept.

use std::thread;

use crate::support::{Export, Node, WRITTEN, content, late};

/// Fails on a node with these faults; then the same command finishes from an honest one.
#[track_caller]
fn fails(faults: &[&str], says: &[&str], kept_at_least: usize) {
    let (node, export) = (Node::with(faults), Export::new());
    let name = node.name();
    let says: Vec<&str> = says.iter().copied().chain([name.as_str()]).collect();
    let ran = export.run(&[&node]).exits(1).says(&says);
    node.has_struck();
    assert!(export.kept() >= kept_at_least, "{} chunks kept: {}", export.kept(), ran.stderr);
    export.goes_on();
}

/// Each of them waits for its node most of the time.
fn at_once(cases: &[&(dyn Fn() + Sync)]) {
    thread::scope(|scope| {
        for &case in cases {
            scope.spawn(case);
        }
    });
}

#[test]
fn a_node_dies_for_ever() {
    fails(&[&late("dead")], &["run the same command again"], 1);
}

#[test]
fn a_node_is_throttling_or_broken_for_ever() {
    at_once(&[
        &|| fails(&[&late("429")], &["429", "again"], 1),
        &|| fails(&[&late("502")], &["502", "again"], 1),
        &|| fails(&[&late("truncate")], &["again"], 1),
        &|| fails(&[&late("503")], &["503", "again"], 1),
        &|| fails(&[&late("reset")], &["again"], 1),
        &|| fails(&[&late("other-id")], &["again"], 1),
        &|| fails(&[&format!("{},ms=60000", late("stall"))], &["again"], 1),
        // From the first request on, with a wish that is always the same.
        &|| fails(&["429:retry-after=1"], &["429", "again"], 0),
    ]);
}

#[test]
fn a_block_is_wrong_whenever_it_is_asked_for() {
    at_once(&[&|| fails(&["null:block=700"], &["block 700"], 1), &|| {
        fails(&["wrong-header:block=700"], &["block 700", "hashes to"], 1)
    }]);
}

#[test]
fn a_node_has_no_old_state() {
    fails(&["pruned:block=0..600"], &["archive"], 0);
    fails(&["pruned:block=701"], &["archive", "block 701"], 1);
}

#[test]
fn a_node_refuses_a_method_as_unsafe() {
    fails(&["unsafe"], &["state_getKeysPaged", "--rpc-methods"], 0);
}

#[test]
fn the_finalized_head_goes_back() {
    // The first run keeps some chunks; for the second one the range is not final any more.
    let (dying, behind, export) =
        (Node::with(&[&late("dead")]), Node::with(&["head-back:by=60"]), Export::new());
    export.run(&[&dying]).exits(1);
    let kept = export.kept();
    export.run(&[&behind]).exits(1).says(&["final"]);
    behind.has_struck();
    assert!(kept > 0 && export.kept() == kept, "{kept} chunks were kept");
    export.goes_on();
}

#[test]
fn another_chain_is_behind_the_same_address() {
    at_once(&[
        &another_chain_when_it_is_run_again,
        // Here the address changes its chain while blocks are read: counted are calls, two to a block.
        &|| fails(&["other-chain:after=1400"], &["block", "another chain"], 1),
    ]);
}

fn another_chain_when_it_is_run_again() {
    let (dying, other, export) = (Node::with(&[&late("dead")]), Node::with(&["other-chain"]), Export::new());
    export.run(&[&dying]).exits(1);
    let kept = export.kept();
    export.run(&[&other]).exits(1).says(&["genesis", "give endpoints of that chain"]);
    other.has_struck();
    assert!(kept > 0 && export.kept() == kept, "{kept} chunks were kept");
    export.goes_on();
}

#[test]
fn a_fork_is_never_mixed_with_the_chain_it_left() {
    // From some moment on the blocks from 500 are other ones, for ever, though the old ones were final: that is
    // for a person to judge, and no block of the fork is in the folder.
    let (node, export) = (Node::with(&["fork:block=500,after=1200"]), Export::new());
    export.run(&[&node]).exits(1).says(&["left the fork that was final", "was 0x", "is 0x"]);
    node.has_struck();
    assert!(export.kept() >= 1);
    // Whoever runs the same command again takes the chain as it is now: what was kept of the old one is read again.
    export.run(&[&node]).exits(0).says(&["are not those of this chain any more; reading them again"]);
    let (node, of_fork) = (Node::with(&["fork:block=500"]), Export::new());
    of_fork.run(&[&node]).exits(0);
    assert!(content(&export.out()) == content(&of_fork.out()));
    assert!(content(&export.out()) != *WRITTEN);
    // An export that was interrupted on the fork goes on along the chain: chunks of the fork are read again.
    let (node, export) = (Node::with(&["fork:block=500", &late("dead")]), Export::new());
    export.run(&[&node]).exits(1);
    export.run(&[&Node::honest()]).exits(0);
    export.is_whole();
}
