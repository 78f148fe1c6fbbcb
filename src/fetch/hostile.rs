//! A door for fuzzing: the bytes of an answer, read as every kind of answer that a node gives.

use serde_json::Value;

use super::wire;

/// Reads an answer in every way in which answers are read, and gives what came of each, in words. Any bytes are fine.
pub fn read_in_every_way(answer: &[u8]) -> String {
    let value: Value = match serde_json::from_slice(answer) {
        Ok(value) => value,
        Err(error) => return error.to_string(),
    };
    // What was asked for is taken from the answer itself, so that the checks behind the first ones are reached.
    let keys: Vec<String> = value
        .pointer("/0/changes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|change| Some(change.get(0)?.as_str()?.to_owned()))
        .collect();
    let block = value.pointer("/0/block").map(wire::hash).and_then(Result::ok).unwrap_or_default();
    let count = value.as_array().map_or(0, Vec::len);
    let heights: Vec<u32> = (0u32..).take(count).collect();
    let outcomes = [
        wire::bytes(&value).err(),
        wire::optional_bytes(&value).err(),
        wire::hash(&value).err(),
        wire::hashes(&value, &heights).err(),
        wire::moment_ms(&value).err(),
        wire::Header::parse(&value).err(),
        wire::Header::checked(&value, 1, &[0; 32], &[0; 32]).err(),
        wire::RuntimeVersion::parse(&value).err(),
        wire::storage_at(&value, &block, &keys).err(),
        wire::key_page(&value, b"", None, count).err(),
    ];
    let outcomes = outcomes.map(|outcome| outcome.unwrap_or_else(|| "read".to_owned()));
    outcomes.join("; ")
}
