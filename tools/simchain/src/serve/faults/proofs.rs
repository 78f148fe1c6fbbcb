//! Spoils proofs and justifications.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::chain::Chain;
use crate::finality::{self, Justification};
use crate::trie::Trie;

/// Faults of proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFault {
    Changed,
    Dropped,
    Added,
    Swapped,
    Before,
}

/// Faults of justifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JustificationFault {
    BadSignature,
    FewVotes,
    Before,
    Missing,
}

/// A proof of these keys in the state after the block at `height`, with a fault.
pub fn proof(
    fault: ProofFault,
    chain: &Chain,
    height: u32,
    keys: &[Vec<u8>],
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<u8>>> {
    let state = chain.state(height)?;
    let before = height.checked_sub(1).and_then(|before| chain.state(before));
    let prove = |state: &Trie| state.prove(keys.iter().map(Vec::as_slice));
    let mut nodes = prove(state);
    let place = rng.random_range(0..nodes.len().max(1));
    match fault {
        ProofFault::Changed => {
            let node = nodes.get_mut(place)?;
            let byte = rng.random_range(0..node.len().max(1));
            *node.get_mut(byte)? ^= rng.random_range(1..=u8::MAX);
        }
        ProofFault::Dropped => {
            nodes.remove(place);
        }
        ProofFault::Added => {
            let foreign =
                before.map(prove).unwrap_or_default().into_iter().find(|node| !nodes.contains(node));
            nodes.insert(place, foreign.unwrap_or_else(|| vec![0x5a; 40]));
        }
        ProofFault::Swapped => swap(&mut nodes, state, before, keys)?,
        ProofFault::Before => nodes = prove(before?),
    }
    Some(nodes)
}

/// Puts the value that the first of the keys had in the block before, or another one, into its node; the nodes above stay as
/// they are.
fn swap(nodes: &mut [Vec<u8>], state: &Trie, before: Option<&Trie>, keys: &[Vec<u8>]) -> Option<()> {
    let (key, value) = keys.iter().find_map(|key| Some((key, state.get(key)?)))?;
    let old = before.and_then(|before| before.get(key)).filter(|old| *old != value);
    let other = old.map_or_else(|| [value, &[0]].concat(), <[u8]>::to_vec);
    let mut swapped = state.clone();
    swapped.replace(key, other);
    let (node, other) = (state.last_node(key)?, swapped.last_node(key)?);
    *nodes.iter_mut().find(|given| **given == node)? = other;
    Some(())
}

/// The justification of the block at `height`, with a fault.
pub fn justification(
    fault: JustificationFault,
    chain: &Chain,
    height: u32,
    rng: &mut ChaCha8Rng,
) -> Option<Justification> {
    let mut justification = chain.justification(chain.block(height)?)?;
    match fault {
        JustificationFault::BadSignature => {
            let place = rng.random_range(0..justification.precommits.len().max(1));
            let byte = rng.random_range(0..64);
            let signature = &mut justification.precommits.get_mut(place)?.signature;
            *signature.get_mut(byte)? ^= rng.random_range(1..=u8::MAX);
        }
        JustificationFault::FewVotes => {
            let enough = usize::try_from(finality::votes_needed(chain, height)?).ok()?;
            justification.precommits.truncate(enough.saturating_sub(1));
            if justification.precommits.is_empty() {
                justification.votes_ancestries.clear();
            }
        }
        JustificationFault::Before => {
            justification = finality::justify(chain, chain.block(height.checked_sub(1)?)?)?;
        }
        JustificationFault::Missing => return None,
    }
    Some(justification)
}
