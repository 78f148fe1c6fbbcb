//! A small archive with every kind of file, made by the writer from made-up blocks, so that all of it can be spoiled
//! byte by byte in little time.

use std::path::Path;

use minting::archive::{
    ArchiveWriter, Block, Chunk, ChunkBody, ExportedRange, Hash, Plan, Provenance, RuntimeMetadata, Span,
    StateSnapshot, chunk_ranges,
};

const GENESIS: Hash = [9; 32];
const FIRST: u32 = 6;
const LAST: u32 = 13;
const CHUNK_BLOCKS: u32 = 4;
/// The last block of the period; the two after it are its window.
const END: u32 = 11;

fn runtime(version: u8) -> RuntimeMetadata {
    RuntimeMetadata {
        spec_version: 144 + u32::from(version),
        state_version: 0,
        bytes: vec![b'm', b'e', b't', b'a', 14, version],
    }
}

fn range() -> ExportedRange {
    ExportedRange {
        block_time_ms: 6_000,
        first_block: FIRST,
        first_block_given: false,
        from: i64::from(FIRST) - 1,
        last_block: END,
        last_block_given: false,
        period: None,
        to: i64::from(END) - 1,
        window_blocks: LAST - END,
    }
}

/// Blocks 6 to 13 in three chunks, a runtime upgrade in block 8, state after blocks 6 and 11.
pub fn write(folder: &Path) {
    let plan = Plan {
        chunk_blocks: CHUNK_BLOCKS,
        first: FIRST,
        genesis: GENESIS,
        last: LAST,
        period: None,
        proofs: None,
        range: Some(range()),
        state_at: vec![FIRST, END],
    };
    let mut writer = ArchiveWriter::open(folder, plan, |_| None).unwrap();
    writer.put_metadata(&runtime(1)).unwrap();
    writer.put_metadata(&runtime(2)).unwrap();
    let mut parent = [8; 32];
    for (first, last) in chunk_ranges(FIRST, LAST, CHUNK_BLOCKS) {
        let chunk = chunk(first, last, parent);
        writer.put_chunk(&chunk).unwrap();
        let hashes = ChunkBody::parse(chunk.to_body(None).unwrap(), Path::new("")).unwrap().hashes();
        for (height, hash) in (first..).zip(&hashes) {
            if [FIRST, END].contains(&height) {
                writer.put_state(&state(height, *hash)).unwrap();
            }
        }
        parent = hashes[hashes.len() - 1];
    }
    let text = || "made up".to_string();
    let provenance = Provenance {
        chain: text(),
        endpoints: vec![],
        finished: text(),
        node: text(),
        started: text(),
        tool: text(),
    };
    writer.finish(&provenance).unwrap();
}

fn chunk(first: u32, last: u32, parent_hash: Hash) -> Chunk {
    let small = |height: u32| u8::try_from(height).unwrap();
    let blocks = (first..=last).map(|height| Block {
        state_root: [small(height); 32],
        extrinsics_root: [small(height) + 100; 32],
        digest: vec![0],
        time_ms: u64::from(height) * 1_000,
        events: vec![4, small(height)],
    });
    let mut spans = vec![Span { first, metadata: runtime(if first > 8 { 2 } else { 1 }).hash() }];
    if (first..last).contains(&8) {
        spans.push(Span { first: 9, metadata: runtime(2).hash() });
    }
    Chunk { genesis: GENESIS, first, parent_hash, blocks: blocks.collect(), spans }
}

fn state(height: u32, block_hash: Hash) -> StateSnapshot {
    let prefix = vec![3; 32];
    let pair = |last: u8| ([&prefix[..], &[last]].concat(), vec![last, 1, 2]);
    StateSnapshot {
        genesis: GENESIS,
        height,
        block_hash,
        metadata: runtime(if height > 7 { 2 } else { 1 }).hash(),
        pairs: vec![pair(1), pair(7)],
        prefixes: vec![prefix],
        block_times: vec![(2, 2_000), (FIRST, u64::from(FIRST) * 1_000)],
    }
}
