//! `minting-replay check`

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use minting::{
    archive::{Archive, Manifest},
    cli::{EXIT_CODES, Exit, error_chain, escape, json_text, print},
    replay::{Progress, Source},
    report::trust::{Basis, Finalized},
    verify::{checked::Checked, finality::Pinned},
};
use serde_json::{Value, json};

use super::{Failure, progress::Bar};

const EXAMPLES: &str = "\
Examples:
  minting-replay check period-81
  minting-replay check period-81 period-82 --json
  minting-replay check period-81 --authorities validators.json";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\nAn archive with a problem exits 1; one whose end the validators in the file of --authorities did not sign, 4.\n\n{EXIT_CODES}"))]
pub struct CheckArgs {
    /// The archives
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<PathBuf>,
    /// Validators whose signatures make a block final, as `check --json` prints those that an archive names
    #[arg(long, value_name = "FILE")]
    pub authorities: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks every archive; all problems are listed, and one is enough to fail.
pub fn check(args: &CheckArgs, quiet: bool) -> Result<Exit, Failure> {
    let pinned = args.authorities.as_deref().map(Pinned::read).transpose()?;
    let readable = args.archives.iter().filter_map(|folder| Archive::open(folder).ok());
    let blocks = readable
        .map(|archive| (archive.manifest().first_block, archive.manifest().last_block))
        .map(|(first, last)| u64::from(last.saturating_sub(first)).saturating_add(1));
    let bar = Bar::new(blocks.fold(0, u64::saturating_add), quiet);
    let one = |folder: &PathBuf| {
        Checked::of(folder, pinned.as_ref(), |error| error_chain(error), &|count| bar.blocks(count))
    };
    let checked: Vec<Checked> = args.archives.iter().map(one).collect();
    drop(bar);
    let is_refused = checked.iter().any(|one| one.proven.finality.refused.is_some());
    let sound = checked.iter().all(|one| one.problems.is_empty());
    let printed = if args.json {
        let values: Vec<Value> = checked.iter().map(to_json).collect();
        print(json_text(&values)?.as_bytes())
    } else {
        let mut text = String::new();
        for one in &checked {
            describe(&mut text, one)?;
        }
        if sound && args.archives.len() > 1 {
            together(&mut text, &args.archives)?;
        }
        print(text.as_bytes())
    };
    Ok(match (sound, is_refused) {
        (true, false) => printed,
        (true, true) => Exit::Differs,
        (false, _) => Exit::Failed,
    })
}

fn describe(text: &mut String, checked: &Checked) -> std::fmt::Result {
    writeln!(text, "{}", escape(&checked.folder.display().to_string()))?;
    for problem in &checked.problems {
        writeln!(text, "  problem: {}", escape(problem))?;
    }
    if !checked.problems.is_empty() {
        let count = checked.problems.len();
        let problems = if count == 1 { "problem" } else { "problems" };
        writeln!(text, "  the archive cannot be relied on: {count} {problems}")?;
        writeln!(text, "Reached: nothing.")?;
        return writeln!(
            text,
            "Next: get the files named above again from where the archive came from, or export it again with \
             minting-fetch; then run this check again."
        );
    }
    let Some(manifest) = &checked.manifest else { return Ok(()) };
    let files = manifest.files().count();
    writeln!(text, "  bytes as published    {files} files, each as the manifest says")?;
    writeln!(text, "  content digests       archive root {}", hex::encode(manifest.archive_root.0))?;
    if manifest.slim_of.is_none() {
        writeln!(text, "  headers chained       from the parent of block {},", manifest.first_block)?;
        writeln!(text, "                          0x{}", hex::encode(manifest.first_parent_hash.0))?;
        writeln!(text, "                        to block {},", manifest.last_block)?;
        writeln!(text, "                          0x{}", hex::encode(manifest.last_hash.0))?;
    }
    match &checked.covers {
        Some(range) => {
            let (first, last) = (range.first_block, range.last_block);
            writeln!(text, "  state covers          {}:", range_name(range))?;
            writeln!(text, "                          blocks {first} to {last}, the state after both,")?;
            writeln!(text, "                          and the {} blocks after them", range.window_blocks)?;
        }
        None => writeln!(text, "  state                 {}", heights(manifest))?,
    }
    if let Some(proofs) = &manifest.proofs {
        proven(text, checked, manifest, proofs.one_in.get())?;
    }
    finality(text, checked)?;
    reached(text, checked, manifest)?;
    match checked.next() {
        Some(words) => writeln!(text, "Next: minting-replay {}", command(&words)),
        None => Ok(()),
    }
}

/// What is proven by state roots.
fn proven(text: &mut String, checked: &Checked, manifest: &Manifest, one_in: u32) -> std::fmt::Result {
    let (proven, blocks) = (checked.proven.blocks(), checked.blocks());
    write!(text, "  state proofs          events and times of {proven} of {blocks} blocks")?;
    match one_in {
        1 => writeln!(text, ", which are all")?,
        _ => writeln!(text, ", one in {one_in},\n                          chosen by the last hash")?,
    }
    match manifest.state.len() {
        0 => Ok(()),
        states => writeln!(
            text,
            "                        every map of {} of {states} snapshots, no key left out",
            checked.proven.states()
        ),
    }
}

/// Who finalized the end of the archive.
fn finality(text: &mut String, checked: &Checked) -> std::fmt::Result {
    let shown = &checked.proven.finality;
    if let Some(Finalized { height, hash, set_id, weight, total, basis }) = &shown.finalized {
        writeln!(text, "  finality              block {height},")?;
        writeln!(text, "                          0x{},", hex::encode(hash))?;
        writeln!(
            text,
            "                        signed by {weight} of {total} in set {set_id} of the validators"
        )?;
        match basis {
            Basis::File => writeln!(text, "                        in the file")?,
            Basis::State(named) => {
                writeln!(text, "                        that the state of block {named} names")?
            }
        }
    }
    if let (None, Some(height)) = (&shown.finalized, shown.unnamed) {
        writeln!(
            text,
            "  finality              block {height} is signed, by whom no block of the archive says"
        )?;
    }
    match &shown.refused {
        Some(why) => {
            writeln!(text, "  finality              not by the validators in the file: {}", escape(why))
        }
        None => Ok(()),
    }
}

/// The step of the ladder, and what is not shown by it.
fn reached(text: &mut String, checked: &Checked, manifest: &Manifest) -> std::fmt::Result {
    write!(text, "Reached: {}. ", checked.level.words())?;
    if let Some(full) = &manifest.slim_of {
        writeln!(text, "This is a slim archive: it holds no headers, so that it cannot be tied to")?;
        writeln!(text, "the chain by itself. It says that it was made from the archive with the root")?;
        return writeln!(text, "{}; whoever has that can make it again and compare.", hex::encode(full.0));
    }
    writeln!(text, "Compare both hashes with any explorer of the chain.")?;
    if checked.covers.is_none() {
        writeln!(text, "Not shown: that the state covers a period; the archive was exported for none.")?;
    }
    let left = checked.blocks().saturating_sub(checked.proven.blocks());
    match (manifest.proofs.is_some(), left) {
        (false, _) => writeln!(
            text,
            "Not shown: that events and state are those of these blocks; the archive holds no proofs."
        )?,
        (true, 0) => {}
        (true, _) => writeln!(text, "Not shown: that events of the other {left} blocks are theirs.")?,
    }
    match checked.proven.finality.finalized.map(|finalized| finalized.basis) {
        Some(Basis::File) => {
            writeln!(
                text,
                "Not shown: that a result is right; see who signs it by minting-replay attest verify."
            )?;
        }
        Some(Basis::State(named)) => {
            let known = "who knows the hash of that block to be right";
            writeln!(text, "Not shown: that block {named} names the right validators; {known}")?;
            writeln!(text, "need not ask, others pin the validators in a file: --authorities <FILE>.")?;
        }
        None if manifest.proofs.is_some() => {
            writeln!(text, "Not shown: that the validators finalized the last block.")?;
            if checked.proven.finality.unnamed.is_some() {
                writeln!(
                    text,
                    "Its state, and that of the first block, name other validators than those who signed: they"
                )?;
                writeln!(text, "changed in between. Pin those who signed in a file: --authorities <FILE>.")?;
            }
        }
        None => {}
    }
    Ok(())
}

/// Whether several sound archives can be replayed as one.
fn together(text: &mut String, folders: &[PathBuf]) -> std::fmt::Result {
    match Source::open(folders) {
        Ok(source) => {
            writeln!(text, "Together: one chain of headers, blocks {} to {}.", source.first(), source.last())
        }
        Err(error) => writeln!(text, "Together: not one run of blocks: {}", escape(&error_chain(&error))),
    }
}

fn range_name(range: &minting::archive::ExportedRange) -> String {
    match range.period {
        Some(number) => format!("period {number}"),
        None => format!("range {}..{}", range.from, range.to),
    }
}

fn heights(manifest: &Manifest) -> String {
    let heights: Vec<_> = manifest.state.iter().map(|s| s.height.to_string()).collect();
    if heights.is_empty() { "none".to_string() } else { format!("blocks {}", heights.join(", ")) }
}

/// A command line that a shell takes as it is.
fn command(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=+,@".contains(c);
    let quoted = words.iter().map(|word| {
        let word = escape(word);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn to_json(checked: &Checked) -> Value {
    let manifest = checked.manifest.as_ref();
    let hash = |hash: &[u8; 32]| format!("0x{}", hex::encode(hash));
    let next = checked.next().map(|words| [vec!["minting-replay".to_string()], words].concat());
    json!({
        "archive": checked.folder.display().to_string(),
        "archive_root": manifest.map(|m| hex::encode(m.archive_root.0)),
        "authorities": checked.proven.finality.named,
        "blocks": manifest.map(|_| checked.blocks()),
        "covers": checked.covers.as_ref().map(|range| json!({
            "first_block": range.first_block,
            "from": range.from,
            "last_block": range.last_block,
            "period": range.period,
            "to": range.to,
            "window_blocks": range.window_blocks,
        })),
        "finality": checked.proven.finality.finalized.as_ref().map(Finalized::json),
        "finality_unnamed": checked.proven.finality.unnamed,
        "finality_refused": checked.proven.finality.refused,
        "first_block": manifest.map(|m| m.first_block),
        "first_parent_hash": manifest.map(|m| hash(&m.first_parent_hash.0)),
        "last_block": manifest.map(|m| m.last_block),
        "last_hash": manifest.map(|m| hash(&m.last_hash.0)),
        "level": checked.level.label(),
        "next": next,
        "problems": checked.problems,
        "proofs_one_in": manifest.and_then(|m| m.proofs.as_ref()).map(|proofs| proofs.one_in.get()),
        "proven_blocks": checked.proven.blocks(),
        "proven_states": checked.proven.states(),
        "slim_of": manifest.and_then(|m| m.slim_of).map(|full| hex::encode(full.0)),
        "state": manifest.map(|m| m.state.iter().map(|s| s.height).collect::<Vec<_>>()),
    })
}
