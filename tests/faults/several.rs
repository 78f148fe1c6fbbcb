//! Several endpoints: the archive does not depend on them, and one that misbehaves is dropped.

use crate::support::{Export, Node};

#[test]
fn the_same_bytes_come_from_anywhere() {
    for (options, faults) in [
        ("--own-node --jobs 1", [&["disorder"][..], &[]]),
        ("--own-node --jobs 2", [&["batch-limit:items=3"], &["reset:rate=0.1,times=3"]]),
        ("--own-node --jobs 13", [&["502:rate=0.1,times=3"], &["429:rate=0.1,times=3"]]),
        ("--own-node", [&["truncate:rate=0.1,times=3"], &["other-id:rate=0.1,times=3"]]),
    ] {
        let export = Export::with(options);
        let nodes = faults.map(Node::with);
        export.run(&[&nodes[0], &nodes[1]]).exits(0);
        export.is_whole();
    }
}

#[test]
fn an_endpoint_that_misbehaves_is_dropped_with_a_message() {
    for fault in ["wrong-header:block=300..700", "null:block=300..700", "other-chain:after=500"] {
        let (bad, good, export) = (Node::with(&[fault]), Node::honest(), Export::new());
        let ran = export.run(&[&bad, &good]).exits(0);
        assert!(ran.stderr.contains(&bad.name()), "{fault}: {}", ran.stderr);
        export.is_whole();
        bad.has_struck();
        assert!(good.figures().items > 0, "{fault}");
    }
}

#[test]
fn an_endpoint_that_goes_away_leaves_the_work_to_the_other() {
    // Whether it is given up before the other one has done everything depends on how fast that one is.
    for fault in ["dead:after=30", "502:after=30"] {
        let (bad, good, export) = (Node::with(&[fault]), Node::honest(), Export::new());
        export.run(&[&bad, &good]).exits(0);
        export.is_whole();
        bad.has_struck();
    }
}

#[test]
fn an_endpoint_that_is_away_from_the_start_is_dropped() {
    let (dead, good, export) = (Node::with(&["dead"]), Node::honest(), Export::new());
    export.run(&[&dead, &good]).exits(0).says(&[&dead.name()]);
    export.is_whole();
}

#[test]
fn most_endpoints_decide_which_fork_is_the_chain() {
    let (strange, one, two) = (Node::with(&["fork:block=500"]), Node::honest(), Node::honest());
    let export = Export::new();
    export.run(&[&strange, &one, &two]).exits(0).says(&[&strange.name(), "another fork"]);
    export.is_whole();
}

#[test]
fn an_endpoint_that_is_behind_is_left_out_where_its_blocks_do_not_reach() {
    let (behind, good, export) = (Node::with(&["head-back:by=60"]), Node::honest(), Export::new());
    export.run(&[&behind, &good]).exits(0).says(&[&behind.name(), "finalized head"]);
    export.is_whole();
}

#[test]
fn events_of_another_block_are_found_by_a_second_endpoint() {
    let (bad, good) = (Node::with(&["foreign-events"]), Node::honest());
    let mut export = Export::new();
    export.options += " --cross-check 200";
    export.run(&[&bad, &good]).exits(1).says(&["block ", &bad.name(), &good.name(), "System.Events"]);
    bad.has_struck();
    let (first, second) = (Node::honest(), Node::honest());
    let mut export = Export::new();
    export.options += " --cross-check 50";
    export.run(&[&first, &second]).exits(0);
    export.is_whole();
    export.run(&[&first]).exits(2).says(&["--cross-check"]);
}

#[test]
fn a_cross_check_without_a_second_opinion_is_an_error_and_never_passes() {
    // Before days of reading, where it is known that early.
    for fault in ["pruned:block=0..9999", "null:block=300..900"] {
        let (lacking, good) = (Node::with(&[fault]), Node::honest());
        let mut export = Export::new();
        export.options += " --cross-check 20";
        export
            .run(&[&good, &lacking])
            .exits(1)
            .says(&["--cross-check needs a second endpoint", &lacking.name()]);
        export.options = Export::new().options;
        export.goes_on();
    }
}

#[test]
fn a_finished_archive_is_cross_checked_too() {
    let (good, other, export) = (Node::honest(), Node::honest(), Export::new());
    export.run(&[&good]).exits(0);
    let mut again = export;
    again.options += " --cross-check 40";
    again.run(&[&good, &other]).exits(0);
    let bad = Node::with(&["foreign-events"]);
    again.run(&[&good, &bad]).exits(1).says(&["the archive", &bad.name(), "System.Events"]);
    again.is_whole();
}
