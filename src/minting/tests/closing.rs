//! What is known about a node at the end, and what is missing.

use super::*;
use crate::minting::finding::{
    FARM_MISSING, INVALID_TEXT, POLICY_MISSING, PRICE_ZERO, UNKNOWN_CONTRACT, UNKNOWN_NODE,
};
use crate::minting::{Outcome, text_findings};

fn rules_of(end: &End) -> Vec<&'static str> {
    end.findings().iter().map(|finding| finding.rule).collect()
}

/// Reports once, then sleeps and is woken once a day up to the end: 100 % uptime.
fn full_uptime(mut scene: Scene) -> Scene {
    scene = scene.report(60, 60);
    let mut at = 60;
    while at < DURATION {
        let wake = (at + 86_400).min(DURATION);
        scene = scene.sleep(at).wake(wake - 10).report(wake, 5).up(wake);
        at = wake;
    }
    scene
}

/// A scene in which the twin is changed before the end.
fn with_twin(change: impl Fn(&mut Twin)) -> Scene {
    let mut scene = Scene::new().report(600, 1_000);
    scene.end.twins.values_mut().for_each(change);
    scene
}

#[test]
fn a_full_period_pays_in_full() {
    let end = full_uptime(Scene::new()).close();
    assert_eq!(end.clean_uptime(), 2_630_880);
    // 8 CU * 2400 + 1.6 SU * 1000 = 20800 mUSD; at 0.080 $ that is 260 TFT.
    let receipt = end.receipt();
    assert_eq!((receipt.reward.musd, receipt.reward.tft), (20_800, 2_600_000_000));
    assert_eq!(end.node().outcome, Outcome::Paid);
}

#[test]
fn a_node_with_uptime_needs_a_twin_with_relay_and_valid_key() {
    assert_eq!(with_twin(|_| {}).close().kind(), None);
    assert_eq!(with_twin(|twin| twin.relay = None).close().kind(), Some(ViolationKind::MissingRelay));
    assert_eq!(with_twin(|twin| twin.relay = Some(vec![])).close().kind(), Some(ViolationKind::MissingRelay));
    assert_eq!(with_twin(|twin| twin.pk = None).close().kind(), None);
    for length in [0, 32, 34] {
        let end = with_twin(|twin| twin.pk = Some(vec![2; length])).close();
        assert_eq!(end.kind(), Some(ViolationKind::InvalidPublicKey), "{length}");
    }
    let mut missing = with_twin(|_| {});
    missing.end.twins.clear();
    assert_eq!(missing.close().kind(), Some(ViolationKind::MissingTwin));
}

#[test]
fn of_a_twin_without_relay_and_with_a_wrong_key_the_relay_is_named() {
    let end = with_twin(|twin| {
        twin.relay = None;
        twin.pk = Some(vec![]);
    });
    assert_eq!(end.close().kind(), Some(ViolationKind::MissingRelay));
}

#[test]
fn violations_of_the_twin_have_their_texts() {
    assert_eq!(Violation::MissingTwin.to_string(), "Node twin does not exist");
    assert_eq!(
        Violation::MissingRelay.to_string(),
        "Node has uptime but the node twin does not have a relay set"
    );
    assert_eq!(
        Violation::InvalidPublicKey.to_string(),
        "Node twin has a public key set but it's not in a valid format"
    );
}

#[test]
fn a_node_without_uptime_needs_no_twin() {
    let mut scene = Scene::new();
    scene.end.twins.clear();
    assert_eq!(scene.close().violation(), None);
}

#[test]
fn late_boots_come_before_the_twin_and_after_earlier_violations() {
    let late = |scene: Scene| scene.sleep(4_000).wake(5_000);
    let mut scene = late(Scene::counting_late_boots().report(600, 1_000));
    scene.end.twins.clear();
    assert_eq!(scene.close().kind(), Some(ViolationKind::BootRequestExpired));
    let scene = late(Scene::counting_late_boots().report(600, 1_000).report(3_000, 9_000));
    assert_eq!(scene.close().kind(), Some(ViolationKind::UptimeTooHigh));
}

#[test]
fn a_violation_takes_the_whole_payout_but_not_the_uptime() {
    let mut scene = full_uptime(Scene::new());
    scene.end.twins.clear();
    let end = scene.close();
    assert_eq!(end.uptime(), 2_630_880);
    assert_eq!((end.receipt().reward.musd, end.receipt().reward.tft), (0, 0));
    assert_eq!(end.node().outcome, Outcome::Violation(ViolationKind::MissingTwin));
}

#[test]
fn a_virtualized_node_is_not_paid_and_stays_virtualized() {
    let virtualized = Node { virtualized: true, ..node(NODE) };
    let scene = Scene::new()
        .event(6, &Event::NodeUpdated(Box::new(virtualized)))
        .event(12, &Event::NodeUpdated(Box::new(node(NODE))));
    let end = full_uptime(scene).close();
    assert_eq!(end.clean_uptime(), 2_630_880);
    assert_eq!((end.receipt().reward.musd, end.node().outcome), (0, Outcome::Virtualized));
    assert!(end.node().node.virtualized);
}

#[test]
fn an_update_changes_the_node_and_keeps_its_uptime() {
    let mut updated = node(NODE);
    updated.resources.cru = 1;
    updated.farming_policy_id = 2;
    updated.certification = NodeCertification::Certified;
    updated.connection_price = 40;
    let scene = Scene::new().report(600, 1_000).event(700, &Event::NodeUpdated(Box::new(updated.clone())));
    let end = scene.report(3_000, 3_400).close();
    assert_eq!(end.clean_uptime(), 3_000);
    assert_eq!(end.node().node, updated);
}

#[test]
fn a_node_stored_again_starts_from_nothing_and_is_up() {
    let scene = Scene::new().report(600, 1_000).report(3_000, 9_000).sleep(3_600).wake(4_000);
    let end = scene.event(5_000, &Event::NodeStored(Box::new(node(NODE)))).report(5_400, 300).close();
    assert_eq!(end.clean_uptime(), 300);
}

#[test]
fn a_new_node_earns_from_its_first_report_on() {
    let scene = Scene::with(&Rules::r81(), StartState::default());
    let end = scene.event(1_000_000, &Event::NodeStored(Box::new(node(NODE)))).report(1_000_600, 500).close();
    assert_eq!(end.clean_uptime(), 500);
}

#[test]
fn a_farm_without_address_gets_a_receipt_with_the_amount() {
    let mut scene = full_uptime(Scene::new());
    scene.end.payout_addresses.clear();
    let end = scene.close();
    assert_eq!(end.node().outcome, Outcome::NoAddress);
    assert_eq!(
        (end.receipt().reward.tft, end.receipt().stellar_payout_address.as_str()),
        (2_600_000_000, "")
    );
}

#[test]
fn a_node_worth_nothing_is_told_from_one_below_the_floor() {
    let mut empty = node(NODE);
    empty.resources = Resources::default();
    let end = full_uptime(Scene::new().event(6, &Event::NodeUpdated(Box::new(empty)))).close();
    assert_eq!(end.node().outcome, Outcome::NothingEarned);
    assert_eq!(Scene::new().report(600, 600).close().node().outcome, Outcome::BelowFloor);
}

#[test]
fn a_node_without_farm_or_policy_gets_no_receipt() {
    let mut scene = Scene::new();
    scene.end.farms.clear();
    let end = scene.close();
    assert_eq!((rules_of(&end), &end.node().receipt), (vec![FARM_MISSING], &None));
    assert_eq!(end.node().outcome, Outcome::Finding);

    let mut scene = Scene::new();
    scene.end.policies.clear();
    let end = scene.close();
    assert_eq!((rules_of(&end), &end.node().receipt), (vec![POLICY_MISSING], &None));
}

#[test]
fn a_price_of_zero_is_a_finding_only_if_a_payout_is_computed() {
    let free = || {
        let free = Node { connection_price: 0, ..node(NODE) };
        Scene::new().event(6, &Event::NodeUpdated(Box::new(free)))
    };
    let end = full_uptime(free()).close();
    assert_eq!(rules_of(&end), [PRICE_ZERO]);
    assert_eq!((end.receipt().reward.musd, end.receipt().reward.tft), (0, 0));
    assert_eq!(end.uptime(), 2_630_880);
    // Never reported; below the floor; in violation.
    assert_eq!(rules_of(&free().close()), [""; 0]);
    assert_eq!(rules_of(&free().report(600, 600).close()), [""; 0]);
    let mut violating = full_uptime(free());
    violating.end.twins.clear();
    assert_eq!(rules_of(&violating.close()), [""; 0]);
}

#[test]
fn events_of_unknown_nodes_and_contracts_in_the_period_are_findings() {
    let unknown_node = |event: Event| {
        let end = Scene::new().event(60, &event).close();
        let [finding] = end.findings() else { panic!("{:?}", end.findings()) };
        assert_eq!((finding.rule, finding.node, finding.block), (UNKNOWN_NODE, Some(9), Some(1_009)));
        assert_eq!(end.0.nodes.len(), 1);
    };
    unknown_node(Event::NodeUpdated(Box::new(node(9))));
    unknown_node(Event::NodeUptimeReported { node: 9, now: 1, uptime: 1 });
    unknown_node(Event::PowerTargetChanged { node: 9, target: PowerTarget::Down });
    unknown_node(Event::PowerStateChanged { node: 9, state: PowerState::Up });

    let event = Event::UpdatedUsedResources { contract: 7, used: Resources::default() };
    let end = Scene::new().event(60, &event).event(66, &event).close();
    let findings: Vec<_> = end.findings().iter().map(|f| (f.rule, f.contract, f.block)).collect();
    let at = |block| (UNKNOWN_CONTRACT, Some(7), Some(block));
    assert_eq!(findings, [at(1_009), at(1_010)]);
}

#[test]
fn text_that_is_not_utf8_is_a_finding_once_and_shown_with_replacements() {
    let mut scene = Scene::new();
    scene.end.farms.insert(3, Farm { id: 3, name: b"far\xffm".to_vec() });
    scene.end.payout_addresses.insert(3, b"G\xfe".to_vec());
    scene.end.twins.insert(2, Twin { id: 2, relay: Some(vec![0xff]), pk: Some(vec![0xff; 33]) });
    let findings = text_findings(&scene.end);
    assert!(findings.iter().all(|finding| finding.rule == INVALID_TEXT));
    let subjects: Vec<&str> =
        findings.iter().map(|finding| finding.message.split(" is not").next().unwrap()).collect();
    assert_eq!(subjects, ["the name of farm 3", "the relay of twin 2", "the payout address of farm 3"]);
    let end = scene.report(600, 1_000).close();
    assert_eq!(end.clean_uptime(), 600);
    assert_eq!(end.receipt().farm_name, "far\u{fffd}m");
    assert_eq!(end.receipt().stellar_payout_address, "G\u{fffd}");
    assert_eq!(text_findings(&end_state()), []);
}

#[test]
fn nodes_come_in_the_order_of_their_numbers() {
    let start = StartState { nodes: vec![node(5), node(2), node(9)], ..StartState::default() };
    let closed = Scene::with(&Rules::r81(), start).close().0;
    assert_eq!(closed.nodes.iter().map(|result| result.node.id).collect::<Vec<_>>(), [2, 5, 9]);
}
