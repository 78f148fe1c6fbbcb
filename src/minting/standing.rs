//! Where a node stands at the end: what its receipt does not say, for those who look at it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::chain::types::Height;

use super::period::Period;
use super::violation::ViolationKind;

/// Length of a day of a period, seconds. Days are counted from the start of the period.
const DAY_SECS: u64 = 86_400;

/// What became of a node besides its receipt. Times are seconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Uptime credited in each day of the period, seconds; the last day may be shorter.
    pub days: Vec<u32>,
    /// The last report that counts.
    pub last_report: Option<i128>,
    /// When it was put to sleep, if it sleeps.
    pub asleep_since: Option<i128>,
    /// When it was asked to wake up, if it did not.
    pub wake_requested_at: Option<i128>,
    /// Late boots so far.
    pub late_boots: u32,
    /// Uptime from which on something is earned, seconds; none without a farming policy.
    pub needed_uptime: Option<i128>,
    /// What its twin lacks, where rules look at it.
    pub twin: Option<ViolationKind>,
    /// Block of the report that was its first violation.
    pub violation_block: Option<Height>,
}

/// Uptime in each day of a period, as far as it was credited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Days(Vec<u32>);

impl Days {
    /// Adds a credit, of `credit` seconds, for the time up to `until`. It is for people to look at: no day has more
    /// uptime than it has seconds, and what was taken back is not taken off.
    pub(super) fn add(&mut self, credit: i128, until: i128, period: &Period) {
        let (start, end) = (i128::from(period.start), i128::from(period.end));
        let until = until.min(end);
        let from = until.saturating_sub(credit.max(0)).max(start);
        // Seconds since the start of the period; nothing is credited before it.
        let since_start = |time: i128| u64::try_from(time.saturating_sub(start));
        let (Ok(mut from), Ok(until)) = (since_start(from), since_start(until)) else { return };
        while from < until {
            let day = from / DAY_SECS;
            let next = day.saturating_add(1).saturating_mul(DAY_SECS).min(until);
            self.put(day, next - from);
            from = next;
        }
    }

    /// Adds seconds to a day, which has no more than there are.
    fn put(&mut self, day: u64, secs: u64) {
        let Ok(index) = usize::try_from(day) else { return };
        if secs == 0 {
            return;
        }
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        if let (Some(uptime), Ok(secs)) = (self.0.get_mut(index), u32::try_from(secs.min(DAY_SECS))) {
            *uptime = uptime.saturating_add(secs).min(86_400);
        }
    }

    /// Takes many credits that follow on each other.
    pub(super) fn credits<'a>(&'a mut self, period: &'a Period) -> Credits<'a> {
        Credits { days: self, period, day: None, secs: 0 }
    }

    /// Every day of the period.
    pub(super) fn of(&self, period: &Period) -> Vec<u32> {
        let days = period.duration().div_ceil(DAY_SECS);
        let mut all = self.0.clone();
        all.resize(usize::try_from(days).unwrap_or(all.len()), 0);
        all
    }
}

/// Credits that follow on each other: those within one day are added to it together.
#[derive(Debug)]
pub(super) struct Credits<'a> {
    days: &'a mut Days,
    period: &'a Period,
    /// The day of the last credit: its number, and the part of it that lies in the period.
    day: Option<(u64, Range<i64>)>,
    /// Seconds in that day that have not been added to it.
    secs: u64,
}

impl Credits<'_> {
    /// As [`Days::add`].
    #[inline]
    pub(super) fn add(&mut self, credit: i64, until: i64) {
        match (&self.day, u64::try_from(credit)) {
            (Some((_, day)), Ok(secs)) if until - credit >= day.start && until <= day.end => {
                self.secs = self.secs.saturating_add(secs);
            }
            _ => self.add_elsewhere(credit, until),
        }
    }

    /// As [`Days::add`], and goes on with the day of the credit.
    #[cold]
    fn add_elsewhere(&mut self, credit: i64, until: i64) {
        self.days.add(credit.into(), until.into(), self.period);
        self.turn(until);
    }

    /// Goes on with the day that ends with, or holds, the time `until`.
    fn turn(&mut self, until: i64) {
        let Period { start, end, .. } = *self.period;
        let number = until.checked_sub(start).and_then(|since| u64::try_from(since).ok()?.checked_sub(1));
        let number = number.map(|since| since / DAY_SECS);
        let day = number.and_then(|number| {
            let from = start.checked_add_unsigned(number.checked_mul(DAY_SECS)?)?;
            Some((number, from..from.checked_add_unsigned(DAY_SECS)?.min(end)))
        });
        let before = std::mem::replace(&mut self.day, day);
        if let Some((number, _)) = before {
            self.days.put(number, std::mem::take(&mut self.secs));
        }
    }

    /// Adds what has not been added yet.
    pub(super) fn finish(self) {
        if let Some((number, _)) = self.day {
            self.days.put(number, self.secs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credit_is_spread_over_the_days_before_its_report() {
        let period = Period::range(1_000, 1_000 + 3 * 86_400 - 10).unwrap();
        let mut days = Days::default();
        days.add(100, 1_050, &period);
        days.add(86_400, 1_000 + 86_400 + 7, &period);
        assert_eq!(days.of(&period), [86_400, 7, 0]);
        days.add(20, 1_000 + 3 * 86_400, &period);
        days.add(-5, 1_000 + 86_400 + 100, &period);
        assert_eq!(days.of(&period), [86_400, 7, 20]);
        days.add(i128::from(u64::MAX), 1_000 + 200_000, &period);
        assert_eq!(days.of(&period), [86_400, 86_400, 27_220]);
    }
}
