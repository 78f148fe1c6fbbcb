//! `minting-replay inspect`

mod events;
mod state;

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use minting::{
    chain::Runtime,
    cli::{Exit, escape},
    replay::Source,
};
use serde_json::{Value, json};

use super::{Failure, args::InspectArgs};

pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match (&args.layouts, &args.archive) {
        (Some(metadata), _) => layouts(metadata, &mut out)?,
        (None, Some(archive)) => {
            let source = Source::open(std::slice::from_ref(archive))?;
            if let Some(kind) = args.state {
                state::typed(&source, kind, args.at, args.id, &mut out)?;
            } else if args.raw_state {
                state::raw(&source, args.at, &mut out)?;
            } else if args.events || args.block.is_some() {
                events::events(&source, args.block, &mut out)?;
            } else if args.json {
                overview_json(&source, &mut out)?;
            } else {
                overview(&source, &mut out)?;
            }
        }
        (None, None) => return Err("give an archive, or --layouts and a file".into()),
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// One JSON line for each event and storage item that the rules read, as raw metadata lays it out.
fn layouts(metadata: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let name = escape(&metadata.display().to_string());
    let bytes = std::fs::read(metadata).map_err(|e| format!("`{name}` cannot be read: {e}"))?;
    let runtime = Runtime::compile(&bytes).map_err(|e| format!("`{name}`: {e}"))?;
    for line in runtime.layouts().map_err(|e| format!("`{name}`: {e}"))? {
        json_line(&Value::Object(line), out)?;
    }
    Ok(())
}

fn json_line(line: &Value, out: &mut impl Write) -> Result<(), Failure> {
    Ok(writeln!(out, "{}", minting::cli::json_line(line)?)?)
}

/// What the archive holds, as one JSON object.
fn overview_json(source: &Source, out: &mut impl Write) -> Result<(), Failure> {
    for archive in source.archives() {
        let manifest = archive.manifest();
        let range = manifest.exported_range().map(|range| {
            json!({
                "period": range.period, "from": range.from, "to": range.to, "first_block": range.first_block,
                "last_block": range.last_block, "window_blocks": range.window_blocks,
            })
        });
        let runtimes: Vec<_> = manifest
            .metadata
            .iter()
            .map(|m| json!({ "spec_version": m.spec_version, "metadata_sha256": hex::encode(m.metadata_sha256.0) }))
            .collect();
        let value = json!({
            "archive": archive.folder().display().to_string(),
            "archive_root": hex::encode(manifest.archive_root.0),
            "genesis_hash": format!("0x{}", hex::encode(manifest.genesis_hash.0)),
            "first_block": manifest.first_block,
            "last_block": manifest.last_block,
            "last_hash": format!("0x{}", hex::encode(manifest.last_hash.0)),
            "range": range,
            "state": manifest.state.iter().map(|state| state.height).collect::<Vec<_>>(),
            "runtimes": runtimes,
            "chunks": manifest.chunks.len(),
        });
        writeln!(out, "{value:#}")?;
    }
    Ok(())
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
