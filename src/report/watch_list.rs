//! Nodes that may lose their payout, or have lost it already, in a period that may still be running.

use serde_json::{Value, json};

use super::{addresses, details::Detail, results::Results};
use crate::{cli::duration, minting::Period};

/// Sleep from which on a node is at risk of being woken too late, seconds: 20 hours of the 24 or 25 that count.
const LONG_SLEEP_SECS: i64 = 20 * 3_600;

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

/// The last moment of the period that a run knows of: its end, or what a preliminary result says, or else the latest
/// report of any node.
pub fn known_until(run: &Results) -> i64 {
    if !run.is_partial() {
        return run.period.end;
    }
    let said = run.run.pointer("/preliminary/known_until").and_then(Value::as_i64);
    let latest = said.or_else(|| run.nodes.iter().filter_map(|node| node.detail.last_report).max());
    latest.unwrap_or(run.period.start).clamp(run.period.start, run.period.end)
}

/// What the rules of a run allow, as its `run.json` has it.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    /// Late boots that cost nothing; none where they are not counted.
    late_boots: Option<u64>,
    /// Longest sleep that counts, seconds; none without power management.
    sleep: Option<i64>,
    /// What one report can earn, seconds; none if that has no limit.
    report: Option<i64>,
}

impl Limits {
    fn of(run: &Value) -> Limits {
        let parameter = |name: &str| run.pointer(&format!("/rules/parameters/{name}"));
        let is_counted = parameter("late_boot").and_then(Value::as_str) == Some("counted");
        Limits {
            late_boots: parameter("late_boots_allowed").and_then(Value::as_u64).filter(|_| is_counted),
            sleep: parameter("sleep_max_secs").and_then(Value::as_i64),
            report: parameter("report_credit_max_secs").and_then(Value::as_i64),
        }
    }
}

/// Every risk, by node.
pub fn watch_list(run: &Results) -> Vec<Risk> {
    let until = known_until(run);
    let limits = Limits::of(&run.run);
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
        let used = detail.late_boots;
        if let Some(allowed) = limits.late_boots.filter(|allowed| used > 0 && u64::from(used) == *allowed) {
            risk("late-boot-used", format!("{used} of {allowed} late boots used; one more costs the payout"));
        }
        if let (Some(since), Some(most)) = (detail.asleep_since, limits.sleep) {
            let asleep = until.saturating_sub(since);
            if asleep > LONG_SLEEP_SECS {
                let asked =
                    if detail.wake_requested_at.is_some() { ", and was asked to wake up" } else { "" };
                risk(
                    "asleep-long",
                    format!(
                        "asleep for {}{asked}; a sleep of more than {} h does not count",
                        duration(asleep.into()),
                        most / 3_600
                    ),
                );
            }
        }
        let uptime = row.receipt.as_ref().map_or(0, |receipt| i128::from(receipt.measured_uptime));
        if let Some(needed) = detail.needed_uptime.map(i128::from) {
            let possible = if run.is_partial() {
                i128::from(still_possible(&run.period, until, detail, limits))
            } else {
                0
            };
            if uptime + possible < needed {
                let still = match possible {
                    0 => String::new(),
                    _ => format!(" with all of the {} that it can still earn", duration(possible)),
                };
                let short = duration(needed - uptime - possible);
                risk(
                    "below-floor",
                    format!("uptime of {uptime} s{still} is {short} short of the floor of {needed} s"),
                );
            }
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

/// Seconds of uptime that a node can earn at most from now on: all the time that is left, and what its next report may
/// earn for the time since its last one, or since it fell asleep.
fn still_possible(period: &Period, until: i64, detail: &Detail, limits: Limits) -> i64 {
    let since = |time: i64| until.saturating_sub(time.max(period.start)).max(0);
    let open = match detail.asleep_since {
        Some(asleep) if limits.sleep.is_some_and(|most| until.saturating_sub(asleep) > most) => 0,
        Some(asleep) => since(asleep),
        None => {
            let silent = since(detail.last_report.unwrap_or(period.start));
            limits.report.map_or(silent, |most| silent.min(most))
        }
    };
    period.end.saturating_sub(until).saturating_add(open)
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn still(until: i64, last_report: Option<i64>, asleep_since: Option<i64>, limits: Limits) -> i64 {
        let detail = Detail {
            node: 1,
            farm: 1,
            receipt: None,
            outcome: "no-uptime".to_owned(),
            violation: None,
            violation_block: None,
            virtualized: false,
            days: Vec::new(),
            last_report,
            asleep_since,
            wake_requested_at: None,
            late_boots: 0,
            needed_uptime: None,
            twin: None,
        };
        let period = Period::range(1_000_000, 1_000_000 + 700 * HOUR).unwrap();
        still_possible(&period, until, &detail, limits)
    }

    #[test]
    fn a_node_can_earn_what_is_left_and_what_its_next_report_is_worth() {
        let limits = Limits { late_boots: Some(1), sleep: Some(24 * HOUR), report: Some(2_460) };
        let (start, until) = (1_000_000, 1_000_000 + 100 * HOUR);
        // 600 hours are left. The next report earns the time since the last one, at most 2,460 s.
        assert_eq!(still(until, Some(until - 600), None, limits), 600 * HOUR + 600);
        assert_eq!(still(until, Some(until - 5 * HOUR), None, limits), 600 * HOUR + 2_460);
        assert_eq!(still(until, None, None, limits), 600 * HOUR + 2_460);
        let no_limit = Limits { report: None, ..limits };
        assert_eq!(still(until, Some(until - 5 * HOUR), None, no_limit), 605 * HOUR);
        // A sleep counts as long as it may last, from the start of the period on.
        assert_eq!(still(until, None, Some(until - 24 * HOUR), limits), 624 * HOUR);
        assert_eq!(still(until, None, Some(until - 24 * HOUR - 1), limits), 600 * HOUR);
        assert_eq!(still(start + HOUR, None, Some(start - 2 * HOUR), limits), 700 * HOUR);
        // What lies before the period is of no use in it.
        assert_eq!(still(start + 60, Some(start - HOUR), None, limits), 700 * HOUR);
    }
}
