//! Where a node stands at the end: what its receipt does not say, for those who look at it.

use std::num::NonZeroU16;

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

    /// Adds what was gathered for a day.
    pub(super) fn close(&mut self, today: Today) {
        self.put(u64::from(today.number.get()).saturating_sub(1), today.secs.into());
    }

    /// As [`Days::add`] of a credit that `today` does not take, which is closed, and becomes the day of the credit.
    #[cold]
    pub(super) fn turn(&mut self, today: &mut Today, credit: i64, until: i32, period: &Period) {
        let time = i128::from(period.start).saturating_add(until.into());
        self.add(credit.into(), time, period);
        self.close(std::mem::replace(today, Today::at(until, period).unwrap_or_default()));
    }

    /// Every day of the period.
    pub(super) fn of(&self, period: &Period) -> Vec<u32> {
        let days = period.duration().div_ceil(DAY_SECS);
        let mut all = self.0.clone();
        all.resize(usize::try_from(days).unwrap_or(all.len()), 0);
        all
    }
}

/// Credits that follow on each other, within one day: they are added to it together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Today {
    /// When the day starts, seconds since the start of the period.
    start: i32,
    /// Seconds of it that lie in the period.
    length: u32,
    /// Seconds that have not been added to it.
    secs: u32,
    /// Which day it is, counted from 1.
    number: NonZeroU16,
}

impl Default for Today {
    /// No day.
    fn default() -> Today {
        Today { start: 0, length: 0, secs: 0, number: NonZeroU16::MIN }
    }
}

impl Today {
    /// The day that ends with, or holds, a time since the start of the period; none if that is not in the period.
    pub(super) fn at(until: i32, period: &Period) -> Option<Today> {
        let number = u64::try_from(until).ok()?.checked_sub(1)? / DAY_SECS;
        let start = number.checked_mul(DAY_SECS)?;
        let length = period.duration().checked_sub(start)?.min(DAY_SECS);
        Some(Today {
            start: start.try_into().ok()?,
            length: length.try_into().ok()?,
            secs: 0,
            number: u16::try_from(number).ok()?.checked_add(1)?.try_into().ok()?,
        })
    }

    /// Takes a credit for the time up to `until` if all of it is of this day.
    #[inline]
    pub(super) fn take(&mut self, credit: i64, until: i32) -> bool {
        let last = i64::from(until) - i64::from(self.start);
        let is_of_it = credit <= last && last <= i64::from(self.length);
        if let (true, Ok(secs)) = (is_of_it, u32::try_from(credit)) {
            self.secs = self.secs.saturating_add(secs);
        }
        is_of_it
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
