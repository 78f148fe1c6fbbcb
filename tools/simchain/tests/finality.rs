//! Justifications are true: the verifier of `minting`, which was written on its own, accepts them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeSet;

use minting::proof::grandpa::{Authorities, Error, verify};
use parity_scale_codec::{Decode, Encode};
use simchain::chain::{Chain, FINALITY_LAG};
use simchain::finality::{AUTHORITIES_KEY, threshold};
use simchain::scenario::Kind;
use simchain::storage::item_key;
use simchain::{Options, Proving, Scenario};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 3_600, nodes: Some(3), seed: 1, upgrade: true };

fn chain(proving: Proving) -> Chain {
    Chain::collect(Scenario::new(OPTIONS).unwrap().with_proving(proving).produce())
}

/// Who finalizes the block behind the one at `height`, by its state.
fn authorities(chain: &Chain, height: u32) -> Authorities {
    let list = chain.value(AUTHORITIES_KEY, height).unwrap();
    let (version, list) = <(u8, Vec<([u8; 32], u64)>)>::decode(&mut &list[..]).unwrap();
    assert_eq!(version, 1);
    let set_id = chain.value(&item_key("Grandpa", "CurrentSetId"), height).unwrap();
    Authorities { set_id: u64::decode(&mut &set_id[..]).unwrap(), weights: list.into_iter().collect() }
}

#[test]
fn justified_blocks_are_final_by_the_authorities_in_the_state_of_their_parents() {
    for (count, needed) in [(1, 1), (2, 2), (3, 3), (4, 3), (9, 7)] {
        assert_eq!(threshold(count), needed);
        let changes = vec![100, 101, 400];
        let proving = Proving {
            justify_every: 30,
            authorities: count,
            new_authority_at: changes.clone(),
            ..Proving::default()
        };
        let chain = chain(proving);
        let finalized = chain.finalized().unwrap().header.number;
        assert_eq!(finalized, chain.head().unwrap().header.number - FINALITY_LAG);
        let (mut justified, mut ahead, mut sets) = (BTreeSet::new(), 0, BTreeSet::new());
        for block in &chain.blocks()[1..] {
            let Some(justification) = chain.justification(block) else { continue };
            let height = block.header.number;
            let set = authorities(&chain, height - 1);
            let final_block = verify(&justification.encode(), &set).unwrap();
            assert_eq!((final_block.hash, final_block.height), (block.hash, height));
            assert_eq!(final_block.total, u64::from(count));
            assert!(final_block.weight >= u64::from(needed));
            let other = Authorities { set_id: set.set_id + 1, ..set.clone() };
            assert!(matches!(verify(&justification.encode(), &other), Err(Error::Signature { .. })));
            justified.insert(height);
            ahead += justification.votes_ancestries.len();
            sets.insert(set.set_id);
        }
        assert!(justified.is_superset(&changes.into_iter().collect()) && justified.contains(&finalized));
        let gaps = justified.iter().zip(justified.iter().skip(1)).map(|(a, b)| b - a);
        assert!(gaps.max().unwrap() <= 30 && *justified.first().unwrap() <= 30);
        assert!(ahead > 0 && ahead < justified.len());
        assert_eq!(sets.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}

#[test]
fn a_change_of_the_authorities_is_in_the_header_and_in_the_state() {
    let chain = chain(Proving { new_authority_at: vec![50], ..Proving::default() });
    let (before, after) = (authorities(&chain, 49), authorities(&chain, 50));
    assert_eq!((before.set_id, after.set_id), (0, 1));
    let kept = before.weights.keys().filter(|key| after.weights.contains_key(*key)).count();
    assert_eq!((before.weights.len(), after.weights.len(), kept), (4, 4, 3));
    // Four-byte engine; scheduled change, four authorities of 40 bytes, no delay.
    let logs: Vec<Vec<u8>> = chain.block(50).unwrap().header.digest.iter().map(Encode::encode).collect();
    let log = logs.iter().find(|log| log[0] == 4).unwrap();
    assert_eq!((&log[1..5], log.len()), (&b"FRNK"[..], 1 + 4 + 2 + 1 + 1 + 4 * 40 + 4));
    assert!(chain.block(49).unwrap().header.digest.iter().all(|item| item.encode()[0] != 4));
}
