//! Reads a sample of the blocks again, each from another endpoint than the one that gave it.
//!
//! Nothing in a header vouches for the events of its block, so a second opinion is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::blocks::{Contents, read_contents};
use super::chunks::Givers;
use super::error::Error;
use super::node::Chain;
use super::progress::Stage;
use super::runtimes::Runtimes;
use crate::archive::container::{self, Kind, MAX_FILE_LEN, sha256};
use crate::archive::{ChunkBody, Hash, files};

/// A chunk on disk.
pub(super) struct Kept {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) last_hash: Hash,
    pub(super) path: PathBuf,
}

/// Makes sure that there are two endpoints to compare, before days are spent on reading.
///
/// # Errors
/// [`Error::NoSecond`].
pub(super) fn needs_two(chain: &Chain) -> Result<(), Error> {
    let is_enough = chain.pool.up().count() > 1;
    if is_enough { Ok(()) } else { Err(Error::NoSecond(chain.pool.names().join(", "))) }
}

/// Compares a sample of the blocks on disk with what other endpoints say of them. When one of these is dropped, the
/// others take over what it was to be asked.
///
/// # Errors
/// [`Error::Differs`] at the first difference; there is no second endpoint.
pub(super) async fn cross_check(
    chain: &Chain,
    runtimes: &Runtimes,
    chunks: &[Kept],
    givers: &Givers,
    sample: NonZeroU32,
) -> Result<(), Error> {
    let (Some(start), Some(end)) = (chunks.first(), chunks.last()) else { return Ok(()) };
    let heights = choose(&end.last_hash, start.first.max(1), end.last, sample.get());
    chain.pool.progress().stage(Stage::CrossCheck, u64::try_from(heights.len())?);
    for Kept { first, last, path, .. } in chunks {
        let of_chunk: Vec<u32> = heights.range(first..=last).copied().collect();
        if of_chunk.is_empty() {
            continue;
        }
        let opened = container::open(Kind::Chunk, &files::read(path, MAX_FILE_LEN)?, path)?;
        let chunk = ChunkBody::parse(opened.body, path)?;
        let mut is_done = false;
        while !is_done {
            is_done = true;
            for (other, of_other) in by_other(chain, givers, &of_chunk)? {
                is_done &= compare(chain, runtimes, &chunk, path, givers, other, &of_other).await?;
            }
        }
        chain.pool.progress().advance(u64::try_from(of_chunk.len())?);
    }
    Ok(())
}

/// Which endpoint is asked about which blocks: never the one that gave the block. Of a block from an earlier run
/// nobody knows who gave it, so two endpoints are asked.
fn by_other(chain: &Chain, givers: &Givers, heights: &[u32]) -> Result<BTreeMap<usize, Vec<u32>>, Error> {
    let mut others: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for &height in heights {
        let giver = giver_of(givers, height);
        let candidates: Vec<usize> = chain.pool.up().filter(|index| Some(*index) != giver).collect();
        let wanted = if giver.is_some() { 1 } else { 2 };
        if candidates.len() < wanted {
            return Err(Error::NoSecond(chain.pool.names().join(", ")));
        }
        // Several others take turns.
        let start = usize::try_from(height)? % candidates.len();
        for index in candidates.iter().cycle().skip(start).take(wanted) {
            others.entry(*index).or_default().push(height);
        }
    }
    Ok(others)
}

fn giver_of(givers: &Givers, height: u32) -> Option<usize> {
    let (first, giver) = givers.range(..=height).next_back()?;
    (height - first < super::blocks::PIECE_BLOCKS).then_some(*giver)
}

/// Compares what is kept with what another endpoint says; false if that one was dropped meanwhile.
async fn compare(
    chain: &Chain,
    runtimes: &Runtimes,
    chunk: &ChunkBody,
    path: &Path,
    givers: &Givers,
    other: usize,
    heights: &[u32],
) -> Result<bool, Error> {
    let read = |peer: std::sync::Arc<super::pool::Peer>| async move {
        read_contents(&peer, chain, runtimes, heights).await
    };
    let Some(answers) = chain.pool.run_on(other, read).await? else { return Ok(false) };
    let hashes = chunk.hashes();
    let events = chunk.events_of(heights)?;
    for ((&height, events), (hash, contents)) in heights.iter().zip(&events).zip(&answers) {
        let at = usize::try_from(height.saturating_sub(chunk.first()))?;
        let kept = chunk.at(height).zip(hashes.get(at));
        let (block, kept_hash) = kept.ok_or(Error::Internal("a block is not in its chunk"))?;
        if let Some(what) = difference((kept_hash, events, block.time_ms), (hash, contents)) {
            let first = match giver_of(givers, height) {
                Some(giver) => chain.pool.name(giver).to_string(),
                None => "the archive (an earlier run)".to_owned(),
            };
            let file = path.display().to_string();
            return Err(Error::Differs { block: height, first, second: chain.pool.name(other), what, file });
        }
    }
    Ok(true)
}

/// What differs between what is kept and what somebody else says, in words.
fn difference(kept: (&Hash, &[u8], u64), other: (&Hash, &Contents)) -> Option<String> {
    let ((hash, events, time_ms), (other_hash, (other_events, other_time_ms))) = (kept, other);
    if hash != other_hash {
        return Some(format!("block hash 0x{} and 0x{}", hex::encode(hash), hex::encode(other_hash)));
    }
    if events != other_events.as_slice() {
        let same = events.iter().zip(other_events).take_while(|(one, other)| one == other).count();
        let (one, two) = (events.len(), other_events.len());
        return Some(format!("its System.Events, of {one} and {two} bytes, differ from byte {same} on"));
    }
    (time_ms != *other_time_ms).then(|| format!("its Timestamp.Now is {time_ms} and {other_time_ms} ms"))
}

/// `count` different heights of a range, or all of them; the same for the same seed, on every machine.
fn choose(seed: &Hash, first: u32, last: u32, count: u32) -> BTreeSet<u32> {
    let blocks = u64::from(last.saturating_sub(first)) + 1;
    if u64::from(count) >= blocks {
        return (first..=last).collect();
    }
    let mut chosen = BTreeSet::new();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    for counter in 0_u64.. {
        if chosen.len() >= wanted {
            break;
        }
        let digest = sha256(&[seed.as_slice(), &counter.to_le_bytes()].concat());
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        chosen.extend(u32::try_from(number % blocks).ok().and_then(|at| first.checked_add(at)));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_follows_from_the_seed_and_has_as_many_blocks_as_asked_for() {
        let sample = choose(&[7; 32], 100, 1_099, 40);
        assert_eq!((sample.len(), &sample), (40, &choose(&[7; 32], 100, 1_099, 40)));
        assert!(sample.iter().all(|height| (100..=1_099).contains(height)));
        assert_ne!(sample, choose(&[8; 32], 100, 1_099, 40));
        assert_eq!(choose(&[7; 32], 5, 7, 40), BTreeSet::from([5, 6, 7]));
    }

    #[test]
    fn differences_are_named() {
        let other = (vec![1, 2, 3], 9);
        let find = |hash: u8, events: &[u8], time_ms| {
            difference((&[hash; 32], events, time_ms), (&[1; 32], &other)).unwrap_or_default()
        };
        assert_eq!(find(1, &[1, 2, 3], 9), "");
        assert!(find(2, &[1, 2, 3], 9).contains("block hash"));
        assert!(
            find(1, &[1, 2, 4, 5], 9).contains("its System.Events, of 4 and 3 bytes, differ from byte 2 on")
        );
        assert!(find(1, &[1, 2, 3], 8).contains("its Timestamp.Now is 8 and 9 ms"));
    }
}
