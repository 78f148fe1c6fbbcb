//! Tries of random keys: what is so is proven, and whatever is changed in a proof is refused.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection, prelude::*};

use super::{
    Error, Layout,
    answer::values,
    build,
    claim::{Claim, check, shorten},
    nibbles,
    node::{Child, Node, Value},
};
use crate::archive::{Hash, header::blake2_256};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// A chain node that has a state: it knows every node of the trie, and gives those on the way to keys.
struct Prover {
    layout: Layout,
    root: Hash,
    nodes: BTreeMap<Hash, Vec<u8>>,
}

impl Prover {
    fn new(layout: Layout, state: &State) -> Prover {
        let pairs: Vec<_> = state.iter().map(|(key, value)| (nibbles(key), value.as_slice())).collect();
        let mut prover = Prover { layout, root: [0; 32], nodes: BTreeMap::new() };
        for value in state.values().filter(|value| layout == Layout::V1 && value.len() > 32) {
            prover.nodes.insert(blake2_256(&[value]), value.clone());
        }
        prover.root = prover.put(&pairs, 0);
        prover
    }

    /// Takes up every node of a part of the trie, the slow way: each child is built anew.
    fn put(&mut self, pairs: &[build::Pair<'_>], depth: usize) -> Hash {
        let node = build::node(self.layout, pairs, depth);
        if let Node::Branch { partial, .. } = &node {
            let below = depth + partial.len();
            for nibble in 0..16 {
                let group: Vec<_> =
                    pairs.iter().filter(|(path, _)| path.get(below) == Some(&nibble)).cloned().collect();
                if !group.is_empty() {
                    self.put(&group, below + 1);
                }
            }
        }
        let bytes = node.encode();
        let hash = blake2_256(&[&bytes]);
        if bytes.len() >= 32 || depth == 0 {
            self.nodes.insert(hash, bytes);
        }
        hash
    }

    fn prove(&self, keys: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut used = BTreeSet::new();
        for key in keys {
            let path = nibbles(key);
            let mut left = path.as_slice();
            let mut at = Some(Child::Hash(self.root));
            while let Some(child) = at.take() {
                let bytes = match child {
                    Child::Inline(bytes) => bytes,
                    Child::Hash(hash) => {
                        used.insert(hash);
                        self.nodes[&hash].clone()
                    }
                };
                let (ends, value) = match Node::decode(&bytes, self.layout).unwrap() {
                    Node::Empty => (false, None),
                    Node::Leaf { partial, value } => (partial == left, Some(value)),
                    Node::Branch { partial, value, children } => match left.strip_prefix(&partial[..]) {
                        Some([]) => (true, value),
                        Some([nibble, rest @ ..]) => {
                            left = rest;
                            at = children[usize::from(*nibble)].clone();
                            (false, None)
                        }
                        None => (false, None),
                    },
                };
                if let (true, Some(Value::Hashed(hash))) = (ends, value) {
                    used.insert(hash);
                }
            }
        }
        used.iter().map(|hash| self.nodes[hash].clone()).collect()
    }
}

fn layouts() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::V0), Just(Layout::V1)]
}

/// Short keys of few letters share long starts and start each other; values are around the length where they are hashed.
fn states() -> impl Strategy<Value = State> {
    let key = collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x10), Just(0xff), any::<u8>()], 1..6);
    collection::btree_map(key, collection::vec(any::<u8>(), 0..70), 0..40)
}

proptest! {
    #[test]
    fn every_key_is_proven_there_or_not_there(layout in layouts(), state in states(), keys in states()) {
        let prover = Prover::new(layout, &state);
        let keys: Vec<&[u8]> = keys.keys().chain(state.keys().take(3)).map(Vec::as_slice).collect();
        let found = values(layout, &prover.root, &prover.prove(&keys), &keys).unwrap();
        for (key, value) in keys.iter().zip(found) {
            prop_assert_eq!(value.as_ref(), state.get(*key));
        }
    }

    #[test]
    fn a_changed_dropped_added_or_doubled_node_is_refused(
        layout in layouts(), state in states(), pick in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        prop_assume!(!state.is_empty());
        let prover = Prover::new(layout, &state);
        let keys: Vec<&[u8]> = state.keys().take(4).map(Vec::as_slice).collect();
        let proof = prover.prove(&keys);
        let refused = |proof: Vec<Vec<u8>>| values(layout, &prover.root, &proof, &keys).unwrap_err();

        let mut changed = proof.clone();
        let node = pick.get(&proof).clone();
        let at = pick.index(changed.len());
        let byte = byte.index(node.len());
        changed[at][byte] ^= flip;
        let outcome = refused(changed);
        prop_assert!(matches!(outcome, Error::Changed { .. } | Error::Missing { .. }), "{outcome:?}");

        let mut dropped = proof.clone();
        dropped.remove(at);
        let outcome = refused(dropped);
        prop_assert!(matches!(outcome, Error::Changed { .. } | Error::Missing { .. }), "{outcome:?}");

        let mut added = proof.clone();
        added.push(b"a node of nowhere, which is none at all".to_vec());
        let outcome = refused(added);
        prop_assert!(matches!(outcome, Error::Extra { .. }), "{outcome:?}");

        let mut twice = proof;
        twice.push(node);
        let outcome = refused(twice);
        prop_assert!(matches!(outcome, Error::Twice { .. }), "{outcome:?}");
    }

    #[test]
    fn a_claim_holds_with_exactly_its_pairs_and_nodes(layout in layouts(), state in states(), start in any::<u8>()) {
        let prover = Prover::new(layout, &state);
        let pairs: Vec<(&[u8], &[u8])> = state.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        let prefixes = [[start & 1], [0x10 | start & 1], [start | 0x40]];
        let mut prefixes: Vec<&[u8]> = prefixes.iter().map(|p| &p[..]).collect();
        prefixes.sort();
        prefixes.dedup();
        let under = |prefix: &[u8]| -> Vec<(&[u8], &[u8])> {
            pairs.iter().filter(|(key, _)| key.starts_with(prefix)).copied().collect()
        };
        let held: Vec<_> = prefixes.iter().map(|prefix| under(prefix)).collect();
        let claims: Vec<_> = prefixes.iter().zip(&held).map(|(prefix, pairs)| Claim { prefix, pairs }).collect();
        // Nodes below the end of a prefix are not asked for, nor needed.
        let short = shorten(layout, &prover.root, &prover.prove(&prefixes), &claims).unwrap();
        let short: Vec<&[u8]> = short.iter().map(Vec::as_slice).collect();
        check(layout, &prover.root, &short, &claims).unwrap();

        // One pair less, one more, another value; one node less, one more.
        for (place, pairs) in held.iter().enumerate() {
            let with = |pairs: &[(&[u8], &[u8])]| {
                let mut other = claims.clone();
                other[place] = Claim { prefix: claims[place].prefix, pairs };
                check(layout, &prover.root, &short, &other)
            };
            if let Some((first, rest)) = pairs.split_first() {
                prop_assert!(with(rest).is_err());
                let value = [first.1, b"!"].concat();
                prop_assert!(with(&[&[(first.0, &value[..])], rest].concat()).is_err());
            }
            let key = [claims[place].prefix, b"a key that is longer than any"].concat();
            let mut more = pairs.clone();
            more.push((&key, b"value"));
            more.sort();
            prop_assert!(with(&more).is_err());
        }
        for place in 0..short.len() {
            let mut less = short.clone();
            less.remove(place);
            prop_assert!(check(layout, &prover.root, &less, &claims).is_err());
            let mut more = short.clone();
            more.insert(place, short[place]);
            prop_assert!(check(layout, &prover.root, &more, &claims).is_err());
        }
        let more = [&short[..], &[&b"a node of nowhere"[..]]].concat();
        let outcome = check(layout, &prover.root, &more, &claims);
        prop_assert!(matches!(outcome, Err(Error::Extra { .. })), "{outcome:?}");
    }

    #[test]
    fn random_bytes_are_no_node_or_come_back(bytes in collection::vec(any::<u8>(), 0..120)) {
        if let Ok(node) = Node::decode(&bytes, Layout::V1) {
            prop_assert_eq!(node.encode(), bytes);
        }
    }

    #[test]
    fn paths_of_any_length_come_back(length in 0usize..2_000, hashed in any::<bool>()) {
        let value = if hashed { Value::Hashed([7; 32]) } else { Value::Inline(vec![1, 2, 3]) };
        let node = Node::Leaf { partial: vec![5; length], value };
        prop_assert_eq!(Node::decode(&node.encode(), Layout::V1), Ok(node));
    }
}

#[test]
fn an_empty_value_is_a_value() {
    let state = State::from([(vec![1, 2], vec![]), (vec![1, 3], vec![9])]);
    let prover = Prover::new(Layout::V0, &state);
    let keys: [&[u8]; 2] = [&[1, 2], &[1, 4]];
    assert_eq!(values(Layout::V0, &prover.root, &prover.prove(&keys), &keys).unwrap(), [Some(vec![]), None]);
}

#[test]
fn a_hashed_value_is_refused_in_layout_v0() {
    let state = State::from([(vec![1, 2], vec![3; 40])]);
    let prover = Prover::new(Layout::V1, &state);
    let keys: [&[u8]; 1] = [&[1, 2]];
    let proof = prover.prove(&keys);
    assert!(matches!(values(Layout::V0, &prover.root, &proof, &keys), Err(Error::BadNode { .. })));
    assert_eq!(values(Layout::V1, &prover.root, &proof, &keys).unwrap(), [Some(vec![3; 40])]);
}
