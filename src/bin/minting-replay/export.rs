//! `minting-replay export`

use std::path::PathBuf;

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, escape, print},
    replay::Source,
    report::{
        parquet::{DAYS, EVENTS, NODES, RETRIES, write_events, write_results},
        results::Results,
    },
};

use super::{Failure, progress::Bar};

const EXAMPLES: &str = "\
Examples:
  minting-replay export period-81 --parquet events-81
  minting-replay export results-80 results-81 --parquet results
  duckdb -c \"SELECT farm, sum(paid_tft_units) / 1e7 AS tft FROM 'results/nodes.parquet' GROUP BY farm\"

The columns are described in docs/parquet.md.";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ExportArgs {
    /// Archives that follow each other, for their events, or output folders of runs, for their results
    #[arg(required = true, value_name = "ARCHIVE|OUT")]
    paths: Vec<PathBuf>,
    /// Folder of the Parquet files; must be absent or empty
    #[arg(long, value_name = "DIR")]
    parquet: PathBuf,
}

pub fn export(args: &ExportArgs, quiet: bool) -> Result<Exit, Failure> {
    let (archives, runs): (Vec<PathBuf>, Vec<PathBuf>) =
        args.paths.iter().cloned().partition(|path| path.join("manifest.json").is_file());
    // Whatever would stop the export is looked at before anything is written.
    let source = if archives.is_empty() { None } else { Some(Source::open(&archives)?) };
    let results = runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let folder = &args.parquet;
    let shown = escape(&folder.display().to_string());
    let failed = |e: std::io::Error| -> Failure { format!("failed to write `{shown}`: {e}").into() };
    std::fs::create_dir_all(folder).map_err(failed)?;
    if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(format!("`{shown}` is not empty; choose another --parquet").into());
    }
    let mut text = String::new();
    if let Some(source) = source {
        let bar = Bar::new(u64::from(source.last().saturating_sub(source.first())).saturating_add(1), quiet);
        let events = write_events(&source, folder, &bar)?;
        drop(bar);
        text = format!("{events} events are in {shown}/{EVENTS}\n");
    }
    if !results.is_empty() {
        write_results(&results, folder)?;
        text = format!("{text}Results are in {shown}: {NODES}, {DAYS}, {RETRIES}\n");
    }
    Ok(if quiet { Exit::Done } else { print(text.as_bytes()) })
}
