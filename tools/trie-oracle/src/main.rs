//! Compares the verifier of `minting` and the trie of `simchain` with `sp-trie`, the trie of Substrate, on random states.
//!
//! The two were written from the description of the format and not from each other; here both meet what they describe. The
//! first disagreement ends the run with exit code 1, and with the seed that shows it again.

mod claims;
// The trie alone: simchain as a whole needs a server, which takes longer to build than everything else here.
#[allow(dead_code, reason = "simchain uses the rest")]
#[path = "../../simchain/src/hash.rs"]
mod hash;
mod round;
mod state;
mod substrate;
mod tally;
mod tampered;
#[allow(dead_code, reason = "simchain uses the rest")]
#[path = "../../simchain/src/trie/mod.rs"]
mod trie;

use std::process::ExitCode;

use clap::Parser;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use tally::Tally;

/// Compares proofs and tries with those of Substrate, on random states.
#[derive(Debug, Parser)]
struct Cli {
    /// Number of random states, for each layout.
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// Seed of the first one; the next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Cli { rounds, seed } = Cli::parse();
    let mut tally = Tally::default();
    for seed in (seed..).take(usize::try_from(rounds).unwrap_or(usize::MAX)) {
        if let Err(disagreement) = round::run(&mut ChaCha8Rng::seed_from_u64(seed), &mut tally) {
            eprintln!("trie-oracle: {disagreement}\n  to see it again: --seed {seed} --rounds 1");
            return ExitCode::FAILURE;
        }
    }
    let lacks = tally.lacks(rounds);
    if !lacks.is_empty() {
        eprintln!("trie-oracle: nothing was compared of {}", lacks.join(", "));
        return ExitCode::FAILURE;
    }
    println!("trie-oracle: sp-trie agrees. {tally}");
    ExitCode::SUCCESS
}
