//! `minting-replay report`

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, print},
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
    let failed = |e: std::io::Error| -> Failure {
        let hint = match e.kind() {
            std::io::ErrorKind::AlreadyExists => "; choose another --out, or replace it with --overwrite",
            _ => "",
        };
        format!("failed to write `{}`: {e}{hint}", args.out.display()).into()
    };
    let mut file = if args.overwrite {
        File::create(&args.out)
    } else {
        OpenOptions::new().write(true).create_new(true).open(&args.out)
    }
    .map_err(failed)?;
    file.write_all(page.as_bytes()).map_err(failed)?;
    let text = if quiet { String::new() } else { format!("The page is {}\n", args.out.display()) };
    Ok(print(text.as_bytes()))
}
