//! Events of every pallet, decoded by metadata.

use std::io::Write;

use minting::replay::{Error, Piece, ReadPiece, Source};
use serde_json::{Map, Value};

use super::json_line;
use crate::Failure;

/// Every event of every block, or of one, as a JSON line.
pub fn events(source: &Source, only: Option<u32>, out: &mut impl Write) -> Result<(), Failure> {
    if let Some(height) = only.filter(|h| !(source.first()..=source.last()).contains(h)) {
        let (first, last) = (source.first(), source.last());
        return Err(format!("block {height} is not in the archive, which holds {first} to {last}").into());
    }
    for piece in source.pieces() {
        if only.is_some_and(|height| !(piece.first..=piece.last).contains(&height)) {
            continue;
        }
        events_of(source, piece, only, out)?;
    }
    Ok(())
}

fn events_of(source: &Source, piece: &Piece, only: Option<u32>, out: &mut impl Write) -> Result<(), Failure> {
    let ReadPiece { path, chunk, hashes } = source.read(piece)?;
    for (block, hash) in chunk.blocks().zip(&hashes) {
        if block.height == 0 || only.is_some_and(|height| height != block.height) {
            continue;
        }
        let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
        let (runtime, spec_version) = source.runtime_name(&metadata);
        let mut lines: Vec<Map<String, Value>> = Vec::new();
        let decoded = source.runtime(&metadata)?.events_json(block.events()?, |event| lines.push(event));
        for mut line in lines {
            line.insert("block".into(), block.height.into());
            line.insert("hash".into(), format!("0x{}", hex::encode(hash)).into());
            line.insert("time_ms".into(), block.time_ms.into());
            line.insert("spec_version".into(), spec_version.into());
            json_line(&Value::Object(line), out)?;
        }
        decoded.map_err(|source| Error::Block {
            path: path.clone(),
            block: block.height,
            runtime,
            source,
        })?;
    }
    Ok(())
}
