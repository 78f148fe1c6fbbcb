//! Bytes on disk: the archive format, its writer and its reader.
//!
//! `archive-format.md` is the specification; this room is one implementation of it.

mod blocks;
pub mod bytes;
mod check;
mod chunk;
pub mod columns;
pub mod container;
mod error;
pub mod files;
mod finality;
pub mod header;
mod manifest;
mod merge;
mod metadata;
mod payments;
mod proofs;
mod provenance;
mod reader;
mod slim;
mod state;
mod workspace;
mod writer;

pub use blocks::{Block, Blocks};
pub use check::{check, check_and_tell};
pub use chunk::{BlockRef, Chunk, ChunkBody, DEFAULT_CHUNK_BLOCKS, MAX_CHUNK_BLOCKS, Span, hashes};
pub use columns::{EventShapes, ShapesOf};
pub use error::{Error, Result};
pub use finality::{Finality, HeaderParts, NamedAuthorities};
pub use manifest::{
    BlockProofsEntry, ChunkEntry, ExportedRange, FinalityEntry, Hex, Manifest, MetadataEntry, Proofs,
    StateEntry, StateProofEntry, chunk_ranges,
};
pub use merge::Merge;
pub use metadata::RuntimeMetadata;
pub use payments::{PAYMENTS, Payment, PaymentSource, Payments, is_asset_code};
pub use proofs::{BlockProof, BlockProofs, Sample, StateProof};
pub use provenance::Provenance;
pub use reader::Archive;
pub use slim::{SlimChunk, SlimWriter};
pub use state::{PREFIX_LEN, StateSnapshot};
pub use workspace::{ReadTimes, Workspace};
pub use writer::{ArchiveWriter, Finished, FolderLock, Left, Plan};

/// A digest or a block hash.
pub type Hash = [u8; 32];
