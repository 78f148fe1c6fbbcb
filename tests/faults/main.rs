//! `minting-fetch` as a person runs it, against nodes that misbehave in every way the synthetic chain can serve:
//! an export ends in the same archive, or in an error that says what to do, with everything already fetched kept.

#![cfg(feature = "fetch")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

mod disk;
mod interrupted;
mod lasting;
mod passing;
mod several;
mod soak;
mod support;
