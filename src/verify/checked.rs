//! How far an archive can be trusted by itself: a ladder, of which a check says the step it reached.

use std::path::{Path, PathBuf};

use crate::{
    archive::{Archive, ExportedRange, Manifest, check_and_tell},
    minting::{Period, RuleSet},
    replay::{self, Source},
    report::trust::{Basis, Level},
};

use super::{
    finality::Pinned,
    proofs::{self, Proven},
};

/// What a check of one archive came to.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The folder.
    pub folder: PathBuf,
    /// What it says it holds; none if that could not be read.
    pub manifest: Option<Manifest>,
    /// Everything that is wrong with it, as messages that name files.
    pub problems: Vec<String>,
    /// The step it reached.
    pub level: Level,
    /// The period or time range for which it has blocks and state; none if it was exported for none, or is not sound.
    pub covers: Option<ExportedRange>,
    /// What of it is proven.
    pub proven: Proven,
}

impl Checked {
    /// Reads everything in a folder and looks for problems; checks signatures by the validators that are `pinned`, if any
    /// are. `message` turns an error with its causes into text; `done` is told the number of blocks in every chunk that was
    /// read.
    pub fn of(
        folder: &Path,
        pinned: Option<&Pinned>,
        message: impl Fn(&dyn std::error::Error) -> String,
        done: &(dyn Fn(u64) + Sync),
    ) -> Checked {
        let mut checked = Checked {
            folder: folder.to_path_buf(),
            manifest: None,
            problems: vec![],
            level: Level::Nothing,
            covers: None,
            proven: Proven::default(),
        };
        let archive = match Archive::open(folder) {
            Ok(archive) => archive,
            Err(error) => {
                checked.problems.push(message(&error));
                return checked;
            }
        };
        checked.problems = check_and_tell(&archive, done).iter().map(|problem| message(problem)).collect();
        let range = archive.manifest().exported_range();
        checked.manifest = Some(archive.manifest().clone());
        if !checked.problems.is_empty() {
            return checked;
        }
        let has_headers = archive.manifest().slim_of.is_none();
        checked.level = if has_headers { Level::Headers } else { Level::Content };
        if let Some(range) = range {
            match state_of(folder, &range) {
                Ok(()) => {
                    checked.covers = Some(range);
                    if has_headers {
                        checked.level = Level::State;
                    }
                }
                Err(error) => {
                    checked.problems.push(message(&error));
                    checked.level = Level::Nothing;
                    return checked;
                }
            }
        }
        match proofs::verify(&archive, pinned, &|| false) {
            Ok(proven) => checked.proven = proven,
            Err(problems) => {
                checked.problems = problems.iter().map(|problem| message(problem)).collect();
                checked.level = Level::Nothing;
                return checked;
            }
        }
        if archive.manifest().proofs.is_some() {
            checked.level = Level::StateProofs;
        }
        if checked.proven.finality.finalized.is_some_and(|finalized| finalized.basis == Basis::File) {
            checked.level = Level::Finality;
        }
        checked
    }

    /// Number of blocks that it holds.
    pub fn blocks(&self) -> u64 {
        let count = |m: &Manifest| u64::from(m.last_block.saturating_sub(m.first_block)) + 1;
        self.manifest.as_ref().map_or(0, count)
    }

    /// Arguments of the `minting-replay` command that comes next; none if the archive has problems.
    pub fn next(&self) -> Option<Vec<String>> {
        if !self.problems.is_empty() {
            return None;
        }
        let folder = self.folder.display().to_string();
        let Some(range) = self.covers.as_ref() else { return Some(vec!["inspect".into(), folder]) };
        let mut words = vec!["run".to_string(), folder];
        let name = match range.period {
            Some(number) => {
                words.extend(["--period".into(), number.to_string()]);
                number.to_string()
            }
            None => {
                words.extend(["--range".into(), format!("{}..{}", range.from, range.to)]);
                format!("{}-{}", range.from, range.to)
            }
        };
        // Only from period 81 on are rules chosen without being named.
        let period = match range.period {
            Some(number) => Period::numbered(number),
            None => Period::range(range.from, range.to),
        };
        let in_force = period.ok().and_then(|period| RuleSet::in_force(&period));
        if let Some(in_force) = in_force.filter(|found| found.set.name != "r81") {
            words.extend(["--rules".into(), in_force.set.name.into()]);
        }
        words.extend(["--out".into(), format!("results-{name}")]);
        Some(words)
    }
}

/// Reads the state at both ends of a range as a replay does: complete, and decoded by its runtime.
fn state_of(folder: &Path, range: &ExportedRange) -> replay::Result<()> {
    let source = Source::open(&[folder.to_path_buf()])?;
    for height in [range.first_block, range.last_block] {
        let Some((path, snapshot, runtime)) = source.state(height)? else {
            return Err(replay::Error::Apart(format!("the state of block {height} is missing")));
        };
        let state = runtime.state(&snapshot);
        let decoded = state
            .nodes()
            .and_then(|_| state.node_powers())
            .and_then(|_| state.node_contracts())
            .and_then(|_| state.farms())
            .and_then(|_| state.twins())
            .and_then(|_| state.payout_addresses())
            .and_then(|_| state.policies());
        decoded.map_err(|source_error| replay::Error::State {
            path,
            block: height,
            runtime: source.runtime_name(&snapshot.metadata).0,
            source: source_error,
        })?;
    }
    Ok(())
}
