//! An export from beginning to end.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::chunks::{Chunks, Givers};
use super::cross_check::{Kept, cross_check, needs_two};
use super::error::Error;
use super::estimate::{Estimate, estimate};
use super::finality::read_finality;
use super::node::Chain;
use super::pace::Pace;
use super::plan::{Request, plan};
use super::pool::Pool;
use super::progress::{Progress, Stage};
use super::proofs;
use super::runtimes::Runtimes;
use super::state::read_state;
use super::store::{Store, other_chain};
use crate::archive::{
    ArchiveWriter, ChunkEntry, ExportedRange, FolderLock, Hash, Left, Manifest, Plan, Provenance, Sample,
    chunk_ranges, files,
};
use crate::chain::event_shapes;

/// How often an export looks again at what changed, when a chain is switched to another fork under its feet.
const ROUNDS_MAX: u32 = 5;

/// An export that knows what it will read, and has written nothing yet.
pub struct Export {
    chain: Arc<Chain>,
    runtimes: Arc<Runtimes>,
    plan: Plan,
    started: jiff::Timestamp,
}

/// What is there and what is left to do for an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// First and last height of the chunks that are there and whole.
    pub present: Vec<(u32, u32)>,
    /// Files that are there and damaged, with what is wrong with each.
    pub damaged: Vec<String>,
    /// First and last height of the chunks that are to be read.
    pub chunks: Vec<(u32, u32)>,
    /// Heights of the state snapshots that are to be read.
    pub states: Vec<u32>,
    /// A finished archive of the same plan is there.
    pub finished: bool,
}

impl Remaining {
    /// Blocks that are to be read.
    pub fn blocks(&self) -> u64 {
        self.chunks.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }
}

/// An archive that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The archive root digest.
    pub root: Hash,
    /// Hash of the last block.
    pub last_hash: Hash,
    /// Blocks that were read now; the others were there before.
    pub blocks_read: u64,
    /// Files that the manifest lists.
    pub files: u64,
    /// Bytes of all files that the manifest lists.
    pub file_bytes: u64,
}

impl Export {
    /// Greets the endpoints and finds out what the request means for their chain.
    ///
    /// # Errors
    /// Endpoints that can not be reached, serve different chains, lack old state or answer wrongly; a range
    /// that is not final yet or makes no sense.
    pub async fn prepare(
        urls: &[String],
        pace: Pace,
        request: &Request,
        progress: Arc<dyn Progress>,
    ) -> Result<Export, Error> {
        // The time is for the provenance, which no digest covers and no decision reads.
        let started = jiff::Timestamp::now();
        progress.stage(Stage::Greeting, 0);
        let mut chain = Chain::greet(Pool::new(urls, pace, Arc::clone(&progress))?).await?;
        let mut runtimes = Runtimes::default();
        let plan = loop {
            match plan(&chain, request, &mut runtimes).await {
                Err(Error::NotFinal { .. }) if chain.leave_behind()? => {}
                planned => break planned?,
            }
        };
        progress.stage(Stage::Runtimes, 0);
        chain.hold_to(plan.last).await?;
        runtimes.read_range(&chain, plan.first, plan.last).await?;
        Ok(Export { chain: Arc::new(chain), runtimes: Arc::new(runtimes), plan, started })
    }

    /// Chooses how many blocks a chunk has. Exports of one range are the same only if this is.
    pub fn set_chunk_blocks(&mut self, blocks: u32) {
        self.plan.chunk_blocks = blocks;
    }

    /// Has one of so many blocks proven, and every snapshot; makes sure that the endpoints do that.
    ///
    /// # Errors
    /// The last endpoint does not prove what it says.
    pub async fn prove(&mut self, one_in: NonZeroU32) -> Result<(), Error> {
        self.plan.proofs = Some(one_in);
        match self.sample() {
            Some(sample) => proofs::probe(&self.chain, &sample).await,
            None => Ok(()),
        }
    }

    /// Which blocks are to be proven.
    fn sample(&self) -> Option<Sample> {
        let Plan { first, last, proofs, .. } = self.plan;
        proofs.map(|one_in| Sample { first, last, last_hash: self.chain.last_hash(), one_in })
    }

    /// What will be read.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The time range, if one was asked for.
    pub fn range(&self) -> Option<&ExportedRange> {
        self.plan.range.as_ref()
    }

    /// Height of the finalized head.
    pub fn head(&self) -> u32 {
        self.chain.head
    }

    /// The time of a block, milliseconds.
    ///
    /// # Errors
    /// Whatever an endpoint does wrong.
    pub async fn time_ms(&self, height: u32) -> Result<u64, Error> {
        self.chain.time_ms(height).await
    }

    /// Spec versions of the runtimes that the range needs, in the order of their heights.
    pub fn spec_versions(&self) -> Vec<u32> {
        self.runtimes.iter().map(|metadata| metadata.spec_version).collect()
    }

    /// What `run` would still have to read for this folder. Writes nothing.
    ///
    /// # Errors
    /// The folder holds something else; I/O errors.
    pub fn remaining(&self, folder: &Path) -> Result<Remaining, Error> {
        if finished_before(folder, &self.plan)?.is_some() {
            return Ok(Remaining { finished: true, ..Remaining::default() });
        }
        other_chain(folder, &self.plan)?;
        let Left { chunks: present, states, damaged } =
            ArchiveWriter::look(folder, self.plan.clone(), event_shapes)?;
        let Plan { first, last, chunk_blocks, .. } = self.plan;
        let chunks = chunk_ranges(first, last, chunk_blocks).filter(|range| !present.contains(range));
        let missing = self.plan.state_at.iter().copied().filter(|height| !states.contains(height));
        Ok(Remaining {
            chunks: chunks.collect(),
            states: missing.collect(),
            present,
            damaged,
            finished: false,
        })
    }

    /// What the rest of the export will cost, judged by a few of its blocks.
    ///
    /// # Errors
    /// Whatever an endpoint does wrong.
    pub async fn estimate(&self, left: &Remaining) -> Result<Estimate, Error> {
        estimate(&self.chain, &self.runtimes, self.sample().as_ref(), left).await
    }

    /// Reads what is missing in the folder, and finishes the archive. The folder was locked, unless it holds a
    /// finished archive. `sample` blocks are read again from another endpoint, of a finished archive too.
    ///
    /// What is on disk is whole at any moment: when the future is dropped, or fails, the same export goes on
    /// from there.
    ///
    /// # Errors
    /// Whatever an endpoint, the chain or the disk does wrong.
    pub async fn run(
        self,
        folder: &Path,
        lock: Option<FolderLock>,
        sample: Option<NonZeroU32>,
    ) -> Result<Exported, Error> {
        if sample.is_some() {
            needs_two(&self.chain)?;
        }
        if let Some((manifest, exported)) = finished_before(folder, &self.plan)? {
            let kept = |entry: &ChunkEntry| Kept {
                first: entry.first,
                last: entry.last,
                last_hash: entry.last_hash.0,
                path: folder.join(&entry.file),
            };
            self.cross_check(&manifest.chunks.iter().map(kept).collect::<Vec<_>>(), &Givers::new(), sample)
                .await?;
            return Ok(exported);
        }
        let lock = match lock {
            Some(lock) => lock,
            // Says what the finished archive in the folder holds.
            None => {
                return Err(ArchiveWriter::open(folder, self.plan.clone(), event_shapes)
                    .err()
                    .map_or(Error::Internal("the folder was not locked"), Error::Archive));
            }
        };
        let mut store = Store::open(lock, self.plan.clone()).await?;
        for damaged in store.ask(|writer| writer.damaged().to_vec()).await? {
            self.note(&format!("{damaged}; reading it again"));
        }
        for metadata in self.runtimes.iter() {
            let metadata = metadata.clone();
            store.put(move |writer| writer.put_metadata(&metadata).map(drop)).await?;
        }
        let (mut givers, mut blocks_read, mut rounds) = (Givers::new(), 0, 0);
        loop {
            let left = self.verify(&mut store).await?;
            if left.chunks.is_empty() && left.states.is_empty() {
                break;
            }
            rounds += 1;
            match self.read(&mut store, &left, &mut givers).await {
                Ok(()) => blocks_read += left.blocks(),
                Err(error @ Error::Apart { .. }) if rounds < ROUNDS_MAX => {
                    self.note(&format!("{error}; looking again at what is there"));
                }
                Err(error) => return Err(error),
            }
            if rounds > ROUNDS_MAX {
                return Err(Error::Unsteady(self.chain.pool.names().join(", ")));
            }
        }
        let kept = store.ask(|writer| {
            let kept = |(first, last, last_hash)| {
                Some(Kept { first, last, last_hash, path: writer.chunk_path(first)? })
            };
            writer.present_chunks().into_iter().filter_map(kept).collect::<Vec<_>>()
        });
        self.cross_check(&kept.await?, &givers, sample).await?;
        if self.plan.proofs.is_some() {
            self.put_finality(&mut store).await?;
        }
        let finished = store.finish(self.provenance()).await?;
        Ok(Exported {
            root: finished.root,
            last_hash: finished.last_hash,
            blocks_read,
            files: finished.files,
            file_bytes: finished.file_bytes,
        })
    }

    async fn cross_check(
        &self,
        kept: &[Kept],
        givers: &Givers,
        sample: Option<NonZeroU32>,
    ) -> Result<(), Error> {
        match sample {
            Some(sample) => cross_check(&self.chain, &self.runtimes, kept, givers, sample).await,
            None => Ok(()),
        }
    }

    /// Reads the word of the validators for the end of the range, unless it is there.
    async fn put_finality(&self, store: &mut Store) -> Result<(), Error> {
        let last_hash = self.chain.last_hash();
        if store.ask(move |writer| writer.has_finality(&last_hash)).await? {
            return Ok(());
        }
        self.chain.pool.progress().stage(Stage::Finality, 0);
        match read_finality(&self.chain, self.plan.first, self.plan.last).await? {
            Some(finality) => store.put(move |writer| writer.put_finality(&finality)).await,
            None => {
                self.note(&format!(
                    "nobody keeps the signatures of validators for a block from {} to the finalized head {}; the \
                     archive does not prove that its last block is final",
                    self.plan.last, self.chain.head
                ));
                Ok(())
            }
        }
    }

    fn note(&self, text: &str) {
        self.chain.pool.progress().note(text);
    }

    /// Compares what is on disk with the chain as it is now, discards what is not of it, and says what is left
    /// to read. The hash of the last block of a chunk vouches for all of its blocks.
    async fn verify(&self, store: &mut Store) -> Result<Remaining, Error> {
        let (chunks, states) = store.ask(|writer| (writer.present_chunks(), writer.present_states())).await?;
        let lasts = chunks.iter().map(|&(_, last, _)| last);
        let heights: Vec<u32> = lasts.chain(states.iter().map(|&(height, _)| height)).collect();
        let mut hashes = self.chain.hashes(&heights).await?.into_iter();
        for ((first, last, kept), hash) in chunks.into_iter().zip(&mut hashes) {
            if kept != hash {
                self.note(&format!(
                    "blocks {first} to {last} are not those of this chain any more; reading them again"
                ));
                store.put(move |writer| writer.discard_chunk(first)).await?;
            }
        }
        for ((height, kept), hash) in states.into_iter().zip(hashes) {
            if kept != hash {
                self.note(&format!("block {height} is another one now; reading its state again"));
                store.put(move |writer| writer.discard_state(height)).await?;
            }
        }
        let last_hash = self.chain.last_hash();
        store.put(move |writer| writer.hold_to(last_hash)).await?;
        store
            .ask(|writer| {
                let states =
                    writer.plan().state_at.iter().copied().filter(|height| !writer.has_state(*height));
                Remaining {
                    chunks: writer.missing_chunks(),
                    states: states.collect(),
                    ..Remaining::default()
                }
            })
            .await
    }

    /// Reads what is left, and puts it on disk chunk by chunk.
    async fn read(&self, store: &mut Store, left: &Remaining, givers: &mut Givers) -> Result<(), Error> {
        for &height in &left.states {
            let layout = self.plan.proofs.map(|_| self.runtimes.layout(height)).transpose()?;
            let (state, proof) =
                read_state(&self.chain, height, self.runtimes.after(height)?, layout).await?;
            store.put(move |writer| writer.put_state(&state)).await?;
            if let Some(proof) = proof {
                store.put(move |writer| writer.put_state_proof(&proof)).await?;
            }
        }
        let progress = self.chain.pool.progress();
        progress.stage(Stage::Blocks, left.blocks());
        let mut chunks = Chunks::of(&self.chain, &self.runtimes, self.sample(), left.chunks.clone());
        for &(first, last) in &left.chunks {
            let (chunk, proofs) = chunks.next_of(first, last, givers).await?;
            store.put(move |writer| writer.put_chunk(&chunk)).await?;
            if self.plan.proofs.is_some() {
                store.put(move |writer| writer.put_block_proofs(&proofs)).await?;
            }
        }
        Ok(())
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            chain: self.chain.name.clone(),
            endpoints: self.chain.pool.names(),
            finished: in_seconds(jiff::Timestamp::now()),
            node: self.chain.node.clone(),
            started: in_seconds(self.started),
            tool: format!("minting-fetch {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// Locks the folder of an export, before anything is asked of the network. None if a finished archive is there,
/// which nobody will write.
///
/// # Errors
/// The folder can not be written, holds something else, or is being written by another program.
pub fn reserve(folder: &Path) -> Result<Option<FolderLock>, Error> {
    if folder.join(files::MANIFEST).exists() {
        // An exporter that was killed right after the manifest left these behind; they have no meaning.
        if [files::LOCK, files::PLAN].iter().any(|name| folder.join(name).exists())
            && let Ok(lock) = FolderLock::take(folder)
        {
            let _ = std::fs::remove_file(folder.join(files::PLAN));
            drop(lock);
        }
        return Ok(None);
    }
    Ok(Some(FolderLock::take(folder)?))
}

fn in_seconds(moment: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}

/// The archive that an earlier run of the same plan finished in this folder.
fn finished_before(folder: &Path, plan: &Plan) -> Result<Option<(Manifest, Exported)>, Error> {
    if !folder.join(files::MANIFEST).exists() {
        return Ok(None);
    }
    let manifest = Manifest::read(folder)?;
    let is_same = manifest.genesis_hash.0 == plan.genesis
        && (manifest.first_block, manifest.last_block) == (plan.first, plan.last)
        && manifest.exported_range() == plan.range
        && manifest.proofs.as_ref().map(|proofs| proofs.one_in) == plan.proofs
        && manifest.state.iter().map(|state| state.height).eq(plan.state_at.iter().copied());
    let exported = Exported {
        root: manifest.archive_root.0,
        last_hash: manifest.last_hash.0,
        blocks_read: 0,
        files: u64::try_from(manifest.files().count()).unwrap_or(u64::MAX),
        file_bytes: manifest.files().fold(0, |sum, file| sum.saturating_add(file.file_bytes)),
    };
    Ok(is_same.then_some((manifest, exported)))
}
