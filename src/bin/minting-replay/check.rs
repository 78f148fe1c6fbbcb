//! `minting-replay check`

use std::fmt::Write;

use minting::{
    archive::{Archive, Manifest, check as check_archive},
    cli::{Exit, escape, print},
};
use serde_json::{Value, json};

use super::{Failure, args::CheckArgs};

/// Checks every archive; all problems are listed, and one is enough to fail.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut text = String::new();
    let mut values = Vec::new();
    let mut sound = true;
    for folder in &args.archives {
        let (manifest, problems): (Option<Manifest>, Vec<String>) = match Archive::open(folder) {
            Ok(archive) => {
                let problems = check_archive(&archive).iter().map(ToString::to_string).collect();
                (Some(archive.manifest().clone()), problems)
            }
            Err(error) => (None, vec![minting::cli::error_chain(&error)]),
        };
        sound &= problems.is_empty();
        describe(&mut text, &folder.display().to_string(), manifest.as_ref(), &problems)?;
        values.push(to_json(&folder.display().to_string(), manifest.as_ref(), &problems));
    }
    let printed = if args.json {
        let mut bytes = serde_json::to_vec_pretty(&Value::Array(values))?;
        bytes.push(b'\n');
        print(&bytes)
    } else {
        print(text.as_bytes())
    };
    Ok(if sound { printed } else { Exit::Failed })
}

fn describe(
    text: &mut String,
    folder: &str,
    manifest: Option<&Manifest>,
    problems: &[String],
) -> std::fmt::Result {
    writeln!(text, "{}", escape(folder))?;
    for problem in problems {
        writeln!(text, "  problem: {}", escape(problem))?;
    }
    let Some(manifest) = manifest else { return Ok(()) };
    if !problems.is_empty() {
        return writeln!(text, "  the archive cannot be relied on: {} problems", problems.len());
    }
    let files = manifest.chunks.len() + manifest.state.len() + manifest.metadata.len();
    let heights: Vec<_> = manifest.state.iter().map(|s| s.height.to_string()).collect();
    writeln!(text, "  bytes as published    {files} files, each as the manifest says")?;
    writeln!(text, "  content digests       archive root {}", hex::encode(manifest.archive_root.0))?;
    if let Some(full) = &manifest.slim_of {
        writeln!(text, "  state                 {} snapshots", heights.len())?;
        writeln!(
            text,
            "Reached: content digests. This is a slim archive: it holds no headers, so that it cannot be tied to"
        )?;
        writeln!(text, "the chain by itself. It says that it was made from the archive with the root")?;
        writeln!(text, "{}; whoever has that can make it again and compare.", hex::encode(full.0))?;
        return Ok(());
    }
    writeln!(text, "  headers chained       from the parent of block {},", manifest.first_block)?;
    writeln!(text, "                          0x{}", hex::encode(manifest.first_parent_hash.0))?;
    writeln!(text, "                        to block {},", manifest.last_block)?;
    writeln!(text, "                          0x{}", hex::encode(manifest.last_hash.0))?;
    let state =
        if heights.is_empty() { "none".to_string() } else { format!("blocks {}", heights.join(", ")) };
    writeln!(text, "  state                 {state}")?;
    writeln!(text, "Reached: headers chained. Compare the last hash with any explorer of the chain.")?;
    writeln!(text, "Not shown: that events and state are those of these blocks; the archive holds no proofs.")
}

fn to_json(folder: &str, manifest: Option<&Manifest>, problems: &[String]) -> Value {
    let level = match (manifest, problems) {
        (Some(manifest), []) if manifest.slim_of.is_some() => "content",
        (Some(_), []) => "headers",
        _ => "none",
    };
    json!({
        "archive": folder,
        "archive_root": manifest.map(|m| hex::encode(m.archive_root.0)),
        "blocks": manifest.map(|m| json!({ "first": m.first_block, "last": m.last_block })),
        "first_parent_hash": manifest.map(|m| format!("0x{}", hex::encode(m.first_parent_hash.0))),
        "last_hash": manifest.map(|m| format!("0x{}", hex::encode(m.last_hash.0))),
        "level": level,
        "problems": problems,
        "slim_of": manifest.and_then(|m| m.slim_of).map(|full| hex::encode(full.0)),
        "state": manifest.map(|m| m.state.iter().map(|s| s.height).collect::<Vec<_>>()),
    })
}
