//! Nodes whose uptime can not be true.

use super::{Profile, profile};
use crate::scenario::script::{DAY, HOUR, MINUTE, REPORT_EVERY, Script};

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("counter jumps ahead", "uptime grew more than time: violation, nothing", too_high),
    profile("counter jumps back", "uptime grew less than time, no reboot: violation, nothing", too_low),
    profile("impossible reboot", "rebooted before its last report: violation, nothing", invalid_reboot),
    profile("clock skew", "gains 5 s with every report, 120 s in all: violation, nothing", clock_skew),
    profile("reports twice in a block", "the second one shows no growth: violation, nothing", twice),
    profile("jumps ahead behind the end", "violation in the post-period window, nothing", too_high_after),
    profile("jumps back behind the end", "violation in the post-period window, nothing", too_low_after),
    profile(
        "impossible reboot behind the end",
        "violation in the post-period window, nothing",
        invalid_after,
    ),
    profile("exactly at the grace", "one report 60 s ahead is still within the grace: paid", at_grace),
];

fn too_high(script: &mut Script<'_>) {
    jump(script, script.start(8 * DAY), 300);
}

fn too_low(script: &mut Script<'_>) {
    jump(script, script.start(9 * DAY), -300);
}

fn too_high_after(script: &mut Script<'_>) {
    jump(script, script.end(0), 300);
}

fn too_low_after(script: &mut Script<'_>) {
    jump(script, script.end(0), -300);
}

/// From `time` on the counter is off by `by` seconds.
fn jump(script: &mut Script<'_>, time: u64, by: i64) {
    script.up_until(time);
    script.ahead += by;
    script.up_from(time + 20 * MINUTE);
}

/// Neither node reports again behind the end once it has its violation: a second one there is a hazard.
fn invalid_reboot(script: &mut Script<'_>) {
    let time = script.start(10 * DAY);
    script.up_until(time);
    forget_days(script);
    script.up(time + 20 * MINUTE, script.end(0) - HOUR);
}

fn invalid_after(script: &mut Script<'_>) {
    script.up_until(script.end(0));
    forget_days(script);
    script.report(script.end(20 * MINUTE));
}

/// The node claims to have booted five days later than it did.
fn forget_days(script: &mut Script<'_>) {
    script.booted += 5 * DAY;
}

fn clock_skew(script: &mut Script<'_>) {
    let from = script.start(3 * DAY);
    script.up_until(from);
    script.drift = 5;
    script.up_from(from + 20 * MINUTE);
}

fn twice(script: &mut Script<'_>) {
    let time = script.start(11 * DAY + 5 * HOUR);
    script.up_until(time);
    let booted = script.booted;
    script.claim(time, |uptime| uptime);
    // Whatever the first report took on its way, the second shows one second less than it can have shown.
    script.booted = booted + 6;
    script.claim(time, |uptime| uptime);
    script.booted = booted;
    script.up_from(time + REPORT_EVERY);
}

fn at_grace(script: &mut Script<'_>) {
    let time = script.start(14 * DAY);
    script.up_until(time);
    let next = time + 20 * MINUTE;
    script.claim(next, |uptime| uptime + 54);
    script.up_from(next + REPORT_EVERY);
}
