//! The timeline of a node: what every event of it came to, found by looking at its ledger before and after.
//!
//! The rules are not told twice here. The events go through a [`Fold`] of this one node; what the ledger gained
//! is the credit of the event, and the case that applied is read off the ledger by the functions that judge reports.

mod entry;

use crate::chain::types::{ContractId, Event, Height, NodeId, PowerState, PowerTarget};

use super::arithmetic::Calculator;
use super::closing::Closing;
use super::finding::Finding;
use super::fold::Fold;
use super::ledger::{Ledger, NodeState};
use super::outcome::NodeResult;
use super::rules::Rules;
use super::state::{Boundaries, EndState, StartState};
use super::uptime::{Reading, Report, may_wake, post_period_growth, reading};
use super::violation::{DataPoint, Violation};

pub use entry::{Ending, Entry, Followed, Request, Verdict, Wake, What};

/// Seconds between two reports of a node that runs: what one report can earn where that is limited.
const REPORT_INTERVAL_SECS: u32 = 2_460;

/// Follows one node through a period.
#[derive(Debug)]
pub struct Timeline {
    node: NodeId,
    rules: Rules,
    bounds: Boundaries,
    fold: Fold,
    entries: Vec<Entry>,
    /// Up to when every second of the period is either credited or lost.
    accounted: i128,
    /// When it last reported anything, whether or not that counted.
    heard: Option<i128>,
    /// Where the chain says that the node came up, since it was last asked to.
    state_up: Option<(Height, i64)>,
}

impl Timeline {
    /// Starts with the state of the node, which may be missing, and of the contracts on it.
    pub fn new(rules: &Rules, bounds: &Boundaries, node: NodeId, start: StartState) -> Self {
        Self {
            node,
            rules: rules.clone(),
            bounds: *bounds,
            fold: Fold::new(rules, bounds, start),
            entries: Vec::new(),
            accounted: bounds.period.start.into(),
            heard: None,
            state_up: None,
        }
    }

    /// Applies an event of the node, or of a contract on it, as [`Fold::apply`] does.
    pub fn apply(&mut self, block: Height, time: i64, event: &Event) {
        let before = self.fold.ledger(self.node);
        self.fold.apply(block, time, event);
        let Some(after) = self.fold.ledger(self.node) else { return };
        let post = block > self.bounds.last_block;
        let what = match (&before, event) {
            (None, Event::NodeStored(_)) => Some(What::Registered { again: false }),
            (Some(_), Event::NodeStored(_)) if !post => Some(What::Registered { again: true }),
            (Some(before), event) => self.what(block, time, event, before, &after, post),
            (None, _) => None,
        };
        if let Some(what) = what {
            let before = before.map_or_else(NodeState::new, |ledger| ledger.state);
            self.silence_before(block, time, &what, &before);
            if let What::Report { point, .. } = &what {
                self.heard = self.heard.max(Some(point.at));
            }
            self.record(block, time, what, &before, &after.state);
        }
    }

    /// What an event means to a known node; none if the rules do not read it.
    fn what(
        &mut self,
        block: Height,
        time: i64,
        event: &Event,
        before: &Ledger,
        after: &Ledger,
        post: bool,
    ) -> Option<What> {
        let power_unread =
            if post { !self.rules.post_period_power } else { self.rules.sleep_max_secs.is_none() };
        let (old, new) = (&before.state, &after.state);
        Some(match event {
            Event::NodeUptimeReported { now, uptime, .. } => {
                let calc = &mut Calculator::new(self.rules.arithmetic);
                let report = Report::new(block, *now, *uptime, calc);
                let verdict = self.verdict(&report, old, new, post, calc);
                What::Report {
                    point: DataPoint { at: report.now, uptime: report.uptime },
                    previous: old.reported.map(|last| DataPoint { at: last.at, uptime: last.uptime }),
                    first_boot: old.reported.map(|last| (last.boot, last.boot_seen_at)),
                    verdict,
                }
            }
            Event::PowerTargetChanged { .. } | Event::PowerStateChanged { .. } if power_unread => {
                return None;
            }
            Event::PowerTargetChanged { target, .. } => {
                let request = match (target, old.wake_requested_at, new.wake_requested_at) {
                    (PowerTarget::Down, ..) => Request::Sleep,
                    (PowerTarget::Up, None, Some(_)) => {
                        self.state_up = None;
                        Request::Wake
                    }
                    (PowerTarget::Up, Some(first), _) => Request::WakeAgain { first },
                    (PowerTarget::Up, None, None) => Request::WakeOfAwake,
                };
                What::Target { target: *target, request }
            }
            Event::PowerStateChanged { state, .. } => {
                match state {
                    PowerState::Up => self.state_up = Some((block, time)),
                    PowerState::Down(_) => self.state_up = None,
                }
                let fell_asleep = old.asleep_since.is_none() && new.asleep_since.is_some();
                What::Power { state: *state, fell_asleep, target: old.power.target }
            }
            _ if post => return None,
            Event::NodeUpdated(_) => {
                let (was, is) = (&before.node, &after.node);
                if was == is {
                    return None;
                }
                What::Updated { before: Box::new(was.clone()), after: Box::new(is.clone()) }
            }
            Event::NodeContractCreated(contract) => {
                What::Contract { contract: contract.contract_id, public_ips: contract.public_ips }
            }
            Event::UpdatedUsedResources { contract, used } => {
                What::Reserved { contract: *contract, used: *used }
            }
            Event::NruConsumptionReportReceived(report) => used(report.contract_id, old, new),
            Event::ConsumptionReportReceived(report) => used(report.contract_id, old, new),
            Event::NodeStored(_) => return None,
        })
    }

    /// Which case of the rules a report was, from the ledger before and after it.
    fn verdict(
        &self,
        report: &Report,
        before: &NodeState,
        after: &NodeState,
        post: bool,
        calc: &mut Calculator,
    ) -> Verdict {
        let end = i128::from(self.bounds.period.end);
        match (before.asleep_since, before.wake_requested_at, before.reported) {
            (Some(asleep), requested, _) if may_wake(before, &self.rules) => {
                if after.asleep_since.is_none() {
                    Verdict::Woken(self.wake(report, asleep, requested, before, after))
                } else if post {
                    Verdict::PeriodComplete
                } else {
                    Verdict::BootBeforeSleep { asleep }
                }
            }
            (Some(asleep), ..) => Verdict::AsleepUnasked { asleep },
            (None, Some(requested), _) => Verdict::AskedWithoutSleep { requested },
            (None, None, Some(last)) if post && last.at >= end => Verdict::PeriodComplete,
            (None, None, Some(last)) => {
                let growth = if post {
                    post_period_growth(report, &last, &self.rules)
                } else {
                    report.uptime - last.uptime
                };
                let grown = calc.signed(growth);
                match reading(report, &last, grown, &self.rules, calc) {
                    Reading::TooHigh(grown) => Verdict::TooHigh { grown },
                    Reading::Continued(grown) => Verdict::Continued { grown },
                    Reading::Rebooted => Verdict::Rebooted,
                    Reading::TooLow(grown) => Verdict::TooLow { grown },
                    Reading::InvalidReboot => Verdict::InvalidReboot,
                }
            }
            (None, None, None) if post => Verdict::NotSeenInPeriod,
            (None, None, None) => Verdict::First,
        }
    }

    fn wake(
        &self,
        report: &Report,
        asleep: i128,
        requested: Option<i128>,
        before: &NodeState,
        after: &NodeState,
    ) -> Wake {
        Wake {
            asleep,
            requested,
            boot: report.boot,
            slept: report.now - asleep,
            boot_took: requested.map(|requested| report.boot - requested),
            counted_late: after.late_boots > before.late_boots,
            late_boots: after.late_boots,
            state_up: self.state_up,
        }
    }

    /// A node that runs and says nothing for longer than it should: an entry of its own, before the report that
    /// ends it.
    fn silence_before(&mut self, block: Height, time: i64, what: &What, before: &NodeState) {
        let from = match (what, before.reported) {
            (What::Report { verdict: Verdict::First, .. }, _) => {
                let start = self.bounds.period.start;
                i128::from(before.registered_at.map_or(start, |registered| registered.max(start)))
            }
            (What::Report { verdict, .. }, Some(last)) if verdict.speaks_for_time() => last.at,
            (What::Power { fell_asleep: true, .. }, Some(last)) => last.at,
            _ => return,
        };
        let until = match what {
            What::Report { point, .. } => point.at,
            _ => i128::from(time),
        };
        let from = self.heard.map_or(from, |heard| heard.max(from));
        if until - from > self.interval() {
            let total = before.total();
            let what = What::Silence { from, until };
            self.entries.push(Entry {
                block: Some(block),
                time: i128::from(time),
                what,
                credit: 0,
                lost: 0,
                total,
                violation: None,
            });
        }
    }

    /// Longest time between two reports of a node that runs, seconds.
    fn interval(&self) -> i128 {
        self.rules.report_credit_max_secs.unwrap_or(REPORT_INTERVAL_SECS).into()
    }

    fn record(&mut self, block: Height, time: i64, what: What, before: &NodeState, after: &NodeState) {
        let credit = after.total() - before.total();
        let (start, end) = (i128::from(self.bounds.period.start), i128::from(self.bounds.period.end));
        let accounted = match after.reported {
            Some(reported) if after.reported != before.reported => reported.at.clamp(start, end),
            _ => self.accounted,
        };
        let lost = accounted - self.accounted - credit;
        self.accounted = accounted;
        let violation = after.violation.filter(|_| before.violation.is_none());
        let total = after.total();
        if matches!(what, What::Report { verdict: Verdict::Woken(_), .. }) {
            self.state_up = None;
        }
        self.entries.push(Entry {
            block: Some(block),
            time: i128::from(time),
            what,
            credit,
            lost,
            total,
            violation,
        });
    }

    /// Closes the ledger; nothing if the node never existed up to the end of the period.
    pub fn close(mut self, end: &EndState) -> Option<Followed> {
        let ledger = self.fold.ledger(self.node)?;
        let closing = Closing { rules: &self.rules, bounds: &self.bounds, end };
        let calculation = closing.calculation(&ledger);
        let state = &ledger.state;
        let unanswered = closing.unanswered_request(state);
        let period_end = i128::from(self.bounds.period.end);
        let total = state.total();
        let awake = state.asleep_since.is_none() && state.wake_requested_at.is_none();
        let lost = period_end - self.accounted;
        let from = self.heard.map_or(self.accounted, |heard| heard.max(self.accounted));
        if awake && period_end - from > self.interval() {
            let what = What::Silence { from, until: period_end };
            let entry =
                Entry { block: None, time: period_end, what, credit: 0, lost: 0, total, violation: None };
            self.entries.push(entry);
        }
        let ending = Ending {
            lost,
            asleep_since: state.asleep_since,
            wake_requested_at: state.wake_requested_at,
            unanswered: unanswered.is_some(),
            late_boots: state.late_boots.saturating_add(u32::from(unanswered.is_some())),
            reported_violation: state.violation,
            state_up: self.state_up,
            target: state.power.target,
            state: state.power.state,
        };
        let closed = self.fold.close(end);
        let result: NodeResult = closed.nodes.into_iter().find(|result| result.node.id == self.node)?;
        let closing_violation: Option<Violation> = result.violation.filter(|_| state.violation.is_none());
        let what = What::End;
        self.entries.push(Entry {
            block: None,
            time: period_end,
            what,
            credit: 0,
            lost,
            total,
            violation: closing_violation,
        });
        let findings: Vec<Finding> = closed.findings;
        Some(Followed { entries: self.entries, ending, result, calculation, findings })
    }
}

/// What a report of use added.
fn used(contract: ContractId, before: &NodeState, after: &NodeState) -> What {
    What::Used {
        contract,
        nru: after.used.nru.saturating_sub(before.used.nru),
        ip_seconds: after.used.ips.saturating_sub(before.used.ips),
        counted: before.used != after.used,
    }
}
