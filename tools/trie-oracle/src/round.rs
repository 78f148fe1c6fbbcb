//! One comparison: everything about one random state.

use std::collections::BTreeSet;

use minting::proof::answer::values;
use minting::proof::{Layout, build};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::state::{self, State};
use crate::substrate::{self, Database, V0, V1};
use crate::tally::Tally;
use crate::trie::{self, Trie};
use crate::{claims, tampered};

/// A layout, as each of the three calls it.
pub trait Names: substrate::Layout {
    const MINTING: Layout;
    const SIMCHAIN: trie::Layout;
    /// The layout that it is not.
    type Other: Names;
}

impl Names for V0 {
    const MINTING: Layout = Layout::V0;
    const SIMCHAIN: trie::Layout = trie::Layout::V0;
    type Other = V1;
}

impl Names for V1 {
    const MINTING: Layout = Layout::V1;
    const SIMCHAIN: trie::Layout = trie::Layout::V1;
    type Other = V0;
}

/// Fails with what was compared, unless both are the same.
macro_rules! agree {
    ($one:expr, $other:expr, $($what:tt)+) => {
        let (one, other) = (&$one, &$other);
        if one != other {
            return Err(format!("{}: {one:?} and {other:?}", format_args!($($what)+)));
        }
    };
}
pub(crate) use agree;

/// Fails with what was to hold and does not.
macro_rules! holds {
    ($that:expr, $($what:tt)+) => {
        if !$that {
            return Err(format!($($what)+));
        }
    };
}
pub(crate) use holds;

/// What of a state is compared in one layout.
pub struct Case<'s> {
    /// The state.
    pub state: &'s State,
    /// Its pairs, ascending.
    pub pairs: Vec<(&'s [u8], &'s [u8])>,
    /// The trie of Substrate.
    pub database: Database,
    /// The trie of simchain.
    pub trie: Trie,
    /// Their root.
    pub root: [u8; 32],
}

/// Compares everything about the next random state, in both layouts and in a mixture of them.
pub fn run(rng: &mut ChaCha8Rng, tally: &mut Tally) -> Result<(), String> {
    let state = state::state(rng, 40);
    in_layout::<V0>(&state, rng, tally)?;
    in_layout::<V1>(&state, rng, tally)?;
    mixed(&state, rng, tally)
}

fn in_layout<L: Names>(state: &State, rng: &mut ChaCha8Rng, tally: &mut Tally) -> Result<(), String> {
    let database = Database::new::<L>(state);
    let mut trie = Trie::default();
    for (key, value) in state {
        trie.set(L::SIMCHAIN, key, Some(value.clone()));
    }
    let pairs: Vec<(&[u8], &[u8])> = state.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    let root = substrate::root::<L>(state);
    agree!(database.root(), root, "roots of sp-trie itself");
    agree!(trie.root(), root, "root of simchain");
    agree!(build::root(L::MINTING, &pairs), root, "root of minting");
    tally.roots += 1;
    tally.seen.look_at(L::MINTING, state);
    let case = Case { state, pairs, database, trie, root };

    // Keys that are there, and others that are mostly not.
    let others = state::state(rng, 6);
    let keys: BTreeSet<&[u8]> =
        state.keys().filter(|_| rng.random_ratio(1, 5)).chain(others.keys()).map(Vec::as_slice).collect();
    let keys: Vec<&[u8]> = keys.into_iter().collect();
    let proof = case.database.prove::<L>(&keys);
    agree!(BTreeSet::from_iter(case.trie.prove(keys.iter().copied())), proof, "proof of simchain");
    let proof: Vec<Vec<u8>> = proof.into_iter().collect();
    let expected: Vec<_> = keys.iter().map(|key| state.get(*key).cloned()).collect();
    agree!(substrate::read::<L>(root, &proof, &keys), Ok(expected.clone()), "values of sp-trie itself");
    agree!(values(L::MINTING, &root, &proof, &keys), Ok(expected), "values of minting");
    tally.proofs += 1;
    tampered::compare::<L>(&case, &proof, &keys, rng, tally)?;
    claims::compare::<L>(&case, rng, tally)
}

/// A state of layout 0 that goes on in layout 1, as after an upgrade of the runtime: what is not written again stays.
fn mixed(state: &State, rng: &mut ChaCha8Rng, tally: &mut Tally) -> Result<(), String> {
    let mut database = Database::new::<V0>(state);
    let mut trie = Trie::default();
    for (key, value) in state {
        trie.set(trie::Layout::V0, key, Some(value.clone()));
    }
    for _ in 0..4 {
        let mut changes: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            state::state(rng, 5).into_iter().map(|(key, value)| (key, Some(value))).collect();
        // Only what is there is removed: in trie-db 0.32, to remove a key that is not there takes its value from a branch
        // that another key ends in, if the key ends where the path of the branch begins.
        let there = state.keys().filter(|key| trie.get(key).is_some());
        changes.extend(there.filter(|_| rng.random_ratio(1, 6)).map(|key| (key.clone(), None)));
        let again = state.iter().filter(|_| rng.random_ratio(1, 9));
        changes
            .extend(again.map(|(key, value)| (key.clone(), Some(value.iter().map(|byte| !byte).collect()))));
        database.change::<V1>(changes.iter().map(|(key, value)| (&key[..], value.as_deref())));
        for (key, value) in &changes {
            trie.set(trie::Layout::V1, key, value.clone());
        }
        agree!(trie.root(), database.root(), "root of simchain after changes in the other layout");
        tally.roots += 1;
        let keys: Vec<&[u8]> = state.keys().take(3).map(Vec::as_slice).collect();
        let proof = database.prove::<V1>(&keys);
        agree!(BTreeSet::from_iter(trie.prove(keys.iter().copied())), proof, "mixed proof of simchain");
        let proof: Vec<Vec<u8>> = proof.into_iter().collect();
        let expected: Vec<_> = keys.iter().map(|key| trie.get(key).map(<[u8]>::to_vec)).collect();
        let found = values(Layout::V1, &database.root(), &proof, &keys);
        agree!(found, Ok(expected), "values of minting in mixed layouts");
        tally.proofs += 1;
    }
    Ok(())
}
