//! A month as it is on the real chain, for measurements: as many nodes, blocks and events, made block by block in
//! memory that does not grow with the number of blocks.

mod author;
mod grid;
mod habits;

use std::sync::Arc;

use minting::archive::ExportedRange;

use self::author::Author;
use self::grid::Grid;
use self::habits::PERIOD;
use super::rng;
use super::script::HOUR;
use super::world::World;
use crate::chain::{Content, Producer};
use crate::clock::Clock;
use crate::error::Error;
use crate::period::Period;
use crate::proving::Proving;

/// Seconds between blocks.
const BLOCK_TIME: u64 = 6;
/// The chain starts this long before the first period, seconds.
const LEAD: u64 = 8 * HOUR;
/// Minting looks at the blocks of this time behind a period, seconds.
const WINDOW: u64 = 27 * HOUR;

/// What a month is made from: the same options make the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Minting period that begins with the first block.
    pub period: u32,
    /// Length in periods: a fraction of one, or several that follow on each other.
    pub months: f64,
    /// Nodes.
    pub nodes: u32,
    /// Contracts.
    pub contracts: u32,
    /// Seed of everything that is random.
    pub seed: u64,
}

/// A month that is planned.
#[derive(Debug)]
pub struct Month {
    options: Options,
    proving: Proving,
    clock: Arc<Clock>,
    /// First second, and the second behind the last.
    span: Period,
    /// The first blocks behind the bounds of all periods: where minting reads the state.
    state_at: Vec<u32>,
}

impl Month {
    /// Plans when blocks are written.
    ///
    /// # Errors
    /// A length that makes no chain.
    pub fn new(options: Options) -> Result<Self, Error> {
        let first = Period::new(options.period);
        let span = Period { end: first.start.saturating_add(length(options.months)?), ..first };
        let clock = Clock::new(span, BLOCK_TIME, LEAD, window_blocks(), &mut rng(options.seed, 0))?;
        let mut bounds = Vec::new();
        let mut bound = span.start;
        while bound < span.end {
            bounds.push(bound);
            bound = bound.saturating_add(PERIOD);
        }
        bounds.push(span.end);
        let state_at = bounds.into_iter().map(|time| clock.height_after(time)).collect();
        Ok(Self { options, proving: Proving::default(), clock: Arc::new(clock), span, state_at })
    }

    /// The same month with other layouts of its state, and other justifications.
    pub fn with_proving(mut self, proving: Proving) -> Self {
        self.proving = proving;
        self
    }

    /// Heights of the state snapshots: the first block behind every bound of a period, ascending.
    pub fn state_at(&self) -> &[u32] {
        &self.state_at
    }

    /// Last block: that of the window behind the last period.
    pub fn last(&self) -> u32 {
        self.state_at.last().map_or(0, |last| last.saturating_add(window_blocks()))
    }

    /// The time range and its blocks, found as an exporter finds them. Several periods are no range, so that each of
    /// them is found by the times of its blocks.
    ///
    /// # Errors
    /// A length that makes no chain.
    pub fn range(&self) -> Result<Option<ExportedRange>, Error> {
        let &[first_block, last_block] = self.state_at.as_slice() else { return Ok(None) };
        let whole = self.span == Period::new(self.options.period);
        Ok(Some(ExportedRange {
            block_time_ms: self.clock.block_time_ms(),
            first_block,
            first_block_given: false,
            from: i64::try_from(self.span.start).map_err(|_| Error::BlockTime)?,
            last_block,
            last_block_given: false,
            period: whole.then_some(self.options.period),
            to: i64::try_from(self.span.end).map_err(|_| Error::BlockTime)?,
            window_blocks: window_blocks(),
        }))
    }

    /// The blocks of the chain, made one after the other.
    pub fn produce(&self) -> Producer<impl Iterator<Item = Content> + use<>> {
        let Options { nodes, contracts, seed, .. } = self.options;
        let block_time_ms = self.clock.block_time_ms();
        let mut world = World::new(Arc::clone(&self.clock), self.span);
        let grid = Grid::new(&mut world, nodes, contracts, rng(seed, 1));
        let (first, last) = world.bounds();
        let author = Author::new(&world, grid, first.midpoint(last), rng(seed, 2));
        let (first, later) = self.proving.runtimes(block_time_ms);
        Producer::new(first, vec![later], world.genesis(), author)
            .with_proving(&self.proving)
            .with_random_seals()
    }
}

/// Blocks of the window behind a period.
fn window_blocks() -> u32 {
    u32::try_from(WINDOW / BLOCK_TIME).unwrap_or(u32::MAX)
}

/// Seconds of so many periods, a multiple of the block time.
fn length(months: f64) -> Result<u64, Error> {
    // A thousandth is as fine as anyone needs, and makes whole numbers of it.
    let thousandths = format!("{:.0}", months * 1_000.0).parse::<u64>().map_err(|_| Error::Months)?;
    let seconds = PERIOD.checked_mul(thousandths).ok_or(Error::Months)? / 1_000;
    Some(seconds / BLOCK_TIME * BLOCK_TIME).filter(|seconds| *seconds > 0).ok_or(Error::Months)
}
