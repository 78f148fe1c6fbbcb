//! What a state root vouches for: proofs against the storage trie of a block, and the validators' word for a block.
//!
//! The trie is the base-16 Merkle trie of Substrate. [`node`] reads and writes its nodes, [`answer`] checks the list of
//! nodes that a chain node gives to prove some keys, [`claim`] checks the short form that an archive keeps: only the
//! nodes above what the archive holds anyway, the rest is computed from it. [`authorities`] are the validators that a state names, [`grandpa`] checks that more than two
//! thirds of the validators' weight signed a block. [`held`] says what of an archive proofs are about. Nothing here knows files, metadata or a network; nothing read here
//! is trusted until it hashes to a root that the caller trusts.

pub mod answer;
pub mod authorities;
pub mod build;
pub mod claim;
pub mod grandpa;
pub mod held;
pub mod node;

#[cfg(test)]
mod tests;

use crate::archive::Hash;

/// Layout of a storage trie, the `stateVersion` of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Values are in the nodes, however long.
    V0,
    /// Values of more than 32 bytes are nodes of their own.
    V1,
}

impl Layout {
    /// The layout of a `stateVersion`; none if it is not known.
    pub fn of_state_version(version: u8) -> Option<Layout> {
        match version {
            0 => Some(Layout::V0),
            1 => Some(Layout::V1),
            _ => None,
        }
    }
}

/// Why a proof does not prove what it is to prove.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A node on the way to a key is not among those given.
    #[error(
        "the proof lacks node 0x{} on the way to key 0x{}: a node was dropped",
        hex::encode(node),
        hex::encode(key)
    )]
    Missing {
        /// Hash of the node.
        node: Hash,
        /// The key.
        key: Vec<u8>,
    },
    /// Another node stands where one is missing.
    #[error(
        "the proof has node 0x{} where 0x{} is needed, on the way to key 0x{}: a node was changed",
        hex::encode(found),
        hex::encode(node),
        hex::encode(key)
    )]
    Changed {
        /// Hash of the node that is needed.
        node: Hash,
        /// Hash of the node that is there.
        found: Hash,
        /// The key.
        key: Vec<u8>,
    },
    /// A node is on the way to no key that was to be proven.
    #[error("the proof has node 0x{}, which is on the way to no key: a node was added", hex::encode(node))]
    Extra {
        /// Hash of the node.
        node: Hash,
    },
    /// A node is there twice.
    #[error("the proof has node 0x{} twice", hex::encode(node))]
    Twice {
        /// Hash of the node.
        node: Hash,
    },
    /// Bytes that hash right are no node of a trie of this layout.
    #[error("node 0x{} is none of this trie: {why}", hex::encode(node))]
    BadNode {
        /// Hash of the node, or of the node that it is inside of.
        node: Hash,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The pairs under a prefix are not those of the state.
    #[error(
        "storage under 0x{} is not what the state root says: a value or key differs, is missing or was added, or a \
         node of the proof above it was dropped or changed",
        hex::encode(prefix)
    )]
    Differs {
        /// The prefix, or the key if it is a whole one.
        prefix: Vec<u8>,
    },
}

/// What comes of a check.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A path in the trie: one element of 0 to 15 for each half byte of a key.
pub(crate) fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}
