//! Rule sets as documents: JSON in the receipt of a run, TOML for people who change parameters.

use serde_json::{Map, Value};
use thiserror::Error;

use super::Rules;

/// Key of a file by which it inherits from a rule set.
const BASE: &str = "base";

/// Why a document is no rule set.
#[derive(Debug, Error)]
pub enum RulesError {
    /// It is not TOML.
    #[error("the rules are not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// A parameter is missing, unknown, or has a value it can not have.
    #[error("the rules are not complete or not valid: {0}")]
    Parameters(#[from] serde_json::Error),
    /// The base is no text or no rule set.
    #[error("there is no rule set {0} to base the rules on")]
    Base(String),
}

impl Rules {
    /// Reads a rule set from TOML. With `base = "r81"` every parameter that is not given is that of the base; a
    /// table is merged with the base's key by key.
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
        merge(&mut document, Value::Object(given));
        Self::from_json(document)
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
        let bugs = values.remove("bugs").unwrap_or_default();
        let mut text = String::new();
        for (parameter, about) in Self::PARAMETERS {
            if let Some(value) = values.get(*parameter) {
                line(&mut text, parameter, about, value);
            }
        }
        text.push_str("[bugs]\n");
        for (parameter, about) in super::Bugs::PARAMETERS {
            line(&mut text, parameter, about, bugs.get(*parameter).unwrap_or(&Value::Null));
        }
        text
    }
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

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let message = |text: &str| Rules::from_toml(text).unwrap_err().to_string();
        assert!(message("base = 'r82'").contains("`r82`"));
        assert!(message("base = 'r81'\nfloor_diy = 1").contains("floor_diy"));
        assert!(message("base = 'r81'\nfloor_diy_permille = -1").contains("-1"));
        assert!(message("name = 'x'").contains("missing"));
        assert!(message("=").contains("TOML"));
    }
}
