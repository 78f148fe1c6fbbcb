//! From what was asked for to the blocks that will be read.

use std::{collections::BTreeSet, num::NonZeroU64, path::Path};

use super::error::Error;
use super::locate::first_after;
use super::node::Chain;
use super::progress::Stage;
use super::runtimes::{Runtimes, parent};
use super::state::compile;
use super::store::unfinished;
use crate::archive::{DEFAULT_CHUNK_BLOCKS, ExportedRange, Plan};

/// What to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A time range, with the window after it in which late reports count.
    Time(TimeRange),
    /// Some blocks, as they are.
    Blocks {
        /// Height of the first block.
        first: u32,
        /// Height of the last block.
        last: u32,
        /// Heights at which the state is read too.
        state_at: Vec<u32>,
    },
}

/// A time range, and how it becomes blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// Number of the minting period, if it is one.
    pub period: Option<u32>,
    /// Start, unix seconds.
    pub from: i64,
    /// End, unix seconds.
    pub to: i64,
    /// The first block, instead of the first one after `from`.
    pub first_block: Option<u32>,
    /// The last block, instead of the first one after `to`.
    pub last_block: Option<u32>,
    /// Nominal time between two blocks, seconds, instead of what the runtime says.
    pub block_time_s: Option<NonZeroU64>,
    /// If the range, or the window after it, is not final yet, take the blocks that are.
    pub partial: Option<Partial>,
}

impl Request {
    /// The same, with the last block of an unfinished export in the folder where the finalized head would be it: that
    /// moves on from one try to the next.
    pub fn go_on(mut self, folder: &Path) -> Request {
        if let Request::Time(TimeRange { partial: Some(partial), .. }) = &mut self {
            partial.last = unfinished(folder).filter(|plan| plan.range.is_none()).map(|plan| plan.last);
        }
        self
    }
}

/// How a range that is not over is exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// The last block, instead of the finalized head: where an earlier, unfinished export was to end.
    pub last: Option<u32>,
}

/// What can be done before a range is final.
const OR_PARTIAL: &str = "or export what is final with --partial";

/// After the end of a period, reports still count for this many hours of nominal blocks.
const WINDOW_MS: u64 = 27 * 3_600 * 1_000;

impl TimeRange {
    /// The range of a minting period, which has these times, unix seconds.
    pub fn of_period(period: u32, from: i64, to: i64) -> TimeRange {
        TimeRange { period: Some(period), ..TimeRange::of_times(from, to) }
    }

    /// A range between two times, unix seconds.
    pub fn of_times(from: i64, to: i64) -> TimeRange {
        TimeRange {
            period: None,
            from,
            to,
            first_block: None,
            last_block: None,
            block_time_s: None,
            partial: None,
        }
    }
}

/// Finds the blocks of a request, and the runtime that the first of them ran under.
pub(super) async fn plan(chain: &Chain, request: &Request, runtimes: &mut Runtimes) -> Result<Plan, Error> {
    match request {
        Request::Time(range) => plan_time(chain, range, runtimes).await,
        Request::Blocks { first, last, state_at } => {
            if first > last {
                return Err(Error::Range(format!("block {first} lies after block {last}")));
            }
            if let Some(height) = state_at.iter().find(|height| !(*first..=*last).contains(*height)) {
                return Err(Error::Range(format!(
                    "--state-at {height} lies outside of the blocks {first}..{last}; give a block of the range"
                )));
            }
            if *last > chain.head {
                let what = format!("block {last} is asked for");
                return Err(not_final(chain, what, format!("export at most ..{} now", chain.head)).await?);
            }
            chain.probe(parent(*first)).await?;
            Ok(Plan {
                genesis: chain.genesis,
                first: *first,
                last: *last,
                chunk_blocks: DEFAULT_CHUNK_BLOCKS,
                period: None,
                proofs: None,
                range: None,
                state_at: ascending(state_at),
            })
        }
    }
}

async fn plan_time(chain: &Chain, range: &TimeRange, runtimes: &mut Runtimes) -> Result<Plan, Error> {
    if range.from < 0 || range.from >= range.to {
        return Err(Error::Range(format!(
            "the range from {} to {} is empty or begins before 1970",
            moment(range.from),
            moment(range.to)
        )));
    }
    chain.pool.progress().stage(Stage::Locating, 0);
    let first_block = match range.first_block {
        Some(height) => height,
        None => locate(chain, range.from, 0, range).await?,
    };
    let located = match range.last_block {
        Some(height) => Ok(height),
        // Only a first block that was found, not given, is known to lie before the end.
        None if range.first_block.is_none() => locate(chain, range.to, parent(first_block), range).await,
        None => locate(chain, range.to, 0, range).await,
    };
    let last_block = match (located, range.partial) {
        (Err(Error::NotFinal { .. }), Some(partial)) => {
            return plan_partial(chain, first_block, None, partial).await;
        }
        (located, _) => located?,
    };
    if first_block > last_block {
        return Err(Error::Range(format!("block {first_block} lies after block {last_block}")));
    }
    let found = range.first_block.is_none() && range.last_block.is_none();
    if found && first_block == last_block {
        return Err(Error::Range(format!(
            "no block of this chain lies between {} and {}; is it the right chain?",
            moment(range.from),
            moment(range.to)
        )));
    }
    let known = first_block.min(chain.head);
    chain.probe(parent(known)).await?;
    let block_time_ms = block_time_ms(chain, range, known, runtimes).await?;
    let too_far = || Error::Range(format!("no block lies a window after block {last_block}"));
    let window_blocks = WINDOW_MS.checked_div(block_time_ms).ok_or_else(too_far)?;
    let window_blocks = u32::try_from(window_blocks).map_err(|_| too_far())?;
    let last = last_block.checked_add(window_blocks).ok_or_else(too_far)?;
    if last > chain.head
        && let Some(partial) = range.partial
    {
        return plan_partial(chain, first_block, Some(last_block), partial).await;
    }
    if last > chain.head {
        let what = format!("the window after block {last_block} ends with block {last}");
        let head_ms = chain.time_ms(chain.head).await?;
        let missing_ms = u64::from(last - chain.head).saturating_mul(block_time_ms);
        let ready_s = i64::try_from(head_ms.saturating_add(missing_ms) / 1_000)?;
        let advice = format!("it will be final at about {}; come back then, {OR_PARTIAL}", moment(ready_s));
        return Err(not_final(chain, what, advice).await?);
    }
    Ok(Plan {
        genesis: chain.genesis,
        first: first_block,
        last,
        chunk_blocks: DEFAULT_CHUNK_BLOCKS,
        period: range.period,
        proofs: None,
        range: Some(ExportedRange {
            block_time_ms,
            first_block,
            first_block_given: range.first_block.is_some(),
            from: range.from,
            last_block,
            last_block_given: range.last_block.is_some(),
            period: range.period,
            to: range.to,
            window_blocks,
        }),
        state_at: ascending(&[first_block, last_block]),
    })
}

/// The blocks of a range that is not over, as an archive of blocks. It begins with the block before the range, which
/// shows where that begins, and has the state after its first block and after the last one that counts.
async fn plan_partial(
    chain: &Chain,
    first_block: u32,
    last_block: Option<u32>,
    partial: Partial,
) -> Result<Plan, Error> {
    let head = partial.last.filter(|last| (first_block..=chain.head).contains(last)).unwrap_or(chain.head);
    chain.probe(parent(first_block)).await?;
    Ok(Plan {
        genesis: chain.genesis,
        first: parent(first_block),
        last: head,
        chunk_blocks: DEFAULT_CHUNK_BLOCKS,
        period: None,
        proofs: None,
        range: None,
        state_at: ascending(&[first_block, last_block.filter(|last| *last <= head).unwrap_or(head)]),
    })
}

/// Every height once, as the archive lists them.
fn ascending(heights: &[u32]) -> Vec<u32> {
    heights.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The first block after a time; an error when it is not final yet.
async fn locate(chain: &Chain, t: i64, low: u32, range: &TimeRange) -> Result<u32, Error> {
    if let Some(height) = first_after(t, low, chain.head, async |height| chain.time_ms(height).await).await? {
        return Ok(height);
    }
    let window_s = i64::try_from(WINDOW_MS / 1_000)?;
    let ready = moment(range.to.saturating_add(window_s));
    let what = format!("the range reaches to {}", moment(range.to));
    let advice =
        format!("it and the window after it will be final at about {ready}; come back then, {OR_PARTIAL}");
    Err(not_final(chain, what, advice).await?)
}

/// The nominal time between two blocks: twice the least time that the runtime allows between two moments.
async fn block_time_ms(
    chain: &Chain,
    range: &TimeRange,
    first_block: u32,
    runtimes: &mut Runtimes,
) -> Result<u64, Error> {
    let unusable = |what: &str| Error::Range(format!("{what}; give the block time with --block-time"));
    if let Some(seconds) = range.block_time_s {
        return seconds.get().checked_mul(1_000).ok_or_else(|| unusable("the block time is too long"));
    }
    let metadata = runtimes.read(chain, parent(first_block)).await?;
    compile(metadata, parent(first_block))?
        .minimum_period_ms()
        .and_then(|period_ms| period_ms.checked_mul(2))
        .filter(|block_time_ms| *block_time_ms > 0)
        .ok_or_else(|| unusable("the runtime does not say its Timestamp.MinimumPeriod"))
}

async fn not_final(chain: &Chain, what: String, advice: String) -> Result<Error, Error> {
    let head_s = i64::try_from(chain.time_ms(chain.head).await? / 1_000)?;
    Ok(Error::NotFinal { what, head: chain.head, head_time: moment(head_s), advice })
}

/// A moment in words.
pub(super) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("second {seconds}"), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_words() {
        assert_eq!(moment(1_732_971_400), "2024-11-30T12:56:40Z");
        assert_eq!(moment(i64::MAX), "second 9223372036854775807");
    }
}
