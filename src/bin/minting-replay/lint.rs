//! `minting-replay lint`

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, escape, json_text, print},
    verify::{
        lint::{State, Verdict, lint as evaluate},
        results::Results,
    },
};
use serde_json::json;

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  minting-replay lint results-81
  minting-replay lint results-81 --with results-80
  minting-replay lint fixup-73 --with results-73 --with correct-73 --json";

/// Problems of one invariant that are printed; `--json` has all of them.
const PRINTED: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\nAn invariant that does not hold exits 4.\n\n{EXIT_CODES}"))]
pub struct LintArgs {
    /// Output folder of a run, of this program or of the reference implementation
    #[arg(value_name = "DIR")]
    pub results: PathBuf,
    /// Other results, in which retries and fix-ups find the receipts that they name
    #[arg(long, value_name = "DIR")]
    pub with: Vec<PathBuf>,
    /// Period of the results, by the name of its folder [default: that of run.json, or the only one]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

pub fn lint(args: &LintArgs) -> Result<Exit, Failure> {
    let results = Results::read(&args.results)?;
    let others = args.with.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let period = match &args.period {
        Some(period) => period.clone(),
        None => results.period()?,
    };
    let verdicts = evaluate(&results, &others, &period)?;
    let failed = verdicts.iter().filter(|v| matches!(v.state, State::Failed(_))).count();
    let text = if args.json { to_json(&verdicts, &period)? } else { describe(&verdicts, &results, &period)? };
    let printed = print(text.as_bytes());
    Ok(if failed == 0 { printed } else { Exit::Differs })
}

fn describe(verdicts: &[Verdict], results: &Results, period: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let kind = if results.is_correction() { "fix-ups" } else { "a run" };
    writeln!(text, "{}: {kind} of period {}", escape(&results.folder.display().to_string()), escape(period))?;
    let mut counts = [0usize; 3];
    for Verdict { invariant, state } in verdicts {
        let (at, word, detail) = match state {
            State::Passed(1) => (0, "passed", "1 checked".to_owned()),
            State::Passed(checked) => (0, "passed", format!("{checked} checked")),
            State::Failed(problems) => (1, "FAILED", format!("{} wrong", problems.len())),
            State::LeftOut(_) => (2, "left out", String::new()),
        };
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
        writeln!(text, "  {word:<9} {:<17} {detail:<14} {}", invariant.name, invariant.about)?;
        match state {
            State::Failed(problems) => {
                for problem in problems.iter().take(PRINTED) {
                    writeln!(text, "              {}", escape(problem))?;
                }
                if problems.len() > PRINTED {
                    writeln!(text, "              … and {} more, see --json", problems.len() - PRINTED)?;
                }
            }
            State::LeftOut(why) => writeln!(text, "              {}", escape(why))?,
            State::Passed(_) => {}
        }
    }
    let [passed, failed, left_out] = counts;
    writeln!(text, "{passed} passed, {failed} failed, {left_out} left out")?;
    Ok(text)
}

fn to_json(verdicts: &[Verdict], period: &str) -> Result<String, serde_json::Error> {
    let verdicts = verdicts.iter().map(|Verdict { invariant, state }| {
        let (word, checked, problems, why) = match state {
            State::Passed(checked) => ("passed", Some(*checked), [].as_slice(), None),
            State::Failed(problems) => ("failed", None, problems.as_slice(), None),
            State::LeftOut(why) => ("left-out", None, [].as_slice(), Some(why)),
        };
        json!({
            "about": invariant.about,
            "checked": checked,
            "invariant": invariant.name,
            "left_out_because": why,
            "problems": problems,
            "state": word,
        })
    });
    let verdicts: Vec<_> = verdicts.collect();
    let passed = verdicts.iter().all(|verdict| verdict.get("state").is_none_or(|state| state != "failed"));
    json_text(&json!({ "invariants": verdicts, "passed": passed, "period": period }))
}
