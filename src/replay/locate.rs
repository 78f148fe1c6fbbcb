//! Where a period lies in the archives.

use super::{Error, Result, SavedState, Source, state::seconds};
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
    /// Block after which the state is that of the end; none where only a state is saved.
    pub end_state: Option<u32>,
    /// The first block is the first one of the archives, which do not tell whether the block before it lies in the period,
    /// too; by the pace of the blocks it does not. Only for preliminary results.
    pub first_assumed: bool,
    /// For a preliminary result: time of the last block, seconds since the epoch.
    pub known_until: Option<i64>,
    /// First block that is folded: that of the period, or the one behind a saved state.
    pub fold_from: u32,
    /// The last block is that of the period, and not only of the archives.
    pub ended: bool,
    /// Nominal time between two blocks, milliseconds.
    pub block_time_ms: u64,
    /// Blocks of the window after the period that the archives were exported with, if they say it.
    pub window_blocks: Option<u32>,
}

impl Located {
    /// Blocks whose hashes count.
    pub(super) fn named(&self) -> [u32; 4] {
        let end_state = self.end_state.unwrap_or(self.last_block);
        [self.first_block, self.last_block, self.window_last, end_state]
    }

    /// Last block whose events belong to the period.
    pub(super) fn last_of_period(&self) -> u32 {
        if self.ended { self.last_block } else { u32::MAX }
    }
}

/// Finds a period and checks that the archives hold its blocks and its state, or those behind the saved state `from`.
///
/// If one of the archives was exported for the period, its manifest says where the period lies, so that an export
/// with given blocks is replayed with them. Else it is found by the times of the blocks.
///
/// # Errors
/// [`Error::NotCovered`] with the command that exports what is missing.
pub fn locate(source: &Source, period: &Period, rules: &Rules, from: Option<&SavedState>) -> Result<Located> {
    let found = find(source, period, from, false)?;
    let first_block = found.first_block;
    let Some(last_block) = found.last_block else {
        let next = source.last().saturating_add(1);
        return Err(ends_early(source, period, format!("blocks from {next} on are missing")));
    };
    let window_last = last_block.saturating_add(found.window(rules));
    if source.last() < window_last {
        let first = source.last().saturating_add(1).max(first_block);
        return Err(ends_early(source, period, format!("blocks {first} to {window_last} are missing")));
    }
    for height in [first_block, last_block] {
        if !has_state(source, height, from) {
            return Err(not_covered(source, period, format!("the state of block {height} is missing")));
        }
    }
    Ok(Located { end_state: Some(last_block), ..found.located(rules, last_block, window_last) })
}

/// As [`locate`], for a preliminary result: the archives end in the period, or in the window after it, and may begin
/// with what seems to be its first block. The state at the end is the last one that they have.
///
/// # Errors
/// Archives that begin too late, have no state of the first block, or hold the whole period.
pub fn locate_partial(
    source: &Source,
    period: &Period,
    rules: &Rules,
    from: Option<&SavedState>,
) -> Result<Located> {
    let found = find(source, period, from, true)?;
    let (first_block, last_block, window_last) = found.so_far(source, rules);
    if found.last_block.is_some_and(|last| last.saturating_add(found.window(rules)) <= source.last()) {
        return Err(Error::Whole { range: range_of(period) });
    }
    let states = || source.archives().iter().flat_map(|archive| &archive.manifest().state).map(|s| s.height);
    let first_after = from.map_or(first_block, |saved| saved.head.block.height);
    let end_state = match found.ended() && has_state(source, last_block, from) {
        true => Some(last_block),
        false => states().filter(|height| (first_after..=window_last).contains(height)).max(),
    };
    let missing = match end_state {
        Some(_) if has_state(source, first_block, from) => None,
        Some(_) => Some(first_block),
        None => Some(last_block),
    };
    if let Some(height) = missing {
        return Err(not_covered(source, period, format!("the state of block {height} is missing")));
    }
    Ok(Located {
        end_state,
        first_assumed: from.is_none() && found.first_assumed(source),
        known_until: Some(seconds(time_ms(source, window_last)?)),
        ..found.located(rules, last_block, window_last)
    })
}

/// As [`locate`], as far as the archives go, for a state that is saved.
///
/// # Errors
/// Archives that begin too late, or have no state of the first block.
pub fn locate_so_far(
    source: &Source,
    period: &Period,
    rules: &Rules,
    from: Option<&SavedState>,
) -> Result<Located> {
    let found = find(source, period, from, false)?;
    let (first_block, last_block, window_last) = found.so_far(source, rules);
    if !has_state(source, first_block, from) {
        return Err(not_covered(source, period, format!("the state of block {first_block} is missing")));
    }
    let end_state = Some(last_block).filter(|_| found.ended() && has_state(source, last_block, from));
    Ok(Located { end_state, ..found.located(rules, last_block, window_last) })
}

/// Whether the state after a block is there, or was when the state that is gone on from was saved.
fn has_state(source: &Source, height: u32, from: Option<&SavedState>) -> bool {
    let saved = from.is_some_and(|saved| saved.has_state(height));
    saved || source.archives().iter().any(|archive| archive.state_entry(height).is_some())
}

/// Where a period lies, as far as the archives tell.
#[derive(Clone, Copy, Debug)]
struct Found {
    first_block: u32,
    /// None if it lies after the archives.
    last_block: Option<u32>,
    /// Blocks after it that the archive was exported with; none if it is not known.
    window_blocks: Option<u32>,
    block_time_ms: u64,
    recorded: bool,
    /// First block that is folded.
    fold_from: u32,
}

impl Found {
    fn of_range(range: &ExportedRange) -> Found {
        Found {
            first_block: range.first_block,
            last_block: Some(range.last_block),
            window_blocks: Some(range.window_blocks),
            block_time_ms: range.block_time_ms,
            recorded: true,
            fold_from: range.first_block,
        }
    }

    /// Whether the last block of the period is known.
    fn ended(&self) -> bool {
        self.last_block.is_some()
    }

    /// First block, last block and end of the window, as far as there are blocks.
    fn so_far(&self, source: &Source, rules: &Rules) -> (u32, u32, u32) {
        let last_block = self.last_block.unwrap_or(source.last());
        let window = if self.ended() { self.window(rules) } else { 0 };
        (self.first_block, last_block, last_block.saturating_add(window).min(source.last()))
    }

    fn located(&self, rules: &Rules, last_block: u32, window_last: u32) -> Located {
        Located {
            baseline_first: self.baseline_first(rules),
            first_block: self.first_block,
            last_block,
            window_last,
            end_state: None,
            first_assumed: false,
            known_until: None,
            fold_from: self.fold_from,
            ended: self.ended(),
            block_time_ms: self.block_time_ms,
            window_blocks: self.window_blocks,
        }
    }

    /// Blocks of the window after the period. Archives hold the longest window that any rules read.
    fn window(&self, rules: &Rules) -> u32 {
        window_blocks(rules, self.block_time_ms).min(self.window_blocks.unwrap_or(u32::MAX))
    }

    /// Whether the archives begin with the first block, and nothing says that it is that.
    fn first_assumed(&self, source: &Source) -> bool {
        !self.recorded && self.first_block == source.first() && self.first_block > 1
    }

    fn baseline_first(&self, rules: &Rules) -> u32 {
        baseline_first(self.first_block, rules, self.block_time_ms)
    }
}

/// Finds both ends of a period. Its first block has to be there; if `partial`, one that seems to be it will do.
fn find(source: &Source, period: &Period, from: Option<&SavedState>, partial: bool) -> Result<Found> {
    let is_of_period = |range: &ExportedRange| (range.from, range.to) == (period.start, period.end);
    let recorded = source.archives().iter().find_map(|archive| {
        let range = archive.manifest().exported_range().filter(is_of_period)?;
        Some((archive.manifest().last_block, range))
    });
    let mut found = match (recorded, from) {
        (Some((last, range)), _) => {
            let found = Found::of_range(&range);
            // An end that was chosen counts if nothing follows on it and the period is over after it.
            let ends = !range.last_block_given
                || (last == source.last() && is_after(time_ms(source, last)?, period.end));
            if ends { found } else { Found { last_block: None, window_blocks: None, ..found } }
        }
        (None, Some(saved)) => Found {
            first_block: saved.head.first.height,
            last_block: None,
            window_blocks: saved.head.window_blocks,
            block_time_ms: saved.head.block_time_ms,
            recorded: true,
            fold_from: 0,
        },
        (None, None) => {
            let first_block = first_by_time(source, period, partial)?;
            Found {
                first_block,
                last_block: None,
                window_blocks: None,
                block_time_ms: block_time_ms(source)?,
                recorded: false,
                fold_from: first_block,
            }
        }
    };
    if let Some(saved) = from {
        found.first_block = saved.head.first.height;
        found.fold_from = saved.head.block.height.saturating_add(1);
        found.last_block = saved.head.last.map(|last| last.height).or(found.last_block);
    }
    if found.last_block.is_none() {
        found.last_block = first_after(source, period.end)?;
    }
    if source.first() > found.fold_from {
        let last = source.first().saturating_sub(1);
        let what = format!("blocks {} to {last} are missing", found.fold_from);
        return Err(not_covered(source, period, what));
    }
    Ok(found)
}

/// Last block of the window after an exported range, in which late reports still count.
pub(super) fn window_last(range: &ExportedRange, rules: &Rules) -> u32 {
    range.last_block.saturating_add(Found::of_range(range).window(rules))
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

/// The first block after the start, found by the times of blocks.
fn first_by_time(source: &Source, period: &Period, partial: bool) -> Result<u32> {
    let first_block = first_after(source, period.start)?.ok_or_else(|| {
        not_covered(source, period, format!("blocks from {} on are missing", source.last().saturating_add(1)))
    })?;
    let is_seen = first_block > source.first() || first_block <= 1;
    if !(is_seen || partial && is_near(source, first_block, period.start)?) {
        // Whether the block before lies in the period, too, cannot be seen.
        return Err(not_covered(source, period, format!("blocks before {first_block} are missing")));
    }
    Ok(first_block)
}

/// Whether a block lies no further behind a moment than the next block behind it, so that the block before it, which is
/// not there, lies before that moment if blocks came at the same pace.
fn is_near(source: &Source, height: u32, moment: i64) -> Result<bool> {
    let Some(next) = height.checked_add(1).filter(|next| *next <= source.last()) else { return Ok(false) };
    let (time, next) = (time_ms(source, height)?, time_ms(source, next)?);
    Ok(i128::from(time) - i128::from(moment) * 1_000 <= i128::from(next) - i128::from(time))
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
    let mut pieces = source.pieces();
    // Halve the chunks until one is left that ends after the time, as its predecessor does not.
    let mut found = None;
    while let Some(piece) = pieces.get(pieces.len() / 2) {
        let read = source.read(piece)?;
        let middle = pieces.len() / 2;
        if read.chunk.at(piece.last).is_some_and(|b| is_after(b.time_ms, time)) {
            found = read
                .chunk
                .blocks()
                .find(|b| b.height >= piece.first && is_after(b.time_ms, time))
                .map(|b| b.height);
            pieces = pieces.get(..middle).unwrap_or_default();
        } else {
            pieces = pieces.get(middle + 1..).unwrap_or_default();
        }
    }
    Ok(found)
}

/// Whether a block with this time lies after a moment (unix seconds); milliseconds do not count.
fn is_after(time_ms: u64, moment: i64) -> bool {
    i128::from(time_ms / 1_000) > i128::from(moment)
}

/// Time of a block.
fn time_ms(source: &Source, height: u32) -> Result<u64> {
    let missing = || Error::Apart(format!("block {height} is missing"));
    let piece = source.pieces().iter().find_map(|piece| piece.clip(height, height)).ok_or_else(missing)?;
    source.read(&piece)?.chunk.at(height).map(|block| block.time_ms).ok_or_else(missing)
}

/// A period as the commands of minting-fetch name it.
fn range_of(period: &Period) -> String {
    match period.number {
        Some(number) => format!("period {number}"),
        None => format!("range {}..{}", period.start, period.end),
    }
}

/// The end of a period is not there.
fn ends_early(source: &Source, period: &Period, what: String) -> Error {
    match not_covered(source, period, what) {
        Error::NotCovered { what, command, .. } => Error::NotCovered { what, command, ends_early: true },
        other => other,
    }
}

fn not_covered(source: &Source, period: &Period, what: String) -> Error {
    let range = range_of(period);
    Error::NotCovered {
        what: format!("the archives do not cover {range}: {what}"),
        command: format!("minting-fetch {range}{} --rpc <URL> --out <DIR>", block_time_option(source)),
        ends_early: false,
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
    fn located(name: &str) -> (u32, u32) {
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
        let rules = Rules::named(name).unwrap();
        (Found::of_range(&range).baseline_first(&rules), window_last(&range, &rules))
    }

    /// 2 hours are 1,200 blocks, 27 are 16,200.
    #[test]
    fn post_window_hours() {
        let window = |name| located(name).1 - 538_480;
        assert_eq!((window("r58"), window("r59"), window("r81")), (1_200, 16_200, 16_200));
    }

    /// 72 hours are 43,200 blocks, and one more.
    #[test]
    fn use_baseline_hours_as_blocks() {
        let before = |name| 100_000 - located(name).0;
        assert_eq!((before("r45"), before("r48"), before("r52")), (43_201, 43_201, 0));
    }
}
