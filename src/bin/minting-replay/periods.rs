//! `minting-replay periods`

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use minting::{
    cli::{EXIT_CODES, Exit, date, print},
    minting::{PERIOD_SECONDS, Period, RuleSet, Rules},
    replay::{Source, locate},
};
use serde_json::{Value, json};

use super::Failure;

/// Periods shown before and after the one asked for, with `--around`.
const AROUND: u32 = 3;

const EXAMPLES: &str = "\
Examples:
  minting-replay periods --at 2025-01-15
  minting-replay periods --at 2025-01-15T12:00:00Z --around
  minting-replay periods --period 81 --archive period-81";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\nPeriods have 2,630,880 seconds (730.8 hours) and follow no calendar.\n\n{EXIT_CODES}"))]
pub struct PeriodsArgs {
    /// The period of this time: a date (midnight UTC), RFC 3339 or unix seconds [default: now]
    #[arg(long, value_name = "DATE", value_parser = parse_at)]
    at: Option<i64>,
    /// This period
    #[arg(long, value_name = "P", conflicts_with = "at")]
    period: Option<u32>,
    /// Three periods before and after it, too
    #[arg(long)]
    around: bool,
    /// Archives in which to find first and last blocks
    #[arg(long, value_name = "ARCHIVE", num_args = 1..)]
    archive: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn periods(args: &PeriodsArgs) -> Result<Exit, Failure> {
    let number = match args.period {
        Some(number) => number,
        None => number_at(args.at.unwrap_or_else(|| Timestamp::now().as_second()))?,
    };
    let numbers = if args.around {
        number.saturating_sub(AROUND)..=number.saturating_add(AROUND)
    } else {
        number..=number
    };
    let source = if args.archive.is_empty() { None } else { Some(Source::open(&args.archive)?) };
    let zone = TimeZone::system();
    let mut rows: Vec<Value> = Vec::new();
    let mut text = String::new();
    for number in numbers {
        let period = Period::numbered(number)?;
        let blocks = source.as_ref().map(|source| blocks(source, &period));
        write!(text, "period {number}: {} to {}", date(period.start), date(period.end))?;
        let (start, end) = (local(period.start, &zone), local(period.end, &zone));
        write!(text, "; local {start} to {end}")?;
        match &blocks {
            None => {}
            Some(Ok(blocks)) => {
                write!(
                    text,
                    "; blocks {} to {}, read up to {}",
                    blocks.first_block, blocks.last_block, blocks.window_last
                )?;
            }
            Some(Err(_)) => write!(text, "; not in the archive")?,
        }
        writeln!(text)?;
        let blocks = blocks.map(|blocks| {
            blocks.ok().map(|blocks| {
                json!({ "first": blocks.first_block, "last": blocks.last_block, "window_last": blocks.window_last })
            })
        });
        rows.push(json!({
            "number": number,
            "start": period.start,
            "end": period.end,
            "start_utc": date(period.start),
            "end_utc": date(period.end),
            "start_local": start,
            "end_local": end,
            "blocks": blocks.flatten(),
        }));
    }
    let text = if args.json { serde_json::to_string_pretty(&rows)? + "\n" } else { text };
    Ok(print(text.as_bytes()))
}

/// Number of the period that holds a time: later than its start, and up to its end.
fn number_at(time: i64) -> Result<u32, Failure> {
    let first = Period::numbered(0)?.start;
    let number = (time.saturating_sub(first).saturating_sub(1)).div_euclid(PERIOD_SECONDS);
    u32::try_from(number)
        .map_err(|_| format!("{} lies before period 0, which starts at {}", date(time), date(first)).into())
}

/// Where a period lies in the archives, by the rules of its first run.
fn blocks(source: &Source, period: &Period) -> Result<minting::replay::Located, Failure> {
    let rules = RuleSet::in_force(period).map_or_else(Rules::r81, |in_force| in_force.set.rules());
    Ok(locate(source, period, &rules, None)?)
}

/// A time where this computer is, with its offset.
fn local(seconds: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => seconds.to_string(),
    }
}

fn parse_at(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let date: Date = text.parse().map_err(|_| {
        format!(
            "{text:?} is no date (2025-01-15), no RFC 3339 time (2025-01-15T12:00:00Z) and no unix seconds"
        )
    })?;
    let midnight = date.to_zoned(TimeZone::UTC).map_err(|e| e.to_string())?;
    Ok(midnight.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_belongs_to_the_period_that_ends_with_it_or_after_it() {
        let period = Period::numbered(81).unwrap();
        assert_eq!(number_at(period.start).unwrap(), 80);
        assert_eq!(number_at(period.start + 1).unwrap(), 81);
        assert_eq!(number_at(period.end).unwrap(), 81);
        assert!(number_at(0).is_err());
    }

    #[test]
    fn times_are_read_in_three_forms() {
        assert_eq!(parse_at("2025-01-15"), Ok(1_736_899_200));
        assert_eq!(parse_at("2025-01-15T00:00:00Z"), Ok(1_736_899_200));
        assert_eq!(parse_at("1736899200"), Ok(1_736_899_200));
        assert!(parse_at("15.1.2025").is_err());
    }
}
