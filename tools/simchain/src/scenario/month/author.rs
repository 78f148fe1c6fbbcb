//! Writes the blocks of a month with all that surrounds a call on the real chain: the fee that is taken and given
//! back or paid, what a bill locks and burns, transfers between people.
//!
//! Order of events, fees and weights are those that were recorded from the real runtime (spec 144).

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::chain::Content;
use crate::clock::Clock;
use crate::scenario::action::Action;
use crate::scenario::author::{success, timestamp_set};
use crate::scenario::pallets::Pallets;
use crate::scenario::world::{World, account_of};
use crate::types::AccountId;
use crate::types::balances::{BalancesEvent, TransactionPaymentEvent};
use crate::types::runtime::{EventRecord, Phase, RuntimeEvent};
use crate::types::smart_contract::{ContractData, SmartContractEvent};
use crate::types::system::{DispatchClass, Pays, SystemEvent};

use super::grid::Grid;

/// Those who write blocks, and bill contracts: twins of the network itself.
const VALIDATORS: u32 = 9;
/// A block in this many has a transfer.
const BLOCKS_PER_TRANSFER: u32 = 16;
/// A transfer in this many makes a new account.
const TRANSFERS_PER_ACCOUNT: u32 = 3;
/// A bill in this many pays out what was locked since the last one that did.
const BILLS_PER_PAYMENT: u32 = 24;
/// Twins of people who only send tokens.
const FIRST_PERSON: u32 = 20_000_000;

/// Fee and weight of a call.
#[derive(Clone, Copy, Debug)]
struct Price {
    fee: u128,
    ref_time: u64,
    proof_size: u64,
    pays: Pays,
}

const fn price(fee: u128, ref_time: u64, proof_size: u64, pays: Pays) -> Price {
    Price { fee, ref_time, proof_size, pays }
}

const REPORT_UPTIME: Price = price(10_113, 242_167_000, 3_919, Pays::No);
/// With the hint of a timestamp, eight bytes more.
const REPORT_UPTIME_V2: Price = price(10_121, 241_927_000, 3_919, Pays::No);
const CHANGE_POWER_TARGET: Price = price(10_110, 347_401_000, 4_220, Pays::Yes);
const CHANGE_POWER_STATE: Price = price(10_106, 347_494_000, 4_086, Pays::No);
const REPORT_TRAFFIC: Price = price(10_138, 467_860_000, 4_757, Pays::No);
const BILL: Price = price(10_113, 347_207_000, 4_681, Pays::Yes);
const TRANSFER: Price = price(10_144, 298_945_000, 3_593, Pays::Yes);
const OTHER: Price = price(10_179, 512_857_000, 3_700, Pays::Yes);

/// Somebody who signs calls.
#[derive(Debug)]
struct Signer {
    account: AccountId,
    /// How many calls it has signed.
    nonce: u32,
}

/// Writes the contents of all blocks, in order of height.
#[derive(Debug)]
pub struct Author {
    clock: Arc<Clock>,
    grid: Grid,
    pallets: Pallets,
    rng: ChaCha8Rng,
    /// By twin.
    signers: BTreeMap<u32, Signer>,
    /// Node, twin of the tenant, and bills so far, of every contract.
    contracts: BTreeMap<u64, (u32, u32, u32)>,
    upgrade_at: u32,
    height: u32,
}

impl Author {
    /// The author of what happens in `grid`; the runtime is upgraded in the block `upgrade_at`.
    pub fn new(world: &World, grid: Grid, upgrade_at: u32, rng: ChaCha8Rng) -> Self {
        Self {
            clock: Arc::clone(&world.clock),
            grid,
            pallets: Pallets::new(world),
            rng,
            signers: BTreeMap::new(),
            contracts: BTreeMap::new(),
            upgrade_at,
            height: 0,
        }
    }

    /// A twin signs a call: its account, and what its nonce adds to the fee, a unit for every byte.
    fn sign(&mut self, twin: u32) -> (AccountId, u128) {
        let rng = &mut self.rng;
        let new = || Signer { account: account_of(twin), nonce: rng.random_range(0..20_000) };
        let signer = self.signers.entry(twin).or_insert_with(new);
        signer.nonce = signer.nonce.saturating_add(1);
        let bytes = match signer.nonce {
            0..64 => 1,
            64..16_384 => 2,
            _ => 4,
        };
        (signer.account, bytes)
    }

    /// The twin that signs an action, and what the action costs.
    fn signer_of(&mut self, action: &Action) -> (u32, Price) {
        match action {
            Action::ReportUptime { node, .. } => {
                let price = if node % 6 == 0 { REPORT_UPTIME_V2 } else { REPORT_UPTIME };
                (self.pallets.twin_of(*node), price)
            }
            Action::PowerUp { node } | Action::PowerDown { node } => {
                (self.pallets.twin_of(*node), CHANGE_POWER_STATE)
            }
            // The twins of the four farms have the ids of their farms.
            Action::SetPowerTarget { node, .. } => (node % 4 + 1, CHANGE_POWER_TARGET),
            Action::StoreNode(node) | Action::UpdateNode(node) => (node.twin_id, OTHER),
            Action::CreateContract(contract) => {
                if let ContractData::NodeContract(data) = &contract.contract_type {
                    self.contracts.insert(contract.contract_id, (data.node_id, contract.twin_id, 0));
                }
                (contract.twin_id, OTHER)
            }
            Action::ReportTraffic { contract, .. } => (self.host_of(*contract), REPORT_TRAFFIC),
            Action::UseResources(used) => (self.host_of(used.contract_id), OTHER),
            Action::Bill { .. } => (self.rng.random_range(0..VALIDATORS), BILL),
            Action::DeleteTwin(twin) => (*twin, OTHER),
            Action::DeleteFarm(_) | Action::UpgradeRuntime => (0, OTHER),
        }
    }

    /// Twin of the node that a contract is on.
    fn host_of(&self, contract: u64) -> u32 {
        self.contracts.get(&contract).map_or(0, |(node, ..)| self.pallets.twin_of(*node))
    }

    /// Events of one extrinsic: the fee is taken, the call does what it does, the fee is given back to whom it was
    /// taken from, or to the author of the block.
    fn extrinsic(&mut self, index: u32, action: Action, content: &mut Content) {
        let (twin, price) = self.signer_of(&action);
        let (bill, contract) = match &action {
            Action::Bill { contract, amount } => (Some(*amount), *contract),
            _ => (None, 0),
        };
        let (_, event) = self.pallets.perform(self.height, action, content);
        let mut events = Vec::new();
        if let Some(amount) = bill {
            self.pay_bill(contract, amount, &mut events);
        }
        events.push(event);
        self.surround(index, twin, price, events, content);
    }

    /// What a bill moves.
    fn pay_bill(&mut self, contract: u64, amount: u128, events: &mut Vec<RuntimeEvent>) {
        let Some((_, tenant, bills)) = self.contracts.get_mut(&contract) else { return };
        *bills = bills.wrapping_add(1);
        let who = account_of(*tenant);
        if !bills.is_multiple_of(BILLS_PER_PAYMENT) {
            events.push(RuntimeEvent::Balances(BalancesEvent::Locked { who, amount }));
            return;
        }
        let due = amount.saturating_mul(u128::from(BILLS_PER_PAYMENT));
        let share = |percent: u128| due.saturating_mul(percent) / 100;
        let transfer =
            |to, percent| BalancesEvent::Transfer { from: who, to: account_of(to), amount: share(percent) };
        events.extend(
            [
                BalancesEvent::Unlocked { who, amount: due },
                transfer(FIRST_PERSON, 10),
                transfer(FIRST_PERSON + 1, 5),
                transfer(FIRST_PERSON + 2, 50),
                BalancesEvent::Withdraw { who, amount: share(35) },
            ]
            .map(RuntimeEvent::Balances),
        );
        let burned = SmartContractEvent::TokensBurned { contract_id: contract, amount: share(35) };
        events.push(RuntimeEvent::SmartContractModule(burned));
    }

    /// Somebody sends tokens to somebody.
    fn transfer(&mut self, index: u32, content: &mut Content) {
        let (from, to) = (self.rng.random_range(0..2_000_u32), self.rng.random_range(0..20_000_u32));
        let (from, to) = (FIRST_PERSON.saturating_add(from), FIRST_PERSON.saturating_add(to));
        let amount = u128::from(self.rng.random_range(1..10_000_000_000_u64));
        let account = account_of(to);
        let mut events = Vec::new();
        if self.rng.random_ratio(1, TRANSFERS_PER_ACCOUNT) {
            events.push(RuntimeEvent::System(SystemEvent::NewAccount { account }));
            events.push(RuntimeEvent::Balances(BalancesEvent::Endowed { account, free_balance: amount }));
        }
        let transfer = BalancesEvent::Transfer { from: account_of(from), to: account, amount };
        events.push(RuntimeEvent::Balances(transfer));
        self.surround(index, from, TRANSFER, events, content);
    }

    fn surround(
        &mut self,
        index: u32,
        twin: u32,
        price: Price,
        events: Vec<RuntimeEvent>,
        content: &mut Content,
    ) {
        let phase = Phase::ApplyExtrinsic(index);
        let (who, bytes) = self.sign(twin);
        let amount = price.fee.saturating_add(bytes);
        let (receiver, actual_fee) = match price.pays {
            Pays::No => (who, 0),
            Pays::Yes => (account_of(self.height % VALIDATORS), amount),
        };
        let mut push = |event| content.records.push(EventRecord { phase, event, topics: vec![] });
        push(RuntimeEvent::Balances(BalancesEvent::Withdraw { who, amount }));
        events.into_iter().for_each(&mut push);
        push(RuntimeEvent::Balances(BalancesEvent::Deposit { who: receiver, amount }));
        let paid = TransactionPaymentEvent::TransactionFeePaid { who, actual_fee, tip: 0 };
        push(RuntimeEvent::TransactionPayment(paid));
        push(success(DispatchClass::Normal, price.ref_time, price.proof_size, price.pays));
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
        content.records.push(timestamp_set());
        let mut actions = self.grid.take(self.height);
        if self.height == self.upgrade_at {
            actions.push(Action::UpgradeRuntime);
        }
        let mut index = 1;
        for action in actions {
            self.extrinsic(index, action, &mut content);
            index = index.saturating_add(1);
        }
        if self.rng.random_ratio(1, BLOCKS_PER_TRANSFER) {
            self.transfer(index, &mut content);
        }
        Some(content)
    }
}
