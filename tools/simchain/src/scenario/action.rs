//! What somebody does on the chain, and the timeline of all of it.

use std::collections::BTreeMap;

use crate::types::smart_contract::{Contract, ContractResources};
use crate::types::tfgrid::{Node, Power};

/// A call to the chain.
#[derive(Clone, Debug)]
pub enum Action {
    /// A node says for how many seconds it has been up.
    ReportUptime {
        /// The node.
        node: u32,
        /// The claim, seconds.
        uptime: u64,
    },
    /// A farmer asks a node to wake up or to sleep.
    SetPowerTarget {
        /// The node.
        node: u32,
        /// What is asked.
        target: Power,
    },
    /// A node says that it is up.
    PowerUp {
        /// The node.
        node: u32,
    },
    /// A node says that it goes down.
    PowerDown {
        /// The node.
        node: u32,
    },
    /// A node is registered.
    StoreNode(Box<Node>),
    /// A node changes.
    UpdateNode(Box<Node>),
    /// A twin goes away.
    DeleteTwin(u32),
    /// A farm goes away.
    DeleteFarm(u32),
    /// A contract is made.
    CreateContract(Box<Contract>),
    /// A contract reserves resources.
    UseResources(ContractResources),
    /// Metered use of a contract is reported.
    ReportTraffic {
        /// The contract.
        contract: u64,
        /// Length of the window, seconds.
        window: u64,
        /// Bytes.
        nru: u64,
    },
    /// A contract is billed.
    Bill {
        /// The contract.
        contract: u64,
        /// Amount, 10^-7 TFT.
        amount: u128,
    },
    /// The code of the runtime is replaced by the next one.
    UpgradeRuntime,
}

/// All actions by height; within a block in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    actions: BTreeMap<u32, Vec<Action>>,
}

impl Timeline {
    /// Adds an action to the block at `height`.
    pub fn add(&mut self, height: u32, action: Action) {
        self.actions.entry(height).or_default().push(action);
    }

    /// Takes out the actions of a block.
    pub fn take(&mut self, height: u32) -> Vec<Action> {
        self.actions.remove(&height).unwrap_or_default()
    }
}
