//! The calculation of a reward, one step after the other, each with its numbers.

use serde_json::{Value, json};

use super::{below, percent};
use crate::{
    cli::duration,
    minting::{Calculation, Followed, NodeType, PERIOD_SECONDS, Rules, Scale, Worth},
    report::run::tft,
};

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

/// A step of the calculation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is computed: `cu`.
    pub name: &'static str,
    /// How, with its numbers.
    pub formula: String,
    /// What comes out, a decimal number or a word.
    pub value: String,
    /// Its unit.
    pub unit: &'static str,
}

impl Step {
    /// As JSON.
    pub fn json(&self) -> Value {
        json!({ "step": self.name, "formula": self.formula, "value": self.value, "unit": self.unit })
    }
}

/// All steps; only the result where there is no farming policy to compute with.
pub fn steps(followed: &Followed, rules: &Rules) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(c) = &followed.calculation {
        let certified = followed
            .result
            .receipt
            .as_ref()
            .is_some_and(|sealed| sealed.receipt.node_type == NodeType::Certified);
        capacity(c, rules, &mut steps);
        prices(c, certified, &mut steps);
        uptime(c, certified, &mut steps);
    }
    let reward = followed.result.receipt.as_ref().map_or(0, |sealed| sealed.receipt.reward.tft);
    let why = match followed.result.violation {
        Some(violation) if rules.violation_costs_payout => {
            format!("a violation costs all of it: {violation}")
        }
        Some(violation) => format!("violated, which costs nothing by these rules: {violation}"),
        None => format!("outcome: {}", followed.result.outcome.label()),
    };
    steps.push(step("reward", why, tft(reward.into()), "TFT"));
    steps
}

fn step(name: &'static str, formula: String, value: String, unit: &'static str) -> Step {
    Step { name, formula, value, unit }
}

fn capacity(c: &Calculation, rules: &Rules, steps: &mut Vec<Step>) {
    let has = &c.capacity;
    let per_core = if rules.bugs.one_cu_per_core { 1 } else { rules.cu_per_core };
    let by_memory = match c.limits.by_memory {
        Some(by_memory) => format!("({} − 1) GiB memory ÷ 4 = {}", gib(has.mru), millionths(by_memory)),
        None => "memory below 1 GiB does not limit".to_owned(),
    };
    steps.push(step(
        "cu",
        format!(
            "the least of {} cores × {per_core} = {}, {by_memory}, {} GiB SSD ÷ 50 = {}",
            has.cru,
            millionths(c.limits.by_cores),
            gib(has.sru),
            millionths(c.limits.by_ssd)
        ),
        millionths(c.cu),
        "CU",
    ));
    steps.push(step(
        "su",
        format!("{} GiB disk ÷ 1200 + {} GiB SSD ÷ 250", gib(has.hru), gib(has.sru)),
        millionths(c.su),
        "SU",
    ));
    steps.push(step("nu", format!("{} B public traffic ÷ 1 GiB", c.nru), millionths(c.nu), "NU"));
    steps.push(step(
        "ip",
        format!("{} s of public addresses ÷ 3600", c.ip_seconds),
        decimal(c.ip_seconds * 1_000 / 3_600, 1_000, 3),
        "hours",
    ));
}

fn prices(c: &Calculation, certified: bool, steps: &mut Vec<Step>) {
    let p = &c.policy;
    steps.push(step(
        "policy",
        format!(
            "farming policy {}: CU {} $, SU {} $, NU {} $, IP hour {} $",
            p.id,
            thousandths(p.cu.into()),
            thousandths(p.su.into()),
            thousandths(p.nu.into()),
            thousandths(p.ipv4.into())
        ),
        p.id.to_string(),
        "",
    ));
    let month = u64::try_from(PERIOD_SECONDS).unwrap_or_default();
    let part = if c.period_secs == month {
        String::new()
    } else {
        format!(" (CU and SU for {} s of {month} s)", c.period_secs)
    };
    steps.push(step(
        "usd",
        format!(
            "{} CU × {} + {} SU × {}{part} + {} NU × {} = {} $; {} s IP × {} ÷ 3600 = {} $",
            millionths(c.cu),
            thousandths(p.cu.into()),
            millionths(c.su),
            thousandths(p.su.into()),
            millionths(c.nu),
            thousandths(p.nu.into()),
            thousandths(c.units_musd),
            c.ip_seconds,
            thousandths(p.ipv4.into()),
            thousandths(c.addresses_musd)
        ),
        thousandths(c.units_musd + c.addresses_musd),
        "USD",
    ));
    let kind = if certified { "certified" } else { "DIY" };
    let bonus = match c.bonus {
        Some((numerator, denominator)) => format!("{kind}: × {numerator} ÷ {denominator}"),
        None => format!("{kind}: no bonus"),
    };
    steps.push(step("certification", bonus, thousandths(c.full_musd), "USD"));
    steps.push(step(
        "price",
        "price of one TFT that this node is paid by".to_owned(),
        thousandths(c.price_musd.into()),
        "USD",
    ));
    let full = c.full_tft.map_or_else(|| "none".to_owned(), tft);
    steps.push(step(
        "full",
        format!("{} $ ÷ {} $, for a full period", thousandths(c.full_musd), thousandths(c.price_musd.into())),
        full,
        "TFT",
    ));
}

fn uptime(c: &Calculation, certified: bool, steps: &mut Vec<Step>) {
    steps.push(step(
        "uptime",
        format!(
            "{} s of {} s, in thousandths, rounded down, at most 1000: {}",
            c.uptime, c.period_secs, c.permille
        ),
        c.uptime.to_string(),
        "s",
    ));
    let kind = if certified { "certified" } else { "DIY" };
    let how = match c.scale {
        Scale::Proportional if c.floor_permille == 0 => {
            let formula = format!("these rules have no floor: in proportion to uptime ({kind})");
            steps.push(step("floor", formula, c.needed_uptime.to_string(), "s"));
            return scaled(c, steps);
        }
        Scale::Proportional => {
            format!("in proportion to uptime from {} on ({kind})", percent(c.floor_permille.into()))
        }
        Scale::AllOrNothing => format!("in full from {} on", percent(c.floor_permille.into())),
        Scale::OwnPeriod => {
            format!(
                "in full from {} of its own period of {} s on",
                percent(c.floor_permille.into()),
                c.own_secs
            )
        }
    };
    let verdict = if c.uptime >= c.needed_uptime {
        format!("reached, with {} to spare", duration(c.uptime - c.needed_uptime))
    } else {
        below(c)
    };
    steps.push(step("floor", format!("{how}: {verdict}"), c.needed_uptime.to_string(), "s"));
    scaled(c, steps);
}

fn scaled(c: &Calculation, steps: &mut Vec<Step>) {
    let (value, formula) = match (c.worth, c.scale) {
        (Worth::Amount(reward), Scale::Proportional) => {
            let full = c.full_tft.map_or_else(|| "none".to_owned(), tft);
            (reward.tft, format!("{full} TFT × {} ÷ 1000, rounded down", c.permille))
        }
        (Worth::Amount(reward), Scale::AllOrNothing) => (reward.tft, "all of it".to_owned()),
        (Worth::Amount(reward), Scale::OwnPeriod) => {
            (reward.tft, format!("for {} s of {} s", c.own_secs, c.period_secs))
        }
        (Worth::BelowFloor, _) => (0, "nothing below the floor".to_owned()),
        (Worth::NoAmount, _) => (0, "a price of zero, or an amount too large, is not paid".to_owned()),
    };
    steps.push(step("scaled", formula, tft(value.into()), "TFT"));
}

/// Bytes as GiB with up to three decimals.
fn gib(bytes: u64) -> String {
    let thousandths = u128::from(bytes) * 1_000 / u128::from(GIB);
    let text = decimal(thousandths, 1_000, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn millionths(value: u128) -> String {
    decimal(value, 1_000_000, 6)
}

fn thousandths(value: u128) -> String {
    decimal(value, 1_000, 3)
}

fn decimal(value: u128, whole: u128, digits: usize) -> String {
    format!("{}.{:0digits$}", value / whole, value % whole)
}
