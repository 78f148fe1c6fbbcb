//! Results of runs: nodes, their uptime by day, and retries.

use std::path::Path;

use super::table::{Column, Table, TableWriter, WriteError};
use crate::{
    minting::{NodeType, Receipt, RetryReceipt},
    report::results::{NodeRow, Results},
};

/// Name of the file with a row for every node and run.
pub const NODES: &str = "nodes.parquet";
/// Name of the file with a row for every node and day.
pub const DAYS: &str = "days.parquet";
/// Name of the file with a row for every retry.
pub const RETRIES: &str = "retries.parquet";

const DAY_SECONDS: i64 = 86_400;

/// Writes the results of runs as three files.
///
/// # Errors
/// A file that cannot be written.
pub fn write_results(runs: &[Results], folder: &Path) -> Result<(), WriteError> {
    let rows: Vec<_> = runs.iter().flat_map(|run| run.nodes.iter().map(move |node| (run, node))).collect();
    one_group(&folder.join(NODES), nodes(&rows))?;
    one_group(&folder.join(DAYS), days(&rows))?;
    let retries: Vec<_> =
        runs.iter().flat_map(|run| run.retries.iter().map(move |(hash, retry)| (run, hash, retry))).collect();
    one_group(&folder.join(RETRIES), self::retries(&retries))
}

fn one_group(path: &Path, table: Table) -> Result<(), WriteError> {
    let mut writer = TableWriter::create(path, &table)?;
    writer.write(table)?;
    writer.finish()
}

/// Milliseconds of a time in seconds.
fn millis(seconds: i64) -> Option<i64> {
    seconds.checked_mul(1_000)
}

fn nodes(rows: &[(&Results, &NodeRow)]) -> Table {
    type Row<'a> = (&'a Results, &'a NodeRow);
    fn u32s(rows: &[Row<'_>], of: impl Fn(Row<'_>) -> Option<u32>) -> Column {
        Column::U32(rows.iter().map(|row| of(*row)).collect())
    }
    fn u64s(rows: &[Row<'_>], of: impl Fn(&Receipt) -> u64) -> Column {
        Column::U64(rows.iter().map(|(_, node)| node.receipt.as_ref().map(&of)).collect())
    }
    fn f64s(rows: &[Row<'_>], of: impl Fn(&Receipt) -> f64) -> Column {
        Column::F64(rows.iter().map(|(_, node)| node.receipt.as_ref().map(&of)).collect())
    }
    fn times(rows: &[Row<'_>], of: impl Fn(Row<'_>) -> Option<i64>) -> Column {
        Column::Time(rows.iter().map(|row| of(*row).and_then(millis)).collect())
    }
    fn texts(rows: &[Row<'_>], of: impl Fn(&NodeRow) -> Option<String>) -> Column {
        Column::Text(rows.iter().map(|(_, node)| of(node)).collect())
    }
    let certification = |receipt: &Receipt| match receipt.node_type {
        NodeType::Diy => "DIY".to_owned(),
        NodeType::Certified => "CERTIFIED".to_owned(),
    };
    let receipt = |node: &NodeRow, of: &dyn Fn(&Receipt) -> String| node.receipt.as_ref().map(of);
    vec![
        ("period", u32s(rows, |(run, _)| run.period.number)),
        ("period_start", times(rows, |(run, _)| Some(run.period.start))),
        ("period_end", times(rows, |(run, _)| Some(run.period.end))),
        ("partial", Column::Bool(rows.iter().map(|(run, _)| Some(run.is_partial())).collect())),
        ("node", u32s(rows, |(_, node)| Some(node.detail.node))),
        ("farm", u32s(rows, |(_, node)| Some(node.detail.farm))),
        ("farm_name", texts(rows, |node| receipt(node, &|r| r.farm_name.clone()))),
        ("twin", u32s(rows, |(_, node)| node.receipt.as_ref().map(|r| r.twin_id))),
        ("address", texts(rows, |node| receipt(node, &|r| r.stellar_payout_address.clone()))),
        ("certification", texts(rows, |node| receipt(node, &certification))),
        ("farming_policy", u32s(rows, |(_, node)| node.receipt.as_ref().and_then(|r| r.farming_policy_id))),
        ("virtualized", Column::Bool(rows.iter().map(|(_, node)| Some(node.detail.virtualized)).collect())),
        ("outcome", texts(rows, |node| Some(node.detail.outcome.clone()))),
        ("violation", texts(rows, |node| node.detail.violation.clone())),
        ("violation_block", u32s(rows, |(_, node)| node.detail.violation_block)),
        ("measured_uptime", u64s(rows, |r| r.measured_uptime)),
        (
            "needed_uptime",
            Column::U64(
                rows.iter().map(|(_, n)| n.detail.needed_uptime.and_then(|s| s.try_into().ok())).collect(),
            ),
        ),
        ("late_boots", u32s(rows, |(_, node)| Some(node.detail.late_boots))),
        ("last_report", times(rows, |(_, node)| node.detail.last_report)),
        ("cru", f64s(rows, |r| r.resource_units.cru)),
        ("mru", f64s(rows, |r| r.resource_units.mru)),
        ("hru", f64s(rows, |r| r.resource_units.hru)),
        ("sru", f64s(rows, |r| r.resource_units.sru)),
        ("cu", f64s(rows, |r| r.cloud_units.cu)),
        ("su", f64s(rows, |r| r.cloud_units.su)),
        ("nu", f64s(rows, |r| r.cloud_units.nu)),
        ("connection_price_musd", u64s(rows, |r| r.tft_connection_price)),
        ("earned_musd", u64s(rows, |r| r.reward.musd)),
        ("earned_tft_units", u64s(rows, |r| r.reward.tft)),
        ("paid_tft_units", Column::U64(rows.iter().map(|(_, node)| Some(node.paid_tft)).collect())),
        ("receipt", texts(rows, |node| node.detail.receipt.clone())),
    ]
}

fn days(rows: &[(&Results, &NodeRow)]) -> Table {
    let (mut period, mut node_id, mut day, mut uptime) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (run, node) in rows {
        for (index, seconds) in (0_i64..).zip(&node.detail.days) {
            period.push(run.period.number);
            node_id.push(Some(node.detail.node));
            let start = index.saturating_mul(DAY_SECONDS).saturating_add(run.period.start);
            day.push(millis(start));
            uptime.push(Some(*seconds));
        }
    }
    vec![
        ("period", Column::U32(period)),
        ("node", Column::U32(node_id)),
        ("day_start", Column::Time(day)),
        ("uptime", Column::U32(uptime)),
    ]
}

fn retries(rows: &[(&Results, &[u8; 32], &RetryReceipt)]) -> Table {
    let paid = |(run, _, retry): &(&Results, &[u8; 32], &RetryReceipt)| Some(run.retry_paid(retry).0);
    vec![
        ("period", Column::U32(rows.iter().map(|(run, _, _)| run.period.number).collect())),
        ("farm", Column::U32(rows.iter().map(|(_, _, retry)| Some(retry.farm_id)).collect())),
        (
            "address",
            Column::Text(rows.iter().map(|(_, _, r)| Some(r.stellar_payout_address.clone())).collect()),
        ),
        ("earned_musd", Column::U64(rows.iter().map(|(_, _, retry)| Some(retry.reward.musd)).collect())),
        ("earned_tft_units", Column::U64(rows.iter().map(|(_, _, retry)| Some(retry.reward.tft)).collect())),
        ("paid_tft_units", Column::U64(rows.iter().map(paid).collect())),
        ("receipt", Column::Text(rows.iter().map(|(_, hash, _)| Some(hex::encode(hash))).collect())),
        ("retry_for", Column::Text(rows.iter().map(|(_, _, r)| Some(r.retry_for_receipt.clone())).collect())),
    ]
}
