//! State roots and proofs of the chain are true: the verifier of `minting`, which was written on its own, accepts them, and
//! nothing that differs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeMap;

use minting::proof::Error::{Changed, Differs, Extra, Missing, Twice};
use minting::proof::answer::values;
use minting::proof::build;
use minting::proof::claim::{Claim, check, shorten};
use parity_scale_codec::Encode;
use proptest::{collection, prelude::*, sample::Index};
use simchain::chain::Chain;
use simchain::proving::StateVersion;
use simchain::scenario::Kind;
use simchain::storage::item_key;
use simchain::trie::{Layout, Trie};
use simchain::{Options, Proving, Scenario};

type State = BTreeMap<Vec<u8>, Vec<u8>>;
type TheirLayout = minting::proof::Layout;

/// The layout, as both sides call it.
fn layouts() -> impl Strategy<Value = (Layout, TheirLayout)> {
    prop_oneof![Just((Layout::V0, TheirLayout::V0)), Just((Layout::V1, TheirLayout::V1))]
}

/// Keys that share beginnings and begin with each other; values about as long as a hash, and empty ones.
fn states() -> impl Strategy<Value = State> {
    let key = collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x10), Just(0xff), any::<u8>()], 0..6);
    collection::btree_map(key, collection::vec(any::<u8>(), 0..70), 0..40)
}

fn trie(layout: Layout, state: &State) -> Trie {
    let mut trie = Trie::default();
    for (key, value) in state {
        trie.set(layout, key, Some(value.clone()));
    }
    trie
}

fn pairs(state: &State) -> Vec<(&[u8], &[u8])> {
    state.iter().map(|(key, value)| (&key[..], &value[..])).collect()
}

/// The pairs under a prefix.
fn under<'s>(pairs: &[(&'s [u8], &'s [u8])], prefix: &[u8]) -> Vec<(&'s [u8], &'s [u8])> {
    pairs.iter().filter(|(key, _)| key.starts_with(prefix)).copied().collect()
}

proptest! {
    #[test]
    fn a_state_has_the_root_that_the_verifier_computes((ours, theirs) in layouts(), state in states()) {
        prop_assert_eq!(trie(ours, &state).root(), build::root(theirs, &pairs(&state)));
    }

    #[test]
    fn every_key_is_proven_there_or_not_there((ours, theirs) in layouts(), state in states(), others in states()) {
        let trie = trie(ours, &state);
        let keys: Vec<&[u8]> = others.keys().chain(state.keys().take(3)).map(Vec::as_slice).collect();
        let found = values(theirs, &trie.root(), &trie.prove(keys.iter().copied()), &keys);
        let expected = keys.iter().map(|key| state.get(*key).cloned()).collect();
        prop_assert_eq!(found, Ok(expected));
    }

    #[test]
    fn every_change_of_a_proof_is_refused(
        (ours, theirs) in layouts(), state in states(), other in states(), place in any::<Index>(), byte in any::<Index>(),
        flip in 1u8..,
    ) {
        prop_assume!(!state.is_empty());
        let trie_of_state = trie(ours, &state);
        let keys: Vec<&[u8]> = state.keys().take(4).map(Vec::as_slice).collect();
        let proof = trie_of_state.prove(keys.iter().copied());
        let refused = |proof: &[Vec<u8>]| values(theirs, &trie_of_state.root(), proof, &keys).unwrap_err();
        let at = place.index(proof.len());

        let mut changed = proof.clone();
        let byte = byte.index(changed[at].len());
        changed[at][byte] ^= flip;
        let outcome = refused(&changed);
        prop_assert!(matches!(outcome, Missing { .. } | Changed { .. }), "{outcome:?}");

        let mut dropped = proof.clone();
        let node = dropped.remove(at);
        let outcome = refused(&dropped);
        // Keys of a few nibbles do not tell a node below the missing one from one in its place.
        prop_assert!(matches!(outcome, Missing { .. } | Changed { .. }), "{outcome:?}");

        let outcome = refused(&[&proof[..], &[node]].concat());
        prop_assert!(matches!(outcome, Twice { .. }), "{outcome:?}");

        let foreign = trie(ours, &other).prove(other.keys().map(Vec::as_slice));
        if let Some(foreign) = foreign.iter().find(|node| !proof.contains(node)) {
            let added = [&proof[..], std::slice::from_ref(foreign)].concat();
            let outcome = refused(&added);
            prop_assert!(matches!(outcome, Extra { .. }), "{outcome:?}");
            if !foreign.is_empty() && trie(ours, &other).root() != trie_of_state.root() {
                prop_assert!(values(theirs, &trie(ours, &other).root(), &proof, &keys).is_err());
            }
        }
    }

    #[test]
    fn the_proof_of_a_prefix_is_enough_to_show_that_no_key_is_missing(
        (ours, theirs) in layouts(), state in states(), prefix in collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x10)], 1..3),
    ) {
        let trie = trie(ours, &state);
        let root = trie.root();
        let proof = trie.prove([&prefix[..]]);
        let all = pairs(&state);
        let held = under(&all, &prefix);
        let holds = |pairs: &[(&[u8], &[u8])]| {
            let claims = [Claim { prefix: &prefix, pairs }];
            let short = shorten(theirs, &root, &proof, &claims)?;
            let short: Vec<&[u8]> = short.iter().map(Vec::as_slice).collect();
            check(theirs, &root, &short, &claims)
        };
        prop_assert_eq!(holds(&held), Ok(()));
        if let Some((_, rest)) = held.split_first() {
            let outcome = holds(rest);
            prop_assert!(matches!(outcome, Err(Differs { .. })), "{outcome:?}");
        }
        let longer = [&prefix[..], &[7; 9]].concat();
        let more = [&held[..], &[(&longer[..], &b"value"[..])]].concat();
        let outcome = holds(&more);
        prop_assert!(matches!(outcome, Err(Differs { .. })), "{outcome:?}");
    }
}

fn chain(state_version: StateVersion) -> (Chain, u32, u32) {
    let options = Options {
        scenario: Kind::Small,
        period: 81,
        block_time: 3_600,
        nodes: Some(8),
        seed: 1,
        upgrade: true,
    };
    let scenario =
        Scenario::new(options).unwrap().with_proving(Proving { state_version, ..Proving::default() });
    let (first, last) = scenario.bounds();
    (Chain::collect(scenario.produce()), first, last)
}

/// The layout in which a block wrote: that of the runtime which executed it.
fn layout_of(chain: &Chain, height: u32) -> TheirLayout {
    let parent = chain.block(height.saturating_sub(1)).unwrap();
    TheirLayout::of_state_version(parent.runtime.version().state_version).unwrap()
}

#[test]
fn every_state_root_proves_the_events_and_the_time_of_its_block() {
    let (events, now) = (item_key("System", "Events"), item_key("Timestamp", "Now"));
    let keys: [&[u8]; 2] = [&events, &now];
    for version in [StateVersion::V0, StateVersion::V1, StateVersion::Upgraded, StateVersion::Migrated] {
        let (chain, _, last) = chain(version);
        let mut layouts = Vec::new();
        for height in 0..=last {
            let block = chain.block(height).unwrap();
            let proof = chain.state(height).unwrap().prove(keys);
            let layout = layout_of(&chain, height);
            let found = values(layout, &block.header.state_root, &proof, &keys).unwrap();
            let time = (height > 0).then(|| block.time_ms.encode());
            assert_eq!(found, [block.events.clone(), time], "block {height}, {version:?}");
            layouts.push(layout);
        }
        layouts.dedup();
        let expected: &[TheirLayout] = match version {
            StateVersion::V0 => &[TheirLayout::V0],
            StateVersion::V1 => &[TheirLayout::V1],
            StateVersion::Upgraded | StateVersion::Migrated => &[TheirLayout::V0, TheirLayout::V1],
        };
        assert_eq!(layouts, expected);
    }
}

#[test]
fn maps_are_proven_complete_at_both_ends_of_the_period() {
    let items = ["Farms", "Nodes", "Twins", "NodePower", "FarmingPoliciesMap", "FarmPayoutV2AddressByFarmID"];
    let mut prefixes: Vec<_> = items.iter().map(|item| item_key("TfgridModule", item)).collect();
    prefixes.push(item_key("SmartContractModule", "Contracts"));
    prefixes.sort();
    for version in [StateVersion::V0, StateVersion::V1, StateVersion::Migrated] {
        let (chain, first, last) = chain(version);
        for height in [first, last] {
            let (state, layout) = (chain.state(height).unwrap(), layout_of(&chain, height));
            let root = chain.block(height).unwrap().header.state_root;
            let held: State = prefixes
                .iter()
                .flat_map(|prefix| state.keys(prefix, None, usize::MAX))
                .map(|key| (key.clone(), chain.value(&key, height).unwrap()))
                .collect();
            assert!(held.len() > 20, "{} pairs", held.len());
            let all = pairs(&held);
            let maps: Vec<_> = prefixes.iter().map(|prefix| under(&all, prefix)).collect();
            let claims: Vec<_> =
                prefixes.iter().zip(&maps).map(|(prefix, pairs)| Claim { prefix, pairs }).collect();
            // The prefixes alone are asked for; an answer that also proves the keys says more than that.
            let with_keys = prefixes.iter().map(Vec::as_slice).chain(held.keys().map(Vec::as_slice));
            let more = shorten(layout, &root, &state.prove(with_keys), &claims);
            assert!(matches!(more, Err(Extra { .. })), "{more:?}");
            let short = state.prove(prefixes.iter().map(Vec::as_slice));
            let short = shorten(layout, &root, &short, &claims).unwrap();
            let short: Vec<&[u8]> = short.iter().map(Vec::as_slice).collect();
            check(layout, &root, &short, &claims).unwrap();
            for place in (0..claims.len()).filter(|place| !maps[*place].is_empty()) {
                let mut fewer = claims.clone();
                fewer[place].pairs = &maps[place][1..];
                assert!(matches!(check(layout, &root, &short, &fewer), Err(Differs { .. })));
            }
        }
    }
}
