//! What contracts use, and what of it is counted.

use super::*;
use crate::chain::types::{ContractId, NodeContract, NruConsumption};
use crate::minting::finding::UNKNOWN_NODE;

const CONTRACT: ContractId = 7;

fn contract(node_id: NodeId) -> NodeContract {
    NodeContract { contract_id: CONTRACT, node_id, public_ips: 2 }
}

/// Contract 7 on node 1 uses half of its cores from the start on.
fn scene() -> Scene {
    let used = Resources { cru: 4, mru: 1 << 30, hru: 0, sru: 100 << 30 };
    let start = StartState {
        nodes: vec![node(NODE)],
        contracts: vec![(contract(NODE), used)],
        ..StartState::default()
    };
    Scene::with(&Rules::r81(), start)
}

fn report(contract_id: ContractId, window: u64, nru: u64) -> Event {
    Event::NruConsumptionReportReceived(NruConsumption { contract_id, timestamp: 0, window, nru })
}

/// Hours of addresses and network units.
fn ip_and_nu(end: &End) -> (f64, f64) {
    assert_eq!(end.findings(), &[]);
    (end.receipt().resource_utilization.ip, end.receipt().cloud_units.nu)
}

#[test]
fn a_report_counts_for_its_whole_window() {
    // Two addresses for an hour, and 1 GiB; the window reaches back before the period.
    let end = scene().event(600, &report(CONTRACT, 3_600, 1 << 30)).close();
    assert_eq!(ip_and_nu(&end), (2.0, 1.0));
}

#[test]
fn utilization_is_the_average_over_the_period_in_percent() {
    // 4 of 8 cores for half of the period: 25 %. 1 of 33 GiB for half of it: 50 / 33 %. 100 of 400 GiB: 12.5 %.
    let end = scene().event(600, &report(CONTRACT, 1_315_440, 0)).close();
    let used = end.receipt().resource_utilization;
    assert_eq!((used.cru, used.hru, used.sru), (25.0, 0.0, 12.5));
    assert_eq!(used.mru, f64::from(1_u32 << 29) * 100.0 / (33.0 * f64::from(1_u32 << 30)));
}

#[test]
fn the_average_is_a_whole_number_of_cores_rounded_down() {
    // 4 cores for 2630879 of 2630880 s are less than 4: 3 of 8 cores are 37.5 %.
    let end = scene().event(600, &report(CONTRACT, 2_630_879, 0)).close();
    assert_eq!(end.receipt().resource_utilization.cru, 37.5);
}

#[test]
fn one_report_a_block_counts() {
    let scene =
        scene().event(600, &report(CONTRACT, 3_600, 1 << 30)).event(600, &report(CONTRACT, 3_600, 1 << 30));
    assert_eq!(ip_and_nu(&scene.event(606, &report(CONTRACT, 1_800, 1 << 29)).close()), (3.0, 1.5));
}

#[test]
fn a_report_in_the_block_that_made_the_contract_is_lost() {
    let start = StartState { nodes: vec![node(NODE)], ..StartState::default() };
    let scene = Scene::with(&Rules::r81(), start)
        .event(600, &Event::NodeContractCreated(contract(NODE)))
        .event(600, &report(CONTRACT, 3_600, 1 << 30));
    assert_eq!(ip_and_nu(&scene.event(606, &report(CONTRACT, 3_600, 0)).close()), (2.0, 0.0));
}

#[test]
fn a_report_from_before_the_period_does_not_count() {
    // A block of the range may lie before the start where the boundaries are given by hand.
    let scene = scene().event(-6, &report(CONTRACT, 3_600, 1 << 30));
    assert_eq!(ip_and_nu(&scene.close()), (0.0, 0.0));
    let at_start = self::scene().event(0, &report(CONTRACT, 3_600, 1 << 30));
    assert_eq!(ip_and_nu(&at_start.close()), (2.0, 1.0));
}

#[test]
fn what_a_contract_uses_can_change() {
    let used = Resources { cru: 8, ..Resources::default() };
    let end = scene()
        .event(600, &Event::UpdatedUsedResources { contract: CONTRACT, used })
        .event(606, &report(CONTRACT, 1_315_440, 0))
        .close();
    assert_eq!(end.receipt().resource_utilization.cru, 50.0);
    assert_eq!(end.receipt().resource_utilization.mru, 0.0);
}

#[test]
fn a_new_contract_uses_nothing_until_it_says_so() {
    let end = scene()
        .event(600, &Event::NodeContractCreated(contract(NODE)))
        .event(606, &report(CONTRACT, 1_315_440, 0))
        .close();
    assert_eq!(end.receipt().resource_utilization.cru, 0.0);
}

#[test]
fn use_reported_after_the_period_does_not_count() {
    let scene = scene().event(DURATION + 6, &report(CONTRACT, 3_600, 0));
    assert_eq!(ip_and_nu(&scene.event(DURATION + 12, &report(CONTRACT, 3_600, 0)).close()), (2.0, 0.0));
}

#[test]
fn a_report_of_an_unknown_contract_is_skipped() {
    assert_eq!(ip_and_nu(&scene().event(600, &report(99, 3_600, 1)).close()), (0.0, 0.0));
}

#[test]
fn a_report_of_a_contract_on_an_unknown_node_is_a_finding() {
    let end = scene()
        .event(600, &Event::NodeContractCreated(contract(9)))
        .event(600, &report(CONTRACT, 3_600, 1))
        .close();
    let [finding] = end.findings() else { panic!("{:?}", end.findings()) };
    assert_eq!((finding.rule, finding.node, finding.contract), (UNKNOWN_NODE, Some(9), Some(CONTRACT)));
}

#[test]
fn a_node_stored_again_loses_its_use_and_keeps_its_contracts() {
    let end = scene()
        .event(600, &report(CONTRACT, 3_600, 1 << 30))
        .event(606, &Event::NodeStored(Box::new(node(NODE))))
        .event(612, &report(CONTRACT, 1_800, 0))
        .close();
    assert_eq!(ip_and_nu(&end), (1.0, 0.0));
}

#[test]
fn a_resource_a_node_does_not_have_is_not_used() {
    let used = Resources { hru: 5, ..Resources::default() };
    let end = scene()
        .event(600, &Event::UpdatedUsedResources { contract: CONTRACT, used })
        .event(606, &report(CONTRACT, 2_630_880, 0))
        .close();
    assert_eq!(end.receipt().resource_utilization.hru, 0.0);
}
