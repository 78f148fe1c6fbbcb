//! What an export tells about itself while it runs.

/// A part of an export that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Asking every endpoint who it is.
    Greeting,
    /// Looking for the blocks of a time range.
    Locating,
    /// Looking for the runtimes that the range ran under.
    Runtimes,
    /// Reading the state after this block; counts storage entries.
    State(u32),
    /// Reading blocks; counts blocks.
    Blocks,
    /// Looking for a block that the validators signed.
    Finality,
    /// Reading some blocks again from another endpoint; counts blocks.
    CrossCheck,
    /// Reading payments on Stellar; counts operations.
    Payments,
}

/// Is told how an export goes on. Calls come from several threads.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` is how far `advance` will count, 0 when nobody knows.
    fn stage(&self, stage: Stage, total: u64);
    /// The stage has come this much further.
    fn advance(&self, by: u64);
    /// Something happened that everybody should know.
    fn note(&self, text: &str);
    /// Something happened that a curious person may want to know, such as a call that is tried again.
    fn detail(&self, text: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _stage: Stage, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn note(&self, _text: &str) {}
    fn detail(&self, _text: &str) {}
}
