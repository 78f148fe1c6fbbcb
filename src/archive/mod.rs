//! Bytes on disk: the archive format, its writer and its reader.
//!
//! `archive-format.md` is the specification; this room is one implementation of it.

pub mod bytes;
mod check;
mod chunk;
pub mod container;
mod error;
pub mod files;
pub mod header;
mod manifest;
mod metadata;
mod payments;
mod provenance;
mod reader;
mod state;
mod writer;

pub use check::check;
pub use chunk::{Block, BlockRef, Chunk, ChunkBody, DEFAULT_CHUNK_BLOCKS, MAX_CHUNK_BLOCKS, Span};
pub use error::{Error, Result};
pub use manifest::{ChunkEntry, ExportedRange, Hex, Manifest, MetadataEntry, StateEntry, chunk_ranges};
pub use metadata::RuntimeMetadata;
pub use payments::{PAYMENTS, Payment, PaymentSource, Payments, is_asset_code};
pub use provenance::Provenance;
pub use reader::Archive;
pub use state::{PREFIX_LEN, StateSnapshot};
pub use writer::{ArchiveWriter, Finished, Plan};

/// A digest or a block hash.
pub type Hash = [u8; 32];
