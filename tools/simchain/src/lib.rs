//! A deterministic synthetic TFChain.
//!
//! A [`Scenario`] plans who does what; its [`Producer`](chain::Producer) turns the plan into blocks with real
//! header hashes, real `System.Events` bytes and real storage values, all encoded by `parity-scale-codec`
//! derives on the types in [`types`], from which the metadata is built too. Nothing here uses the decoder
//! of `minting`, so that a test with this chain compares two implementations.
//!
//! The same options make the same bytes.

pub mod chain;
pub mod clock;
mod error;
pub mod hash;
pub mod header;
mod metadata;
pub mod period;
pub mod runtime;
pub mod scenario;
pub mod serve;
pub mod storage;
pub mod types;
pub mod write;

pub use error::Error;
pub use scenario::{Options, Scenario};
