//! JSON answers of a node, turned into bytes. Whatever a node sends, the outcome is bytes or words.

use serde::Deserialize;
use serde_json::Value;

use crate::archive::{Hash, header};

/// Why an answer is none.
pub(super) type Wrong = String;

/// Logs of a digest; a block of TFChain has a handful.
const DIGEST_LOGS_MAX: usize = 1 << 14;

/// The bytes of `0x…`.
pub(super) fn bytes(value: &Value) -> Result<Vec<u8>, Wrong> {
    let text = value.as_str().ok_or_else(|| format!("expected a hex string, got {}", kind(value)))?;
    let digits = text.strip_prefix("0x").ok_or("a hex string does not begin with 0x")?;
    hex::decode(digits).map_err(|e| format!("a hex string is malformed: {e}"))
}

/// The bytes of `0x…`, or none for null.
pub(super) fn optional_bytes(value: &Value) -> Result<Option<Vec<u8>>, Wrong> {
    if value.is_null() { Ok(None) } else { bytes(value).map(Some) }
}

/// A hash of 32 bytes.
pub(super) fn hash(value: &Value) -> Result<Hash, Wrong> {
    let bytes = bytes(value)?;
    Hash::try_from(bytes.as_slice()).map_err(|_| format!("expected a hash of 32 bytes, got {}", bytes.len()))
}

/// `0x…` as nodes write it.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The hashes answered to a list of heights, as `chain_getBlockHash` answers a list.
pub(super) fn hashes(value: &Value, heights: &[u32]) -> Result<Vec<Hash>, Wrong> {
    let list = value.as_array().ok_or_else(|| format!("expected a list of hashes, got {}", kind(value)))?;
    if list.len() != heights.len() {
        return Err(format!("{} hashes for {} heights", list.len(), heights.len()));
    }
    let hash_of = |(value, height): (&Value, &u32)| match value {
        Value::Null => Err(format!("it does not know block {height}")),
        value => hash(value),
    };
    list.iter().zip(heights).map(hash_of).collect()
}

/// The value of `Timestamp.Now`, or none for null.
pub(super) fn moment_ms(value: &Value) -> Result<Option<u64>, Wrong> {
    optional_bytes(value)?.map(|bytes| moment_of(&bytes)).transpose()
}

/// A moment of `Timestamp.Now`: milliseconds since the epoch, a little-endian `u64`.
pub(super) fn moment_of(bytes: &[u8]) -> Result<u64, Wrong> {
    let moment = <[u8; 8]>::try_from(bytes)
        .map_err(|_| format!("Timestamp.Now has {} bytes instead of 8", bytes.len()))?;
    Ok(u64::from_le_bytes(moment))
}

/// A header as the node tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) parent_hash: Hash,
    pub(super) number: u32,
    pub(super) state_root: Hash,
    pub(super) extrinsics_root: Hash,
    /// SCALE: compact number of logs, then the logs.
    pub(super) digest: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeaderJson {
    parent_hash: Value,
    number: String,
    state_root: Value,
    extrinsics_root: Value,
    digest: DigestJson,
}

#[derive(Deserialize)]
struct DigestJson {
    logs: Vec<Value>,
}

impl Header {
    /// The header of an answer of `chain_getHeader`.
    pub(super) fn parse(value: &Value) -> Result<Header, Wrong> {
        if value.is_null() {
            return Err("it does not know the block of a hash it gave itself".to_owned());
        }
        let json = HeaderJson::deserialize(value).map_err(|e| format!("the header is malformed: {e}"))?;
        let number = json
            .number
            .strip_prefix("0x")
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| format!("the header has the number {:?}", json.number))?;
        let logs = json.digest.logs;
        if logs.len() > DIGEST_LOGS_MAX {
            return Err(format!("the header has {} digest logs", logs.len()));
        }
        let mut digest = compact(u32::try_from(logs.len()).map_err(|e| e.to_string())?);
        for log in &logs {
            digest.extend(bytes(log)?);
        }
        Ok(Header {
            parent_hash: hash(&json.parent_hash)?,
            number,
            state_root: hash(&json.state_root)?,
            extrinsics_root: hash(&json.extrinsics_root)?,
            digest,
        })
    }

    /// The header of `number`, which must hash to `expected` and follow `parent`.
    pub(super) fn checked(
        value: &Value,
        number: u32,
        expected: &Hash,
        parent: &Hash,
    ) -> Result<Header, Wrong> {
        let header = Header::parse(value)?;
        if header.number != number {
            return Err(format!("the header says that it is block {}", header.number));
        }
        if header.parent_hash != *parent {
            return Err(format!(
                "the header follows {}, not {}, the hash of the block before",
                to_hex(&header.parent_hash),
                to_hex(parent)
            ));
        }
        let hash = header.hash();
        if hash != *expected {
            return Err(format!("the header hashes to {}, not to {}", to_hex(&hash), to_hex(expected)));
        }
        Ok(header)
    }

    /// The header of `number`, which must hash to `expected`.
    pub(super) fn of_block(value: &Value, number: u32, expected: &Hash) -> Result<Header, Wrong> {
        let parent = Header::parse(value)?.parent_hash;
        Header::checked(value, number, expected, &parent)
    }

    fn hash(&self) -> Hash {
        header::hash(&self.parent_hash, self.number, &self.state_root, &self.extrinsics_root, &self.digest)
    }
}

fn compact(n: u32) -> Vec<u8> {
    use parity_scale_codec::{Compact, Encode};
    Compact(n).encode()
}

/// What a runtime says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuntimeVersion {
    pub(super) spec_version: u32,
    /// Layout of the state trie; runtimes that do not say have the first one.
    pub(super) state_version: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeVersionJson {
    spec_version: u32,
    #[serde(default)]
    state_version: u8,
}

impl RuntimeVersion {
    /// The version of an answer of `state_getRuntimeVersion`.
    pub(super) fn parse(value: &Value) -> Result<RuntimeVersion, Wrong> {
        let json = RuntimeVersionJson::deserialize(value)
            .map_err(|e| format!("the runtime version is malformed: {e}"))?;
        Ok(RuntimeVersion { spec_version: json.spec_version, state_version: json.state_version })
    }
}

#[derive(Deserialize)]
struct ChangeSetJson {
    block: Value,
    changes: Vec<(String, Value)>,
}

/// The values of `keys` at one block, in the order of the keys, as `state_queryStorageAt` answers.
pub(super) fn storage_at(
    value: &Value,
    block: &Hash,
    keys: &[String],
) -> Result<Vec<Option<Vec<u8>>>, Wrong> {
    let sets = Vec::<ChangeSetJson>::deserialize(value)
        .map_err(|e| format!("the storage values are malformed: {e}"))?;
    let [set] = sets.as_slice() else {
        return Err(format!("storage values of {} blocks instead of one", sets.len()));
    };
    if hash(&set.block)? != *block {
        return Err(format!("storage values of another block than {}", to_hex(block)));
    }
    if set.changes.len() != keys.len() {
        return Err(format!("{} storage values for {} keys", set.changes.len(), keys.len()));
    }
    // Nodes answer in the order asked. Demanding it also rules out missing and doubled keys.
    keys.iter()
        .zip(&set.changes)
        .map(|(asked, (answered, value))| {
            if !asked.eq_ignore_ascii_case(answered) {
                return Err(format!("a storage value of {answered:.70} instead of {asked}"));
            }
            optional_bytes(value)
        })
        .collect()
}

#[derive(Deserialize)]
struct ReadProofJson {
    at: Value,
    proof: Vec<Value>,
}

/// The nodes of a proof at one block, as `state_getReadProof` answers.
pub(super) fn read_proof(value: &Value, block: &Hash) -> Result<Vec<Vec<u8>>, Wrong> {
    let json = ReadProofJson::deserialize(value).map_err(|e| format!("the proof is malformed: {e}"))?;
    if hash(&json.at)? != *block {
        return Err(format!("a proof at another block than {}", to_hex(block)));
    }
    json.proof.iter().map(bytes).collect()
}

/// One page of keys: each begins with `prefix`, and they ascend from `after`.
pub(super) fn key_page(
    value: &Value,
    prefix: &[u8],
    after: Option<&[u8]>,
    count_max: usize,
) -> Result<Vec<Vec<u8>>, Wrong> {
    let list = value.as_array().ok_or_else(|| format!("expected a list of keys, got {}", kind(value)))?;
    if list.len() > count_max {
        return Err(format!("{} keys where at most {count_max} were asked for", list.len()));
    }
    let keys: Vec<Vec<u8>> = list.iter().map(bytes).collect::<Result<_, _>>()?;
    let mut last = after;
    for key in &keys {
        if !key.starts_with(prefix) {
            return Err(format!("the key {} does not begin with {}", to_hex(key), to_hex(prefix)));
        }
        if last.is_some_and(|last| key.as_slice() <= last) {
            return Err(format!("the key {} is out of order", to_hex(key)));
        }
        last = Some(key);
    }
    Ok(keys)
}

/// The JSON type of a value, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn h(byte: u8) -> String {
        to_hex(&[byte; 32])
    }

    fn header_json(number: &str) -> Value {
        json!({
            "parentHash": h(1), "number": number, "stateRoot": h(2), "extrinsicsRoot": h(3),
            "digest": {"logs": ["0x0661757261", "0x0561"]}
        })
    }

    #[test]
    fn hex_is_strict() {
        assert_eq!(bytes(&json!("0x")).unwrap(), Vec::<u8>::new());
        assert_eq!(bytes(&json!("0x00fF")).unwrap(), [0, 255]);
        for bad in [json!("00"), json!("0x0"), json!("0xzz"), json!(null), json!(7), json!(["0x00"])] {
            assert!(bytes(&bad).is_err(), "{bad}");
        }
        assert!(hash(&json!("0x00")).is_err());
    }

    #[test]
    fn lists_of_hashes_are_counted() {
        assert_eq!(hashes(&json!([h(1), h(2)]), &[5, 6]).unwrap(), [[1; 32], [2; 32]]);
        assert!(hashes(&json!([h(1)]), &[5, 6]).unwrap_err().contains("1 hashes for 2 heights"));
        assert!(hashes(&json!([h(1), null]), &[5, 6]).unwrap_err().contains("does not know block 6"));
        assert!(hashes(&json!(h(1)), &[5]).is_err());
    }

    #[test]
    fn a_header_becomes_bytes() {
        let header = Header::parse(&header_json("0x3c")).unwrap();
        assert_eq!((header.number, header.parent_hash), (60, [1; 32]));
        assert_eq!(header.digest, [8, 6, b'a', b'u', b'r', b'a', 5, b'a']);
        assert_eq!(Header::parse(&header_json("0x0000003c")).unwrap().number, 60);
        for bad in ["60", "0x", "0x+1", "0x100000000", "0x-1"] {
            assert!(Header::parse(&header_json(bad)).is_err(), "{bad}");
        }
        assert!(Header::parse(&json!(null)).is_err());
        assert!(Header::parse(&json!({"number": "0x1"})).is_err());
    }

    #[test]
    fn a_header_that_lies_is_found() {
        let json = header_json("0x3c");
        let hash = Header::parse(&json).unwrap().hash();
        assert!(Header::checked(&json, 60, &hash, &[1; 32]).is_ok());
        assert!(Header::checked(&json, 61, &hash, &[1; 32]).unwrap_err().contains("block 60"));
        assert!(Header::checked(&json, 60, &[9; 32], &[1; 32]).unwrap_err().contains("hashes to"));
        assert!(Header::checked(&json, 60, &hash, &[9; 32]).unwrap_err().contains("follows"));
    }

    #[test]
    fn storage_values_belong_to_the_block_and_the_keys_asked_for() {
        let keys = ["0xaa".to_owned(), "0xbb".to_owned()];
        let answer = |block: String, changes: Value| json!([{"block": block, "changes": changes}]);
        let good = answer(h(1), json!([["0xaa", "0x01"], ["0xBB", null]]));
        assert_eq!(storage_at(&good, &[1; 32], &keys).unwrap(), [Some(vec![1]), None]);
        for bad in [
            answer(h(2), json!([["0xaa", "0x01"], ["0xbb", null]])),
            answer(h(1), json!([["0xaa", "0x01"]])),
            answer(h(1), json!([["0xaa", "0x01"], ["0xcc", null]])),
            answer(h(1), json!([["0xaa", "0x01"], ["0xaa", "0x01"]])),
            answer(h(1), json!([["0xaa", "0x1"], ["0xbb", null]])),
            json!([]),
            json!(null),
        ] {
            assert!(storage_at(&bad, &[1; 32], &keys).is_err(), "{bad}");
        }
    }

    #[test]
    fn proofs_are_of_the_block_asked_for() {
        let good = json!({"at": h(1), "proof": ["0x01", "0x0203"]});
        assert_eq!(read_proof(&good, &[1; 32]).unwrap(), [vec![1], vec![2, 3]]);
        for bad in [
            json!({"at": h(2), "proof": []}),
            json!({"at": h(1), "proof": ["01"]}),
            json!({"at": h(1), "proof": [null]}),
            json!({"at": h(1)}),
            json!(null),
        ] {
            assert!(read_proof(&bad, &[1; 32]).is_err(), "{bad}");
        }
    }

    #[test]
    fn key_pages_ascend_below_their_prefix() {
        let page = |keys: Value| key_page(&keys, &[0xaa], Some(&[0xaa, 2]), 2);
        assert_eq!(page(json!(["0xaa03", "0xaa04"])).unwrap(), [vec![0xaa, 3], vec![0xaa, 4]]);
        assert_eq!(page(json!([])).unwrap(), Vec::<Vec<u8>>::new());
        for bad in [
            json!(["0xaa02"]),
            json!(["0xaa04", "0xaa03"]),
            json!(["0xab04"]),
            json!(["0xaa03", "0xaa04", "0xaa05"]),
            json!(null),
        ] {
            assert!(page(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments_have_eight_bytes() {
        assert_eq!(moment_ms(&json!("0x90ecfdb089010000")).unwrap(), Some(1_690_891_578_512));
        assert_eq!(moment_ms(&json!(null)).unwrap(), None);
        assert!(moment_ms(&json!("0x90ecfdb0890100")).is_err());
    }

    #[test]
    fn runtimes_before_state_versions_have_the_first_one() {
        let parse = |value| RuntimeVersion::parse(&value);
        let version = parse(json!({"specVersion": 31, "specName": "x"})).unwrap();
        assert_eq!(version, RuntimeVersion { spec_version: 31, state_version: 0 });
        assert_eq!(parse(json!({"specVersion": 31, "stateVersion": 1})).unwrap().state_version, 1);
        assert!(parse(json!({"specVersion": -1})).is_err());
        assert!(parse(json!(null)).is_err());
    }
}
