//! Writes a chain as an archive, without a node in between.
//!
//! Apart from `provenance.json` the files are those that `minting-fetch period` exports from the same chain
//! when it is served.

use std::collections::BTreeMap;
use std::path::Path;

use minting::archive::{
    self, ArchiveWriter, Chunk, ExportedRange, Finished, Plan, Provenance, RuntimeMetadata, Span,
    StateSnapshot, chunk_ranges,
};
use parity_scale_codec::Encode;

use crate::chain::{Block, Produced};
use crate::error::Error;
use crate::hash::Hash;
use crate::runtime::Runtime;
use crate::scenario::Scenario;
use crate::storage::{Change, item_key};

/// Writes the blocks and states that minting needs for the scenario's period into `folder`.
///
/// The blocks are made one after the other; only the current chunk and the state are held in memory.
pub fn write(scenario: Scenario, folder: &Path, chunk_blocks: u32) -> Result<Finished, Error> {
    let range = exported_range(&scenario)?;
    let last = range.last_block.saturating_add(range.window_blocks);
    let mut blocks = scenario.produce();
    let genesis = blocks.next().ok_or(Error::NoBlocks)?;
    let plan = Plan {
        genesis: genesis.block.hash,
        first: range.first_block,
        last,
        chunk_blocks,
        period: range.period,
        state_at: vec![range.first_block, range.last_block],
        range: Some(range),
    };
    let mut recorder = Recorder {
        writer: ArchiveWriter::open(folder, plan.clone(), minting::chain::event_shapes)?,
        power_prefix: item_key("TfgridModule", "NodePower"),
        plan,
        state: BTreeMap::new(),
        times_ms: Vec::new(),
        parent_metadata: [0; 32],
        chunk: None,
    };
    recorder.record(genesis)?;
    for produced in blocks {
        let height = produced.block.header.number;
        recorder.record(produced)?;
        if height == last {
            break;
        }
    }
    Ok(recorder.writer.finish(&provenance())?)
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
    /// Time of every block so far.
    times_ms: Vec<u64>,
    /// SHA-256 of the metadata of the runtime after the last block: the one that runs the next block.
    parent_metadata: Hash,
    chunk: Option<Chunk>,
}

impl Recorder {
    fn record(&mut self, produced: Produced) -> Result<(), Error> {
        let Produced { block, changes } = produced;
        for Change { key, value } in changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        self.times_ms.push(block.time_ms);
        let height = block.header.number;
        let metadata = archive_metadata(&block.runtime);
        if self.plan.state_at.contains(&height) {
            self.writer.put_metadata(&metadata)?;
            let snapshot = self.snapshot(&block, &metadata)?;
            self.writer.put_state(&snapshot)?;
        }
        if (self.plan.first..=self.plan.last).contains(&height) {
            self.add_to_chunk(&block)?;
        }
        if height.saturating_add(1) >= self.plan.first && self.parent_metadata != metadata.hash() {
            self.writer.put_metadata(&metadata)?;
            self.parent_metadata = metadata.hash();
        }
        Ok(())
    }

    fn add_to_chunk(&mut self, block: &Block) -> Result<(), Error> {
        let header = &block.header;
        let mut chunk = self.chunk.take().unwrap_or_else(|| Chunk {
            genesis: self.plan.genesis,
            first: header.number,
            parent_hash: header.parent_hash,
            blocks: Vec::new(),
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
        let mut ranges = chunk_ranges(chunk.first, self.plan.last, self.plan.chunk_blocks);
        if ranges.next().is_some_and(|(_, last)| last == header.number) {
            self.writer.put_chunk(&chunk)?;
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
        let entries = self.state.range(self.power_prefix.clone()..);
        let heights =
            entries.take_while(|(key, _)| key.starts_with(&self.power_prefix)).filter_map(|(_, value)| {
                match value.as_slice() {
                    // `NodePower` begins with its state: 1 for down, then the height.
                    [1, a, b, c, d, ..] => Some(u32::from_le_bytes([*a, *b, *c, *d])),
                    _ => None,
                }
            });
        let times: BTreeMap<u32, u64> = heights
            .filter_map(|height| Some((height, *self.times_ms.get(usize::try_from(height).ok()?)?)))
            .collect();
        times.into_iter().collect()
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
