//! The methods of the node, one function each.

use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::{Value, json};

use crate::chain::{Block, Chain};

use super::json::{block_json, header_json, parse_hash, parse_hex, to_hex, version_json};

/// Most keys that `state_getKeysPaged` gives at once.
const MAX_KEYS: u32 = 1_000;
/// Error code of `sc-rpc` for a failed call of the client, such as an unknown block.
pub const CLIENT_ERROR: i32 = 4003;
/// Error code of `sc-rpc` for a count that is too large.
const INVALID_COUNT: i32 = 4002;

pub type Answer = Result<Value, ErrorObjectOwned>;
/// Answers a call from a chain.
pub type Method = fn(&Chain, &Params<'_>) -> Answer;

/// Every method by name.
pub const METHODS: [(&str, Method); 16] = [
    ("chain_getBlock", get_block),
    ("chain_getBlockHash", get_block_hash),
    ("chain_getFinalizedHead", get_finalized_head),
    ("chain_getHeader", get_header),
    ("rpc_methods", |_, _| Ok(json!({ "methods": METHODS.map(|(name, _)| name) }))),
    ("state_getKeysPaged", get_keys_paged),
    ("state_getMetadata", get_metadata),
    ("state_getReadProof", get_read_proof),
    ("state_getRuntimeVersion", get_runtime_version),
    ("state_getStorage", get_storage),
    ("state_queryStorageAt", query_storage_at),
    ("system_chain", |_, _| Ok(json!("Synthetic TFChain"))),
    ("system_health", |_, _| Ok(json!({ "peers": 3, "isSyncing": false, "shouldHavePeers": true }))),
    ("system_name", |_, _| Ok(json!("tfchain-simchain"))),
    ("system_properties", |_, _| Ok(json!({ "ss58Format": 42, "tokenDecimals": 7, "tokenSymbol": "TFT" }))),
    ("system_version", |_, _| Ok(json!(env!("CARGO_PKG_VERSION")))),
];

fn get_block_hash(chain: &Chain, params: &Params<'_>) -> Answer {
    let hash_at = |number: &Value| {
        let height = parse_number(number)?;
        Ok(chain.block(height).map_or(Value::Null, |block| json!(to_hex(&block.hash))))
    };
    match params.sequence().optional_next::<Value>()? {
        None | Some(Value::Null) => Ok(chain.head().map_or(Value::Null, |head| json!(to_hex(&head.hash)))),
        Some(Value::Array(numbers)) => {
            numbers.iter().map(hash_at).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Some(number) => hash_at(&number),
    }
}

fn get_finalized_head(chain: &Chain, _: &Params<'_>) -> Answer {
    Ok(chain.finalized().map_or(Value::Null, |block| json!(to_hex(&block.hash))))
}

fn get_header(chain: &Chain, params: &Params<'_>) -> Answer {
    let at = params.sequence().optional_next::<String>()?;
    Ok(find(chain, at.as_deref())?.map_or(Value::Null, |block| header_json(&block.header)))
}

fn get_block(chain: &Chain, params: &Params<'_>) -> Answer {
    let at = params.sequence().optional_next::<String>()?;
    let block = find(chain, at.as_deref())?;
    Ok(block.map_or(Value::Null, |block| block_json(block, chain.justification(block).as_ref())))
}

fn get_metadata(chain: &Chain, params: &Params<'_>) -> Answer {
    let at = params.sequence().optional_next::<String>()?;
    Ok(json!(to_hex(&state(chain, at.as_deref())?.runtime.metadata)))
}

fn get_runtime_version(chain: &Chain, params: &Params<'_>) -> Answer {
    let at = params.sequence().optional_next::<String>()?;
    Ok(version_json(&state(chain, at.as_deref())?.runtime.version()))
}

fn get_storage(chain: &Chain, params: &Params<'_>) -> Answer {
    let mut params = params.sequence();
    let key = parse_hex(&params.next::<String>()?)?;
    let at = params.optional_next::<String>()?;
    let height = state(chain, at.as_deref())?.header.number;
    Ok(value_json(chain, &key, height))
}

fn query_storage_at(chain: &Chain, params: &Params<'_>) -> Answer {
    let mut params = params.sequence();
    let keys = params.next::<Vec<String>>()?;
    let at = params.optional_next::<String>()?;
    let block = state(chain, at.as_deref())?;
    let changes = keys
        .iter()
        .map(|key| Ok(json!([key, value_json(chain, &parse_hex(key)?, block.header.number)])))
        .collect::<Result<Vec<_>, ErrorObjectOwned>>()?;
    Ok(json!([{ "block": to_hex(&block.hash), "changes": changes }]))
}

fn get_keys_paged(chain: &Chain, params: &Params<'_>) -> Answer {
    let mut params = params.sequence();
    let prefix = params.optional_next::<String>()?.map_or(Ok(vec![]), |prefix| parse_hex(&prefix))?;
    let count = params.next::<u32>()?;
    let after = params.optional_next::<String>()?.map(|key| parse_hex(&key)).transpose()?;
    let at = params.optional_next::<String>()?;
    if count > MAX_KEYS {
        let message = format!("count exceeds maximum value. value: {count}, max: {MAX_KEYS}");
        return Err(ErrorObjectOwned::owned(INVALID_COUNT, message, None::<()>));
    }
    let height = state(chain, at.as_deref())?.header.number;
    let page = usize::try_from(count).unwrap_or_default();
    let keys = chain.state(height).map(|state| state.keys(&prefix, after.as_deref(), page));
    Ok(json!(keys.unwrap_or_default().iter().map(|key| to_hex(key)).collect::<Vec<_>>()))
}

fn get_read_proof(chain: &Chain, params: &Params<'_>) -> Answer {
    let mut params = params.sequence();
    let keys = params.next::<Vec<String>>()?;
    let at = params.optional_next::<String>()?;
    let block = state(chain, at.as_deref())?;
    let keys = keys.iter().map(|key| parse_hex(key)).collect::<Result<Vec<_>, _>>()?;
    let proof = chain.state(block.header.number).map(|state| state.prove(keys.iter().map(Vec::as_slice)));
    let proof: Vec<_> = proof.unwrap_or_default().iter().map(|node| to_hex(node)).collect();
    Ok(json!({ "at": to_hex(&block.hash), "proof": proof }))
}

/// The block with a hash, the head without one; none if there is no such block.
fn find<'c>(chain: &'c Chain, at: Option<&str>) -> Result<Option<&'c Block>, ErrorObjectOwned> {
    let Some(at) = at else { return Ok(chain.head()) };
    let hash = parse_hash(at)?;
    Ok(chain.height(&hash).and_then(|height| chain.block(height)))
}

/// The block whose state is asked for; an error if there is no such block.
fn state<'c>(chain: &'c Chain, at: Option<&str>) -> Result<&'c Block, ErrorObjectOwned> {
    find(chain, at)?.ok_or_else(|| {
        let hash = at.unwrap_or_default();
        let message = format!("Client error: UnknownBlock: Header was not found in the database: {hash}");
        ErrorObjectOwned::owned(CLIENT_ERROR, message, None::<()>)
    })
}

fn value_json(chain: &Chain, key: &[u8], height: u32) -> Value {
    chain.value(key, height).map_or(Value::Null, |value| json!(to_hex(&value)))
}

/// A height, as a number or in hexadecimal.
fn parse_number(number: &Value) -> Result<u32, ErrorObjectOwned> {
    let parsed = match number {
        Value::String(text) => {
            text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok())
        }
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    parsed.ok_or_else(|| super::json::invalid_params(format!("{number} is no block number")))
}
