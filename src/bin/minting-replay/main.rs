//! Replays an archive into payouts, without any network access.
fn main() {}
