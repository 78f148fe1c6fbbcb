//! `minting-replay diff`, and the table that `run --compare-rules` prints as well.

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use minting::{
    cli::{EXIT_CODES, Exit, escape, json_text, print},
    report::run::tft,
    verify::{
        diff::{Diff, NodeSide, Side, difference},
        results::Results,
    },
};

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  minting-replay diff results-81 published-81
  minting-replay diff paid-73 as-it-should-have-been-73 --json";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\nResults that differ exit 4.\n\n{EXIT_CODES}"))]
pub struct DiffArgs {
    /// Results, of this program or of the reference implementation
    #[arg(value_name = "OUT_A")]
    pub a: PathBuf,
    /// Results of the same period
    #[arg(value_name = "OUT_B")]
    pub b: PathBuf,
    /// Period of the results, by the name of its folder [default: that of run.json, or the only one]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// Print the differences as JSON
    #[arg(long)]
    pub json: bool,
}

pub fn diff(args: &DiffArgs) -> Result<Exit, Failure> {
    let (a, b) = (Results::read(&args.a)?, Results::read(&args.b)?);
    let side = |results: &Results| -> Result<Side, Failure> {
        if let Some(unreadable) = results.unreadable.first() {
            let folder = results.folder.display();
            return Err(format!("`{folder}`: {}; see `minting-replay lint`", unreadable.what).into());
        }
        let period = match &args.period {
            Some(period) => period.clone(),
            None => results.period()?,
        };
        Ok(Side::of_folder(results, &period)?)
    };
    let diff = Diff::of(&side(&a)?, &side(&b)?);
    let text = if args.json { json_text(&diff.to_json())? } else { describe(&diff)? };
    let printed = print(text.as_bytes());
    Ok(if diff.is_empty() { printed } else { Exit::Differs })
}

/// The differences as tables: totals, farms, nodes.
pub fn describe(diff: &Diff) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    if diff.is_empty() {
        let amount = tft(diff.totals.a);
        writeln!(text, "Equal: {amount} TFT in both")?;
        return Ok(text);
    }
    let totals = &diff.totals;
    writeln!(text, "Nodes affected  {}", totals.nodes)?;
    writeln!(text, "TFT in A        {:>20}", tft(totals.a))?;
    writeln!(text, "TFT in B        {:>20}", tft(totals.b))?;
    writeln!(text, "B is more by    {:>20}", difference(totals.a, totals.b))?;
    writeln!(text, "TFT moved       {:>20}", tft(totals.moved))?;
    if !diff.farms.is_empty() {
        writeln!(text, "\n{:>8} {:>6} {:>18} {:>18} {:>18}", "farm", "nodes", "A", "B", "B - A")?;
        for (farm, sums) in &diff.farms {
            let (a, b) = (tft(sums.a), tft(sums.b));
            writeln!(text, "{farm:>8} {:>6} {a:>18} {b:>18} {:>18}", sums.nodes, difference(sums.a, sums.b))?;
        }
    }
    if !diff.nodes.is_empty() {
        writeln!(text, "\n{:>8} {:>8} {:>18} {:>18} {:>18}  differs in", "node", "farm", "A", "B", "B - A")?;
        for node in &diff.nodes {
            let farm = node.b.as_ref().or(node.a.as_ref()).map_or(0, |side| side.farm);
            let amount = |side: &Option<NodeSide>| side.as_ref().map_or("none".into(), |s| tft(s.tft.into()));
            let (one, other) = node.tft();
            writeln!(
                text,
                "{:>8} {farm:>8} {:>18} {:>18} {:>18}  {}",
                node.node,
                amount(&node.a),
                amount(&node.b),
                difference(one.into(), other.into()),
                node.fields().join(", ")
            )?;
            let (Some(a), Some(b)) = (&node.a, &node.b) else { continue };
            for (name, a, b) in [
                ("uptime", &a.uptime.to_string(), &b.uptime.to_string()),
                ("violation", &a.violation, &b.violation),
                ("address", &a.address, &b.address),
            ] {
                if a != b {
                    let shown = |text: &str| if text.is_empty() { "none".into() } else { escape(text) };
                    writeln!(text, "{:>19}{name}: {} / {}", "", shown(a), shown(b))?;
                }
            }
        }
    }
    for (name, (a, b)) in &diff.others {
        let amount = |units: &Option<u64>| units.map_or("none".into(), |units| tft(units.into()));
        writeln!(text, "{}: {} / {}", escape(name), amount(a), amount(b))?;
    }
    if !diff.files.is_empty() {
        writeln!(text, "\nFiles that differ: {}", diff.files.join(", "))?;
    }
    Ok(text)
}
