//! Preliminary results: what a period pays that is not over.

use super::super::Outcome;
use super::*;

const DAY: i64 = 86_400;

/// A chain whose last known block lies so many seconds after the start; node 1 is there.
fn until(known: i64, rules: &Rules, power: Option<StartPower>) -> Scene {
    let bounds = Boundaries { known_until: Some(START + known), ..bounds() };
    let power = power.map(|power| (NODE, power)).into_iter().collect();
    let start = StartState { nodes: vec![node(NODE)], power, ..StartState::default() };
    Scene { fold: Fold::new(rules, &bounds, start), end: end_state() }
}

/// Node 1 runs from the start, and reports every 40 minutes up to `last`.
fn running(last: i64, known: i64) -> Scene {
    let at: Vec<i64> = (1..=last / 2_400).map(|n| n * 2_400).collect();
    until(known, &Rules::r81(), None).reports_since(0, &at)
}

/// Reward of 8 CU at 2,400 and 1.6 SU at 1,000 thousandths of a dollar a month, for so many seconds of it.
fn full(seconds: u64) -> u64 {
    20_800 * seconds / 2_630_880
}

#[test]
fn a_node_that_runs_is_paid_in_full_for_the_time_up_to_the_last_block() {
    let end = running(DAY, DAY + 1_000).close();
    // Receipts state what was reported.
    assert_eq!((end.uptime(), end.receipt().period.end), (86_400, START + DAY + 1_000));
    assert_eq!((end.receipt().reward.musd, end.node().outcome), (full(87_400), Outcome::Paid));
    // What the whole period takes, not its part.
    assert_eq!(end.node().standing.needed_uptime, Some(2_630_880 * 95 / 100));
}

#[test]
fn a_node_that_is_silent_for_longer_than_a_report_reaches_gets_nothing_for_it() {
    // 2 of 24 hours are 8.3 %.
    assert_eq!(running(DAY - 7_200, DAY).close().node().outcome, Outcome::BelowFloor);
    // 2,460 s are the most that a report credits.
    let paid = |silent: i64| running(240_000, 240_000 + silent).close().receipt().reward.musd;
    assert_eq!(paid(2_460), full(242_460));
    assert_eq!(paid(2_461), full(242_461) * 989 / 1_000);
}

#[test]
fn sleep_counts_as_long_as_it_can_still_end_in_time() {
    let asleep = |known: i64| running(DAY, known).sleep(DAY).close();
    assert_eq!(asleep(2 * DAY).node().outcome, Outcome::Paid);
    assert_eq!(asleep(2 * DAY + 1).node().outcome, Outcome::BelowFloor);
    assert_eq!(asleep(2 * DAY).uptime(), 86_400);
    let woken = |known: i64| running(DAY, known).sleep(DAY).wake(DAY + 3_600).close();
    assert_eq!(woken(DAY + 3_600 + 1_800).node().outcome, Outcome::Paid);
    // Too late by now: a first late boot costs the sleep alone, here 1.5 of 25.5 hours.
    let late = woken(DAY + 3_600 + 1_801);
    assert_eq!((late.node().outcome, late.violation()), (Outcome::BelowFloor, None));
}

#[test]
fn a_node_that_sleeps_since_before_the_period_is_there() {
    let power = StartPower {
        power: NodePower { state: PowerState::Down(FIRST_BLOCK - 1), target: PowerTarget::Down },
        down_since: Some(START - 3_600),
    };
    let asleep = |known: i64| until(known, &Rules::r81(), Some(power)).close();
    let end = asleep(DAY - 3_600);
    assert_eq!((end.node().outcome, end.uptime()), (Outcome::Paid, 0));
    assert_eq!(asleep(DAY).node().outcome, Outcome::NoUptime);
}

#[test]
fn a_request_that_can_still_be_answered_is_no_late_boot() {
    let rules = Rules { late_boots_allowed: 0, ..Rules::r81() };
    let late = |known: i64| {
        until(known, &rules, None).reports_since(0, &[2_400]).sleep(2_500).wake(4_000).close().late_boots()
    };
    assert_eq!((late(4_000 + 1_800), late(4_000 + 1_801)), (0, 1));
}

#[test]
fn in_the_window_the_whole_period_is_measured() {
    let end = running(DURATION, DURATION + 600).close();
    assert_eq!(end.receipt().period.end, START + DURATION);
    assert_eq!(end.receipt().reward.musd, full(2_630_880));
}
