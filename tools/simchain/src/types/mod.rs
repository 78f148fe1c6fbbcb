//! The runtime's own types, with the layout of spec 145: what the metadata is built from and what every
//! event and storage value is encoded with.
//!
//! Names, order and types of the fields are those of the real metadata, with one freedom: wrappers around
//! one field (`BoundedVec`, `FarmName`, `AccountId32` …) are the type they wrap, which encodes the same.
#![expect(clippy::cast_possible_truncation, reason = "deriving Encode with an index casts the literal to u8")]

pub mod balances;
pub mod runtime;
pub mod smart_contract;
pub mod system;
pub mod tfgrid;

/// Account of the chain (`AccountId32`).
pub type AccountId = [u8; 32];
/// Amount of the smallest unit, 10^-7 TFT.
pub type Balance = u128;
