//! `minting-replay test`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::{Args, Parser};
use minting::{
    archive::Archive,
    cli::{EXIT_CODES, Exit, error_chain, escape, parse_jobs, print},
    replay::Progress,
    report::trust::Level,
    verify::frozen::{Case, cases, digests},
};
use rayon::prelude::*;

use super::{
    Failure,
    args::{Cli, Command},
    progress::Bar,
    run,
};

const EXAMPLES: &str = "\
Examples:
  minting-replay test archives
  minting-replay test archives/period-73 archives/period-81 --jobs 4
  minting-replay test archives --bless";

#[derive(Debug, Args)]
#[command(after_help = format!(
    "{EXAMPLES}\n\nA case whose results differ exits 4, one that cannot be replayed 1.\n\n{EXIT_CODES}"
))]
pub struct TestArgs {
    /// Cases, or folders with cases: a case has an archive, and expected.toml, which says how it is replayed
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Write what the replays give into expected.toml, instead of comparing
    #[arg(long)]
    pub bless: bool,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<NonZeroUsize>,
}

/// What became of a case.
enum Outcome {
    /// The results are as expected, and the archives reached this step.
    Passed(Level),
    Blessed,
    /// These outputs are not as expected.
    Differs(String),
    /// It could not be replayed.
    Broken(String),
}

pub fn test(args: &TestArgs, quiet: bool) -> Result<Exit, Failure> {
    let mut folders = BTreeSet::new();
    for folder in &args.folders {
        folders.extend(cases(folder)?);
    }
    let folders: Vec<PathBuf> = folders.into_iter().collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, Into::into)).build()?;
    let bar = Bar::over(u64::try_from(folders.len()).unwrap_or_default(), "cases", quiet);
    let outcomes: Vec<Outcome> = pool.install(|| {
        let outcome = |folder: &PathBuf| {
            let outcome = try_case(folder, args.bless)
                .unwrap_or_else(|failure| Outcome::Broken(error_chain(failure.as_ref())));
            bar.blocks(1);
            outcome
        };
        folders.par_iter().map(outcome).collect()
    });
    drop(bar);
    let mut text = String::new();
    let (mut passed, mut failed, mut broken) = (0usize, 0usize, false);
    for (folder, outcome) in folders.iter().zip(&outcomes) {
        let shown = escape(&folder.display().to_string());
        match outcome {
            Outcome::Passed(level) => writeln!(text, "ok      {shown} ({})", level.words())?,
            Outcome::Blessed => writeln!(text, "blessed {shown}")?,
            Outcome::Differs(what) => writeln!(text, "FAILED  {shown}: {}", escape(what))?,
            Outcome::Broken(why) => {
                broken = true;
                writeln!(text, "FAILED  {shown}: {}", escape(why))?;
            }
        }
        match outcome {
            Outcome::Passed(_) | Outcome::Blessed => passed += 1,
            Outcome::Differs(_) | Outcome::Broken(_) => failed += 1,
        }
    }
    writeln!(text, "{passed} passed, {failed} failed")?;
    let printed = print(text.as_bytes());
    Ok(match (broken, failed) {
        (true, _) => Exit::Failed,
        (false, 0) => printed,
        (false, _) => Exit::Differs,
    })
}

fn try_case(folder: &Path, bless: bool) -> Result<Outcome, Failure> {
    let mut case = Case::read(folder)?;
    if case.period.is_none() && case.range.is_none() {
        case.period = Archive::open(&case.first_archive(folder))?.manifest().period;
    }
    let mut words = vec!["minting-replay".to_owned(), "run".to_owned()];
    words.extend(case.arguments(folder));
    words.extend(["--out".to_owned(), "not-written".to_owned()]);
    let Command::Run(args) = Cli::try_parse_from(words)?.command else {
        return Err("a case is replayed by `minting-replay run`".into());
    };
    let (files, trust) = run::outputs(&args)?;
    let got = digests(&files);
    let level = trust.map_or(Level::Nothing, |trust| trust.level);
    if bless {
        case.expected = got;
        case.reached = case.reached.map(|_| level.label().to_owned());
        case.write(folder)?;
        return Ok(Outcome::Blessed);
    }
    if case.expected.is_empty() {
        return Err("expected.toml has no digests; `minting-replay test --bless` records them".into());
    }
    let other_step = case.reached.filter(|reached| reached != level.label());
    Ok(match (difference(&case.expected, &got), other_step) {
        (Some(what), _) => Outcome::Differs(what),
        (None, Some(expected)) => {
            Outcome::Differs(format!("reached is {}, expected {expected}", level.label()))
        }
        (None, None) => Outcome::Passed(level),
    })
}

/// Every output that is not as expected, with both values; none if all are.
fn difference(expected: &BTreeMap<String, String>, got: &BTreeMap<String, String>) -> Option<String> {
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let differs = names.into_iter().filter(|name| expected.get(*name) != got.get(*name));
    let shown = |digests: &BTreeMap<String, String>, name: &String| {
        digests.get(name).map_or("nothing".to_owned(), |digest| digest.chars().take(21).collect())
    };
    let parts: Vec<String> = differs
        .map(|name| format!("{name} is {}, expected {}", shown(got, name), shown(expected, name)))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
