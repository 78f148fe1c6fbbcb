//! A deterministic synthetic TFChain.
//!
//! A [`Scenario`] plans who does what; its [`Producer`](chain::Producer) turns the plan into blocks with real
//! header hashes, real `System.Events` bytes and real storage values, all encoded by `parity-scale-codec`
//! derives on the types in [`types`], from which the metadata is built too. Its state is a Merkle [`trie`], so that every
//! header's state root is true, and its blocks are [final](finality) by signatures that are true as well. Nothing here uses
//! the decoder or the verifier of `minting`, so that a test with this chain compares two implementations.
//!
//! The same options make the same bytes.

pub mod chain;
pub mod clock;
mod error;
pub mod finality;
pub mod hash;
pub mod header;
mod metadata;
pub mod period;
pub mod proving;
pub mod runtime;
pub mod scenario;
pub mod serve;
pub mod storage;
mod system;
pub mod trie;
pub mod types;
pub mod write;

pub use error::Error;
pub use proving::Proving;
pub use scenario::{Options, Scenario};
