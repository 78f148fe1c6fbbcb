//! Properties that hold for every sequence of events.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::chain::types::{Consumption, NodeContract, NruConsumption, UptimeReport};
use crate::minting::{Arithmetic, BugMode, Outcome, RULE_SETS, Scaling, Timeline, What};

const NODES: NodeId = 4;

/// Numbers near the ends of their types, and near the times of the period.
fn number() -> impl Strategy<Value = u64> {
    let start = u64::try_from(START).unwrap();
    prop_oneof![
        4 => 0..4_000_u64,
        4 => start - 4_000..start + 4_000,
        2 => start + 2_626_000..start + 2_730_000,
        1 => any::<u64>(),
        1 => u64::MAX - 3..=u64::MAX,
        1 => (1_u64 << 63) - 2..(1 << 63) + 2,
    ]
}

fn resources() -> impl Strategy<Value = Resources> {
    (number(), number(), number(), number()).prop_map(|(cru, mru, hru, sru)| Resources { cru, mru, hru, sru })
}

fn any_node() -> impl Strategy<Value = Node> {
    // Mostly with a farm, a twin and a policy that exist.
    let farm = prop_oneof![9 => Just(3_u32), 1 => Just(4)];
    let twin = prop_oneof![9 => Just(2_u32), 1 => Just(1)];
    let policy = prop_oneof![9 => 1..5_u32, 1 => Just(5)];
    (1..=NODES, farm, twin, resources(), any::<bool>(), any::<bool>(), policy, 0..3_u32).prop_map(
        |(id, farm_id, twin_id, resources, certified, virtualized, farming_policy_id, connection_price)| {
            Node {
                id,
                farm_id,
                twin_id,
                resources,
                certification: if certified { NodeCertification::Certified } else { NodeCertification::Diy },
                virtualized,
                farming_policy_id,
                connection_price,
            }
        },
    )
}

fn target() -> impl Strategy<Value = PowerTarget> {
    prop_oneof![Just(PowerTarget::Up), Just(PowerTarget::Down)]
}

fn state() -> impl Strategy<Value = PowerState> {
    prop_oneof![Just(PowerState::Up), Just(PowerState::Down(1))]
}

/// Contract `c` runs on node `c`, so that its node is known without its history.
fn contract() -> impl Strategy<Value = NodeContract> {
    (1..=NODES + 1, any::<u32>()).prop_map(|(id, public_ips)| NodeContract {
        contract_id: id.into(),
        node_id: id,
        public_ips,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let id = 1..=NODES + 1;
    let contract_id = 1..=u64::from(NODES) + 1;
    prop_oneof![
        1 => any_node().prop_map(|node| Event::NodeStored(Box::new(node))),
        1 => any_node().prop_map(|node| Event::NodeUpdated(Box::new(node))),
        8 => (id.clone(), number(), number())
            .prop_map(|(node, now, uptime)| Event::NodeUptimeReported { node, now, uptime }),
        3 => (id.clone(), target()).prop_map(|(node, target)| Event::PowerTargetChanged { node, target }),
        3 => (id, state()).prop_map(|(node, state)| Event::PowerStateChanged { node, state }),
        1 => contract().prop_map(Event::NodeContractCreated),
        1 => (contract_id.clone(), resources())
            .prop_map(|(contract, used)| Event::UpdatedUsedResources { contract, used }),
        2 => (contract_id.clone(), number(), number(), number()).prop_map(|(contract_id, timestamp, window, nru)| {
            Event::NruConsumptionReportReceived(NruConsumption { contract_id, timestamp, window, nru })
        }),
        2 => (contract_id, number(), resources(), number()).prop_map(|(contract_id, timestamp, used, nru)| {
            Event::ConsumptionReportReceived(Consumption { contract_id, timestamp, used, nru })
        }),
    ]
}

/// Blocks in the period and after it, each with a time of its own, which may be any.
fn happenings() -> impl Strategy<Value = Vec<(Height, i64, Event)>> {
    let block = prop_oneof![3 => FIRST_BLOCK..LAST_BLOCK + 1, 1 => LAST_BLOCK..LAST_BLOCK + 100];
    let time = prop_oneof![
        8 => START - 4_000..START + 4_000,
        2 => START + 2_626_000..START + 2_730_000,
        1 => any::<i64>(),
    ];
    vec((block, time, event()), 0..40).prop_map(|mut happenings| {
        happenings.sort_by_key(|(block, ..)| *block);
        happenings
    })
}

fn start_state() -> impl Strategy<Value = StartState> {
    let power = (state(), target(), any::<i64>()).prop_map(|(state, target, since)| StartPower {
        power: NodePower { state, target },
        down_since: Some(since),
    });
    (vec(any_node(), 0..6), vec((1..=NODES, power), 0..3), vec((contract(), resources()), 0..3)).prop_map(
        |(nodes, power, contracts)| StartState {
            nodes,
            power: power.into_iter().collect(),
            contracts,
            ..StartState::default()
        },
    )
}

/// Reports of a node that mostly runs on, over the end of the period; numbers that mean something else among them.
fn reports() -> impl Strategy<Value = Vec<UptimeReport>> {
    let gap = prop_oneof![8 => 2_300..2_500_u64, 1 => 0..200_u64, 1 => 2_500..100_000_u64];
    let strayed = prop_oneof![8 => -3..4_i64, 2 => -130..131_i64, 1 => -5_000..5_000_i64];
    let other = proptest::option::weighted(0.1, (number(), number()));
    let start = prop_oneof![3 => 0..100_000_u64, 1 => 2_500_000..2_640_000_u64];
    (start, 0..4_000_000_u64, vec((gap, strayed, other), 0..60)).prop_map(|(mut since, mut uptime, steps)| {
        let start = u64::try_from(START).unwrap();
        let report = |(gap, strayed, other): (u64, i64, Option<(u64, u64)>)| {
            since += gap;
            uptime = uptime.saturating_add(gap).saturating_add_signed(strayed);
            let block = FIRST_BLOCK + Height::try_from(since / 6).unwrap();
            let (now, uptime) = other.unwrap_or((start + since, uptime));
            UptimeReport { node: NODE, block, now, uptime }
        };
        steps.into_iter().map(report).collect()
    })
}

/// Any rule set, with and without its mistakes.
fn any_rules() -> impl Strategy<Value = Rules> {
    let modes = &[BugMode::Reference, BugMode::Fixed][..];
    (proptest::sample::select(RULE_SETS), proptest::sample::select(modes))
        .prop_map(|(set, mode)| set.rules().with_bugs(mode))
}

fn run(start: StartState, rules: &Rules, happenings: &[(Height, i64, Event)]) -> Closed {
    let mut fold = Fold::new(rules, &bounds(), start);
    happenings.iter().for_each(|(block, time, event)| fold.apply(*block, *time, event));
    fold.close(&end_state())
}

/// The node an event belongs to; contracts run on the node of their number.
fn node_of(event: &Event) -> NodeId {
    match event {
        Event::NodeStored(node) | Event::NodeUpdated(node) => node.id,
        Event::NodeUptimeReported { node, .. }
        | Event::PowerTargetChanged { node, .. }
        | Event::PowerStateChanged { node, .. } => *node,
        Event::NodeContractCreated(contract) => contract.node_id,
        Event::UpdatedUsedResources { contract, .. } => NodeId::try_from(*contract).unwrap(),
        Event::NruConsumptionReportReceived(report) => NodeId::try_from(report.contract_id).unwrap(),
        Event::ConsumptionReportReceived(report) => NodeId::try_from(report.contract_id).unwrap(),
    }
}

/// A word for the events of a node itself; of others none.
fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::NodeStored(_) => "registered",
        Event::NodeUptimeReported { .. } => "report",
        Event::PowerTargetChanged { .. } => "target",
        Event::PowerStateChanged { .. } => "power",
        _ => "other",
    }
}

/// The same of an entry of a timeline.
fn kind_in_timeline(what: &What) -> Option<&'static str> {
    Some(match what {
        What::Registered { .. } => "registered",
        What::Report { .. } => "report",
        What::Target { .. } => "target",
        What::Power { .. } => "power",
        _ => return None,
    })
}

/// The part of a state, or of what happens, that belongs to some of the nodes.
fn part_of(start: &StartState, keep: impl Fn(NodeId) -> bool) -> StartState {
    StartState {
        nodes: start.nodes.iter().filter(|node| keep(node.id)).cloned().collect(),
        power: start
            .power
            .iter()
            .filter(|(node, _)| keep(**node))
            .map(|(node, power)| (*node, *power))
            .collect(),
        contracts: start.contracts.iter().filter(|(contract, _)| keep(contract.node_id)).copied().collect(),
        ..StartState::default()
    }
}

/// All nodes that may be paid at all are paid in full, whatever their uptime.
fn paid_in_full(rules: &Rules) -> Rules {
    Rules { scaling: Scaling::ByPolicy, linear_policies: vec![], test_net_policy: None, ..rules.clone() }
}

proptest! {
    #[test]
    fn no_rule_set_panics_or_pays_more_than_the_full_period(
        start in start_state(),
        happenings in happenings(),
        set in proptest::sample::select(RULE_SETS),
        mode in proptest::sample::select(&[BugMode::Reference, BugMode::Fixed][..]),
    ) {
        let rules = set.rules().with_bugs(mode);
        let mut end = end_state();
        end.policies.values_mut().for_each(|policy| policy.minimal_uptime = 0);
        let close = |rules: &Rules| {
            let mut fold = Fold::new(rules, &bounds(), start.clone());
            happenings.iter().for_each(|(block, time, event)| fold.apply(*block, *time, event));
            fold.close(&end)
        };
        let (paid, full) = (close(&rules), close(&paid_in_full(&rules)));
        prop_assert_eq!(paid.nodes.len(), full.nodes.len());
        if mode == BugMode::Fixed {
            for (paid, full) in paid.nodes.iter().zip(&full.nodes) {
                let amount = |node: &NodeResult| node.receipt.as_ref().map_or(0, |r| r.receipt.reward.tft);
                // A full amount that does not fit 64 bits is not paid at all, though a part of it may be.
                prop_assert!(amount(paid) <= amount(full) || full.outcome == Outcome::Finding);
            }
        }
    }

    #[test]
    fn no_sequence_of_events_panics(start in start_state(), happenings in happenings()) {
        let exact = run(start.clone(), &Rules::r81(), &happenings);
        let wrapping = run(start, &Rules { arithmetic: Arithmetic::Wrapping, ..Rules::r81() }, &happenings);
        prop_assert_eq!(exact.nodes.len(), wrapping.nodes.len());
        // What differs between the two receipts is named.
        for (exact_node, wrapping_node) in exact.nodes.iter().zip(&wrapping.nodes) {
            if exact_node.receipt.is_some()
                && (&exact_node.receipt, exact_node.violation) != (&wrapping_node.receipt, wrapping_node.violation) {
                let named = exact.findings.iter().any(|finding| {
                    finding.rule == "integer-wrap" && finding.node == Some(exact_node.node.id)
                });
                prop_assert!(named, "{:?}\n{:?}", exact_node, wrapping_node);
            }
        }
    }

    /// Every event of a node that the rules read has its entry in the timeline, in the order of the chain, and the
    /// credits of the entries since the node was last registered are its uptime.
    #[test]
    fn no_event_of_a_known_node_is_lost(
        start in start_state(),
        happenings in happenings(),
        rules in any_rules(),
    ) {
        let mut known = start.nodes.iter().any(|node| node.id == NODE);
        let mut timeline = Timeline::new(&rules, &bounds(), NODE, part_of(&start, |node| node == NODE));
        let mut expected = Vec::new();
        for (block, time, event) in happenings.iter().filter(|(.., event)| node_of(event) == NODE) {
            let post = *block > LAST_BLOCK;
            let power_read = if post { rules.post_period_power } else { rules.sleep_max_secs.is_some() };
            let read = match event {
                Event::NodeStored(_) => !post,
                Event::NodeUptimeReported { .. } => known,
                Event::PowerTargetChanged { .. } | Event::PowerStateChanged { .. } => known && power_read,
                _ => false,
            };
            known |= matches!(event, Event::NodeStored(_)) && !post;
            expected.extend(read.then_some((*block, kind_of(event))));
            timeline.apply(*block, *time, event);
        }
        let Some(followed) = timeline.close(&end_state()) else {
            prop_assert!(!known);
            return Ok(());
        };
        let entries: Vec<_> = followed
            .entries
            .iter()
            .filter_map(|entry| Some((entry.block?, kind_in_timeline(&entry.what)?)))
            .collect();
        prop_assert_eq!(entries, expected);
        let registered = followed.entries.iter().rposition(|entry| matches!(entry.what, What::Registered { .. }));
        let credits = followed.entries.iter().skip(registered.map_or(0, |last| last + 1)).map(|entry| entry.credit);
        // Uptime that does not fit 64 bits is a finding; the receipt then has the most there is.
        let credited = u64::try_from(credits.sum::<i128>()).unwrap_or(u64::MAX);
        if let Some(receipt) = followed.result.receipt {
            prop_assert_eq!(receipt.receipt.measured_uptime, credited);
        }
    }

    /// No event is lost between the parts, and none counts twice.
    #[test]
    fn any_split_of_the_nodes_gives_the_same(
        start in start_state(),
        happenings in happenings(),
        rules in any_rules(),
        shards in vec(0..3_u32, 6),
    ) {
        let whole = run(start.clone(), &rules, &happenings);
        let shard_of = |node: NodeId| shards[usize::try_from(node).unwrap() % shards.len()];
        let mut nodes = Vec::new();
        let mut findings = Vec::new();
        for shard in 0..3 {
            let part: Vec<_> =
                happenings.iter().filter(|(.., event)| shard_of(node_of(event)) == shard).cloned().collect();
            let closed = run(part_of(&start, |node| shard_of(node) == shard), &rules, &part);
            nodes.extend(closed.nodes);
            findings.extend(closed.findings);
        }
        nodes.sort_by_key(|result| result.node.id);
        findings.sort();
        prop_assert_eq!(nodes, whole.nodes);
        prop_assert_eq!(findings, whole.findings);
    }

    #[test]
    fn events_of_other_nodes_change_nothing(
        start in start_state(),
        happenings in happenings(),
        rules in any_rules(),
    ) {
        let whole = run(start.clone(), &rules, &happenings);
        let own: Vec<_> = happenings.iter().filter(|(.., event)| node_of(event) == NODE).cloned().collect();
        let alone = run(part_of(&start, |node| node == NODE), &rules, &own);
        let of_node = |closed: &Closed| closed.nodes.iter().find(|result| result.node.id == NODE).cloned();
        prop_assert_eq!(of_node(&alone), of_node(&whole));
    }
    /// The shortcut for nodes that run on decides nothing else than the rules, whatever happens between the reports.
    #[test]
    fn reports_taken_together_are_worth_what_each_is_alone(
        start in start_state(),
        happenings in vec((0..60_usize, event()), 0..4),
        reports in reports(),
        rules in any_rules(),
        cuts in vec(0..60_usize, 0..3),
    ) {
        let mut alone = Fold::new(&rules, &bounds(), start.clone());
        let mut together = Fold::new(&rules, &bounds(), start);
        let mut waiting: Vec<UptimeReport> = Vec::new();
        for (place, report) in reports.iter().enumerate() {
            let others: Vec<_> = happenings.iter().filter(|(at, _)| *at == place).collect();
            if !others.is_empty() || cuts.contains(&place) {
                together.apply_reports(waiting.drain(..).as_slice().iter());
            }
            for (_, event) in others {
                let time = START + i64::from(report.block - FIRST_BLOCK) * 6;
                alone.apply(report.block, time, event);
                together.apply(report.block, time, event);
            }
            alone.apply_report(report.block, NODE, report.now, report.uptime);
            waiting.push(*report);
        }
        together.apply_reports(waiting.drain(..).as_slice().iter());
        prop_assert_eq!(alone.close(&end_state()), together.close(&end_state()));
    }
}
