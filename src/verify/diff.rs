//! Compares two results: which nodes and farms, and how much TFT, are affected.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{outputs::ResultError, results::Results};
use crate::{
    minting::{FixupReceipt, NodeResult, Receipt, Retry, RetryReceipt, Rules},
    report::run::tft,
};

/// What a result says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSide {
    /// Its farm.
    pub farm: u32,
    /// Name of the farm, as somebody chose it.
    pub farm_name: String,
    /// Ten-millionths of a TFT.
    pub tft: u64,
    /// Uptime, seconds.
    pub uptime: u64,
    /// Text of its violation; empty if it has none or there is no overview.
    pub violation: String,
    /// Address of its farm.
    pub address: String,
    /// Hash of its receipt in hex.
    pub receipt: String,
}

/// One result, as far as two are compared.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Nodes.
    pub nodes: BTreeMap<u32, NodeSide>,
    /// Farm and amount of what is paid beside nodes, retries or fix-ups, by what it is paid for.
    pub others: BTreeMap<String, (u32, u64)>,
    /// Text files by name; none where a result was not written down.
    pub files: Option<BTreeMap<&'static str, String>>,
}

impl Side {
    /// What a folder says of a period.
    ///
    /// # Errors
    /// If no node, retry or fix-up of the period is there although something else is.
    pub fn of_folder(results: &Results, period: &str) -> Result<Side, ResultError> {
        let mut side = Side::default();
        let overview = results.overview_of(period);
        for (node, (hash, receipt)) in results.by_node(period) {
            let violation = overview.rows.get(&node).map(|row| row.violation.clone()).unwrap_or_default();
            side.nodes.insert(node, node_side(receipt, &hash, violation));
        }
        for retry in results.retries.get(period).into_iter().flatten().map(|(_, retry)| retry) {
            side.add_retry(retry);
        }
        for fixup in results.fixups.get(period).into_iter().flatten().map(|(_, fixup)| fixup) {
            side.add_fixup(fixup);
        }
        let mut files = BTreeMap::new();
        let tables = [
            ("overview.csv", &results.overview),
            ("retries.csv", &results.retries_csv),
            ("fixup.csv", &results.fixup_csv),
        ];
        for (name, text) in tables {
            if let Some(text) = text {
                files.insert(name, text.clone());
            }
        }
        if let Some(payouts) = &results.payouts {
            let rows =
                payouts.iter().map(|row| format!("{},{},{}\n", row.address, row.tft, hex::encode(row.memo)));
            files.insert("payouts.csv", rows.collect());
        }
        if side.nodes.is_empty() && side.others.is_empty() && files.is_empty() {
            let what =
                format!("there are no results of period {period} here; were they withheld for findings?");
            return Err(ResultError::malformed(&results.folder, what));
        }
        side.files = Some(files);
        Ok(side)
    }

    /// What a run came to that was not written down.
    pub fn of_run(nodes: &[NodeResult], retries: &[Retry], rules: &Rules) -> Side {
        let mut side = Side::default();
        for node in nodes {
            if let Some(sealed) = &node.receipt {
                let violation = node.violation.map(|v| v.text(rules.violation_texts)).unwrap_or_default();
                side.nodes.insert(node.node.id, node_side(&sealed.receipt, &sealed.hash, violation));
            }
        }
        retries.iter().for_each(|retry| side.add_retry(&retry.receipt.receipt));
        side
    }

    fn add_retry(&mut self, retry: &RetryReceipt) {
        let name = format!("retry of {}", retry.retry_for_receipt);
        let tft = if retry.stellar_payout_address.is_empty() { 0 } else { retry.reward.tft };
        self.others.insert(name, (retry.farm_id, tft));
    }

    fn add_fixup(&mut self, fixup: &FixupReceipt) {
        self.others
            .insert(format!("fix-up of node {}", fixup.node_id), (fixup.farm_id, fixup.fixup_reward.tft));
    }
}

fn node_side(receipt: &Receipt, hash: &[u8; 32], violation: String) -> NodeSide {
    NodeSide {
        farm: receipt.farm_id,
        farm_name: receipt.farm_name.clone(),
        tft: receipt.reward.tft,
        uptime: receipt.measured_uptime,
        violation,
        address: receipt.stellar_payout_address.clone(),
        receipt: hex::encode(hash),
    }
}

/// A node that the two results treat differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDiff {
    /// The node.
    pub node: u32,
    /// The first result; none if it has no receipt there.
    pub a: Option<NodeSide>,
    /// The second result.
    pub b: Option<NodeSide>,
}

impl NodeDiff {
    /// Ten-millionths of a TFT in the two results.
    pub fn tft(&self) -> (u64, u64) {
        let of = |side: &Option<NodeSide>| side.as_ref().map_or(0, |side| side.tft);
        (of(&self.a), of(&self.b))
    }

    /// What differs: `receipt` alone if it is nothing that a table shows.
    pub fn fields(&self) -> Vec<&'static str> {
        let (Some(a), Some(b)) = (&self.a, &self.b) else { return vec!["receipt"] };
        let mut fields = Vec::new();
        for (name, differs) in [
            ("tft", a.tft != b.tft),
            ("uptime", a.uptime != b.uptime),
            ("violation", a.violation != b.violation),
            ("address", a.address != b.address),
            ("farm", a.farm != b.farm),
        ] {
            if differs {
                fields.push(name);
            }
        }
        if fields.is_empty() { vec!["receipt"] } else { fields }
    }
}

/// Sums over nodes, retries and fix-ups, of a farm or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Nodes that differ.
    pub nodes: usize,
    /// Ten-millionths of a TFT in the first result.
    pub a: u128,
    /// Ten-millionths of a TFT in the second result.
    pub b: u128,
    /// The sum of differences without their signs.
    pub moved: u128,
}

impl Sums {
    fn add(&mut self, a: u64, b: u64) {
        self.a = self.a.saturating_add(a.into());
        self.b = self.b.saturating_add(b.into());
        self.moved = self.moved.saturating_add(a.abs_diff(b).into());
    }
}

/// How two results differ.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// Nodes that differ, ascending.
    pub nodes: Vec<NodeDiff>,
    /// Retries and fix-ups that differ, with their amounts in ten-millionths of a TFT.
    pub others: BTreeMap<String, (Option<u64>, Option<u64>)>,
    /// Farms of which something differs.
    pub farms: BTreeMap<u32, Sums>,
    /// Everything.
    pub totals: Sums,
    /// Tables that are in both results, or in one, and are not the same.
    pub files: Vec<&'static str>,
}

impl Diff {
    /// Compares two results.
    pub fn of(a: &Side, b: &Side) -> Diff {
        let mut diff = Diff::default();
        let mut affected = BTreeSet::new();
        let nodes: BTreeSet<u32> = a.nodes.keys().chain(b.nodes.keys()).copied().collect();
        for node in &nodes {
            let (one, other) = (a.nodes.get(node), b.nodes.get(node));
            if one != other {
                let node = NodeDiff { node: *node, a: one.cloned(), b: other.cloned() };
                let farms = [one, other].into_iter().flatten().map(|side| side.farm);
                let farms: BTreeSet<u32> = farms.collect();
                for farm in &farms {
                    diff.farms.entry(*farm).or_default().nodes += 1;
                }
                affected.extend(farms);
                diff.nodes.push(node);
            }
        }
        diff.totals.nodes = diff.nodes.len();
        let others: BTreeSet<&String> = a.others.keys().chain(b.others.keys()).collect();
        for name in &others {
            let (one, other) = (a.others.get(*name), b.others.get(*name));
            if one != other {
                affected.extend([one, other].into_iter().flatten().map(|(farm, _)| *farm));
                diff.others.insert((*name).clone(), (one.map(|o| o.1), other.map(|o| o.1)));
            }
        }
        // A farm that is affected is shown with all its nodes; one that changed hands, on each side with what it had.
        let mut add = |farm: Option<u32>, one: u64, other: u64| {
            if let Some(farm) = farm.filter(|farm| affected.contains(farm)) {
                diff.farms.entry(farm).or_default().add(one, other);
            }
        };
        for node in &nodes {
            let (one, other) = (a.nodes.get(node), b.nodes.get(node));
            let amount = |side: Option<&NodeSide>| side.map_or(0, |side| side.tft);
            let farm = |side: Option<&NodeSide>| side.map(|side| side.farm);
            diff.totals.add(amount(one), amount(other));
            if farm(one) == farm(other) {
                add(farm(one), amount(one), amount(other));
            } else {
                add(farm(one), amount(one), 0);
                add(farm(other), 0, amount(other));
            }
        }
        for name in &others {
            let (one, other) = (a.others.get(*name), b.others.get(*name));
            let amount = |side: Option<&(u32, u64)>| side.map_or(0, |side| side.1);
            diff.totals.add(amount(one), amount(other));
            add(one.or(other).map(|side| side.0), amount(one), amount(other));
        }
        if let (Some(a), Some(b)) = (&a.files, &b.files) {
            let names: BTreeSet<&'static str> = a.keys().chain(b.keys()).copied().collect();
            diff.files = names.into_iter().filter(|name| a.get(name) != b.get(name)).collect();
        }
        diff
    }

    /// Whether the results are the same.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.others.is_empty() && self.files.is_empty()
    }

    /// For machines; amounts are decimal strings of TFT.
    pub fn to_json(&self) -> Value {
        let side = |side: &Option<NodeSide>| {
            side.as_ref().map(|side| {
                json!({
                    "address": side.address,
                    "farm": side.farm,
                    "farm_name": side.farm_name,
                    "receipt": side.receipt,
                    "tft": tft(side.tft.into()),
                    "uptime": side.uptime,
                    "violation": side.violation,
                })
            })
        };
        let sums = |sums: &Sums| {
            json!({
                "a": tft(sums.a),
                "b": tft(sums.b),
                "difference": difference(sums.a, sums.b),
                "moved": tft(sums.moved),
                "nodes": sums.nodes,
            })
        };
        let nodes = self.nodes.iter().map(|node| {
            let (one, other) = node.tft();
            json!({
                "a": side(&node.a),
                "b": side(&node.b),
                "difference": difference(one.into(), other.into()),
                "fields": node.fields(),
                "node": node.node,
            })
        });
        let others = self.others.iter().map(|(name, (one, other))| {
            let amount = |units: &Option<u64>| units.map(|units| tft(units.into()));
            json!({ "a": amount(one), "b": amount(other), "what": name })
        });
        let farms = self.farms.iter().map(|(farm, of)| {
            let mut value = sums(of);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("farm".into(), (*farm).into());
            }
            value
        });
        json!({
            "equal": self.is_empty(),
            "farms": farms.collect::<Vec<_>>(),
            "files": self.files,
            "nodes": nodes.collect::<Vec<_>>(),
            "others": others.collect::<Vec<_>>(),
            "totals": sums(&self.totals),
        })
    }
}

/// What the second amount is more than the first, ten-millionths of a TFT, as a decimal number with its sign.
pub fn difference(a: u128, b: u128) -> String {
    let sign = match a.cmp(&b) {
        std::cmp::Ordering::Less => "+",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "-",
    };
    format!("{sign}{}", tft(a.abs_diff(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(farm: u32, tft: u64, violation: &str) -> NodeSide {
        NodeSide {
            farm,
            farm_name: "f".into(),
            tft,
            uptime: 7,
            violation: violation.into(),
            address: "G".into(),
            receipt: format!("{tft}{violation}"),
        }
    }

    fn result(nodes: &[(u32, NodeSide)]) -> Side {
        Side { nodes: nodes.iter().cloned().collect(), ..Side::default() }
    }

    #[test]
    fn nodes_farms_and_totals_add_up() {
        let a =
            result(&[(1, side(3, 100, "")), (2, side(3, 50, "")), (3, side(4, 10, "")), (4, side(5, 1, ""))]);
        let b = result(&[
            (1, side(3, 0, "late")),
            (2, side(3, 50, "")),
            (3, side(5, 10, "")),
            (5, side(6, 30, "")),
        ]);
        let diff = Diff::of(&a, &b);
        let fields: Vec<_> = diff.nodes.iter().map(|node| (node.node, node.fields())).collect();
        let expected =
            [(1, vec!["tft", "violation"]), (3, vec!["farm"]), (4, vec!["receipt"]), (5, vec!["receipt"])];
        assert_eq!(fields, expected);
        assert_eq!(diff.totals, Sums { nodes: 4, a: 161, b: 90, moved: 100 + 1 + 30 });
        assert_eq!(diff.farms[&3], Sums { nodes: 1, a: 150, b: 50, moved: 100 });
        assert_eq!(diff.farms[&5], Sums { nodes: 2, a: 1, b: 10, moved: 11 });
        let sum = diff.farms.values().fold((0, 0), |sum, farm| (sum.0 + farm.a, sum.1 + farm.b));
        assert_eq!(sum, (161, 90));
        assert!(!diff.is_empty() && Diff::of(&a, &a).is_empty());
    }

    #[test]
    fn differences_have_signs() {
        assert_eq!(difference(10_000_000, 5_000_000), "-0.5000000");
        assert_eq!(difference(0, 1), "+0.0000001");
        assert_eq!(difference(1, 1), "0.0000000");
    }
}
