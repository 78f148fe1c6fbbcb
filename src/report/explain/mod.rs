//! Why a node was paid what it was paid: the answer, the calculation, the timeline, and what would have changed it.

mod breach;
mod steps;
mod text;
mod words;

use serde_json::{Map, Value, json};

use super::{
    addresses,
    run::{finding_json, period_json, rules_json, tft},
};
use crate::{
    chain::types::NodeId,
    cli::duration,
    minting::{
        Calculation, Entry, Followed, Outcome, Period, Rules, Scale, Verdict, Violation, ViolationKind, What,
        Worth,
    },
    replay::{Explained, NotThere, Stall},
};

pub use steps::Step;
pub use text::{Paint, Style};
use words::{Told, date_of, int, tell};

/// Losses that are named among what would have changed the result.
const NAMED_LOSSES: usize = 3;

/// The explanation of one node's result.
#[derive(Debug)]
pub struct Explanation<'a> {
    period: &'a Period,
    rules: &'a Rules,
    explained: &'a Explained,
    followed: &'a Followed,
    stalls: Vec<Stall>,
}

impl<'a> Explanation<'a> {
    /// The explanation of a node that is in the state of the period.
    pub fn new(
        period: &'a Period,
        rules: &'a Rules,
        explained: &'a Explained,
        followed: &'a Followed,
    ) -> Explanation<'a> {
        Explanation { period, rules, explained, followed, stalls: explained.activity.stalls() }
    }

    fn node(&self) -> NodeId {
        self.followed.result.node.id
    }

    /// Paid amount, ten-millionths of a TFT.
    fn reward_tft(&self) -> u64 {
        self.followed.result.receipt.as_ref().map_or(0, |sealed| sealed.receipt.reward.tft)
    }

    /// The result in one line.
    pub fn answer(&self) -> String {
        let result = &self.followed.result;
        let amount = format!("{} TFT", tft(self.reward_tft().into()));
        match result.outcome {
            Outcome::Paid => self.paid(&amount),
            Outcome::NoAddress => format!(
                "Earned {amount}, but not paid: farm {} has no payout address; it is tried once more in the next period",
                result.node.farm_id
            ),
            Outcome::BelowFloor => match &self.followed.calculation {
                Some(c) => format!("{}: paid 0 TFT", below(c)),
                None => "Paid 0 TFT: uptime below the floor".to_owned(),
            },
            Outcome::Violation(_) => {
                let why = result.violation.map(|v| self.violation_words(&v)).unwrap_or_default();
                format!("Paid 0 TFT: violation: {why}")
            }
            Outcome::Virtualized => "Paid 0 TFT: it runs in a virtual machine".to_owned(),
            Outcome::NoUptime => "Paid 0 TFT: no uptime report of it counts in this period".to_owned(),
            Outcome::NothingEarned => "Paid 0 TFT: its capacity and use are worth nothing".to_owned(),
            Outcome::NoFarm => format!("Paid 0 TFT: its farm {} does not exist", result.node.farm_id),
            Outcome::Finding => {
                let first = self.followed.findings.iter().find(|finding| finding.block.is_none());
                let why = first.or(self.followed.findings.first());
                format!("Not paid: {}", why.map_or("see the findings", |finding| finding.message.as_str()))
            }
        }
    }

    fn paid(&self, amount: &str) -> String {
        let address =
            self.followed.result.receipt.as_ref().map(|r| r.receipt.stellar_payout_address.as_str());
        let unreachable = if address.is_some_and(addresses::is_payable) {
            ""
        } else {
            "; its payout address is no valid Stellar address, so that no payment can reach it"
        };
        match &self.followed.calculation {
            Some(Calculation { permille, full_tft: Some(full), scale: Scale::Proportional, .. })
                if *permille < 1_000 =>
            {
                format!("Paid in part: {amount}, {} of {} TFT{unreachable}", percent(*permille), tft(*full))
            }
            _ => format!("Paid in full: {amount}{unreachable}"),
        }
    }

    /// A violation in words, with its numbers.
    fn violation_words(&self, violation: &Violation) -> String {
        match self.breach_of(violation) {
            Some(breach) => breach.words(),
            None => match violation {
                Violation::BootRequestExpired { late_boots } => format!(
                    "it booted late, or not at all, {late_boots} times after it was asked to wake up; {} are allowed",
                    self.rules.late_boots_allowed
                ),
                Violation::BootedLate { requested, booted } => format!(
                    "asked to wake up at {}, it booted {} later; {} are allowed",
                    date_of(*requested),
                    duration(booted - requested),
                    duration(self.rules.boot_max_secs.unwrap_or_default().into())
                ),
                Violation::NeverBooted { requested } => {
                    format!("asked to wake up at {}, it never booted", date_of(*requested))
                }
                other => other.to_string(),
            },
        }
    }

    fn breach_of(&self, violation: &Violation) -> Option<breach::Breach> {
        let entry = self.followed.entries.iter().find(|entry| entry.violation.as_ref() == Some(violation))?;
        breach::Breach::of(entry, &self.followed.entries, self.rules)
    }

    /// The calculation, step by step.
    pub fn steps(&self) -> Vec<Step> {
        steps::steps(self.followed, self.rules)
    }

    /// What happened and why it earned what it earned.
    pub fn words(&self, entry: &Entry) -> String {
        self.told(entry).why
    }

    fn told(&self, entry: &Entry) -> Told {
        let silence = match entry.what {
            What::Silence { from, until } => Some(self.silence(from, until)),
            _ => None,
        };
        let mut told = tell(entry, self.rules, silence.as_ref().map(|(_, words)| words.clone()));
        if let Some((cause, _)) = silence {
            told.facts.insert("cause".into(), cause.into());
        }
        told
    }

    /// Whether a silence was the node's own or the chain's: name for machines, and in words.
    fn silence(&self, from: i128, until: i128) -> (&'static str, String) {
        let bounded = |time: i128| i64::try_from(time).unwrap_or(i64::MAX);
        let (from, until) = (bounded(from), bounded(until));
        let meanwhile = self.explained.activity.between(from, until, &self.stalls);
        let stall = meanwhile.stalls.iter().max_by_key(|stall| stall.until.saturating_sub(stall.from));
        let stalled = stall.map(|stall| {
            format!(
                "the chain stood still for {} of it (longest after block {})",
                duration(meanwhile.stalled_secs.into()),
                stall.block
            )
        });
        if meanwhile.is_of_the_chain(until.saturating_sub(from)) {
            let words = stalled.unwrap_or_else(|| {
                format!(
                    "hardly any node reported: {} reports of all nodes, usually {}",
                    meanwhile.reports, meanwhile.usual_reports
                )
            });
            return ("chain", format!("not this node's doing: {words}"));
        }
        let others = format!(
            "only this node was silent: the chain ran, with {} reports of other nodes",
            meanwhile.reports
        );
        ("node", stalled.map_or(others.clone(), |stalled| format!("{others}; {stalled}")))
    }

    /// What would have changed the result, one sentence each.
    pub fn what_if(&self) -> Vec<String> {
        let result = &self.followed.result;
        let worth = self.followed.calculation.as_ref().map(|calculation| calculation.worth);
        let otherwise = match worth {
            Some(Worth::Amount(reward)) => format!("it would have earned {} TFT", tft(reward.tft.into())),
            Some(Worth::BelowFloor) => "its uptime would still have been below the floor".to_owned(),
            Some(Worth::NoAmount) | None => "it would still have earned nothing".to_owned(),
        };
        let mut sentences = Vec::new();
        match result.outcome {
            Outcome::Violation(kind) => {
                sentences.push(format!("{}, {otherwise}.", self.remedy(kind)));
            }
            Outcome::Virtualized => sentences.push(format!("On hardware of its own, {otherwise}.")),
            Outcome::NoAddress => sentences.push(
                "With a payout address set on chain before the end of the period it would have been paid; the retry of \
                 the next period takes the address of its end."
                    .to_owned(),
            ),
            Outcome::NoUptime => sentences.push(match self.followed.ending.asleep_since {
                Some(since) => format!(
                    "It is asleep by the chain since {}; {}.",
                    date_of(since),
                    self.sleep_remedy()
                ),
                None => "It has to report its uptime while the period runs.".to_owned(),
            }),
            _ => {}
        }
        let below = self.followed.calculation.as_ref().filter(|c| c.uptime < c.needed_uptime);
        if let Some(c) = below {
            let missing = c.needed_uptime - c.uptime;
            sentences.push(format!(
                "{} more uptime would have reached the floor of {}.",
                duration(missing),
                percent(c.floor_permille.into())
            ));
        }
        let capped = self.followed.calculation.as_ref().is_some_and(|c| c.permille < 1_000);
        if capped && result.outcome != Outcome::NoUptime {
            sentences.extend(self.losses().into_iter().take(NAMED_LOSSES).map(|(lost, what)| {
                let enough = match below {
                    Some(c) if lost >= c.needed_uptime - c.uptime => {
                        "; without it the floor would have been reached"
                    }
                    _ => "",
                };
                format!("{} were lost: {what}{enough}.", duration(lost))
            }));
        }
        sentences
    }

    /// The largest losses of uptime, seconds, with what they were.
    fn losses(&self) -> Vec<(i128, String)> {
        let least = i128::from(self.rules.uptime_grace_secs);
        let mut losses: Vec<(i128, String)> = self
            .followed
            .entries
            .iter()
            .filter(|entry| entry.lost > least)
            .map(|entry| (entry.lost, self.loss_words(entry)))
            .collect();
        losses.sort_by_key(|(lost, _)| std::cmp::Reverse(*lost));
        losses
    }

    fn loss_words(&self, entry: &Entry) -> String {
        let block = entry.block.map(|block| format!(" in block {block}")).unwrap_or_default();
        match &entry.what {
            What::End => match self.followed.ending.asleep_since {
                Some(since) => format!("asleep since {} to the end of the period", date_of(since)),
                None => "no report counts for the end of the period".to_owned(),
            },
            What::Report { verdict: Verdict::Woken(wake), .. } => format!(
                "a sleep that does not count, from {} to the report of {}{block}",
                date_of(wake.asleep),
                date_of(entry.time)
            ),
            What::Report { previous: Some(previous), verdict: Verdict::Continued { .. }, .. } => {
                format!("no report from {} to {}{block}", date_of(previous.at), date_of(entry.time))
            }
            What::Report { previous: Some(previous), verdict: Verdict::Rebooted, .. } => format!(
                "down between its report of {} and the reboot seen at {}{block}",
                date_of(previous.at),
                date_of(entry.time)
            ),
            _ => format!("{} at {}{block}", self.told(entry).kind.replace('-', " "), date_of(entry.time)),
        }
    }

    /// What the node would have had to do, as the beginning of a sentence.
    fn remedy(&self, kind: ViolationKind) -> String {
        let passed_by = self.followed.result.violation.and_then(|v| self.breach_of(&v));
        let numbers = passed_by.map(|b| format!(" ({} s over the limit)", b.passed_by)).unwrap_or_default();
        match kind {
            ViolationKind::UptimeTooHigh | ViolationKind::UptimeTooLow | ViolationKind::ClockSkew => {
                format!("Had its clock and its uptime kept the time of the chain{numbers}")
            }
            ViolationKind::InvalidReboot => {
                format!("Had it reported an uptime that fits its last report{numbers}")
            }
            ViolationKind::BootRequestExpired => format!(
                "With at most {} late boot{}",
                self.rules.late_boots_allowed,
                if self.rules.late_boots_allowed == 1 { "" } else { "s" }
            ),
            ViolationKind::MissingRelay => "With a relay set on its twin at the end of the period".to_owned(),
            ViolationKind::InvalidPublicKey => "With a valid public key, or none, on its twin".to_owned(),
            ViolationKind::MissingTwin => "With a twin".to_owned(),
        }
    }

    fn sleep_remedy(&self) -> String {
        match (self.followed.ending.wake_requested_at, self.followed.ending.state_up) {
            (Some(_), Some((block, time))) => format!(
                "the chain has it up (state Up) from block {block}, {}, on, but no uptime report came",
                date_of(time.into())
            ),
            (Some(requested), None) => {
                format!("it was asked to wake up at {} and did not", date_of(requested))
            }
            (None, _) => "it was never asked to wake up".to_owned(),
        }
    }

    /// Requests to wake up that nobody answered, in words.
    fn unanswered(&self) -> Option<String> {
        let ending = &self.followed.ending;
        let requested = ending.wake_requested_at?;
        let judged = if ending.unanswered {
            "; that counts as a late boot"
        } else {
            "; that is not counted as a late boot"
        };
        Some(match ending.state_up {
            Some((block, time)) => format!(
                "Asked to wake up at {}, it is up by the chain (state Up) from block {block}, {}, on, but no uptime report \
                 followed{judged}",
                date_of(requested),
                date_of(time.into())
            ),
            None => {
                format!("Asked to wake up at {}, it never came up by the chain{judged}", date_of(requested))
            }
        })
    }

    /// Everything as one JSON object.
    pub fn json(&self) -> Value {
        let result = &self.followed.result;
        let receipt = result.receipt.as_ref();
        let timeline: Vec<Value> = self.followed.entries.iter().map(|entry| self.entry_json(entry)).collect();
        let stalls: Vec<Value> = self
            .stalls
            .iter()
            .map(|stall| json!({ "block": stall.block, "from": stall.from, "until": stall.until }))
            .collect();
        let mut rules = rules_json(self.rules);
        if let Some(rules) = rules.as_object_mut() {
            rules.remove("parameters");
        }
        json!({
            "node": self.node(),
            "period": period_json(self.period),
            "rules": rules,
            "answer": self.answer(),
            "outcome": result.outcome.label(),
            "measured_uptime": receipt.map(|sealed| sealed.receipt.measured_uptime),
            "reward": receipt.map(|sealed| json!({
                "musd": sealed.receipt.reward.musd,
                "tft": sealed.receipt.reward.tft,
            })),
            "reward_tft": tft(self.reward_tft().into()),
            "receipt": receipt.map(crate::minting::Sealed::hash_hex),
            "farm": json!({
                "id": result.node.farm_id,
                "name": receipt.map(|sealed| sealed.receipt.farm_name.clone()),
                "payout_address": receipt.map(|sealed| sealed.receipt.stellar_payout_address.clone()),
            }),
            "violation": result.violation.map(|violation| self.violation_json(&violation)),
            "steps": self.steps().iter().map(Step::json).collect::<Vec<_>>(),
            "timeline": timeline,
            "what_if": self.what_if(),
            "late_boots": self.followed.ending.late_boots,
            "unanswered_wake_request": self.unanswered(),
            "chain_stalls": stalls,
            "findings": self.followed.findings.iter().map(finding_json).collect::<Vec<_>>(),
        })
    }

    fn violation_json(&self, violation: &Violation) -> Value {
        let mut object = Map::new();
        object.insert("kind".into(), violation.kind().label().into());
        object.insert("text".into(), violation.text(self.rules.violation_texts).into());
        object.insert("words".into(), self.violation_words(violation).into());
        if let Some(breach) = self.breach_of(violation) {
            object.extend(breach.json());
        }
        Value::Object(object)
    }

    fn entry_json(&self, entry: &Entry) -> Value {
        let told = self.told(entry);
        let mut object = Map::new();
        object.insert("block".into(), entry.block.into());
        object.insert("time".into(), int(entry.time));
        object.insert("date".into(), date_of(entry.time).into());
        object.insert("kind".into(), told.kind.into());
        object.insert("credit".into(), int(entry.credit));
        object.insert("lost".into(), int(entry.lost));
        object.insert("total".into(), int(entry.total));
        object.insert("why".into(), told.why.into());
        object.extend(told.facts);
        if let Some(breach) = breach::Breach::of(entry, &self.followed.entries, self.rules) {
            object.insert("violation".into(), Value::Object(breach.json()));
        }
        Value::Object(object)
    }
}

/// How far the uptime is below the floor.
fn below(c: &Calculation) -> String {
    let of = if c.scale == Scale::OwnPeriod { " of its own period" } else { "" };
    format!("Below {}{of} by {}", percent(c.floor_permille.into()), duration(c.needed_uptime - c.uptime))
}

/// Thousandths as percent: `95 %`, `99.2 %`.
fn percent(permille: u128) -> String {
    match permille % 10 {
        0 => format!("{} %", permille / 10),
        rest => format!("{}.{rest} %", permille / 10),
    }
}

/// Why there is nothing to explain.
pub fn not_there(node: NodeId, period: &Period, missing: &NotThere) -> String {
    let name = match period.number {
        Some(number) => format!("period {number}"),
        None => format!("the range {}..{}", period.start, period.end),
    };
    let reported = match missing.reports {
        0 => String::new(),
        count => format!("; {count} uptime reports name it all the same, which no rule reads"),
    };
    let highest = missing.highest_at_start.max(missing.highest_registered);
    match missing.registered {
        Some((block, time)) => format!(
            "node {node} was created after {name}: it was registered in block {block}, at {}{reported}",
            date_of(time.into())
        ),
        None if node == 0 => format!("node 0 never existed: identifiers of nodes start at 1{reported}"),
        None if node > highest => format!(
            "node {node} did not exist in {name}: it never existed, or was created later; the highest identifier up to \
             then is {highest}{reported}"
        ),
        None => format!(
            "node {node} is not in the state of {name}: it was deleted before the period started (identifiers up to \
             {highest} were given){reported}"
        ),
    }
}
