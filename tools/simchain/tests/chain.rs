//! The chain holds together, and is the same for the same options.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use parity_scale_codec::{Compact, Decode, Encode};
use simchain::chain::Chain;
use simchain::hash::blake2_256;
use simchain::scenario::Kind;
use simchain::storage::{entry_key, item_key};
use simchain::{Options, Scenario};

fn options() -> Options {
    let scenario = Kind::Small;
    Options { scenario, period: 81, block_time: 3_600, nodes: None, seed: 1, upgrade: false }
}

fn chain(options: Options) -> Chain {
    Chain::collect(Scenario::new(options).unwrap().produce())
}

#[test]
fn headers_link_and_hash() {
    let chain = chain(options());
    let mut parent = [0; 32];
    for (block, number) in chain.blocks().iter().zip(0u32..) {
        let header = &block.header;
        assert_eq!((header.number, header.parent_hash), (number, parent));
        // The header once more, put together by hand.
        let mut bytes = header.parent_hash.to_vec();
        Compact(number).encode_to(&mut bytes);
        bytes.extend(header.state_root);
        bytes.extend(header.extrinsics_root);
        header.digest.encode_to(&mut bytes);
        assert_eq!(blake2_256(&bytes), block.hash);
        assert_eq!(chain.height(&block.hash), Some(number));
        parent = block.hash;
    }
    assert!(chain.blocks().windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms));
}

#[test]
fn the_same_options_make_the_same_blocks_and_another_seed_makes_others() {
    let last = |options| chain(options).head().unwrap().hash;
    assert_eq!(last(options()), last(options()));
    assert_ne!(last(options()), last(Options { seed: 2, ..options() }));
}

#[test]
fn the_period_lies_between_its_two_blocks_with_a_window_behind() {
    let scenario = Scenario::new(options()).unwrap();
    let (first, last) = scenario.bounds();
    let (period, window) = (scenario.period(), scenario.window_blocks());
    let chain = Chain::collect(scenario.produce());
    let seconds = |height| chain.block(height).unwrap().time_ms / 1_000;
    assert!(seconds(first - 1) <= period.start && seconds(first) > period.start);
    assert!(seconds(last - 1) <= period.end && seconds(last) > period.end);
    assert_eq!(window, 27);
    assert!(chain.block(last + window + simchain::serve::FINALITY_LAG).is_some());
}

#[test]
fn an_upgrade_block_has_the_events_of_its_parent_and_the_state_of_its_own_runtime() {
    let chain = chain(Options { upgrade: true, ..options() });
    let blocks = chain.blocks();
    let at = blocks.iter().position(|block| block.runtime.spec_version == 155).unwrap();
    assert!(blocks[at - 1].runtime.spec_version == 145 && at > 2);
    // System.CodeUpdated is (0, 2) under every numbering; a fee is (20, 8), and (21, 8) behind the upgrade.
    let has = |height: usize, pair: [u8; 2]| {
        blocks[height].events.as_ref().unwrap().windows(2).any(|bytes| bytes == pair)
    };
    assert!(has(at, [0, 2]));
    // NodeUptimeReported is (25, 6) and (26, 7).
    let reports = |height: usize, pallet: u8, event: u8| {
        let phase_and_index = |extrinsic: u32| {
            let mut bytes = vec![0];
            bytes.extend(extrinsic.to_le_bytes());
            bytes.extend([pallet, event]);
            bytes
        };
        let events = blocks[height].events.as_ref().unwrap();
        (1..60).any(|at| events.windows(7).any(|bytes| bytes == phase_and_index(at)))
    };
    let reporting = |mut heights: std::ops::Range<usize>, pallet, event| {
        heights.any(|height| reports(height, pallet, event))
    };
    assert!(reporting(at - 24..at + 1, 25, 6) && !reporting(at - 24..at + 1, 26, 7));
    assert!(reporting(at + 1..at + 25, 26, 7) && !reporting(at + 1..at + 25, 25, 6));
    assert!(blocks[at].header.digest.encode().len() > blocks[at - 1].header.digest.encode().len());
}

#[test]
fn state_follows_what_happens() {
    let scenario = Scenario::new(options()).unwrap();
    let id_of = |name: &str| scenario.cast().iter().find(|(_, profile)| profile.name == name).unwrap().0;
    let (asleep, new, twinless) =
        (id_of("asleep at the start"), id_of("new in the middle"), id_of("twin goes away"));
    let (first, last) = scenario.bounds();
    let chain = Chain::collect(scenario.produce());
    let value = |item, key: u32, height| chain.value(&entry_key("TfgridModule", item, &key), height);
    // A state that is 1, down, with a height before the period; a target that is 1, down.
    let power = value("NodePower", asleep, first).unwrap();
    let (state, height, target) = <(u8, u32, u8)>::decode(&mut power.as_slice()).unwrap();
    assert!(state == 1 && height < first && target == 1);
    assert!(value("Nodes", new, first).is_none() && value("Nodes", new, last).is_some());
    assert!(
        value("Twins", 100 + twinless, first).is_some() && value("Twins", 100 + twinless, last).is_none()
    );
    let now = chain.value(&item_key("Timestamp", "Now"), first).unwrap();
    assert_eq!(now, chain.block(first).unwrap().time_ms.to_le_bytes());
}
