//! The ledger of a node: everything the rules remember about it while a period goes by.

use serde::{Deserialize, Serialize};

use crate::chain::types::{Height, Node, NodePower, PowerState, PowerTarget};

use super::arithmetic::{Arithmetic, Calculator};
use super::consumption::Consumption;
use super::finding;
use super::period::Period;
use super::rules::Rules;
use super::standing::Days;
use super::state::StartPower;
use super::violation::Violation;

/// The last report that counts, and the boot it belongs to. Times are seconds since the epoch.
///
/// Times and spans of time have 128 bits so that none of the rules can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reported {
    /// When it was.
    pub(super) at: i128,
    /// Uptime it stated, seconds.
    pub(super) uptime: i128,
    /// Uptime earned in the period up to here, seconds.
    pub(super) total: i128,
    /// When the node booted, as its first report after the boot had it.
    pub(super) boot: i128,
    /// When that first report was.
    pub(super) boot_seen_at: i128,
}

/// More than any time or uptime that follows from events, which have 64 bits.
const FAR: u128 = 1 << 96;

/// What events change about a node, apart from what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeState {
    /// The last report that counts; none before the first.
    pub(super) reported: Option<Reported>,
    /// The first violation.
    pub(super) violation: Option<Violation>,
    /// What the chain says about its power.
    pub(super) power: NodePower,
    /// When the farmer put it to sleep.
    pub(super) asleep_since: Option<i128>,
    /// When it was first asked to wake up.
    pub(super) wake_requested_at: Option<i128>,
    /// How often it booted late.
    pub(super) late_boots: u32,
    /// What its contracts used.
    pub(super) used: Consumption,
    /// When it was registered, if that was in the period.
    pub(super) registered_at: Option<i64>,
    /// Whether it was seen early, where that matters.
    pub(super) seen_early: bool,
}

/// An event the reference implementation stops at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Irregularity {
    /// A span of time ends before it starts.
    TimeRunsBackwards,
    /// A second violation where only a first is expected.
    SecondViolation,
    /// A report after the period, of a node that went to sleep in its last block.
    AsleepInLastBlock,
}

impl Irregularity {
    /// The finding's rule, and what was done about it.
    pub(super) fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::TimeRunsBackwards => {
                (finding::TIME_RUNS_BACKWARDS, "the time runs backwards; nothing is credited for it")
            }
            Self::AsleepInLastBlock => (
                finding::ASLEEP_IN_LAST_BLOCK,
                "the node went to sleep in the last block of the period and reports again; nothing is credited for it",
            ),
            Self::SecondViolation => {
                (finding::SECOND_VIOLATION, "the node violates the rules again; its first violation stands")
            }
        }
    }
}

impl NodeState {
    /// A node that has just been registered.
    pub(super) fn registered(time: i64) -> Self {
        Self { registered_at: Some(time), ..Self::new() }
    }

    /// A node of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            reported: None,
            violation: None,
            power: NodePower { state: PowerState::Up, target: PowerTarget::Up },
            asleep_since: None,
            wake_requested_at: None,
            late_boots: 0,
            used: Consumption::default(),
            registered_at: None,
            seen_early: false,
        }
    }

    /// A node at the first block of the period. One that sleeps although it is to be up is taken to have
    /// been asked in that block.
    pub(super) fn at_start(start: StartPower, first_block_time: i64, rules: &Rules) -> Self {
        if rules.sleep_max_secs.is_none() {
            return Self::new();
        }
        let asleep_since = match start.power.state {
            PowerState::Up => None,
            PowerState::Down(_) => start.down_since.map(i128::from),
        };
        let wake_requested_at = asleep_since
            .filter(|_| rules.boot_max_secs.is_some() && start.power.target == PowerTarget::Up)
            .map(|_| i128::from(first_block_time));
        Self { power: start.power, asleep_since, wake_requested_at, ..Self::new() }
    }

    /// Whether its numbers are such as real events lead to, far from where arithmetic ends. What others saved may have any.
    pub(super) fn is_possible(&self) -> bool {
        let reported =
            self.reported.into_iter().flat_map(|r| [r.at, r.uptime, r.total, r.boot, r.boot_seen_at]);
        let asleep = self.asleep_since.into_iter().chain(self.wake_requested_at);
        reported.chain(asleep).all(|number| number.unsigned_abs() < FAR)
    }

    /// Uptime earned so far, seconds.
    pub(super) fn total(&self) -> i128 {
        self.reported.map_or(0, |reported| reported.total)
    }

    /// Sets a violation unless there is one.
    pub(super) fn violate(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }
}

/// A node, its state, and beside it the state the reference implementation would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// The node, as last stored or updated.
    pub(super) node: Node,
    /// Its state.
    pub(super) state: NodeState,
    /// The state in wrapping arithmetic, and the block since which it differs.
    pub(super) shadow: Option<Box<(NodeState, Height)>>,
    /// Uptime in each day, for those who look at it.
    pub(super) days: Days,
}

impl Ledger {
    pub(super) fn new(node: Node, state: NodeState) -> Self {
        Self { node, state, shadow: None, days: Days::default() }
    }

    /// See [`NodeState::is_possible`].
    pub(super) fn is_possible(&self) -> bool {
        self.state.is_possible() && self.shadow.as_ref().is_none_or(|shadow| shadow.0.is_possible())
    }

    /// Applies a step to the state, and to the shadow if there is one, or if the step is the first in which
    /// the two arithmetics differ.
    ///
    /// # Errors
    /// If the reference implementation would stop here, so that the shadow decides where there is one.
    pub(super) fn change(
        &mut self,
        arithmetic: Arithmetic,
        block: Height,
        period: &Period,
        step: impl Fn(&mut NodeState, &mut Calculator) -> Result<(), Irregularity>,
    ) -> Result<(), Irregularity> {
        let before = self.state;
        let mut calculator = Calculator::new(arithmetic);
        let outcome = step(&mut self.state, &mut calculator);
        if let Some(reported) = self.state.reported.filter(|now| now.total != before.total()) {
            self.days.add(reported.total - before.total(), reported.at, period);
        }
        if arithmetic == Arithmetic::Exact && (calculator.diverged() || self.shadow.is_some()) {
            let (shadow, _) = &mut **self.shadow.get_or_insert_with(|| Box::new((before, block)));
            return step(shadow, &mut Calculator::new(Arithmetic::Wrapping));
        }
        outcome
    }
}
