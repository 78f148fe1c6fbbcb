//! Invariants of receipts by themselves, and of the overview of them.

use std::collections::BTreeMap;

use super::{Subject, Tally};
use crate::{
    minting::{PERIOD_SECONDS, Span},
    verify::results::period_of_folder,
};

/// Uptime may be longer than the period by this part of it, one in so many: reports come every 41 minutes, and each may
/// run ahead of the chain's clock by a minute. A report in the first block after the period may add some seconds.
const GRACE_PART: u64 = 40;

pub(super) fn period(subject: &Subject<'_>) -> Tally {
    let results = subject.results;
    let mut tally = Tally::default();
    let minting = results.minting.iter().flat_map(|(folder, receipts)| {
        receipts.iter().map(move |(hash, receipt)| (folder, hash, receipt.period))
    });
    let fixups = results.fixups.iter().flat_map(|(folder, receipts)| {
        receipts.iter().map(move |(hash, receipt)| (folder, hash, receipt.period))
    });
    let retries = results.retries.iter().flat_map(|(folder, receipts)| {
        receipts.iter().map(move |(hash, receipt)| (folder, hash, receipt.retry_period))
    });
    for (folder, hash, Span { start, end }) in minting.chain(fixups).chain(retries) {
        // Until period 72 the period of a node that was new started with the node.
        let fits = period_of_folder(folder)
            .is_some_and(|period| end == period.end && start >= period.start && start < period.end);
        tally.expect(fits, || {
            format!("receipt {} lies in {folder}, its period is {start}..{end}", hex::encode(hash))
        });
    }
    tally
}

pub(super) fn one_a_node(subject: &Subject<'_>) -> Tally {
    if subject.results.is_correction() {
        return Tally::left_out("a correction keeps the receipt that was wrong beside the right one");
    }
    let mut tally = Tally::default();
    for (folder, receipts) in &subject.results.minting {
        let mut nodes: BTreeMap<u32, String> = BTreeMap::new();
        for (hash, receipt) in receipts {
            let hash = hex::encode(hash);
            let before = nodes.insert(receipt.node_id, hash.clone());
            tally.expect(before.is_none(), || {
                let before = before.unwrap_or_default();
                format!("node {} has two receipts in {folder}, {before} and {hash}", receipt.node_id)
            });
        }
    }
    tally
}

pub(super) fn uptime(subject: &Subject<'_>) -> Tally {
    let mut tally = Tally::default();
    for (folder, receipts) in &subject.results.minting {
        let whole = PERIOD_SECONDS.unsigned_abs();
        let length = period_of_folder(folder).map_or(whole, |period| period.duration());
        for (hash, receipt) in receipts {
            tally.expect(receipt.measured_uptime <= length.saturating_add(length / GRACE_PART), || {
                format!(
                    "receipt {}, node {}: an uptime of {} s in a period of {length} s",
                    hex::encode(hash),
                    receipt.node_id,
                    receipt.measured_uptime
                )
            });
        }
    }
    tally
}

pub(super) fn overview(subject: &Subject<'_>) -> Tally {
    let results = subject.results;
    let Some(text) = &results.overview else { return Tally::left_out("there is no overview.csv") };
    if text.starts_with("node id,farm id") {
        return Tally::left_out("the overview of this correction is a table of fix-ups");
    }
    if results.minting.get(subject.period).is_none_or(BTreeMap::is_empty) {
        return Tally::left_out(format!("there are no minting receipts of period {}", subject.period));
    }
    let overview = results.overview_of(subject.period);
    let mut tally = Tally { checked: overview.rows.len(), problems: overview.problems, left_out: None };
    if !results.is_correction() {
        let without = overview.without.iter();
        tally.problems.extend(
            without.map(|receipt| format!("overview.csv: node {} has a receipt and no row", receipt.node_id)),
        );
    }
    tally
}
