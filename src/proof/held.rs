//! What of an archive is proven: events and time of a block, and storage below the prefixes of a snapshot.

use super::{Layout, Result, claim, claim::Claim};
use crate::{
    archive::{Hash, StateSnapshot},
    chain::keys,
};

/// `System.Events` and `Timestamp.Now` in the state after a block.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// Height of the block. Genesis has neither events nor a time.
    pub height: u32,
    /// The events as the chain stores them.
    pub events: &'a [u8],
    /// The time, milliseconds.
    pub time_ms: u64,
}

impl Contents<'_> {
    /// The keys that are to be proven, ascending.
    pub fn keys() -> [[u8; 32]; 2] {
        [keys::system_events(), keys::timestamp_now()]
    }

    /// Checks the short proof of a block against its state root.
    ///
    /// # Errors
    /// As [`claim::check`].
    pub fn check(&self, layout: Layout, state_root: &Hash, nodes: &[&[u8]]) -> Result<()> {
        self.claims(|claims| claim::check(layout, state_root, nodes, claims))
    }

    /// The short proof, out of what a chain node answers that is asked to prove the keys.
    ///
    /// # Errors
    /// As [`claim::shorten`].
    pub fn shorten(&self, layout: Layout, state_root: &Hash, nodes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        self.claims(|claims| claim::shorten(layout, state_root, nodes, claims))
    }

    fn claims<T>(&self, with: impl FnOnce(&[Claim<'_>]) -> T) -> T {
        let [events, now] = Contents::keys();
        let time = self.time_ms.to_le_bytes();
        let pairs: [&[(&[u8], &[u8])]; 2] = match self.height {
            0 => [&[], &[]],
            _ => [&[(&events, self.events)], &[(&now, &time)]],
        };
        let [of_events, of_now] = pairs;
        with(&[Claim { prefix: &events, pairs: of_events }, Claim { prefix: &now, pairs: of_now }])
    }
}

/// Checks the short proof of a snapshot against the state root of its block: below each prefix it lists, the state has
/// exactly the pairs of the snapshot.
///
/// # Errors
/// As [`claim::check`].
pub fn check_snapshot(
    layout: Layout,
    state_root: &Hash,
    nodes: &[&[u8]],
    state: &StateSnapshot,
) -> Result<()> {
    claims_of(state, |claims| claim::check(layout, state_root, nodes, claims))
}

/// The short proof of a snapshot, out of what a chain node answers that is asked to prove its prefixes.
///
/// # Errors
/// As [`claim::shorten`].
pub fn shorten_snapshot(
    layout: Layout,
    state_root: &Hash,
    nodes: &[Vec<u8>],
    state: &StateSnapshot,
) -> Result<Vec<Vec<u8>>> {
    claims_of(state, |claims| claim::shorten(layout, state_root, nodes, claims))
}

fn claims_of<T>(state: &StateSnapshot, with: impl FnOnce(&[Claim<'_>]) -> T) -> T {
    let pairs: Vec<Vec<(&[u8], &[u8])>> =
        state.prefixes.iter().map(|prefix| state.below(prefix).collect()).collect();
    let claims = state.prefixes.iter().zip(&pairs);
    with(&claims.map(|(prefix, pairs)| Claim { prefix, pairs }).collect::<Vec<_>>())
}
