//! Finality: who votes, and the justifications that come of it.
//!
//! Sets of GRANDPA authorities follow on each other; in each the oldest authority of the one before has left, and a new one
//! has come. Their keys are made from their numbers. The set is in the state as on the real chain, under the key
//! `:grandpa_authorities` and in `Grandpa.CurrentSetId`. A block that changes it says so in its header, is the last that the
//! old set finalizes, and always has a justification.

use std::collections::BTreeSet;

use ed25519_dalek::{Signer, SigningKey};
use parity_scale_codec::{Decode, Encode};

use crate::chain::{Block, Chain};
use crate::hash::{Hash, blake2_256};
use crate::header::{DigestItem, Header};
use crate::storage::{Change, item_key};

/// Engine identifier of GRANDPA, in headers and with justifications.
pub const ENGINE: [u8; 4] = *b"FRNK";
/// Key of the authorities.
pub const AUTHORITIES_KEY: &[u8] = b":grandpa_authorities";
/// Version of the list under that key.
const LIST_VERSION: u8 = 1;
/// Index of a scheduled change among the consensus logs of GRANDPA.
const SCHEDULED_CHANGE: u8 = 1;
/// Index of a precommit among the messages of GRANDPA.
const PRECOMMIT: u8 = 1;

/// Public key and weight of every authority.
pub type Authorities = Vec<([u8; 32], u64)>;

/// Which blocks have justifications, and by whom.
#[derive(Clone, Debug)]
pub struct Finality {
    /// One block in so many has a justification, at least.
    pub every: u32,
    /// Authorities of every set, each with weight 1.
    pub authorities: u32,
    /// Blocks that change the set.
    pub changes: BTreeSet<u32>,
}

impl Finality {
    /// Whether the block at a height has a justification that nodes keep: those of a real chain are at no round heights.
    pub fn is_justified(&self, height: u32) -> bool {
        let every = self.every.max(1);
        height > 0 && (height % every == every / 3 || self.changes.contains(&height))
    }

    /// The set after the block at `height`, if the block changes it.
    fn new_set(&self, height: u32) -> Option<u64> {
        let changes = height == 0 || self.changes.contains(&height);
        changes.then(|| (1..).zip(self.changes.range(..=height)).last().map_or(0, |(set_id, _)| set_id))
    }

    /// What the block at `height` writes about the set; genesis writes the first one.
    pub fn writes(&self, height: u32) -> Vec<Change> {
        let Some(set_id) = self.new_set(height) else { return Vec::new() };
        let list = (LIST_VERSION, authorities(set_id, self.authorities)).encode();
        vec![
            Change { key: AUTHORITIES_KEY.to_vec(), value: Some(list) },
            Change::plain("Grandpa", "CurrentSetId", &set_id),
        ]
    }

    /// What the header of the block at `height` says about the set: a change without delay.
    pub fn log(&self, height: u32) -> Option<DigestItem> {
        let set_id = self.new_set(height).filter(|_| height > 0)?;
        let change = (SCHEDULED_CHANGE, authorities(set_id, self.authorities), 0_u32);
        Some(DigestItem::Consensus(ENGINE, change.encode()))
    }
}

fn signing_key(number: u64) -> SigningKey {
    SigningKey::from_bytes(&blake2_256(&(b"authority", number).encode()))
}

/// The members of a set.
fn members(set_id: u64, count: u32) -> impl Iterator<Item = SigningKey> {
    (set_id..).take(usize::try_from(count).unwrap_or(usize::MAX)).map(signing_key)
}

fn authorities(set_id: u64, count: u32) -> Authorities {
    members(set_id, count).map(|key| (key.verifying_key().to_bytes(), 1)).collect()
}

/// `finality_grandpa::SignedPrecommit`.
#[derive(Clone, Debug, Encode)]
pub struct SignedPrecommit {
    /// Block that is voted for.
    pub hash: Hash,
    /// Its height.
    pub number: u32,
    /// Signature over message, round and set.
    pub signature: [u8; 64],
    /// Public key of the voter.
    pub id: [u8; 32],
}

/// `sc_consensus_grandpa::GrandpaJustification`.
#[derive(Clone, Debug, Encode)]
pub struct Justification {
    /// Round of the votes.
    pub round: u64,
    /// Block that is finalized.
    pub hash: Hash,
    /// Its height.
    pub number: u32,
    /// Votes for the block, or for one behind it.
    pub precommits: Vec<SignedPrecommit>,
    /// Headers between the block and those behind it that have votes.
    pub votes_ancestries: Vec<Header>,
}

/// Set id and size of the set that finalizes the block at `height`: the one in the state of its parent.
fn set_for(chain: &Chain, height: u32) -> Option<(u64, u32)> {
    let state = chain.state(height.checked_sub(1)?)?;
    let set_id = u64::decode(&mut state.get(&item_key("Grandpa", "CurrentSetId"))?).ok()?;
    let (_, list) = <(u8, Authorities)>::decode(&mut state.get(AUTHORITIES_KEY)?).ok()?;
    Some((set_id, u32::try_from(list.len()).ok()?))
}

/// Least number of votes that finalizes: more than two thirds.
pub fn threshold(voters: u32) -> u32 {
    voters.saturating_sub(voters.saturating_sub(1) / 3)
}

/// Votes that the block at `height` needs to be final.
pub fn votes_needed(chain: &Chain, height: u32) -> Option<u32> {
    Some(threshold(set_for(chain, height)?.1))
}

/// The justification of a block. One voter is late, if the others are enough, and the first of them may have voted for the
/// block behind already.
pub fn justify(chain: &Chain, block: &Block) -> Option<Justification> {
    let height = block.header.number;
    let (set_id, count) = set_for(chain, height)?;
    let round = u64::from(height);
    let late = (threshold(count) < count).then_some(height % count.max(1));
    let next_height = height.saturating_add(1);
    // Nobody votes beyond a block that changes the set.
    let ahead = set_for(chain, next_height) == Some((set_id, count)) && block.hash.first()? % 2 == 0;
    let ahead = chain.block(next_height).filter(|_| ahead);
    let mut justification = Justification {
        round,
        hash: block.hash,
        number: height,
        precommits: Vec::new(),
        votes_ancestries: ahead.into_iter().map(|block| block.header.clone()).collect(),
    };
    let mut targets = ahead.into_iter().chain(std::iter::repeat(block));
    let in_time = |(place, _): &(u32, SigningKey)| Some(*place) != late;
    for (_, key) in (0..).zip(members(set_id, count)).filter(in_time) {
        let target = targets.next()?;
        let (hash, number) = (target.hash, target.header.number);
        let message = (PRECOMMIT, hash, number, round, set_id).encode();
        let signature = key.sign(&message).to_bytes();
        let id = key.verifying_key().to_bytes();
        justification.precommits.push(SignedPrecommit { hash, number, signature, id });
    }
    Some(justification)
}
