//! Archives of the synthetic chain, made once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minting::archive::{Archive, Merge, Provenance, container};
use simchain::{
    scenario::month::{Month, Options},
    write::{MonthOptions, write_month},
};

use crate::Result;

/// Period of all archives: the first with the rules of today.
pub const PERIOD: u32 = 81;
/// Contracts for so many nodes each, as in a month with 5,500 nodes and 750 contracts.
const CONTRACTS: (u32, u32) = (750, 5_500);

/// Where the archives are.
#[derive(Debug)]
pub struct Archives {
    folder: PathBuf,
}

/// Which archive.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Length in periods.
    pub months: f64,
    /// Nodes.
    pub nodes: u32,
    /// Blocks of a chunk.
    pub chunk_blocks: u32,
    /// Level of zstd, when it is not to be the usual one.
    pub level: Option<i32>,
}

impl Wanted {
    /// An archive as every export makes it.
    pub fn usual(months: f64, nodes: u32) -> Self {
        Self { months, nodes, chunk_blocks: minting::archive::DEFAULT_CHUNK_BLOCKS, level: None }
    }

    fn month(&self) -> Result<Month> {
        let contracts = u64::from(self.nodes) * u64::from(CONTRACTS.0) / u64::from(CONTRACTS.1);
        let (months, nodes) = (self.months, self.nodes);
        let contracts = u32::try_from(contracts)?;
        Ok(Month::new(Options { period: PERIOD, months, nodes, contracts, seed: 1 })?)
    }
}

impl Archives {
    /// Archives below a folder, which is made.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// A folder for results.
    pub fn results(&self) -> PathBuf {
        self.folder.join("results")
    }

    /// The archive, which is made if it is not there.
    pub fn get(&self, wanted: &Wanted) -> Result<Archive> {
        let Wanted { months, nodes, chunk_blocks, level } = wanted;
        let level = level.map_or(String::from("usual"), |level| level.to_string());
        let (major, minor) = (container::MAJOR, container::MINOR);
        let name = format!(
            "format-{major}.{minor}-months-{months}-nodes-{nodes}-chunks-{chunk_blocks}-level-{level}"
        );
        let path = self.folder.join(name);
        if let Ok(archive) = Archive::open(&path) {
            return Ok(archive);
        }
        eprintln!("bench: making {}", path.display());
        fs::create_dir_all(&self.folder)?;
        write_month(&wanted.month()?, &path, wanted.how(None))?;
        Ok(Archive::open(&path)?)
    }

    /// The archive with its events as the chain has them instead of in columns.
    pub fn with_raw_events(&self, wanted: &Wanted) -> Result<Archive> {
        let columns = self.get(wanted)?.folder().to_path_buf();
        let name = columns.file_name().ok_or("an archive without a name")?.to_string_lossy().into_owned();
        let path = self.folder.join(format!("{name}-raw"));
        if let Ok(archive) = Archive::open(&path) {
            return Ok(archive);
        }
        eprintln!("bench: making {}", path.display());
        let provenance = Provenance {
            chain: "synthetic".into(),
            endpoints: Vec::new(),
            finished: String::new(),
            node: String::new(),
            started: String::new(),
            tool: "bench".into(),
        };
        Merge::of(&[columns], None)?.write(&path, &provenance, |_| None, |_| ())?;
        Ok(Archive::open(&path)?)
    }

    /// The raw events of the blocks of a month, one behind the other.
    pub fn raw_events(&self, months: f64, nodes: u32) -> Result<PathBuf> {
        let file = self.folder.join(format!("events-months-{months}-nodes-{nodes}"));
        if file.exists() {
            return Ok(file);
        }
        eprintln!("bench: making {}", file.display());
        fs::create_dir_all(&self.folder)?;
        let wanted = Wanted { level: Some(1), ..Wanted::usual(months, nodes) };
        let (rest, part) = (self.folder.join("rest"), file.with_extension("part"));
        write_month(&wanted.month()?, &rest, wanted.how(Some(&part)))?;
        fs::remove_dir_all(rest)?;
        fs::rename(part, &file)?;
        Ok(file)
    }
}

impl Wanted {
    fn how<'a>(&self, raw_events: Option<&'a Path>) -> MonthOptions<'a> {
        MonthOptions { chunk_blocks: self.chunk_blocks, level: self.level, raw_events, proofs: None }
    }
}

/// Bytes of all chunk files.
pub fn chunk_bytes(archive: &Archive) -> u64 {
    archive.manifest().chunks.iter().map(|chunk| chunk.file_bytes).sum()
}

/// Blocks of an archive.
pub fn blocks(archive: &Archive) -> u64 {
    let manifest = archive.manifest();
    u64::from(manifest.last_block.saturating_sub(manifest.first_block)).saturating_add(1)
}
