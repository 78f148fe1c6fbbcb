//! A deterministic synthetic TFChain.
fn main() {}
