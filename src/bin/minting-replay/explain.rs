//! `minting-replay explain`

use std::{io::IsTerminal, num::NonZeroUsize, path::PathBuf, sync::atomic::Ordering};

use clap::{ArgGroup, Args};
use minting::{
    cli::{EXIT_CODES, Exit, parse_time_range, print},
    replay::{Request, Source, follow, locate},
    report::explain::{Explanation, Paint, not_there},
};

use super::{ENDS_TIDILY, Failure, INTERRUPTED, args::BugsArg, progress::Bar, run};

const EXAMPLES: &str = "\
Examples:
  minting-replay explain period-81 --period 81 --node 42
  minting-replay explain period-81 --period 81 --node 42 --all | less
  minting-replay explain period-81 --period 81 --node 42 --json | jq .violation";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
#[command(group(ArgGroup::new("when").required(true).args(["period", "range"])))]
pub struct ExplainArgs {
    /// Archives that follow each other
    #[arg(required = true, value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,
    /// Number of the minting period
    #[arg(long, value_name = "P")]
    period: Option<u32>,
    /// Explain this time range instead, scaled to its own length; RFC 3339 or unix seconds
    #[arg(long, value_name = "FROM..TO", value_parser = parse_time_range)]
    range: Option<(i64, i64)>,
    /// The node
    #[arg(long, value_name = "N")]
    node: u32,
    /// Rule set, by its name or as a TOML file (see `minting-replay rules`) [default: that of the period]
    #[arg(long, value_name = "NAME|FILE.toml")]
    rules: Option<String>,
    /// Mistakes of the past: as it was paid, or as it should have been [default: reference before r81, else fixed]
    #[arg(long, value_enum)]
    bugs: Option<BugsArg>,
    /// Show every report, also where one follows the other in order
    #[arg(long)]
    all: bool,
    /// Print the explanation as JSON
    #[arg(long, conflicts_with = "all")]
    json: bool,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

pub fn explain(args: &ExplainArgs, quiet: bool) -> Result<Exit, Failure> {
    ENDS_TIDILY.store(true, Ordering::Relaxed);
    let period = run::period(args.period, args.range)?;
    let rules = run::rules(args.rules.as_deref(), args.bugs, &period)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, Into::into)).build()?;
    pool.install(|| {
        let source = Source::open(&args.archives)?;
        let located = locate(&source, &period, &rules, None)?;
        let bar = Bar::new(u64::from(located.window_last.saturating_sub(located.first_block)) + 1, quiet);
        let request = Request {
            source: &source,
            period: &period,
            rules: &rules,
            located,
            from: None,
            interrupted: &INTERRUPTED,
        };
        let explained = follow(&request, args.node, &bar)?;
        drop(bar);
        let followed = match &explained.node {
            Ok(followed) => followed,
            Err(missing) => return Err(not_there(args.node, &period, missing).into()),
        };
        let explanation = Explanation::new(&period, &rules, &explained, followed);
        let text = if args.json {
            serde_json::to_string_pretty(&explanation.json())? + "\n"
        } else {
            explanation.text(Paint { colours: colours() }, args.all)
        };
        Ok(print(text.as_bytes()))
    })
}

/// Colours are for terminals, and for people who did not say that they want none.
fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
