//! Writes a chain as an archive, without a node in between.
//!
//! Apart from `provenance.json` the files are those that `minting-fetch period` exports from the same chain
//! when it is served; of proofs, those of finality are missing, which only a node has.

mod proofs;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use minting::archive::{
    self, ArchiveWriter, Chunk, ExportedRange, Finished, Plan, Provenance, RuntimeMetadata, Span,
    StateSnapshot, chunk_ranges,
};
use parity_scale_codec::{Compact, Decode, Encode};

use self::proofs::Prover;
use crate::chain::{Block, Produced};
use crate::error::Error;
use crate::hash::Hash;
use crate::runtime::Runtime;
use crate::scenario::{Scenario, month::Month};
use crate::storage::{Change, item_key};
use crate::trie::Trie;

/// Blocks that go from the thread that makes them to the one that writes them at once.
const BATCH: usize = 64;
/// Batches that are made ahead of being written.
const BATCHES_AHEAD: usize = 8;

/// Writes the blocks and states that minting needs for the scenario's period into `folder`.
///
/// The blocks are made one after the other; only the current chunk and the state are held in memory.
pub fn write(scenario: Scenario, folder: &Path, chunk_blocks: u32) -> Result<Finished, Error> {
    write_proven(scenario, folder, chunk_blocks, None)
}

/// As [`write`], with proofs of the states and of one in so many blocks, as `minting-fetch --proofs` asks for them.
pub fn write_proven(
    scenario: Scenario,
    folder: &Path,
    chunk_blocks: u32,
    proofs: Option<NonZeroU32>,
) -> Result<Finished, Error> {
    let range = exported_range(&scenario)?;
    let last = range.last_block.saturating_add(range.window_blocks);
    let once = scenario.clone();
    let last_hash = proofs::last_hash(proofs, last, || nth(once.produce(), last));
    let mut recorder = None;
    for produced in scenario.produce() {
        match &mut recorder {
            None => {
                let plan = Plan {
                    genesis: produced.block.hash,
                    first: range.first_block,
                    last,
                    chunk_blocks,
                    period: range.period,
                    proofs,
                    state_at: vec![range.first_block, range.last_block],
                    range: Some(range.clone()),
                };
                recorder = Some(Recorder::open(folder, plan, last_hash, produced)?);
            }
            Some(recorder) => recorder.record(produced)?,
        }
        if recorder.as_ref().is_some_and(Recorder::is_complete) {
            break;
        }
    }
    recorder.ok_or(Error::NoBlocks)?.finish()
}

/// The block at a height.
fn nth(mut chain: impl Iterator<Item = Produced>, height: u32) -> Option<Produced> {
    chain.nth(usize::try_from(height).ok()?)
}

/// How a month is written.
#[derive(Clone, Copy, Debug)]
pub struct MonthOptions<'a> {
    /// Blocks of a chunk.
    pub chunk_blocks: u32,
    /// Level of zstd, when it is not to be that of every archive.
    pub level: Option<i32>,
    /// Write the raw `System.Events` of all blocks into this file, one behind the other.
    pub raw_events: Option<&'a Path>,
    /// Blocks of which one has a proof; none writes no proofs at all.
    pub proofs: Option<NonZeroU32>,
}

/// What a month came to.
#[derive(Debug)]
pub struct MonthWritten {
    /// The archive.
    pub archive: Finished,
    /// Blocks in it.
    pub blocks: u64,
    /// Events in its blocks.
    pub events: u64,
    /// Raw bytes of these events.
    pub event_bytes: u64,
}

/// Writes a month into `folder`, blocks being made on one thread and written on another.
pub fn write_month(month: &Month, folder: &Path, options: MonthOptions<'_>) -> Result<MonthWritten, Error> {
    let (sender, receiver) = sync_channel::<Vec<Produced>>(BATCHES_AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut blocks = month.produce();
            loop {
                let batch: Vec<_> = blocks.by_ref().take(BATCH).collect();
                // Nobody receives any more when the archive is complete, or cannot be written.
                if batch.is_empty() || sender.send(batch).is_err() {
                    break;
                }
            }
        });
        record_month(month, folder, options, receiver.into_iter().flatten())
    })
}

fn record_month(
    month: &Month,
    folder: &Path,
    options: MonthOptions<'_>,
    mut blocks: impl Iterator<Item = Produced>,
) -> Result<MonthWritten, Error> {
    let genesis = blocks.next().ok_or(Error::NoBlocks)?;
    let range = month.range()?;
    let state_at = month.state_at().to_vec();
    // Where a period begins is seen by the block before it; a range says it.
    let before = u32::from(range.is_none());
    let first = state_at.first().ok_or(Error::NoBlocks)?.saturating_sub(before);
    let plan = Plan {
        genesis: genesis.block.hash,
        first,
        last: month.last(),
        chunk_blocks: options.chunk_blocks,
        period: range.as_ref().and_then(|range| range.period),
        proofs: options.proofs,
        state_at,
        range,
    };
    let last_hash = proofs::last_hash(options.proofs, plan.last, || nth(month.produce(), plan.last));
    let mut recorder = Recorder::open(folder, plan, last_hash, genesis)?;
    if let Some(level) = options.level {
        recorder.writer.set_level(level);
    }
    let mut raw = options.raw_events.map(File::create).transpose()?.map(BufWriter::new);
    let (mut count, mut events, mut event_bytes) = (0_u64, 0_u64, 0_u64);
    for produced in blocks {
        if let Some(bytes) =
            produced.block.events.as_deref().filter(|_| produced.block.header.number >= first)
        {
            count = count.saturating_add(1);
            event_bytes = event_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let here = Compact::<u32>::decode(&mut &*bytes).map_or(0, |Compact(count)| count);
            events = events.saturating_add(u64::from(here));
            if let Some(raw) = &mut raw {
                raw.write_all(bytes)?;
            }
        }
        recorder.record(produced)?;
        if recorder.is_complete() {
            break;
        }
    }
    if let Some(mut raw) = raw {
        raw.flush()?;
    }
    Ok(MonthWritten { archive: recorder.finish()?, blocks: count, events, event_bytes })
}

/// The period and its blocks, found as an exporter finds them.
fn exported_range(scenario: &Scenario) -> Result<ExportedRange, Error> {
    let period = scenario.period();
    let (first_block, last_block) = scenario.bounds();
    Ok(ExportedRange {
        block_time_ms: scenario.block_time_ms(),
        first_block,
        first_block_given: false,
        from: i64::try_from(period.start).map_err(|_| Error::BlockTime)?,
        last_block,
        last_block_given: false,
        period: Some(period.number),
        to: i64::try_from(period.end).map_err(|_| Error::BlockTime)?,
        window_blocks: scenario.window_blocks(),
    })
}

/// Nothing here may depend on the clock, so that the same options write the same bytes.
fn provenance() -> Provenance {
    Provenance {
        chain: "Synthetic TFChain".into(),
        endpoints: vec![],
        finished: "1970-01-01T00:00:00Z".into(),
        node: "none".into(),
        started: "1970-01-01T00:00:00Z".into(),
        tool: concat!("simchain ", env!("CARGO_PKG_VERSION")).into(),
    }
}

struct Recorder {
    writer: ArchiveWriter,
    plan: Plan,
    power_prefix: Vec<u8>,
    /// State after the last block.
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Height and time of the block in which a node went down, by the key of its power, while it is down.
    down: BTreeMap<Vec<u8>, (u32, u64)>,
    /// The last block that was recorded.
    height: u32,
    /// SHA-256 of the metadata of the runtime after the last block: the one that runs the next block.
    parent_metadata: Hash,
    chunk: Option<Chunk>,
    prover: Prover,
}

impl Recorder {
    fn open(folder: &Path, plan: Plan, last_hash: Hash, genesis: Produced) -> Result<Self, Error> {
        let mut recorder = Self {
            writer: ArchiveWriter::open(folder, plan.clone(), minting::chain::event_shapes)?,
            power_prefix: item_key("TfgridModule", "NodePower"),
            prover: Prover::new(&plan, last_hash),
            plan,
            state: BTreeMap::new(),
            down: BTreeMap::new(),
            height: 0,
            parent_metadata: [0; 32],
            chunk: None,
        };
        recorder.record(genesis)?;
        Ok(recorder)
    }

    fn is_complete(&self) -> bool {
        self.height >= self.plan.last
    }

    fn finish(self) -> Result<Finished, Error> {
        Ok(self.writer.finish(&provenance())?)
    }

    fn record(&mut self, produced: Produced) -> Result<(), Error> {
        let Produced { block, changes, state } = produced;
        for Change { key, value } in changes {
            if key.starts_with(&self.power_prefix) {
                match value.as_deref().and_then(down_since) {
                    // A change of the target alone leaves the height, and so the time, as it is.
                    Some(height) if height != block.header.number => None,
                    Some(height) => self.down.insert(key.clone(), (height, block.time_ms)),
                    None => self.down.remove(&key),
                };
            }
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        let height = block.header.number;
        self.height = height;
        let metadata = archive_metadata(&block.runtime);
        if self.plan.state_at.contains(&height) {
            self.writer.put_metadata(&metadata)?;
            let snapshot = self.snapshot(&block, &metadata)?;
            self.writer.put_state(&snapshot)?;
            if let Some(proof) = self.prover.snapshot(&snapshot, &state) {
                self.writer.put_state_proof(&proof)?;
            }
        }
        if (self.plan.first..=self.plan.last).contains(&height) {
            self.add_to_chunk(&block, &state)?;
        }
        if height.saturating_add(1) >= self.plan.first && self.parent_metadata != metadata.hash() {
            self.writer.put_metadata(&metadata)?;
            self.parent_metadata = metadata.hash();
        }
        Ok(())
    }

    fn add_to_chunk(&mut self, block: &Block, state: &Trie) -> Result<(), Error> {
        let header = &block.header;
        let mut chunk = self.chunk.take().unwrap_or_else(|| Chunk {
            genesis: self.plan.genesis,
            first: header.number,
            parent_hash: header.parent_hash,
            blocks: archive::Blocks::default(),
            spans: Vec::new(),
        });
        if chunk.spans.last().is_none_or(|span| span.metadata != self.parent_metadata) {
            chunk.spans.push(Span { first: header.number, metadata: self.parent_metadata });
        }
        chunk.blocks.push(archive::Block {
            state_root: header.state_root,
            extrinsics_root: header.extrinsics_root,
            digest: header.digest.encode(),
            time_ms: block.time_ms,
            events: block.events.clone().unwrap_or_default(),
        });
        self.prover.block(header.number, state);
        let mut ranges = chunk_ranges(chunk.first, self.plan.last, self.plan.chunk_blocks);
        if ranges.next().is_some_and(|(_, last)| last == header.number) {
            self.writer.put_chunk(&chunk)?;
            if let Some(proofs) = self.prover.chunk(chunk.genesis, chunk.first, block) {
                self.writer.put_block_proofs(&proofs)?;
            }
        } else {
            self.chunk = Some(chunk);
        }
        Ok(())
    }

    fn snapshot(&self, block: &Block, metadata: &RuntimeMetadata) -> Result<StateSnapshot, Error> {
        let prefixes = minting::chain::Runtime::compile(&metadata.bytes)?.snapshot_prefixes();
        let below = |prefix: &[u8; 32]| {
            let prefix = prefix.to_vec();
            let range = self.state.range(prefix.clone()..);
            range
                .take_while(move |(key, _)| key.starts_with(&prefix))
                .map(|(key, value)| (key.clone(), value.clone()))
        };
        Ok(StateSnapshot {
            genesis: self.plan.genesis,
            height: block.header.number,
            block_hash: block.hash,
            metadata: metadata.hash(),
            prefixes: prefixes.iter().map(|prefix| prefix.to_vec()).collect(),
            pairs: prefixes.iter().flat_map(below).collect(),
            block_times: self.down_times(),
        })
    }

    /// Height and time of every block in which a node that is down now went down.
    fn down_times(&self) -> Vec<(u32, u64)> {
        let times: BTreeMap<u32, u64> = self.down.values().copied().collect();
        times.into_iter().collect()
    }
}

/// The height in a `NodePower`, which begins with the state: 1 for down, then the height.
fn down_since(power: &[u8]) -> Option<u32> {
    match power {
        [1, a, b, c, d, ..] => Some(u32::from_le_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

fn archive_metadata(runtime: &Runtime) -> RuntimeMetadata {
    let version = runtime.version();
    RuntimeMetadata {
        spec_version: version.spec_version,
        state_version: version.state_version,
        bytes: runtime.metadata.clone(),
    }
}
