//! Where the integers of the reference implementation wrap.

use super::*;
use crate::chain::types::{NodeContract, NruConsumption};
use crate::minting::Arithmetic;
use crate::minting::finding::INTEGER_WRAP;

fn start() -> StartState {
    StartState { nodes: vec![node(NODE)], ..StartState::default() }
}

/// The same events in exact and in wrapping arithmetic.
fn both(start: &StartState, events: &[(i64, Event)]) -> (End, End) {
    let run = |arithmetic: Arithmetic| {
        let rules = Rules { arithmetic, ..Rules::r81() };
        let scene = Scene::with(&rules, start.clone());
        events.iter().fold(scene, |scene, (at, event)| scene.event(*at, event)).close()
    };
    (run(Arithmetic::Exact), run(Arithmetic::Wrapping))
}

fn report(at: i64, uptime: u64) -> (i64, Event) {
    (at, Event::NodeUptimeReported { node: NODE, now: u64::try_from(START + at).unwrap(), uptime })
}

#[test]
fn an_uptime_beyond_i64_is_too_high_and_wraps_into_a_reboot() {
    let (exact, wrapping) = both(&start(), &[report(600, 1_000), report(3_000, u64::MAX)]);
    assert_eq!((exact.uptime(), exact.kind()), (600, Some(ViolationKind::UptimeTooHigh)));
    // The growth becomes -1001 and the uptime -1, which is less than the 2400 s that passed.
    assert_eq!((wrapping.uptime(), wrapping.kind()), (600 + 2_460, None));
    let [finding] = exact.findings() else { panic!("{:?}", exact.findings()) };
    assert_eq!((finding.rule, finding.node, finding.block), (INTEGER_WRAP, Some(NODE), Some(1_499)));
    assert_eq!(wrapping.findings(), &[]);
}

#[test]
fn wrapping_that_changes_nothing_is_no_finding() {
    // The boot of the only report wraps, but nothing is made of it.
    let (exact, wrapping) = both(&start(), &[report(600, u64::MAX)]);
    assert_eq!(exact.clean_uptime(), 600);
    assert_eq!(wrapping.clean_uptime(), 600);
}

#[test]
fn the_time_before_the_period_earns_nothing() {
    // A first block before the start, as boundaries given by hand can have it; the node woke up in it.
    let power = StartPower {
        power: NodePower { state: PowerState::Down(1), target: PowerTarget::Up },
        down_since: Some(START - 1_000),
    };
    let start = StartState { power: [(NODE, power)].into(), ..start() };
    let (exact, wrapping) = both(&start, &[report(-20, 60)]);
    assert_eq!(exact.uptime(), 0);
    assert_eq!(wrapping.uptime(), u64::MAX - 19);
    assert_eq!(exact.findings()[0].rule, INTEGER_WRAP);
}

#[test]
fn once_wrapped_the_other_state_goes_on_by_itself() {
    // In wrapping arithmetic the node rebooted at 3001 s; 2400 s later it has an uptime of 2399 s.
    let events = [report(600, 1_000), report(3_000, u64::MAX), report(5_400, 2_399)];
    let (exact, wrapping) = both(&start(), &events);
    assert_eq!((wrapping.uptime(), wrapping.kind()), (600 + 2_460 + 2_400, None));
    // Exactly, it rebooted at 3001 s after the violation.
    assert_eq!((exact.uptime(), exact.kind()), (600 + 2_399, Some(ViolationKind::UptimeTooHigh)));
    assert_eq!(exact.findings()[0].block, Some(1_499));
}

#[test]
fn arithmetic_of_use_beyond_64_bits() {
    let contract = NodeContract { contract_id: 7, node_id: NODE, public_ips: 1 };
    let used = Resources { cru: 4, ..Resources::default() };
    let start = StartState { contracts: vec![(contract, used)], ..start() };
    let use_of = |window: u64| {
        Event::NruConsumptionReportReceived(NruConsumption { contract_id: 7, timestamp: 0, window, nru: 0 })
    };
    // 4 * 2^63 core seconds wrap to 0; the addresses do not.
    let (exact, wrapping) = both(&start, &[(600, use_of(1 << 63))]);
    assert!(exact.receipt().resource_utilization.cru > 1e12);
    assert_eq!(wrapping.receipt().resource_utilization.cru, 0.0);
    assert_eq!(exact.findings().iter().map(|finding| finding.rule).collect::<Vec<_>>(), [INTEGER_WRAP]);
    assert_eq!(wrapping.receipt().resource_utilization.ip, exact.receipt().resource_utilization.ip);
}

#[test]
fn a_payout_that_wraps_is_not_paid() {
    // 10^18 bytes are 931322574 NU, each worth 4 * 10^6 $: 3.7 * 10^18 mUSD fit, as TFT they do not.
    let contract = NodeContract { contract_id: 7, node_id: NODE, public_ips: 0 };
    let start = StartState { contracts: vec![(contract, Resources::default())], ..start() };
    let nru = Event::NruConsumptionReportReceived(NruConsumption {
        contract_id: 7,
        timestamp: 0,
        window: 0,
        nru: 1_000_000_000_000_000_000,
    });
    let run = |arithmetic: Arithmetic| {
        let rules = Rules { arithmetic, ..Rules::r81() };
        let mut scene = Scene::with(&rules, start.clone());
        scene.end.policies.insert(1, FarmingPolicy { nu: 4_000_000_000, ..policy(4, 0) });
        scene.event(600, &nru).report(600, 600).close()
    };
    let exact = run(Arithmetic::Exact);
    assert_eq!((exact.receipt().reward.musd, exact.receipt().reward.tft), (0, 0));
    assert_eq!(exact.findings()[0].rule, INTEGER_WRAP);
    assert_eq!(exact.findings()[0].block, None);
    assert!(run(Arithmetic::Wrapping).receipt().reward.tft > 0);
}

#[test]
fn clock_skew_of_the_least_integer_is_skew() {
    // From a boot at 0 the boot moves to -2^63: its absolute value wraps to itself, which is below 120.
    let first = (600, Event::NodeUptimeReported { node: NODE, now: 1 << 62, uptime: 1 << 62 });
    let second =
        (3_000, Event::NodeUptimeReported { node: NODE, now: 1 << 62, uptime: (1 << 62) + (1 << 63) });
    let (exact, wrapping) = both(&start(), &[first, second]);
    assert_eq!(exact.kind(), Some(ViolationKind::UptimeTooHigh));
    // The growth wraps to -2^63, less than the time; the uptime wraps to a negative one, which is a reboot.
    assert_eq!(wrapping.kind(), None);
    assert_eq!(exact.findings()[0].rule, INTEGER_WRAP);
}
