//! `minting-fetch merge`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{HumanBytes, HumanDuration};
use minting::archive::{self, Merge, Provenance};
use minting::chain::event_shapes;
use minting::fetch::{Progress, Stage};
use serde_json::json;

use crate::hex;
use crate::terminal::Terminal;

/// Joins archives.
pub fn join(
    archives: &[PathBuf],
    out: &Path,
    chunk_blocks: Option<u32>,
    terminal: &Terminal,
) -> archive::Result<()> {
    let begun = Instant::now();
    let merge = Merge::of(archives, chunk_blocks)?;
    let (first, last) = (merge.plan().first, merge.plan().last);
    terminal.stage(Stage::Blocks, u64::from(last - first) + 1);
    let finished =
        merge.write(out, &provenance(archives), event_shapes, |blocks| terminal.advance(blocks))?;
    terminal.clear();
    terminal.say(&format!(
        "blocks {first} to {last} of {} archives are in {} ({} in {}); archive root {}, last block {}",
        archives.len(),
        out.display(),
        HumanBytes(finished.file_bytes),
        HumanDuration(begun.elapsed()),
        hex(&finished.root),
        hex(&finished.last_hash)
    ));
    terminal.tell(|| {
        json!({
            "event": "done", "out": out.display().to_string(), "first_block": first, "last_block": last,
            "archive_root": hex(&finished.root), "last_hash": hex(&finished.last_hash),
            "files": finished.files, "file_bytes": finished.file_bytes,
        })
    });
    Ok(())
}

/// Where the archives came from, as far as they say so.
fn provenance(archives: &[PathBuf]) -> Provenance {
    let parts: Vec<Provenance> = archives.iter().filter_map(|folder| Provenance::read(folder)).collect();
    let mut endpoints: Vec<String> = parts.iter().flat_map(|part| part.endpoints.clone()).collect();
    endpoints.sort();
    endpoints.dedup();
    let first = parts.first();
    let now = jiff::Timestamp::now();
    Provenance {
        chain: first.map_or_else(String::new, |part| part.chain.clone()),
        endpoints,
        finished: jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
        node: first.map_or_else(String::new, |part| part.node.clone()),
        started: parts.iter().map(|part| part.started.clone()).min().unwrap_or_default(),
        tool: concat!("minting-fetch ", env!("CARGO_PKG_VERSION"), " merge").to_owned(),
    }
}
