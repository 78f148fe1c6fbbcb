//! Uptime reports in the period.

use super::*;
use crate::minting::DataPoint;

/// Reports `(time, uptime)`, then the uptime earned and the violation expected.
fn check(reports: &[(i64, u64)], uptime: u64, violation: Option<ViolationKind>) {
    let scene = reports.iter().fold(Scene::new(), |scene, &(at, uptime)| scene.report(at, uptime));
    let end = scene.close();
    assert_eq!((end.uptime(), end.kind()), (uptime, violation), "{reports:?}");
    assert_eq!(end.findings(), &[]);
}

#[test]
fn the_first_report_earns_what_it_says_about_the_period_up_to_the_cap() {
    check(&[(600, 500)], 500, None);
    // Up since before the period: only the 600 s since its start count.
    check(&[(600, 1_000)], 600, None);
    // 9000 s, but one report earns 2460 s at most.
    check(&[(9_000, 9_000)], 2_460, None);
    check(&[(2_460, 9_000)], 2_460, None);
    check(&[(2_461, 9_000)], 2_460, None);
}

#[test]
fn a_report_that_fits_the_time_earns_the_growth_of_the_uptime() {
    // 600 + (3400 - 1000)
    check(&[(600, 1_000), (3_000, 3_400)], 3_000, None);
    // The growth is 60 s more than the 2400 s that passed: 600 + 2460.
    check(&[(600, 1_000), (3_000, 3_460)], 3_060, None);
    // 60 s less: 600 + 2340.
    check(&[(600, 1_000), (3_000, 3_340)], 2_940, None);
}

#[test]
fn one_report_earns_at_most_2460_seconds() {
    check(&[(600, 1_000), (3_060, 3_460)], 600 + 2_460, None);
    check(&[(600, 1_000), (3_061, 3_461)], 600 + 2_460, None);
    // Silent for ten hours, but not rebooted.
    check(&[(600, 1_000), (36_600, 37_000)], 600 + 2_460, None);
}

#[test]
fn growth_of_61_seconds_too_much_is_a_violation_that_earns_nothing_but_is_remembered() {
    let too_high = Some(ViolationKind::UptimeTooHigh);
    check(&[(600, 1_000), (3_000, 3_461)], 600, too_high);
    // The next report is compared with the one that violated: 600 + 0 + 2400.
    check(&[(600, 1_000), (3_000, 3_461), (5_400, 5_861)], 3_000, too_high);
}

#[test]
fn a_report_that_grows_too_much_does_not_move_the_boot() {
    // The boot stays at -400. The report at 5400 implies 5400 - 6000 = -600, which is 200 s off; but the
    // first violation stands.
    let end = Scene::new().report(600, 1_000).report(3_000, 3_600).report(5_400, 6_000).close();
    assert_eq!(end.kind(), Some(ViolationKind::UptimeTooHigh));
    assert_eq!(end.uptime(), 600 + 2_400);
}

#[test]
fn growth_of_61_seconds_too_little_is_a_violation_that_is_not_remembered() {
    let too_low = Some(ViolationKind::UptimeTooLow);
    check(&[(600, 1_000), (3_000, 3_339)], 600, too_low);
    // The next report is compared with the one before the violation: 4800 s passed and are claimed, of which
    // 2460 s are earned.
    check(&[(600, 1_000), (3_000, 3_339), (5_400, 5_800)], 600 + 2_460, too_low);
}

#[test]
fn a_reboot_earns_the_time_since_the_boot() {
    check(&[(600, 1_000), (3_000, 100)], 600 + 100, None);
    // From there on the node is compared with its new boot: 2400 s more.
    check(&[(600, 1_000), (3_000, 100), (5_400, 2_500)], 600 + 100 + 2_400, None);
    // At most 2460 s: it booted 6000 s ago, right after the last report.
    check(&[(600, 10_000), (6_600, 6_000)], 600 + 2_460, None);
}

#[test]
fn a_boot_before_the_last_report_is_a_violation_that_is_not_remembered() {
    let invalid = Some(ViolationKind::InvalidReboot);
    // Booted in the very second of the last report.
    check(&[(600, 5_000), (3_000, 2_400)], 600 + 2_400, None);
    // Booted one second before it, though that report claimed 5000 s.
    check(&[(600, 5_000), (3_000, 2_401)], 600, invalid);
    // The report at 600 is still the last one: 4800 s passed and are claimed.
    check(&[(600, 5_000), (3_000, 2_401), (5_400, 9_800)], 600 + 2_460, invalid);
}

#[test]
fn an_older_report_in_the_same_or_the_next_block_is_an_invalid_reboot() {
    // It fits the time within the grace, but does not grow, and its boot is not after the last report.
    let invalid = Some(ViolationKind::InvalidReboot);
    check(&[(600, 1_000), (600, 999)], 600, invalid);
    check(&[(600, 1_000), (606, 999)], 600, invalid);
    check(&[(600, 1_000), (606, 1_000)], 600, invalid);
    // One second of growth is enough.
    check(&[(600, 1_000), (606, 1_001)], 601, None);
}

#[test]
fn a_young_node_that_reports_less_within_the_grace_has_rebooted() {
    // 40 s passed, the uptime shrank by 10 s: within 60 s, but not grown. 20 <= 40 is a boot since.
    check(&[(600, 30), (640, 20)], 30 + 20, None);
}

#[test]
fn a_boot_time_that_moves_by_two_minutes_is_clock_skew_but_still_earns() {
    // The boot is seen at 600 - 1000 = -400; then at -460 and -519, which is 119 s off.
    check(&[(600, 1_000), (3_000, 3_460), (5_400, 5_919)], 600 + 2_460 + 2_459, None);
    // -520: 120 s off.
    let skew = Some(ViolationKind::ClockSkew);
    check(&[(600, 1_000), (3_000, 3_460), (5_400, 5_920)], 600 + 2_460 + 2_460, skew);
    // The other way: -340, then -280.
    check(&[(600, 1_000), (3_000, 3_340), (5_400, 5_680)], 600 + 2_340 + 2_340, skew);
}

#[test]
fn clock_skew_is_measured_against_the_boot_first_seen_of_this_boot() {
    // -400, -460, then a reboot at 5000, then 60 s off again.
    check(&[(600, 1_000), (3_000, 3_460), (5_400, 400), (7_800, 2_860)], 600 + 2_460 + 400 + 2_460, None);
}

#[test]
fn violations_quote_both_reports_and_the_block() {
    let end = Scene::new().report(600, 1_000).report(3_000, 3_461).close();
    let violation = end.violation().unwrap();
    assert_eq!(
        violation,
        Violation::UptimeTooHigh {
            previous: DataPoint { at: i128::from(START) + 600, uptime: 1_000 },
            reported: DataPoint { at: i128::from(START) + 3_000, uptime: 3_461 },
            // The block at 6 s is 1000, and each takes 6 s: 1000 + (3000 - 6) / 6.
            block: 1_499,
        }
    );
    assert_eq!(
        violation.to_string(),
        "Node uptime increased more than time increased | Previous datapoint (1735602880 - 1000) new datapoint \
         (1735605280 - 3461) in block 1499"
    );
}

#[test]
fn texts_of_violations_are_those_of_the_reference_implementation() {
    let text = |reports: &[(i64, u64)]| {
        let scene = reports.iter().fold(Scene::new(), |scene, &(at, uptime)| scene.report(at, uptime));
        scene.close().violation().unwrap().to_string()
    };
    assert_eq!(
        text(&[(600, 1_000), (3_000, 3_339)]),
        "Node uptime increased less than time increased and node was not rebooted | Previous datapoint \
         (1735602880 - 1000) new datapoint (1735605280 - 3339) in block 1499"
    );
    assert_eq!(
        text(&[(600, 5_000), (3_000, 2_401)]),
        "Node rebooted before the previous uptime report | Previous datapoint (1735602880 - 5000) new datapoint \
         (1735605280 - 2401) in block 1499"
    );
    assert_eq!(
        text(&[(600, 1_000), (3_000, 3_460), (5_400, 5_920)]),
        "Node has significant clock skew over a period of time | original boot time 1735601880 detected at \
         1735602880 - 1735601760 detected at 1735607680"
    );
}

#[test]
fn the_first_violation_stands() {
    let too_low = Some(ViolationKind::UptimeTooLow);
    check(&[(600, 1_000), (3_000, 3_339), (5_400, 9_000)], 600, too_low);
    check(&[(600, 5_000), (3_000, 2_401), (5_400, 9_900)], 600, Some(ViolationKind::InvalidReboot));
}

#[test]
fn the_time_of_a_report_is_that_of_the_event_not_of_its_block() {
    // The event says 594 s, its block 600 s.
    let now = u64::try_from(START + 594).unwrap();
    let event = Event::NodeUptimeReported { node: NODE, now, uptime: 5_000 };
    assert_eq!(Scene::new().event(600, &event).close().clean_uptime(), 594);
}
