//! Events of a chunk in columns (`archive-format.md`, section 4, EVENT_COLUMNS).
//!
//! Events of one kind look alike, so their fields are stored below each other; accounts and amounts, which many kinds
//! share, in pools of the chunk. The section says everything that is needed to get the raw bytes back: which fields
//! a kind has matters only to whoever writes it, and comes from outside as [`EventShapes`].

mod builder;
mod numbers;
mod pool;
mod read;
mod record;
mod section;

pub(super) use self::{
    builder::{Builder, encode},
    numbers::{gaps, put_gaps},
    record::split,
    section::Layout,
};
pub use self::{
    numbers::{Buffers, Keys},
    pool::PoolValues,
    read::{At, Columns, Picked, Rows, Want},
    record::{Phase, Record},
    section::Kind,
};

use std::{fmt::Debug, sync::Arc};

/// How the events of one runtime are laid out.
pub trait EventShapes: Debug + Send + Sync {
    /// Bytes of each field of an event that always has the same fields of the same lengths, in order; none for other
    /// events.
    fn widths(&self, pallet: u8, event: u8) -> Option<&[u8]>;

    /// How many bytes the fields of an event at the front of `bytes` have; none if the runtime has no such event, or
    /// these are not its fields.
    fn length(&self, pallet: u8, event: u8, bytes: &[u8]) -> Option<usize>;
}

/// Finds out from raw metadata how events are laid out; none if it cannot be read. Must depend on nothing else, so that
/// everyone writes the same bytes.
pub type ShapesOf = fn(metadata: &[u8]) -> Option<Arc<dyn EventShapes>>;

/// Most kinds of events, and most tokens, in a chunk with columns.
const MAX_TOKENS: usize = 255;
/// Marks a kind whose fields are not taken apart.
const OPAQUE: u8 = 255;
/// Most fields of a kind whose fields are taken apart.
const MAX_FIELDS: usize = 254;
/// Bytes of values that are kept in the pool of amounts.
const AMOUNT: u8 = 16;
/// Bytes of values that are kept in the pool of accounts.
const ACCOUNT: u8 = 32;
/// Bytes of an event topic.
const TOPIC: usize = 32;

/// What a token says of the phase of an event.
mod phase_code {
    /// The phase of the event before it in the block.
    pub const SAME: u8 = 0;
    /// The extrinsic after the last one in the block, or the first.
    pub const NEXT: u8 = 1;
    /// Finalization.
    pub const FINALIZATION: u8 = 2;
    /// Initialization.
    pub const INITIALIZATION: u8 = 3;
    /// An extrinsic whose index is in a column of its own.
    pub const EXPLICIT: u8 = 4;
}

/// What of an event is the same for many: one byte in the column of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Token {
    /// Place of its kind.
    kind: u8,
    /// One of [`phase_code`].
    phase: u8,
    /// Whether it has topics.
    topics: bool,
}

#[cfg(test)]
mod tests;
