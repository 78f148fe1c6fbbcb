//! Nodes that a farmer puts to sleep and wakes up.

use super::{Profile, profile};
use crate::scenario::script::{DAY, HOUR, MINUTE, REPORT_EVERY, Script};

/// All of them.
pub const PROFILES: &[Profile] = &[
    profile("sleeps every day", "woken within 24 h, boots within minutes: sleep is paid", sleeps_daily),
    profile("boots late once", "90 min to boot: that sleep is lost, no violation", late_once),
    profile("boots late twice", "two late boots: violation, nothing", late_twice),
    profile("sleeps too long", "30 h asleep: that sleep is lost", too_long),
    profile("asleep at the start", "asleep since before the period, woken in time: paid", asleep_at_start),
    profile(
        "asked at the start",
        "asleep with target up at the start: a boot soon after counts",
        asked_at_start,
    ),
    profile(
        "dead at the start",
        "asleep with target up at the start, never boots: no violation",
        dead_at_start,
    ),
    profile("wakes by itself", "boots without a request: its reports are ignored", wakes_itself),
    profile("never answers", "asked once, never boots: one late boot, no violation", never_answers),
    profile("never answers after a late boot", "two late boots: violation", never_answers_after_late),
    profile("wakes behind the end", "asleep at the end, woken in the window: sleep is paid", wakes_after),
    profile("boots late behind the end", "90 min to boot in the window: that sleep is lost", late_after),
    profile("asked behind the end", "asked in the window, never boots: no late boot", asked_after),
    profile("sleeps behind the end", "falls asleep in the window: no matter", sleeps_after),
    profile("down twice", "says twice that it goes down: the first one counts", down_twice),
    profile("down without being asked", "goes down with target up: not asleep, time is lost", unasked),
    profile(
        "asked twice",
        "the first request counts, so the boot is late and that sleep is lost",
        asked_twice,
    ),
];

/// Time from the request to the boot of a node that behaves.
const BOOT: u64 = 4 * MINUTE;
/// Time from the request to a boot that is late.
const LATE_BOOT: u64 = 90 * MINUTE;

/// Sleeps at `time`, is asked after `asleep` seconds, boots `boot` seconds later, and tells when it next
/// reports.
fn sleep_and_wake(script: &mut Script<'_>, time: u64, asleep: u64, boot: u64) -> u64 {
    script.sleep(time);
    script.wake(time + asleep);
    script.boot(time + asleep + boot);
    time + asleep + boot + REPORT_EVERY
}

fn sleeps_daily(script: &mut Script<'_>) {
    let mut from = script.first_report();
    for day in 1..30 {
        let evening = script.start(day * DAY);
        script.up(from, evening);
        from = sleep_and_wake(script, evening, 20 * HOUR, BOOT);
    }
    script.up_from(from);
}

/// One sleep per entry of `boots`, each with this time to boot.
fn sleeps(script: &mut Script<'_>, boots: &[u64]) -> u64 {
    let mut from = script.first_report();
    for (boot, week) in boots.iter().zip(1..) {
        let evening = script.start(week * 7 * DAY);
        script.up(from, evening);
        from = sleep_and_wake(script, evening, 10 * HOUR, *boot);
    }
    from
}

fn late_once(script: &mut Script<'_>) {
    let from = sleeps(script, &[BOOT, LATE_BOOT]);
    script.up_from(from);
}

fn late_twice(script: &mut Script<'_>) {
    let from = sleeps(script, &[LATE_BOOT, LATE_BOOT]);
    script.up_from(from);
}

fn too_long(script: &mut Script<'_>) {
    let evening = script.start(6 * DAY);
    script.up_until(evening);
    let from = sleep_and_wake(script, evening, 30 * HOUR, BOOT);
    script.up_from(from);
}

fn asleep_at_start(script: &mut Script<'_>) {
    let evening = script.start(0) - 6 * HOUR;
    script.up_until(evening);
    let from = sleep_and_wake(script, evening, 16 * HOUR, BOOT);
    script.up_from(from);
}

fn asked_at_start(script: &mut Script<'_>) {
    let evening = script.start(0) - 6 * HOUR;
    script.up_until(evening);
    script.sleep(evening);
    script.wake(script.start(0) - 20 * MINUTE);
    let boot = script.start_block_time() + BOOT;
    script.boot(boot);
    script.up_from(boot + REPORT_EVERY);
}

fn dead_at_start(script: &mut Script<'_>) {
    let evening = script.start(0) - 12 * HOUR;
    script.up_until(evening);
    script.sleep(evening);
    script.wake(evening + HOUR);
}

fn wakes_itself(script: &mut Script<'_>) {
    let evening = script.start(16 * DAY);
    script.up_until(evening);
    script.sleep(evening);
    script.boot(evening + 3 * HOUR);
    script.up_from(evening + 3 * HOUR + REPORT_EVERY);
}

fn never_answers(script: &mut Script<'_>) {
    let evening = script.start(28 * DAY + 12 * HOUR);
    script.up_until(evening);
    script.sleep(evening);
    script.wake(evening + 12 * HOUR);
}

fn never_answers_after_late(script: &mut Script<'_>) {
    let from = sleeps(script, &[LATE_BOOT]);
    let evening = script.start(29 * DAY);
    script.up(from, evening);
    script.sleep(evening);
    script.wake(evening + 6 * HOUR);
}

fn wakes_after(script: &mut Script<'_>) {
    let evening = script.end(0) - 10 * HOUR;
    script.up_until(evening);
    let from = sleep_and_wake(script, evening, 14 * HOUR, BOOT);
    script.up_from(from);
}

fn late_after(script: &mut Script<'_>) {
    let evening = script.end(0) - 10 * HOUR;
    script.up_until(evening);
    let from = sleep_and_wake(script, evening, 14 * HOUR, LATE_BOOT);
    script.up_from(from);
}

fn asked_after(script: &mut Script<'_>) {
    let evening = script.end(0) - 8 * HOUR;
    script.up_until(evening);
    script.sleep(evening);
    script.wake(script.end(2 * HOUR));
}

fn sleeps_after(script: &mut Script<'_>) {
    let evening = script.end(4 * HOUR);
    script.up_until(evening);
    script.sleep(evening);
}

fn down_twice(script: &mut Script<'_>) {
    let evening = script.start(13 * DAY);
    script.up_until(evening);
    script.sleep(evening);
    script.go_down(evening + 2 * HOUR);
    script.wake(evening + 12 * HOUR);
    script.boot(evening + 12 * HOUR + BOOT);
    script.up_from(evening + 12 * HOUR + BOOT + REPORT_EVERY);
}

fn unasked(script: &mut Script<'_>) {
    let evening = script.start(17 * DAY);
    script.up_until(evening);
    script.go_down(evening);
    script.boot(evening + 8 * HOUR);
    script.up_from(evening + 8 * HOUR + REPORT_EVERY);
}

fn asked_twice(script: &mut Script<'_>) {
    let evening = script.start(18 * DAY);
    script.up_until(evening);
    script.sleep(evening);
    script.wake(evening + 9 * HOUR);
    script.wake(evening + 10 * HOUR);
    script.boot(evening + 10 * HOUR + BOOT);
    script.up_from(evening + 10 * HOUR + BOOT + REPORT_EVERY);
}
