//! `manifest.json`: what the archive holds, and the digest of it all (`archive-format.md`, section 7).

use std::num::NonZeroU32;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Error, Hash, Result, Sample,
    container::{MAJOR, check_version},
    files,
    proofs::MINOR_OF_PROOFS,
};

/// Longest manifest that is read: 400,000 chunks of 64 blocks would fit.
const MAX_LEN: u64 = 128 << 20;
/// `format.name` of every manifest.
const FORMAT_NAME: &str = "tfchain-minting-archive";
/// First bytes that the archive root digests: no other digest starts like this.
const ROOT_DOMAIN: &[u8] = b"tfchain minting archive root v1\n";

/// A digest that JSON shows as lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex(pub Hash);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        match hex::decode_to_slice(&text, &mut hash) {
            Ok(()) => Ok(Hex(hash)),
            Err(_) => Err(serde::de::Error::custom(format!("`{text}` is not a digest of 64 hex digits"))),
        }
    }
}

/// Name and version of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
    /// Always `tfchain-minting-archive`.
    pub name: String,
}

/// One file of a run of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkEntry {
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// Height of its first block.
    pub first: u32,
    /// Height of its last block.
    pub last: u32,
    /// Hash of its last block.
    pub last_hash: Hex,
}

/// The metadata of one runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataEntry {
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// SHA-256 of the raw metadata, by which spans and snapshots name it.
    pub metadata_sha256: Hex,
    /// `specVersion` of the runtime.
    pub spec_version: u32,
}

/// One state snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateEntry {
    /// Hash of its block.
    pub block_hash: Hex,
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// Height of its block.
    pub height: u32,
}

/// Proofs of the blocks of one chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockProofsEntry {
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// Height of the first block of the chunk.
    pub first: u32,
    /// Height of its last block.
    pub last: u32,
}

/// Proof of one state snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateProofEntry {
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// Height of the snapshot's block.
    pub height: u32,
}

/// A block that the validators finalized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalityEntry {
    /// Hash of the block.
    pub block_hash: Hex,
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hex,
    /// Name below the archive's folder.
    pub file: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hex,
    /// Height of the block.
    pub height: u32,
}

/// Proofs, outside of the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proofs {
    /// Those of blocks, for every chunk.
    pub blocks: Vec<BlockProofsEntry>,
    /// The first block at or after the last one that the validators finalized, if one was known.
    pub finality: Option<FinalityEntry>,
    /// Blocks of which one is proven; see [`Sample`].
    pub one_in: NonZeroU32,
    /// Those of state, for every snapshot.
    pub state: Vec<StateProofEntry>,
}

/// What the manifest says of one file, whatever the file holds.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Name below the archive's folder.
    pub file: &'a str,
    /// Length of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: Hash,
    /// Length of its body.
    pub body_bytes: u64,
    /// SHA-256 of its body.
    pub content_sha256: Hash,
}

macro_rules! listed {
    ($entry:ty) => {
        impl $entry {
            /// The part that every kind of file has.
            pub fn listed(&self) -> Listed<'_> {
                Listed {
                    file: &self.file,
                    file_bytes: self.file_bytes,
                    file_sha256: self.file_sha256.0,
                    body_bytes: self.body_bytes,
                    content_sha256: self.content_sha256.0,
                }
            }
        }
    };
}

listed!(ChunkEntry);
listed!(MetadataEntry);
listed!(StateEntry);
listed!(BlockProofsEntry);
listed!(StateProofEntry);
listed!(FinalityEntry);

/// The time range for which blocks were exported, and how it was turned into blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedRange {
    /// Nominal time between two blocks, milliseconds.
    pub block_time_ms: u64,
    /// First block of the range: the first after `from`, or the one that was asked for.
    pub first_block: u32,
    /// `first_block` was asked for instead of found.
    pub first_block_given: bool,
    /// Start of the range, unix seconds.
    pub from: i64,
    /// Last block of the range: the first after `to`, or the one that was asked for.
    pub last_block: u32,
    /// `last_block` was asked for instead of found.
    pub last_block_given: bool,
    /// Number of the minting period; it stands at the top of the manifest.
    #[serde(skip)]
    pub period: Option<u32>,
    /// End of the range, unix seconds.
    pub to: i64,
    /// Blocks after `last_block` in which late reports still count.
    pub window_blocks: u32,
}

impl ExportedRange {
    /// Whether the range fits an archive of these blocks with state at these heights.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn consistent(&self, first: u32, last: u32, states: &[u32]) -> std::result::Result<(), String> {
        if self.from >= self.to {
            return Err(format!("range: it ends at {} and starts at {}", self.to, self.from));
        }
        if self.block_time_ms == 0 {
            return Err("range: block_time_ms is 0".into());
        }
        if self.first_block != first || self.first_block > self.last_block {
            return Err(format!("range: first_block is {}, the archive starts at {first}", self.first_block));
        }
        if self.last_block.checked_add(self.window_blocks) != Some(last) {
            return Err(format!("range: last_block and window_blocks do not end at block {last}"));
        }
        match [self.first_block, self.last_block].iter().find(|h| !states.contains(h)) {
            Some(height) => Err(format!("range: there is no state at block {height}")),
            None => Ok(()),
        }
    }
}

/// The whole manifest. Fields stand in the order of their names, which is the order in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Digest of everything that counts; see [`Manifest::root`].
    pub archive_root: Hex,
    /// Blocks of a chunk; chunks start at multiples of it.
    pub chunk_blocks: u32,
    /// Ascending by height, without a gap.
    pub chunks: Vec<ChunkEntry>,
    /// Height of the first block.
    pub first_block: u32,
    /// Hash of the parent of the first block.
    pub first_parent_hash: Hex,
    /// Name and version of the format.
    pub format: Format,
    /// Hash of block 0 of the chain.
    pub genesis_hash: Hex,
    /// Height of the last block.
    pub last_block: u32,
    /// Hash of the last block.
    pub last_hash: Hex,
    /// Ascending by `metadata_sha256`.
    pub metadata: Vec<MetadataEntry>,
    /// Number of the minting period, when a period was exported.
    pub period: Option<u32>,
    /// Proofs, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Proofs>,
    /// The time range, when one was exported.
    pub range: Option<ExportedRange>,
    /// Root of the full archive, in the manifest of a slim one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slim_of: Option<Hex>,
    /// Ascending by height.
    pub state: Vec<StateEntry>,
}

impl Manifest {
    /// The format of a manifest of this minor version.
    fn format_of(minor: u16) -> Format {
        Format { major: MAJOR, minor, name: FORMAT_NAME.to_string() }
    }

    /// The format of a full archive without proofs.
    pub fn current_format() -> Format {
        Manifest::format_of(0)
    }

    /// The format of a slim archive.
    pub fn format_of_slim() -> Format {
        Manifest::format_of(1)
    }

    /// The format of an archive with proofs.
    pub fn format_with_proofs() -> Format {
        Manifest::format_of(MINOR_OF_PROOFS)
    }

    /// The archive root digest, computed from the content digests and everything that decides about a replay.
    /// File names, file lengths and file digests are not part of it.
    pub fn root(&self) -> Hash {
        let mut root = Sha256::new();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        root.update(ROOT_DOMAIN);
        root.update(self.format.major.to_le_bytes());
        root.update(self.genesis_hash.0);
        root.update(self.first_block.to_le_bytes());
        root.update(self.last_block.to_le_bytes());
        root.update(self.first_parent_hash.0);
        root.update(self.last_hash.0);
        root.update(self.chunk_blocks.to_le_bytes());
        optional(&mut root, self.period, |root, period| root.update(period.to_le_bytes()));
        optional(&mut root, self.range.as_ref(), |root, range| {
            root.update(range.from.to_le_bytes());
            root.update(range.to.to_le_bytes());
            root.update(range.first_block.to_le_bytes());
            root.update([u8::from(range.first_block_given)]);
            root.update(range.last_block.to_le_bytes());
            root.update([u8::from(range.last_block_given)]);
            root.update(range.block_time_ms.to_le_bytes());
            root.update(range.window_blocks.to_le_bytes());
        });
        root.update(count(self.chunks.len()));
        self.chunks.iter().for_each(|c| root.update(c.content_sha256.0));
        root.update(count(self.metadata.len()));
        self.metadata.iter().for_each(|m| root.update(m.content_sha256.0));
        root.update(count(self.state.len()));
        for state in &self.state {
            root.update(state.height.to_le_bytes());
            root.update(state.content_sha256.0);
        }
        if let Some(full) = self.slim_of {
            root.update(full.0);
        }
        root.finalize().into()
    }

    /// Every file that is listed.
    pub fn files(&self) -> impl Iterator<Item = Listed<'_>> {
        let chunks = self.chunks.iter().map(ChunkEntry::listed);
        let states = self.state.iter().map(StateEntry::listed);
        let proofs = self.proofs.iter();
        let of_blocks = proofs.clone().flat_map(|p| &p.blocks).map(BlockProofsEntry::listed);
        let of_states = proofs.clone().flat_map(|p| &p.state).map(StateProofEntry::listed);
        let finality = proofs.filter_map(|p| p.finality.as_ref()).map(FinalityEntry::listed);
        let all = chunks.chain(states).chain(self.metadata.iter().map(MetadataEntry::listed));
        all.chain(of_blocks).chain(of_states).chain(finality)
    }

    /// Which blocks have a proof; none if no block has.
    pub fn sample(&self) -> Option<Sample> {
        let proofs = self.proofs.as_ref()?;
        Some(Sample {
            first: self.first_block,
            last: self.last_block,
            last_hash: self.last_hash.0,
            one_in: proofs.one_in,
        })
    }

    /// The bytes of `manifest.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A struct of integers, strings and lists cannot fail to serialise.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The range with its period number.
    pub fn exported_range(&self) -> Option<ExportedRange> {
        self.range.clone().map(|range| ExportedRange { period: self.period, ..range })
    }

    /// Reads `manifest.json` in the folder of an archive and checks that it is the canonical form, agrees with
    /// itself and has the root it says.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn read(folder: &Path) -> Result<Manifest> {
        let path = folder.join(files::MANIFEST);
        if !path.exists() {
            // An unreadable or absent folder gets the message of the operating system.
            std::fs::read_dir(folder).map_err(Error::io("open archive", folder))?;
            return Err(Error::NoManifest { path: folder.to_path_buf() });
        }
        let bytes = files::read(&path, MAX_LEN)?;
        Manifest::parse(&bytes, &path)
    }

    /// As [`Manifest::read`], from bytes.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Manifest> {
        /// Only as much as says whether the rest can be understood.
        #[derive(Deserialize)]
        struct Versioned {
            format: Format,
        }
        let damaged = |what: String| Error::damaged(path, what);
        let versioned: Versioned =
            serde_json::from_slice(bytes).map_err(|e| damaged(format!("not a manifest: {e}")))?;
        if versioned.format.name != FORMAT_NAME {
            return Err(damaged(format!("format name is `{}`, not `{FORMAT_NAME}`", versioned.format.name)));
        }
        check_version(versioned.format.major, versioned.format.minor, path)?;
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|e| damaged(format!("not a manifest: {e}")))?;
        if manifest.to_bytes() != bytes {
            return Err(damaged("it is not in canonical form (section 7 of archive-format.md)".into()));
        }
        manifest.consistent().map_err(damaged)?;
        let root = manifest.root();
        if root != manifest.archive_root.0 {
            return Err(damaged(format!(
                "its archive_root is {}, its contents give {}",
                hex::encode(manifest.archive_root.0),
                hex::encode(root)
            )));
        }
        Ok(manifest)
    }

    /// The validity conditions that do not need any other file.
    fn consistent(&self) -> std::result::Result<(), String> {
        if self.first_block > self.last_block {
            return Err(format!(
                "first_block {} lies after last_block {}",
                self.first_block, self.last_block
            ));
        }
        if self.chunk_blocks == 0 || self.chunk_blocks > super::chunk::MAX_CHUNK_BLOCKS {
            return Err(format!("chunk_blocks is {}", self.chunk_blocks));
        }
        let mut wanted = chunk_ranges(self.first_block, self.last_block, self.chunk_blocks);
        for chunk in &self.chunks {
            if wanted.next() != Some((chunk.first, chunk.last)) {
                return Err(format!("the chunk of blocks {} to {} is out of place", chunk.first, chunk.last));
            }
        }
        if let Some((first, last)) = wanted.next() {
            return Err(format!("no chunk is listed for blocks {first} to {last}"));
        }
        let minor = match (&self.slim_of, &self.proofs) {
            (None, None) => 0,
            (Some(_), None) => 1,
            (None, Some(_)) => MINOR_OF_PROOFS,
            (Some(_), Some(_)) => return Err("a slim archive has no proofs".into()),
        };
        if self.format.minor != minor {
            return Err(format!(
                "format.minor is {}, and what the manifest has is of {minor}",
                self.format.minor
            ));
        }
        if let Some(proofs) = &self.proofs {
            self.proofs_are_consistent(proofs)?;
        }
        let chunk_name = if self.slim_of.is_some() { files::slim_name } else { files::chunk_name };
        for chunk in &self.chunks {
            expect_name(&chunk.file, &chunk_name(chunk.first, chunk.last, &chunk.last_hash.0))?;
        }
        if self.chunks.last().is_some_and(|c| c.last_hash != self.last_hash) {
            return Err("last_hash is not that of the last chunk".into());
        }
        for entry in &self.metadata {
            expect_name(&entry.file, &files::metadata_name(entry.spec_version, &entry.metadata_sha256.0))?;
        }
        if !ascending(self.metadata.iter().map(|m| m.metadata_sha256)) {
            return Err("metadata is not ascending by metadata_sha256".into());
        }
        for entry in &self.state {
            expect_name(&entry.file, &files::state_name(entry.height, &entry.block_hash.0))?;
            if entry.height < self.first_block || entry.height > self.last_block {
                return Err(format!("state at {} lies outside of the range", entry.height));
            }
        }
        if !ascending(self.state.iter().map(|s| s.height)) {
            return Err("state is not ascending by height".into());
        }
        if self.first_block == 1 && self.first_parent_hash != self.genesis_hash {
            return Err("the parent of block 1 is not the genesis block".into());
        }
        let states: Vec<u32> = self.state.iter().map(|s| s.height).collect();
        match &self.range {
            Some(range) => range.consistent(self.first_block, self.last_block, &states),
            None if self.period.is_some() => Err("a period without a range".into()),
            None => Ok(()),
        }
    }

    /// Every chunk and every snapshot has its proofs, and no other is there.
    fn proofs_are_consistent(&self, proofs: &Proofs) -> std::result::Result<(), String> {
        let chunks = self.chunks.iter().map(|chunk| (chunk.first, chunk.last));
        if !proofs.blocks.iter().map(|entry| (entry.first, entry.last)).eq(chunks) {
            return Err("proofs of blocks are not those of every chunk".into());
        }
        for (entry, chunk) in proofs.blocks.iter().zip(&self.chunks) {
            let name = files::block_proofs_name(entry.first, entry.last, &chunk.last_hash.0);
            expect_name(&entry.file, &name)?;
        }
        if let Some(entry) = &proofs.finality {
            expect_name(&entry.file, &files::finality_name(entry.height, &entry.block_hash.0))?;
            if entry.height < self.last_block {
                return Err(format!("block {}, which is final, lies before the last block", entry.height));
            }
        }
        if !proofs.state.iter().map(|entry| entry.height).eq(self.state.iter().map(|state| state.height)) {
            return Err("proofs of state are not those of every snapshot".into());
        }
        for (entry, state) in proofs.state.iter().zip(&self.state) {
            expect_name(&entry.file, &files::state_proof_name(entry.height, &state.block_hash.0))?;
        }
        Ok(())
    }
}

fn optional<T>(root: &mut Sha256, value: Option<T>, write: impl FnOnce(&mut Sha256, T)) {
    root.update([u8::from(value.is_some())]);
    if let Some(value) = value {
        write(root, value);
    }
}

fn expect_name(found: &str, wanted: &str) -> std::result::Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("a file is named `{found}`, its contents `{wanted}`")) }
}

fn ascending<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> bool {
    let mut before: Option<T> = None;
    values.into_iter().all(|value| {
        let follows = before.as_ref().is_none_or(|b| *b < value);
        before = Some(value);
        follows
    })
}

/// First and last height of every chunk of a range, ascending; chunks start at multiples of `chunk_blocks`. An
/// iterator, since the range may come from a file and be absurdly long.
pub fn chunk_ranges(first: u32, last: u32, chunk_blocks: u32) -> impl Iterator<Item = (u32, u32)> {
    let mut next = (chunk_blocks > 0 && first <= last).then_some(first);
    std::iter::from_fn(move || {
        let start = next?;
        let to_end = (chunk_blocks - 1).checked_sub(start.checked_rem(chunk_blocks)?)?;
        let end = start.saturating_add(to_end).min(last);
        next = end.checked_add(1).filter(|n| *n <= last);
        Some((start, end))
    })
}

#[cfg(test)]
mod tests;
