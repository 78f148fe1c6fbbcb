//! Where a period lies in the archives.

use super::{Error, Result, Source};
use crate::{
    archive::ExportedRange,
    minting::{Period, Rules},
};

/// Blocks of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// First block in which the rules look for consumption reports before the period: the first one of the period itself
    /// for rules that do not. Archives need not have these blocks.
    pub baseline_first: u32,
    /// First block.
    pub first_block: u32,
    /// Last block of the period itself.
    pub last_block: u32,
    /// Last block of the window after it, in which late reports still count.
    pub window_last: u32,
}

/// Finds a period and checks that the archives hold its blocks and its state.
///
/// If one of the archives was exported for the period, its manifest says where the period lies, so that an export
/// with given blocks is replayed with them. Else it is found by the times of the blocks.
///
/// # Errors
/// [`Error::NotCovered`] with the command that exports what is missing.
pub fn locate(source: &Source, period: &Period, rules: &Rules) -> Result<Located> {
    let recorded = source.exported_ranges().find(|r| (r.from, r.to) == (period.start, period.end));
    let located = match recorded {
        Some(range) => from_range(&range, rules),
        None => by_time(source, period, rules)?,
    };
    if source.first() > located.first_block || source.last() < located.window_last {
        let (first, last) = if source.first() > located.first_block {
            (located.first_block, source.first().saturating_sub(1).min(located.window_last))
        } else {
            (source.last().saturating_add(1).max(located.first_block), located.window_last)
        };
        return Err(not_covered(source, period, format!("blocks {first} to {last} are missing")));
    }
    for height in [located.first_block, located.last_block] {
        if !source.archives().iter().any(|a| a.state_entry(height).is_some()) {
            return Err(not_covered(source, period, format!("the state of block {height} is missing")));
        }
    }
    Ok(located)
}

pub(super) fn from_range(range: &ExportedRange, rules: &Rules) -> Located {
    // Archives hold the longest window that any rules read.
    let window = range.window_blocks.min(window_blocks(rules, range.block_time_ms));
    Located {
        baseline_first: baseline_first(range.first_block, rules, range.block_time_ms),
        first_block: range.first_block,
        last_block: range.last_block,
        window_last: range.last_block.saturating_add(window),
    }
}

/// Blocks of the window after the period.
fn window_blocks(rules: &Rules, block_time_ms: u64) -> u32 {
    blocks_in(rules.post_window_hours, block_time_ms)
}

/// First block in which consumption reports before the period are looked for. Block 0 has no events.
fn baseline_first(first_block: u32, rules: &Rules, block_time_ms: u64) -> u32 {
    if rules.use_baseline_hours == 0 {
        return first_block;
    }
    first_block.saturating_sub(blocks_in(rules.use_baseline_hours, block_time_ms).saturating_add(1)).max(1)
}

/// Blocks in so many hours; all of them where the time between two is not known.
fn blocks_in(hours: u32, block_time_ms: u64) -> u32 {
    let ms = u64::from(hours) * 3_600_000;
    ms.checked_div(block_time_ms).and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX)
}

/// The first block after the start, and the first block after the end.
fn by_time(source: &Source, period: &Period, rules: &Rules) -> Result<Located> {
    let first_block = first_after(source, period.start)?.ok_or_else(|| {
        not_covered(source, period, format!("blocks from {} on are missing", source.last().saturating_add(1)))
    })?;
    let last_block = first_after(source, period.end)?.ok_or_else(|| {
        not_covered(source, period, format!("blocks from {} on are missing", source.last().saturating_add(1)))
    })?;
    if first_block == source.first() && first_block > 1 {
        // Whether the block before lies in the period, too, cannot be seen.
        return Err(not_covered(source, period, format!("blocks before {first_block} are missing")));
    }
    let block_time_ms = block_time_ms(source)?;
    let window = window_blocks(rules, block_time_ms);
    let baseline_first = baseline_first(first_block, rules, block_time_ms);
    Ok(Located { baseline_first, first_block, last_block, window_last: last_block.saturating_add(window) })
}

/// Nominal time between two blocks: as recorded, else twice the runtime's minimum.
fn block_time_ms(source: &Source) -> Result<u64> {
    match source.exported_ranges().next() {
        Some(range) => Ok(range.block_time_ms),
        None => block_time_of_runtime_ms(source),
    }
}

/// Nominal time between two blocks by the runtime of the first one: twice its minimum.
fn block_time_of_runtime_ms(source: &Source) -> Result<u64> {
    let Some(piece) = source.pieces().first() else { return Ok(0) };
    let read = source.read(piece)?;
    let Some(metadata) = read.chunk.runtime_at(piece.first) else { return Ok(0) };
    Ok(source.runtime(metadata)?.minimum_period_ms().unwrap_or_default().saturating_mul(2))
}

/// The first block whose time lies after `time` (unix seconds); blocks are in the order of their times.
fn first_after(source: &Source, time: i64) -> Result<Option<u32>> {
    let after = |time_ms: u64| i128::from(time_ms) / 1_000 > i128::from(time);
    let mut pieces = source.pieces();
    // Halve the chunks until one is left that ends after the time, as its predecessor does not.
    let mut found = None;
    while let Some(piece) = pieces.get(pieces.len() / 2) {
        let read = source.read(piece)?;
        let middle = pieces.len() / 2;
        if read.chunk.at(piece.last).is_some_and(|b| after(b.time_ms)) {
            found =
                read.chunk.blocks().find(|b| b.height >= piece.first && after(b.time_ms)).map(|b| b.height);
            pieces = pieces.get(..middle).unwrap_or_default();
        } else {
            pieces = pieces.get(middle + 1..).unwrap_or_default();
        }
    }
    Ok(found)
}

fn not_covered(source: &Source, period: &Period, what: String) -> Error {
    let range = match period.number {
        Some(number) => format!("period {number}"),
        None => format!("range {}..{}", period.start, period.end),
    };
    Error::NotCovered {
        what: format!("the archives do not cover {range}: {what}"),
        command: format!("minting-fetch {range}{} --rpc <URL> --out <DIR>", block_time_option(source)),
    }
}

/// The option by which the archives at hand were exported with another block time than the runtime says.
fn block_time_option(source: &Source) -> String {
    let recorded = source.exported_ranges().next().map(|range| range.block_time_ms);
    match recorded {
        Some(ms) if block_time_of_runtime_ms(source).is_ok_and(|usual| usual != ms) => {
            format!(" --block-time {}", ms / 1_000)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 6 s from 100,000 on, with 27 hours of them after the period.
    fn located(name: &str) -> Located {
        let range = ExportedRange {
            from: 0,
            to: 2_630_880,
            first_block: 100_000,
            last_block: 538_480,
            window_blocks: 16_200,
            block_time_ms: 6_000,
            first_block_given: false,
            last_block_given: false,
            period: None,
        };
        from_range(&range, &Rules::named(name).unwrap())
    }

    /// 2 hours are 1,200 blocks, 27 are 16,200.
    #[test]
    fn post_window_hours() {
        let window = |name| located(name).window_last - 538_480;
        assert_eq!((window("r58"), window("r59"), window("r81")), (1_200, 16_200, 16_200));
    }

    /// 72 hours are 43,200 blocks, and one more.
    #[test]
    fn use_baseline_hours_as_blocks() {
        let before = |name| 100_000 - located(name).baseline_first;
        assert_eq!((before("r45"), before("r48"), before("r52")), (43_201, 43_201, 0));
    }
}
