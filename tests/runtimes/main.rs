//! The decoder against the metadata of every runtime the chain ever had, and against values that independent encoders
//! wrote. Skipped, out loud, where `MINTING_SHARED` is not set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

mod ambiguity;
mod expected;
mod hostile;
mod survey;
mod value;
mod values;
