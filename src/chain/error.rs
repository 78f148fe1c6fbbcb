//! What can be wrong with metadata, events and storage values.

/// Result of an operation on what the chain says.
pub type Result<T> = std::result::Result<T, Error>;

/// Why metadata could not be compiled or a value could not be decoded. The caller adds the block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The metadata itself cannot be read.
    #[error("the runtime's metadata cannot be read: {0}")]
    Metadata(String),
    /// A type name in V12 metadata that the type bundle does not explain.
    #[error("{item} has the type {why}; the type bundle, src/chain/v12/types.json, has to say what it is")]
    UnknownType {
        /// The event or storage item.
        item: String,
        /// The type name, as the metadata spells it, and which part of it is not known in which spec version.
        why: String,
    },
    /// An item that the rules need has another layout than every known one.
    #[error("{item} has a layout that this program does not know: {why}")]
    Layout {
        /// The event or storage item.
        item: String,
        /// What does not match.
        why: String,
    },
    /// An events value does not decode.
    #[error("event {index} at byte {offset} ({event}) does not decode: {why}")]
    Event {
        /// Place of the event in its block.
        index: u32,
        /// Offset in the events value at which decoding stopped.
        offset: usize,
        /// `Pallet.Event`, as far as it is known.
        event: String,
        /// What is wrong.
        why: String,
    },
    /// A storage value or key does not decode.
    #[error("storage {item} at key 0x{key} does not decode: {why}")]
    Storage {
        /// `Pallet.Item`
        item: String,
        /// The key, hex.
        key: String,
        /// What is wrong.
        why: String,
    },
}
