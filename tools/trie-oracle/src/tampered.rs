//! Answers that are not the proof they should be: what Substrate refuses is refused, and more.

use minting::proof::Error;
use minting::proof::answer::values;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::round::{Case, Names, holds};
use crate::state;
use crate::substrate::{self, Database};
use crate::tally::Tally;

/// Compares what is made of a proof after every kind of change.
pub fn compare<L: Names>(
    case: &Case<'_>,
    proof: &[Vec<u8>],
    keys: &[&[u8]],
    rng: &mut ChaCha8Rng,
    tally: &mut Tally,
) -> Result<(), String> {
    let judge = Judge { case, proof, keys };
    // The one node of an empty trie is known to Substrate without being given.
    for place in (0..proof.len()).filter(|_| !case.state.is_empty()) {
        judge.node::<L>(place, rng)?;
        tally.tampered += 5;
    }
    judge.additions::<L>(rng)?;
    judge.layout::<L>()?;
    judge.values::<L>(rng)?;
    tally.tampered += 4;
    Ok(())
}

struct Judge<'c> {
    case: &'c Case<'c>,
    proof: &'c [Vec<u8>],
    keys: &'c [&'c [u8]],
}

impl Judge<'_> {
    fn ours<L: Names>(&self, proof: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        values(L::MINTING, &self.case.root, proof, self.keys)
    }

    /// What minting believes Substrate believes, too, and it is the truth.
    fn no_more_than_substrate<L: Names>(&self, proof: &[Vec<u8>], what: &str) -> Result<(), String> {
        let theirs = substrate::read::<L>(self.case.root, proof, self.keys);
        let truth: Vec<_> = self.keys.iter().map(|key| self.case.state.get(*key).cloned()).collect();
        if let Ok(found) = self.ours::<L>(proof) {
            holds!(theirs.as_ref() == Ok(&found), "{what}: minting accepts it, sp-trie says {theirs:?}");
            holds!(found == truth, "{what}: both believe what is not so: {found:?}");
        }
        Ok(())
    }

    /// Both refuse it.
    fn refused<L: Names>(&self, proof: &[Vec<u8>], what: &str) -> Result<(), String> {
        let theirs = substrate::read::<L>(self.case.root, proof, self.keys);
        holds!(theirs.is_err(), "{what}: sp-trie accepts it");
        let ours = self.ours::<L>(proof);
        let is_missed = matches!(ours, Err(Error::Missing { .. } | Error::Changed { .. }));
        holds!(is_missed, "{what}: minting says {ours:?}");
        Ok(())
    }

    /// One node is dropped, changed, another one, another node of the proof, or there twice.
    fn node<L: Names>(&self, place: usize, rng: &mut ChaCha8Rng) -> Result<(), String> {
        let mut dropped = self.proof.to_vec();
        let node = dropped.remove(place);
        self.refused::<L>(&dropped, &format!("node {place} is dropped"))?;

        let mut changed = self.proof.to_vec();
        let byte = rng.random_range(0..node.len());
        changed[place][byte] ^= rng.random_range(1..=u8::MAX);
        self.refused::<L>(&changed, &format!("byte {byte} of node {place} is changed"))?;

        let mut cut = self.proof.to_vec();
        cut[place].pop();
        self.refused::<L>(&cut, &format!("node {place} ends a byte early"))?;

        // The node behind it is there twice then, which minting says first.
        let mut other = self.proof.to_vec();
        other[place] = self.proof[(place + 1) % self.proof.len()].clone();
        if other[place] != node {
            let theirs = substrate::read::<L>(self.case.root, &other, self.keys);
            holds!(theirs.is_err(), "node {place} is the one behind it: sp-trie accepts it");
            let ours = self.ours::<L>(&other);
            holds!(matches!(ours, Err(Error::Twice { .. })), "node {place} is the one behind it: {ours:?}");
        }

        let ours = self.ours::<L>(&[self.proof, &[node]].concat());
        holds!(
            matches!(ours, Err(Error::Twice { .. })),
            "node {place} is there twice: minting says {ours:?}"
        );
        Ok(())
    }

    /// Substrate reads over nodes that it does not need; a proof that is believed here has none.
    fn additions<L: Names>(&self, rng: &mut ChaCha8Rng) -> Result<(), String> {
        let other = Database::new::<L>(&state::state(rng, 6));
        let foreign = other.prove::<L>(self.keys).into_iter().find(|node| !self.proof.contains(node));
        for node in [Some(vec![0x41, 7]), foreign].into_iter().flatten() {
            let added = [self.proof, &[node]].concat();
            let theirs = substrate::read::<L>(self.case.root, &added, self.keys);
            holds!(theirs.is_ok(), "a node more: sp-trie says {theirs:?}");
            let ours = self.ours::<L>(&added);
            holds!(matches!(ours, Err(Error::Extra { .. })), "a node more: minting says {ours:?}");
        }
        Ok(())
    }

    /// The proof is read in the layout that it is not of.
    fn layout<L: Names>(&self) -> Result<(), String> {
        let is_hashed = |key: &&&[u8]| self.case.state.get(**key).is_some_and(|value| value.len() > 32);
        let ours = self.ours::<L::Other>(self.proof);
        if L::MINTING == minting::proof::Layout::V1 && self.keys.iter().any(|key| is_hashed(&key)) {
            holds!(ours.is_err(), "layout 1 read as layout 0: minting says {ours:?}");
        }
        self.no_more_than_substrate::<L::Other>(self.proof, "the other layout")
    }

    /// The proof of a state in which two values have changed places, or one is another.
    fn values<L: Names>(&self, rng: &mut ChaCha8Rng) -> Result<(), String> {
        if self.case.state.is_empty() {
            return Ok(());
        }
        let all: Vec<&Vec<u8>> = self.case.state.keys().collect();
        let one = all[rng.random_range(0..all.len())];
        let two = all[rng.random_range(0..all.len())];
        let mut swapped = self.case.state.clone();
        swapped.insert(one.clone(), self.case.state[two].clone());
        swapped.insert(two.clone(), self.case.state[one].clone());
        let mut longer = self.case.state.clone();
        longer.insert(one.clone(), [&self.case.state[one][..], &[0]].concat());
        for other in [swapped, longer] {
            let proof: Vec<_> = Database::new::<L>(&other).prove::<L>(self.keys).into_iter().collect();
            self.no_more_than_substrate::<L>(&proof, "the proof of other values")?;
            if other != *self.case.state && !self.keys.is_empty() {
                let ours = self.ours::<L>(&proof);
                holds!(ours.is_err(), "the proof of other values: minting says {ours:?}");
            }
        }
        Ok(())
    }
}
