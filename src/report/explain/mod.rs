//! Why a node was paid what it was paid: the answer, the calculation, the timeline, and what would have changed it.

mod breach;
mod json;
mod late;
mod not_there;
mod reports;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod wake;
mod what_if;
mod words;

use super::{addresses, run::tft};
use crate::{
    chain::types::NodeId,
    cli::duration,
    minting::{Calculation, Entry, Followed, Outcome, Period, Rules, Scale, Violation, What},
    replay::{Explained, Stall},
};

pub use not_there::not_there;
pub use steps::Step;
pub use text::{Paint, Style};

use late::{Late, late_boots};
use words::{Told, tell};

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
                Violation::BootRequestExpired { .. }
                | Violation::BootedLate { .. }
                | Violation::NeverBooted { .. } => self.late_words(violation),
                other => other.to_string(),
            },
        }
    }

    fn late_words(&self, violation: &Violation) -> String {
        let each: Vec<String> = self.late_boots().iter().map(Late::words).collect();
        let each = each.join("; ");
        match violation {
            Violation::BootRequestExpired { late_boots } => format!(
                "it booted late, or not at all, {late_boots} times after it was asked to wake up, more often than the {} \
                 allowed: {each}",
                self.rules.late_boots_allowed
            ),
            _ => format!("a late boot: {each}"),
        }
    }

    fn late_boots(&self) -> Vec<Late> {
        late_boots(self.followed, self.rules)
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
            "it was this node that was silent: the chain ran, with {} reports of other nodes, usually {}",
            meanwhile.reports, meanwhile.usual_reports
        );
        ("node", stalled.map_or(others.clone(), |stalled| format!("{others}; {stalled}")))
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
