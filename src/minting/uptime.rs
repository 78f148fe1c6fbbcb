//! Uptime: what a report of a node is worth, in the period and in the hours after it.

use crate::chain::types::Height;

use super::arithmetic::Calculator;
use super::ledger::{Irregularity, NodeState, Reported};
use super::period::Period;
use super::rules::{LateBoot, Mismatch, Rules, SecondViolation, SleepWaiver};
use super::violation::{DataPoint, Violation};

/// An uptime report as the rules see it. Times are seconds since the epoch.
pub(super) struct Report {
    block: Height,
    pub(super) now: i128,
    pub(super) uptime: i128,
    pub(super) boot: i128,
}

impl Report {
    /// A report made at `now` of `uptime` seconds: the node says that it booted at `now - uptime`.
    pub(super) fn new(block: Height, now: u64, uptime: u64, calc: &mut Calculator) -> Self {
        let (now, uptime) = (i128::from(now), i128::from(uptime));
        Self { block, now: calc.signed(now), uptime, boot: calc.signed(now - uptime) }
    }
}

/// What a report says about the time since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The uptime grew more than the time, by so many seconds.
    TooHigh(i128),
    /// The node ran all the time: the uptime grew by so many seconds.
    Continued(i128),
    /// The node booted after its last report.
    Rebooted,
    /// The uptime grew less than the time, by so many seconds.
    TooLow(i128),
    /// The uptime shrank, but the boot it implies lies before the last report.
    InvalidReboot,
}

/// Judges a report in the period.
pub(super) fn report_in_period(
    state: &mut NodeState,
    report: &Report,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    if rules.seen_early.is_some_and(|early| report.now >= i128::from(early.since)) {
        state.seen_early = true;
    }
    match (state.asleep_since, state.wake_requested_at, state.reported) {
        (Some(asleep), ..) if may_wake(state, rules) => {
            if report.boot > asleep {
                woken_in_period(state, report, asleep, rules, period, calc)
            } else {
                // Its boot lies before the sleep, so the report is an old one.
                Ok(())
            }
        }
        // It woke up by itself, or is asked to wake up without having gone to sleep: nobody can tell how
        // long it ran, so its reports are not read.
        (Some(_), ..) | (None, Some(_), _) => Ok(()),
        (None, None, Some(last)) => next_in_period(state, report, last, rules, calc),
        (None, None, None) => {
            // The first report can speak for the period only.
            let since_start = calc.elapsed(report.now - i128::from(period.start));
            let credit = capped(since_start.min(report.uptime), rules);
            booted(state, report, credit, calc);
            Ok(())
        }
    }
}

/// A report after the last one, of a node that is not power managed.
fn next_in_period(
    state: &mut NodeState,
    report: &Report,
    last: Reported,
    rules: &Rules,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let grown = calc.signed(report.uptime - last.uptime);
    let any = rules.second_violation == SecondViolation::Any;
    match (read(state, report, &last, grown, rules, calc), rules.too_high, rules.too_low) {
        // The report counts as the last one from now on, but earns nothing.
        (Reading::TooHigh(_), Mismatch::Violation, _) => {
            violate(state, too_high(&last, report), any)?;
            continued(state, report, &last, 0, calc);
        }
        (Reading::TooHigh(_), Mismatch::ViolationIgnored, _) => violate(state, too_high(&last, report), any)?,
        (Reading::TooLow(_), _, Mismatch::Violation | Mismatch::ViolationIgnored) => {
            violate(state, too_low(&last, report), any)?;
        }
        (Reading::TooHigh(grown), ..) | (Reading::TooLow(grown), ..) | (Reading::Continued(grown), ..) => {
            continued(state, report, &last, capped(grown, rules), calc);
        }
        // Only the time since the boot counts; the time it was down is lost.
        (Reading::Rebooted, ..) => booted(state, report, capped(report.uptime, rules), calc),
        (Reading::InvalidReboot, ..) => violate(state, invalid_reboot(&last, report), any)?,
    }
    Ok(())
}

/// Sets a violation; where a second one `stops` the reference implementation, it is an irregularity.
fn violate(state: &mut NodeState, violation: Violation, stops: bool) -> Result<(), Irregularity> {
    if stops && state.violation.is_some() {
        return Err(Irregularity::SecondViolation);
    }
    state.violate(violation);
    Ok(())
}

/// The first report after a sleep, of a node that was asked to wake up.
fn woken_in_period(
    state: &mut NodeState,
    report: &Report,
    asleep: i128,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let start = i128::from(period.start);
    let slept = calc.signed(report.now - asleep);
    let backwards = slept < 0;
    let short = rules.sleep_max_secs.is_none_or(|most| slept <= i128::from(most))
        || rules.sleep_waiver.is_some_and(|waiver| waived(&waiver, report.now, asleep));
    let late_counts = short || rules.late_boot_after_long_sleep;
    let punctual = woken_in_time(state, report, late_counts, rules, calc) && short;
    let credit = match (punctual && !backwards, asleep < start) {
        (false, _) => 0,
        // The sleep began in the period before, which has been paid for its part.
        (true, true) => calc.elapsed(report.now - start),
        (true, false) => slept,
    };
    woken(state, report, credit, calc);
    if backwards { Err(Irregularity::TimeRunsBackwards) } else { Ok(()) }
}

/// Judges a report after the period, which can only earn what is missing at its end.
pub(super) fn report_post_period(
    state: &mut NodeState,
    report: &Report,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    match (state.asleep_since, state.wake_requested_at, state.reported) {
        (Some(asleep), ..) if may_wake(state, rules) => {
            woken_post_period(state, report, asleep, rules, period, calc)
        }
        (Some(_), ..) | (None, Some(_), _) => Ok(()),
        // The node has reported after the end already: its period is complete.
        (None, None, Some(last)) if last.at >= i128::from(period.end) => Ok(()),
        (None, None, Some(last)) => next_post_period(state, report, last, rules, period, calc),
        // A node that never reported in the period was not there.
        (None, None, None) => Ok(()),
    }
}

/// The first report after the end, of a node that is not power managed.
fn next_post_period(
    state: &mut NodeState,
    report: &Report,
    last: Reported,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let end = i128::from(period.end);
    let before = state.total();
    let grown = calc.signed(post_period_growth(report, &last, rules));
    let any = rules.second_violation == SecondViolation::Any;
    match (read(state, report, &last, grown, rules, calc), rules.too_high, rules.too_low) {
        (Reading::TooHigh(_), Mismatch::Violation, _) => {
            violate(state, too_high(&last, report), any)?;
            continued(state, report, &last, 0, calc);
        }
        (Reading::TooHigh(_), Mismatch::ViolationIgnored, _) => violate(state, too_high(&last, report), any)?,
        (Reading::TooHigh(_), ..) | (Reading::Continued(_), ..) => {
            let until_end = capped(calc.elapsed(end - last.at), rules);
            continued(state, report, &last, until_end, calc);
        }
        (Reading::TooLow(_), _, Mismatch::Violation | Mismatch::ViolationIgnored) => {
            violate(state, too_low(&last, report), any)?;
        }
        (Reading::TooLow(grown), ..) => {
            let credit = capped(calc.elapsed(grown), rules);
            continued(state, report, &last, credit, calc);
        }
        (Reading::Rebooted, ..) => {
            // Of the time since the boot, the part before the end counts.
            let since_end = calc.signed(report.now - end);
            let credit = if since_end < calc.signed(report.uptime) {
                capped(calc.elapsed(report.uptime - since_end), rules)
            } else {
                0
            };
            booted(state, report, credit, calc);
        }
        (Reading::InvalidReboot, ..) => {
            let stops = rules.second_violation != SecondViolation::None;
            violate(state, invalid_reboot(&last, report), stops)?;
        }
    }
    if rules.seen_early.is_some() && state.total() > before {
        state.seen_early = true;
    }
    Ok(())
}

/// A report after the end, of a node that sleeps and was asked to wake up. The boot is not compared with
/// the beginning of the sleep here.
fn woken_post_period(
    state: &mut NodeState,
    report: &Report,
    asleep: i128,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let (start, end) = (i128::from(period.start), i128::from(period.end));
    let slept = calc.signed(report.now - asleep);
    let backwards = slept < 0;
    let outcome = if backwards { Err(Irregularity::TimeRunsBackwards) } else { Ok(()) };
    if state.reported.is_some_and(|last| last.at > end) {
        // It went to sleep in the last block. Versions before the limit on boots stop here.
        let stops = outcome.is_ok() && rules.boot_max_secs.is_none();
        return if stops { Err(Irregularity::AsleepInLastBlock) } else { outcome };
    }
    // After the period, a late boot counts whatever the length of the sleep, and no outage is forgiven.
    let short = rules.sleep_max_secs.is_none_or(|most| slept <= i128::from(most));
    let punctual = woken_in_time(state, report, true, rules, calc) && short;
    // Only the part of the sleep that lies in the period counts; a sleep that began after it has none.
    let until_end = end - asleep.max(start);
    let slept_in_period = if rules.bugs.post_period_sleep_debits { until_end } else { until_end.max(0) };
    let credit = if punctual && !backwards { slept_in_period } else { 0 };
    woken(state, report, credit, calc);
    outcome
}

/// Whether a report of a sleeping node can end its sleep. Where boots are timed, it must have been asked.
pub(super) fn may_wake(state: &NodeState, rules: &Rules) -> bool {
    rules.boot_max_secs.is_none() || state.wake_requested_at.is_some()
}

/// Whether a sleep counts although it was too long.
fn waived(waiver: &SleepWaiver, reported: i128, asleep: i128) -> bool {
    let within = |(from, until): (i64, i64), time| (i128::from(from)..i128::from(until)).contains(&time);
    within(waiver.reported, reported) && within(waiver.asleep, asleep)
}

/// Whether the node booted soon enough after the request for its sleep to count. A late boot is noted where
/// `late_counts`.
fn woken_in_time(
    state: &mut NodeState,
    report: &Report,
    late_counts: bool,
    rules: &Rules,
    calc: &mut Calculator,
) -> bool {
    let (Some(requested), Some(most)) = (state.wake_requested_at, rules.boot_max_secs) else { return true };
    if calc.signed(report.boot - requested) <= i128::from(most) {
        return true;
    }
    match rules.late_boot {
        LateBoot::Ignored => true,
        LateBoot::Violation => {
            if late_counts {
                state.violate(Violation::BootedLate { requested, booted: report.boot });
            }
            true
        }
        LateBoot::Counted => {
            if late_counts {
                state.late_boots = state.late_boots.saturating_add(1);
            }
            false
        }
    }
}

/// By how many seconds the uptime grew, as it is computed after the period.
pub(super) fn post_period_growth(report: &Report, last: &Reported, rules: &Rules) -> i128 {
    if rules.bugs.post_period_growth_multiplied {
        report.uptime.wrapping_sub(last.uptime.wrapping_mul(report.uptime))
    } else {
        report.uptime - last.uptime
    }
}

/// Compares a report, whose uptime has `grown` so much, with the last one, in the order in which the cases
/// exclude each other. A clock that drifts is a violation, but does not change the reading.
fn read(
    state: &mut NodeState,
    report: &Report,
    last: &Reported,
    grown: i128,
    rules: &Rules,
    calc: &mut Calculator,
) -> Reading {
    let (least, most) = window(report, last, rules, calc);
    if (least..=most).contains(&grown) {
        let moved =
            rules.clock_skew_limit_secs.is_some_and(|limit| drift(report, last, calc) >= i128::from(limit));
        if moved {
            state.violate(Violation::ClockSkew {
                boot: last.boot,
                boot_seen_at: last.boot_seen_at,
                moved_boot: report.boot,
                moved_boot_seen_at: report.now,
            });
        }
    }
    reading(report, last, grown, rules, calc)
}

/// Least and most seconds by which the uptime of a node that ran on may have grown.
fn window(report: &Report, last: &Reported, rules: &Rules, calc: &mut Calculator) -> (i128, i128) {
    let grace = i128::from(rules.uptime_grace_secs);
    let time_passed = calc.signed(report.now - last.at);
    (calc.signed(time_passed - grace), calc.signed(time_passed + grace))
}

/// The cases of [`read`], from the numbers alone.
pub(super) fn reading(
    report: &Report,
    last: &Reported,
    grown: i128,
    rules: &Rules,
    calc: &mut Calculator,
) -> Reading {
    let (least, most) = window(report, last, rules, calc);
    if grown > most {
        return Reading::TooHigh(grown);
    }
    if grown >= least && grown > 0 {
        return Reading::Continued(grown);
    }
    if calc.signed(report.uptime) <= calc.signed(report.now - last.at) {
        Reading::Rebooted
    } else if report.uptime > last.uptime {
        Reading::TooLow(grown)
    } else {
        Reading::InvalidReboot
    }
}

/// The node ran on: its boot stays the one first seen.
fn continued(state: &mut NodeState, report: &Report, last: &Reported, credit: i128, calc: &mut Calculator) {
    let total = calc.unsigned(last.total + credit);
    state.reported = Some(Reported { at: report.now, uptime: report.uptime, total, ..*last });
}

/// The node booted, or is seen for the first time.
fn booted(state: &mut NodeState, report: &Report, credit: i128, calc: &mut Calculator) {
    state.reported = Some(Reported {
        at: report.now,
        uptime: report.uptime,
        total: calc.unsigned(state.total() + credit),
        boot: report.boot,
        boot_seen_at: report.now,
    });
}

/// The node woke up: it is not power managed until it is put to sleep again.
fn woken(state: &mut NodeState, report: &Report, credit: i128, calc: &mut Calculator) {
    state.asleep_since = None;
    state.wake_requested_at = None;
    booted(state, report, credit, calc);
}

/// What one report earns at most.
fn capped(credit: i128, rules: &Rules) -> i128 {
    match rules.report_credit_max_secs.map(i128::from) {
        Some(least) if rules.bugs.report_credit_max_is_least => credit.max(least),
        Some(most) => credit.min(most),
        None => credit,
    }
}

/// Seconds between the boot time that follows from a report and the one seen first.
fn drift(report: &Report, last: &Reported, calc: &mut Calculator) -> i128 {
    let moved = calc.signed(report.boot - last.boot);
    calc.signed(moved.abs())
}

fn data_points(last: &Reported, report: &Report) -> (DataPoint, DataPoint) {
    (DataPoint { at: last.at, uptime: last.uptime }, DataPoint { at: report.now, uptime: report.uptime })
}

fn too_high(last: &Reported, report: &Report) -> Violation {
    let (previous, reported) = data_points(last, report);
    Violation::UptimeTooHigh { previous, reported, block: report.block }
}

fn too_low(last: &Reported, report: &Report) -> Violation {
    let (previous, reported) = data_points(last, report);
    Violation::UptimeTooLow { previous, reported, block: report.block }
}

fn invalid_reboot(last: &Reported, report: &Report) -> Violation {
    let (previous, reported) = data_points(last, report);
    Violation::InvalidReboot { previous, reported, block: report.block }
}
