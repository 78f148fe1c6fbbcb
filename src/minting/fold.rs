//! The fold: applies the events of a chain, in its order, to the ledgers of a set of nodes.

use std::collections::BTreeMap;

use crate::chain::types::{
    Consumption, ContractId, Event, Height, Node, NodeId, NruConsumption, Resources, UptimeReport,
};

use super::arithmetic::Calculator;
use super::closing::Closing;
use super::consumption::ContractLedger;
use super::finding::{Finding, Findings, UNKNOWN_CONTRACT, UNKNOWN_NODE};
use super::folded::Folded;
use super::ledger::{Irregularity, Ledger, NodeState};
use super::ledgers::Ledgers;
use super::outcome::NodeResult;
use super::period::Period;
use super::power;
use super::rules::{RaisedCapacity, ReportTime, Rules, UseSource};
use super::state::{Boundaries, EndState, StartState};
use super::uptime::{self, Report};

/// The ledgers of a set of nodes, and of the contracts on them.
///
/// Nodes do not know of each other: any split of the nodes over several folds, where a contract goes with
/// its node, gives the same results and findings.
#[derive(Debug)]
pub struct Fold {
    rules: Rules,
    bounds: Boundaries,
    nodes: Ledgers,
    contracts: BTreeMap<ContractId, ContractLedger>,
    findings: Findings,
}

/// What a fold comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Every node, in the order of identifiers.
    pub nodes: Vec<NodeResult>,
    /// What is to be looked at, sorted.
    pub findings: Vec<Finding>,
}

/// Where an event happened.
#[derive(Clone, Copy)]
struct Moment {
    block: Height,
    /// Time of the block, seconds since the epoch.
    time: i64,
}

impl Fold {
    /// Opens the ledgers of the nodes and contracts in `start`, which may be a part of the chain's.
    pub fn new(rules: &Rules, bounds: &Boundaries, start: StartState) -> Self {
        let mut nodes = Ledgers::new(rules, &bounds.period);
        for node in start.nodes {
            let state = start.power.get(&node.id).map_or_else(NodeState::new, |power| {
                NodeState::at_start(*power, bounds.first_block_time, rules)
            });
            nodes.insert(Ledger::new(node, state));
        }
        let last_use = &start.last_use;
        let contracts = start.contracts.into_iter().map(|(contract, used)| {
            let last = last_use.get(&contract.contract_id).copied();
            (contract.contract_id, ContractLedger::at_start(contract, used, last))
        });
        let contracts = contracts.collect();
        Self { rules: rules.clone(), bounds: *bounds, nodes, contracts, findings: Findings::default() }
    }

    /// Goes on from what another fold, or the same part of several, came to.
    pub fn resume(rules: &Rules, bounds: &Boundaries, folded: Folded) -> Self {
        let mut nodes = Ledgers::new(rules, &bounds.period);
        folded.nodes.into_iter().for_each(|ledger| nodes.insert(ledger));
        let contracts = folded.contracts.into_iter().map(|ledger| (ledger.contract.contract_id, ledger));
        Self {
            rules: rules.clone(),
            bounds: *bounds,
            nodes,
            contracts: contracts.collect(),
            findings: Findings::after(folded.findings),
        }
    }

    /// What it knows so far, in no order.
    pub fn folded(&self) -> Folded {
        Folded {
            nodes: self.nodes.iter().collect(),
            contracts: self.contracts.values().copied().collect(),
            findings: self.findings.so_far().to_vec(),
        }
    }

    /// Applies an event of a block whose time is `time`, seconds since the epoch. Events come in the order
    /// of the chain, from the first block of the period to the last one read after it.
    pub fn apply(&mut self, block: Height, time: i64, event: &Event) {
        let moment = Moment { block, time };
        if block <= self.bounds.last_block {
            self.apply_in_period(moment, event);
        } else {
            self.apply_post_period(moment, event);
        }
    }

    /// Applies an uptime report, as [`Fold::apply`] does that of an event: node, block, its time as the event has it
    /// and the uptime that the node claims, both in seconds.
    pub fn apply_report(&mut self, block: Height, node: NodeId, now: u64, uptime: u64) {
        let last = self.bounds.last_block;
        if block <= last {
            self.report(block, node, now, uptime, true);
        }
        if block > last || (block == last && self.rules.last_block_twice) {
            self.report(block, node, now, uptime, false);
        }
    }

    /// Applies uptime reports in the order of the chain, as [`Fold::apply_report`] does one by one.
    pub fn apply_reports<'a>(&mut self, reports: impl Iterator<Item = &'a UptimeReport>) {
        let last = self.bounds.last_block;
        let until = if self.rules.last_block_twice { last.saturating_sub(1) } else { last };
        for UptimeReport { node, block, now, uptime } in reports {
            if *block > until || !self.nodes.run_on(*node, *now, *uptime) {
                self.apply_report(*block, *node, *now, *uptime);
                self.nodes.watch(*node);
            }
        }
    }

    fn report(&mut self, block: Height, node: NodeId, now: u64, uptime: u64, in_period: bool) {
        // After the period, unknown nodes are nothing to wonder about.
        let deed = in_period.then_some("reported its uptime");
        self.change(block, node, deed, |state, rules, period, calc| {
            let report = Report::new(block, now, uptime, calc);
            if in_period {
                uptime::report_in_period(state, &report, rules, period, calc)
            } else {
                uptime::report_post_period(state, &report, rules, period, calc)
            }
        });
    }

    fn apply_in_period(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::NodeStored(node) => {
                // A node registered anew starts from nothing, also if it is known.
                self.nodes.insert(Ledger::new(Node::clone(node), NodeState::registered(moment.time)));
            }
            Event::NodeUpdated(node) => self.update(moment, node),
            Event::NodeUptimeReported { node, now, uptime } => {
                self.apply_report(moment.block, *node, *now, *uptime);
            }
            Event::PowerTargetChanged { .. } | Event::PowerStateChanged { .. }
                if self.rules.sleep_max_secs.is_none() => {}
            Event::PowerTargetChanged { node, target } => {
                self.change(moment.block, *node, Some("got a power target"), |state, rules, _, _| {
                    power::target_changed(state, *target, moment.time, rules);
                    Ok(())
                });
            }
            Event::PowerStateChanged { node, state: new } => {
                self.change(moment.block, *node, Some("changed its power state"), |state, rules, _, calc| {
                    power::state_changed_in_period(state, *new, moment.time, rules, calc)
                });
            }
            Event::NodeContractCreated(contract) => {
                let ledger = ContractLedger::created(*contract, moment.time);
                self.contracts.insert(contract.contract_id, ledger);
            }
            Event::UpdatedUsedResources { contract, used } => self.set_used(moment, *contract, used),
            Event::NruConsumptionReportReceived(report) => self.consume(moment, report),
            Event::ConsumptionReportReceived(report) => self.consume_since_last(moment, report),
        }
    }

    /// After the period only uptime and power count, and unknown nodes are nothing to wonder about.
    fn apply_post_period(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::NodeUptimeReported { node, now, uptime } => {
                self.apply_report(moment.block, *node, *now, *uptime);
            }
            Event::PowerTargetChanged { .. } | Event::PowerStateChanged { .. }
                if !self.rules.post_period_power => {}
            Event::PowerTargetChanged { node, target } => {
                self.change(moment.block, *node, None, |state, rules, _, _| {
                    power::target_changed(state, *target, moment.time, rules);
                    Ok(())
                });
            }
            Event::PowerStateChanged { node, state: new } => {
                self.change(moment.block, *node, None, |state, rules, _, _| {
                    power::state_changed_post_period(state, *new, moment.time, rules);
                    Ok(())
                });
            }
            Event::NodeStored(_)
            | Event::NodeUpdated(_)
            | Event::NodeContractCreated(_)
            | Event::UpdatedUsedResources { .. }
            | Event::NruConsumptionReportReceived(_)
            | Event::ConsumptionReportReceived(_) => {}
        }
    }

    /// A node says what it is now. Its uptime goes on, and a node once virtualized stays so.
    fn update(&mut self, moment: Moment, node: &Node) {
        match self.nodes.get_mut(node.id) {
            Some(ledger) => {
                let virtualized = ledger.node.virtualized || node.virtualized;
                let resources = match self.rules.raised_capacity {
                    RaisedCapacity::WholePeriod => node.resources,
                    RaisedCapacity::NextPeriod => ledger.node.resources.least(&node.resources),
                };
                ledger.node = Node { virtualized, resources, ..node.clone() };
            }
            None => self.unknown_node(moment.block, node.id, "was updated"),
        }
    }

    /// Changes the state of a node. If it is unknown, what it did is a finding, or nothing if there is no
    /// word for it.
    fn change(
        &mut self,
        block: Height,
        node: NodeId,
        deed: Option<&str>,
        step: impl Fn(&mut NodeState, &Rules, &Period, &mut Calculator) -> Result<(), Irregularity>,
    ) {
        let Self { rules, bounds, nodes, findings, .. } = self;
        let Some(ledger) = nodes.get_mut(node) else {
            if let Some(deed) = deed {
                self.unknown_node(block, node, deed);
            }
            return;
        };
        let outcome = ledger.change(rules.arithmetic, block, &bounds.period, |state, calc| {
            step(state, rules, &bounds.period, calc)
        });
        if let Err(irregularity) = outcome {
            let (rule, message) = irregularity.describe();
            findings.add(Finding {
                node: Some(node),
                contract: None,
                block: Some(block),
                rule,
                message: message.to_owned(),
            });
        }
    }

    fn set_used(&mut self, moment: Moment, contract: ContractId, used: &Resources) {
        match self.contracts.get_mut(&contract) {
            Some(ledger) => ledger.used = *used,
            None => self.findings.add(of_contract(moment, contract, "changed what it uses")),
        }
    }

    /// A report of metered use.
    fn consume(&mut self, moment: Moment, report: &NruConsumption) {
        let Self { rules, bounds, nodes, contracts, findings } = self;
        if rules.use_source == UseSource::ConsumptionReports {
            return;
        }
        let (contract_id, by_block) = (report.contract_id, rules.report_time == ReportTime::Block);
        let Some(contract) = contracts.get_mut(&contract_id) else {
            if !by_block && rules.use_source == UseSource::UsedResources {
                findings.add(of_contract(moment, contract_id, "reported its use"));
            }
            return;
        };
        let Some(ledger) = nodes.get_mut(contract.contract.node_id) else {
            findings.add(without_node(moment, contract));
            return;
        };
        if rules.use_source == UseSource::NetworkReports {
            // Traffic that is reported beside the reports of use is added to theirs.
            let _ = ledger.change(rules.arithmetic, moment.block, &bounds.period, |state, calc| {
                state.used.add_network(report, calc);
                Ok(())
            });
            return;
        }
        let time = if by_block { moment.time } else { seconds(report.timestamp) };
        if !contract.counts(time, bounds.period.start) {
            return;
        }
        // Adding up use breaks no rule, in either arithmetic.
        let _ = ledger.change(rules.arithmetic, moment.block, &bounds.period, |state, calc| {
            state.used.add(contract, report, calc);
            Ok(())
        });
        contract.last_report = time;
    }

    /// A report of use of the first periods; one of an unknown contract is skipped. The first one of a contract that
    /// existed before the period tells only from when on the next one counts.
    fn consume_since_last(&mut self, moment: Moment, report: &Consumption) {
        let Self { rules, bounds, nodes, contracts, findings } = self;
        if rules.use_source == UseSource::UsedResources {
            return;
        }
        let Some(contract) = contracts.get_mut(&report.contract_id) else { return };
        let Some(ledger) = nodes.get_mut(contract.contract.node_id) else {
            findings.add(without_node(moment, contract));
            return;
        };
        let time = seconds(report.timestamp);
        if time <= contract.last_report {
            return;
        }
        if contract.last_report > 0 && time >= bounds.period.start {
            // As for metered use.
            let _ = ledger.change(rules.arithmetic, moment.block, &bounds.period, |state, calc| {
                state.used.add_since_last(contract, report, calc);
                Ok(())
            });
        }
        (contract.last_report, contract.last_nru) = (time, report.nru);
    }

    fn unknown_node(&mut self, block: Height, node: NodeId, deed: &str) {
        self.findings.add(Finding {
            node: Some(node),
            contract: None,
            block: Some(block),
            rule: UNKNOWN_NODE,
            message: format!("node {node} {deed}, but there is no such node; the event is ignored"),
        });
    }

    /// The ledger of a node, as far as events were applied.
    pub(super) fn ledger(&self, node: NodeId) -> Option<Ledger> {
        self.nodes.get(node)
    }

    /// Closes every ledger against the state of the chain at the end of the period.
    pub fn close(mut self, end: &EndState) -> Closed {
        let closing = Closing { rules: &self.rules, bounds: &self.bounds, end };
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for ledger in self.nodes.into_sorted() {
            let (result, findings) = closing.close(ledger);
            nodes.push(result);
            findings.into_iter().for_each(|finding| self.findings.add(finding));
        }
        Closed { nodes, findings: self.findings.into_sorted() }
    }
}

/// An event of a contract that is not there.
fn of_contract(moment: Moment, contract: ContractId, deed: &str) -> Finding {
    Finding {
        node: None,
        contract: Some(contract),
        block: Some(moment.block),
        rule: UNKNOWN_CONTRACT,
        message: format!(
            "contract {contract} {deed}, but is not known as a node contract; the event is ignored"
        ),
    }
}

/// A report of use on a node that is not there.
fn without_node(moment: Moment, contract: &ContractLedger) -> Finding {
    let (contract, node) = (contract.contract.contract_id, contract.contract.node_id);
    Finding {
        node: Some(node),
        contract: Some(contract),
        block: Some(moment.block),
        rule: UNKNOWN_NODE,
        message: format!(
            "contract {contract} on node {node} reported its use, but there is no such node; the event is ignored"
        ),
    }
}

/// A time that a reporter states, seconds since the epoch.
fn seconds(timestamp: u64) -> i64 {
    i64::try_from(timestamp).unwrap_or(i64::MAX)
}
