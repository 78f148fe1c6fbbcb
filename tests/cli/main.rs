//! The programs as a person runs them: real binaries, real folders, exit codes and messages.

mod bad_input;
mod determinism;
mod export;
mod frozen;
mod replay;
mod support;
