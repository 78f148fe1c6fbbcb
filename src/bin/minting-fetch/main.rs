//! Exports a range of blocks from an archive node into an archive.
fn main() {}
