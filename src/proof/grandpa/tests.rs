//! Justifications that count, and all that must not.

use ed25519_dalek::{Signer, SigningKey};
use parity_scale_codec::{Compact, Encode};

use super::*;

const SET: u64 = 7;
const ROUND: u64 = 3;

type Block = (Hash, u32);

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn set(weights: &[u64]) -> Authorities {
    let weights =
        (1..).zip(weights).map(|(number, weight)| (key(number).verifying_key().to_bytes(), *weight));
    Authorities { set_id: SET, weights: weights.collect() }
}

/// A header without log items, and the block that it makes.
fn header(parent: Block) -> (Vec<u8>, Block) {
    let height = parent.1 + 1;
    let bytes = (parent.0, Compact(height), [5u8; 32], [6u8; 32], Compact(0u32)).encode();
    let hash = blake2_256(&[&bytes]);
    (bytes, (hash, height))
}

fn target() -> Block {
    ([9; 32], 100)
}

/// A vote of an authority in a round of a set.
fn vote(number: u8, (hash, height): Block, round: u64, set_id: u64) -> Vec<u8> {
    let signed = (PRECOMMIT, hash, height, round, set_id).encode();
    let key = key(number);
    (hash, height, key.sign(&signed).to_bytes(), key.verifying_key().to_bytes()).encode()
}

fn justification(target: Block, votes: &[Vec<u8>], headers: &[Vec<u8>]) -> Vec<u8> {
    let count = |n: usize| Compact(u32::try_from(n).unwrap()).encode();
    [
        ROUND.encode(),
        target.encode(),
        count(votes.len()),
        votes.concat(),
        count(headers.len()),
        headers.concat(),
    ]
    .concat()
}

/// Votes of some authorities for the target.
fn votes(numbers: &[u8]) -> Vec<Vec<u8>> {
    numbers.iter().map(|number| vote(*number, target(), ROUND, SET)).collect()
}

#[test]
fn more_than_two_thirds_of_the_weight_finalize() {
    let outcome = |weights: &[u64], voters: &[u8]| {
        verify(&justification(target(), &votes(voters), &[]), &set(weights)).map(|finalized| finalized.weight)
    };
    for (count, needed) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7)] {
        let weights = vec![1; count];
        let voters: Vec<u8> = (1..=u8::try_from(needed).unwrap()).collect();
        assert_eq!(outcome(&weights, &voters), Ok(needed), "{count} authorities");
        let (weight, total) = (needed - 1, u64::try_from(count).unwrap());
        assert_eq!(
            outcome(&weights, &voters[1..]),
            Err(Error::Weight { weight, total, needed }),
            "{count} authorities"
        );
    }
    assert_eq!(outcome(&[10, 1, 1, 1], &[1]), Ok(10));
    assert!(matches!(outcome(&[10, 1, 1, 1], &[2, 3, 4]), Err(Error::Weight { weight: 3, needed: 9, .. })));
    assert!(matches!(outcome(&[u64::MAX, 1], &[1, 2]), Err(Error::Malformed(_))));
    assert!(matches!(outcome(&[], &[]), Err(Error::Weight { .. })));
    assert!(matches!(outcome(&[0, 0, 0], &[1, 2, 3]), Err(Error::Weight { .. })));
    let finalized = verify(&justification(target(), &votes(&[1, 2, 3]), &[]), &set(&[1; 4])).unwrap();
    assert_eq!(finalized, Finalized { hash: target().0, height: 100, weight: 3, total: 4 });
}

#[test]
fn a_vote_counts_once_however_often_it_is_given() {
    let (header, next) = header(target());
    let mut votes = votes(&[1, 1, 2]);
    votes.push(vote(2, next, ROUND, SET));
    let outcome = verify(&justification(target(), &votes, &[header]), &set(&[1; 4]));
    assert_eq!(outcome, Err(Error::Weight { weight: 2, total: 4, needed: 3 }));
}

#[test]
fn a_vote_of_another_round_set_block_or_key_is_refused() {
    let refused = |vote: Vec<u8>| {
        let votes = [votes(&[1, 2, 3]), vec![vote]].concat();
        verify(&justification(target(), &votes, &[]), &set(&[1; 4])).unwrap_err()
    };
    assert!(matches!(refused(vote(4, target(), ROUND + 1, SET)), Error::Signature { set_id: SET, .. }));
    assert!(matches!(refused(vote(4, target(), ROUND, SET + 1)), Error::Signature { .. }));
    assert!(matches!(refused(vote(5, target(), ROUND, SET)), Error::Stranger { set_id: SET, .. }));
    let mut other = vote(4, target(), ROUND, SET);
    other[32] ^= 1;
    assert!(matches!(refused(other), Error::Signature { .. }));
    let mut exchanged = vote(4, target(), ROUND, SET);
    exchanged[100..].copy_from_slice(&key(3).verifying_key().to_bytes());
    assert!(matches!(refused(exchanged), Error::Signature { .. }));
}

#[test]
fn votes_for_blocks_behind_the_target_need_the_headers_between() {
    let (first, one) = header(target());
    let (second, two) = header(one);
    let votes = [votes(&[1]), vec![vote(2, one, ROUND, SET), vote(3, two, ROUND, SET)]].concat();
    let outcome = |headers: &[Vec<u8>]| verify(&justification(target(), &votes, headers), &set(&[1; 4]));
    assert_eq!(outcome(&[first.clone(), second.clone()]).unwrap().weight, 3);
    assert_eq!(outcome(&[second.clone(), first.clone()]).unwrap().weight, 3);
    assert!(matches!(outcome(std::slice::from_ref(&first)), Err(Error::Elsewhere { .. })));
    assert!(matches!(outcome(std::slice::from_ref(&second)), Err(Error::Elsewhere { .. })));
    let (third, _) = header(two);
    assert_eq!(outcome(&[first, second, third]), Err(Error::Extra));
}

#[test]
fn votes_for_blocks_on_another_fork_or_before_the_target_are_refused() {
    let fork = header(([8; 32], 100));
    let refused = |block: Block, headers: &[Vec<u8>]| {
        let votes = [votes(&[1, 2, 3]), vec![vote(4, block, ROUND, SET)]].concat();
        verify(&justification(target(), &votes, headers), &set(&[1; 4])).unwrap_err()
    };
    assert!(matches!(refused(fork.1, std::slice::from_ref(&fork.0)), Error::Elsewhere { .. }));
    // The same hash at another height.
    assert!(matches!(refused((target().0, 101), &[]), Error::Elsewhere { .. }));
    let (bytes, block) = header(target());
    assert!(matches!(refused((block.0, 102), &[bytes]), Error::Elsewhere { .. }));
    // The parent of the target: its header is there, and leads away.
    let (bytes, before) = header(([7; 32], 98));
    assert!(matches!(refused(before, &[bytes]), Error::Elsewhere { .. }));
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let (first, one) = header(target());
    let votes = [votes(&[1, 2]), vec![vote(3, one, ROUND, SET)]].concat();
    let good = justification(target(), &votes, &[first]);
    let authorities = set(&[1; 4]);
    assert!(verify(&good, &authorities).is_ok());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&bad, &authorities).is_err(), "bit {bit}");
    }
    for len in 0..good.len() {
        assert!(verify(&good[..len], &authorities).is_err(), "{len}");
    }
    assert!(matches!(verify(&[&good[..], &[0]].concat(), &authorities), Err(Error::Malformed(_))));
}

#[test]
fn counts_are_believed_only_as_far_as_there_are_bytes() {
    let start = (ROUND, target()).encode();
    for count in [Compact(u32::MAX).encode(), Compact(1_000_000u32).encode(), vec![0xff; 60]] {
        let votes = verify(&[start.clone(), count.clone()].concat(), &set(&[1]));
        assert!(matches!(votes, Err(Error::Malformed(_))), "{votes:?}");
        let headers = verify(&[start.clone(), vec![0], count].concat(), &set(&[1]));
        assert!(matches!(headers, Err(Error::Malformed(_))), "{headers:?}");
    }
}

/// Signatures have one form, and keys of small order, for which one signature fits many messages, count for nothing.
#[test]
fn malleable_signatures_are_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut votes = votes(&[1]);
    let mut carry = 0u16;
    for (byte, order) in votes[0][68..100].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    let outcome = verify(&justification(target(), &votes, &[]), &set(&[1]));
    assert!(matches!(outcome, Err(Error::Signature { .. })), "{outcome:?}");

    let mut identity = [0u8; 32];
    identity[0] = 1;
    let mut signature = [0u8; 64];
    signature[0] = 1;
    let vote = (target(), signature, identity).encode();
    let authorities = Authorities { set_id: SET, weights: BTreeMap::from([(identity, 1)]) };
    let outcome = verify(&justification(target(), &[vote], &[]), &authorities);
    assert!(matches!(outcome, Err(Error::Signature { .. })), "{outcome:?}");
}
