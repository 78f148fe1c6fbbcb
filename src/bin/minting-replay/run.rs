//! `minting-replay run`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
    sync::atomic::Ordering,
};

use minting::{
    cli::{Exit, escape, print},
    minting::{BugMode, Finding, Period, Previous, Retry, Rules, UseSource, retries},
    replay::{Request, Source, locate, replay},
    report::{
        addresses::invalid,
        output::Output,
        published,
        run::{Inputs, RUN_JSON, Run, Totals, tft},
        seal::SHORT_DIGEST,
    },
};

use super::{
    ENDS_TIDILY, Failure, INTERRUPTED,
    args::{BugsArg, InvalidAddresses, RunArgs},
    progress::Bar,
    rule_sets,
};

/// Findings that are printed; `run.json` has all of them.
const PRINTED_FINDINGS: usize = 20;

pub fn run(args: &RunArgs, quiet: bool) -> Result<Exit, Failure> {
    ENDS_TIDILY.store(true, Ordering::Relaxed);
    let period = period(args)?;
    let rules = rules(args, &period)?;
    // Whatever would stop the run at its end is looked at before it starts.
    let output = Output::create(&args.out, args.overwrite)?;
    let previous = args.previous.as_deref().map(|folder| published::previous(folder, &period)).transpose()?;
    let paid = args.paid.as_deref().map(published::paid).transpose()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, Into::into)).build()?;
    pool.install(|| finish(args, quiet, &period, &rules, previous, paid, output))
}

fn period(args: &RunArgs) -> Result<Period, Failure> {
    Ok(match (args.period, args.range) {
        (Some(number), _) => Period::numbered(number)?,
        (None, Some((from, to))) => Period::range(from, to)?,
        (None, None) => return Err("give --period or --range".into()),
    })
}

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
fn rules(args: &RunArgs, period: &Period) -> Result<Rules, Failure> {
    let rules = match &args.rules {
        Some(name) => rule_sets::find(name)?,
        None => default_rules(period)?,
    };
    if rules.use_source != UseSource::UsedResources {
        eprintln!(
            "warning: rules {} read use from consumption reports, which are not decoded: network units and use are \
             missing or too small",
            escape(rules.name())
        );
    }
    Ok(match args.bugs {
        None => rules,
        Some(BugsArg::Reference) => rules.with_bugs(BugMode::Reference),
        Some(BugsArg::Fixed) => rules.with_bugs(BugMode::Fixed),
    })
}

fn finish(
    args: &RunArgs,
    quiet: bool,
    period: &Period,
    rules: &Rules,
    previous: Option<Previous>,
    paid: Option<BTreeSet<[u8; 32]>>,
    mut output: Output,
) -> Result<Exit, Failure> {
    let source = Source::open(&args.archives)?;
    let located = locate(&source, period, rules)?;
    let bar = Bar::new(u64::from(located.window_last.saturating_sub(located.first_block)) + 1, quiet);
    let request = Request { source: &source, period, rules, interrupted: &INTERRUPTED };
    let replayed = replay(&request, &bar)?;
    drop(bar);
    let inputs = Inputs::of(period, previous.as_ref(), paid.as_ref());
    let (previous, paid) = (previous.unwrap_or_default(), paid.unwrap_or_default());
    let retries: Vec<Retry> = retries(&previous, &paid, period, rules, &replayed.end);
    let run = Run {
        source: &source,
        period,
        rules,
        replayed: &replayed,
        retries: &retries,
        inputs: &inputs,
        accept_findings: args.accept_findings,
        withhold_invalid_addresses: args.invalid_addresses == InvalidAddresses::Withhold,
    };
    let files = run.files()?;
    for (name, bytes) in &files {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(minting::replay::Error::Interrupted.into());
        }
        output.write(name, bytes)?;
    }
    output.finish()?;
    say_findings(&replayed.findings, &args.out, run.withheld());
    say_addresses(&invalid(&replayed.nodes, &retries), args.invalid_addresses);
    let text = match files.get(RUN_JSON) {
        Some(json) if args.json => json.clone(),
        _ if quiet => Vec::new(),
        _ if run.withheld() => Vec::new(),
        Some(json) => summary(&run.totals(), period, rules, &args.out, &short_digest(json)).into_bytes(),
        None => Vec::new(),
    };
    let printed = print(&text);
    Ok(if run.withheld() { Exit::Findings } else { printed })
}

fn say_findings(findings: &[Finding], out: &Path, withheld: bool) {
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
            out.join(RUN_JSON).display()
        );
    }
}

fn say_addresses(invalid: &BTreeMap<u32, String>, treatment: InvalidAddresses) {
    let what = match treatment {
        InvalidAddresses::Keep => "its payouts are in payouts.csv all the same",
        InvalidAddresses::Withhold => "its payouts are left out of payouts.csv",
    };
    for (farm, address) in invalid.iter().take(PRINTED_FINDINGS) {
        eprintln!("warning: farm {farm}: `{}` is no Stellar address; {what}", escape(address));
    }
    if invalid.len() > PRINTED_FINDINGS {
        eprintln!("… and {} more invalid addresses in run.json", invalid.len() - PRINTED_FINDINGS);
    }
}

/// What a person wants to know first.
fn summary(totals: &Totals, period: &Period, rules: &Rules, out: &Path, short_digest: &str) -> String {
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
    line(format!("  {:>6} of {} nodes paid, {} TFT", totals.paid, totals.nodes, tft(totals.tft)));
    for (reason, count) in &totals.not_paid {
        line(format!("  {count:>6} not paid: {reason}"));
    }
    if totals.retries_paid > 0 {
        line(format!("  {:>6} retries paid, {} TFT", totals.retries_paid, tft(totals.retry_tft)));
    }
    let files = if rules.overview_only {
        "overview.csv, run.json"
    } else {
        "payouts.csv, overview.csv, retries.csv, receipts/, run.json"
    };
    line(format!("Results are in {}: {files}", out.display()));
    line(format!("Digest of it all, to be compared by voice: {short_digest}"));
    text
}

/// The short digest that a run receipt states.
fn short_digest(run: &[u8]) -> String {
    let run: serde_json::Value = serde_json::from_slice(run).unwrap_or_default();
    run.get(SHORT_DIGEST).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
