//! Reads `overview.csv`, whose fields are not quoted: names of farms may hold commas and line feeds, so a row is found
//! by the receipt that it was written from.

use std::collections::BTreeMap;

use crate::{
    cli::date,
    minting::Receipt,
    report::csv::{TftAmount, UsdAmount},
};

/// A row that agrees with its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The node.
    pub node: u32,
    /// Uptime as the overview shows it, seconds.
    pub uptime: String,
    /// Text of the violation; empty if there is none.
    pub violation: String,
}

/// What an overview holds.
#[derive(Clone, Debug, Default)]
pub struct Overview<'a> {
    /// Rows by node.
    pub rows: BTreeMap<u32, Row>,
    /// Rows that agree with no receipt, with what is wrong.
    pub problems: Vec<String>,
    /// Receipts without a row.
    pub without: Vec<&'a Receipt>,
}

/// Matches the rows of an overview with receipts.
pub fn read<'a>(text: &str, receipts: impl Iterator<Item = &'a Receipt>) -> Overview<'a> {
    let mut by_node: BTreeMap<u32, Vec<&Receipt>> = BTreeMap::new();
    for receipt in receipts {
        by_node.entry(receipt.node_id).or_default().push(receipt);
    }
    let mut overview = Overview::default();
    let mut rest = text.split_once('\n').map_or("", |(_, rows)| rows);
    while !rest.is_empty() {
        let node = rest.split(',').next().and_then(|node| node.parse::<u32>().ok());
        let candidates = node.and_then(|node| by_node.get(&node)).map(Vec::as_slice).unwrap_or_default();
        match candidates.iter().find_map(|receipt| match_row(rest, receipt)) {
            Some((row, after)) => {
                if overview.rows.insert(row.node, row.clone()).is_some() {
                    overview.problems.push(format!("overview.csv: node {} has two rows", row.node));
                }
                rest = after;
            }
            None => {
                let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                overview.problems.push(match (node, candidates) {
                    (None, _) => format!("overview.csv: the row `{line}` is of no node"),
                    (Some(node), []) => format!("overview.csv: node {node} has a row and no receipt"),
                    (Some(node), _) => {
                        format!("overview.csv: the row of node {node} is not that of its receipt")
                    }
                });
                rest = after;
            }
        }
    }
    for (node, receipts) in &by_node {
        if !overview.rows.contains_key(node) {
            overview.without.extend(receipts);
        }
    }
    overview
}

/// The row at the start of a text, if it is that of a receipt, and what comes after it.
fn match_row<'t>(text: &'t str, receipt: &Receipt) -> Option<(Row, &'t str)> {
    let start = format!(
        "{},{},{} ({}),{},{},",
        receipt.node_id,
        receipt.twin_id,
        receipt.farm_name,
        receipt.farm_id,
        date(receipt.period.start),
        date(receipt.period.end)
    );
    let (cells, after) =
        text.strip_prefix(&start)?.split_once(&format!(",{}\n", receipt.stellar_payout_address))?;
    let units = &receipt.cloud_units;
    let stated = format!(
        "{:.6},{:.6},{:.6},{},{}",
        units.cu,
        units.su,
        units.nu,
        UsdAmount(receipt.reward.musd),
        TftAmount(receipt.reward.tft)
    );
    let (uptime, others) = cells.split_once(',')?;
    // Until period 46 the unit stood behind the amount.
    let others = others.strip_prefix(&stated)?;
    let others = others.strip_prefix(" TFT").unwrap_or(others).strip_prefix(',')?;
    let violation = others.rsplit(',').next()?;
    Some((Row { node: receipt.node_id, uptime: uptime.to_owned(), violation: violation.to_owned() }, after))
}
