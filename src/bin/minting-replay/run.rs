//! `minting-replay run`

use std::{collections::BTreeMap, fmt::Write, path::Path, sync::atomic::Ordering, time::Instant};

use minting::{
    cli::{Exit, date, escape, json_text, print},
    minting::{BugMode, Finding, Period, Previous, Retry, Rules, retries},
    replay::{Folds, Located},
    report::{
        addresses::{Treatment, all_made_up, invalid},
        output::Output,
        published::{self, Paid},
        run::{RUN_JSON, Run, Totals, tft},
        seal::SHORT_DIGEST,
        trust::Trust,
    },
    verify::diff::{Diff, Side},
};

use super::{
    ENDS_TIDILY, Failure, INTERRUPTED,
    args::{BugsArg, InvalidAddresses, RunArgs},
    diff::describe,
    ground::{self, Ground},
    rule_sets,
    timings::RunTimes,
};

/// Findings that are printed; `run.json` has all of them.
const PRINTED_FINDINGS: usize = 20;

pub fn run(args: &RunArgs, quiet: bool) -> Result<Exit, Failure> {
    ENDS_TIDILY.store(true, Ordering::Relaxed);
    let asked = Asked::of(args)?;
    // Whatever would stop the run at its end is looked at before it starts.
    ground::refuse_place(args)?;
    let output = args.out.as_deref().map(|out| Output::create(out, args.overwrite)).transpose()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, Into::into)).build()?;
    pool.install(|| {
        let (other, output) = match (compared(args, &asked)?, output) {
            (Some(other), Some(output)) => (other, output),
            (_, output) => return plain(args, &asked, quiet, output),
        };
        let side = |run: &Run<'_>| Side::of_run(&run.replayed.nodes, run.retries, run.rules);
        // The comparison comes first: what stops it must not leave results that nobody was shown.
        let b = compared_with(args, &other, quiet, side)?;
        with_run(args, &asked, quiet, |run, times| {
            let diff = Diff::of(&side(run), &b);
            if args.json {
                let exit = finish(args, true, run, times, output)?;
                let receipt = run.files()?.remove(&run.name(RUN_JSON)).unwrap_or_default();
                let receipt: serde_json::Value = serde_json::from_slice(&receipt)?;
                let both = serde_json::json!({ "comparison": diff.to_json(), "run": receipt });
                let printed = print(json_text(&both)?.as_bytes());
                return Ok(if exit == Exit::Done { printed } else { exit });
            }
            let exit = finish(args, quiet, run, times, output)?;
            let (a, b) = (name_of(&asked.rules), name_of(&other.rules));
            let printed = print(format!("\nA is {a}, B is {b}\n{}", describe(&diff)?).as_bytes());
            Ok(if exit == Exit::Done { printed } else { exit })
        })
    })
}

/// A run that is compared with no other. Without a place for results, or blocks for them, it only saves its state.
fn plain(args: &RunArgs, asked: &Asked, quiet: bool, output: Option<Output>) -> Result<Exit, Failure> {
    let mut times = RunTimes::start();
    let ground = Ground::of(args, &asked.period, &asked.rules)?;
    times.open = times.started.elapsed();
    match output {
        Some(output) if ground.has_results => {
            on(&ground, args, asked, quiet, times, |run, times| finish(args, quiet, run, times, output))
        }
        output => {
            let (_, trust) = ground.fold_and_verify(args, &asked.period, &asked.rules, quiet)?;
            let last = ground.located.window_last;
            if output.is_some() {
                eprintln!(
                    "warning: no results: the archives end with block {last}, before all that counts; --partial gives a \
                     preliminary one"
                );
            }
            let file = args.save_state.as_deref().unwrap_or(Path::new("")).display();
            let text = match quiet {
                true => String::new(),
                false => format!("The state after block {last} is in {file}\n{}\n", trust.words()),
            };
            Ok(print(text.as_bytes()))
        }
    }
}

/// The same run by the rules it is to be compared with.
fn compared(args: &RunArgs, asked: &Asked) -> Result<Option<Asked>, Failure> {
    let rules = match (&args.compare_rules, args.compare_bugs) {
        (None, None) => return Ok(None),
        (Some(name), bugs) => with_bugs(rule_sets::find(name)?, bugs),
        (None, bugs) => with_bugs(asked.rules.clone(), bugs),
    };
    Ok(Some(Asked {
        period: asked.period,
        rules,
        previous: asked.previous.clone(),
        paid: asked.paid.clone(),
    }))
}

/// Rules with their mistakes, in words.
fn name_of(rules: &Rules) -> String {
    let bugs = match rules.bug_mode() {
        BugMode::Reference => "with the mistakes of its time",
        BugMode::Fixed => "without mistakes",
    };
    format!("{} {bugs}", escape(rules.name()))
}

/// Files by their names.
type Files = BTreeMap<String, Vec<u8>>;

/// The files that a run would write, `run.json` among them, and how far its archives can be trusted.
pub fn outputs(args: &RunArgs) -> Result<(Files, Option<Trust>), Failure> {
    with_run(args, &Asked::of(args)?, true, |run, _| Ok((run.files()?, run.trust)))
}

/// What decides about a run besides the archives.
pub struct Asked {
    /// The period.
    pub period: Period,
    /// The rules.
    pub rules: Rules,
    previous: Option<Previous>,
    paid: Paid,
}

impl Asked {
    pub fn of(args: &RunArgs) -> Result<Asked, Failure> {
        let period = period(args.period, args.range)?;
        let rules = rules(args.rules.as_deref(), args.bugs, &period)?;
        let previous =
            args.previous.as_deref().map(|folder| published::previous(folder, &period)).transpose()?;
        Ok(Asked { period, rules, previous, paid: paid(args)? })
    }
}

/// What was paid, as far as it is asked for: nothing is paid again without receipts of the period before.
fn paid(args: &RunArgs) -> Result<Paid, Failure> {
    let mut paid = Paid::default();
    if args.previous.is_none() {
        return Ok(paid);
    }
    for archive in &args.archives {
        paid.add_archive(archive)?;
    }
    for file in &args.paid {
        paid.add_file(file)?;
    }
    if paid.sources.is_empty() {
        eprintln!(
            "warning: nothing says what was paid, so all that was minted in the period before is paid again; give --paid"
        );
    }
    for until in paid.sources.iter().filter_map(|source| source.read_until) {
        eprintln!("payments on Stellar are known up to {}", date(until));
    }
    Ok(paid)
}

/// The period or the range asked for.
pub fn period(number: Option<u32>, range: Option<(i64, i64)>) -> Result<Period, Failure> {
    Ok(match (number, range) {
        (Some(number), _) => Period::numbered(number)?,
        (None, Some((from, to))) => Period::range(from, to)?,
        (None, None) => return Err("give --period or --range".into()),
    })
}

/// Files that are written before a look at whether someone wants to stop.
const WRITTEN_AT_ONCE: usize = 512;

/// First period whose rules need no name: what an earlier one was paid by is for a person to say.
const FIRST_WITH_DEFAULT: u32 = 81;

/// The rule set of a period that needs no name.
fn default_rules(period: &Period) -> Result<Rules, Failure> {
    let in_force = rule_sets::in_force(period)?;
    let name = in_force.set.name;
    if in_force.period >= FIRST_WITH_DEFAULT {
        return Ok(in_force.set.rules());
    }
    Err(format!(
        "rules for period {} have to be named: {FIRST_WITH_DEFAULT} is the first period with a default, r81; the first \
         run of this one was by --rules {name} as far as is known, see `minting-replay rules for-period {}`",
        in_force.period, in_force.period
    )
    .into())
}

/// The rule set asked for, or else that of the period.
pub fn rules(name: Option<&str>, bugs: Option<BugsArg>, period: &Period) -> Result<Rules, Failure> {
    let rules = match name {
        Some(name) => rule_sets::find(name)?,
        None => default_rules(period)?,
    };
    Ok(with_bugs(rules, bugs))
}

fn with_bugs(rules: Rules, bugs: Option<BugsArg>) -> Rules {
    match bugs {
        None => rules,
        Some(BugsArg::Reference) => rules.with_bugs(BugMode::Reference),
        Some(BugsArg::Fixed) => rules.with_bugs(BugMode::Fixed),
    }
}

/// Replays, and hands what it came to to `then`.
pub fn with_run<T>(
    args: &RunArgs,
    asked: &Asked,
    quiet: bool,
    then: impl FnOnce(&Run<'_>, RunTimes) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut times = RunTimes::start();
    let ground = Ground::of(args, &asked.period, &asked.rules)?;
    times.open = times.started.elapsed();
    on(&ground, args, asked, quiet, times, then)
}

/// The run that another one is compared with, which verifies the proofs of the same archives.
fn compared_with<T>(
    args: &RunArgs,
    other: &Asked,
    quiet: bool,
    then: impl FnOnce(&Run<'_>) -> T,
) -> Result<T, Failure> {
    let ground = Ground::of(args, &other.period, &other.rules)?;
    let folds = ground.fold(&other.period, &other.rules, quiet)?;
    then_run(&ground, args, other, folds, None, then)
}

/// As [`with_run`], on archives that are open.
fn on<T>(
    ground: &Ground,
    args: &RunArgs,
    asked: &Asked,
    quiet: bool,
    times: RunTimes,
    then: impl FnOnce(&Run<'_>, RunTimes) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (folds, trust) = ground.fold_and_verify(args, &asked.period, &asked.rules, quiet)?;
    then_run(ground, args, asked, folds, Some(trust), |run| then(run, times))?
}

/// Closes what was folded, and hands what it came to to `then`.
fn then_run<T>(
    ground: &Ground,
    args: &RunArgs,
    asked: &Asked,
    folds: Folds<'_>,
    trust: Option<Trust>,
    then: impl FnOnce(&Run<'_>) -> T,
) -> Result<T, Failure> {
    let Asked { period, rules, previous, paid } = asked;
    let replayed = folds.close()?;
    let retries: Vec<Retry> = match previous {
        Some(previous) => retries(previous, &paid.memos, period, rules, &replayed.end),
        None => Vec::new(),
    };
    let run = Run {
        source: &ground.source,
        period,
        rules,
        replayed: &replayed,
        retries: &retries,
        previous: previous.as_ref(),
        paid: &paid.sources,
        accept_findings: args.accept_findings,
        from: ground.from.as_ref(),
        withhold_invalid_addresses: treatment(args.invalid_addresses).withholds(rules, &replayed.end),
        trust,
    };
    Ok(then(&run))
}

fn finish(
    args: &RunArgs,
    quiet: bool,
    run: &Run<'_>,
    mut times: RunTimes,
    mut output: Output,
) -> Result<Exit, Failure> {
    let written = Instant::now();
    let out = args.out.as_deref().unwrap_or(Path::new(""));
    let Run { replayed, retries, withhold_invalid_addresses: withhold, .. } = *run;
    let files = run.files()?;
    let listed: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    for some in listed.chunks(WRITTEN_AT_ONCE) {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(minting::replay::Error::Interrupted.into());
        }
        output.write_all(some)?;
    }
    output.finish()?;
    times.write = written.elapsed();
    say_findings(&replayed.findings, &out.join(run.name(RUN_JSON)), run.withheld());
    let invalid = invalid(&replayed.nodes, retries);
    say_addresses(&invalid, withhold);
    if !invalid.is_empty() && !withhold && all_made_up(&replayed.end) {
        eprintln!("warning: no farm of this chain has a Stellar address: nothing in payouts.csv can be paid");
    }
    let text = match files.get(&run.name(RUN_JSON)) {
        Some(json) if args.json && args.compare_rules.is_none() && args.compare_bugs.is_none() => {
            json.clone()
        }
        _ if quiet => Vec::new(),
        _ if run.withheld() => Vec::new(),
        Some(json) => summary(run, out, &short_digest(json)).into_bytes(),
        None => Vec::new(),
    };
    let printed = print(&text);
    if args.timings {
        times.print(&replayed.timings);
    }
    Ok(if run.withheld() { Exit::Findings } else { printed })
}

fn say_findings(findings: &[Finding], run_json: &Path, withheld: bool) {
    for finding in findings.iter().take(PRINTED_FINDINGS) {
        let node = finding.node.map(|n| format!("node {n}: ")).unwrap_or_default();
        let block = finding.block.map(|b| format!("block {b}: ")).unwrap_or_default();
        eprintln!("finding: {}: {node}{block}{}", finding.rule, escape(&finding.message));
    }
    if findings.len() > PRINTED_FINDINGS {
        eprintln!("… and {} more findings in run.json", findings.len() - PRINTED_FINDINGS);
    }
    if withheld {
        eprintln!(
            "nothing but `{}` was written; look at the findings, then run again with --accept-findings --overwrite",
            run_json.display()
        );
    }
}

fn treatment(asked: InvalidAddresses) -> Treatment {
    match asked {
        InvalidAddresses::Auto => Treatment::Auto,
        InvalidAddresses::Keep => Treatment::Keep,
        InvalidAddresses::Withhold => Treatment::Withhold,
    }
}

/// Reports addresses that nothing can be paid to, by farm.
pub fn say_addresses(invalid: &BTreeMap<u32, String>, withheld: bool) {
    let what = if withheld {
        "its payouts are left out of payouts.csv"
    } else {
        "its payouts are in payouts.csv all the same, and cannot be paid"
    };
    for (farm, address) in invalid.iter().take(PRINTED_FINDINGS) {
        eprintln!("warning: farm {farm}: `{}` is no Stellar address; {what}", escape(address));
    }
    if invalid.len() > PRINTED_FINDINGS {
        eprintln!("… and {} more invalid addresses in run.json", invalid.len() - PRINTED_FINDINGS);
    }
}

/// What a person wants to know first.
fn summary(run: &Run<'_>, out: &Path, short_digest: &str) -> String {
    let Run { period, rules, replayed, .. } = *run;
    let totals: Totals = run.totals();
    let mut text = String::new();
    let name = match period.number {
        Some(number) => format!("Period {number}"),
        None => format!("Range {}..{}", period.start, period.end),
    };
    let mut line = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format!("{name}, rules {}", rules.name()));
    if let Some(known) = replayed.located.known_until {
        line(preliminary(period, &replayed.located, known));
    }
    line(format!("  {:>6} of {} nodes paid, {} TFT", totals.paid, totals.nodes, tft(totals.tft)));
    for (reason, count) in &totals.not_paid {
        line(format!("  {count:>6} not paid: {reason}"));
    }
    if totals.retries_paid > 0 {
        line(format!("  {:>6} retries paid, {} TFT", totals.retries_paid, tft(totals.retry_tft)));
    }
    let files: &[&str] = if rules.overview_only {
        &["overview.csv", RUN_JSON]
    } else {
        &["payouts.csv", "overview.csv", "retries.csv", "receipts/", RUN_JSON]
    };
    let files: Vec<String> = files
        .iter()
        .map(|file| if file.ends_with('/') { (*file).to_owned() } else { run.name(file) })
        .collect();
    line(format!("Results are in {}: {}", out.display(), files.join(", ")));
    if let Some(trust) = &run.trust {
        line(trust.words());
    }
    line(format!("Digest of it all, to be compared by voice: {short_digest}"));
    text
}

/// Says that a result is preliminary, and up to when it knows.
fn preliminary(period: &Period, located: &Located, known: i64) -> String {
    let last = located.window_last;
    let missing = if known > period.end {
        "the window after the period is not complete"
    } else {
        "the period is not over"
    };
    format!("  PRELIMINARY, nothing of it is to be paid: {missing} with block {last} ({})", date(known))
}

/// The short digest that a run receipt states.
fn short_digest(run: &[u8]) -> String {
    let run: serde_json::Value = serde_json::from_slice(run).unwrap_or_default();
    run.get(SHORT_DIGEST).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
