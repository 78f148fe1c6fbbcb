//! Parameters of what is used of a node.

use super::*;
use crate::chain::types::{Consumption, NodeContract, NruConsumption};
use crate::minting::LastUse;

#[test]
fn use_source() {
    let used = |name| {
        let start = StartState {
            nodes: vec![node(NODE)],
            contracts: vec![(
                NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 },
                Resources { cru: 4, ..Resources::default() },
            )],
            ..StartState::default()
        };
        let timestamp = u64::try_from(START + 100).unwrap();
        let report = NruConsumption { contract_id: 9, timestamp, window: 3_600, nru: 1 << 30 };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        let end = scene.event(100, &Event::NruConsumptionReportReceived(report)).close();
        (end.receipt().cloud_units.nu, end.receipt().resource_utilization.ip)
    };
    assert_eq!(used("r47"), (0.0, 0.0));
    assert_eq!(used("r48"), (1.0, 0.0));
    assert_eq!(used("r52"), (1.0, 1.0));
}

/// Contract 9 with an address is made at 600 s. Reports: 4 cores and 1 GiB an hour later; 2 cores and 1.5 GiB after
/// another hour; one again; and after half an hour 0.25 GiB, so that the counter of traffic had started again.
#[test]
fn use_source_consumption_reports() {
    let report = |at: i64, cru: u64, nru: u64| {
        let timestamp = u64::try_from(START + at).unwrap();
        let used = Resources { cru, ..Resources::default() };
        Event::ConsumptionReportReceived(Consumption { contract_id: 9, timestamp, used, nru })
    };
    let used = |name| {
        let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 };
        let end = scene(name)
            .event(600, &Event::NodeContractCreated(contract))
            .event(4_206, &report(4_200, 4, 1 << 30))
            .event(7_806, &report(7_800, 2, 3 << 29))
            .event(7_812, &report(7_800, 2, 3 << 29))
            .event(9_606, &report(9_600, 0, 1 << 28))
            .event(9_612, &Event::ConsumptionReportReceived(Consumption { contract_id: 8, ..consumption() }))
            .close();
        let used = end.receipt().resource_utilization;
        // 4 and 2 cores for an hour each are 21600 core seconds: less than a core on average.
        assert_eq!((end.findings(), used.cru), (&[][..], 0.0));
        (end.receipt().cloud_units.nu, used.ip)
    };
    for name in ["r45", "r46", "r46-fix", "r47", "r48"] {
        // 1 + 0.5 + 0.25 GiB; an address for 2.5 hours.
        assert_eq!(used(name), (1.75, 2.5), "{name}");
    }
    assert_eq!(used("r52"), (0.0, 0.0));
}

fn consumption() -> Consumption {
    Consumption { contract_id: 9, timestamp: 0, used: Resources::default(), nru: 0 }
}

/// A contract from before the period: its first report says from when on the next one counts, and one of a time before
/// the period counts for nothing. Eight cores for a quarter of the period are a quarter of the node.
#[test]
fn use_source_before_the_period() {
    let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 0 };
    let report = |at: i64, nru: u64| {
        let timestamp = u64::try_from(START + at).unwrap();
        let used = Resources { cru: 8, ..Resources::default() };
        Event::ConsumptionReportReceived(Consumption { timestamp, used, nru, ..consumption() })
    };
    let start = || StartState {
        nodes: vec![node(NODE)],
        contracts: vec![(contract, Resources::default())],
        ..StartState::default()
    };
    let quarter = DURATION / 4;
    let used = |first: i64, last: i64| {
        let scene = Scene::with(&Rules::named("r47").unwrap(), start());
        let end = scene.event(60, &report(first, 5 << 30)).event(last + 60, &report(last, 6 << 30)).close();
        (end.receipt().resource_utilization.cru, end.receipt().cloud_units.nu)
    };
    assert_eq!(used(50, 50 + quarter), (25.0, 1.0));
    // 60 s before the start are counted as well, as the reference implementation does.
    assert_eq!(used(-60, quarter - 60), (25.0, 1.0));
    assert_eq!(used(-60, -30), (0.0, 0.0));
}

/// Reports of contract 9 out of the order of their own times.
#[test]
fn report_time() {
    let used = |name| {
        let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 1 };
        let start = StartState {
            nodes: vec![node(NODE)],
            contracts: vec![(contract, Resources::default())],
            ..StartState::default()
        };
        let report = |at: i64| {
            let timestamp = u64::try_from(START + at).unwrap();
            Event::NruConsumptionReportReceived(NruConsumption {
                contract_id: 9,
                timestamp,
                window: 3_600,
                nru: 0,
            })
        };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        let unknown = NruConsumption { contract_id: 8, timestamp: 0, window: 0, nru: 0 };
        let end = scene
            .event(100, &report(90))
            .event(200, &report(80))
            .event(300, &report(-1))
            .event(400, &Event::NruConsumptionReportReceived(unknown))
            .close();
        (end.receipt().resource_utilization.ip, end.findings().len())
    };
    // One of three counts, and an unknown contract stops the reference implementation.
    assert_eq!(used("r52"), (1.0, 1));
    assert_eq!(used("r58"), (3.0, 0));
}

/// A contract whose last report was an hour before the period: eight cores for a quarter of the period since then, and
/// 1 GiB of traffic.
#[test]
fn use_baseline_hours() {
    let contract = NodeContract { contract_id: 9, node_id: NODE, public_ips: 0 };
    let quarter = DURATION / 4;
    let used = |name| {
        let start = StartState {
            nodes: vec![node(NODE)],
            contracts: vec![(contract, Resources::default())],
            last_use: [(9, LastUse { at: START - 3_600, nru: 5 << 30 })].into(),
            ..StartState::default()
        };
        let timestamp = u64::try_from(START - 3_600 + quarter).unwrap();
        let used = Resources { cru: 8, ..Resources::default() };
        let report = Consumption { timestamp, used, nru: 6 << 30, ..consumption() };
        let scene = Scene::with(&Rules::named(name).unwrap(), start);
        let end = scene.event(quarter, &Event::ConsumptionReportReceived(report)).close();
        (end.receipt().resource_utilization.cru, end.receipt().cloud_units.nu)
    };
    assert_eq!((used("r45"), used("r48"), used("r52")), ((25.0, 1.0), (25.0, 1.0), (0.0, 0.0)));
}
