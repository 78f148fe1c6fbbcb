//! Findings: chain data on which the reference implementation stops, or silently goes wrong.
//!
//! The rules go on after a finding, in a way that each finding's message states. Nothing should be paid
//! until someone has looked at them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::chain::types::{ContractId, Height, NodeId};

use super::state::EndState;

pub(super) const UNKNOWN_NODE: &str = "unknown-node";
pub(super) const UNKNOWN_CONTRACT: &str = "unknown-contract";
pub(super) const FARM_MISSING: &str = "farm-missing";
pub(super) const POLICY_MISSING: &str = "policy-missing";
pub(super) const PRICE_ZERO: &str = "price-zero";
pub(super) const TIME_RUNS_BACKWARDS: &str = "time-runs-backwards";
pub(super) const ASLEEP_IN_LAST_BLOCK: &str = "asleep-in-last-block";
pub(super) const SECOND_VIOLATION: &str = "second-violation";
pub(super) const INVALID_TEXT: &str = "invalid-text";
pub(super) const INTEGER_WRAP: &str = "integer-wrap";

/// Every rule.
const RULES: [&str; 10] = [
    UNKNOWN_NODE,
    UNKNOWN_CONTRACT,
    FARM_MISSING,
    POLICY_MISSING,
    PRICE_ZERO,
    TIME_RUNS_BACKWARDS,
    ASLEEP_IN_LAST_BLOCK,
    SECOND_VIOLATION,
    INVALID_TEXT,
    INTEGER_WRAP,
];

impl<'de> Deserialize<'de> for Finding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// As it is written; the name of the rule is not one of the program yet.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            node: Option<NodeId>,
            contract: Option<ContractId>,
            block: Option<Height>,
            rule: String,
            message: String,
        }
        let Written { node, contract, block, rule: name, message } = Written::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("`{name}` is no rule of a finding"));
        let rule = RULES.into_iter().find(|rule| *rule == name).ok_or_else(unknown)?;
        Ok(Finding { node, contract, block, rule, message })
    }
}

/// Something about the chain's data that a person has to look at before payouts are signed.
///
/// The order of the fields is the order findings are sorted in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The node it concerns.
    pub node: Option<NodeId>,
    /// The contract it concerns.
    pub contract: Option<ContractId>,
    /// The block in which it came up; none if it came up when the period was closed.
    pub block: Option<Height>,
    /// Name of the rule, in kebab case: `unknown-node`.
    pub rule: &'static str,
    /// What was found and what was done about it.
    pub message: String,
}

/// Collects findings, every one of them: whoever accepts them has to see what is accepted.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Goes on after these.
    pub(super) fn after(findings: Vec<Finding>) -> Findings {
        Findings(findings)
    }

    /// All of them so far.
    pub(super) fn so_far(&self) -> &[Finding] {
        &self.0
    }

    pub(super) fn into_sorted(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort_unstable();
        findings
    }
}

/// Names of farms, relays and payout addresses that are not UTF-8, in that order, each by identifier. The
/// reference implementation stops when it reads one; here the bytes that are not text become U+FFFD.
pub fn text_findings(end: &EndState) -> Vec<Finding> {
    let names = end.farms.iter().map(|(id, farm)| (format!("name of farm {id}"), farm.name.as_slice()));
    let relays = end
        .twins
        .iter()
        .filter_map(|(id, twin)| Some((format!("relay of twin {id}"), twin.relay.as_deref()?)));
    let addresses = end
        .payout_addresses
        .iter()
        .map(|(farm, address)| (format!("payout address of farm {farm}"), address.as_slice()));
    names
        .chain(relays)
        .chain(addresses)
        .filter(|(_, bytes)| std::str::from_utf8(bytes).is_err())
        .map(|(what, bytes)| Finding {
            node: None,
            contract: None,
            block: None,
            rule: INVALID_TEXT,
            message: format!(
                "the {what} is not UTF-8 (bytes 0x{}); bytes that are not text are shown as U+FFFD",
                hex::encode(bytes)
            ),
        })
        .collect()
}
