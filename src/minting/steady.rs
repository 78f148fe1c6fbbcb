//! A node that runs on: what nearly every report says, and there are millions of them in a period.
//!
//! The rules are told in `uptime`, in numbers that no input overflows; nothing is decided here that is not decided
//! there. Of reports of a node that follow on each other this file takes those that beyond doubt are
//! `Reading::Continued`, in 64 bits and with one look at the ledger for all of them, and leaves the first other one.

use super::ledger::{NodeState, Reported};
use super::rules::Rules;

/// Numbers up to this, about nine million years of seconds, are taken. Sums of a few of them neither overflow nor
/// would wrap in the reference implementation, so that there is no need to ask whether they did.
const LARGEST: i64 = 1 << 48;

/// A node that is not power managed, after a report. Times are seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    at: i64,
    uptime: i64,
    total: i64,
    boot: i64,
    /// Seconds by which the uptime may grow more or less than the time.
    grace: i64,
    /// Most seconds that a report can earn.
    credit_max: i64,
    /// Seconds from which on a boot that moved is a clock that drifts.
    skew_limit: i64,
}

impl Steady {
    /// The node as its state has it; none if its next report can be anything else than one of a node that runs on.
    pub(super) fn of(state: &NodeState, rules: &Rules) -> Option<Steady> {
        let NodeState { reported: Some(last), asleep_since: None, wake_requested_at: None, .. } = state
        else {
            return None;
        };
        if rules.seen_early.is_some() || rules.bugs.report_credit_max_is_least {
            return None;
        }
        let limit = |limit: Option<u32>| limit.map_or(i64::MAX, i64::from);
        Some(Steady {
            at: plain(last.at)?,
            uptime: plain(last.uptime)?,
            total: plain(last.total).filter(|total| *total >= 0)?,
            boot: plain(last.boot)?,
            grace: i64::from(rules.uptime_grace_secs),
            credit_max: limit(rules.report_credit_max_secs),
            skew_limit: limit(rules.clock_skew_limit_secs),
        })
    }

    /// Takes a report made at `now` of `uptime` seconds, and gives what it earns, seconds; none if it may be anything
    /// else than one of a node that runs on.
    #[inline]
    pub(super) fn take(&mut self, now: u64, uptime: u64) -> Option<i64> {
        let number = |n: u64| i64::try_from(n).ok().filter(|n| *n <= LARGEST);
        let (now, uptime) = (number(now)?, number(uptime)?);
        let (passed, grown) = (now - self.at, uptime - self.uptime);
        let ran_on = grown > 0 && (grown - passed).abs() <= self.grace;
        let drifts = (now - uptime - self.boot).abs() >= self.skew_limit;
        if !ran_on || drifts || self.total > LARGEST {
            return None;
        }
        let credit = grown.min(self.credit_max);
        (self.at, self.uptime, self.total) = (now, uptime, self.total + credit);
        Some(credit)
    }

    /// When the last report was.
    pub(super) fn at(&self) -> i64 {
        self.at
    }

    /// The last report now, which was `last` before.
    pub(super) fn reported(&self, last: Reported) -> Reported {
        Reported { at: self.at.into(), uptime: self.uptime.into(), total: self.total.into(), ..last }
    }
}

fn plain(number: i128) -> Option<i64> {
    i64::try_from(number).ok().filter(|number| (-LARGEST..=LARGEST).contains(number))
}
