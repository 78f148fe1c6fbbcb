//! What guardians rely on: damage is found and named, results are attested, compared and linted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

mod against;
mod archives;
mod attest;
mod damage;
mod network;
mod proofs;
mod results;
#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../cli/support.rs"]
mod support;
