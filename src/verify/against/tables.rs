//! `payouts.csv`, `overview.csv` and the other tables, row by row.

use std::collections::BTreeMap;

use super::{About, Against, Difference, Sides, receipts::Nodes};
use crate::{
    report::{csv, run::tft},
    verify::{
        outputs::ResultError,
        results::{Payout, parse_payout},
    },
};

/// Compares the tables that are published.
pub(super) fn compare(sides: &Sides<'_>, nodes: &Nodes, outcome: &mut Against) -> Result<(), ResultError> {
    let tables = sides.names.keys().filter(|name| !name.starts_with("receipts/"));
    for name in tables {
        let overview = name == "overview.csv";
        let Some(here) = sides.here.get(name) else {
            if name == "payouts.csv" || overview {
                // Some rule sets write no payouts.
                outcome.compared.insert(name.clone(), 0);
                outcome.differences.push(form(name, "file", Some("there"), None));
            }
            continue;
        };
        let published = sides.published(name)?.unwrap_or_default();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (published, here) = (text(&published), text(here));
        outcome.compared.insert(name.clone(), published.lines().count());
        if published == here {
            continue;
        }
        let before = outcome.differences.len();
        match name.as_str() {
            "payouts.csv" => payouts(&published, &here, nodes, outcome),
            "overview.csv" if !outcome.fixups || published.starts_with("node id,twin id") => {
                overview_rows(sides, &published, outcome);
            }
            _ => lines(name, &published, &here, outcome),
        }
        // The order of retries says nothing: the reference implementation writes them in any.
        if outcome.differences.len() == before && rows_in_order(name, &published, &here, nodes) {
            outcome.differences.push(form(name, "order of rows", Some("another"), None));
        }
    }
    Ok(())
}

/// Whether the rows of nodes, whose order counts, are in another order.
fn rows_in_order(name: &str, published: &str, here: &str, nodes: &Nodes) -> bool {
    let kept = |text: &str| -> Vec<String> {
        let of_node = |row: &&str| {
            let memo = row.rsplit(',').next().unwrap_or_default();
            name != "payouts.csv" || !nodes.is_retry(memo)
        };
        text.lines().filter(of_node).map(str::to_owned).collect()
    };
    name != "retries.csv" && kept(published) != kept(here)
}

fn form(file: &str, field: &str, published: Option<&str>, here: Option<&str>) -> Difference {
    Difference {
        node: None,
        about: About::Form,
        file: file.to_owned(),
        field: field.to_owned(),
        published: published.map(str::to_owned),
        here: here.map(str::to_owned),
    }
}

/// Payouts by memo; what is left is paired by address, as the memo of a payout changes with its amount.
fn payouts(published: &str, here: &str, nodes: &Nodes, outcome: &mut Against) {
    let (mut theirs, mut ours) = (Rows::of(published), Rows::of(here));
    let mut push = |memo: &str, about, field: &str, published, here| {
        let node = nodes.node(memo);
        let (file, field) = ("payouts.csv".to_owned(), field.to_owned());
        outcome.differences.push(Difference { node, about, file, field, published, here });
    };
    let amount = |row: &Payout| Some(tft(row.tft.into()));
    let mut left = Vec::new();
    for (memo, row) in std::mem::take(&mut ours.by_memo) {
        let Some(other) = theirs.by_memo.remove(&memo) else {
            left.push((memo, row));
            continue;
        };
        if other.tft != row.tft {
            push(&memo, About::Reward, "amount", amount(&other), amount(&row));
        }
        if other.address != row.address {
            push(&memo, About::End, "address", Some(other.address), Some(row.address));
        }
    }
    left.sort_by_key(|(_, row)| row.line);
    for (memo, row) in left {
        let same = |other: &(&String, &Payout)| {
            other.1.address == row.address
                && (nodes.node(other.0).is_none_or(|n| Some(n) == nodes.node(&memo)))
        };
        let other = theirs.by_memo.iter().filter(same).min_by_key(|(_, other)| other.line);
        let other = other.map(|(memo, _)| memo.clone()).and_then(|memo| theirs.by_memo.remove_entry(&memo));
        match other {
            Some((other_memo, other)) => {
                if other.tft != row.tft {
                    push(&memo, About::Reward, "amount", amount(&other), amount(&row));
                }
                push(&memo, About::Row, "memo", Some(other_memo), Some(memo.clone()));
            }
            None => push(&memo, About::Row, "payout", None, amount(&row)),
        }
    }
    for (memo, row) in &theirs.by_memo {
        push(memo, About::Row, "payout", amount(row), None);
    }
    for (memo, row) in &theirs.again {
        push(memo, About::Row, "payout that is there already", amount(row), None);
    }
    for (row, count) in theirs.odd {
        if ours.odd.get(&row) != Some(&count) {
            outcome.differences.push(form("payouts.csv", "row", Some(&row), None));
        }
    }
}

/// Rows of `payouts.csv`.
#[derive(Default)]
struct Rows {
    by_memo: BTreeMap<String, Payout>,
    /// Further rows of a memo.
    again: Vec<(String, Payout)>,
    /// Lines that are no payouts, and how often they are there.
    odd: BTreeMap<String, usize>,
}

impl Rows {
    fn of(text: &str) -> Rows {
        let mut rows = Rows::default();
        for (at, line) in text.lines().enumerate() {
            match parse_payout(line, at.saturating_add(1)) {
                Some(row) => {
                    let memo = hex::encode(row.memo);
                    if let Some(first) = rows.by_memo.insert(memo.clone(), row.clone()) {
                        rows.by_memo.insert(memo.clone(), first);
                        rows.again.push((memo, row));
                    }
                }
                None => *rows.odd.entry(line.to_owned()).or_default() += 1,
            }
        }
        rows
    }
}

/// Columns of an overview before the name of the farm, which may hold commas.
const BEFORE_NAME: usize = 2;

/// The overview, cell by cell. A name of a farm may hold line feeds, so rows are found by those that are expected.
fn overview_rows(sides: &Sides<'_>, published: &str, outcome: &mut Against) {
    let mut ours = BTreeMap::new();
    let mut header = String::new();
    for node in &sides.run.replayed.nodes {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        let _ = csv::write_overview(&mut bytes, std::slice::from_ref(node), sides.run.rules);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (first, row) = text.split_once('\n').unwrap_or_default();
        first.clone_into(&mut header);
        if !row.is_empty() {
            ours.insert(node.node.id, row.to_owned());
        }
    }
    let (first, mut rest) = published.split_once('\n').unwrap_or((published, ""));
    if first != header && !ours.is_empty() {
        outcome.differences.push(form("overview.csv", "header", Some(first), Some(&header)));
    }
    let columns: Vec<&str> = header.split(',').collect();
    while !rest.is_empty() {
        let node = node_of(rest);
        let expected = node.and_then(|node| ours.get(&node));
        let row = match expected.filter(|row| rest.starts_with(row.as_str())) {
            Some(row) => row.as_str(),
            None => row_at_start(rest),
        };
        rest = rest.get(row.len()..).unwrap_or_default();
        match (node, expected) {
            (Some(node), Some(here)) => {
                if row != here {
                    cells(node, &columns, row, here, outcome);
                }
                ours.remove(&node);
            }
            (Some(node), None) => outcome.differences.push(Difference {
                node: Some(node),
                about: About::Presence,
                ..form("overview.csv", "row", Some(row.trim_end()), None)
            }),
            (None, _) => outcome.differences.push(form("overview.csv", "row", Some(row.trim_end()), None)),
        }
    }
    for (node, row) in ours {
        outcome.differences.push(Difference {
            node: Some(node),
            about: About::Presence,
            ..form("overview.csv", "row", None, Some(row.trim_end()))
        });
    }
}

/// The node of the row at the start of a text: `<node>,<twin>,`.
fn node_of(text: &str) -> Option<u32> {
    let (node, rest) = text.split_once(',')?;
    let (twin, _) = rest.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(node) && digits(twin)).then(|| node.parse().ok())?
}

/// Lines up to the next one that starts like a row.
fn row_at_start(text: &str) -> &str {
    let ends = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
    let end =
        ends.filter(|end| text.get(*end..).is_some_and(|rest| rest.is_empty() || node_of(rest).is_some()));
    end.min().and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Cells that differ, counted from both ends towards the name of the farm.
fn cells(node: u32, columns: &[&str], published: &str, here: &str, outcome: &mut Against) {
    let after = columns.len().saturating_sub(BEFORE_NAME + 1);
    let split = |row: &str| -> Vec<String> {
        let row = row.trim_end_matches('\n');
        let mut cells: Vec<&str> = row.splitn(BEFORE_NAME + 1, ',').collect();
        let rest = cells.pop().unwrap_or_default();
        let mut from_end: Vec<&str> = rest.rsplitn(after + 1, ',').collect();
        from_end.reverse();
        cells.extend(from_end);
        cells.into_iter().map(str::to_owned).collect()
    };
    let (published, here) = (split(published), split(here));
    for at in 0..published.len().max(here.len()) {
        let (one, other) = (published.get(at), here.get(at));
        if one != other {
            let column = columns.get(at).copied().unwrap_or("further cell");
            outcome.differences.push(Difference {
                node: Some(node),
                about: about(column),
                ..form("overview.csv", column, one.map(String::as_str), other.map(String::as_str))
            });
        }
    }
}

/// What a column of an overview is about.
fn about(column: &str) -> About {
    match column {
        "violation" => About::Violation,
        "measured uptime" => About::Uptime,
        "NU" | "cru used" | "mru used" | "hru used" | "sru used" | "IP used" => About::Use,
        "CU" | "SU" | "cru" | "mru" | "hru" | "sru" => About::Capacity,
        "farm name (farm id)" | "stellar address" => About::End,
        "USD reward" | "TFT reward" | "carbon offset USD generated" | "carbon offset TFT generated" => {
            About::Reward
        }
        _ => About::Node,
    }
}

/// Lines of any other table, whose order does not count.
fn lines(file: &str, published: &str, here: &str, outcome: &mut Against) {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for (text, by) in [(published, 1), (here, -1)] {
        for line in text.lines() {
            let count = counts.entry(line).or_default();
            *count = count.saturating_add(by);
        }
    }
    for (line, count) in counts {
        if count > 0 {
            outcome.differences.push(form(file, "row", Some(line), None));
        } else if count < 0 {
            outcome.differences.push(form(file, "row", None, Some(line)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_ends_where_the_next_one_starts() {
        assert_eq!(row_at_start("1,2,a\nb (3),x\n4,5,c\n"), "1,2,a\nb (3),x\n");
        assert_eq!(row_at_start("1,2,a"), "1,2,a");
        assert_eq!((node_of("12,3,x"), node_of("a,3,x"), node_of("12")), (Some(12), None, None));
    }

    #[test]
    fn cells_are_named_by_their_columns_also_behind_a_name_with_commas() {
        let columns = ["node id", "twin id", "farm name (farm id)", "measured uptime", "violation"];
        let mut outcome = Against::default();
        cells(7, &columns, "7,8,a, b (1),100,\n", "7,8,a, b (1),90,late\n", &mut outcome);
        let found: Vec<_> = outcome.differences.iter().map(|d| (d.field.as_str(), d.about)).collect();
        assert_eq!(found, [("measured uptime", About::Uptime), ("violation", About::Violation)]);
        assert_eq!(outcome.differences[0].published.as_deref(), Some("100"));
    }

    #[test]
    fn rows_of_one_memo_count_once() {
        let row = format!("G,1.0000000,{}", "ab".repeat(32));
        let rows = Rows::of(&format!("{row}\n{row}\nx\n"));
        assert_eq!((rows.by_memo.len(), rows.again.len(), rows.odd.len()), (1, 1, 1));
    }
}
