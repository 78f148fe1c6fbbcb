//! `minting-replay report`

use std::path::PathBuf;

use clap::Args;
use minting::{
    archive::files,
    cli::{EXIT_CODES, Exit, escape, print},
    report::{page::page, results::Results},
};

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  minting-replay report results-81 --out report-81.html
  minting-replay report results-80 results-81 --out report.html --overwrite";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ReportArgs {
    /// Output folders of runs
    #[arg(required = true, value_name = "OUT")]
    runs: Vec<PathBuf>,
    /// The page
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,
}

pub fn report(args: &ReportArgs, quiet: bool) -> Result<Exit, Failure> {
    let runs = args.runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let page = page(&runs)?;
    let shown = escape(&args.out.display().to_string());
    if !args.overwrite && args.out.exists() {
        return Err(format!(
            "`{shown}` is there already; choose another --out, or replace it with --overwrite"
        )
        .into());
    }
    files::write(&args.out, page.as_bytes())?;
    let text = if quiet { String::new() } else { format!("The page is {shown}\n") };
    Ok(print(text.as_bytes()))
}
