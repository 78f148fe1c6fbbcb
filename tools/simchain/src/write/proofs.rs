//! Proofs of what is written, as an exporter would have kept them. They are read off the trie of the chain, and not made
//! with what checks them.

use std::num::NonZeroU32;

use minting::archive::{BlockProof, BlockProofs, Plan, Sample, StateProof, StateSnapshot};

use crate::chain::{Block, Produced};
use crate::hash::Hash;
use crate::storage::item_key;
use crate::trie::Trie;

/// Hash of the last block of an archive, if it decides which blocks are proven: then the chain is made once before it is
/// written, so that nothing of it has to be kept.
pub(super) fn last_hash(
    one_in: Option<NonZeroU32>,
    last: u32,
    chain: impl FnOnce() -> Option<Produced>,
) -> Hash {
    let decides = one_in.is_some_and(|one_in| one_in > NonZeroU32::MIN);
    let block = decides.then(chain).flatten().map(|produced| produced.block);
    block.filter(|block| block.header.number == last).map_or([0; 32], |block| block.hash)
}

/// Makes the proofs that a plan asks for.
#[derive(Debug)]
pub(super) struct Prover {
    sample: Option<Sample>,
    /// Keys of events and time, ascending.
    keys: [Vec<u8>; 2],
    /// Of the blocks since the last chunk.
    blocks: Vec<BlockProof>,
}

impl Prover {
    /// A prover of the blocks that this last hash chooses.
    pub(super) fn new(plan: &Plan, last_hash: Hash) -> Self {
        let sample = |one_in| Sample { first: plan.first, last: plan.last, last_hash, one_in };
        Self {
            sample: plan.proofs.map(sample),
            keys: [item_key("System", "Events"), item_key("Timestamp", "Now")],
            blocks: Vec::new(),
        }
    }

    /// Proves events and time of a block, if it is one of those that have a proof.
    pub(super) fn block(&mut self, height: u32, state: &Trie) {
        if self.sample.is_some_and(|sample| sample.has(height)) {
            self.blocks.push(BlockProof { height, nodes: state.nodes_above(&self.keys) });
        }
    }

    /// The proofs of the blocks of a chunk that ends here.
    pub(super) fn chunk(&mut self, genesis: Hash, first: u32, last: &Block) -> Option<BlockProofs> {
        self.sample.map(|_| BlockProofs {
            genesis,
            first,
            last: last.header.number,
            last_hash: last.hash,
            proofs: std::mem::take(&mut self.blocks),
        })
    }

    /// The proof that a snapshot is right and complete.
    pub(super) fn snapshot(&self, snapshot: &StateSnapshot, state: &Trie) -> Option<StateProof> {
        self.sample.map(|_| StateProof {
            genesis: snapshot.genesis,
            height: snapshot.height,
            block_hash: snapshot.block_hash,
            nodes: state.nodes_above(&snapshot.prefixes),
        })
    }
}
