//! `minting-replay inspect`

use std::io::{self, BufWriter, Write};

use minting::{
    cli::{Exit, escape},
    replay::{Error, Piece, ReadPiece, Source},
};
use serde_json::{Map, Value};

use super::{Failure, args::InspectArgs};

pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    let source = Source::open(std::slice::from_ref(&args.archive))?;
    let mut out = BufWriter::new(io::stdout().lock());
    match (args.raw_state, args.at) {
        (true, Some(height)) => raw_state(&source, height, &mut out)?,
        _ if args.events || args.block.is_some() => events(&source, args.block, &mut out)?,
        _ => overview(&source, &mut out)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What the archive holds, in a few lines.
fn overview(source: &Source, out: &mut impl Write) -> Result<(), Failure> {
    for archive in source.archives() {
        let manifest = archive.manifest();
        writeln!(out, "archive   {}", escape(&archive.folder().display().to_string()))?;
        writeln!(out, "root      {}", hex::encode(manifest.archive_root.0))?;
        writeln!(out, "chain     genesis 0x{}", hex::encode(manifest.genesis_hash.0))?;
        writeln!(out, "blocks    {} to {}", manifest.first_block, manifest.last_block)?;
        writeln!(out, "          last hash 0x{}", hex::encode(manifest.last_hash.0))?;
        if let Some(range) = manifest.exported_range() {
            let what = range.period.map_or_else(|| "range".to_string(), |p| format!("period {p}"));
            writeln!(
                out,
                "{what:<9} {}..{}, blocks {} to {} and a window of {}",
                range.from, range.to, range.first_block, range.last_block, range.window_blocks
            )?;
        }
        for state in &manifest.state {
            writeln!(out, "state     block {}", state.height)?;
        }
        for metadata in &manifest.metadata {
            let hash = hex::encode(metadata.metadata_sha256.0);
            writeln!(out, "runtime   {} (metadata {hash})", metadata.spec_version)?;
        }
        let sizes = manifest.chunks.iter().fold((0u64, 0u64), |(file, body), c| {
            (file.saturating_add(c.file_bytes), body.saturating_add(c.body_bytes))
        });
        writeln!(out, "chunks    {}, {} bytes, {} uncompressed", manifest.chunks.len(), sizes.0, sizes.1)?;
    }
    Ok(())
}

/// Every event of every block, or of one, as a JSON line.
fn events(source: &Source, only: Option<u32>, out: &mut impl Write) -> Result<(), Failure> {
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
        let decoded = source.runtime(&metadata)?.events_json(block.events, |event| lines.push(event));
        for mut line in lines {
            line.insert("block".into(), block.height.into());
            line.insert("hash".into(), format!("0x{}", hex::encode(hash)).into());
            line.insert("time_ms".into(), block.time_ms.into());
            line.insert("spec_version".into(), spec_version.into());
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
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

/// Keys and values of one snapshot, ascending by key, as JSON lines.
fn raw_state(source: &Source, height: u32, out: &mut impl Write) -> Result<(), Failure> {
    let archive = source.archives().iter().find_map(|a| a.state_entry(height).map(|entry| (a, entry)));
    let Some((archive, entry)) = archive else {
        let manifests = source.archives().iter().map(minting::archive::Archive::manifest);
        let heights: Vec<_> = manifests.flat_map(|m| &m.state).map(|s| s.height.to_string()).collect();
        let have = if heights.is_empty() {
            "no state".to_string()
        } else {
            format!("that of {}", heights.join(", "))
        };
        return Err(format!("the archive does not hold the state of block {height}; it holds {have}").into());
    };
    for (key, value) in &archive.state(entry)?.pairs {
        writeln!(out, "{{\"key\":\"0x{}\",\"value\":\"0x{}\"}}", hex::encode(key), hex::encode(value))?;
    }
    Ok(())
}
