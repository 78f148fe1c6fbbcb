//! A node that runs on: what nearly every report says, and there are millions of them in a period.
//!
//! The rules are told in `uptime`, in numbers that no input overflows; nothing is decided here that is not decided
//! there. Of reports of a node that follow on each other this file takes those that beyond doubt are
//! `Reading::Continued`, in 64 bits and without a look at the ledger, and leaves all others.

use super::ledger::Ledger;
use super::period::Period;
use super::rules::Rules;
use super::standing::Today;

/// What all nodes of a period have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    period: Period,
    /// Seconds by which the uptime may grow more or less than the time.
    grace: i64,
    /// Most seconds that a report can earn.
    credit_max: i64,
    /// Seconds from which on a boot that moved is a clock that drifts.
    skew_limit: i64,
}

impl Limits {
    /// None if the rules look at more than these, so that no report is taken.
    pub(super) fn of(rules: &Rules, period: &Period) -> Option<Limits> {
        if rules.seen_early.is_some() || rules.bugs.report_credit_max_is_least {
            return None;
        }
        let limit = |limit: Option<u32>| limit.map_or(i64::MAX, i64::from);
        Some(Limits {
            period: *period,
            grace: i64::from(rules.uptime_grace_secs),
            credit_max: limit(rules.report_credit_max_secs),
            skew_limit: limit(rules.clock_skew_limit_secs),
        })
    }

    /// A time of 64 or 128 bits as seconds since the start of the period.
    fn since_start(&self, time: impl TryInto<i64>) -> Option<i32> {
        time.try_into().ok()?.checked_sub(self.period.start)?.try_into().ok()
    }
}

/// A node that is not power managed, after a report: in 32 bytes, so that all nodes are at hand while the reports of all
/// of them come in turns. Times are seconds since the start of the period. Whatever has no place in 32 bits is left to
/// the rules; of what has one sums of a few neither overflow in 64 bits nor would wrap in the reference implementation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    at: i32,
    uptime: i32,
    total: i32,
    boot: i32,
    today: Today,
}

impl Steady {
    /// The node as its ledger has it; none if its next report can be anything else than one of a node that runs on.
    pub(super) fn of(ledger: &Ledger, limits: &Limits) -> Option<Steady> {
        let state = &ledger.state;
        let is_awake = state.asleep_since.is_none() && state.wake_requested_at.is_none();
        let last = state.reported.filter(|_| is_awake && ledger.shadow.is_none())?;
        let at = limits.since_start(last.at)?;
        Some(Steady {
            at,
            uptime: last.uptime.try_into().ok()?,
            total: i32::try_from(last.total).ok().filter(|total| *total >= 0)?,
            boot: limits.since_start(last.boot)?,
            today: Today::at(at, &limits.period).unwrap_or_default(),
        })
    }

    /// Takes a report made at `now` of `uptime` seconds, and what it earns; none if it may be anything else than one of a
    /// node that runs on. `ledger` is that of the node, and looked at only once a day.
    #[inline]
    pub(super) fn take(&mut self, now: u64, uptime: u64, limits: &Limits, ledger: &mut Ledger) -> Option<()> {
        let (now, uptime) = (limits.since_start(now)?, i32::try_from(uptime).ok()?);
        let passed = i64::from(now) - i64::from(self.at);
        let grown = i64::from(uptime) - i64::from(self.uptime);
        let boot = i64::from(now) - i64::from(uptime);
        let ran_on = grown > 0 && (grown - passed).abs() <= limits.grace;
        let drifts = (boot - i64::from(self.boot)).abs() >= limits.skew_limit;
        if !ran_on || drifts {
            return None;
        }
        let credit = grown.min(limits.credit_max);
        let total = i32::try_from(i64::from(self.total) + credit).ok()?;
        if !self.today.take(credit, now) {
            ledger.days.turn(&mut self.today, credit, now, &limits.period);
        }
        (self.at, self.uptime, self.total) = (now, uptime, total);
        Some(())
    }

    /// Writes into the ledger of the node what it does not have yet.
    pub(super) fn settle(self, ledger: &mut Ledger, limits: &Limits) {
        if let Some(last) = &mut ledger.state.reported {
            last.at = i128::from(limits.period.start) + i128::from(self.at);
            (last.uptime, last.total) = (self.uptime.into(), self.total.into());
        }
        ledger.days.close(self.today);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_nodes_are_at_hand() {
        assert_eq!(size_of::<Option<Steady>>(), 32);
    }
}
