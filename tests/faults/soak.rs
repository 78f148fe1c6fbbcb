//! Random faults and random kills, for a while: every round ends in the same archive.
//!
//! `SOAK_SECONDS` says how long (some seconds unless given), `SOAK_SEED` with which seed to begin. A round is made
//! by its seed alone; a failed one prints the command that runs it again.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::support::{Export, Node};

/// Longest time of the soak within the usual tests.
const SECONDS: u64 = 10;
/// Runs of one round after which its node is honest, so that every round ends.
const BAD_RUNS: u32 = 8;

const FAULTS: [&str; 16] = [
    "refuse:ms=150,rate=0.02",
    "dead:rate=0.01",
    "reset:rate=0.05",
    "stall:ms=2500,rate=0.01",
    "429:rate=0.05",
    "429:retry-after=1,rate=0.01",
    "503:retry-date=1,rate=0.01",
    "502:rate=0.05",
    "truncate:rate=0.05",
    "disorder:rate=0.5",
    "other-id:rate=0.05",
    "batch-limit:items=5",
    "null:rate=0.002",
    "wrong-header:rate=0.002",
    "pruned:rate=0.0005",
    "fork:block=450,rate=0.01",
];

#[test]
fn random_faults_and_kills_always_end_in_the_same_archive() {
    let seconds = number("SOAK_SECONDS").unwrap_or(SECONDS);
    let first = number("SOAK_SEED").unwrap_or_else(|| u64::from(StdRng::from_os_rng().random::<u32>()));
    println!("soak: {seconds} s, SOAK_SEED={first}");
    let begun = Instant::now();
    let mut seed = first;
    while begun.elapsed() < Duration::from_secs(seconds) {
        let runs = catch_unwind(AssertUnwindSafe(|| round(seed))).unwrap_or_else(|failure| {
            eprintln!("soak: run this again with `make soak SECONDS=1 SEED={seed}`");
            resume_unwind(failure)
        });
        println!("soak: seed {seed} ended well after {runs} runs, {:?}", begun.elapsed());
        seed = seed.wrapping_add(1);
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// One archive, by as many runs as it takes; says how many.
fn round(seed: u64) -> u32 {
    let mut rng = StdRng::seed_from_u64(seed);
    let jobs = rng.random_range(1..12);
    let export = Export::with(&format!("--own-node --jobs {jobs} --timeout 1 --patience 2"));
    for run in 1..=BAD_RUNS {
        let count = rng.random_range(0..4);
        let faults: Vec<&str> = FAULTS.choose_multiple(&mut rng, count).copied().collect();
        let (latency_ms, fault_seed) = (rng.random_range(0..15), rng.random());
        let node = Node::slow(&faults, latency_ms, fault_seed);
        let kill_after = rng.random_bool(0.6).then(|| Duration::from_millis(rng.random_range(10..1_500)));
        let child = export.start(&node);
        if ended_well(child, kill_after, &faults) {
            export.is_whole();
            return run;
        }
    }
    export.run(&[&Node::honest()]).exits(0);
    export.is_whole();
    BAD_RUNS + 1
}

/// Whether the run came to its end; it may also be killed, or say what is wrong.
fn ended_well(mut child: Child, kill_after: Option<Duration>, faults: &[&str]) -> bool {
    if let Some(kill_after) = kill_after {
        sleep(kill_after);
        child.kill().unwrap();
    }
    let ran = crate::support::ended(child.wait_with_output().unwrap());
    match ran.code {
        Some(0) => true,
        Some(1) => {
            assert!(ran.stderr.contains("error: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
            assert!(!faults.is_empty(), "an honest node, and yet: {}", ran.stderr);
            false
        }
        // Killed.
        None => false,
        code => panic!("exit code {code:?}: {}", ran.stderr),
    }
}
