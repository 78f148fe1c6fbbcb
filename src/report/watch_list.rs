//! Nodes that may lose their payout, or have lost it already, in a period that may still be running.

use serde_json::{Value, json};

use super::{addresses, results::Results};
use crate::cli::duration;

/// Sleep from which on a node is at risk of being woken too late, seconds: 20 hours of the 24 that count.
const LONG_SLEEP_SECS: i64 = 20 * 3_600;

/// Sleep that no rule set credits any more once it is longer, seconds.
const DAY_SECS: i64 = 24 * 3_600;

/// A node and what threatens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The node.
    pub node: u32,
    /// Its farm.
    pub farm: u32,
    /// Name of the risk, in kebab case.
    pub risk: &'static str,
    /// What it means, with its numbers.
    pub message: String,
}

/// The last moment that a run knows of: the latest report of any node, at most the end of the period.
pub fn known_until(run: &Results) -> i64 {
    let latest = run.nodes.iter().filter_map(|node| node.detail.last_report).max();
    latest.unwrap_or(run.period.start).clamp(run.period.start, run.period.end)
}

/// Every risk, by node.
pub fn watch_list(run: &Results) -> Vec<Risk> {
    let until = known_until(run);
    let allowed =
        run.run.pointer("/rules/parameters/late_boots_allowed").and_then(Value::as_u64).unwrap_or_default();
    let counted = run.run.pointer("/rules/parameters/late_boot").and_then(Value::as_str) == Some("counted");
    let mut risks = Vec::new();
    for row in &run.nodes {
        let detail = &row.detail;
        let mut risk = |risk: &'static str, message: String| {
            risks.push(Risk { node: detail.node, farm: detail.farm, risk, message });
        };
        let of_twin = detail.twin.as_deref() == Some(detail.outcome.as_str());
        if let Some(violation) = detail.violation.as_ref().filter(|_| !of_twin) {
            risk("violation", format!("the payout of the period is lost: {violation}"));
        }
        if counted && allowed > 0 && u64::from(detail.late_boots) == allowed {
            let used = detail.late_boots;
            risk("late-boot-used", format!("{used} of {allowed} late boots used; one more costs the payout"));
        }
        if let Some(since) = detail.asleep_since {
            let asleep = until.saturating_sub(since);
            if asleep > LONG_SLEEP_SECS {
                let asked =
                    if detail.wake_requested_at.is_some() { ", and was asked to wake up" } else { "" };
                risk(
                    "asleep-long",
                    format!(
                        "asleep for {}{asked}; a sleep of more than 24 h does not count",
                        duration(asleep.into())
                    ),
                );
            }
        }
        let uptime = row.receipt.as_ref().map_or(0, |receipt| i128::from(receipt.measured_uptime));
        let left = i128::from(run.period.end.saturating_sub(credited_until(detail, until)));
        if let Some(needed) = detail.needed_uptime.map(i128::from)
            && uptime + left < needed
        {
            risk(
                "below-floor",
                format!(
                    "uptime of {uptime} s and all of the {} that are left fall {} short of the floor of {needed} s",
                    duration(left),
                    duration(needed - uptime - left)
                ),
            );
        }
        if let Some(twin) = detail.twin.as_deref() {
            let (name, message) = match twin {
                "missing-relay" => ("no-relay", "its twin has no relay set"),
                "missing-twin" => ("no-twin", "it has no twin"),
                _ => ("invalid-public-key", "the public key of its twin is not valid"),
            };
            risk(name, format!("{message}; with any uptime that costs the payout"));
        }
        let address = row.receipt.as_ref().map(|receipt| receipt.stellar_payout_address.as_str());
        match address {
            Some("") => risk("no-address", "its farm has no payout address".to_owned()),
            Some(address) if !addresses::is_payable(address) => {
                risk("invalid-address", "the payout address of its farm is no Stellar address".to_owned());
            }
            _ => {}
        }
    }
    risks
}

/// Up to when the uptime of a node is known: the time since its last report may still be credited, as far as one
/// report, or a sleep, can.
fn credited_until(detail: &super::details::Detail, until: i64) -> i64 {
    match (detail.asleep_since, detail.last_report) {
        (Some(asleep), _) if until.saturating_sub(asleep) <= DAY_SECS => asleep.min(until),
        (None, Some(last)) => last.min(until),
        _ => until,
    }
}

/// The list as JSON.
pub fn json(run: &Results, risks: &[Risk]) -> Value {
    let rows: Vec<Value> = risks
        .iter()
        .map(|risk| json!({ "node": risk.node, "farm": risk.farm, "risk": risk.risk, "message": risk.message }))
        .collect();
    json!({
        "period": { "number": run.period.number, "start": run.period.start, "end": run.period.end },
        "partial": run.is_partial(),
        "known_until": known_until(run),
        "at_risk": rows,
    })
}

/// The list as CSV with a header.
pub fn csv(risks: &[Risk]) -> String {
    let mut text = String::from("node,farm,risk,message\n");
    for Risk { node, farm, risk, message } in risks {
        text.push_str(&format!("{node},{farm},{risk},\"{}\"\n", message.replace('"', "\"\"")));
    }
    text
}
