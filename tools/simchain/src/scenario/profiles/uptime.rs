//! Nodes that are up, down, or silent, and never lie.

use super::{Profile, profile};
use crate::scenario::script::{DAY, HOUR, MINUTE, REPORT_EVERY, Script};
use crate::types::tfgrid::NodeCertification;

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("normal", "paid in full", |script| script.up_throughout()),
    profile("restarts", "two reboots with ten minutes of downtime each; paid nearly in full", restarts),
    profile("gaps", "three silences of 5 h while up; each credits 2,460 s; paid in proportion", gaps),
    profile("fast clock", "its counter gains 83 s over the period; paid in full", fast_clock),
    profile("slow clock", "its counter loses 83 s over the period; paid in full", slow_clock),
    profile("certified", "certified on policy 1: a quarter more", certified),
    profile(
        "certified above its floor",
        "certified with a little over 98 % uptime: paid in proportion",
        certified_above,
    ),
    profile("certified below its floor", "certified with under 97 % uptime: nothing", certified_below),
    profile("below the floor", "94 % uptime: nothing", below),
    profile("silent", "never reports: nothing", |_| {}),
    profile("dies", "reports stop in the middle of the period: nothing", dies),
    profile("reboots behind the end", "the boot lies behind the end: credited up to the end", reboots_after),
    profile("silent behind the end", "its last report lies before the end: the rest is lost", silent_after),
    profile("reports in the end block", "the report of the end block closes the node", reports_at_end),
];

fn restarts(script: &mut Script<'_>) {
    let (first, second) = (script.start(5 * DAY), script.start(19 * DAY + 7 * HOUR));
    script.up_until(first);
    script.reboot(first + 10 * MINUTE);
    script.up(first + 10 * MINUTE + REPORT_EVERY, second);
    script.reboot(second + 10 * MINUTE);
    script.up_from(second + 10 * MINUTE + REPORT_EVERY);
}

/// Reports all the time but for `count` silences of `length` seconds.
fn silences(script: &mut Script<'_>, count: u64, length: u64) {
    let mut from = script.first_report();
    for silence in 1..=count {
        let until = script.start(silence * 5 * DAY);
        script.up(from, until);
        from = until + length;
    }
    script.up_from(from);
}

fn gaps(script: &mut Script<'_>) {
    silences(script, 3, 5 * HOUR);
}

fn fast_clock(script: &mut Script<'_>) {
    drifts(script, 1);
}

fn slow_clock(script: &mut Script<'_>) {
    drifts(script, -1);
}

/// Gains or loses a second in 13 reports, which stays below the limit of 120 s in a period.
fn drifts(script: &mut Script<'_>, by: i64) {
    let (mut time, last) = (script.first_report(), script.last());
    while time < last {
        let next = time + 13 * REPORT_EVERY;
        script.up(time, next.min(last));
        script.ahead += by;
        time = next;
    }
}

fn certified(script: &mut Script<'_>) {
    script.node.certification = NodeCertification::Certified;
    script.up_throughout();
}

fn certified_above(script: &mut Script<'_>) {
    script.node.certification = NodeCertification::Certified;
    silences(script, 2, 7 * HOUR);
}

fn certified_below(script: &mut Script<'_>) {
    script.node.certification = NodeCertification::Certified;
    silences(script, 4, 6 * HOUR);
}

fn below(script: &mut Script<'_>) {
    let down = script.start(12 * DAY);
    script.up_until(down);
    script.reboot(down + 44 * HOUR);
    script.up_from(down + 44 * HOUR + REPORT_EVERY);
}

fn dies(script: &mut Script<'_>) {
    script.up_until(script.start(15 * DAY));
}

fn reboots_after(script: &mut Script<'_>) {
    let boot = script.end(HOUR);
    script.up_until(script.end(0));
    script.reboot(boot);
    script.up_from(boot + REPORT_EVERY);
}

fn silent_after(script: &mut Script<'_>) {
    script.up_until(script.end(0));
}

fn reports_at_end(script: &mut Script<'_>) {
    let end = script.end_block_time();
    script.up_until(end.saturating_sub(20 * MINUTE));
    script.report(end);
    script.up_from(end + REPORT_EVERY);
}
