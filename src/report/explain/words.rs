//! What happened to a node, in words with numbers.

use serde_json::{Map, Value, json};

use super::reports;
use crate::{
    chain::types::{NodeCertification, PowerState, PowerTarget, Resources},
    cli::{date, duration},
    minting::{Entry, Request, Rules, What},
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
    /// Says nothing new after another of its kind: may be folded with those.
    pub repeats: bool,
}

impl Told {
    pub fn new(kind: &'static str, why: String, facts: Value) -> Self {
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        Self { kind, why, facts, ordinary: false, repeats: false }
    }

    pub fn ordinary(self, ordinary: bool) -> Self {
        Self { ordinary, ..self }
    }

    pub fn repeats(self, repeats: bool) -> Self {
        Self { repeats, ..self }
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
        What::Report { .. } => reports::report(entry, rules),
        What::Silence { from, until } => {
            let secs = until - from;
            let end = if entry.block.is_none() { ", the end of the period" } else { "" };
            let why = format!(
                "no report for {} from {} to {}{end}; {}",
                duration(secs),
                date_of(*from),
                date_of(*until),
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

    #[test]
    fn whole_numbers_beyond_64_bits_are_text() {
        assert_eq!(int(-1), -1);
        assert_eq!(int(u64::MAX.into()), u64::MAX);
        assert_eq!(int(1 << 70), (1_i128 << 70).to_string());
    }
}
