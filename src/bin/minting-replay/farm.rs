//! `minting-replay farm`

use std::path::PathBuf;

use clap::Args;
use minting::{
    archive::Payments,
    cli::{EXIT_CODES, Exit, date, escape, json_text, print},
    report::{farm::Statement, payment_dates::PaymentDates, results::Results},
};

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  minting-replay farm results-81 --farm 1 > farm-1.csv
  minting-replay farm results-81 --farm 1 --payments period-82 > farm-1.csv
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
    /// Payments on Stellar, for the dates of payouts: an archive that holds them, or a file of `minting-fetch stellar`
    #[arg(long, value_name = "ARCHIVE|FILE", num_args = 1..)]
    payments: Vec<PathBuf>,
    /// Print JSON instead of CSV
    #[arg(long)]
    json: bool,
}

pub fn farm(args: &FarmArgs, quiet: bool) -> Result<Exit, Failure> {
    let runs = args.runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut dates = PaymentDates::default();
    for path in &args.payments {
        let place = Payments::place(path);
        if !place.is_file() {
            let path = escape(&path.display().to_string());
            return Err(format!(
                "`{path}` holds no payments; `minting-fetch stellar --out {path}` exports them into it"
            )
            .into());
        }
        dates.add(&Payments::read(&place)?.0);
    }
    let statement = Statement::new(args.farm, &runs, &dates)?;
    for run in &runs {
        if run.run.get("status").and_then(serde_json::Value::as_str) == Some("done-with-accepted-findings") {
            eprintln!(
                "warning: `{}` was made with findings that someone accepted; see its run.json",
                escape(&run.folder.display().to_string())
            );
        }
    }
    if !quiet {
        for period in &statement.empty {
            eprintln!("note: farm {} has no node in {period}", args.farm);
        }
        if let Some(until) = dates.read_until {
            eprintln!("note: payments on Stellar are known up to {}", date(until));
        }
    }
    for unclear in &statement.unclear {
        eprintln!("warning: no date for {}", escape(unclear));
    }
    let text = if args.json { json_text(&statement.json())? } else { statement.csv() };
    Ok(print(text.as_bytes()))
}
