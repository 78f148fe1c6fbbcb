//! `minting-replay fixup`

use std::path::{Path, PathBuf};

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, escape, print},
    minting::{Period, Rules},
    report::{
        fixup::Correction,
        output::Output,
        partial, published,
        run::{self, RUN_JSON, tft},
    },
};

use super::{Failure, args::InvalidAddresses, run::say_addresses};

const EXAMPLES: &str = "\
Example:
  minting-replay run period-73 --period 73 --rules r73-fix --out correct-73
  minting-replay fixup --period 73 --minted results-73 --correct correct-73 --out fixup-73";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct FixupArgs {
    /// Number of the period that was minted wrongly
    #[arg(long, value_name = "P")]
    pub period: u32,
    /// Results of the run that was wrong
    #[arg(long, value_name = "DIR")]
    pub minted: PathBuf,
    /// Results of the run that is right; its run.json says by which rules the fix-ups are made
    #[arg(long, value_name = "DIR")]
    pub correct: PathBuf,
    /// Folder of the fix-ups; must be absent or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Payouts to addresses that are no Stellar addresses: treat them as the run that is right did, or write or leave out
    /// all of them; they are reported in any case
    #[arg(long, value_enum, default_value_t = InvalidAddresses::Auto)]
    pub invalid_addresses: InvalidAddresses,
    /// Replace earlier fix-ups as a whole
    #[arg(long)]
    pub overwrite: bool,
    /// Print run.json instead of a summary
    #[arg(long)]
    pub json: bool,
}

pub fn fixup(args: &FixupArgs, quiet: bool) -> Result<Exit, Failure> {
    let period = Period::numbered(args.period)?;
    for folder in [&args.minted, &args.correct] {
        partial::refuse(folder, "nothing of it was minted, and nothing is corrected by it")?;
    }
    let Correct { rules, withheld } = correct_run(&args.correct, &period)?;
    let withheld = match args.invalid_addresses {
        InvalidAddresses::Auto => withheld,
        InvalidAddresses::Keep => false,
        InvalidAddresses::Withhold => true,
    };
    let minted = published::minted(&args.minted, &period)?;
    let correct = published::minted(&args.correct, &period)?;
    let mut output = Output::create(&args.out, args.overwrite)?;
    let correction = Correction::new(&minted, &correct, &rules)?;
    let invalid = correction.invalid_addresses();
    let mut files = correction.files(&period.folder(), &rules, withheld)?;
    files.insert(RUN_JSON.to_owned(), run::fixup_json(&period, &rules, &invalid, withheld, &files)?);
    for (name, bytes) in &files {
        output.write(name, bytes)?;
    }
    output.finish()?;
    say_addresses(&invalid, withheld);
    if let Some(json) = files.get(RUN_JSON).filter(|_| args.json) {
        return Ok(print(json));
    }
    if quiet {
        return Ok(Exit::Done);
    }
    let text = format!(
        "Period {}, rules {}: {} nodes, {} TFT are still to be paid\nFix-ups are in {}\n",
        args.period,
        rules.name(),
        correction.fixups.len(),
        tft(correction.tft().into()),
        args.out.display()
    );
    Ok(print(text.as_bytes()))
}

/// What `run.json` says of the run that is right.
struct Correct {
    rules: Rules,
    /// Payouts to invalid addresses were left out.
    withheld: bool,
}

fn correct_run(folder: &Path, period: &Period) -> Result<Correct, Failure> {
    let path = folder.join(RUN_JSON);
    let shown = escape(&path.display().to_string());
    let bytes = std::fs::read(&path).map_err(|e| format!("failed to read `{shown}`: {e}"))?;
    let mut run: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|e| format!("`{shown}` is not JSON: {e}"))?;
    let number = run.pointer("/period/number").and_then(serde_json::Value::as_u64);
    if number != period.number.map(u64::from) {
        return Err(format!("`{shown}` is not of the period given with --period").into());
    }
    let parameters = run.pointer_mut("/rules/parameters").map(serde_json::Value::take).unwrap_or_default();
    let rules = Rules::from_json(parameters)
        .map_err(|e| format!("`{shown}`: {e}; run the period again with this minting-replay"))?;
    let withheld = run.pointer("/invalid_addresses/withheld") == Some(&serde_json::Value::Bool(true));
    Ok(Correct { rules, withheld })
}
