//! The short form of a proof: a prefix has the pairs it has, and no others.

use std::collections::BTreeSet;

use minting::proof::claim::{Claim, check, shorten};
use minting::proof::{Error, Layout};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::round::{Case, Names, agree, holds};
use crate::state;
use crate::tally::Tally;

/// Pairs under a prefix.
type Pairs<'s> = Vec<(&'s [u8], &'s [u8])>;

/// Shortens what Substrate gives to prove some prefixes, and changes what is claimed and what is given.
pub fn compare<L: Names>(case: &Case<'_>, rng: &mut ChaCha8Rng, tally: &mut Tally) -> Result<(), String> {
    for count in 1..=4 {
        let prefixes = prefixes(case, count, rng);
        let under = |prefix: &Vec<u8>| -> Pairs<'_> {
            case.pairs.iter().filter(|(key, _)| key.starts_with(prefix)).copied().collect()
        };
        let held: Vec<Pairs<'_>> = prefixes.iter().map(under).collect();
        let asked: Vec<&[u8]> = prefixes.iter().map(Vec::as_slice).collect();
        let proof: Vec<Vec<u8>> = case.database.prove::<L>(&asked).into_iter().collect();
        let short = shorten(L::MINTING, &case.root, &proof, &claims(&prefixes, &held));
        agree!(short, Ok(case.trie.nodes_above(&prefixes)), "what is left of a proof of {prefixes:?}");
        let Ok(short) = short else { return Ok(()) };
        let short: Vec<&[u8]> = short.iter().map(Vec::as_slice).collect();
        let verify = |nodes: &[&[u8]], held: &[Pairs<'_>]| {
            check(L::MINTING, &case.root, nodes, &claims(&prefixes, held))
        };
        agree!(verify(&short, &held), Ok(()), "pairs under {prefixes:?}");
        for place in 0..prefixes.len() {
            for (what, pairs) in wrong(&prefixes[place], &held[place], rng) {
                let mut wrong = held.clone();
                wrong[place] = pairs.iter().map(|(key, value)| (&key[..], &value[..])).collect();
                holds!(verify(&short, &wrong).is_err(), "{what} under {:?} is accepted", prefixes[place]);
                let full = shorten(L::MINTING, &case.root, &proof, &claims(&prefixes, &wrong));
                holds!(full.is_err(), "{what} under {:?} is accepted from a node", prefixes[place]);
                tally.claims += 1;
            }
        }
        for place in 0..short.len() {
            nodes(&short, place, rng, |nodes| verify(nodes, &held))?;
            tally.tampered += 4;
        }
        let added = [&short[..], &[&b"a node of nowhere"[..]]].concat();
        let outcome = verify(&added, &held);
        holds!(matches!(outcome, Err(Error::Extra { .. })), "a node more in a short proof: {outcome:?}");
        // In the other layout the same pairs have other nodes, if any is long.
        if held.iter().flatten().any(|(_, value)| value.len() > 32) {
            let other = if L::MINTING == Layout::V0 { Layout::V1 } else { Layout::V0 };
            let outcome = check(other, &case.root, &short, &claims(&prefixes, &held));
            holds!(outcome.is_err(), "pairs under {prefixes:?} are accepted in the other layout");
        }
        tally.claims += 1;
    }
    Ok(())
}

fn claims<'a>(prefixes: &'a [Vec<u8>], held: &'a [Pairs<'a>]) -> Vec<Claim<'a>> {
    prefixes.iter().zip(held).map(|(prefix, pairs)| Claim { prefix, pairs }).collect()
}

/// Prefixes that ascend, of which none begins with another; most of them begin keys.
fn prefixes(case: &Case<'_>, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
    let mut prefixes = BTreeSet::<Vec<u8>>::new();
    for _ in 0..count {
        let mut prefix = state::key(rng);
        if let Some((key, _)) = case.pairs.get(rng.random_range(0..case.pairs.len().max(1)))
            && rng.random_ratio(2, 3)
        {
            prefix = key[..rng.random_range(0..=key.len())].to_vec();
        }
        if !prefixes.iter().any(|other| other.starts_with(&prefix) || prefix.starts_with(other)) {
            prefixes.insert(prefix);
        }
    }
    prefixes.into_iter().collect()
}

/// What a prefix does not have: a pair less, a pair more, another value, an empty one.
fn wrong(
    prefix: &[u8],
    held: &Pairs<'_>,
    rng: &mut ChaCha8Rng,
) -> Vec<(&'static str, Vec<(Vec<u8>, Vec<u8>)>)> {
    let owned: Vec<(Vec<u8>, Vec<u8>)> = held.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    let mut more = owned.clone();
    more.push(([prefix, &[0x77; 60]].concat(), rng.random_bool(0.5).then_some(9).into_iter().collect()));
    more.sort();
    let mut found = vec![("a pair more", more)];
    if !owned.is_empty() {
        let place = rng.random_range(0..owned.len());
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut pairs = owned.clone();
            change(&mut pairs[place].1);
            pairs
        };
        let mut less = owned.clone();
        less.remove(place);
        found.push(("a pair less", less));
        found.push(("a longer value", with(&|value| value.push(0))));
        if !owned[place].1.is_empty() {
            found.push(("an empty value", with(&|value| value.clear())));
            found.push(("a changed value", with(&|value| value[0] ^= 1)));
        }
    }
    found
}

/// A short proof has one valid form: no node less, changed, twice or in another place.
fn nodes(
    short: &[&[u8]],
    place: usize,
    rng: &mut ChaCha8Rng,
    verify: impl Fn(&[&[u8]]) -> Result<(), Error>,
) -> Result<(), String> {
    let mut less = short.to_vec();
    less.remove(place);
    holds!(verify(&less).is_err(), "a short proof without node {place} is accepted");
    let mut twice = short.to_vec();
    twice.insert(place, short[place]);
    holds!(verify(&twice).is_err(), "a short proof with node {place} twice is accepted");
    let mut bytes = short[place].to_vec();
    let byte = rng.random_range(0..bytes.len());
    bytes[byte] ^= rng.random_range(1..=u8::MAX);
    let mut changed = short.to_vec();
    changed[place] = &bytes;
    holds!(verify(&changed).is_err(), "a short proof with byte {byte} of node {place} changed is accepted");
    let mut moved = short.to_vec();
    moved.swap(place, (place + 1) % short.len());
    if moved != short {
        holds!(verify(&moved).is_err(), "a short proof with nodes {place} and the next swapped is accepted");
    }
    Ok(())
}
