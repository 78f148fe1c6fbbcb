//! Runs a target on seeds and on mutations of them, and says what came of it.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{mutate::mutate, targets::Target};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Longest time for one input. Machines of continuous tests are slow, and inputs have at most 256 KiB.
const SLOW: Duration = Duration::from_secs(10);
/// Memory that any input may take, bytes.
const MEMORY: usize = 64 << 20;
/// Memory that each byte of an input may take besides.
const MEMORY_OF_BYTE: usize = 256;

/// Words of an answer that tell it apart: what follows is mostly the input.
const WORDS: usize = 10;
/// Inputs that are kept at most.
const KEPT: usize = 10_000;

/// What ends a run.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many inputs besides the seeds.
    Runs(u64),
    /// So much time.
    Elapsed(Duration),
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs.
    pub runs: u64,
    /// Different answers, numbers in them left out.
    pub answers: usize,
    /// Longest time for one input.
    pub slowest: Duration,
    /// Most memory that one input took, bytes.
    pub peak: usize,
}

/// An input that makes a target fail.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub what: String,
}

/// Runs a target on its seeds and then on mutations of them; `seed` makes a run repeatable.
///
/// # Errors
/// The first input that makes it panic, is slow, or takes much memory.
pub fn run(target: &Target, seeds: &[Vec<u8>], until: Until, seed: u64) -> Result<Report, Box<Failure>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut corpus: Vec<Vec<u8>> = seeds.to_vec();
    let mut seen = HashSet::new();
    let mut report = Report::default();
    for input in seeds {
        seen.insert(one(target, input, &mut report)?);
    }
    corpus.push(Vec::new());
    let started = Instant::now();
    loop {
        let done = match until {
            Until::Runs(runs) => report.runs >= runs,
            Until::Elapsed(time) => started.elapsed() >= time,
        };
        if done {
            report.answers = seen.len();
            return Ok(report);
        }
        let pick =
            |rng: &mut StdRng| corpus.get(rng.random_range(0..corpus.len())).cloned().unwrap_or_default();
        let (input, other) = (pick(&mut rng), pick(&mut rng));
        let input = mutate(&mut rng, &input, &other);
        let answer = one(target, &input, &mut report)?;
        if corpus.len() < KEPT && seen.insert(answer) {
            corpus.push(input);
        }
    }
}

/// Runs one input and gives its answer without numbers.
fn one(target: &Target, input: &[u8], report: &mut Report) -> Result<String, Box<Failure>> {
    let fail = |what: String| Box::new(Failure { input: input.to_vec(), what });
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let started = Instant::now();
    let answer = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let elapsed = started.elapsed();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    report.runs += 1;
    report.slowest = report.slowest.max(elapsed);
    report.peak = report.peak.max(peak);
    let answer = answer.map_err(|_| fail("it panicked".to_owned()))?;
    if elapsed > SLOW {
        return Err(fail(format!("it took {elapsed:?}")));
    }
    if peak > MEMORY.saturating_add(input.len().saturating_mul(MEMORY_OF_BYTE)) {
        return Err(fail(format!("it took {peak} bytes of memory for {} bytes", input.len())));
    }
    Ok(shape(&answer))
}

/// The first words of each part of an answer, without what is quoted and without words that hold a digit, which are
/// numbers and digests, so that two refusals by the same check are alike.
fn shape(answer: &str) -> String {
    let parts = answer.split(';').map(|part| {
        let unquoted: String = part.split(['`', '"']).step_by(2).collect();
        let words = unquoted.split(|c: char| !c.is_ascii_alphanumeric());
        let words = words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit()));
        words.take(WORDS).collect::<Vec<_>>().join(" ")
    });
    parts.take(16).collect::<Vec<_>>().join("; ")
}
