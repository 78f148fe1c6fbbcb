//! What an uptime report came to, and why.

use serde_json::{Map, Value, json};

use super::{
    wake,
    words::{Told, date_of, int},
};
use crate::{
    cli::duration,
    minting::{Entry, Mismatch, Rules, Verdict, Violation, What},
};

/// Tells a report.
pub fn report(entry: &Entry, rules: &Rules) -> Told {
    let What::Report { point, previous, first_boot, verdict } = &entry.what else {
        return Told::new("report", String::new(), json!({}));
    };
    let mut facts = Map::new();
    facts.insert("at".into(), int(point.at));
    facts.insert("uptime".into(), int(point.uptime));
    let passed = previous.map_or(0, |previous| point.at - previous.at);
    let grown = previous.map_or(0, |previous| point.uptime - previous.uptime);
    if previous.is_some() {
        facts.insert("time_passed".into(), int(passed));
        facts.insert("uptime_grown".into(), int(grown));
    }
    let grace = i128::from(rules.uptime_grace_secs);
    let lost = match entry.lost {
        lost if lost > grace => format!(", {} lost", duration(lost)),
        _ => String::new(),
    };
    let cap = rules
        .report_credit_max_secs
        .filter(|most| entry.credit == i128::from(*most) && entry.lost > 0)
        .map(|most| format!(", limited to {most} s a report"))
        .unwrap_or_default();
    let again = if entry.violation.is_some() { "" } else { " (an earlier violation stands)" };
    let boot = point.at - point.uptime;
    let (kind, why) = match verdict {
        Verdict::First => {
            ("first-report", format!("first report: up for {}{cap}{lost}", duration(point.uptime)))
        }
        Verdict::Continued { .. } => match entry.violation {
            Some(Violation::ClockSkew { .. }) => {
                let drift = first_boot.map_or(0, |(first, _)| (boot - first).abs());
                let limit = rules.clock_skew_limit_secs.unwrap_or_default();
                let why = format!(
                    "violation: its clock drifts: by this report it booted at {}, {drift} s off what was first seen; \
                     {limit} s or more are too many",
                    date_of(boot)
                );
                ("clock-skew", why)
            }
            _ => {
                let why =
                    format!("ran on: uptime grew {grown} s in {passed} s of time (±{grace} s){cap}{lost}");
                return Told::new("report", why, Value::Object(facts)).ordinary(entry.lost <= grace);
            }
        },
        Verdict::Rebooted => {
            let down = previous.map_or(0, |previous| boot - previous.at);
            let why = format!(
                "rebooted at {}, {} after its last report; its uptime since then counts{cap}{lost}",
                date_of(boot),
                duration(down)
            );
            ("reboot", why)
        }
        Verdict::TooHigh { .. } => {
            let over = grown - passed - grace;
            let what = format!(
                "uptime grew {grown} s in {passed} s of time, {over} s more than {grace} s of grace allow"
            );
            match rules.too_high {
                Mismatch::Violation => {
                    ("uptime-too-high", format!("violation: {what}; earns nothing{again}{lost}"))
                }
                Mismatch::ViolationIgnored => {
                    ("uptime-too-high", format!("violation: {what}; the report does not count{again}"))
                }
                Mismatch::Credit => ("uptime-too-high", format!("{what}; these rules credit it{cap}{lost}")),
            }
        }
        Verdict::TooLow { .. } => {
            let under = passed - grace - grown;
            let what = format!(
                "uptime grew only {grown} s in {passed} s of time, {under} s less than {grace} s of grace allow, and \
                 is no reboot"
            );
            match rules.too_low {
                Mismatch::Violation | Mismatch::ViolationIgnored => {
                    ("uptime-too-low", format!("violation: {what}; the report does not count{again}"))
                }
                Mismatch::Credit => ("uptime-too-low", format!("{what}; these rules credit it{cap}{lost}")),
            }
        }
        Verdict::InvalidReboot => {
            let before = previous.map_or(0, |previous| previous.at - boot);
            let why = format!(
                "violation: uptime shrank, as after a reboot, but by this report it booted at {}, {before} s before \
                 its last report; the report does not count{again}",
                date_of(boot)
            );
            ("invalid-reboot", why)
        }
        Verdict::Woken(woken) => {
            facts.insert("wake".into(), wake::wake_facts(woken, rules));
            ("wake", wake::woken(woken, entry, rules) + &lost)
        }
        Verdict::BootBeforeSleep { asleep } => (
            "report-ignored",
            format!("ignored: it is asleep since {}, and this boot lies before that", date_of(*asleep)),
        ),
        Verdict::AsleepUnasked { asleep } => (
            "report-ignored",
            format!(
                "ignored: it is asleep since {}, and nobody asked it to wake up, so no boot can be timed",
                date_of(*asleep)
            ),
        ),
        Verdict::AskedWithoutSleep { requested } => (
            "report-ignored",
            format!(
                "ignored: it was asked to wake up at {} without having been put to sleep",
                date_of(*requested)
            ),
        ),
        Verdict::PeriodComplete => {
            let why = "after the end of the period, for which its reports are complete".to_owned();
            return Told::new("report-after-end", why, Value::Object(facts)).ordinary(true);
        }
        Verdict::NotSeenInPeriod => {
            ("report-after-end", "after the end of the period, in which it had no report".to_owned())
        }
    };
    let is_judged = matches!(
        verdict,
        Verdict::TooHigh { .. }
            | Verdict::TooLow { .. }
            | Verdict::InvalidReboot
            | Verdict::AsleepUnasked { .. }
            | Verdict::BootBeforeSleep { .. }
            | Verdict::AskedWithoutSleep { .. }
    );
    Told::new(kind, why, Value::Object(facts)).repeats(is_judged && entry.violation.is_none())
}
