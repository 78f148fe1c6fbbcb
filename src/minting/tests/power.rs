//! Sleep and wake-up in the period.

use super::*;
use crate::minting::finding::TIME_RUNS_BACKWARDS;

/// Reports at 600 s and falls asleep at 1000 s: 600 + 400 s earned.
fn asleep_at_1000() -> Scene {
    Scene::counting_late_boots().report(600, 5_000).sleep(1_000)
}

#[test]
fn falling_asleep_earns_the_time_since_the_last_report_whatever_its_length() {
    assert_eq!(asleep_at_1000().close().clean_uptime(), 1_000);
    let end = Scene::new().report(600, 5_000).sleep(10_000).close();
    assert_eq!(end.clean_uptime(), 10_000);
    // Without a report there is nothing to reach back to.
    assert_eq!(Scene::new().sleep(10_000).close().clean_uptime(), 0);
}

#[test]
fn a_sleep_that_ends_in_time_is_uptime() {
    // Asked at 80000, booted at 81000, reports at 81060: the sleep since 1000 counts in full.
    let scene = asleep_at_1000().wake(80_000).report(81_060, 60);
    // It goes on as any node: 2400 s more.
    let end = scene.up(81_066).report(83_460, 2_460).close();
    assert_eq!(end.clean_uptime(), 1_000 + 80_060 + 2_400);
}

#[test]
fn a_sleep_may_last_a_day() {
    let slept_until = |at: i64| asleep_at_1000().wake(86_000).report(at, 100).close().clean_uptime();
    assert_eq!(slept_until(1_000 + 86_400), 1_000 + 86_400);
    assert_eq!(slept_until(1_000 + 86_401), 1_000);
}

#[test]
fn a_node_has_half_an_hour_to_boot() {
    let booted = |uptime: u64| asleep_at_1000().wake(10_000).report(11_900, uptime).close();
    // Booted at 11800.
    assert_eq!(booted(100).clean_uptime(), 1_000 + 10_900);
    // Booted at 11801: the sleep is lost, and the boot is late.
    let late = booted(99);
    assert_eq!((late.uptime(), late.late_boots()), (1_000, 1));
}

#[test]
fn after_a_late_boot_the_node_goes_on_from_there() {
    let end = asleep_at_1000().wake(10_000).report(11_900, 99).up(11_900).report(14_300, 2_499).close();
    assert_eq!((end.uptime(), end.late_boots()), (1_000 + 2_400, 1));
}

#[test]
fn one_late_boot_is_forgiven_and_two_are_not() {
    let once =
        |scene: Scene, at: i64| scene.sleep(at).wake(at + 10_000).report(at + 12_000, 10).up(at + 12_000);
    let one = once(Scene::new(), 1_000).close();
    assert_eq!(one.violation(), None);
    let two = once(once(Scene::new(), 1_000), 20_000).close();
    assert_eq!(two.violation(), Some(Violation::BootRequestExpired { late_boots: 2 }));
    assert_eq!(two.violation().unwrap().to_string(), "Power managed node failed 2 boot requests");
}

#[test]
fn a_boot_after_too_long_a_sleep_can_be_late_as_well() {
    // Slept 98000 s, and booted 6990 s after it was asked.
    let end = asleep_at_1000().wake(92_000).report(99_000, 10).close();
    assert_eq!((end.uptime(), end.late_boots()), (1_000, 1));
}

#[test]
fn only_the_first_request_counts() {
    // The second one comes 500 s before the boot, the first one 2500 s.
    let end = asleep_at_1000().wake(10_000).wake(12_000).report(12_600, 100).close();
    assert_eq!((end.uptime(), end.late_boots()), (1_000, 1));
}

#[test]
fn a_report_of_a_boot_before_the_sleep_is_not_read() {
    // Boot at 900 s, and exactly at 1000 s.
    let scene = asleep_at_1000().wake(10_000).report(10_100, 9_200).report(10_100, 9_100);
    // The report of the real boot is still waited for.
    assert_eq!(scene.report(10_500, 100).close().clean_uptime(), 1_000 + 9_500);
}

#[test]
fn reports_of_a_node_that_woke_by_itself_are_not_read() {
    let scene = asleep_at_1000().report(5_000, 100).up(5_000).report(7_400, 2_500);
    // It is up on the chain, so that a request does not count either, nor is it ever late.
    assert_eq!(scene.wake(8_000).report(9_800, 4_900).close().clean_uptime(), 1_000);
}

#[test]
fn a_second_sleep_after_waking_by_itself_counts_from_the_first() {
    let again = |request: i64| {
        asleep_at_1000().up(5_000).down(9_000).wake(request).report(request + 200, 100).close()
    };
    // No credit for 5000 to 9000 when it falls asleep; from 1000 to 20200 when it wakes up.
    assert_eq!(again(20_000).clean_uptime(), 1_000 + 19_200);
    // 1000 to 87600 is more than a day.
    assert_eq!(again(87_400).clean_uptime(), 1_000);
}

#[test]
fn a_node_that_goes_down_while_it_is_to_be_up_does_not_sleep() {
    // No request: its reports are read as if nothing had happened. Booted at 2900 s.
    let end = Scene::counting_late_boots().report(600, 5_000).down(1_000).report(3_000, 100).close();
    assert_eq!(end.clean_uptime(), 600 + 100);
    // With a request none is read any more, and the request is never met.
    let end =
        Scene::counting_late_boots().report(600, 5_000).down(1_000).wake(2_000).report(3_000, 100).close();
    assert_eq!((end.uptime(), end.late_boots()), (600, 1));
}

#[test]
fn a_request_to_a_node_that_is_up_is_no_request() {
    let end = Scene::counting_late_boots().wake(100).report(600, 5_000).close();
    assert_eq!(end.clean_uptime(), 600);
}

#[test]
fn a_node_told_to_sleep_that_has_not_done_so_is_up() {
    let end = Scene::new().report(600, 5_000).target(700, PowerTarget::Down).report(3_000, 7_400).close();
    assert_eq!(end.clean_uptime(), 3_000);
}

#[test]
fn a_sleep_from_before_the_period_counts_from_its_start() {
    let end = Scene::asleep(5_000, PowerTarget::Down).wake(3_600).report(5_400, 600).close();
    assert_eq!(end.clean_uptime(), 5_400);
    // Its length is still measured from where it began: 81000 + 5400 s are a day, one more is not.
    let slept = |before: i64| {
        Scene::asleep(before, PowerTarget::Down).wake(3_600).report(5_400, 600).close().clean_uptime()
    };
    assert_eq!((slept(81_000), slept(81_001)), (5_400, 0));
}

#[test]
fn a_sleep_that_began_exactly_at_the_start_counts_in_full() {
    assert_eq!(
        Scene::asleep(0, PowerTarget::Down).wake(3_600).report(5_400, 600).close().clean_uptime(),
        5_400
    );
}

#[test]
fn a_node_to_be_up_that_sleeps_at_the_start_is_taken_to_be_asked_in_the_first_block() {
    // The first block is at 6 s: boots at 1806 s and at 1807 s.
    let booted = |uptime: u64| Scene::asleep(100, PowerTarget::Up).report(2_000, uptime).close();
    assert_eq!(booted(194).clean_uptime(), 2_000);
    assert_eq!((booted(193).uptime(), booted(193).late_boots()), (0, 1));
    // If it never boots, it is dead rather than late.
    assert_eq!(Scene::asleep(100, PowerTarget::Up).close().late_boots(), 0);
}

#[test]
fn a_request_in_the_first_block_that_is_never_met_is_no_late_boot() {
    assert_eq!(Scene::asleep(100, PowerTarget::Down).wake(6).close().late_boots(), 0);
    assert_eq!(Scene::asleep(100, PowerTarget::Down).wake(12).close().late_boots(), 1);
}

#[test]
fn a_request_after_the_end_is_not_judged() {
    let asked = |at: i64| asleep_at_1000().wake(at).close().late_boots();
    assert_eq!(asked(DURATION), 1);
    // In the last block of the period, and after it.
    assert_eq!(asked(DURATION + 6), 0);
    assert_eq!(asked(DURATION + 12), 0);
}

#[test]
fn a_request_never_met_adds_to_the_late_boots() {
    let end = asleep_at_1000().wake(10_000).report(11_900, 99).up(11_900).sleep(20_000).wake(30_000).close();
    assert_eq!(end.late_boots(), 2);
}

#[test]
fn falling_asleep_before_the_last_report_is_a_finding_and_earns_nothing() {
    // The event claims a time 400 s after that of its block, where the node then falls asleep.
    let now = u64::try_from(START + 1_000).unwrap();
    let event = Event::NodeUptimeReported { node: NODE, now, uptime: 5_000 };
    let end = Scene::new().event(600, &event).sleep(606).close();
    assert_eq!(end.uptime(), 1_000);
    let [finding] = end.findings() else { panic!("{:?}", end.findings()) };
    assert_eq!((finding.rule, finding.node, finding.block), (TIME_RUNS_BACKWARDS, Some(NODE), Some(1_100)));
}
