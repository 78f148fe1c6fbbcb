//! Rule sets: everything about minting that has been, or could be, decided differently.

mod file;
mod history;
mod none;
mod parameters;
mod sets;
mod values;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::arithmetic::Arithmetic;
use super::period::{PERIOD_SECONDS, Period};

pub use file::RulesError;
pub use parameters::{Bugs, Rules};
pub use sets::{RULE_SETS, RuleSet};
pub use values::{
    Carbon, FixupForm, FloorUnit, LateBoot, Mismatch, OverviewForm, Prices, RaisedCapacity, ReceiptForm,
    ReportTime, Retries, Scaling, SecondViolation, SeenEarly, SleepWaiver, TestNetPolicy, UseSource,
    ViolationTexts,
};

/// Whether the mistakes of the reference implementation are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BugMode {
    /// As it was paid: with the mistakes of the rule set and integers that wrap.
    Reference,
    /// As it should have been paid.
    Fixed,
}

/// How sets are matched to periods that nothing else names.
const FROM_DATES: &str = "from the dates of the code";

/// The rule set of the first run of a period.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// The set.
    pub set: &'static RuleSet,
    /// The period whose rules these are.
    pub period: u32,
    /// Why this is not certain; none if it is.
    pub inferred: Option<&'static str>,
}

impl RuleSet {
    /// The set with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULE_SETS.iter().find(|set| set.name == name)
    }

    /// Its parameters: until `r81` as it was paid, from `r81` on with the right numbers.
    pub fn rules(&self) -> Rules {
        (self.rules)()
    }

    /// Why it is not certain that the periods it is given were first run by it; none if it is, or if it is a correction
    /// whose period is known.
    pub fn inferred_periods(&self) -> Option<&'static str> {
        let (from, until) = self.periods?;
        let certain =
            until.is_some_and(|until| (from..=until).all(|period| self.documented.contains(&period)));
        (!certain).then_some(FROM_DATES)
    }

    /// The rule set of the first run of a period, or of the period in which a range starts; none before period 45.
    pub fn in_force(period: &Period) -> Option<InForce> {
        let number = match period.number {
            Some(number) => number,
            None => {
                let first = Period::numbered(0).ok()?.start;
                u32::try_from((period.start.checked_sub(first)?).div_euclid(PERIOD_SECONDS)).ok()?
            }
        };
        let began = |set: &&RuleSet| set.periods.is_some_and(|(from, _)| from <= number);
        let set = RULE_SETS.iter().rfind(began)?;
        let covered = set.periods.is_some_and(|(_, until)| until.is_none_or(|until| number <= until));
        let inferred = match (covered, set.documented.contains(&number)) {
            (_, true) => None,
            (true, false) => Some(FROM_DATES),
            (false, false) => Some("no rules are documented for it; these are the nearest earlier ones"),
        };
        Some(InForce { set, period: number, inferred })
    }
}

impl Rules {
    /// The rule set with this name, as [`RuleSet::rules`].
    pub fn named(name: &str) -> Option<Self> {
        RuleSet::named(name).map(RuleSet::rules)
    }

    /// The rule set of the first run of a period; none before period 45.
    pub fn for_period(period: &Period) -> Option<Self> {
        RuleSet::in_force(period).map(|in_force| in_force.set.rules())
    }

    /// The same rules with or without mistakes.
    pub fn with_bugs(self, mode: BugMode) -> Self {
        match mode {
            BugMode::Reference => Self { arithmetic: Arithmetic::Wrapping, ..self },
            BugMode::Fixed => Self { arithmetic: Arithmetic::Exact, bugs: Bugs::default(), ..self },
        }
    }

    /// Whether mistakes are made again.
    pub fn bug_mode(&self) -> BugMode {
        if self.arithmetic == Arithmetic::Exact && self.bugs == Bugs::default() {
            BugMode::Fixed
        } else {
            BugMode::Reference
        }
    }

    /// Name of the rule set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of [`Rules::canonical_text`].
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical_text()).into()
    }

    /// Every parameter but the name, one a line as `parameter=value`, in the order of the fields, below the
    /// line `minting-rules 3`. Values are compact JSON with sorted keys. Two rule sets that pay the same by the
    /// letter have the same text.
    pub fn canonical_text(&self) -> String {
        let values = self.to_json();
        let mut text = String::from("minting-rules 3\n");
        for (parameter, _) in Self::PARAMETERS.iter().filter(|(parameter, _)| *parameter != "name") {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{parameter}={}", values.get(*parameter).unwrap_or(&Value::Null));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_force(number: u32) -> (&'static str, bool) {
        let in_force = RuleSet::in_force(&Period::numbered(number).unwrap()).unwrap();
        (in_force.set.name, in_force.inferred.is_none())
    }

    #[test]
    fn every_period_since_45_has_the_rules_of_its_first_run() {
        assert!(Rules::for_period(&Period::numbered(44).unwrap()).is_none());
        assert_eq!(in_force(45), ("r45", true));
        assert_eq!(in_force(46), ("r46", true));
        assert_eq!(in_force(49), ("r48", false));
        assert_eq!(in_force(51), ("r48", false));
        assert_eq!(in_force(57), ("r52", false));
        assert_eq!(in_force(58), ("r58", true));
        assert_eq!(in_force(60), ("r60-strict", false));
        assert_eq!(in_force(61), ("r61-lenient-B2", false));
        assert_eq!(in_force(66), ("r62-lenient", false));
        assert_eq!(in_force(72), ("r67", false));
        assert_eq!(in_force(73), ("r73", false));
        assert_eq!(in_force(80), ("r74", false));
        assert_eq!(in_force(200), ("r81", false));
    }

    #[test]
    fn a_range_has_the_rules_of_the_period_it_starts_in() {
        let start = Period::numbered(81).unwrap().start;
        let rules = |from, to| Rules::for_period(&Period::range(from, to).unwrap()).unwrap().name;
        assert_eq!(rules(start - 1, start + 10), "r74");
        assert_eq!(rules(start, start + 10), "r81");
        assert!(Rules::for_period(&Period::range(0, 10).unwrap()).is_none());
    }

    #[test]
    fn names_are_exact_and_those_of_the_rules() {
        assert_eq!(Rules::named("r81"), Some(Rules::r81()));
        assert_eq!(Rules::named("R81"), None);
        for set in RULE_SETS {
            assert_eq!(set.rules().name, set.name);
        }
    }

    #[test]
    fn inferred_parameters_exist() {
        let known = |name: &str| {
            let mut all = Rules::PARAMETERS.iter().chain(Bugs::PARAMETERS);
            all.any(|(parameter, _)| *parameter == name)
        };
        for set in RULE_SETS {
            assert!(set.inferred.iter().all(|(parameter, _)| known(parameter)), "{}", set.name);
        }
    }

    #[test]
    fn sets_before_r81_are_as_they_were_paid_unless_their_bugs_are_fixed() {
        for set in RULE_SETS {
            let rules = set.rules();
            let expected = if set.name == "r81" { BugMode::Fixed } else { BugMode::Reference };
            assert_eq!(rules.bug_mode(), expected, "{}", set.name);
            assert_eq!(rules.clone().with_bugs(BugMode::Fixed).bug_mode(), BugMode::Fixed);
            assert_eq!(rules.with_bugs(BugMode::Reference).bug_mode(), BugMode::Reference);
        }
    }

    #[test]
    fn the_digest_covers_every_parameter_but_the_name() {
        let rules = Rules::r81();
        assert_eq!(rules.canonical_text().lines().count(), Rules::PARAMETERS.len());
        assert!(!rules.canonical_text().contains("null"));
        let renamed = Rules { name: "other".to_owned(), ..rules.clone() };
        assert_eq!(renamed.digest(), rules.digest());
        let wrapping = Rules { arithmetic: Arithmetic::Wrapping, ..rules.clone() };
        assert_ne!(wrapping.digest(), rules.digest());
        let stricter = Rules { floor_diy_permille: 960, ..rules.clone() };
        assert_ne!(stricter.digest(), rules.digest());
    }
}
