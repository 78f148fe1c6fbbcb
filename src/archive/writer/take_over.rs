//! What an earlier run left in the folder of an export.

use std::path::Path;

use super::{ArchiveWriter, length, metadata_entry, state_entry};
use crate::archive::{
    ChunkBody, Error, Result, RuntimeMetadata, StateSnapshot, chunk_ranges,
    container::{self, Kind, MAX_FILE_LEN, Sealed},
    files,
};

impl ArchiveWriter {
    /// Looks at what an earlier run left, one file at a time. Nothing is trusted by its name.
    pub(super) fn take_over(&mut self) -> Result<()> {
        for folder in files::FOLDERS {
            for name in files::list(&self.folder.join(folder))? {
                let file = format!("{folder}/{name}");
                let path = self.folder.join(&file);
                let taken = files::read(&path, MAX_FILE_LEN).and_then(|bytes| match folder {
                    "chunks" => self.take_over_chunk(file, &path, bytes),
                    "state" => self.take_over_state(file, &path, bytes),
                    files::PROOFS => self.take_over_proofs(file, &path, bytes),
                    _ => self.take_over_metadata(file, &path, bytes),
                });
                match taken {
                    Ok(()) => {}
                    // What is no file of this archive is replaced, or removed when the export is finished.
                    Err(Error::Damaged { path, what }) => {
                        self.damaged.push(format!("`{}`: {what}", path.display()));
                    }
                    Err(error @ Error::Version { .. }) => self.damaged.push(error.to_string()),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn take_over_chunk(&mut self, file: String, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let opened = container::open(Kind::Chunk, &bytes, path)?;
        let sealed = resealed(bytes, &opened);
        let minor = opened.minor;
        let chunk = ChunkBody::parse(opened.body, path)?;
        let hashes = chunk.hashes();
        let last_hash = hashes.last().copied().unwrap_or_default();
        let range = (chunk.first(), chunk.last());
        if files::chunk_name(chunk.first(), chunk.last(), &last_hash) != file {
            return Err(Error::damaged(path, "its name is not that of its contents"));
        }
        let is_planned = chunk_ranges(self.plan.first, self.plan.last, self.plan.chunk_blocks)
            .any(|planned| planned == range);
        if minor != chunk.minor() {
            return Err(Error::damaged(path, "its minor version is not that of its contents"));
        }
        if !is_planned || *chunk.genesis() != self.plan.genesis {
            return Err(Error::damaged(path, "it is no chunk of this export"));
        }
        let present = self.present(&chunk, &hashes, file, &sealed);
        self.chunks.insert(chunk.first(), present);
        Ok(())
    }

    fn take_over_state(&mut self, file: String, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let opened = container::open(Kind::State, &bytes, path)?;
        let state = StateSnapshot::parse(&opened.body, path)?;
        if files::state_name(state.height, &state.block_hash) != file {
            return Err(Error::damaged(path, "its name is not that of its contents"));
        }
        if !self.plan.state_at.contains(&state.height) || state.genesis != self.plan.genesis {
            return Err(Error::damaged(path, "it is no state of this export"));
        }
        let entry = state_entry(&state, file, &resealed(bytes, &opened));
        self.states.insert(state.height, (entry, state.metadata));
        Ok(())
    }

    fn take_over_metadata(&mut self, file: String, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let opened = container::open(Kind::Metadata, &bytes, path)?;
        let metadata = RuntimeMetadata::parse(&opened.body, path)?;
        if files::metadata_name(metadata.spec_version, &metadata.hash()) != file {
            return Err(Error::damaged(path, "its name is not that of its contents"));
        }
        let entry = metadata_entry(&metadata, file, &resealed(bytes, &opened));
        self.metadata.insert(metadata.hash(), entry);
        self.shapes.insert(metadata.hash(), (self.shapes_of)(&metadata.bytes));
        Ok(())
    }
}

/// The digests of a file that an earlier run wrote.
pub(super) fn resealed(file: Vec<u8>, opened: &container::Opened) -> Sealed {
    Sealed {
        content_sha256: opened.content_sha256,
        file_sha256: container::sha256(&file),
        body_len: length(&opened.body),
        file,
    }
}
