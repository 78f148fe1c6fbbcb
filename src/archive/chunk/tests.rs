//! Bodies of chunks.

use super::{parse::full as parse, *};
use crate::archive::{
    Block,
    container::{self, Kind},
};

fn blocks(first: u32, n: u32) -> Vec<Block> {
    let block = |h: u32| Block {
        state_root: [1; 32],
        extrinsics_root: [2; 32],
        digest: vec![4, 6, 0],
        time_ms: if h == 0 { 0 } else { 6_000 * u64::from(h) },
        events: if h == 0 { vec![] } else { vec![0; usize::try_from(h % 5 + 1).unwrap()] },
    };
    (first..first + n).map(block).collect()
}

fn sample(first: u32, n: u32) -> Chunk {
    Chunk {
        genesis: [9; 32],
        first,
        parent_hash: [8; 32],
        blocks: blocks(first, n).into_iter().collect(),
        spans: vec![Span { first, metadata: [7; 32] }, Span { first: first + 1, metadata: [6; 32] }],
    }
}

#[test]
fn blocks_come_back_as_they_went_in() {
    for first in [0, 4_090] {
        let chunk = sample(first, 7);
        let read = parse(chunk.to_body(None).unwrap()).unwrap();
        assert_eq!((read.first(), read.last(), read.len()), (first, first + 6, 7));
        for (stored, block) in read.blocks().zip(blocks(first, 7)) {
            assert_eq!(*stored.state_root, block.state_root);
            assert_eq!(*stored.extrinsics_root, block.extrinsics_root);
            assert_eq!(stored.digest, block.digest);
            assert_eq!(stored.time_ms, block.time_ms);
            assert_eq!(stored.events().unwrap(), block.events);
        }
        assert_eq!(read.runtime_at(first), Some(&[7; 32]));
        assert_eq!(read.runtime_at(first + 3), Some(&[6; 32]));
        let first_hash = header::hash(&[8; 32], first, &[1; 32], &[2; 32], &[4, 6, 0]);
        assert_eq!(read.hashes()[0], first_hash);
        assert_eq!(read.hashes()[1], header::hash(&first_hash, first + 1, &[1; 32], &[2; 32], &[4, 6, 0]));
    }
}

#[test]
fn only_the_canonical_form_is_accepted() {
    let refused = |change: fn(&mut Chunk)| {
        let mut chunk = sample(10, 4);
        change(&mut chunk);
        parse(chunk.to_body(None).unwrap()).unwrap_err()
    };
    assert!(refused(|c| c.blocks = Blocks::default()).contains("0 blocks"));
    let silent = |c: &mut Chunk| {
        let mut blocks = blocks(10, 4);
        blocks[2].events.clear();
        c.blocks = blocks.into_iter().collect();
    };
    assert!(refused(silent).contains("block 12 has no System.Events"));
    assert!(refused(|c| c.spans.clear()).contains("no span"));
    assert!(refused(|c| c.spans[0].first = 9).contains("starts at 9"));
    assert!(refused(|c| c.spans[1].first = 10).contains("a span at 10"));
    assert!(refused(|c| c.spans[1].first = 14).contains("a span at 14"));
    assert!(refused(|c| c.spans[1].metadata = [7; 32]).contains("same runtime"));
    let mut body = sample(10, 4).to_body(None).unwrap();
    body.push(0);
    assert!(parse(body).unwrap_err().contains("1 bytes follow"));
    let mut blocks = blocks(0, 2);
    blocks[0].time_ms = 1;
    let genesis = Chunk { blocks: blocks.into_iter().collect(), ..sample(0, 2) };
    assert!(parse(genesis.to_body(None).unwrap()).unwrap_err().contains("block 0 has a time"));
}

#[test]
fn a_truncated_body_is_refused_at_every_length() {
    let body = sample(10, 4).to_body(None).unwrap();
    for len in 0..body.len() {
        assert!(parse(body[..len].to_vec()).is_err(), "{len}");
    }
}

/// Of events as they are, and of those in columns of the frozen archive.
#[test]
fn events_of_some_blocks_are_those_that_each_block_has() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small/archive/chunks");
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let body = container::open(Kind::Chunk, &std::fs::read(&path).unwrap(), &path).unwrap().body;
    let in_columns = ChunkBody::parse(body, &path).unwrap();
    assert!(in_columns.columns().is_some());
    let plain = parse(sample(10, 4).to_body(None).unwrap()).unwrap();
    for chunk in [in_columns, plain] {
        let heights = [chunk.first(), chunk.first() + 2, chunk.last()];
        let one_by_one = heights.map(|height| chunk.at(height).unwrap().events().unwrap().to_vec());
        assert_eq!(chunk.events_of(&heights).unwrap(), one_by_one);
        for wrong in [chunk.first() - 1, chunk.last() + 1] {
            assert!(chunk.events_of(&[wrong]).is_err());
        }
    }
}
