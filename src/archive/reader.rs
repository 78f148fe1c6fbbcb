//! Opens an archive and hands out its parts, each verified before anybody sees it.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use super::{
    BlockProofs, BlockProofsEntry, ChunkBody, ChunkEntry, Error, Finality, FinalityEntry, Hash, Manifest,
    Result, RuntimeMetadata, StateEntry, StateProof, StateProofEntry, StateSnapshot, Workspace,
    container::{self, Kind, MAX_FILE_LEN, sha256},
    files,
    manifest::Listed,
    proofs::MINOR_OF_PROOFS,
};

/// Which digests of a file are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digests {
    Content,
    FileAndContent,
}

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

    /// Reads a chunk and verifies file digest, content digest, form, place, that it follows the chunk before it, and
    /// the hash of every header up to the last one, which is the one in the manifest. Gives the chunk and the hashes of
    /// its blocks; in a slim archive 32 zero bytes for those that it does not know.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn chunk(&self, entry: &ChunkEntry) -> Result<(ChunkBody, Vec<Hash>)> {
        self.chunk_with(&mut Workspace::default(), entry)
    }

    /// As [`Archive::chunk`], with the memory of a workspace.
    ///
    /// # Errors
    /// As [`Archive::chunk`].
    pub fn chunk_with(
        &self,
        workspace: &mut Workspace,
        entry: &ChunkEntry,
    ) -> Result<(ChunkBody, Vec<Hash>)> {
        let chunk = self.parsed_chunk(workspace, entry, Digests::FileAndContent)?;
        let started = Instant::now();
        let hashes = chunk.hashes();
        workspace.times.hash += started.elapsed();
        self.check_hashes(entry, &chunk, &hashes)?;
        Ok((chunk, hashes))
    }

    /// As [`Archive::chunk_with`], but leaves the hashes of headers to [`super::hashes`] and [`Archive::check_hashes`], and
    /// does not look at the file digest: it says how the content was packed, not what it is.
    ///
    /// # Errors
    /// As [`Archive::chunk`].
    pub fn unlinked_chunk(&self, workspace: &mut Workspace, entry: &ChunkEntry) -> Result<ChunkBody> {
        self.parsed_chunk(workspace, entry, Digests::Content)
    }

    fn parsed_chunk(
        &self,
        workspace: &mut Workspace,
        entry: &ChunkEntry,
        digests: Digests,
    ) -> Result<ChunkBody> {
        let path = self.path(&entry.file);
        let is_slim = self.manifest.slim_of.is_some();
        let kind = if is_slim { Kind::SlimChunk } else { Kind::Chunk };
        let (minor, body) = self.body_with(workspace, kind, entry.listed(), digests)?;
        let chunk =
            if is_slim { ChunkBody::parse_slim(body, &path)? } else { ChunkBody::parse(body, &path)? };
        let damaged = |what: String| Error::damaged(&path, what);
        if minor != chunk.minor() {
            return Err(damaged(format!("it names format version 1.{minor}, and is of 1.{}", chunk.minor())));
        }
        if chunk.genesis() != &self.manifest.genesis_hash.0 {
            return Err(damaged("it belongs to another chain".into()));
        }
        if (chunk.first(), chunk.last()) != (entry.first, entry.last) {
            return Err(damaged(format!("it holds blocks {} to {}", chunk.first(), chunk.last())));
        }
        if Some(chunk.parent_hash()) != self.parent_of(entry) {
            return Err(damaged(format!("block {} does not follow the block before it", entry.first)));
        }
        Ok(chunk)
    }

    /// Checks the hashes of the headers of a chunk up to the last one, which is the one in the manifest.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn check_hashes(&self, entry: &ChunkEntry, chunk: &ChunkBody, hashes: &[Hash]) -> Result<()> {
        let path = self.path(&entry.file);
        let is_slim = self.manifest.slim_of.is_some();
        let damaged = |what: String| Error::damaged(&path, what);
        if !is_slim && entry.first == 0 && hashes.first() != Some(chunk.genesis()) {
            return Err(damaged("its block 0 is not the genesis block that it names".into()));
        }
        if hashes.last() != Some(&entry.last_hash.0) {
            return Err(damaged(format!(
                "its headers end at hash 0x{}, the manifest says 0x{}",
                hashes.last().map(hex::encode).unwrap_or_default(),
                hex::encode(entry.last_hash.0)
            )));
        }
        Ok(())
    }

    /// Reads the state snapshot of an entry.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn state(&self, entry: &StateEntry) -> Result<StateSnapshot> {
        let path = self.path(&entry.file);
        let (_, body) = self.body(&mut Workspace::default(), Kind::State, entry.listed())?;
        let state = StateSnapshot::parse(&body, &path)?;
        if state.genesis != self.manifest.genesis_hash.0 {
            return Err(Error::damaged(path, "it belongs to another chain"));
        }
        if state.height != entry.height || state.block_hash != entry.block_hash.0 {
            let what = format!(
                "it is the state of block {}, 0x{}; the manifest says otherwise",
                state.height,
                hex::encode(state.block_hash)
            );
            return Err(Error::damaged(path, what));
        }
        Ok(state)
    }

    /// Reads the proofs of the blocks of a chunk: those of the sample, and no others. What they prove is not checked here.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn block_proofs(&self, entry: &BlockProofsEntry) -> Result<BlockProofs> {
        let path = self.path(&entry.file);
        let damaged = |what: String| Err(Error::damaged(&path, what));
        let (_, body) = self.body(&mut Workspace::default(), Kind::BlockProofs, entry.listed())?;
        let proofs = BlockProofs::parse(&body, &path)?;
        if proofs.genesis != self.manifest.genesis_hash.0 {
            return damaged("it belongs to another chain".into());
        }
        let chunk = self.manifest.chunks.iter().find(|chunk| chunk.first == entry.first);
        if (proofs.first, proofs.last) != (entry.first, entry.last)
            || chunk.map(|chunk| chunk.last_hash.0) != Some(proofs.last_hash)
        {
            let what =
                format!("it holds proofs of blocks {} to {} of another chain", proofs.first, proofs.last);
            return damaged(what);
        }
        let mut wanted = self
            .manifest
            .sample()
            .into_iter()
            .flat_map(|sample| sample.within(entry.first, entry.last).collect::<Vec<_>>());
        let mut found = proofs.proofs.iter().map(|proof| proof.height);
        loop {
            match (wanted.next(), found.next()) {
                (None, None) => return Ok(proofs),
                (wanted, found) if wanted == found => {}
                (Some(height), None) => return damaged(format!("it lacks the proof of block {height}")),
                (Some(height), Some(other)) if height < other => {
                    return damaged(format!("it lacks the proof of block {height}"));
                }
                (_, Some(other)) => {
                    return damaged(format!(
                        "it has a proof of block {other}, which the last hash does not choose"
                    ));
                }
            }
        }
    }

    /// Reads the word of the validators, and verifies that its headers lead from the last block of the archive to the
    /// block that it is about. Whether they signed it is not checked here.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn finality(&self, entry: &FinalityEntry) -> Result<Finality> {
        let path = self.path(&entry.file);
        let (_, body) = self.body(&mut Workspace::default(), Kind::Finality, entry.listed())?;
        let finality = Finality::parse(&body, &path)?;
        if finality.genesis != self.manifest.genesis_hash.0
            || (finality.height, finality.hash) != (entry.height, entry.block_hash.0)
        {
            return Err(Error::damaged(path, "it is about another block than the manifest says"));
        }
        if !finality.follows(self.manifest.last_block, &self.manifest.last_hash.0) {
            let what = "its headers do not lead from the last block of the archive to its block";
            return Err(Error::damaged(path, what));
        }
        Ok(finality)
    }

    /// Reads the proof of a state snapshot. What it proves is not checked here.
    ///
    /// # Errors
    /// Names the file and what differs.
    pub fn state_proof(&self, entry: &StateProofEntry) -> Result<StateProof> {
        let path = self.path(&entry.file);
        let (_, body) = self.body(&mut Workspace::default(), Kind::StateProof, entry.listed())?;
        let proof = StateProof::parse(&body, &path)?;
        let block_hash = self.state_entry(entry.height).map(|state| state.block_hash.0);
        if proof.genesis != self.manifest.genesis_hash.0
            || proof.height != entry.height
            || Some(proof.block_hash) != block_hash
        {
            let what = format!(
                "it is the proof of the state of block {}, 0x{}; the manifest says otherwise",
                proof.height,
                hex::encode(proof.block_hash)
            );
            return Err(Error::damaged(path, what));
        }
        Ok(proof)
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
        let (_, body) = self.body(&mut Workspace::default(), Kind::Metadata, entry.listed())?;
        let metadata = RuntimeMetadata::parse(&body, &path)?;
        if metadata.hash() != *hash || metadata.spec_version != entry.spec_version {
            return Err(Error::damaged(path, "it is the metadata of another runtime than the manifest says"));
        }
        Ok(metadata)
    }

    /// Parent hash of the first block of a chunk, as the manifest says.
    fn parent_of(&self, entry: &ChunkEntry) -> Option<&Hash> {
        let chunks = &self.manifest.chunks;
        match chunks.iter().position(|c| c.first == entry.first)?.checked_sub(1) {
            Some(before) => chunks.get(before).map(|c| &c.last_hash.0),
            None if entry.first == 0 => Some(&[0; 32]),
            None => Some(&self.manifest.first_parent_hash.0),
        }
    }

    /// Reads a file and gives its minor version and its body, when all that the manifest says of it is true.
    fn body(&self, workspace: &mut Workspace, kind: Kind, listed: Listed<'_>) -> Result<(u16, Vec<u8>)> {
        self.body_with(workspace, kind, listed, Digests::FileAndContent)
    }

    /// As [`Archive::body`], with the digests that are asked for.
    fn body_with(
        &self,
        workspace: &mut Workspace,
        kind: Kind,
        listed: Listed<'_>,
        digests: Digests,
    ) -> Result<(u16, Vec<u8>)> {
        let path = &self.path(listed.file);
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut bytes = std::mem::take(&mut workspace.file);
        let started = Instant::now();
        files::read_into(path, MAX_FILE_LEN, &mut bytes)?;
        workspace.times.read += started.elapsed();
        let (found, file_bytes) = (length(&bytes), listed.file_bytes);
        if found != file_bytes {
            let problem = if found < file_bytes { "truncated" } else { "too long" };
            return Err(Error::damaged(
                path,
                format!("it is {problem}: {found} bytes instead of the {file_bytes} of the manifest"),
            ));
        }
        let opened = container::open_with(workspace, kind, &bytes, path)?;
        if opened.content_sha256 != listed.content_sha256 {
            return Err(Error::damaged(
                path,
                format!(
                    "content digest is {}, the manifest says {}",
                    hex::encode(opened.content_sha256),
                    hex::encode(listed.content_sha256)
                ),
            ));
        }
        // The content is what counts; a file digest that differs says that somebody packed it anew.
        let started = Instant::now();
        if digests == Digests::FileAndContent && sha256(&bytes) != listed.file_sha256 {
            return Err(Error::damaged(path, "file digest differs from the manifest"));
        }
        workspace.times.hash += started.elapsed();
        if length(&opened.body) != listed.body_bytes {
            let what =
                format!("its body has {} bytes, the manifest says {}", opened.body.len(), listed.body_bytes);
            return Err(Error::damaged(path, what));
        }
        let minor = match kind {
            Kind::State | Kind::Metadata => 0,
            Kind::BlockProofs | Kind::StateProof | Kind::Finality => MINOR_OF_PROOFS,
            // That of a chunk follows from its sections.
            _ => opened.minor,
        };
        if opened.minor != minor {
            return Err(Error::damaged(
                path,
                format!("it names format version 1.{}, and is of 1.{minor}", opened.minor),
            ));
        }
        workspace.file = bytes;
        Ok((opened.minor, opened.body))
    }
}
