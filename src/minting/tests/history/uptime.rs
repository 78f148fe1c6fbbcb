//! Parameters of uptime and power management.

use super::*;
use crate::minting::{Mismatch, SeenEarly};

/// Growth of 300 s beside the time is within the grace of the lenient sets; 301 s is too high and credited.
#[test]
fn uptime_grace_secs() {
    // 1000 s from the start, then 2000 + 300 s more.
    let end = scene("r62-lenient").report(1_000, 1_000).report(3_000, 3_300).close();
    assert_eq!(end.clean_uptime(), 1_000 + 2_300);
    let end = scene("r67").report(1_000, 1_000).report(3_000, 3_061).close();
    assert_eq!(end.kind(), Some(ViolationKind::UptimeTooHigh));
}

#[test]
fn clock_skew_limit_secs() {
    // The boot moves by 2 * 60 s in steps within the grace.
    let drift = |name| scene(name).report(1_000, 1_000).report(2_000, 2_060).report(3_000, 3_120).close();
    assert_eq!(drift("r67").kind(), Some(ViolationKind::ClockSkew));
    assert_eq!(drift("r60-strict").kind(), None);
}

#[test]
fn report_credit_max_secs() {
    // 10000 s between two reports: all of them without a cap, 2460 s with it; so the first 1000 s.
    let reports = |name| scene(name).report(1_000, 1_000).report(11_000, 11_000).close().clean_uptime();
    assert_eq!(reports("r62-lenient"), 11_000);
    assert_eq!(reports("r60-strict"), 1_000 + 2_460);
}

#[test]
fn too_high() {
    // 2301 s of growth in 2000 s: more than the grace of 300 s.
    let rules = Rules::named("r62-lenient").unwrap();
    let reports = |rules: &Rules| scene_of(rules).report(1_000, 1_000).report(3_000, 3_301).close();
    assert_eq!(reports(&rules).clean_uptime(), 3_301);
    let strict = reports(&Rules { too_high: Mismatch::Violation, ..rules });
    assert_eq!((strict.kind(), strict.uptime()), (Some(ViolationKind::UptimeTooHigh), 1_000));
}

#[test]
fn too_low() {
    // 500 s of growth in 1000 s, and no boot after the last report: 1500 > 1000.
    let rules = Rules::named("r62-lenient").unwrap();
    let reports = |rules: &Rules| scene_of(rules).report(1_000, 1_000).report(2_000, 1_500).close();
    assert_eq!(reports(&rules).clean_uptime(), 1_500);
    let strict = reports(&Rules { too_low: Mismatch::Violation, ..rules });
    assert_eq!((strict.kind(), strict.uptime()), (Some(ViolationKind::UptimeTooLow), 1_000));
}

/// A sleep of 25 hours and not a second more, without any request to wake up.
#[test]
fn sleep_max_secs() {
    let slept = |name, secs: i64| {
        let woken = 10_000 + secs;
        scene(name).report(10_000, 10_000).sleep(10_000).report(woken, 100).close().clean_uptime()
    };
    assert_eq!(slept("r62-lenient", 90_000), 10_000 + 90_000);
    assert_eq!(slept("r62-lenient", 90_001), 10_000);
    assert_eq!(slept("r60-strict", 86_400), 2_460 + 86_400);
    assert_eq!(slept("r60-strict", 86_401), 2_460);
    // Before power management the node rebooted after a long time: only the time since its boot counts.
    assert_eq!(slept("r58", 90_000), 10_000 + 100);
}

/// A node asleep from day 3 to day 5 of a time range around the outage: the whole sleep counts.
#[test]
fn sleep_waiver() {
    let (first, outage) = (1_721_046_600 - 86_400, 1_721_404_800);
    let slept = |rules: &Rules, asleep: i64, woken: i64| {
        let period = Period::range(1_719_817_000, 1_722_447_880).unwrap();
        let bounds = Boundaries { period, first_block_time: period.start + 6, ..bounds() };
        let start = StartState { nodes: vec![node(NODE)], ..StartState::default() };
        let mut fold = Fold::new(rules, &bounds, start);
        let mut apply = |at: i64, event: Event| fold.apply(FIRST_BLOCK, at, &event);
        apply(asleep, Event::PowerTargetChanged { node: NODE, target: PowerTarget::Down });
        apply(asleep, Event::PowerStateChanged { node: NODE, state: PowerState::Down(1) });
        apply(woken - 60, Event::PowerTargetChanged { node: NODE, target: PowerTarget::Up });
        let now = u64::try_from(woken).unwrap();
        apply(woken, Event::NodeUptimeReported { node: NODE, now, uptime: 30 });
        End(fold.close(&end_state())).uptime()
    };
    let with = Rules::named("r75-fix").unwrap();
    let without = Rules::named("r73-fix").unwrap();
    assert_eq!(slept(&with, first, first + 172_800), 172_800);
    assert_eq!(slept(&without, first, first + 172_800), 0);
    // Asleep a second too early, or from the end of the outage on.
    assert_eq!(slept(&with, first - 1, first + 172_800), 0);
    assert_eq!(slept(&with, outage, outage + 86_401), 0);
    // Woken a day after the end of the outage, or a second before.
    assert_eq!(slept(&with, outage - 1, outage + 86_400), 0);
    assert_eq!(slept(&with, outage - 2, outage + 86_399), 86_401);
}

/// Without a limit on boots, no request is needed; with it, the reports of a node nobody woke are not read.
#[test]
fn boot_max_secs() {
    let woken = |name| scene(name).report(1_000, 1_000).sleep(1_000).report(5_000, 100).close();
    assert_eq!(woken("r62-lenient").clean_uptime(), 5_000);
    assert_eq!(woken("r67").clean_uptime(), 1_000);
}

/// Asked at 2000 s, booted at 3801 s: a second late.
#[test]
fn late_boot() {
    let late = |name| scene(name).report(1_000, 1_000).sleep(1_000).wake(2_000).report(4_000, 199).close();
    let violated = late("r67");
    let expected = "Power managed node requested to boot at 1735604280 but only booted at 1735606081";
    assert_eq!(text(&violated, "r67"), expected);
    // The sleep of 3000 s counts all the same.
    assert_eq!(violated.uptime(), 4_000);
    assert_eq!(late("r67-noslash").clean_uptime(), 4_000);
    // Since period 73 one late boot costs only the sleep.
    assert_eq!(late("r73").clean_uptime(), 1_000);
}

#[test]
fn late_boot_that_never_comes() {
    let end = scene("r67").report(1_000, 1_000).sleep(1_000).wake(2_000).close();
    assert_eq!(text(&end, "r67"), "Power managed node requested to boot at 1735604280 but never booted");
    assert_eq!(scene("r67-noslash").report(1_000, 1_000).sleep(1_000).wake(2_000).close().kind(), None);
}

/// Two late boots after sleeps of more than a day: in period 73 the length of the sleep is tested first.
#[test]
fn late_boot_after_long_sleep() {
    let scene = |name| {
        scene(name)
            .report(1_000, 1_000)
            .sleep(1_000)
            .wake(100_000)
            .report(110_000, 100)
            .sleep(110_000)
            .wake(210_000)
            .report(220_000, 100)
            .close()
    };
    assert_eq!(scene("r73").kind(), None);
    assert_eq!(scene("r74").kind(), Some(ViolationKind::BootRequestExpired));
}

/// A node is put to sleep after the end; its report is then one of a node that sleeps, or one like any other.
#[test]
fn post_period_power() {
    let last = DURATION - 1_000;
    let slept = |name| {
        let scene = scene(name).report(last, u64::try_from(last).unwrap());
        scene.sleep(DURATION + 60).report(DURATION + 200, u64::try_from(DURATION + 200).unwrap())
    };
    assert_eq!(slept("r73").close().clean_uptime(), 2_460 + 1_000);
    assert_eq!(slept("r81").close().clean_uptime(), 2_460);
}

/// A node seen since 29 January 2022 is paid in full for a little more than six hours.
#[test]
fn seen_early() {
    let rules = Rules::named("r45").unwrap();
    let early =
        Rules { seen_early: Some(SeenEarly { since: START + 21_601, uptime_over_secs: 21_600 }), ..rules };
    let musd = |at| up_until(scene_of(&early), at).close().receipt().reward.musd;
    assert_eq!((musd(21_600), musd(21_601)), (0, 20_800));
}

/// A node that goes to sleep in the last block, 6 s after the end, and reports again.
#[test]
fn a_sleep_in_the_last_block_is_a_finding() {
    let findings = |name| {
        let scene = scene(name).report(1_000, 1_000).sleep(DURATION + 6);
        let end = scene.report(DURATION + 3_600, 60).close();
        end.findings().iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(findings("r62-lenient"), ["asleep-in-last-block"]);
    assert_eq!(findings("r60-strict"), ["asleep-in-last-block"]);
    assert!(findings("r74").is_empty());
}

/// 5000 s of growth in 1000 s; then a report that fits the first one, but not the second.
#[test]
fn too_high_that_is_not_read() {
    let end = |name| scene(name).report(1_000, 1_000).report(2_000, 6_000).report(3_000, 3_000).close();
    let ignored = end("r46");
    assert_eq!((ignored.kind(), ignored.uptime()), (Some(ViolationKind::UptimeTooHigh), 3_000));
    // The report of 6000 s counts as the last one: 3000 s are fewer, and more than the 1000 s since then.
    let read = end("r60-strict");
    assert_eq!((read.kind(), read.uptime()), (Some(ViolationKind::UptimeTooHigh), 1_000));
}

/// Two boots 1900 s after the request.
#[test]
fn late_boots_allowed() {
    let late = |rules: &Rules| {
        let scene = scene_of(rules).report(1_000, 1_000).sleep(1_000).wake(2_000).report(4_000, 100);
        scene.sleep(4_000).wake(5_000).report(7_000, 100).close().kind()
    };
    let rules = Rules::named("r73").unwrap();
    assert_eq!(late(&rules), Some(ViolationKind::BootRequestExpired));
    assert_eq!(late(&Rules { late_boots_allowed: 2, ..rules }), None);
}

/// An invalid reboot in the last block, 6 s after the end, is found twice; what is credited is credited once.
#[test]
fn last_block_twice() {
    let end = |name, uptime| scene(name).report(DURATION - 500, 2_000).report(DURATION + 6, uptime).close();
    assert_eq!(end("r52", 1_900).findings().len(), 1);
    assert_eq!(end("r58", 1_900).findings().len(), 0);
    assert_eq!(end("r52", 2_506).clean_uptime(), 2_506);
    assert_eq!(end("r58", 2_506).clean_uptime(), 2_506);
}
