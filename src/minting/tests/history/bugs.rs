//! Mistakes that payouts were made with, B0 to B11, and what is right.

use super::*;
use crate::minting::{FloorUnit, RaisedCapacity, SecondViolation};

/// Eight cores make 16 CU, of which memory allows 8; at one CU a core, four cores make 4.
#[test]
fn b0_one_cu_per_core() {
    let small = Node { resources: Resources { cru: 4, mru: 33 << 30, hru: 0, sru: 400 << 30 }, ..node(NODE) };
    let cu = |rules: &Rules| {
        let start = StartState { nodes: vec![small.clone()], ..StartState::default() };
        Scene::with(rules, start).close().receipt().cloud_units.cu
    };
    assert_eq!(cu(&Rules::named("r46").unwrap()), 4.0);
    assert_eq!(cu(&with_bugs("r46", Bugs::default())), 8.0);
}

/// The last report, 1000 s before the end, is of 2000 s, the next one 500 s after the end of 3500 s. By mistake the
/// uptime grew by 3500 - 2000 * 3500 = -6996500 s, which is added as 2^64 - 6996500.
#[test]
fn b1_post_period_growth_multiplied() {
    let last = DURATION - 1_000;
    let end = |rules: &Rules| scene_of(rules).report(last, 2_000).report(DURATION + 500, 3_500).close();
    assert_eq!(end(&with_bugs("r58", Bugs::default())).clean_uptime(), 2_000 + 1_000);
    let wrapped = end(&Rules::named("r58").unwrap());
    assert_eq!(wrapped.uptime(), 2_000 + (u64::MAX - 6_996_500 + 1));
}

/// A node asleep at the start falls asleep a second time: by mistake it is still taken to sleep, so that the
/// second sleep does not begin.
#[test]
fn b2_power_state_not_kept() {
    let uptime = |rules: &Rules| {
        let power = StartPower {
            power: NodePower { state: PowerState::Down(1), target: PowerTarget::Down },
            down_since: Some(START - 100),
        };
        let start =
            StartState { nodes: vec![node(NODE)], power: [(NODE, power)].into(), ..StartState::default() };
        let scene = Scene::with(rules, start).report(1_000, 500).up(1_000);
        scene.sleep(2_000).report(12_000, 100).close().clean_uptime()
    };
    // 1000 s up to the first report, 1000 s to the sleep, 10000 s of sleep.
    assert_eq!(uptime(&Rules::named("r62-lenient").unwrap()), 12_000);
    // 1000 s up to the first report, then a reboot of 100 s.
    assert_eq!(uptime(&Rules::named("r59").unwrap()), 1_100);
}

/// Asleep 600 s after the end and woken in time: by mistake 600 s are taken off.
#[test]
fn b4_post_period_sleep_debits() {
    let last = DURATION - 1_000;
    let uptime = |rules: &Rules| {
        let scene = scene_of(rules).report(last, u64::try_from(last).unwrap());
        let scene = scene.sleep(DURATION + 600).wake(DURATION + 900);
        scene.report(DURATION + 1_200, 100).close().clean_uptime()
    };
    assert_eq!(uptime(&with_bugs("r74", Bugs::default())), 2_460);
    assert_eq!(uptime(&Rules::named("r74").unwrap()), 2_460 - 600);
}

#[test]
fn b5_report_credit_max_is_least() {
    let bugs = Bugs { report_credit_max_is_least: true, ..Bugs::default() };
    // 1000 s and 500 s are each taken for 2460 s.
    let end = scene_of(&with_bugs("r60-strict", bugs)).report(1_000, 1_000).report(1_500, 1_500).close();
    assert_eq!(end.clean_uptime(), 2 * 2_460);
}

#[test]
fn b9_use_of_nothing_is_no_number() {
    let json = |rules: &Rules| {
        String::from_utf8(scene_of(rules).close().node().receipt.clone().unwrap().bytes).unwrap()
    };
    assert!(json(&Rules::named("r45").unwrap()).contains(r#""hru":null,"#));
    assert!(!json(&with_bugs("r45", Bugs::default())).contains("null"));
}

/// Half of the period on policy 2, whose minimal uptime of 95 is meant in percent: by mistake 95 thousandths are enough.
#[test]
fn b3_policy_floor_unit() {
    let reference = Rules::named("r52").unwrap();
    let percent = Rules { policy_floor_unit: FloorUnit::Percent, ..reference.clone() };
    let musd = |rules: &Rules, last| {
        let changed = Node { farming_policy_id: 2, ..node(NODE) };
        let start = StartState { nodes: vec![changed], ..StartState::default() };
        up_until(Scene::with(rules, start), last).close().receipt().reward.musd
    };
    assert_eq!((musd(&reference, DURATION / 2), musd(&percent, DURATION / 2)), (20_800, 0));
    assert_eq!(musd(&percent, 2_499_336), 20_800);
}

/// A node is paid at its own price of 0.16; by mistake its receipt says 0.08.
#[test]
fn b6_receipt_price_musd() {
    let price = |rules: &Rules| {
        let changed = Node { connection_price: 160, ..node(NODE) };
        let start = StartState { nodes: vec![changed], ..StartState::default() };
        Scene::with(rules, start).close().receipt().tft_connection_price
    };
    assert_eq!(price(&Rules::r81()), 80);
    assert_eq!(price(&Rules { receipt_price_musd: 160, ..Rules::r81() }), 160);
}

/// 17 GiB of memory are good for 4 CU, 33 GiB in the last hour for 8: by mistake in the whole period.
#[test]
fn b7_raised_capacity() {
    let cu = |rules: &Rules| {
        let resources = Resources { mru: 17 << 30, ..node(NODE).resources };
        let start = StartState { nodes: vec![Node { resources, ..node(NODE) }], ..StartState::default() };
        let scene = Scene::with(rules, start);
        let scene = scene.event(DURATION - 3_600, &Event::NodeUpdated(Box::new(node(NODE))));
        scene.close().receipt().cloud_units.cu
    };
    assert_eq!(cu(&Rules::r81()), 8.0);
    assert_eq!(cu(&Rules { raised_capacity: RaisedCapacity::NextPeriod, ..Rules::r81() }), 4.0);
}

/// 1900 s after 2000 s, though fewer went by: an invalid reboot, once in the period and once after it.
#[test]
fn b11_second_violation() {
    let findings = |rules: &Rules| {
        let scene = scene_of(rules).report(DURATION - 1_000, 2_000).report(DURATION - 500, 1_900);
        let end = scene.report(DURATION + 100, 1_900).close();
        assert_eq!(end.violation().unwrap().block(), Some(block_at(DURATION - 500)));
        end.findings().iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(findings(&Rules::r81()), ["second-violation"]);
    assert_eq!(findings(&Rules { second_violation: SecondViolation::None, ..Rules::r81() }), [""; 0]);
}

/// Two invalid reboots in the period: the first version stops at any second violation.
#[test]
fn second_violation_in_the_period() {
    let findings = |name| {
        let scene = scene(name).report(1_000, 1_600).report(2_000, 1_500);
        scene.report(2_100, 1_500).close().findings().len()
    };
    assert_eq!((findings("r45"), findings("r46"), findings("r81")), (1, 0, 0));
}
