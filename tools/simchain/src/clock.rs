//! When every block of the chain was written.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::period::Period;

/// A slot in this many passes without a block, as on the real chain.
const SLOTS_PER_MISSED_ONE: u32 = 1_500;
/// Longest time between the start of a slot and the timestamp of its block, milliseconds.
const LONGEST_DELAY_MS: u64 = 900;
/// Blocks behind the last one that minting needs, so that it is final.
const BLOCKS_BEHIND: usize = 16;

/// Timestamps of all blocks, in milliseconds since the epoch; genesis has none.
#[derive(Debug)]
pub struct Clock {
    block_time_ms: u64,
    times_ms: Vec<u64>,
}

impl Clock {
    /// Blocks from `lead` seconds before the period to `window` blocks and a few more behind it.
    pub fn new(
        period: Period,
        block_time: u64,
        lead: u64,
        window: u32,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, Error> {
        let block_time_ms = block_time.checked_mul(1000).filter(|ms| *ms > 0).ok_or(Error::BlockTime)?;
        let first_slot = period.start.saturating_sub(lead).saturating_mul(1000) / block_time_ms;
        let mut times_ms = vec![0];
        let mut behind = 0;
        let mut slot = first_slot;
        while behind < usize::try_from(window).map_err(|_| Error::BlockTime)?.saturating_add(BLOCKS_BEHIND) {
            let time =
                slot.saturating_mul(block_time_ms).saturating_add(rng.random_range(0..LONGEST_DELAY_MS));
            times_ms.push(time);
            if time / 1000 > period.end {
                behind += 1;
            }
            slot += if rng.random_ratio(1, SLOTS_PER_MISSED_ONE) { 2 } else { 1 };
        }
        u32::try_from(times_ms.len()).map_err(|_| Error::BlockTime)?;
        Ok(Self { block_time_ms, times_ms })
    }

    /// Length of a slot, milliseconds.
    pub fn block_time_ms(&self) -> u64 {
        self.block_time_ms
    }

    /// Height of the last block.
    pub fn head(&self) -> u32 {
        u32::try_from(self.times_ms.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Timestamp of a block, milliseconds; zero for genesis.
    pub fn time_ms(&self, height: u32) -> u64 {
        usize::try_from(height).ok().and_then(|at| self.times_ms.get(at)).copied().unwrap_or_default()
    }

    /// Timestamp of a block, whole seconds, as the runtime puts it into events.
    pub fn seconds(&self, height: u32) -> u64 {
        self.time_ms(height) / 1000
    }

    /// First block at or behind a time in seconds; one above the head if there is none.
    pub fn height_at(&self, time: u64) -> u32 {
        let at = self.times_ms.partition_point(|ms| ms / 1000 < time).max(1);
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// First block behind a time in seconds: where a period that starts or ends then is cut.
    pub fn height_after(&self, time: u64) -> u32 {
        self.height_at(time.saturating_add(1))
    }
}
