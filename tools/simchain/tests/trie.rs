//! The trie of the state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use simchain::trie::{Layout, Trie};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys of few letters, which share beginnings and begin with each other; values about as long as a hash.
fn state(rng: &mut ChaCha8Rng, keys: usize) -> State {
    let key = |rng: &mut ChaCha8Rng| {
        (0..rng.random_range(0..5)).map(|_| [0, 1, 0x10, 0xff][rng.random_range(0..4)]).collect::<Vec<u8>>()
    };
    (0..keys).map(|_| (key(rng), vec![rng.random(); rng.random_range(0..60)])).collect()
}

fn trie<'s>(layout: Layout, pairs: impl IntoIterator<Item = (&'s Vec<u8>, &'s Vec<u8>)>) -> Trie {
    let mut trie = Trie::default();
    for (key, value) in pairs {
        trie.set(layout, key, Some(value.clone()));
    }
    trie
}

#[test]
fn the_root_of_nothing_is_that_of_every_substrate_chain() {
    let root = "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314";
    assert_eq!(hex::encode(Trie::default().root()), root);
}

#[test]
fn the_way_to_a_state_does_not_show_in_its_root() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for round in 0..300 {
        let layout = if round % 2 == 0 { Layout::V0 } else { Layout::V1 };
        let (own, other) = (state(&mut rng, 12), state(&mut rng, 12));
        let straight = trie(layout, &own);
        let mut pairs: Vec<_> = own.iter().collect();
        pairs.shuffle(&mut rng);
        let mut around = trie(layout, &other);
        let before = (around.clone(), around.root());
        for (key, value) in pairs {
            around.set(layout, key, Some(value.clone()));
        }
        for key in other.keys().filter(|key| !own.contains_key(*key)) {
            around.set(layout, key, None);
            around.set(layout, key, None);
        }
        assert_eq!(around.root(), straight.root());
        assert_eq!(before.0.root(), before.1, "a clone has not changed");
        assert!(own.iter().all(|(key, value)| around.get(key) == Some(value)));
        assert!(other.keys().all(|key| around.get(key) == own.get(key).map(Vec::as_slice)));
    }
}

#[test]
fn keys_are_listed_in_order_page_by_page() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..300 {
        let own = state(&mut rng, 20);
        let trie = trie(Layout::V0, &own);
        for prefix in [vec![], vec![0], vec![1, 0x10], vec![0xff]] {
            let expected: Vec<_> = own.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
            assert_eq!(trie.keys(&prefix, None, usize::MAX), expected);
            let mut paged: Vec<Vec<u8>> = Vec::new();
            loop {
                let page = trie.keys(&prefix, paged.last().map(Vec::as_slice), 3);
                assert!(page.len() <= 3);
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, expected);
        }
    }
}

#[test]
fn a_value_keeps_the_layout_that_it_was_written_in() {
    let value = vec![7; 40];
    let mut mixed = trie(Layout::V0, [(&vec![1], &value), (&vec![2], &value)]);
    let old = mixed.root();
    mixed.set(Layout::V1, &[2], Some(value.clone()));
    let new = trie(Layout::V1, [(&vec![1], &value), (&vec![2], &value)]);
    assert!(mixed.root() != old && mixed.root() != new.root());
    mixed.set(Layout::V1, &[1], Some(value.clone()));
    assert_eq!(mixed.root(), new.root());
    // The value is a node of its own, and short ones are not.
    assert!(new.prove([&[1][..]]).contains(&value));
    assert_eq!(
        trie(Layout::V1, [(&vec![1], &vec![7; 32])]).root(),
        trie(Layout::V0, [(&vec![1], &vec![7; 32])]).root()
    );
}
