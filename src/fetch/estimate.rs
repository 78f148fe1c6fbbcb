//! What an export will cost, judged by a few of its blocks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::blocks::read_piece;
use super::error::Error;
use super::export::Remaining;
use super::node::Chain;
use super::runtimes::Runtimes;
use crate::archive::Sample;

/// Blocks that are looked at.
const SAMPLE: u64 = 16;
/// Bytes of the answer that proves a block beside the hex of its nodes.
const PROOF_FRAME_BYTES: u64 = 200;
/// Bytes of a block's two answers beside the hex of what they hold: names of fields, keys, punctuation.
const FRAME_BYTES: u64 = 560;

/// What an export will cost, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Calls to the nodes for the blocks; states take some thousands more at most.
    pub calls: u64,
    /// Bytes that the nodes send for the blocks.
    pub bytes: u64,
    /// How long that takes at the pace asked for.
    pub time: Duration,
    /// Blocks that are to be proven; their proofs are in the calls and bytes.
    pub proven: u64,
    /// Blocks by which the bytes and the time were judged.
    pub sample: u64,
}

/// Reads some blocks, evenly spread over those that are left.
pub(super) async fn estimate(
    chain: &Chain,
    runtimes: &Arc<Runtimes>,
    proofs: Option<&Sample>,
    left: &Remaining,
) -> Result<Estimate, Error> {
    let blocks = left.blocks();
    let sample = blocks.min(SAMPLE);
    if sample == 0 {
        return Ok(Estimate::default());
    }
    let proven = proofs.map_or(0, |proofs| {
        let of = |&(first, last): &(u32, u32)| proofs.within(first, last).count();
        left.chunks
            .iter()
            .fold(0_u64, |sum, run| sum.saturating_add(u64::try_from(of(run)).unwrap_or(u64::MAX)))
    });
    // Whichever block is looked at is proven, to see what that takes.
    let every = proofs.map(|proofs| Sample { one_in: NonZeroU32::MIN, ..*proofs });
    let (mut bytes, mut proof_bytes, begun) = (0_u64, 0_u64, Instant::now());
    for number in 0..sample {
        let Some(height) = nth(left, number * (blocks / sample)) else { break };
        let piece =
            chain.pool.run(|peer| read_piece(peer, chain, runtimes, every.as_ref(), height, height)).await?;
        for block in &piece.blocks {
            // A header has three hashes and its number; a time has 8 bytes.
            let raw = block.events.len().saturating_add(block.digest.len()).saturating_add(3 * 32 + 8);
            bytes = bytes.saturating_add(u64::try_from(raw)?.saturating_mul(2)).saturating_add(FRAME_BYTES);
            if every.is_some() {
                // The answer has the events once more.
                proof_bytes =
                    proof_bytes.saturating_add(u64::try_from(block.events.len())?.saturating_mul(2));
            }
        }
        for node in piece.proofs.iter().flat_map(|proof| &proof.nodes) {
            proof_bytes = proof_bytes.saturating_add(u64::try_from(node.len())?.saturating_mul(2));
        }
    }
    // Each block took two requests, one after the other.
    let request = begun.elapsed() / u32::try_from(sample)?.saturating_mul(2);
    let calls = blocks.saturating_mul(2).saturating_add(blocks.div_ceil(100)).saturating_add(proven);
    let paces = chain.pool.paces();
    let mut a_second = 0_u64;
    for pace in &paces {
        let in_flight = u64::from(pace.jobs.get()).saturating_mul(u64::from(pace.batch.get()));
        let in_one = u64::try_from(request.as_micros().max(1))?;
        let fastest = in_flight.saturating_mul(1_000_000) / in_one;
        let rate = pace.rate.map_or(u64::MAX, |rate| u64::from(rate.get()));
        a_second = a_second.saturating_add(fastest.min(rate));
    }
    Ok(Estimate {
        calls,
        bytes: (bytes / sample)
            .saturating_mul(blocks)
            .saturating_add((proof_bytes / sample).saturating_add(PROOF_FRAME_BYTES).saturating_mul(proven)),
        proven,
        time: Duration::from_secs(calls / a_second.max(1)),
        sample,
    })
}

/// The height of one of the blocks that are left, counted from 0.
fn nth(left: &Remaining, mut number: u64) -> Option<u32> {
    for &(first, last) in &left.chunks {
        let count = u64::from(last - first) + 1;
        if number < count {
            return first.checked_add(u32::try_from(number).ok()?);
        }
        number -= count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_across_the_chunks_that_are_left() {
        let left = Remaining { chunks: vec![(5, 6), (10, 12)], ..Remaining::default() };
        let heights: Vec<Option<u32>> = (0..6).map(|number| nth(&left, number)).collect();
        assert_eq!(heights, [Some(5), Some(6), Some(10), Some(11), Some(12), None]);
    }
}
