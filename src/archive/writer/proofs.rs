//! Proofs of an archive that is being written: they come with what they prove, and are listed if all are there.

use std::{collections::BTreeMap, fs, path::Path};

use super::{ArchiveWriter, length, refused, take_over::resealed};
use crate::archive::{
    BlockProofs, BlockProofsEntry, Error, Finality, FinalityEntry, Hash, Hex, Manifest, Proofs, Result,
    Sample, StateProof, StateProofEntry, chunk_ranges,
    container::{self, Kind, Sealed},
    files,
    proofs::MINOR_OF_PROOFS,
};

/// Proofs that are on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Present {
    /// By first height of the chunk.
    blocks: BTreeMap<u32, OfChunk>,
    /// By height, with the hash of the block.
    states: BTreeMap<u32, (StateProofEntry, Hash)>,
    /// The word of the validators.
    finality: Option<(FinalityEntry, Finality)>,
}

#[derive(Clone, Debug)]
struct OfChunk {
    entry: BlockProofsEntry,
    last_hash: Hash,
    heights: Vec<u32>,
}

impl Present {
    /// Whether the proofs of the chunk with this first height and last hash are there.
    pub(super) fn has_chunk(&self, first: u32, last_hash: &Hash) -> bool {
        self.blocks.get(&first).is_some_and(|present| present.last_hash == *last_hash)
    }

    /// Whether the proof of the snapshot of this block is there.
    pub(super) fn has_state(&self, height: u32, block_hash: &Hash) -> bool {
        self.states.get(&height).is_some_and(|(_, hash)| hash == block_hash)
    }

    fn add_blocks(&mut self, proofs: &BlockProofs, file: String, sealed: &Sealed) {
        let entry = BlockProofsEntry {
            body_bytes: sealed.body_len,
            content_sha256: Hex(sealed.content_sha256),
            file,
            file_bytes: length(&sealed.file),
            file_sha256: Hex(sealed.file_sha256),
            first: proofs.first,
            last: proofs.last,
        };
        let heights = proofs.proofs.iter().map(|proof| proof.height).collect();
        self.blocks.insert(proofs.first, OfChunk { entry, last_hash: proofs.last_hash, heights });
    }

    fn add_finality(&mut self, finality: Finality, file: String, sealed: &Sealed) {
        let entry = FinalityEntry {
            block_hash: Hex(finality.hash),
            body_bytes: sealed.body_len,
            content_sha256: Hex(sealed.content_sha256),
            file,
            file_bytes: length(&sealed.file),
            file_sha256: Hex(sealed.file_sha256),
            height: finality.height,
        };
        self.finality = Some((entry, finality));
    }

    fn add_state(&mut self, proof: &StateProof, file: String, sealed: &Sealed) {
        let entry = StateProofEntry {
            body_bytes: sealed.body_len,
            content_sha256: Hex(sealed.content_sha256),
            file,
            file_bytes: length(&sealed.file),
            file_sha256: Hex(sealed.file_sha256),
            height: proof.height,
        };
        self.states.insert(proof.height, (entry, proof.block_hash));
    }
}

impl ArchiveWriter {
    /// Writes the proofs of the blocks of a chunk.
    ///
    /// # Errors
    /// Proofs that the plan does not ask for or that are not canonical; I/O errors.
    pub fn put_block_proofs(&mut self, proofs: &BlockProofs) -> Result<()> {
        let file = files::block_proofs_name(proofs.first, proofs.last, &proofs.last_hash);
        let item = format!("the proofs of blocks {} to {}", proofs.first, proofs.last);
        if !self.plans_block_proofs(proofs) {
            return Err(Error::Refused { item, what: "they were not planned".into() });
        }
        let body = proofs.to_body();
        let read =
            BlockProofs::parse(&body, &self.folder.join(&file)).map_err(|e| refused(item.clone(), &e))?;
        if read != *proofs {
            return Err(Error::Refused { item, what: "they do not read back the same".into() });
        }
        let sealed = self.write(Kind::BlockProofs, MINOR_OF_PROOFS, &file, &body)?;
        self.proofs.add_blocks(proofs, file, &sealed);
        Ok(())
    }

    /// Writes the proof of a state snapshot.
    ///
    /// # Errors
    /// A proof that the plan does not ask for or that is not canonical; I/O errors.
    pub fn put_state_proof(&mut self, proof: &StateProof) -> Result<()> {
        let file = files::state_proof_name(proof.height, &proof.block_hash);
        let item = format!("the proof of the state of block {}", proof.height);
        if !self.plans_state_proof(proof) {
            return Err(Error::Refused { item, what: "it was not planned".into() });
        }
        let body = proof.to_body();
        let read =
            StateProof::parse(&body, &self.folder.join(&file)).map_err(|e| refused(item.clone(), &e))?;
        if read != *proof {
            return Err(Error::Refused { item, what: "it does not read back the same".into() });
        }
        let sealed = self.write(Kind::StateProof, MINOR_OF_PROOFS, &file, &body)?;
        self.proofs.add_state(proof, file, &sealed);
        Ok(())
    }

    /// Takes those proofs of blocks out again that are of another sample than the one that this last hash chooses,
    /// because the chain went another way: their chunks will be missing.
    ///
    /// # Errors
    /// I/O errors.
    pub fn hold_to(&mut self, last_hash: Hash) -> Result<()> {
        let Some(one_in) = self.plan.proofs else { return Ok(()) };
        let sample = Sample { first: self.plan.first, last: self.plan.last, last_hash, one_in };
        let is_other = |present: &&OfChunk| {
            let BlockProofsEntry { first, last, .. } = present.entry;
            !sample.within(first, last).eq(present.heights.iter().copied())
        };
        let others: Vec<u32> = self.proofs.blocks.values().filter(is_other).map(|p| p.entry.first).collect();
        others.into_iter().try_for_each(|first| self.discard_block_proofs(first))
    }

    /// Writes the word of the validators.
    ///
    /// # Errors
    /// A block that the plan does not ask for, or whose headers do not fit; I/O errors.
    pub fn put_finality(&mut self, finality: &Finality) -> Result<()> {
        let file = files::finality_name(finality.height, &finality.hash);
        let item = format!("the finality of block {}", finality.height);
        if !self.plans_finality(finality) {
            return Err(Error::Refused { item, what: "it was not planned".into() });
        }
        let body = finality.to_body();
        let read = Finality::parse(&body, &self.folder.join(&file)).map_err(|e| refused(item.clone(), &e))?;
        if read != *finality {
            return Err(Error::Refused { item, what: "it does not read back the same".into() });
        }
        let sealed = self.write(Kind::Finality, MINOR_OF_PROOFS, &file, &body)?;
        self.proofs.add_finality(read, file, &sealed);
        Ok(())
    }

    /// Whether the word of the validators is there for the chain that has this last block.
    pub fn has_finality(&self, last_hash: &Hash) -> bool {
        self.proofs.finality.as_ref().is_some_and(|(_, finality)| finality.follows(self.plan.last, last_hash))
    }

    fn plans_finality(&self, finality: &Finality) -> bool {
        self.plan.proofs.is_some()
            && finality.genesis == self.plan.genesis
            && finality.height >= self.plan.last
    }

    fn plans_block_proofs(&self, proofs: &BlockProofs) -> bool {
        let plan = &self.plan;
        plan.proofs.is_some()
            && proofs.genesis == plan.genesis
            && chunk_ranges(plan.first, plan.last, plan.chunk_blocks)
                .any(|range| range == (proofs.first, proofs.last))
    }

    fn plans_state_proof(&self, proof: &StateProof) -> bool {
        self.plan.proofs.is_some()
            && proof.genesis == self.plan.genesis
            && self.plan.state_at.contains(&proof.height)
    }

    pub(super) fn discard_block_proofs(&mut self, first: u32) -> Result<()> {
        match self.proofs.blocks.remove(&first) {
            Some(present) => self.remove(&present.entry.file),
            None => Ok(()),
        }
    }

    pub(super) fn discard_state_proof(&mut self, height: u32) -> Result<()> {
        match self.proofs.states.remove(&height) {
            Some((entry, _)) => self.remove(&entry.file),
            None => Ok(()),
        }
    }

    fn remove(&self, file: &str) -> Result<()> {
        let path = self.folder.join(file);
        fs::remove_file(&path).map_err(Error::io("remove", path))
    }

    /// Takes over a file of proofs that an earlier run left.
    pub(super) fn take_over_proofs(&mut self, file: String, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let kind = match file.matches('-').count() {
            1 => Kind::StateProof,
            _ if file.ends_with("-finality.tfa") => Kind::Finality,
            _ => Kind::BlockProofs,
        };
        let opened = container::open(kind, &bytes, path)?;
        if opened.minor != MINOR_OF_PROOFS {
            return Err(Error::damaged(path, "its minor version is not that of its contents"));
        }
        let sealed = resealed(bytes, &opened);
        let misnamed = || Err(Error::damaged(path, "its name is not that of its contents"));
        let foreign = || Err(Error::damaged(path, "it is no proof of this export"));
        if kind == Kind::Finality {
            let finality = Finality::parse(&opened.body, path)?;
            if files::finality_name(finality.height, &finality.hash) != file {
                return misnamed();
            }
            if !self.plans_finality(&finality) {
                return foreign();
            }
            self.proofs.add_finality(finality, file, &sealed);
        } else if kind == Kind::StateProof {
            let proof = StateProof::parse(&opened.body, path)?;
            if files::state_proof_name(proof.height, &proof.block_hash) != file {
                return misnamed();
            }
            if !self.plans_state_proof(&proof) {
                return foreign();
            }
            self.proofs.add_state(&proof, file, &sealed);
        } else {
            let proofs = BlockProofs::parse(&opened.body, path)?;
            if files::block_proofs_name(proofs.first, proofs.last, &proofs.last_hash) != file {
                return misnamed();
            }
            if !self.plans_block_proofs(&proofs) {
                return foreign();
            }
            self.proofs.add_blocks(&proofs, file, &sealed);
        }
        Ok(())
    }

    /// What the manifest is to say of proofs: all that were planned, each of the block or state it lies beside.
    pub(super) fn listed_proofs(&self, manifest: &Manifest) -> Result<Option<Proofs>> {
        let Some(one_in) = self.plan.proofs else { return Ok(None) };
        let sample = Sample {
            first: manifest.first_block,
            last: manifest.last_block,
            last_hash: manifest.last_hash.0,
            one_in,
        };
        let last_hash = manifest.last_hash.0;
        let own = self.proofs.finality.iter().filter(|_| self.has_finality(&last_hash));
        let finality = own.map(|(entry, _)| entry.clone()).next();
        let mut proofs = Proofs { blocks: Vec::new(), finality, one_in, state: Vec::new() };
        for chunk in &manifest.chunks {
            let (first, last) = (chunk.first, chunk.last);
            let present = self.proofs.blocks.get(&first).ok_or_else(|| {
                Error::Missing(format!("the proofs of blocks {first} to {last} are missing"))
            })?;
            let damaged = |what| Err(Error::damaged(self.folder.join(&present.entry.file), what));
            if !sample.within(first, last).eq(present.heights.iter().copied()) {
                return damaged("they are not proofs of the blocks that the last hash chooses");
            }
            proofs.blocks.push(present.entry.clone());
        }
        for state in &manifest.state {
            let height = state.height;
            let (entry, block_hash) = self.proofs.states.get(&height).ok_or_else(|| {
                Error::Missing(format!("the proof of the state of block {height} is missing"))
            })?;
            if *block_hash != state.block_hash.0 {
                let what = "it is the proof of another state than that of the snapshot";
                return Err(Error::damaged(self.folder.join(&entry.file), what));
            }
            proofs.state.push(entry.clone());
        }
        Ok(Some(proofs))
    }
}
