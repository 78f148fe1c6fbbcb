//! Receipts, file by file: what both sides have with the same bytes is equal, what is left is paired by node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{About, Against, Difference, Sides};
use crate::{
    archive::header::blake2_256,
    minting::{FixupReceipt, Receipt, RetryReceipt},
    verify::outputs::ResultError,
};

/// What every receipt is of, by its hash in hex: the memo of its payout.
#[derive(Default)]
pub(super) struct Nodes {
    /// The node, and whether the receipt is that of a retry.
    by_memo: BTreeMap<String, (Option<u32>, bool)>,
}

impl Nodes {
    /// The node of a receipt.
    pub(super) fn node(&self, memo: &str) -> Option<u32> {
        self.by_memo.get(memo).and_then(|(node, _)| *node)
    }

    /// Whether the receipt is that of a retry.
    pub(super) fn is_retry(&self, memo: &str) -> bool {
        self.by_memo.get(memo).is_some_and(|(_, retry)| *retry)
    }
}

/// Compares the receipts of the period; gives the nodes of all receipts of both sides.
pub(super) fn compare(sides: &Sides<'_>, outcome: &mut Against) -> Result<Nodes, ResultError> {
    let mut nodes = Nodes::default();
    let folder = sides.run.period.folder();
    let there = sides.names.keys().any(|name| name.starts_with("receipts/"))
        || sides.folder.join("receipts").is_dir();
    for kind in ["", "retries/", "fixed/"] {
        let start = format!("receipts/{kind}{folder}/");
        let of = |name: &&String| name.starts_with(&start);
        let mut left = Left::default();
        for (name, bytes) in sides.here.iter().filter(|(name, _)| of(name)) {
            let key = Key::of(kind, bytes, sides);
            nodes.by_memo.insert(hash_of(name).to_owned(), (key.node, kind == "retries/"));
            if there && sides.published(name)?.as_ref() != Some(bytes) {
                left.here.insert(name.clone(), (key, bytes.clone()));
            }
        }
        let mut published = 0;
        for name in sides.names.keys().filter(of) {
            let bytes = sides.published(name)?.unwrap_or_default();
            let key = Key::of(kind, &bytes, sides);
            published += 1;
            nodes.by_memo.entry(hash_of(name).to_owned()).or_insert((key.node, kind == "retries/"));
            let content = hex::encode(blake2_256(&[&bytes]));
            if content != hash_of(name) {
                // The node is that of the receipt which has this name.
                let node = left.here.get(name).map_or(key.node, |(here, _)| here.node.or(key.node));
                outcome.differences.push(Difference {
                    node,
                    about: About::Form,
                    file: name.clone(),
                    field: "hash of the content".into(),
                    published: Some(content),
                    here: Some(hash_of(name).to_owned()),
                });
            }
            let corrected = kind.is_empty() && sides.corrected.contains(hash_of(name));
            if sides.here.get(name) != Some(&bytes) && !corrected {
                left.published.insert(name.clone(), (key, bytes));
            }
        }
        // A correction may leave out the right receipts, of which its fix-ups hold the hashes.
        let of_here = sides.names.keys().any(|name| of(&name) && sides.here.contains_key(name));
        if kind.is_empty() && !sides.corrected.is_empty() && !of_here {
            left.here.clear();
        }
        if there && (published > 0 || !left.here.is_empty()) {
            outcome.compared.insert(start.trim_end_matches('/').to_owned(), published);
        }
        left.pair(kind, outcome);
    }
    Ok(nodes)
}

/// The last part of a name.
fn hash_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// What a receipt is of: two with the same key say the same thing in different words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    node: Option<u32>,
    /// The receipt that a retry pays again.
    retry: Option<String>,
}

impl Key {
    fn of(kind: &str, bytes: &[u8], sides: &Sides<'_>) -> Key {
        match kind {
            "" => Key { node: Receipt::parse(bytes).ok().map(|receipt| receipt.node_id), retry: None },
            "fixed/" => Key { node: FixupReceipt::parse(bytes).ok().map(|fixup| fixup.node_id), retry: None },
            _ => {
                let retry = RetryReceipt::parse(bytes).ok().map(|retry| retry.retry_for_receipt);
                let node = retry.as_ref().and_then(|failed| {
                    let mut hash = [0; 32];
                    hex::decode_to_slice(failed, &mut hash).ok()?;
                    let previous = sides.run.previous?;
                    let minted = previous.minting.get(&hash).map(|receipt| receipt.node_id);
                    minted.or_else(|| previous.fixups.get(&hash).map(|fixup| fixup.node_id))
                });
                Key { node, retry }
            }
        }
    }

    fn is_of_something(&self) -> bool {
        self.node.is_some() || self.retry.is_some()
    }
}

/// Receipts that are not on both sides with the same bytes, by name.
#[derive(Default)]
struct Left {
    here: BTreeMap<String, (Key, Vec<u8>)>,
    published: BTreeMap<String, (Key, Vec<u8>)>,
}

impl Left {
    fn pair(mut self, kind: &str, outcome: &mut Against) {
        for (name, (key, bytes)) in self.here {
            // One of the same name was changed after it was written; else one of the same node counts.
            let same_name = self.published.contains_key(&name).then(|| name.clone());
            let other = same_name.or_else(|| {
                let same = |of: &Key| key.is_of_something() && *of == key;
                self.published.iter().find(|(_, (of, _))| same(of)).map(|(name, _)| name.clone())
            });
            match other.and_then(|other| self.published.remove_entry(&other)) {
                Some((other, (_, published))) => {
                    fields(key.node, kind, &other, &published, &bytes, outcome);
                }
                None => outcome.differences.push(presence(key.node, kind, &name, false)),
            }
        }
        for (name, (key, _)) in self.published {
            outcome.differences.push(presence(key.node, kind, &name, true));
        }
    }
}

/// A receipt that one side has.
fn presence(node: Option<u32>, kind: &str, name: &str, published: bool) -> Difference {
    let hash = Some(hash_of(name).to_owned());
    let (published, here) = if published { (hash, None) } else { (None, hash) };
    let about = if kind.is_empty() { About::Presence } else { About::Row };
    Difference { node, about, file: name.to_owned(), field: "receipt".into(), published, here }
}

/// Every field in which two receipts of one thing differ.
fn fields(node: Option<u32>, kind: &str, file: &str, published: &[u8], here: &[u8], outcome: &mut Against) {
    let parsed = |bytes: &[u8]| -> Option<BTreeMap<String, String>> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let mut flat = BTreeMap::new();
        flatten("", &value, &mut flat);
        Some(flat)
    };
    let mut push = |about, field: &str, published: Option<String>, here: Option<String>| {
        let (file, field) = (file.to_owned(), field.to_owned());
        outcome.differences.push(Difference { node, about, file, field, published, here });
    };
    let (Some(a), Some(b)) = (parsed(published), parsed(here)) else {
        let text = String::from_utf8_lossy(published).chars().take(80).collect();
        return push(About::Presence, "content", Some(text), Some(hash_of(file).to_owned()));
    };
    let mut same = true;
    for field in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let (one, other) = (a.get(field), b.get(field));
        if one != other {
            same = false;
            let about = if kind.is_empty() { about(field) } else { About::Reward };
            push(about, field, one.cloned(), other.cloned());
        }
    }
    if same {
        let shown = |bytes: &[u8]| Some(hex::encode(blake2_256(&[bytes])));
        push(About::Form, "bytes", shown(published), shown(here));
    }
}

/// Values of a JSON object by their path.
fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, flat);
            }
        }
        Value::String(text) => {
            flat.insert(path.to_owned(), text.clone());
        }
        // Integers stay exact, floats are shown in their shortest form.
        other => {
            flat.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What a field of a receipt is about.
fn about(field: &str) -> About {
    let (start, rest) = field.split_once('.').unwrap_or((field, ""));
    match (start, rest) {
        ("measured_uptime", _) => About::Uptime,
        ("resource_utilization", _) | ("cloud_units", "nu") => About::Use,
        ("resource_units" | "cloud_units", _) => About::Capacity,
        ("reward" | "carbon_offset", _) => About::Reward,
        ("farm_name" | "stellar_payout_address" | "resource_rewards", _) => About::End,
        _ => About::Node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_by_what_they_follow_from() {
        for (field, expected) in [
            ("measured_uptime", About::Uptime),
            ("cloud_units.nu", About::Use),
            ("cloud_units.cu", About::Capacity),
            ("reward.tft", About::Reward),
            ("farm_name", About::End),
            ("twin_id", About::Node),
        ] {
            assert_eq!(about(field), expected, "{field}");
        }
        assert!(About::Violation < About::Uptime && About::Uptime < About::Reward);
    }

    #[test]
    fn values_keep_their_paths_and_large_integers_their_digits() {
        let mut flat = BTreeMap::new();
        flatten("", &serde_json::json!({ "a": { "b": u64::MAX, "c": "x" }, "d": null }), &mut flat);
        let flat: Vec<_> = flat.iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(flat, ["a.b=18446744073709551615", "a.c=x", "d=null"]);
    }
}
