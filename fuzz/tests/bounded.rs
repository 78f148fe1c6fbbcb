//! The bounded run of the continuous tests: seeds are right inputs, and a few thousand mutations of each do no harm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

use minting_fuzz::{
    run::{Until, run},
    seeds,
    targets::TARGETS,
};

const RUNS: u64 = 3_000;

#[test]
fn no_mutation_of_a_seed_makes_a_reader_fail() {
    for target in TARGETS {
        let seeds: Vec<Vec<u8>> = seeds::read(target.name).unwrap().into_values().collect();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        let report = run(target, &seeds, Until::Runs(RUNS), 1)
            .unwrap_or_else(|failure| panic!("{}: {} {:02x?}", target.name, failure.what, failure.input));
        assert!(report.answers > 5, "{}: only {} answers", target.name, report.answers);
    }
}
