//! Headers as a Substrate chain encodes and hashes them.
#![expect(clippy::cast_possible_truncation, reason = "deriving Encode with an index casts the literal to u8")]

use parity_scale_codec::Encode;

use crate::hash::{Hash, blake2_256};

/// Engine identifier of Aura, who writes the blocks of TFChain.
const AURA: [u8; 4] = *b"aura";

/// `sp_runtime::generic::DigestItem`, as far as blocks of TFChain have them.
#[derive(Clone, Debug, Encode)]
pub enum DigestItem {
    /// A message of a consensus engine.
    #[codec(index = 4)]
    Consensus([u8; 4], Vec<u8>),
    /// Signature of the author.
    #[codec(index = 5)]
    Seal([u8; 4], Vec<u8>),
    /// Slot of the author, u64.
    #[codec(index = 6)]
    PreRuntime([u8; 4], Vec<u8>),
    /// The block set new code.
    #[codec(index = 8)]
    RuntimeEnvironmentUpdated,
}

impl DigestItem {
    /// The slot in which a block was written.
    pub fn slot(slot: u64) -> Self {
        Self::PreRuntime(AURA, slot.encode())
    }

    /// A signature of 64 bytes that nobody made: zeros, so that frozen archives stay small.
    pub fn seal() -> Self {
        Self::Seal(AURA, vec![0; 64])
    }

    /// Bytes that look like a signature, as different from block to block and as incompressible: two hashes that
    /// begin with the parent's.
    pub fn seal_of(parent: Hash) -> Self {
        let halves = [blake2_256(&(parent, 0_u8).encode()), blake2_256(&(parent, 1_u8).encode())];
        Self::Seal(AURA, halves.concat())
    }
}

/// `sp_runtime::generic::Header` with 32-bit heights and BLAKE2b-256.
#[derive(Clone, Debug, Encode)]
pub struct Header {
    /// Hash of the parent; zero for genesis.
    pub parent_hash: Hash,
    /// Height.
    #[codec(compact)]
    pub number: u32,
    /// Root of the state after the block.
    pub state_root: Hash,
    /// Root of the list of extrinsics.
    pub extrinsics_root: Hash,
    /// Logs.
    pub digest: Vec<DigestItem>,
}

impl Header {
    /// Hash of the block: BLAKE2b-256 of the encoded header.
    pub fn hash(&self) -> Hash {
        blake2_256(&self.encode())
    }
}
