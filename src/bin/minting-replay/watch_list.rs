//! `minting-replay watch-list`

use std::path::PathBuf;

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, date, json_text, print},
    report::{
        results::Results,
        watch_list::{csv, json, known_until, watch_list},
    },
};

use super::Failure;

const EXAMPLES: &str = "\
Risks:
  late-boot-used      all late boots that are allowed were used; one more costs the payout
  asleep-long         asleep for more than 20 of the 24 hours that count
  below-floor         the time that is left does not reach the floor any more
  no-relay, no-twin, invalid-public-key
                      the twin of the node costs it the payout
  no-address, invalid-address
                      the farm cannot be paid
  violation           the payout is lost already

Examples:
  minting-replay watch-list partial-82
  minting-replay watch-list partial-82 --json | jq '.at_risk[] | select(.risk == \"asleep-long\")'";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct WatchListArgs {
    /// Output folder of a run, also a partial one
    #[arg(value_name = "OUT")]
    run: PathBuf,
    /// Print JSON instead of CSV
    #[arg(long)]
    json: bool,
}

pub fn watch_list_command(args: &WatchListArgs, quiet: bool) -> Result<Exit, Failure> {
    let run = Results::read(&args.run)?;
    if run.is_partial() && !quiet {
        eprintln!("note: {} is known up to {}", run.name(), date(known_until(&run)));
    }
    let risks = watch_list(&run);
    let text = if args.json { json_text(&json(&run, &risks))? } else { csv(&risks) };
    Ok(print(text.as_bytes()))
}
