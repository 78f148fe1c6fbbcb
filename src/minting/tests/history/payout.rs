//! Parameters of what is paid, and of how it is written down.

use std::num::NonZeroU32;

use super::*;
use crate::minting::{Prices, Reward, Scaling, Span};

#[test]
fn twin_checks() {
    let without_twin = |name| {
        let mut scene = scene(name).report(1_000, 1_000);
        scene.end.twins.clear();
        scene.close().kind()
    };
    assert_eq!(without_twin("r60-strict"), Some(ViolationKind::MissingTwin));
    assert_eq!(without_twin("r62-lenient"), None);
}

#[test]
fn violation_costs_payout() {
    // Up for the whole period but for a report that goes back.
    let violated = |name| up_until(scene(name), DURATION - 7).report(DURATION - 1, 2_600_000).close();
    assert_eq!(violated("r46").receipt().reward.musd, 0);
    let paid = violated("r45");
    assert!(paid.violation().is_some());
    // r45: one CU a core; 8 * 2400 + 1.6 * 1000 = 20800.
    assert_eq!(paid.receipt().reward, Reward { musd: 20_800, tft: 2_600_000_000 });
}

#[test]
fn virtualized_costs_payout() {
    let virtualized = |name| {
        let mut scene = up_until(scene(name), DURATION - 7);
        let changed = Node { virtualized: true, ..node(NODE) };
        scene = scene.event(DURATION - 1, &Event::NodeUpdated(Box::new(changed)));
        scene.close().receipt().reward.musd
    };
    assert_eq!((virtualized("r45"), virtualized("r46")), (20_800, 0));
}

/// A node registered in the middle of the period, up from then on.
#[test]
fn own_period() {
    let half = DURATION / 2;
    let registered = |name| {
        let rules = Rules::named(name).unwrap();
        let scene = Scene::with(&rules, StartState::default());
        let scene = scene.event(half, &Event::NodeStored(Box::new(node(NODE))));
        scene.reports_since(half, &[half + 2_000, DURATION]).close()
    };
    let end = registered("r62-lenient");
    assert_eq!(end.receipt().period, Span { start: START + half, end: START + DURATION });
    // The payout is measured by the whole period all the same.
    assert_eq!(end.receipt().reward.musd, 20_800 * 500 / 1_000);
    assert_eq!(end.node().own.uptime, u64::try_from(half).unwrap());
    assert_eq!(registered("r73").receipt().period, Span { start: START, end: START + DURATION });
    // All or nothing for half a period: half of the full amount.
    assert_eq!(registered("r46").receipt().reward.musd, 10_400);
}

/// A block in the period says that it is from an hour before. The node is paid for one period, not for an hour more.
#[test]
fn own_period_is_never_longer_than_the_period() {
    let rules = Rules::named("r46").unwrap();
    let scene = Scene::with(&rules, StartState::default());
    let end = scene
        .event(-3_600, &Event::NodeStored(Box::new(node(NODE))))
        .reports_since(0, &[2_000, DURATION])
        .close();
    assert_eq!(end.receipt().period, Span { start: START, end: START + DURATION });
    assert_eq!(end.receipt().reward.musd, 20_800);
}

/// 8 CU * 354 + 1.6 SU * 122 = 3027.2, rounded down to 3027; at 80 that is 378375000 units; half of both for half of the
/// period.
#[test]
fn carbon() {
    let offset = |name: &str, last| up_until(scene(name), last).close().receipt().carbon_offset;
    assert_eq!(offset("r62-lenient", DURATION), Some(Reward { musd: 3_027, tft: 378_375_000 }));
    assert_eq!(offset("r62-lenient", DURATION / 2), Some(Reward { musd: 1_513, tft: 189_187_500 }));
    assert_eq!(offset("r81", DURATION), None);
    // Nothing for a node with a violation, except in period 45.
    let violated = |name| up_until(scene(name), DURATION - 7).report(DURATION - 1, 2_600_000).close();
    assert_eq!(violated("r46").receipt().carbon_offset, Some(Reward::default()));
    assert_ne!(violated("r45").receipt().carbon_offset, Some(Reward::default()));
}

#[test]
fn carbon_of_a_price_of_zero_is_a_finding_for_a_node_that_never_reported() {
    let start =
        StartState { nodes: vec![Node { connection_price: 0, ..node(NODE) }], ..StartState::default() };
    let end = |name: &str| Scene::with(&Rules::named(name).unwrap(), start.clone()).close();
    assert_eq!(end("r74").findings()[0].rule, "price-zero");
    assert_eq!(end("r81").findings(), &[]);
}

#[test]
fn missing_farm_skipped() {
    let without_farm = |name| {
        let mut scene = scene(name);
        scene.end.farms.clear();
        scene.close()
    };
    let skipped = without_farm("r62-lenient");
    assert!(skipped.findings().is_empty() && skipped.node().receipt.is_none());
    assert_eq!(without_farm("r67").findings()[0].rule, "farm-missing");
}

#[test]
fn receipt_form() {
    let bytes = |name| String::from_utf8(scene(name).close().node().receipt.clone().unwrap().bytes).unwrap();
    // Eight cores divided by 2^30.
    assert!(bytes("r46").contains(r#""resource_units":{"cru":7.450580596923828e-9,"#));
    assert!(bytes("r47").contains(r#""resource_units":{"cru":8.0,"#));
    assert!(bytes("r47").ends_with(r#""node_type":"DIY"}"#));
    assert!(bytes("r52").contains(r#""farming_policy_id":1,"#));
    assert!(bytes("r74").contains(r#""carbon_offset":{"musd":0,"tft":0}"#));
}

#[test]
fn every_form_of_receipt_is_read_and_written_again_to_the_same_bytes() {
    for set in crate::minting::RULE_SETS {
        let sealed = up_until(scene_of(&set.rules()), DURATION).close().node().receipt.clone().unwrap();
        let read = Receipt::parse(&sealed.bytes).unwrap();
        assert_eq!((read.to_bytes(), read.hash()), (sealed.bytes.clone(), sealed.hash), "{}", set.name);
    }
}

#[test]
fn violation_texts() {
    // Back to 600 s at 2000 s: before the last report, at 1000 s; in block 1000 + (2000 - 6) / 6 = 1332.
    let end = |name| scene(name).report(1_000, 1_600).report(2_000, 1_500).close();
    assert_eq!(text(&end("r46"), "r46"), "violation of uptime measurement in block 1332");
    assert_eq!(
        text(&end("r62-lenient"), "r62-lenient"),
        "violation of uptime measurement in block 1332 (previous report 1735603280)"
    );
    assert!(
        text(&end("r60-strict"), "r60-strict").contains("report! Previous datapoint (1735603280 - 1600) new")
    );
    assert!(text(&end("r67"), "r67").contains("report | Previous datapoint (1735603280 - 1600) new"));
}

/// What a certified or other node earns that is changed from node 1 and up until `last`, in thousandths of a dollar.
fn musd_of(rules: &Rules, changed: Node, last: i64) -> u64 {
    let start = StartState { nodes: vec![changed], ..StartState::default() };
    up_until(Scene::with(rules, start), last).close().receipt().reward.musd
}

fn certified(policy: u32) -> Node {
    Node { certification: NodeCertification::Certified, farming_policy_id: policy, ..node(NODE) }
}

/// The rules of period 81, but with reports that may be a day apart.
fn uncapped() -> Rules {
    Rules { report_credit_max_secs: None, ..Rules::r81() }
}

/// Up for 94 % of the period: nothing where payouts are all or nothing at 95 %, 940 of 1000 where they are in
/// proportion, and nothing below the floor of 95 % since period 73.
#[test]
fn scaling() {
    let most = DURATION * 94 / 100 + 1;
    let musd = |rules: &Rules| musd_of(rules, node(NODE), most);
    let named = |name| musd(&Rules::named(name).unwrap());
    assert_eq!((named("r46"), named("r47"), named("r62-lenient")), (0, 19_552, 19_552));
    assert_eq!(musd(&uncapped()), 0);
    assert_eq!(musd(&Rules { scaling: Scaling::Linear, ..uncapped() }), 20_800 * 940 / 1_000);
}

/// 950 thousandths of 2,630,880 s are 2,499,336 s, and 950 of 20800 are 19760.
#[test]
fn floor_diy_permille() {
    let musd = |rules: &Rules, last| musd_of(rules, node(NODE), last);
    assert_eq!((musd(&uncapped(), 2_499_336), musd(&uncapped(), 2_499_335)), (19_760, 0));
    let lower = Rules { floor_diy_permille: 949, ..uncapped() };
    assert_eq!(musd(&lower, 2_499_335), 20_800 * 949 / 1_000);
}

/// 980 thousandths of 2,630,880 s are 2,578,262.4 s; 980 of 20800 are 20384.
#[test]
fn floor_certified_permille() {
    let musd = |rules: &Rules, last| musd_of(rules, certified(2), last);
    assert_eq!((musd(&uncapped(), 2_578_263), musd(&uncapped(), 2_578_262)), (20_384, 0));
    let lower = Rules { floor_certified_permille: 979, ..uncapped() };
    assert_eq!(musd(&lower, 2_578_262), 20_800 * 979 / 1_000);
}

/// Up for half of the period on policy 2: all or nothing in period 52, in proportion from period 58 on.
#[test]
fn linear_policies() {
    let half = |name| {
        let changed = Node { farming_policy_id: 2, ..node(NODE) };
        musd_of(&Rules::named(name).unwrap(), changed, DURATION / 2)
    };
    assert_eq!((half("r52"), half("r58")), (20_800, 10_400));
}

/// Up for half of the period on policy 3, in the shape it has on the test network.
#[test]
fn test_net_policy() {
    let half = |name| {
        let changed = Node { farming_policy_id: 3, ..node(NODE) };
        musd_of(&Rules::named(name).unwrap(), changed, DURATION / 2)
    };
    assert_eq!((half("r58"), half("r59")), (20_800, 10_400));
}

/// Constant prices make 8 * 2400 + 1.6 * 1000 = 20800; a policy with 3000 for a CU makes 8 * 3000 + 1600 = 25600.
#[test]
fn prices() {
    let musd = |name| {
        let mut scene = up_until(scene(name), DURATION);
        scene.end.policies.insert(1, FarmingPolicy { cu: 3_000, ..policy(1, 95) });
        scene.close().receipt().reward.musd
    };
    assert_eq!((musd("r47"), musd("r52")), (20_800, 25_600));
    assert_eq!(Rules::named("r48").unwrap().prices, Some(Prices { cu: 2_400, su: 1_000, nu: 30, ipv4: 5 }));
}

/// 20.8 dollars at the constant price of 0.08 are 260 TFT, at 0.16, the price of the node, 130.
#[test]
fn payout_price_musd() {
    let tft = |name| {
        let changed = Node { connection_price: 160, ..node(NODE) };
        let start = StartState { nodes: vec![changed], ..StartState::default() };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        up_until(scene, DURATION).close().receipt().reward.tft
    };
    assert_eq!((tft("r52"), tft("r58")), (2_600_000_000, 1_300_000_000));
}

/// A quarter more than 20800 is 26000, a half more 31200.
#[test]
fn bonus() {
    let rules = Rules::named("r47").unwrap();
    assert_eq!(musd_of(&rules, certified(1), DURATION), 26_000);
    assert_eq!(
        musd_of(&Rules { bonus: (3, NonZeroU32::new(2).unwrap()), ..rules }, certified(1), DURATION),
        31_200
    );
}

#[test]
fn bonus_policy() {
    let musd = |name, policy| musd_of(&Rules::named(name).unwrap(), certified(policy), DURATION);
    assert_eq!((musd("r47", 1), musd("r47", 2)), (26_000, 26_000));
    assert_eq!((musd("r52", 1), musd("r52", 2)), (26_000, 20_800));
}

/// Two cores, with memory and SSD for 8 CU.
#[test]
fn cu_per_core() {
    let cu = |cu_per_core| {
        let resources = Resources { cru: 2, mru: 33 << 30, hru: 0, sru: 400 << 30 };
        let start = StartState { nodes: vec![Node { resources, ..node(NODE) }], ..StartState::default() };
        Scene::with(&Rules { cu_per_core, ..Rules::r81() }, start).close().receipt().cloud_units.cu
    };
    assert_eq!((cu(2), cu(3), cu(5)), (4.0, 6.0, 8.0));
}
