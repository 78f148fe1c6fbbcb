//! Archives of the chain are whole, and the decoder of `minting` reads them to the last byte.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeMap;

use minting::archive::{Archive, check};
use minting::chain::Runtime;
use minting::chain::types::Event;
use simchain::scenario::Kind;
use simchain::{Options, Scenario, write};

fn options(scenario: Kind, upgrade: bool) -> Options {
    Options { scenario, period: 81, block_time: 3_600, nodes: None, seed: 1, upgrade }
}

#[test]
fn an_archive_is_whole_and_the_same_for_the_same_options() {
    let write = || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        let finished = write::write(Scenario::new(options(Kind::Small, true)).unwrap(), &path, 128).unwrap();
        (folder, path, finished)
    };
    let (_keep, path, finished) = write();
    let archive = Archive::open(&path).unwrap();
    let problems: Vec<_> = check(&archive).into_iter().map(|problem| format!("{problem:?}")).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(archive.manifest().metadata.len(), 2);
    assert_eq!(finished, write().2);
}

#[test]
fn the_decoder_reads_what_the_encoder_wrote() {
    for (scenario, upgrade) in [(Kind::Small, true), (Kind::Hazards, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        write::write(Scenario::new(options(scenario, upgrade)).unwrap(), &path, 4_096).unwrap();
        let archive = Archive::open(&path).unwrap();
        let mut runtimes = BTreeMap::new();
        let mut reports = 0_u32;
        for entry in &archive.manifest().chunks {
            let (chunk, _) = archive.chunk(entry).unwrap();
            for (block, height) in chunk.blocks().zip(chunk.first()..) {
                let metadata = chunk.runtime_at(height).unwrap();
                let runtime = runtimes
                    .entry(*metadata)
                    .or_insert_with(|| Runtime::compile(&archive.metadata(metadata).unwrap().bytes).unwrap());
                let count = |event| {
                    if let Event::NodeUptimeReported { now, .. } = event {
                        assert_eq!(now, block.time_ms / 1_000);
                        reports += 1;
                    }
                };
                runtime.events(block.events().unwrap(), count).unwrap();
            }
        }
        assert_eq!(runtimes.len(), if upgrade { 2 } else { 1 });
        assert!(reports > 5_000, "{reports} reports");
    }
}
