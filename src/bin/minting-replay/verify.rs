//! `minting-replay verify`

use std::{fmt::Write, num::NonZeroUsize, path::PathBuf, sync::atomic::Ordering};

use clap::{ArgGroup, Args};
use minting::{
    cli::{EXIT_CODES, Exit, date, escape, json_text, parse_jobs, parse_time_range, print},
    replay::{Request, Source, follow},
    report::trust::Trust,
    verify::against::{Against, Difference, Place, against, first},
};
use serde_json::{Value, json};

use super::{
    ENDS_TIDILY, Failure, INTERRUPTED,
    args::{BugsArg, InvalidAddresses, RunArgs},
    progress::Bar,
    run::{Asked, with_run},
};

/// Differences that are printed; `--json` has all of them.
const PRINTED: usize = 40;

const EXAMPLES: &str = "\
Examples:
  minting-replay verify period-81 --period 81 --against published-81 --previous results-80 --paid paid-memos.txt
  minting-replay verify period-74 --period 74 --rules r74 --against published-74 --json";

#[derive(Debug, Args)]
#[command(after_help = format!(
    "{EXAMPLES}\n\nResults that differ exit 4. Findings of the replay are printed and do not count: who published the \
     results has accepted them.\n\n{EXIT_CODES}"
))]
#[command(group(ArgGroup::new("when").required(true).args(["period", "range"])))]
pub struct VerifyArgs {
    /// Archives that follow each other
    #[arg(required = true, value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,
    /// Number of the minting period
    #[arg(long, value_name = "P")]
    period: Option<u32>,
    /// Replay this time range instead, scaled to its own length; RFC 3339 or unix seconds
    #[arg(long, value_name = "FROM..TO", value_parser = parse_time_range)]
    range: Option<(i64, i64)>,
    /// Published results, of this program or of the reference implementation: receipts, payouts.csv, overview.csv and
    /// the other files of a run; those that are there are compared
    #[arg(long, value_name = "DIR")]
    against: PathBuf,
    /// Validators whose signatures the archive has to have, as `check` takes them; exits 4 if it has not
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Rule set, by its name or as a TOML file (see `minting-replay rules`) [default: that of the period]
    #[arg(long, value_name = "NAME|FILE.toml")]
    rules: Option<String>,
    /// Mistakes of the past: as it was paid, or as it should have been [default: reference before r81, else fixed]
    #[arg(long, value_enum)]
    bugs: Option<BugsArg>,
    /// Results of the period before, whose unpaid receipts were paid again
    #[arg(long, value_name = "DIR", conflicts_with = "range")]
    previous: Option<PathBuf>,
    /// What was paid: payments that minting-fetch stellar wrote, or memo hashes, one in hex a line
    #[arg(long, value_name = "FILE")]
    paid: Vec<PathBuf>,
    /// Payouts to addresses that are no Stellar addresses
    #[arg(long, value_enum, default_value_t = InvalidAddresses::Auto)]
    invalid_addresses: InvalidAddresses,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<NonZeroUsize>,
    /// Print the differences as JSON
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    /// The run that makes the results once more; findings are accepted, since results were published.
    fn run(&self) -> RunArgs {
        RunArgs {
            archives: self.archives.clone(),
            period: self.period,
            range: self.range,
            out: None,
            save_state: None,
            load_state: None,
            authorities: self.authorities.clone(),
            rules: self.rules.clone(),
            bugs: self.bugs,
            previous: self.previous.clone(),
            paid: self.paid.clone(),
            partial: false,
            accept_findings: true,
            invalid_addresses: self.invalid_addresses,
            overwrite: false,
            jobs: self.jobs,
            compare_rules: None,
            compare_bugs: None,
            json: false,
            timings: false,
        }
    }
}

pub fn verify(args: &VerifyArgs, quiet: bool) -> Result<Exit, Failure> {
    ENDS_TIDILY.store(true, Ordering::Relaxed);
    let run_args = args.run();
    let asked = Asked::of(&run_args)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, Into::into)).build()?;
    pool.install(|| {
        let (outcome, last_block, findings, trust) = with_run(&run_args, &asked, quiet, |run, _| {
            let findings = &run.replayed.findings;
            if !findings.is_empty() {
                eprintln!("{} findings of the replay, see `minting-replay run`", findings.len());
            }
            let last_block = run.replayed.located.last_block;
            Ok((against(run, &args.against)?, last_block, findings.len(), run.trust))
        })?;
        let place = place(args, &asked, &outcome, last_block, quiet)?;
        let text = if args.json {
            json_text(&to_json(&outcome, place.as_ref(), findings, trust.as_ref()))?
        } else if quiet && place.is_none() {
            String::new()
        } else {
            describe(args, &outcome, place.as_ref(), trust.as_ref())?
        };
        let printed = print(text.as_bytes());
        Ok(if outcome.differences.is_empty() { printed } else { Exit::Differs })
    })
}

/// Where the results part first: at the first node that differs, or at the end if what differs is of no node.
fn place(
    args: &VerifyArgs,
    asked: &Asked,
    outcome: &Against,
    last_block: u32,
    quiet: bool,
) -> Result<Option<Place>, Failure> {
    let Some(difference) = outcome.differences.first() else { return Ok(None) };
    let Some(node) = difference.node else {
        return Ok(Some(Place {
            difference: difference.clone(),
            block: last_block,
            time: None,
            reason: "it is of no node of the period. Retries follow from --previous, --paid and the addresses in the \
                     state after the last block; the order and form of files from nothing on the chain"
                .to_owned(),
        }));
    };
    let source = Source::open(&args.archives)?;
    let (period, rules) = (&asked.period, &asked.rules);
    let located = minting::replay::locate(&source, period, rules, None)?;
    let bar = Bar::new(u64::from(located.window_last.saturating_sub(located.first_block)) + 1, quiet);
    let request = Request { source: &source, period, rules, located, from: None, interrupted: &INTERRUPTED };
    let explained = follow(&request, node, &bar)?;
    drop(bar);
    let of_node: Vec<&Difference> =
        outcome.differences.iter().filter(|difference| difference.node == Some(node)).collect();
    Ok(first(period, rules, &explained, node, &of_node))
}

fn value(value: Option<&String>) -> String {
    value.map_or("nothing".to_owned(), |value| escape(value))
}

fn describe(
    args: &VerifyArgs,
    outcome: &Against,
    place: Option<&Place>,
    trust: Option<&Trust>,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}", escape(&args.against.display().to_string()))?;
    for (name, count) in &outcome.compared {
        let kind = if name.starts_with("receipts/") { "receipts" } else { "lines" };
        writeln!(text, "  compared  {name}, {count} {kind}")?;
    }
    if outcome.fixups {
        writeln!(text, "  fix-ups were made again from the receipts that they correct")?;
    }
    for name in &outcome.not_compared {
        writeln!(text, "  left out  {}: no replay makes it", escape(name))?;
    }
    let Some(place) = place else {
        writeln!(text, "Equal: a replay of the archive gives what was published.")?;
        if let Some(trust) = trust {
            writeln!(text, "{}", trust.words())?;
        }
        return Ok(text);
    };
    let nodes = outcome.nodes().len();
    writeln!(text, "DIFFERENT: {} differences, {nodes} nodes affected", outcome.differences.len())?;
    let Difference { node, file, field, published, here, .. } = &place.difference;
    let node_name = node.map_or("no node".to_owned(), |node| format!("node {node}"));
    let time = place.time.and_then(|time| i64::try_from(time).ok());
    let time = time.map_or("its state".to_owned(), date);
    writeln!(text, "\nFirst: {node_name}, block {} ({time})", place.block)?;
    writeln!(text, "  {}: {}", escape(file), escape(field))?;
    writeln!(text, "    published  {}", value(published.as_ref()))?;
    writeln!(text, "    here       {}", value(here.as_ref()))?;
    writeln!(text, "  {}", escape(&place.reason))?;
    writeln!(text, "\nAll, published / here:")?;
    for difference in outcome.differences.iter().take(PRINTED) {
        let node = difference.node.map_or("-".to_owned(), |node| node.to_string());
        let (published, here) = (value(difference.published.as_ref()), value(difference.here.as_ref()));
        let file: String = difference.file.chars().take(40).collect();
        writeln!(
            text,
            "  node {node:<7} {}, {}: {published} / {here}",
            escape(&file),
            escape(&difference.field)
        )?;
    }
    if outcome.differences.len() > PRINTED {
        writeln!(text, "  … and {} more, see --json", outcome.differences.len() - PRINTED)?;
    }
    if let Some(node) = node {
        let archives = args.archives.iter().map(|path| escape(&path.display().to_string()));
        let archives: Vec<String> = archives.collect();
        let when = match (args.period, args.range) {
            (Some(period), _) => format!("--period {period}"),
            (None, Some((from, to))) => format!("--range {from}..{to}"),
            (None, None) => String::new(),
        };
        let rules =
            args.rules.as_ref().map(|rules| format!(" --rules {}", escape(rules))).unwrap_or_default();
        writeln!(text, "Next: minting-replay explain {} {when} --node {node}{rules}", archives.join(" "))?;
    }
    Ok(text)
}

fn to_json(outcome: &Against, place: Option<&Place>, findings: usize, trust: Option<&Trust>) -> Value {
    let difference = |difference: &Difference| {
        json!({
            "field": difference.field,
            "file": difference.file,
            "here": difference.here,
            "node": difference.node,
            "published": difference.published,
        })
    };
    let first = place.map(|place| {
        let mut first = difference(&place.difference);
        if let Some(fields) = first.as_object_mut() {
            fields.insert("block".into(), place.block.into());
            fields.insert("reason".into(), place.reason.clone().into());
            let time = place.time.and_then(|time| i64::try_from(time).ok());
            fields.insert("time".into(), time.into());
        }
        first
    });
    json!({
        "compared": outcome.compared,
        "differences": outcome.differences.iter().map(difference).collect::<Vec<_>>(),
        "equal": outcome.differences.is_empty(),
        "findings": findings,
        "first": first,
        "fixups": outcome.fixups,
        "nodes": outcome.nodes(),
        "not_compared": outcome.not_compared,
        "trust": trust.map(Trust::json),
    })
}
