//! Feeds mutated input to everything in minting that reads what others wrote.
//!
//! Runs on stable Rust. What a target answers to an input, which is mostly the message of the check that refused it,
//! takes the place of coverage: an input with an answer that was not seen before is kept and mutated further.
//! `docs/reliability.md` says what a run comes to.

pub mod mutate;
pub mod run;
pub mod seeds;
pub mod targets;
