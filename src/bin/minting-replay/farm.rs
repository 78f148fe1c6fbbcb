//! `minting-replay farm`

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, escape, print},
    report::{farm::Statement, results::Results},
};

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  minting-replay farm results-81 --farm 1 > farm-1.csv
  minting-replay farm results-79 results-80 results-81 --farm 1 --json";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct FarmArgs {
    /// Output folders of runs, one for each period
    #[arg(required = true, value_name = "OUT")]
    runs: Vec<PathBuf>,
    /// The farm
    #[arg(long, value_name = "F")]
    farm: u32,
    /// Print JSON instead of CSV
    #[arg(long)]
    json: bool,
}

pub fn farm(args: &FarmArgs) -> Result<Exit, Failure> {
    let runs = args.runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let statement = Statement::new(args.farm, &runs, &BTreeMap::new())?;
    for run in &runs {
        if run.run.get("status").and_then(serde_json::Value::as_str) == Some("done-with-accepted-findings") {
            eprintln!(
                "warning: `{}` was made with findings that someone accepted; see its run.json",
                escape(&run.folder.display().to_string())
            );
        }
    }
    for period in &statement.empty {
        eprintln!("note: farm {} has no node in {period}", args.farm);
    }
    let text =
        if args.json { serde_json::to_string_pretty(&statement.json())? + "\n" } else { statement.csv() };
    Ok(print(text.as_bytes()))
}
