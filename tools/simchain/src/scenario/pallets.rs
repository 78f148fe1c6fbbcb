//! The pallets: what an action does to storage, and the event that tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::Content;
use crate::clock::Clock;
use crate::storage::Change;
use crate::types::runtime::RuntimeEvent;
use crate::types::smart_contract::{ContractBill, DiscountLevel, NruConsumption, SmartContractEvent};
use crate::types::system::SystemEvent;
use crate::types::tfgrid::{NodePower, PowerState, TfgridEvent};

use super::action::Action;
use super::world::World;

const TFGRID: &str = "TfgridModule";
const CONTRACTS: &str = "SmartContractModule";

/// What the pallets must remember to perform actions.
#[derive(Debug)]
pub struct Pallets {
    clock: Arc<Clock>,
    /// Farm and twin of every node, for events and fees that name them.
    owners: BTreeMap<u32, (u32, u32)>,
    power: BTreeMap<u32, NodePower>,
    highest_node: u32,
    highest_contract: u64,
}

impl Pallets {
    /// The pallets at genesis.
    pub fn new(world: &World) -> Self {
        Self {
            clock: Arc::clone(&world.clock),
            owners: world.nodes.iter().map(|(id, node)| (*id, (node.farm_id, node.twin_id))).collect(),
            power: BTreeMap::new(),
            highest_node: world.highest_genesis_node(),
            highest_contract: 0,
        }
    }

    /// The twin of a node, 0 if there is no such node.
    pub fn twin_of(&self, node: u32) -> u32 {
        self.owners.get(&node).map_or(0, |(_, twin)| *twin)
    }

    /// Does what an action asks for in the block at `height`: the node that signs it, 0 if it is no node's, and the
    /// event; the storage that changes goes into `content`.
    pub fn perform(&mut self, height: u32, action: Action, content: &mut Content) -> (u32, RuntimeEvent) {
        match action {
            Action::ReportUptime { node, uptime } => {
                let now = self.clock.seconds(height);
                (node, tfgrid(TfgridEvent::NodeUptimeReported(node, now, uptime)))
            }
            Action::SetPowerTarget { node, target } => {
                self.change_power(node, content, |power| power.target = target);
                let farm_id = self.farm_of(node);
                let event = TfgridEvent::PowerTargetChanged { farm_id, node_id: node, power_target: target };
                (node, tfgrid(event))
            }
            Action::PowerUp { node } => self.report_power(node, PowerState::Up, content),
            Action::PowerDown { node } => self.report_power(node, PowerState::Down(height), content),
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
                let timestamp = self.clock.seconds(height);
                let report = NruConsumption { contract_id: contract, timestamp, window, nru };
                (0, contracts(SmartContractEvent::NruConsumptionReportReceived(report)))
            }
            Action::Bill { contract, amount } => {
                let bill = ContractBill {
                    contract_id: contract,
                    timestamp: self.clock.seconds(height),
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
}

fn tfgrid(event: TfgridEvent) -> RuntimeEvent {
    RuntimeEvent::TfgridModule(event)
}

fn contracts(event: SmartContractEvent) -> RuntimeEvent {
    RuntimeEvent::SmartContractModule(event)
}
