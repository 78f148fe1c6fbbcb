//! Turns the history of TFChain into ThreeFold Grid payouts that anyone can check.
//!
//! The rooms and the way of the data are described in `ARCHITECTURE.md`.

pub mod archive;
pub mod chain;
pub mod cli;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod minting;
pub mod proof;
pub mod replay;
pub mod report;
pub mod verify;
