//! Reports and power changes after the period.

use super::*;
use crate::minting::Outcome;
use crate::minting::finding::{SECOND_VIOLATION, TIME_RUNS_BACKWARDS};

/// A time after the end of the period.
fn after_end(seconds: i64) -> i64 {
    DURATION + seconds
}

/// Up since 100,000 s before the start, with one report so many seconds before the end: 2460 s earned.
fn reported_before_end(seconds: i64) -> Scene {
    Scene::new().reports_since(-100_000, &[after_end(-seconds)])
}

/// Uptime that such a node claims so many seconds after the end.
fn uptime_at(seconds: i64) -> u64 {
    u64::try_from(after_end(seconds) + 100_000).unwrap()
}

#[test]
fn a_node_that_runs_on_earns_what_is_missing_up_to_the_end() {
    let end = reported_before_end(1_000).report(after_end(1_400), uptime_at(1_400)).close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
    // 3000 s are missing, of which one report earns 2460 s.
    let end = reported_before_end(3_000).report(after_end(600), uptime_at(600)).close();
    assert_eq!(end.clean_uptime(), 2_460 + 2_460);
}

#[test]
fn only_the_first_report_after_the_end_counts() {
    let end = reported_before_end(1_000)
        .report(after_end(1_400), uptime_at(1_400))
        .report(after_end(2_000), 1)
        .report(after_end(3_800), uptime_at(3_800) + 500)
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
}

#[test]
fn a_report_in_the_last_block_counts_to_its_own_time_and_completes_the_node() {
    // 1006 s since the report before, 6 of them after the end.
    let end = reported_before_end(1_000)
        .report(after_end(6), uptime_at(6))
        .report(after_end(2_406), uptime_at(2_406) + 1_000)
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_006);
}

#[test]
fn a_report_exactly_at_the_end_completes_the_node() {
    let end = reported_before_end(1_000)
        .report(after_end(0), uptime_at(0))
        .report(after_end(2_400), uptime_at(2_400))
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
}

#[test]
fn a_node_that_never_reported_in_the_period_earns_nothing_after_it() {
    let end = Scene::new().report(after_end(1_400), 100_000).close();
    assert_eq!(end.clean_uptime(), 0);
    assert_eq!(end.node().outcome, Outcome::NoUptime);
}

#[test]
fn growth_too_large_is_a_violation_and_completes_the_node() {
    // 2400 s passed, 2461 s grown; the reports after it are not read.
    let end = reported_before_end(1_000)
        .report(after_end(1_400), uptime_at(1_400) + 61)
        .report(after_end(3_800), 1)
        .close();
    assert_eq!((end.uptime(), end.kind()), (2_460, Some(ViolationKind::UptimeTooHigh)));
}

#[test]
fn growth_within_the_grace_is_fine() {
    let end = reported_before_end(1_000).report(after_end(1_400), uptime_at(1_400) + 60).close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
}

#[test]
fn growth_too_small_is_a_violation() {
    let end = reported_before_end(1_000).report(after_end(1_400), uptime_at(1_400) - 61).close();
    assert_eq!((end.uptime(), end.kind()), (2_460, Some(ViolationKind::UptimeTooLow)));
}

#[test]
fn a_reboot_earns_the_part_of_the_new_uptime_before_the_end() {
    // Up for 2000 s, 1400 s of them after the end.
    let end = reported_before_end(1_000).report(after_end(1_400), 2_000).close();
    assert_eq!(end.clean_uptime(), 2_460 + 600);
    // Booted in the second of the end, and one second before it.
    assert_eq!(reported_before_end(1_000).report(after_end(1_400), 1_400).close().clean_uptime(), 2_460);
    assert_eq!(reported_before_end(1_000).report(after_end(1_400), 1_401).close().clean_uptime(), 2_461);
    // At most 2460 s: booted 3000 s before the end.
    let end = reported_before_end(4_000).report(after_end(1_000), 4_000).close();
    assert_eq!(end.clean_uptime(), 2_460 + 2_460);
}

#[test]
fn a_reboot_completes_the_node() {
    let end = reported_before_end(1_000).report(after_end(1_400), 2_000).report(after_end(2_000), 1).close();
    assert_eq!(end.clean_uptime(), 2_460 + 600);
}

#[test]
fn a_boot_before_the_last_report_is_a_violation() {
    // 2400 s passed, 2401 s claimed.
    let end = reported_before_end(1_000).report(after_end(1_400), 2_401).close();
    assert_eq!((end.uptime(), end.kind()), (2_460, Some(ViolationKind::InvalidReboot)));
    assert_eq!(end.findings(), &[]);
}

#[test]
fn a_second_invalid_reboot_is_a_finding_and_leaves_the_first_violation() {
    let end = reported_before_end(1_000)
        .report(after_end(1_400), 2_401)
        .report(after_end(1_406), 2_500)
        .report(after_end(1_412), 2_501)
        .close();
    let text = end.violation().unwrap().to_string();
    assert!(text.contains("new datapoint (1738234560 - 2401)"), "{text}");
    // Both are listed, the third invalid reboot as well as the second.
    let findings: Vec<_> = end.findings().iter().map(|f| (f.rule, f.node, f.block)).collect();
    let at = |time| (SECOND_VIOLATION, Some(NODE), Some(block_at(time)));
    assert_eq!(findings, [at(after_end(1_406)), at(after_end(1_412))]);
}

#[test]
fn growth_too_small_after_a_violation_is_no_finding() {
    let end = reported_before_end(1_000)
        .report(after_end(1_400), 2_401)
        .report(after_end(1_406), uptime_at(1_406) - 100)
        .close();
    assert_eq!((end.kind(), end.findings()), (Some(ViolationKind::InvalidReboot), &[][..]));
}

#[test]
fn clock_skew_is_seen_after_the_period_too() {
    // 60 s off before the end, 120 s off after it.
    let end = reported_before_end(5_000)
        .report(after_end(-2_600), uptime_at(-2_600) + 60)
        .report(after_end(-200), uptime_at(-200) + 119)
        .report(after_end(2_200), uptime_at(2_200) + 120)
        .close();
    assert_eq!(end.kind(), Some(ViolationKind::ClockSkew));
    // 2460 for the first report, 2460, 2459, then the 200 s up to the end.
    assert_eq!(end.uptime(), 2_460 + 2_460 + 2_459 + 200);
}

/// Reports 600 s before it falls asleep, so many seconds before the end: 2460 + 600 s earned.
fn asleep_before_end(seconds: i64) -> Scene {
    reported_before_end(seconds + 600).sleep(after_end(-seconds))
}

#[test]
fn a_sleep_that_ends_after_the_period_counts_up_to_its_end() {
    // Asleep 10000 s before the end, asked 4500 s before it, booted 4000 s before it, reports 60 s after it.
    let end = asleep_before_end(10_000).wake(after_end(-4_500)).report(after_end(60), 4_060).close();
    assert_eq!(end.clean_uptime(), 3_060 + 10_000);
    // Also if it is asked after the end.
    let end = asleep_before_end(10_000).wake(after_end(60)).report(after_end(1_000), 600).close();
    assert_eq!(end.clean_uptime(), 3_060 + 10_000);
}

#[test]
fn a_sleep_over_the_whole_period_would_count_from_its_start() {
    // Asleep before the start, and the limit on sleep lifted: the whole period counts, and no more.
    let rules = Rules { sleep_max_secs: Some(u32::MAX), ..Rules::r81() };
    let power = StartPower {
        power: NodePower { state: PowerState::Down(1), target: PowerTarget::Down },
        down_since: Some(START - 1_000),
    };
    let start =
        StartState { nodes: vec![node(NODE)], power: [(NODE, power)].into(), ..StartState::default() };
    let end = Scene::with(&rules, start).wake(after_end(60)).report(after_end(600), 300).close();
    assert_eq!(end.clean_uptime(), 2_630_880);
}

#[test]
fn the_boot_is_not_compared_with_the_sleep_after_the_period() {
    // Claims to be up since before the sleep; in the period that report would not be read.
    let end = asleep_before_end(10_000).wake(after_end(-4_500)).report(after_end(60), 50_000).close();
    assert_eq!(end.clean_uptime(), 3_060 + 10_000);
}

#[test]
fn a_sleep_too_long_or_a_boot_too_late_earns_nothing_after_the_period() {
    // 80000 + 6400 s of sleep are fine, one more is not.
    let slept = |until: i64| {
        asleep_before_end(80_000).wake(after_end(until - 100)).report(after_end(until), 50).close().uptime()
    };
    assert_eq!((slept(6_400), slept(6_401)), (3_060 + 80_000, 3_060));
    // Asked 4500 s before the end; boots 1800 s and 1801 s later.
    let booted = |uptime: u64| {
        asleep_before_end(10_000).wake(after_end(-4_500)).report(after_end(60), uptime).close().uptime()
    };
    assert_eq!((booted(2_760), booted(2_759)), (3_060 + 10_000, 3_060));
}

#[test]
fn late_boots_after_the_period_are_counted() {
    let scene = Scene::counting_late_boots().reports_since(-100_000, &[after_end(-10_600)]);
    let end = scene.sleep(after_end(-10_000)).wake(after_end(-4_500)).report(after_end(60), 2_759).close();
    assert_eq!(end.late_boots(), 1);
}

#[test]
fn after_it_woke_up_the_node_is_complete() {
    let end = asleep_before_end(10_000)
        .wake(after_end(-4_500))
        .report(after_end(60), 4_060)
        .report(after_end(66), 1)
        .close();
    assert_eq!(end.clean_uptime(), 3_060 + 10_000);
}

#[test]
fn a_sleep_after_the_end_earns_nothing_and_takes_nothing() {
    // The report after the sleep would have to reach back over the end: nothing of the sleep lies before it.
    let end = reported_before_end(1_000)
        .sleep(after_end(12))
        .wake(after_end(100))
        .report(after_end(1_000), 600)
        .close();
    assert_eq!(end.clean_uptime(), 2_460);
}

#[test]
fn a_sleeping_node_that_reported_after_the_end_is_complete() {
    // It fell asleep in the last block, which credited it up to there: 2460 + 1006.
    let end = reported_before_end(1_000)
        .sleep(after_end(6))
        .wake(after_end(100))
        .report(after_end(1_000), 600)
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_006);
}

#[test]
fn a_sleep_credited_exactly_up_to_the_end_can_still_end_after_it() {
    // The last report lies at the end, not after it. Of the sleep no second lies in the period.
    let end = reported_before_end(1_000)
        .sleep(after_end(0))
        .wake(after_end(100))
        .report(after_end(1_000), 600)
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
}

#[test]
fn reports_without_a_request_or_without_a_sleep_are_not_read() {
    let manual = asleep_before_end(10_000).report(after_end(60), 4_060).close();
    assert_eq!(manual.clean_uptime(), 3_060);
    // The node goes down while it is to be up, and is asked to wake up.
    let crashed = reported_before_end(1_000)
        .down(after_end(-500))
        .wake(after_end(-400))
        .report(after_end(60), 300)
        .close();
    assert_eq!(crashed.clean_uptime(), 2_460);
}

#[test]
fn a_report_before_its_own_sleep_is_a_finding_and_earns_nothing() {
    let now = u64::try_from(START + after_end(-10_001)).unwrap();
    let event = Event::NodeUptimeReported { node: NODE, now, uptime: 60 };
    let end = asleep_before_end(10_000).wake(after_end(-4_500)).event(after_end(60), &event).close();
    assert_eq!(end.uptime(), 3_060);
    assert_eq!(end.findings().iter().map(|finding| finding.rule).collect::<Vec<_>>(), [TIME_RUNS_BACKWARDS]);
}

#[test]
fn other_events_after_the_period_change_nothing() {
    let mut renewed = node(NODE);
    renewed.virtualized = true;
    let end = reported_before_end(1_000)
        .event(after_end(60), &Event::NodeUpdated(Box::new(renewed.clone())))
        .event(after_end(66), &Event::NodeStored(Box::new(renewed)))
        .report(after_end(1_400), uptime_at(1_400))
        .close();
    assert_eq!(end.clean_uptime(), 2_460 + 1_000);
    assert!(!end.node().node.virtualized);
}

#[test]
fn unknown_nodes_after_the_period_are_nothing_to_wonder_about() {
    let end = Scene::new()
        .event(after_end(60), &Event::NodeUptimeReported { node: 9, now: 1, uptime: 1 })
        .event(after_end(60), &Event::PowerTargetChanged { node: 9, target: PowerTarget::Up })
        .event(after_end(60), &Event::PowerStateChanged { node: 9, state: PowerState::Up })
        .close();
    assert_eq!(end.findings(), &[]);
}
