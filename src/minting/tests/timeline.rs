//! Timelines: what is told about events, and that it adds up.

use super::*;
use crate::minting::{Followed, Request, Timeline, Verdict, What};

/// Follows the node through events: seconds since the start of the period, and what happened. Reports are of a node
/// that was booted at the given time.
fn follow(events: &[(i64, Event)]) -> Followed {
    let start = StartState { nodes: vec![node(NODE)], ..StartState::default() };
    let mut timeline = Timeline::new(&Rules::r81(), &bounds(), NODE, start);
    for (at, event) in events {
        let block = FIRST_BLOCK + u32::try_from(at / 6).unwrap();
        timeline.apply(block, START + at, event);
    }
    timeline.close(&end_state()).unwrap()
}

fn report(at: i64, booted: i64) -> (i64, Event) {
    let (now, uptime) = (u64::try_from(START + at).unwrap(), u64::try_from(at - booted).unwrap());
    (at, Event::NodeUptimeReported { node: NODE, now, uptime })
}

fn target(at: i64, target: PowerTarget) -> (i64, Event) {
    (at, Event::PowerTargetChanged { node: NODE, target })
}

fn power(at: i64, state: PowerState) -> (i64, Event) {
    (at, Event::PowerStateChanged { node: NODE, state })
}

fn verdicts(followed: &Followed) -> Vec<Verdict> {
    let reports = followed.entries.iter().filter_map(|entry| match entry.what {
        What::Report { verdict, .. } => Some(verdict),
        _ => None,
    });
    reports.collect()
}

#[test]
fn a_wake_up_shows_when_the_chain_had_the_node_up() {
    let followed = follow(&[
        report(2_400, -1_000),
        target(3_000, PowerTarget::Down),
        power(3_060, PowerState::Down(1)),
        target(40_000, PowerTarget::Up),
        power(40_300, PowerState::Up),
        // No report of the boot at 40,300: the node booted once more.
        report(46_000, 45_000),
    ]);
    let [Verdict::First, Verdict::Woken(wake)] = verdicts(&followed)[..] else { panic!("{followed:?}") };
    assert_eq!(wake.state_up.map(|(_, time)| time), Some(START + 40_300));
    assert_eq!((wake.slept, wake.boot_took), (42_940, Some(5_000)));
    assert!(wake.counted_late);
    assert_eq!(followed.ending.late_boots, 1);
    let asleep = followed.entries.iter().find(|e| matches!(e.what, What::Power { fell_asleep: true, .. }));
    assert_eq!(asleep.unwrap().credit, 660);
}

#[test]
fn an_unanswered_request_says_whether_the_chain_had_the_node_up() {
    let sleeping =
        [report(2_400, -1_000), target(3_000, PowerTarget::Down), power(3_060, PowerState::Down(1))];
    let asked = [target(40_000, PowerTarget::Up), target(40_600, PowerTarget::Up)];
    let mut events = [&sleeping[..], &asked[..]].concat();
    let never = follow(&events);
    assert_eq!((never.ending.unanswered, never.ending.state_up), (true, None));
    let requests = never.entries.iter().filter_map(|entry| match entry.what {
        What::Target { request, .. } => Some(request),
        _ => None,
    });
    let first = i128::from(START + 40_000);
    assert_eq!(requests.collect::<Vec<_>>(), [Request::Sleep, Request::Wake, Request::WakeAgain { first }]);
    events.push(power(40_900, PowerState::Up));
    assert!(follow(&events).ending.state_up.is_some());
}

#[test]
fn a_silence_stands_before_the_report_that_ends_it_and_what_it_cost_with_that() {
    let followed = follow(&[report(2_400, 0), report(4_800, 0), report(20_000, 0)]);
    let silences: Vec<_> = followed
        .entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Silence { from, until } => Some((from - i128::from(START), until - i128::from(START))),
            _ => None,
        })
        .collect();
    assert_eq!(silences, [(4_800, 20_000), (20_000, i128::from(DURATION))]);
    let last = followed.entries.iter().rfind(|entry| matches!(entry.what, What::Report { .. })).unwrap();
    assert_eq!((last.credit, last.lost, last.total), (2_460, 15_200 - 2_460, 2_400 + 2_400 + 2_460));
    assert_eq!(followed.ending.lost, i128::from(DURATION) - 20_000);
}

#[test]
fn being_registered_again_takes_back_what_was_credited() {
    let followed = follow(&[
        report(2_400, 0),
        report(4_800, 0),
        (5_000, Event::NodeStored(Box::new(node(NODE)))),
        report(7_200, 0),
    ]);
    let credits: Vec<i128> = followed.entries.iter().map(|entry| entry.credit).filter(|c| *c != 0).collect();
    assert_eq!(credits, [2_400, 2_400, -4_800, 2_460]);
    let receipt = &followed.result.receipt.as_ref().unwrap().receipt;
    assert_eq!(receipt.measured_uptime, 2_460);
}
