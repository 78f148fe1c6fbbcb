//! Bytes on disk: the archive format, its writer and its reader.
//!
//! `archive-format.md` is the specification; this room is one implementation of it.

pub mod bytes;
mod check;
mod chunk;
pub mod columns;
pub mod container;
mod error;
pub mod files;
pub mod header;
mod manifest;
mod merge;
mod metadata;
mod payments;
mod provenance;
mod reader;
mod slim;
mod state;
mod workspace;
mod writer;

pub use check::check;
pub use chunk::{Block, BlockRef, Chunk, ChunkBody, DEFAULT_CHUNK_BLOCKS, MAX_CHUNK_BLOCKS, Span, hashes};
pub use columns::{EventShapes, ShapesOf};
pub use error::{Error, Result};
pub use manifest::{ChunkEntry, ExportedRange, Hex, Manifest, MetadataEntry, StateEntry, chunk_ranges};
pub use merge::Merge;
pub use metadata::RuntimeMetadata;
pub use payments::{PAYMENTS, Payment, PaymentSource, Payments, is_asset_code};
pub use provenance::Provenance;
pub use reader::Archive;
pub use slim::{SlimChunk, SlimWriter};
pub use state::{PREFIX_LEN, StateSnapshot};
pub use workspace::{ReadTimes, Workspace};
pub use writer::{ArchiveWriter, Finished, FolderLock, Left, Plan};

/// A digest or a block hash.
pub type Hash = [u8; 32];
