//! How long a replay of the frozen archive takes, and its parts. Compare figures of one run with each other: machines
//! are noisy.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops when testdata is not as it was"
)]

use std::{path::Path, sync::atomic::AtomicBool};

use divan::{Bencher, counter::BytesCount};
use minting::{
    archive::container::{self, Kind},
    chain::Runtime,
    minting::{Period, Rules},
    replay::{Progress, Request, Source, locate, replay},
};

struct Silent;

impl Progress for Silent {
    fn blocks(&self, _: u64) {}
}

fn main() {
    divan::main();
}

fn source() -> Source {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small/archive");
    Source::open(&[archive]).expect("testdata is whole")
}

/// The bytes of the first chunk's file.
fn chunk_file() -> Vec<u8> {
    let source = source();
    let archive = &source.archives()[0];
    std::fs::read(archive.path(&archive.manifest().chunks[0].file)).expect("testdata is whole")
}

#[divan::bench]
fn decompress_and_hash(bencher: Bencher<'_, '_>) {
    let file = chunk_file();
    let body = container::open(Kind::Chunk, &file, Path::new("chunk")).expect("testdata is whole").body.len();
    bencher
        .counter(BytesCount::new(body))
        .bench(|| container::open(Kind::Chunk, divan::black_box(&file), Path::new("chunk")).expect("whole"));
}

#[divan::bench]
fn decode_events(bencher: Bencher<'_, '_>) {
    let source = source();
    let read = source.read(&source.pieces()[0]).expect("testdata is whole");
    let runtime: &Runtime = source.runtime(&read.chunk.spans()[0].metadata).expect("testdata is whole");
    let bytes: usize = read.chunk.blocks().map(|b| b.events().expect("testdata is whole").len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut count = 0u64;
        for block in read.chunk.blocks() {
            runtime
                .events(block.events().expect("testdata is whole"), |_| count += 1)
                .expect("testdata decodes");
        }
        count
    });
}

#[divan::bench]
fn whole_replay(bencher: Bencher<'_, '_>) {
    let source = source();
    let (period, rules) = (Period::numbered(81).expect("a period"), Rules::r81());
    let interrupted = AtomicBool::new(false);
    bencher.bench(|| {
        let located = locate(&source, &period, &rules, None).expect("testdata has the period");
        let request = Request {
            source: &source,
            period: &period,
            rules: &rules,
            located,
            from: None,
            interrupted: &interrupted,
        };
        replay(&request, &Silent).expect("testdata replays")
    });
}
