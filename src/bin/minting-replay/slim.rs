//! `minting-replay slim`

use minting::{
    cli::{Exit, json_text, print},
    replay::{self, Source},
};
use serde_json::json;

use super::{Failure, args::SlimArgs, progress::Bar};

pub fn slim(args: &SlimArgs, quiet: bool) -> Result<Exit, Failure> {
    let source = Source::open(std::slice::from_ref(&args.archive))?;
    let bar = Bar::new(u64::from(source.last().saturating_sub(source.first())) + 1, quiet);
    let finished = replay::slim(&source, &args.out, &bar)?;
    drop(bar);
    let (root, bytes) = (hex::encode(finished.root), finished.file_bytes);
    let text = if args.json {
        json_text(&json!({ "archive_root": root, "file_bytes": bytes }))?
    } else if quiet {
        String::new()
    } else {
        format!("slim archive root {root}, {bytes} bytes\n")
    };
    Ok(print(text.as_bytes()))
}
