//! The block header: what binds an archive to the chain.
//!
//! A header is `parent hash ‖ compact(number) ‖ state root ‖ extrinsics root ‖ digest` in SCALE, and the
//! hash of a block is the BLAKE2b-256 of it (`generic::Header<u32, BlakeTwo256>` of the runtime).

use blake2::{Blake2b, Digest, digest::consts::U32};
use parity_scale_codec::{Compact, Encode};

use super::Hash;

/// BLAKE2b with a digest of 32 bytes.
pub fn blake2_256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Blake2b::<U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Hash of the block with this header; `digest` is SCALE: a compact count, then the log items.
pub fn hash(parent: &Hash, number: u32, state_root: &Hash, extrinsics_root: &Hash, digest: &[u8]) -> Hash {
    let number = Compact(number).encode();
    blake2_256(&[parent, &number, state_root, extrinsics_root, digest])
}
