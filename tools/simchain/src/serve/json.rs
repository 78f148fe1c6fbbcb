//! How the node writes blocks, versions and bytes as JSON, and reads them.

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::INVALID_PARAMS_CODE;
use parity_scale_codec::{Compact, Encode};
use serde_json::{Value, json};

use crate::chain::Block;
use crate::finality::{self, Justification};
use crate::hash::Hash;
use crate::header::Header;
use crate::types::system::RuntimeVersion;

/// Bytes in hexadecimal, with `0x`. Most of what the node does is this, so it is done in one pass.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = vec![b'0'; bytes.len().saturating_mul(2).saturating_add(2)];
    let (prefix, digits) = text.split_at_mut(2);
    prefix.copy_from_slice(b"0x");
    // `digits` has two characters for every byte, so that this can not fail.
    let _ = hex::encode_to_slice(bytes, digits);
    String::from_utf8(text).unwrap_or_default()
}

/// Reads bytes in hexadecimal, with `0x`.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, ErrorObjectOwned> {
    let digits = text.strip_prefix("0x").ok_or_else(|| invalid_params(format!("{text:?} lacks 0x")))?;
    hex::decode(digits).map_err(|error| invalid_params(format!("{text:?} is no hexadecimal: {error}")))
}

/// Reads a hash in hexadecimal.
pub fn parse_hash(text: &str) -> Result<Hash, ErrorObjectOwned> {
    let bytes = parse_hex(text)?;
    Hash::try_from(bytes).map_err(|_| invalid_params(format!("{text:?} has not 32 bytes")))
}

/// The error for parameters that make no sense.
pub fn invalid_params(message: String) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INVALID_PARAMS_CODE, format!("Invalid params: {message}"), None::<()>)
}

/// A header as `chain_getHeader` answers it.
pub fn header_json(header: &Header) -> Value {
    let logs: Vec<_> = header.digest.iter().map(|item| to_hex(&item.encode())).collect();
    json!({
        "parentHash": to_hex(&header.parent_hash),
        "number": format!("{:#x}", header.number),
        "stateRoot": to_hex(&header.state_root),
        "extrinsicsRoot": to_hex(&header.extrinsics_root),
        "digest": { "logs": logs },
    })
}

/// A block as `chain_getBlock` answers it; of its extrinsics only the one that sets the time is shown.
pub fn block_json(block: &Block, justification: Option<&Justification>) -> Value {
    let mut extrinsics = Vec::new();
    if block.time_ms > 0 {
        // Version 4 and unsigned; the pallet Timestamp; the call `set`.
        let call = ([4u8, 1, 0], Compact(block.time_ms)).encode();
        extrinsics.push(to_hex(&call.encode()));
    }
    json!({
        "block": { "header": header_json(&block.header), "extrinsics": extrinsics },
        "justifications": justifications_json(justification),
    })
}

/// The justification of a block, with its engine, both as lists of numbers; null if there is none.
pub fn justifications_json(justification: Option<&Justification>) -> Value {
    json!(justification.map(|justification| [(finality::ENGINE, justification.encode())]))
}

/// A version as `state_getRuntimeVersion` answers it.
pub fn version_json(version: &RuntimeVersion) -> Value {
    let apis: Vec<_> = version.apis.iter().map(|(id, version)| json!([to_hex(id), version])).collect();
    json!({
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": apis,
        "transactionVersion": version.transaction_version,
        "stateVersion": version.state_version,
    })
}
