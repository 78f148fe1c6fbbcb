//! An export from beginning to end.

use std::path::Path;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use super::blocks::read_chunk;
use super::error::Error;
use super::node::Chain;
use super::pace::Pace;
use super::plan::{Request, plan};
use super::pool::Pool;
use super::progress::{Progress, Stage};
use super::runtimes::Runtimes;
use super::state::read_state;
use super::wire::to_hex;
use crate::archive::{self, ArchiveWriter, Finished, Hash, Manifest, Plan, Provenance, chunk_ranges, files};
use crate::chain::event_shapes;

/// More than any plan takes.
const PLAN_BYTES_MAX: u64 = 1 << 20;
const WRITER_ENDED: Error = Error::Internal("writing ended early");

/// An export that knows what it will read, and has written nothing yet.
pub struct Export {
    chain: Arc<Chain>,
    runtimes: Runtimes,
    plan: Plan,
    started: jiff::Timestamp,
}

/// What is left to do for an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// First and last height of the chunks that are not there yet.
    pub chunks: Vec<(u32, u32)>,
    /// Heights of the state snapshots that are not there yet.
    pub states: Vec<u32>,
    /// A finished archive of the same plan is there.
    pub finished: bool,
}

impl Remaining {
    /// Blocks that are not there yet.
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
        let chain = Chain::greet(Pool::new(urls, pace, Arc::clone(&progress))?).await?;
        let mut runtimes = Runtimes::default();
        let plan = plan(&chain, request, &mut runtimes).await?;
        progress.stage(Stage::Runtimes, 0);
        runtimes.read_range(&chain, plan.first, plan.last).await?;
        Ok(Export { chain: Arc::new(chain), runtimes, plan, started })
    }

    /// What will be read.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Height of the finalized head.
    pub fn head(&self) -> u32 {
        self.chain.head
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
            return Ok(Remaining { chunks: Vec::new(), states: Vec::new(), finished: true });
        }
        let is_new = !folder.exists() || files::list(folder)?.is_empty();
        if is_new {
            let Plan { first, last, chunk_blocks, .. } = self.plan;
            return Ok(Remaining {
                chunks: chunk_ranges(first, last, chunk_blocks).collect(),
                states: self.plan.state_at.clone(),
                finished: false,
            });
        }
        Ok(remaining(&open(folder, &self.plan)?))
    }

    /// Reads what is missing in the folder, and finishes the archive.
    ///
    /// What is on disk is whole at any moment: when the future is dropped, or fails, the same export goes on
    /// from there.
    ///
    /// # Errors
    /// Whatever an endpoint, the chain or the disk does wrong.
    pub async fn run(self, folder: &Path) -> Result<Exported, Error> {
        if let Some(exported) = blocking(folder, &self.plan, finished_before).await? {
            return Ok(exported);
        }
        let mut store = Store::new(blocking(folder, &self.plan, open).await?);
        let left = self.take_over(&mut store).await?;
        for metadata in self.runtimes.iter() {
            let metadata = metadata.clone();
            store.put(move |writer| writer.put_metadata(&metadata).map(drop)).await?;
        }
        for &height in &left.states {
            let state = read_state(&self.chain, height, self.runtimes.after(height)?).await?;
            store.put(move |writer| writer.put_state(&state)).await?;
        }
        self.chain.pool.progress().stage(Stage::Blocks, left.blocks());
        for &(first, last) in &left.chunks {
            let chunk = read_chunk(&self.chain, &self.runtimes, first, last).await?;
            store.put(move |writer| writer.put_chunk(&chunk)).await?;
        }
        let finished = store.finish(self.provenance()).await?;
        Ok(Exported {
            root: finished.root,
            last_hash: finished.last_hash,
            blocks_read: left.blocks(),
            file_bytes: finished.file_bytes,
        })
    }

    /// Keeps what an earlier run left, as far as it is of the chain that the endpoints serve.
    async fn take_over(&self, store: &mut Store) -> Result<Remaining, Error> {
        let present = store.ask(ArchiveWriter::present_chunks).await?;
        let lasts: Vec<u32> = present.iter().map(|&(_, last, _)| last).collect();
        let hashes = self.chain.hashes(&lasts).await?;
        for ((first, last, kept), hash) in present.into_iter().zip(hashes) {
            if kept != hash {
                let note = format!(
                    "blocks {first} to {last} are not those of this chain any more; reading them again"
                );
                self.chain.pool.progress().note(&note);
                store.put(move |writer| writer.discard_chunk(first)).await?;
            }
        }
        store.ask(remaining).await
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

fn in_seconds(moment: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}

/// Opens the folder for writing; makes it if need be.
fn open(folder: &Path, plan: &Plan) -> Result<ArchiveWriter, Error> {
    let plan_path = folder.join(files::PLAN);
    if plan_path.exists()
        && let Ok(earlier) = serde_json::from_slice::<Plan>(&files::read(&plan_path, PLAN_BYTES_MAX)?)
        && earlier.genesis != plan.genesis
    {
        return Err(Error::OtherArchive {
            folder: folder.to_path_buf(),
            theirs: to_hex(&earlier.genesis),
            ours: to_hex(&plan.genesis),
        });
    }
    Ok(ArchiveWriter::open(folder, plan.clone(), event_shapes)?)
}

/// The archive that an earlier run of the same plan finished in this folder.
fn finished_before(folder: &Path, plan: &Plan) -> Result<Option<Exported>, Error> {
    if !folder.join(files::MANIFEST).exists() {
        return Ok(None);
    }
    let manifest = Manifest::read(folder)?;
    let is_same = manifest.genesis_hash.0 == plan.genesis
        && (manifest.first_block, manifest.last_block) == (plan.first, plan.last)
        && manifest.exported_range() == plan.range
        && manifest.state.iter().map(|state| state.height).eq(plan.state_at.iter().copied());
    let sizes = || {
        let chunks = manifest.chunks.iter().map(|chunk| chunk.file_bytes);
        let states = manifest.state.iter().map(|state| state.file_bytes);
        chunks.chain(states).chain(manifest.metadata.iter().map(|metadata| metadata.file_bytes))
    };
    Ok(is_same.then(|| Exported {
        root: manifest.archive_root.0,
        last_hash: manifest.last_hash.0,
        blocks_read: 0,
        file_bytes: sizes().fold(0, u64::saturating_add),
    }))
}

fn remaining(writer: &ArchiveWriter) -> Remaining {
    let states = writer.plan().state_at.iter().copied().filter(|&height| !writer.has_state(height));
    Remaining { chunks: writer.missing_chunks(), states: states.collect(), finished: false }
}

/// Runs work on the disk beside the requests that are in flight.
async fn blocking<T: Send + 'static>(
    folder: &Path,
    plan: &Plan,
    work: fn(&Path, &Plan) -> Result<T, Error>,
) -> Result<T, Error> {
    let (folder, plan) = (folder.to_path_buf(), plan.clone());
    spawn_blocking(move || work(&folder, &plan)).await.map_err(|_| WRITER_ENDED)?
}

/// The writer, at work in a thread of its own, so that the next chunk is read while one is compressed.
///
/// At most one piece is being written and one is being read: that bounds the memory.
struct Store {
    /// Ends with the writer when the last piece is on disk.
    at_work: JoinHandle<Result<ArchiveWriter, Error>>,
}

impl Store {
    fn new(writer: ArchiveWriter) -> Store {
        Store { at_work: spawn_blocking(move || Ok(writer)) }
    }

    async fn idle(&mut self) -> Result<ArchiveWriter, Error> {
        (&mut self.at_work).await.map_err(|_| WRITER_ENDED)?
    }

    /// Begins to write, as soon as what was put before is written.
    async fn put<T>(&mut self, write: T) -> Result<(), Error>
    where
        T: FnOnce(&mut ArchiveWriter) -> archive::Result<()> + Send + 'static,
    {
        let mut writer = self.idle().await?;
        self.at_work = spawn_blocking(move || {
            write(&mut writer)?;
            Ok(writer)
        });
        Ok(())
    }

    /// Asks the writer something, as soon as what was put before is written.
    async fn ask<T>(&mut self, question: impl FnOnce(&ArchiveWriter) -> T) -> Result<T, Error> {
        let writer = self.idle().await?;
        let answer = question(&writer);
        *self = Store::new(writer);
        Ok(answer)
    }

    async fn finish(mut self, provenance: Provenance) -> Result<Finished, Error> {
        let writer = self.idle().await?;
        let finished = spawn_blocking(move || writer.finish(&provenance)).await;
        Ok(finished.map_err(|_| WRITER_ENDED)??)
    }
}
