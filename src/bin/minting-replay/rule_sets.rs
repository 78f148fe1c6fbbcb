//! `minting-replay rules`, and finding a rule set for the other commands.

use std::path::Path;

use minting::{
    cli::escape,
    minting::{InForce, Period, RULE_SETS, RuleSet, Rules},
};

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
