//! Turns the actions of a timeline into the contents of blocks.

use std::sync::Arc;

use crate::chain::Content;
use crate::clock::Clock;
use crate::types::balances::{BalancesEvent, TransactionPaymentEvent};
use crate::types::runtime::{EventRecord, Phase, RuntimeEvent};
use crate::types::system::{DispatchClass, DispatchInfo, Pays, SystemEvent, Weight};

use super::action::{Action, Timeline};
use super::pallets::Pallets;
use super::world::{World, account_of};

/// Fee that a call reserves and gets back, 10^-7 TFT, as recorded from the real runtime.
const FEE: u128 = 10_145;
/// One call in this many shows its fee. On the real chain every call does; a frozen archive with all of
/// them would be much larger and tell no more.
const CALLS_PER_FEE: u64 = 16;

/// Writes the contents of all blocks, in order of height.
#[derive(Debug)]
pub struct Author {
    clock: Arc<Clock>,
    timeline: Timeline,
    pallets: Pallets,
    calls: u64,
    height: u32,
}

impl Author {
    /// The author of everything that `world` has planned.
    pub fn new(world: World) -> Self {
        Self {
            pallets: Pallets::new(&world),
            calls: 0,
            height: 0,
            clock: world.clock,
            timeline: world.timeline,
        }
    }

    /// Events of one extrinsic: what it did, now and then with its fee around, and that it succeeded.
    fn extrinsic(&mut self, index: u32, action: Action, content: &mut Content) {
        let phase = Phase::ApplyExtrinsic(index);
        let (signer, event) = self.pallets.perform(self.height, action, content);
        let who = account_of(self.pallets.twin_of(signer));
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
        content.records.push(timestamp_set());
        for (action, index) in self.timeline.take(self.height).into_iter().zip(1..) {
            self.extrinsic(index, action, &mut content);
        }
        Some(content)
    }
}

/// The first extrinsic of every block, which sets its time.
pub fn timestamp_set() -> EventRecord {
    let event = success(DispatchClass::Mandatory, 274_737_000, 1_493, Pays::Yes);
    EventRecord { phase: Phase::ApplyExtrinsic(0), event, topics: vec![] }
}

/// An extrinsic succeeded.
pub fn success(class: DispatchClass, ref_time: u64, proof_size: u64, pays_fee: Pays) -> RuntimeEvent {
    let dispatch_info = DispatchInfo { weight: Weight { ref_time, proof_size }, class, pays_fee };
    RuntimeEvent::System(SystemEvent::ExtrinsicSuccess { dispatch_info })
}
