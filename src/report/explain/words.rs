//! What happened to a node, in words with numbers.

use serde_json::{Map, Value, json};

use crate::{
    chain::types::{NodeCertification, PowerState, PowerTarget, Resources},
    cli::{date, duration},
    minting::{Entry, LateBoot, Mismatch, Request, Rules, Verdict, Violation, Wake, What},
};

/// An entry in words.
#[derive(Clone, Debug)]
pub struct Told {
    /// Name for machines, in kebab case.
    pub kind: &'static str,
    /// What happened and why it earned what it earned.
    pub why: String,
    /// Numbers that belong to the kind, by name.
    pub facts: Map<String, Value>,
    /// Nothing unusual: may be folded with its neighbours.
    pub ordinary: bool,
}

impl Told {
    fn new(kind: &'static str, why: String, facts: Value) -> Self {
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        Self { kind, why, facts, ordinary: false }
    }

    fn ordinary(self, ordinary: bool) -> Self {
        Self { ordinary, ..self }
    }
}

/// Tells an entry; `silence` says what the chain did during a silence.
pub fn tell(entry: &Entry, rules: &Rules, silence: Option<String>) -> Told {
    match &entry.what {
        What::Registered { again: false } => {
            Told::new("registered", "the node was registered".into(), json!({}))
        }
        What::Registered { again: true } => Told::new(
            "registered-again",
            "the node was registered again, which forgets all uptime before".into(),
            json!({}),
        ),
        What::Updated { before, after } => {
            let mut changes = Vec::new();
            let mut changed = |what: &str, old: String, new: String| {
                if old != new {
                    changes.push(format!("{what} {old} → {new}"));
                }
            };
            changed("farm", before.farm_id.to_string(), after.farm_id.to_string());
            changed("twin", before.twin_id.to_string(), after.twin_id.to_string());
            let capacity = |r: &Resources| {
                format!("{} cores, {} B memory, {} B disk, {} B SSD", r.cru, r.mru, r.hru, r.sru)
            };
            changed("capacity", capacity(&before.resources), capacity(&after.resources));
            changed(
                "certification",
                certification(before.certification).to_owned(),
                certification(after.certification).to_owned(),
            );
            changed("virtual machine", before.virtualized.to_string(), after.virtualized.to_string());
            changed(
                "farming policy",
                before.farming_policy_id.to_string(),
                after.farming_policy_id.to_string(),
            );
            changed(
                "connection price",
                before.connection_price.to_string(),
                after.connection_price.to_string(),
            );
            Told::new("updated", format!("the node changed: {}", changes.join("; ")), json!({}))
        }
        What::Report { .. } => report(entry, rules),
        What::Silence { from, until } => {
            let secs = until - from;
            let end = entry.block.is_none();
            let ending = if end { "up to the end of the period" } else { "until the next one" };
            let why = format!(
                "no report for {} from {} {ending}; {}",
                duration(secs),
                date_of(*from),
                silence.unwrap_or_default()
            );
            Told::new("gap", why, json!({ "from": int(*from), "until": int(*until), "secs": int(secs) }))
        }
        What::Target { target, request } => {
            let (kind, why) = match request {
                Request::Sleep => ("sleep-requested", "the farmer asks it to sleep".to_owned()),
                Request::Wake => {
                    let limit = rules.boot_max_secs.unwrap_or_default();
                    let why = format!(
                        "the farmer asks it to wake up; from here it has {} to boot",
                        duration(limit.into())
                    );
                    ("wake-requested", why)
                }
                Request::WakeAgain { first } => (
                    "wake-requested-again",
                    format!("the farmer asks again; the request of {} counts", date_of(*first)),
                ),
                Request::WakeOfAwake => (
                    "wake-requested-while-up",
                    "the farmer asks it to be up; by what the chain says it does not sleep, so no boot is timed"
                        .to_owned(),
                ),
            };
            Told::new(kind, why, json!({ "target": target_name(*target) }))
        }
        What::Power { state: PowerState::Up, .. } => Told::new(
            "state-up",
            "the chain has it up; only its next uptime report proves that it booted".into(),
            json!({ "state": "up" }),
        ),
        What::Power { fell_asleep: true, .. } => Told::new(
            "fell-asleep",
            "put to sleep; the time since its last report counts".into(),
            json!({ "state": "down" }),
        ),
        What::Power { target, .. } => {
            let why = match target {
                PowerTarget::Up => "went down although it is to be up: no sleep, its reports decide",
                PowerTarget::Down => "says again that it sleeps; the first time counts",
            };
            Told::new("state-down", why.into(), json!({ "state": "down" }))
        }
        What::Contract { contract, public_ips } => Told::new(
            "contract-created",
            format!("contract {contract} was made, with {public_ips} public addresses"),
            json!({ "contract": contract, "public_ips": public_ips }),
        )
        .ordinary(true),
        What::Reserved { contract, used } => Told::new(
            "resources-reserved",
            format!(
                "contract {contract} uses {} cores, {} B memory, {} B disk, {} B SSD",
                used.cru, used.mru, used.hru, used.sru
            ),
            json!({ "contract": contract }),
        )
        .ordinary(true),
        What::Used { contract, nru, ip_seconds, counted } => {
            let why = if *counted {
                format!("contract {contract} used {nru} B of traffic and {ip_seconds} s of public addresses")
            } else {
                format!("contract {contract} reported its use, which adds nothing")
            };
            Told::new(
                "use",
                why,
                json!({ "contract": contract, "nru": nru.to_string(), "ip_seconds": ip_seconds.to_string() }),
            )
            .ordinary(true)
        }
        What::End => {
            let why = match entry.violation {
                Some(violation) => format!("the period ends; violation: {violation}"),
                None => "the period ends".to_owned(),
            };
            Told::new("end", why, json!({}))
        }
    }
}

fn report(entry: &Entry, rules: &Rules) -> Told {
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
        Verdict::Woken(wake) => {
            facts.insert("wake".into(), wake_facts(wake, rules));
            ("wake", woken(wake, entry, rules) + &lost)
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
    Told::new(kind, why, Value::Object(facts))
}

/// Both checks of a wake-up, and what it earned.
fn woken(wake: &Wake, entry: &Entry, rules: &Rules) -> String {
    let mut text = format!("woke up after a sleep of {}", duration(wake.slept));
    if let Some(most) = rules.sleep_max_secs.map(i128::from) {
        text += &match wake.slept - most {
            over if over <= 0 => format!(" (at most {}: passed)", limit(most)),
            over if entry.credit > 0 => {
                format!(" (at most {}: over by {}, forgiven for an outage)", limit(most), duration(over))
            }
            over => format!(" (at most {}: failed by {})", limit(most), duration(over)),
        };
    }
    if let (Some(took), Some(most)) = (wake.boot_took, rules.boot_max_secs.map(i128::from)) {
        let since = if took < 0 {
            format!("; booted {} before it was asked to", duration(-took))
        } else {
            format!("; booted {} after it was asked to", duration(took))
        };
        text += &since;
        text += &match took - most {
            late if late <= 0 => format!(" (at most {}: passed)", duration(most)),
            late => format!(" (at most {}: failed by {})", duration(most), duration(late)),
        };
        if took > most {
            text += &late_boot(wake, most);
            if rules.late_boot == LateBoot::Counted && wake.counted_late {
                text += &format!("; late boot {}", wake.late_boots);
            }
        }
    }
    text += if entry.credit > 0 { "; the sleep counts" } else { "; the sleep does not count" };
    text
}

/// A limit on a sleep, in hours as the rules have it.
fn limit(seconds: i128) -> String {
    if seconds % 3_600 == 0 { format!("{} h", seconds / 3_600) } else { duration(seconds) }
}

/// Tells a node that woke up in time, by the chain, and did not report from a real late boot.
fn late_boot(wake: &Wake, most: i128) -> String {
    match (wake.state_up, wake.requested) {
        (Some((block, time)), Some(requested)) if i128::from(time) - requested <= most => format!(
            "; not a late wake-up by the chain: it was up (state Up) in block {block}, {} after it was asked to, but no \
             uptime report of that boot came",
            duration(i128::from(time) - requested)
        ),
        (Some((block, time)), Some(requested)) => format!(
            "; a real late boot: the chain has it up only from block {block} on, {} after it was asked to",
            duration(i128::from(time) - requested)
        ),
        _ => "; a real late boot: the chain does not have it up before this report".to_owned(),
    }
}

fn wake_facts(wake: &Wake, rules: &Rules) -> Value {
    let most = rules.boot_max_secs.map(i128::from);
    let late = match (wake.boot_took, most) {
        (Some(took), Some(most)) if took > most => Some(match (wake.state_up, wake.requested) {
            (Some((_, time)), Some(requested)) if i128::from(time) - requested <= most => {
                "state-up-without-uptime-report"
            }
            _ => "late-boot",
        }),
        _ => None,
    };
    let check = |secs: i128, limit: i128| json!({ "secs": int(secs), "limit_secs": int(limit), "passed": secs <= limit, "over_secs": int((secs - limit).max(0)) });
    json!({
        "asleep_since": int(wake.asleep),
        "requested_at": wake.requested.map(int),
        "booted_at": int(wake.boot),
        "sleep": rules.sleep_max_secs.map(|limit| check(wake.slept, limit.into())),
        "boot": wake.boot_took.zip(most).map(|(took, limit)| check(took, limit)),
        "late": late,
        "counted_late": wake.counted_late,
        "state_up": wake.state_up.map(|(block, time)| json!({ "block": block, "time": time })),
    })
}

fn certification(certification: NodeCertification) -> &'static str {
    match certification {
        NodeCertification::Diy => "DIY",
        NodeCertification::Certified => "certified",
    }
}

fn target_name(target: PowerTarget) -> &'static str {
    match target {
        PowerTarget::Up => "up",
        PowerTarget::Down => "down",
    }
}

/// A time as people read it.
pub fn date_of(seconds: i128) -> String {
    i64::try_from(seconds).map_or_else(|_| seconds.to_string(), date)
}

/// A whole number of JSON, or text if it does not fit 64 bits.
pub fn int(value: i128) -> Value {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => value.into(),
        (_, Ok(value)) => value.into(),
        _ => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wake(state_up: Option<(u32, i64)>) -> Wake {
        Wake {
            asleep: 0,
            requested: Some(10_000),
            boot: 13_600,
            slept: 15_000,
            boot_took: Some(3_600),
            counted_late: true,
            late_boots: 1,
            state_up,
        }
    }

    #[test]
    fn a_node_that_is_up_by_the_chain_and_did_not_report_is_told_from_a_late_boot() {
        let rules = Rules::r81();
        let kind = |state_up| wake_facts(&wake(state_up), &rules)["late"].clone();
        assert_eq!(kind(Some((7, 10_300))), "state-up-without-uptime-report");
        assert_eq!(kind(Some((7, 13_000))), "late-boot");
        assert_eq!(kind(None), "late-boot");
        let words = |state_up| late_boot(&wake(state_up), 1_800);
        assert!(words(Some((7, 10_300))).contains("(state Up) in block 7, 5 min after"));
        assert!(words(Some((7, 13_000))).contains("a real late boot"));
        assert!(words(None).contains("a real late boot"));
    }

    #[test]
    fn whole_numbers_beyond_64_bits_are_text() {
        assert_eq!(int(-1), -1);
        assert_eq!(int(u64::MAX.into()), u64::MAX);
        assert_eq!(int(1 << 70), (1_i128 << 70).to_string());
    }
}
