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
