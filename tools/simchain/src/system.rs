//! What every block writes into the state besides the changes of its calls: the bookkeeping of the runtime. No rule reads
//! it, but proofs of events have as many neighbours as on the real chain, and as many that change.

use parity_scale_codec::{Compact, Encode};

use crate::hash::{Hash, twox_64};
use crate::header::DigestItem;
use crate::storage::{Change, item_key};

/// Blocks whose hashes are kept in the state, as `System.BlockHashCount` says.
const BLOCK_HASH_COUNT: u32 = 2_400;
/// Time of execution and size of proof of a call, about.
const CALL_WEIGHT: (u64, u64) = (299_000_000, 3_600);

/// What there is to note of a block.
#[derive(Debug)]
pub struct Noted<'b> {
    /// Height.
    pub number: u32,
    /// Hash of the parent.
    pub parent: Hash,
    /// Slot.
    pub slot: u64,
    /// Number of events.
    pub events: u32,
    /// Logs of the header, without the seal.
    pub logs: &'b [DigestItem],
}

/// State of genesis that nothing changes.
pub fn genesis(spec_version: u32) -> Vec<Change> {
    vec![
        Change::plain("System", "LastRuntimeUpgrade", &(Compact(spec_version), "substrate-threefold")),
        Change::plain("System", "UpgradedToTripleRefCount", &true),
        Change::plain("System", "UpgradedToU32RefCount", &true),
        Change::plain("Aura", "Authorities", &vec![[7_u8; 32]; 4]),
        Change::plain("Balances", "TotalIssuance", &9_000_000_000_000_000_u128),
        Change::plain("TransactionPayment", "NextFeeMultiplier", &1_000_000_000_000_000_000_u128),
        Change::plain("TransactionPayment", "StorageVersion", &1_u8),
    ]
}

/// What a block notes.
pub fn writes(block: &Noted<'_>) -> Vec<Change> {
    let calls = u64::from(block.events);
    let used = (Compact(calls.wrapping_mul(CALL_WEIGHT.0)), Compact(calls.wrapping_mul(CALL_WEIGHT.1)));
    let mandatory = (Compact(CALL_WEIGHT.0), Compact(CALL_WEIGHT.1));
    let none = (Compact(0_u64), Compact(0_u64));
    let mut changes = vec![
        Change::plain("System", "Number", &block.number),
        Change::plain("System", "ParentHash", &block.parent),
        Change::plain("System", "EventCount", &block.events),
        Change::plain("System", "Digest", &block.logs),
        Change::plain("System", "BlockWeight", &(used, none, mandatory)),
        Change::plain("Aura", "CurrentSlot", &block.slot),
        Change { key: block_hash_key(block.number.saturating_sub(1)), value: Some(block.parent.to_vec()) },
    ];
    let oldest = block.number.checked_sub(BLOCK_HASH_COUNT);
    changes.extend(oldest.map(|number| Change { key: block_hash_key(number), value: None }));
    changes
}

/// A key of `System.BlockHash`, hashed with `Twox64Concat`.
fn block_hash_key(number: u32) -> Vec<u8> {
    let encoded = number.encode();
    [item_key("System", "BlockHash"), twox_64(&encoded).to_vec(), encoded].concat()
}
