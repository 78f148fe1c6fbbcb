//! Opens an archive and hands out its parts, each verified before anybody sees it.

use std::path::{Path, PathBuf};

use super::{
    ChunkBody, ChunkEntry, Error, Hash, Manifest, Result, RuntimeMetadata, StateEntry, StateSnapshot,
    container::{self, Kind, MAX_BODY_LEN, sha256},
    files,
};

/// A finished archive on disk.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    manifest: Manifest,
}

impl Archive {
    /// Reads and checks the manifest.
    ///
    /// # Errors
    /// A folder without a manifest, an unknown version, a manifest that is damaged.
    pub fn open(folder: &Path) -> Result<Archive> {
        Ok(Archive { folder: folder.to_path_buf(), manifest: Manifest::read(folder)? })
    }

    /// What the archive holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of one of its files.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Reads a chunk and verifies file digest, content digest, form, place and the hash of every header, and that
    /// the last one is the one in the manifest. Gives the chunk and the hashes of its blocks.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn chunk(&self, entry: &ChunkEntry) -> Result<(ChunkBody, Vec<Hash>)> {
        let path = self.path(&entry.file);
        let body =
            self.body(Kind::Chunk, &path, &entry.file_sha256.0, &entry.content_sha256.0, entry.file_bytes)?;
        let chunk = ChunkBody::parse(body, &path)?;
        let damaged = |what: String| Error::damaged(&path, what);
        if chunk.genesis() != &self.manifest.genesis_hash.0 {
            return Err(damaged("it belongs to another chain".into()));
        }
        if (chunk.first(), chunk.last()) != (entry.first, entry.last) {
            return Err(damaged(format!("it holds blocks {} to {}", chunk.first(), chunk.last())));
        }
        if chunk.first() == self.manifest.first_block
            && chunk.parent_hash() != &self.manifest.first_parent_hash.0
        {
            return Err(damaged("its first block has another parent than the manifest says".into()));
        }
        let hashes = chunk.hashes();
        if hashes.last() != Some(&entry.last_hash.0) {
            return Err(damaged(format!(
                "its headers end at hash 0x{}, not at 0x{}",
                hashes.last().map(hex::encode).unwrap_or_default(),
                hex::encode(entry.last_hash.0)
            )));
        }
        Ok((chunk, hashes))
    }

    /// Reads the state snapshot of an entry.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn state(&self, entry: &StateEntry) -> Result<StateSnapshot> {
        let path = self.path(&entry.file);
        let body =
            self.body(Kind::State, &path, &entry.file_sha256.0, &entry.content_sha256.0, entry.file_bytes)?;
        let state = StateSnapshot::parse(&body, &path)?;
        if state.genesis != self.manifest.genesis_hash.0 {
            return Err(Error::damaged(path, "it belongs to another chain"));
        }
        if state.height != entry.height || state.block_hash != entry.block_hash.0 {
            return Err(Error::damaged(path, format!("it is the state of block {}", state.height)));
        }
        Ok(state)
    }

    /// The entry of the state snapshot at `height`.
    pub fn state_entry(&self, height: u32) -> Option<&StateEntry> {
        self.manifest.state.iter().find(|s| s.height == height)
    }

    /// Reads the metadata that spans and snapshots name by `hash`.
    ///
    /// # Errors
    /// Names the file and what differs, or the hash if no file is listed for it.
    pub fn metadata(&self, hash: &Hash) -> Result<RuntimeMetadata> {
        let entry =
            self.manifest.metadata.iter().find(|m| m.metadata_sha256.0 == *hash).ok_or_else(|| {
                Error::damaged(
                    self.path(files::MANIFEST),
                    format!("no metadata {} is listed, though blocks or state name it", hex::encode(hash)),
                )
            })?;
        let path = self.path(&entry.file);
        let body = self.body(
            Kind::Metadata,
            &path,
            &entry.file_sha256.0,
            &entry.content_sha256.0,
            entry.file_bytes,
        )?;
        let metadata = RuntimeMetadata::parse(&body, &path)?;
        if metadata.hash() != *hash || metadata.spec_version != entry.spec_version {
            return Err(Error::damaged(path, "it is the metadata of another runtime than the manifest says"));
        }
        Ok(metadata)
    }

    fn body(&self, kind: Kind, path: &Path, file: &Hash, content: &Hash, file_bytes: u64) -> Result<Vec<u8>> {
        let bytes = files::read(path, MAX_BODY_LEN)?;
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found != file_bytes {
            let problem = if found < file_bytes { "truncated" } else { "too long" };
            return Err(Error::damaged(
                path,
                format!("it is {problem}: {found} bytes instead of {file_bytes}"),
            ));
        }
        let opened = container::open(kind, &bytes, path)?;
        if opened.content_sha256 != *content {
            return Err(Error::damaged(
                path,
                format!(
                    "content digest is {}, the manifest says {}",
                    hex::encode(opened.content_sha256),
                    hex::encode(content)
                ),
            ));
        }
        // The content is what counts; a file digest that differs says that somebody packed it anew.
        if sha256(&bytes) != *file {
            return Err(Error::damaged(path, "file digest differs from the manifest"));
        }
        Ok(opened.body)
    }
}
