//! The programs as a person runs them: real binaries, real folders, exit codes and messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

mod bad_input;
mod determinism;
mod explain;
mod export;
mod frozen;
mod node;
mod partial;
mod pieces;
mod proven;
mod replay;
mod results;
mod slim;
mod support;
mod trust;
