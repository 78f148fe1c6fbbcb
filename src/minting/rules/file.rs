//! Rule sets as documents: JSON in the receipt of a run, TOML for people who change parameters.

use serde_json::{Map, Value};
use thiserror::Error;

use super::Rules;

/// Key of a file by which it inherits from a rule set.
const BASE: &str = "base";

/// Table of a file with the mistakes that are made again.
const BUGS: &str = "bugs";

/// Why a document is no rule set.
#[derive(Debug, Error)]
pub enum RulesError {
    /// It is not TOML.
    #[error("the rules are not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// A parameter is missing, unknown, or has a value it can not have.
    #[error("the rules are not complete or not valid: {0}")]
    Parameters(#[from] serde_json::Error),
    /// A parameter has a value it can not have.
    #[error("the parameter `{parameter}` is not valid: {source}")]
    Parameter {
        /// Its name; that of a parameter in a table follows the table's.
        parameter: String,
        /// What is wrong with the value.
        source: serde_json::Error,
    },
    /// The base is no text or no rule set.
    #[error("there is no rule set {0} to base the rules on")]
    Base(String),
}

impl Rules {
    /// Reads a rule set from TOML. With `base = "r81"` every parameter that is not given is that of the base; a
    /// table is merged with the base's key by key. Changed rules do not keep the name of a rule set of this program:
    /// `r81` becomes `r81-changed`.
    ///
    /// # Errors
    /// If the text is not TOML, the base is unknown, or a parameter is missing, unknown or not valid.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let mut given: Map<String, Value> = toml::from_str(text)?;
        let mut document = match given.remove(BASE) {
            None => Value::Object(Map::new()),
            Some(Value::String(name)) => {
                Self::named(&name).ok_or_else(|| RulesError::Base(format!("`{name}`")))?.to_json()
            }
            Some(other) => return Err(RulesError::Base(other.to_string())),
        };
        let valid =
            if document == Value::Object(Map::new()) { Self::r81().to_json() } else { document.clone() };
        let invalid = invalid_parameter(&given, &valid);
        merge(&mut document, Value::Object(given));
        let mut rules = Self::from_json(document).map_err(|error| invalid.unwrap_or(error))?;
        if Self::named(&rules.name).is_some_and(|set| set != rules) {
            rules.name.push_str("-changed");
        }
        Ok(rules)
    }

    /// Reads a rule set from JSON, where every parameter must be given.
    ///
    /// # Errors
    /// If a parameter is missing, unknown or not valid.
    pub fn from_json(document: Value) -> Result<Self, RulesError> {
        Ok(serde_json::from_value(document)?)
    }

    /// The rule set as a JSON object.
    pub fn to_json(&self) -> Value {
        // Parameters are numbers, words, lists and tables, all of which JSON has.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The rule set as TOML; above every parameter stands what it means.
    pub fn to_toml(&self) -> String {
        let Value::Object(mut values) = self.to_json() else { return String::new() };
        let bugs = values.remove(BUGS).unwrap_or_default();
        let mut text = String::new();
        for (parameter, about) in Self::PARAMETERS {
            if let Some(value) = values.get(*parameter) {
                line(&mut text, parameter, about, value);
            }
        }
        text.push_str(&format!("[{BUGS}]\n"));
        for (parameter, about) in super::Bugs::PARAMETERS {
            line(&mut text, parameter, about, bugs.get(*parameter).unwrap_or(&Value::Null));
        }
        text
    }
}

/// The first parameter given whose value it can not have, tried alone on rules that are `valid`. Names that no parameter
/// has are left to the reading of the whole, which lists those there are.
fn invalid_parameter(given: &Map<String, Value>, valid: &Value) -> Option<RulesError> {
    let alone = |table: Option<&str>, parameter: &str, value: &Value| {
        let known = table.map_or(Some(valid), |table| valid.get(table))?.get(parameter).is_some();
        let change = Map::from_iter([(parameter.to_owned(), value.clone())]);
        let change = match table {
            Some(table) => Map::from_iter([(table.to_owned(), Value::Object(change))]),
            None => change,
        };
        let mut changed = valid.clone();
        merge(&mut changed, Value::Object(change));
        let source = serde_json::from_value::<Rules>(changed).err().filter(|_| known)?;
        let parameter = table.map_or_else(|| parameter.to_owned(), |table| format!("{table}.{parameter}"));
        Some(RulesError::Parameter { parameter, source })
    };
    given.iter().find_map(|(parameter, value)| match (parameter.as_str(), value) {
        (BUGS, Value::Object(bugs)) => bugs.iter().find_map(|(bug, value)| alone(Some(BUGS), bug, value)),
        (parameter, value) => alone(None, parameter, value),
    })
}

fn line(text: &mut String, parameter: &str, about: &str, value: &Value) {
    text.push_str(&format!("#{about}\n{parameter} = {}\n", inline(value)));
}

/// A value on one line; JSON and TOML agree on numbers, words and lists.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Puts what is given over what is there.
fn merge(there: &mut Value, given: Value) {
    match (there, given) {
        (Value::Object(there), Value::Object(given)) => {
            for (key, value) in given {
                merge(there.entry(key).or_insert(Value::Null), value);
            }
        }
        (there, given) => *there = given,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bugs, RULE_SETS};
    use super::*;

    #[test]
    fn every_rule_set_survives_both_forms() {
        for set in RULE_SETS {
            let rules = set.rules();
            assert_eq!(Rules::from_json(rules.to_json()).unwrap(), rules);
            assert_eq!(Rules::from_toml(&rules.to_toml()).unwrap(), rules, "{}", rules.to_toml());
        }
    }

    #[test]
    fn a_file_changes_single_parameters_of_its_base() {
        let text = "base = 'r81'\nname = 'mine'\nfloor_diy_permille = 900\nclock_skew_limit_secs = 'none'\n\
                    [bugs]\nimprecise_floats = true\n";
        let expected = Rules {
            name: "mine".to_owned(),
            floor_diy_permille: 900,
            clock_skew_limit_secs: None,
            bugs: Bugs { imprecise_floats: true, ..Bugs::default() },
            ..Rules::r81()
        };
        assert_eq!(Rules::from_toml(text).unwrap(), expected);
    }

    /// A run by changed rules must not look like one by the rules that were published.
    #[test]
    fn changed_rules_do_not_keep_the_name_of_a_rule_set() {
        let name = |text: &str| Rules::from_toml(text).unwrap().name;
        assert_eq!(name("base = 'r74'"), "r74");
        assert_eq!(name("base = 'r74'\nfloor_diy_permille = 900"), "r74-changed");
        assert_eq!(name("base = 'r74'\nname = 'r81'"), "r81-changed");
        assert_eq!(name("base = 'r74'\nname = 'mine'\nfloor_diy_permille = 900"), "mine");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let message = |text: &str| Rules::from_toml(text).unwrap_err().to_string();
        assert!(message("base = 'r82'").contains("`r82`"));
        assert!(message("base = 'r81'\nfloor_diy = 1").contains("floor_diy"));
        assert!(message("base = 'r81'\nfloor_diy_permille = -1").contains("`floor_diy_permille`"));
        assert!(message("base = 'r81'\ncarbon = { cu = 'x' }").contains("`carbon`"));
        let or_none = message("base = 'r81'\nclock_skew_limit_secs = 'never'");
        assert!(
            or_none.contains("`clock_skew_limit_secs`") && or_none.contains("u32; or the word \"none\""),
            "{or_none}"
        );
        assert!(message("base = 'r81'\nbonus = [5, 0]").contains("`bonus`"));
        assert!(message("base = 'r81'\nbugs = 1").contains("`bugs`"));
        assert!(message("base = 'r81'\n[bugs]\nimprecise_floats = 1").contains("`bugs.imprecise_floats`"));
        assert!(message("base = 'r81'\n[bugs]\nb12 = true").contains("b12"));
        assert!(message("base = 'mine.toml'").contains("`mine.toml`"));
        assert!(message("name = 'x'").contains("missing"));
        assert!(message("=").contains("TOML"));
    }
}
