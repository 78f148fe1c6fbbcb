//! A month for measurements is as a month on the real chain: whole, the same for the same options, with the events of
//! every call in the order in which they were recorded.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use minting::archive::{Archive, check};
use minting::chain::Runtime;
use minting::chain::types::Event;
use minting::verify::proofs;
use simchain::scenario::month::{Month, Options};
use simchain::write::{MonthOptions, MonthWritten, write_month};

const OPTIONS: Options = Options { period: 81, months: 0.01, nodes: 300, contracts: 20, seed: 1 };
const HOW: MonthOptions<'static> =
    MonthOptions { chunk_blocks: 4_096, level: Some(1), raw_events: None, proofs: None };

fn write(options: Options, how: MonthOptions<'_>) -> (tempfile::TempDir, Archive, MonthWritten) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    let written = write_month(&Month::new(options).unwrap(), &path, how).unwrap();
    let archive = Archive::open(&path).unwrap();
    (folder, archive, written)
}

/// Calls what is given with height, time and every event that the decoder knows.
fn events(archive: &Archive, mut each: impl FnMut(u32, u64, Event)) {
    let mut runtimes = BTreeMap::new();
    for entry in &archive.manifest().chunks {
        let (chunk, _) = archive.chunk(entry).unwrap();
        for block in chunk.blocks() {
            let metadata = chunk.runtime_at(block.height).unwrap();
            let runtime = runtimes
                .entry(*metadata)
                .or_insert_with(|| Runtime::compile(&archive.metadata(metadata).unwrap().bytes).unwrap());
            runtime
                .events(block.events().unwrap(), |event| each(block.height, block.time_ms, event))
                .unwrap();
        }
    }
    assert_eq!(runtimes.len(), 2, "there is an upgrade in the middle");
}

#[test]
fn a_month_is_whole_and_the_same_for_the_same_options() {
    let (_keep, archive, written) = write(OPTIONS, HOW);
    let problems: Vec<_> = check(&archive).into_iter().map(|problem| format!("{problem:?}")).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(archive.manifest().state.len(), 2);
    let again = write(OPTIONS, HOW).2;
    assert_eq!(written.archive, again.archive);
    assert_ne!(written.archive.root, write(Options { seed: 2, ..OPTIONS }, HOW).2.archive.root);
}

#[test]
fn a_month_has_proofs_of_all_blocks_or_of_a_sample_and_the_same_root_with_them() {
    let root = write(OPTIONS, HOW).2.archive.root;
    for one_in in [1, 10] {
        let (_keep, archive, written) =
            write(OPTIONS, MonthOptions { proofs: NonZeroU32::new(one_in), ..HOW });
        assert_eq!(written.archive.root, root);
        let proven = proofs::verify(&archive, None, &|| false).unwrap();
        assert_eq!(proven.blocks(), written.blocks.div_ceil(u64::from(one_in)));
        assert_eq!(proven.states(), 2);
    }
}

#[test]
fn every_node_reports_every_forty_minutes_and_every_contract_is_metered() {
    let (_keep, archive, written) = write(OPTIONS, HOW);
    let (mut reports, mut traffic, mut power) = (0_u64, BTreeSet::new(), 0);
    let mut known = 0;
    events(&archive, |_, time_ms, event| {
        known += 1;
        match event {
            Event::NodeUptimeReported { now, .. } => {
                assert_eq!(now, time_ms / 1_000);
                reports += 1;
            }
            Event::NruConsumptionReportReceived(report) => {
                traffic.insert(report.contract_id);
            }
            Event::PowerTargetChanged { .. } | Event::PowerStateChanged { .. } => power += 1,
            _ => {}
        }
    });
    let expected = written.blocks * 6 * 300 / 2_400;
    assert!((expected * 9 / 10..=expected).contains(&reports), "{reports} of {expected} reports");
    assert_eq!(traffic.len(), 20);
    assert!(power > 10, "{power} events of power");
    // A report comes with a withdrawal, a deposit, a fee and a success, which no rule reads.
    assert!(written.events > reports * 5 + written.blocks);
    assert!(known < written.events / 3);
}

#[test]
fn months_follow_on_each_other_with_the_state_at_every_bound() {
    let options = Options { months: 1.002, nodes: 2, contracts: 0, ..OPTIONS };
    let (_keep, archive, _) = write(options, HOW);
    let manifest = archive.manifest();
    let heights: Vec<_> = manifest.state.iter().map(|state| state.height).collect();
    assert_eq!(heights.len(), 3);
    assert_eq!(manifest.first_block + 1, heights[0]);
    assert!(manifest.range.is_none());
}

#[test]
fn the_raw_events_are_those_of_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    let how = MonthOptions { raw_events: Some(&file), ..HOW };
    let (_keep, archive, written) = write(Options { nodes: 20, ..OPTIONS }, how);
    let mut expected = Vec::new();
    for entry in &archive.manifest().chunks {
        archive
            .chunk(entry)
            .unwrap()
            .0
            .blocks()
            .for_each(|block| expected.extend_from_slice(block.events().unwrap()));
    }
    let raw = std::fs::read(file).unwrap();
    assert_eq!(u64::try_from(raw.len()).unwrap(), written.event_bytes);
    assert!(raw == expected);
}
