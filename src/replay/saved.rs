//! Saved state: what a run knows after a block, in a file from which another run goes on.
//!
//! Lines of JSON: a head that says what the state is of, what the folds know (`minting::Folded`), and the SHA-256 of
//! all that. `docs/saved-state.md` documents the file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Error, Result, Source};
use crate::{
    archive::{Hash, Hex, container::sha256, files},
    minting::{BugMode, EndState, Folded, Period, Rules},
};

/// `format.name` of every file.
const FORMAT_NAME: &str = "minting-saved-state";
/// `format.version` of every file.
const FORMAT_VERSION: u32 = 1;
/// Longest file that is read; the state of 100,000 nodes has about 100 MB.
const MAX_LEN: u64 = 1 << 30;

/// Name and version of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    name: String,
    version: u32,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedBlock {
    /// Its hash.
    pub hash: Hex,
    /// Its height.
    pub height: u32,
}

/// The rules that were applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRules {
    bugs: BugMode,
    digest: Hex,
    name: String,
}

/// What a saved state is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedHead {
    /// Roots of the archives that were folded.
    pub archive_roots: Vec<Hex>,
    /// The last block that was folded.
    pub block: SavedBlock,
    /// Nominal time between two blocks, milliseconds.
    pub block_time_ms: u64,
    /// The state of the chain after the last block of the period follows.
    end_state: bool,
    /// First block of the period.
    pub first: SavedBlock,
    /// Time of that block, seconds since the epoch.
    pub first_time: i64,
    format: Format,
    /// Hash of block 0 of the chain.
    pub genesis_hash: Hex,
    /// Last block of the period itself, if it was folded.
    pub last: Option<SavedBlock>,
    period: SavedPeriod,
    rules: SavedRules,
    /// Blocks of the window after the period that the archives were exported with, if they say it.
    pub window_blocks: Option<u32>,
}

/// A period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedPeriod {
    end: i64,
    number: Option<u32>,
    start: i64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    sha256: Hex,
}

/// What a run knows after a block.
#[derive(Clone, Debug)]
pub struct SavedState {
    /// What it is of.
    pub head: SavedHead,
    /// Nodes, contracts and findings.
    pub folded: Folded,
    /// The state of the chain at the end of the period, once that is over.
    pub end: Option<EndState>,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

/// What the head of a saved state says besides its format, period and rules.
#[derive(Clone, Debug)]
pub(super) struct SavedPlace {
    pub(super) archive_roots: Vec<Hex>,
    pub(super) block: SavedBlock,
    pub(super) block_time_ms: u64,
    pub(super) first: SavedBlock,
    pub(super) first_time: i64,
    pub(super) genesis_hash: Hex,
    pub(super) last: Option<SavedBlock>,
    pub(super) window_blocks: Option<u32>,
}

impl SavedState {
    /// The state of a run of a period by some rules.
    pub(super) fn new(
        place: SavedPlace,
        period: &Period,
        rules: &Rules,
        folded: Folded,
        end: Option<EndState>,
    ) -> Result<SavedState> {
        let head = SavedHead {
            archive_roots: place.archive_roots,
            block: place.block,
            block_time_ms: place.block_time_ms,
            end_state: end.is_some(),
            first: place.first,
            first_time: place.first_time,
            format: Format { name: FORMAT_NAME.to_owned(), version: FORMAT_VERSION },
            genesis_hash: place.genesis_hash,
            last: place.last,
            period: period_of(period),
            rules: rules_of(rules),
            window_blocks: place.window_blocks,
        };
        let mut saved = SavedState { head, folded, end, sha256: [0; 32] };
        saved.sha256 = sha256(&saved.to_bytes()?);
        Ok(saved)
    }

    /// The state of the chain after a block, if it is that of the end.
    pub(super) fn end_at(&self, height: Option<u32>) -> Option<&EndState> {
        let last = self.head.last.map(|last| last.height);
        self.end.as_ref().filter(|_| height.is_some() && last == height)
    }

    /// Whether the state of the chain after a block is known to it, as far as a replay needs it.
    pub(super) fn has_state(&self, height: u32) -> bool {
        let is_end = self.end.is_some() && self.head.last.is_some_and(|last| last.height == height);
        height == self.head.first.height || is_end
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let memory = |source| Error::Apart(format!("failed to write a saved state to memory: {source}"));
        let mut bytes = serde_json::to_vec(&self.head).map_err(|e| memory(e.into()))?;
        bytes.push(b'\n');
        self.folded.write(self.end.as_ref(), &mut bytes).map_err(memory)?;
        let seal = Seal { sha256: Hex(sha256(&bytes)) };
        serde_json::to_writer(&mut bytes, &seal).map_err(|e| memory(e.into()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Writes the file under a temporary name, waits until it is on the disk, and puts it in its place.
    ///
    /// # Errors
    /// I/O errors; what was there before is left.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(files::write(path, &self.to_bytes()?)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<SavedState> {
        SavedState::parse(&files::read(path, MAX_LEN)?).map_err(|what| refused(path, what))
    }

    /// As [`SavedState::read`], from bytes.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(bytes: &[u8]) -> std::result::Result<SavedState, String> {
        /// As much as says whether the rest can be understood.
        #[derive(Deserialize)]
        struct Versioned {
            format: Format,
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NO_STATE.to_owned())?;
        let (head, rest) = text.split_once('\n').ok_or(NO_STATE)?;
        let Versioned { format } = serde_json::from_str(head).map_err(|_| NO_STATE.to_owned())?;
        if format.name != FORMAT_NAME {
            return Err(NO_STATE.to_owned());
        }
        if format.version != FORMAT_VERSION {
            return Err(format!(
                "it is a saved state of version {}, this program reads {FORMAT_VERSION}; save it again with this program",
                format.version
            ));
        }
        let truncated =
            || "it is truncated, or was changed: its last line is no digest; save it again".to_owned();
        let body = rest.strip_suffix('\n').ok_or_else(truncated)?;
        let (lines, seal) = body.rsplit_once('\n').unwrap_or(("", body));
        let Seal { sha256: stated } = serde_json::from_str(seal).map_err(|_| truncated())?;
        let sealed = bytes.len().saturating_sub(seal.len().saturating_add(1));
        if sha256(bytes.get(..sealed).unwrap_or_default()) != stated.0 {
            return Err("it is damaged: its content is not that of its digest; save it again".to_owned());
        }
        let head: SavedHead = serde_json::from_str(head).map_err(|e| format!("its first line: {e}"))?;
        let (folded, end) = Folded::read(lines.lines())?;
        let end = head.end_state.then_some(end);
        let saved = SavedState { head, folded, end, sha256: sha256(bytes) };
        if saved.to_bytes().map_err(|e| e.to_string())? != bytes {
            return Err("it is not in canonical form; save it again".to_owned());
        }
        saved.head.check().map(|()| saved)
    }

    /// Whether a run can go on from here: the same chain, period and rules, and blocks that follow.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn fits(&self, source: &Source, period: &Period, rules: &Rules) -> std::result::Result<(), String> {
        let genesis = source.archives().first().map(|archive| archive.manifest().genesis_hash);
        if genesis != Some(self.head.genesis_hash) {
            return Err("it is of another chain than the archives".to_owned());
        }
        if self.head.period != period_of(period) {
            let SavedPeriod { start, end, number } = self.head.period;
            let name = number.map_or(format!("range {start}..{end}"), |number| format!("period {number}"));
            return Err(format!("it is of {name}"));
        }
        let ours = rules_of(rules);
        if self.head.rules.digest != ours.digest {
            let words = |rules: &SavedRules| {
                let digest: String = hex::encode(rules.digest.0).chars().take(8).collect();
                let bugs = match rules.bugs {
                    BugMode::Reference => "reference",
                    BugMode::Fixed => "fixed",
                };
                format!("{} with --bugs {bugs} ({digest}…)", rules.name)
            };
            return Err(format!(
                "it was folded by the rules {}, this run has {}",
                words(&self.head.rules),
                words(&ours)
            ));
        }
        let next = self.head.block.height.saturating_add(1);
        if source.first() > next {
            let last = source.first().saturating_sub(1);
            return Err(format!(
                "it is of block {}; blocks {next} to {last} are missing",
                self.head.block.height
            ));
        }
        if source.last() < next {
            return Err(format!(
                "it is of block {}, and the archives end with block {}: nothing follows",
                self.head.block.height,
                source.last()
            ));
        }
        Ok(())
    }
}

const NO_STATE: &str = "it is no saved state; `minting-replay run --save-state` writes one";

/// A saved state that cannot be used.
pub(super) fn refused(path: &Path, what: String) -> Error {
    Error::Saved { path: PathBuf::from(path), what }
}

impl SavedHead {
    /// Whether it agrees with itself.
    fn check(&self) -> std::result::Result<(), String> {
        if self.end_state && self.last.is_none() {
            return Err("it has the state of an end that it does not have".to_owned());
        }
        let in_order = self.first.height <= self.block.height
            && self.last.is_none_or(|last| (self.first.height..=self.block.height).contains(&last.height));
        if !in_order {
            return Err("its blocks are not in order".to_owned());
        }
        if self.period.start >= self.period.end || self.first_time <= self.period.start {
            return Err("its times are not in order".to_owned());
        }
        Ok(())
    }
}

fn period_of(period: &Period) -> SavedPeriod {
    SavedPeriod { end: period.end, number: period.number, start: period.start }
}

fn rules_of(rules: &Rules) -> SavedRules {
    SavedRules { bugs: rules.bug_mode(), digest: Hex(rules.digest()), name: rules.name().to_owned() }
}
