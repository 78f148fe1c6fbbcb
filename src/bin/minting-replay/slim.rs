//! `minting-replay slim`

use minting::{
    cli::{Exit, print},
    replay::{self, Source},
};

use super::{Failure, args::SlimArgs, progress::Bar};

pub fn slim(args: &SlimArgs, quiet: bool) -> Result<Exit, Failure> {
    let source = Source::open(std::slice::from_ref(&args.archive))?;
    let bar = Bar::new(u64::from(source.last().saturating_sub(source.first())) + 1, quiet);
    let finished = replay::slim(&source, &args.out, &bar)?;
    drop(bar);
    let text = format!("slim archive root {}, {} bytes\n", hex::encode(finished.root), finished.file_bytes);
    Ok(if quiet { Exit::Done } else { print(text.as_bytes()) })
}
