//! Turns the actions of a block into its events and the storage it changes, as the pallets do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::Content;
use crate::clock::Clock;
use crate::storage::Change;
use crate::types::balances::{BalancesEvent, TransactionPaymentEvent};
use crate::types::runtime::{EventRecord, Phase, RuntimeEvent};
use crate::types::smart_contract::{ContractBill, DiscountLevel, NruConsumption, SmartContractEvent};
use crate::types::system::{DispatchClass, DispatchInfo, Pays, SystemEvent, Weight};
use crate::types::tfgrid::{NodePower, PowerState, TfgridEvent};

use super::action::{Action, Timeline};
use super::world::{World, account_of};

/// Fee that a call reserves and gets back, 10^-7 TFT, as recorded from the real runtime.
const FEE: u128 = 10_145;
/// One call in this many shows its fee. On the real chain every call does; a frozen archive with all of
/// them would be much larger and tell no more.
const CALLS_PER_FEE: u64 = 16;

const TFGRID: &str = "TfgridModule";
const CONTRACTS: &str = "SmartContractModule";

/// Writes the contents of all blocks, in order of height.
#[derive(Debug)]
pub struct Author {
    clock: Arc<Clock>,
    timeline: Timeline,
    /// Farm and twin of every node, for events and fees that name them.
    owners: BTreeMap<u32, (u32, u32)>,
    power: BTreeMap<u32, NodePower>,
    highest_node: u32,
    highest_contract: u64,
    calls: u64,
    height: u32,
}

impl Author {
    /// The author of everything that `world` has planned.
    pub fn new(world: World) -> Self {
        let owners = world.nodes.iter().map(|(id, node)| (*id, (node.farm_id, node.twin_id))).collect();
        Self {
            owners,
            power: BTreeMap::new(),
            highest_node: world.highest_genesis_node(),
            highest_contract: 0,
            calls: 0,
            height: 0,
            clock: world.clock,
            timeline: world.timeline,
        }
    }

    fn perform(&mut self, action: Action, content: &mut Content) -> (u32, RuntimeEvent) {
        match action {
            Action::ReportUptime { node, uptime } => {
                let now = self.clock.seconds(self.height);
                (node, tfgrid(TfgridEvent::NodeUptimeReported(node, now, uptime)))
            }
            Action::SetPowerTarget { node, target } => {
                self.change_power(node, content, |power| power.target = target);
                let farm_id = self.farm_of(node);
                let event = TfgridEvent::PowerTargetChanged { farm_id, node_id: node, power_target: target };
                (node, tfgrid(event))
            }
            Action::PowerUp { node } => self.report_power(node, PowerState::Up, content),
            Action::PowerDown { node } => self.report_power(node, PowerState::Down(self.height), content),
            Action::StoreNode(node) => {
                if node.id > self.highest_node {
                    self.highest_node = node.id;
                    content.changes.push(Change::plain(TFGRID, "NodeID", &node.id));
                }
                self.owners.insert(node.id, (node.farm_id, node.twin_id));
                content.changes.push(Change::entry(TFGRID, "Nodes", &node.id, &*node));
                (node.id, tfgrid(TfgridEvent::NodeStored(node)))
            }
            Action::UpdateNode(node) => {
                content.changes.push(Change::entry(TFGRID, "Nodes", &node.id, &*node));
                (node.id, tfgrid(TfgridEvent::NodeUpdated(node)))
            }
            Action::DeleteTwin(twin) => {
                content.changes.push(Change::removed(TFGRID, "Twins", &twin));
                (0, tfgrid(TfgridEvent::TwinDeleted(twin)))
            }
            Action::DeleteFarm(farm) => {
                content.changes.push(Change::removed(TFGRID, "Farms", &farm));
                (0, tfgrid(TfgridEvent::FarmDeleted(farm)))
            }
            Action::CreateContract(contract) => {
                let id = contract.contract_id;
                if id > self.highest_contract {
                    self.highest_contract = id;
                    content.changes.push(Change::plain(CONTRACTS, "ContractID", &id));
                }
                content.changes.push(Change::entry(CONTRACTS, "Contracts", &id, &*contract));
                (0, contracts(SmartContractEvent::ContractCreated(contract)))
            }
            Action::UseResources(used) => {
                let id = used.contract_id;
                content.changes.push(Change::entry(CONTRACTS, "NodeContractResources", &id, &used));
                (0, contracts(SmartContractEvent::UpdatedUsedResources(used)))
            }
            Action::ReportTraffic { contract, window, nru } => {
                let timestamp = self.clock.seconds(self.height);
                let report = NruConsumption { contract_id: contract, timestamp, window, nru };
                (0, contracts(SmartContractEvent::NruConsumptionReportReceived(report)))
            }
            Action::Bill { contract, amount } => {
                let bill = ContractBill {
                    contract_id: contract,
                    timestamp: self.clock.seconds(self.height),
                    discount_level: DiscountLevel::Gold,
                    amount_billed: amount,
                };
                (0, contracts(SmartContractEvent::ContractBilled(bill)))
            }
            Action::UpgradeRuntime => {
                content.upgrade = true;
                (0, RuntimeEvent::System(SystemEvent::CodeUpdated))
            }
        }
    }

    fn report_power(&mut self, node: u32, state: PowerState, content: &mut Content) -> (u32, RuntimeEvent) {
        self.change_power(node, content, |power| power.state = state);
        let farm_id = self.farm_of(node);
        (node, tfgrid(TfgridEvent::PowerStateChanged { farm_id, node_id: node, power_state: state }))
    }

    fn change_power(&mut self, node: u32, content: &mut Content, change: impl FnOnce(&mut NodePower)) {
        let power = self.power.entry(node).or_default();
        change(power);
        content.changes.push(Change::entry(TFGRID, "NodePower", &node, power));
    }

    fn farm_of(&self, node: u32) -> u32 {
        self.owners.get(&node).map_or(0, |(farm, _)| *farm)
    }

    /// Events of one extrinsic: what it did, now and then with its fee around, and that it succeeded.
    fn extrinsic(&mut self, index: u32, action: Action, content: &mut Content) {
        let phase = Phase::ApplyExtrinsic(index);
        let (signer, event) = self.perform(action, content);
        let who = account_of(self.owners.get(&signer).map_or(0, |(_, twin)| *twin));
        let with_fee = self.calls.is_multiple_of(CALLS_PER_FEE);
        self.calls = self.calls.wrapping_add(1);
        let mut push = |event| content.records.push(EventRecord { phase, event, topics: vec![] });
        if with_fee {
            push(RuntimeEvent::Balances(BalancesEvent::Withdraw { who, amount: FEE }));
        }
        push(event);
        if with_fee {
            push(RuntimeEvent::Balances(BalancesEvent::Deposit { who, amount: FEE }));
            let paid = TransactionPaymentEvent::TransactionFeePaid { who, actual_fee: 0, tip: 0 };
            push(RuntimeEvent::TransactionPayment(paid));
        }
        push(success(DispatchClass::Normal, 298_945_000, 3_593, Pays::No));
    }
}

impl Iterator for Author {
    type Item = Content;

    fn next(&mut self) -> Option<Content> {
        if self.height >= self.clock.head() {
            return None;
        }
        self.height = self.height.saturating_add(1);
        let mut content = Content { time_ms: self.clock.time_ms(self.height), ..Content::default() };
        // The first extrinsic of every block sets its time.
        let timestamp = success(DispatchClass::Mandatory, 274_737_000, 1_493, Pays::Yes);
        content.records.push(EventRecord {
            phase: Phase::ApplyExtrinsic(0),
            event: timestamp,
            topics: vec![],
        });
        for (action, index) in self.timeline.take(self.height).into_iter().zip(1..) {
            self.extrinsic(index, action, &mut content);
        }
        Some(content)
    }
}

fn tfgrid(event: TfgridEvent) -> RuntimeEvent {
    RuntimeEvent::TfgridModule(event)
}

fn contracts(event: SmartContractEvent) -> RuntimeEvent {
    RuntimeEvent::SmartContractModule(event)
}

fn success(class: DispatchClass, ref_time: u64, proof_size: u64, pays_fee: Pays) -> RuntimeEvent {
    let dispatch_info = DispatchInfo { weight: Weight { ref_time, proof_size }, class, pays_fee };
    RuntimeEvent::System(SystemEvent::ExtrinsicSuccess { dispatch_info })
}
