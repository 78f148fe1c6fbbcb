//! What the chain as a whole did: when its blocks came, and how many nodes reported in them.

use crate::chain::types::Height;

/// Times between blocks from which on the chain stood still, as a multiple of the usual time between blocks.
const STALL_FACTOR: i64 = 5;

/// Part of the usual reports, in percent, below which it was not one node that was silent.
const FEW_REPORTS_PERCENT: u64 = 20;

/// Times of blocks, and uptime reports in them.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    first: Height,
    /// Time of each block, seconds since the epoch, and the number of uptime reports in it and all before it.
    blocks: Vec<(i64, u64)>,
}

/// Two blocks that follow each other far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Height of the block before the gap.
    pub block: Height,
    /// Its time, seconds since the epoch.
    pub from: i64,
    /// Time of the block after the gap.
    pub until: i64,
}

/// What the chain did while a node was silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// Gaps between blocks.
    pub stalls: Vec<Stall>,
    /// Seconds of the silence that lie in them.
    pub stalled_secs: i64,
    /// Reports of all nodes.
    pub reports: u64,
    /// Reports that all nodes usually make in a time as long.
    pub usual_reports: u64,
}

impl Meanwhile {
    /// Whether the silence, of `secs` seconds, is that of the chain: no blocks for at least half of it, or hardly a
    /// report of any node.
    pub fn is_of_the_chain(&self, secs: i64) -> bool {
        let stalled = self.stalled_secs.saturating_mul(2) >= secs;
        let few = self.reports.saturating_mul(100) < self.usual_reports.saturating_mul(FEW_REPORTS_PERCENT);
        stalled || few
    }
}

impl Activity {
    /// Starts with the block of this height.
    pub(crate) fn from(first: Height) -> Self {
        Self { first, blocks: Vec::new() }
    }

    /// Adds blocks: the time of each, and the number of uptime reports in it.
    pub(crate) fn extend(&mut self, blocks: Vec<(i64, u32)>) {
        let mut reports = self.blocks.last().map_or(0, |(_, reports)| *reports);
        for (time, in_block) in blocks {
            reports = reports.saturating_add(in_block.into());
            self.blocks.push((time, reports));
        }
    }

    /// Usual time between two blocks, seconds, at least one: the median.
    pub fn block_secs(&self) -> i64 {
        let mut gaps: Vec<i64> = self.gaps().map(|(_, from, until)| until.saturating_sub(from)).collect();
        let middle = gaps.len() / 2;
        if gaps.is_empty() {
            return 1;
        }
        let (_, median, _) = gaps.select_nth_unstable(middle);
        (*median).max(1)
    }

    /// Every time at which the chain stood still.
    pub fn stalls(&self) -> Vec<Stall> {
        let least = self.block_secs().saturating_mul(STALL_FACTOR);
        self.gaps()
            .filter(|(_, from, until)| until.saturating_sub(*from) > least)
            .map(|(block, from, until)| Stall { block, from, until })
            .collect()
    }

    /// What happened between two times, seconds since the epoch, given all stalls.
    pub fn between(&self, from: i64, until: i64, stalls: &[Stall]) -> Meanwhile {
        let stalls: Vec<Stall> =
            stalls.iter().filter(|stall| stall.from < until && stall.until > from).copied().collect();
        let stalled_secs = stalls
            .iter()
            .map(|stall| stall.until.min(until).saturating_sub(stall.from.max(from)))
            .fold(0, i64::saturating_add);
        let before = |time: i64| {
            let count = self.blocks.partition_point(|(block, _)| *block < time);
            count.checked_sub(1).and_then(|last| self.blocks.get(last)).map_or(0, |(_, reports)| *reports)
        };
        let whole = match (self.blocks.first(), self.blocks.last()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first),
            _ => 0,
        };
        let all = self.blocks.last().map_or(0, |(_, reports)| *reports);
        let part = u128::from(all) * u128::from(until.saturating_sub(from).max(0).unsigned_abs());
        let usual = part.checked_div(whole.max(0).unsigned_abs().into()).unwrap_or_default();
        Meanwhile {
            stalls,
            stalled_secs,
            // The report that ended the silence is not of the time before it.
            reports: before(until).saturating_sub(before(from.saturating_add(1))),
            usual_reports: u64::try_from(usual).unwrap_or(u64::MAX),
        }
    }

    /// Height, time and time of the next block, of every block but the last.
    fn gaps(&self) -> impl Iterator<Item = (Height, i64, i64)> + '_ {
        let heights = (0..).map(|offset: u32| self.first.saturating_add(offset));
        heights
            .zip(self.blocks.iter().zip(self.blocks.iter().skip(1)))
            .map(|(height, ((from, _), (until, _)))| (height, *from, *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block every 6 seconds with a report in every second one, but for ten minutes without a block.
    fn activity() -> Activity {
        let mut activity = Activity::from(100);
        activity.extend(
            (0..1_000)
                .map(|n| (1_000 + n * 6 + if n > 500 { 600 } else { 0 }, u32::from(n % 2 == 0)))
                .collect(),
        );
        activity
    }

    #[test]
    fn a_gap_between_blocks_is_a_stall() {
        let activity = activity();
        assert_eq!(activity.block_secs(), 6);
        assert_eq!(activity.stalls(), [Stall { block: 600, from: 4_000, until: 4_606 }]);
    }

    #[test]
    fn a_silence_of_the_chain_is_not_that_of_a_node() {
        let activity = activity();
        let stalls = activity.stalls();
        let in_stall = activity.between(3_990, 4_620, &stalls);
        assert_eq!(in_stall.stalled_secs, 606);
        assert!(in_stall.is_of_the_chain(630));
        let elsewhere = activity.between(1_000, 3_400, &stalls);
        assert_eq!((elsewhere.stalled_secs, elsewhere.reports), (0, 199));
        assert!(!elsewhere.is_of_the_chain(2_400));
    }

    #[test]
    fn blocks_without_any_report_are_no_fault_of_a_node() {
        let mut activity = Activity::from(1);
        activity.extend((0..1_000).map(|n| (n * 6, u32::from(!(400..600).contains(&n)))).collect());
        let meanwhile = activity.between(2_406, 3_594, &activity.stalls());
        assert_eq!(meanwhile.reports, 0);
        assert!(meanwhile.is_of_the_chain(1_188));
    }
}
