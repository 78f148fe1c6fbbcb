//! `minting-replay rules`, and finding a rule set for the other commands.

use std::{fmt::Write, path::Path};

use clap::{Args, Subcommand};
use minting::{
    cli::{EXIT_CODES, Exit, escape, json_text, print},
    minting::{Bugs, InForce, Period, RULE_SETS, RuleSet, Rules},
};
use serde_json::{Map, Value};

use super::Failure;

/// Longest file of rules that is read; a complete one has about 10 KB.
const MAX_FILE_LEN: u64 = 1 << 20;

/// The rule set with this name, or in this file.
pub fn find(name: &str) -> Result<Rules, Failure> {
    if let Some(rules) = Rules::named(name) {
        return Ok(rules);
    }
    let path = Path::new(name);
    if path.extension().is_none_or(|extension| extension != "toml") {
        let names: Vec<_> = RULE_SETS.iter().map(|set| set.name).collect();
        return Err(format!(
            "there is no rule set `{}`; this program has {}, and reads files that end in .toml",
            escape(name),
            names.join(", ")
        )
        .into());
    }
    let failed = |source: &dyn std::fmt::Display| format!("failed to read `{}`: {source}", escape(name));
    let length = std::fs::metadata(path).map_err(|e| failed(&e))?.len();
    if length > MAX_FILE_LEN {
        return Err(failed(&format!("{length} bytes are too many for rules")).into());
    }
    let text = std::fs::read_to_string(path).map_err(|e| failed(&e))?;
    Ok(Rules::from_toml(&text).map_err(|e| failed(&e))?)
}

/// The rule set of the first run of a period.
pub fn in_force(period: &Period) -> Result<InForce, Failure> {
    RuleSet::in_force(period)
        .ok_or_else(|| "no rules are known before period 45; choose a rule set with --rules".into())
}

/// Characters of a line of explanation, indented by four.
const LINE_LEN: usize = 90;

const EXAMPLES: &str = "\
Examples:
  minting-replay rules list
  minting-replay rules show r81 --toml > mine.toml
  minting-replay rules for-period 67";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct RulesArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List every rule set
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Show the parameters of a rule set
    Show {
        /// Name of the rule set, or a TOML file
        #[arg(value_name = "NAME|FILE.toml")]
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Show the rule set of the first run of a period; corrections are chosen by name
    ForPeriod {
        /// Number of the period
        #[arg(value_name = "P")]
        period: u32,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, Args)]
struct Format {
    /// Print TOML
    #[arg(long, conflicts_with = "json")]
    toml: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn rules(args: &RulesArgs) -> Result<Exit, Failure> {
    let text = match &args.what {
        What::List { format } => list(*format)?,
        What::Show { name, format } => show(&find(name)?, None, *format)?,
        What::ForPeriod { period, format } => {
            let in_force = in_force(&Period::numbered(*period)?)?;
            show(&in_force.set.rules(), Some(&in_force), *format)?
        }
    };
    Ok(print(text.as_bytes()))
}

/// One line or one object for every rule set.
fn list(format: Format) -> Result<String, Failure> {
    let about: Vec<Map<String, Value>> = RULE_SETS.iter().map(set_json).collect();
    if format.json {
        return Ok(json_text(&about)?);
    }
    let mut text = String::new();
    for set in RULE_SETS {
        if format.toml {
            writeln!(text, "[[rules]]")?;
            for (key, value) in set_json(set).into_iter().filter(|(_, value)| !value.is_null()) {
                writeln!(text, "{key} = {value}")?;
            }
            writeln!(text)?;
        } else {
            let (commit, _) = set.commit;
            let mark = if set.inferred_periods().is_some() { " [I]" } else { "" };
            let periods = format!("{}{mark}", periods(set));
            writeln!(text, "{:<15} {periods:<11} {commit}  {}", set.name, set.about)?;
        }
    }
    Ok(text)
}

/// The periods a set was made for, in words.
fn periods(set: &RuleSet) -> String {
    match set.periods {
        Some((from, None)) => format!("{from}.."),
        Some((from, Some(until))) if from == until => from.to_string(),
        Some((from, Some(until))) => format!("{from}..{until}"),
        None => "correction".to_owned(),
    }
}

fn set_json(set: &RuleSet) -> Map<String, Value> {
    let (commit, date) = set.commit;
    let inferred = |(parameter, why): &(&str, &str)| format!("{parameter}: {why}");
    let mut about = Map::new();
    about.insert("name".into(), set.name.into());
    about.insert("about".into(), set.about.into());
    about.insert("periods".into(), periods(set).into());
    about.insert("documented_periods".into(), set.documented.into());
    about.insert("periods_inferred".into(), set.inferred_periods().into());
    about.insert("commit".into(), commit.into());
    about.insert("commit_date".into(), date.into());
    about.insert("digest".into(), hex::encode(set.rules().digest()).into());
    about.insert("inferred".into(), set.inferred.iter().map(inferred).collect::<Vec<_>>().into());
    about
}

/// A rule set with all its parameters, and why it is that of the period asked for.
fn show(rules: &Rules, in_force: Option<&InForce>, format: Format) -> Result<String, Failure> {
    let uncertain = in_force.and_then(|in_force| in_force.inferred);
    let set = RuleSet::named(rules.name()).filter(|set| set.rules() == *rules);
    if format.json {
        let mut document = rules.to_json();
        if let (Some(document), Some(in_force)) = (document.as_object_mut(), in_force) {
            document.insert("period".into(), in_force.period.into());
            document.insert("period_inferred".into(), uncertain.into());
        }
        if let (Some(document), Some(set)) = (document.as_object_mut(), set) {
            document.insert("set".into(), set_json(set).into());
        }
        return Ok(json_text(&document)?);
    }
    let mut text = String::new();
    let mark = if format.toml { "# " } else { "" };
    if let Some(set) = set {
        let (commit, date) = set.commit;
        writeln!(
            text,
            "{mark}{}: {}; code {commit} of {date}; periods {}",
            set.name,
            set.about,
            periods(set)
        )?;
        if let Some(why) = set.inferred_periods() {
            let known: Vec<String> = set.documented.iter().map(u32::to_string).collect();
            let known =
                if known.is_empty() { String::new() } else { format!(", but for {}", known.join(", ")) };
            writeln!(text, "{mark}[I] inferred: periods {}{known}: {why}", periods(set))?;
        }
        for (parameter, why) in set.inferred {
            writeln!(text, "{mark}[I] inferred: {parameter}: {why}")?;
        }
    }
    if let (Some(in_force), Some(why)) = (in_force, uncertain) {
        writeln!(text, "{mark}[I] inferred: the rules of period {}: {why}", in_force.period)?;
    }
    writeln!(text, "{mark}digest {}", hex::encode(rules.digest()))?;
    if format.toml {
        text.push_str(&rules.to_toml());
        return Ok(text);
    }
    let document = rules.to_json();
    let inferred = |parameter: &str| {
        set.is_some_and(|set| set.inferred.iter().any(|(inferred, _)| *inferred == parameter))
    };
    for (parameter, about) in Rules::PARAMETERS {
        if *parameter != "name" && *parameter != "bugs" {
            let mark = if inferred(parameter) { " [I]" } else { "" };
            describe(&mut text, parameter, document.get(*parameter), mark, about)?;
        }
    }
    for (bug, about) in Bugs::PARAMETERS {
        let mark = if inferred(bug) { " [I]" } else { "" };
        describe(&mut text, bug, document.get("bugs").and_then(|bugs| bugs.get(*bug)), mark, about)?;
    }
    Ok(text)
}

/// A parameter with its value, and below it what it means.
fn describe(
    text: &mut String,
    parameter: &str,
    value: Option<&Value>,
    mark: &str,
    about: &str,
) -> std::fmt::Result {
    let value = match value {
        Some(Value::String(word)) => word.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    writeln!(text, "\n{parameter} = {value}{mark}")?;
    let mut width = 0;
    for word in about.split_whitespace() {
        if width == 0 || width + word.len() > LINE_LEN {
            write!(text, "{}   ", if width == 0 { "" } else { "\n" })?;
            width = 0;
        }
        write!(text, " {word}")?;
        width += word.len() + 1;
    }
    writeln!(text)
}
