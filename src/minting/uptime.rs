//! Uptime: what a report of a node is worth, in the period and in the hours after it.

use crate::chain::types::Height;

use super::arithmetic::Calculator;
use super::ledger::{Irregularity, NodeState, Reported};
use super::period::Period;
use super::rules::Rules;
use super::violation::{DataPoint, Violation};

/// An uptime report as the rules see it. Times are seconds since the epoch.
pub(super) struct Report {
    block: Height,
    now: i128,
    uptime: i128,
    boot: i128,
}

impl Report {
    /// A report made at `now` of `uptime` seconds: the node says that it booted at `now - uptime`.
    pub(super) fn new(block: Height, now: u64, uptime: u64, calc: &mut Calculator) -> Self {
        let (now, uptime) = (i128::from(now), i128::from(uptime));
        Self { block, now: calc.signed(now), uptime, boot: calc.signed(now - uptime) }
    }
}

/// What a report says about the time since the last one.
enum Reading {
    /// The uptime grew more than the time.
    TooHigh,
    /// The node ran all the time: the uptime grew by so many seconds.
    Continued(i128),
    /// The node booted after its last report.
    Rebooted,
    /// The uptime grew less than the time.
    TooLow,
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
    match (state.asleep_since, state.wake_requested_at, state.reported) {
        (Some(asleep), Some(requested), _) if report.boot > asleep => {
            woken_in_period(state, report, asleep, requested, rules, period, calc)
        }
        // Its boot lies before the sleep, so the report is an old one.
        (Some(_), Some(_), _) => Ok(()),
        // It woke up by itself, or is asked to wake up without having gone to sleep: nobody can tell how
        // long it ran, so its reports are not read.
        (Some(_), None, _) | (None, Some(_), _) => Ok(()),
        (None, None, Some(last)) => {
            next_in_period(state, report, last, rules, calc);
            Ok(())
        }
        (None, None, None) => {
            // The first report can speak for the period only.
            let since_start = calc.elapsed(report.now - i128::from(period.start));
            let credit = since_start.min(report.uptime).min(report_credit_max(rules));
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
) {
    match read(state, report, &last, rules, calc) {
        // The report counts as the last one from now on, but earns nothing.
        Reading::TooHigh => {
            state.violate(too_high(&last, report));
            continued(state, report, &last, 0, calc);
        }
        Reading::Continued(grown) => {
            continued(state, report, &last, grown.min(report_credit_max(rules)), calc);
        }
        // Only the time since the boot counts; the time it was down is lost.
        Reading::Rebooted => booted(state, report, report.uptime.min(report_credit_max(rules)), calc),
        Reading::TooLow => state.violate(too_low(&last, report)),
        Reading::InvalidReboot => state.violate(invalid_reboot(&last, report)),
    }
}

/// The first report after a sleep, of a node that was asked to wake up.
fn woken_in_period(
    state: &mut NodeState,
    report: &Report,
    asleep: i128,
    requested: i128,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let start = i128::from(period.start);
    let slept = calc.signed(report.now - asleep);
    let backwards = slept < 0;
    let punctual = woken_in_time(state, report, slept, requested, rules, calc);
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
        (Some(asleep), Some(requested), _) => {
            woken_post_period(state, report, asleep, requested, rules, period, calc)
        }
        (Some(_), None, _) | (None, Some(_), _) => Ok(()),
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
    match read(state, report, &last, rules, calc) {
        Reading::TooHigh => {
            state.violate(too_high(&last, report));
            continued(state, report, &last, 0, calc);
        }
        Reading::Continued(_) => {
            let until_end = calc.elapsed(end - last.at).min(report_credit_max(rules));
            continued(state, report, &last, until_end, calc);
        }
        Reading::Rebooted => {
            // Of the time since the boot, the part before the end counts.
            let since_end = calc.signed(report.now - end);
            let credit = if since_end < calc.signed(report.uptime) {
                calc.elapsed(report.uptime - since_end).min(report_credit_max(rules))
            } else {
                0
            };
            booted(state, report, credit, calc);
        }
        Reading::TooLow => state.violate(too_low(&last, report)),
        Reading::InvalidReboot if state.violation.is_some() => return Err(Irregularity::SecondViolation),
        Reading::InvalidReboot => state.violate(invalid_reboot(&last, report)),
    }
    Ok(())
}

/// A report after the end, of a node that sleeps and was asked to wake up. The boot is not compared with
/// the beginning of the sleep here.
fn woken_post_period(
    state: &mut NodeState,
    report: &Report,
    asleep: i128,
    requested: i128,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Result<(), Irregularity> {
    let (start, end) = (i128::from(period.start), i128::from(period.end));
    let slept = calc.signed(report.now - asleep);
    let backwards = slept < 0;
    let outcome = if backwards { Err(Irregularity::TimeRunsBackwards) } else { Ok(()) };
    if state.reported.is_some_and(|last| last.at > end) {
        return outcome;
    }
    let punctual = woken_in_time(state, report, slept, requested, rules, calc);
    // Only the part of the sleep that lies in the period counts; a sleep that began after it has none.
    let slept_in_period = (end - asleep.max(start)).max(0);
    let credit = if punctual && !backwards { slept_in_period } else { 0 };
    woken(state, report, credit, calc);
    outcome
}

/// Whether a sleep counts as uptime: it was short enough, and the node booted soon after the request. Both
/// are tested on their own, so that a late boot is counted whatever the length of the sleep.
fn woken_in_time(
    state: &mut NodeState,
    report: &Report,
    slept: i128,
    requested: i128,
    rules: &Rules,
    calc: &mut Calculator,
) -> bool {
    let late = calc.signed(report.boot - requested) > i128::from(rules.boot_max_secs);
    if late {
        state.late_boots = state.late_boots.saturating_add(1);
    }
    slept <= i128::from(rules.sleep_max_secs) && !late
}

/// Compares a report with the last one, in the order in which the cases exclude each other. A clock that
/// drifts is a violation, but does not change the reading.
fn read(
    state: &mut NodeState,
    report: &Report,
    last: &Reported,
    rules: &Rules,
    calc: &mut Calculator,
) -> Reading {
    let grace = i128::from(rules.uptime_grace_secs);
    let time_passed = calc.signed(report.now - last.at);
    let grown = calc.signed(report.uptime - last.uptime);
    let (least, most) = (calc.signed(time_passed - grace), calc.signed(time_passed + grace));
    if grown > most {
        return Reading::TooHigh;
    }
    if grown >= least {
        let moved = calc.signed(report.boot - last.boot);
        if calc.signed(moved.abs()) >= i128::from(rules.clock_skew_limit_secs) {
            state.violate(Violation::ClockSkew {
                boot: last.boot,
                boot_seen_at: last.boot_seen_at,
                moved_boot: report.boot,
                moved_boot_seen_at: report.now,
            });
        }
        if grown > 0 {
            return Reading::Continued(grown);
        }
    }
    if calc.signed(report.uptime) <= time_passed {
        Reading::Rebooted
    } else if report.uptime > last.uptime {
        Reading::TooLow
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

fn report_credit_max(rules: &Rules) -> i128 {
    i128::from(rules.report_credit_max_secs)
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
