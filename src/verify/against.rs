//! Compares what a replay gives with results that somebody published: any subset of receipts, `payouts.csv`,
//! `overview.csv` and the other files of a run, of this program or of the reference implementation.

mod fixups;
mod place;
mod receipts;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::outputs::{ATTESTATION_START, ResultError, names, read};
use crate::{
    minting::FixupReceipt,
    report::{
        partial,
        run::{RUN_JSON, Run},
    },
};

pub use place::{Place, first};

/// Why results cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum AgainstError {
    /// They cannot be read.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// Writing to memory failed.
    #[error("failed to make the files of the replay: {0}")]
    Io(#[from] std::io::Error),
}

/// What a difference is about, in the order in which one thing of a node follows from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// One side has the node and the other has not.
    Presence,
    /// Farm, twin, certification, policy or price of the node.
    Node,
    /// Its violation.
    Violation,
    /// Its uptime.
    Uptime,
    /// Its capacity.
    Capacity,
    /// What was used of it.
    Use,
    /// Names, addresses and prices, which are those at the end of the period.
    End,
    /// What it is paid.
    Reward,
    /// A row that one side has and the other has not, of a node that both have.
    Row,
    /// Nothing that is paid for: order, names and form of files.
    Form,
}

/// A value that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The node; none for what is not of one node, or of one that cannot be told.
    pub node: Option<u32>,
    /// What it is about.
    pub about: About,
    /// The published file.
    pub file: String,
    /// Name of the value: field of a receipt, or column of a table.
    pub field: String,
    /// As published; none if there is nothing.
    pub published: Option<String>,
    /// As replayed; none if there is nothing.
    pub here: Option<String>,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// Differences: those of nodes by node, then the others; of one node in the order of [`About`].
    pub differences: Vec<Difference>,
    /// What was compared, and how many receipts or rows are published of it.
    pub compared: BTreeMap<String, usize>,
    /// Published files that no replay makes.
    pub not_compared: Vec<String>,
    /// The published results are fix-ups, which were made again from the receipts they correct.
    pub fixups: bool,
}

impl Against {
    /// Nodes that differ.
    pub fn nodes(&self) -> BTreeSet<u32> {
        self.differences.iter().filter_map(|difference| difference.node).collect()
    }
}

/// Compares a run with published results. Findings of the run do not count: `run` has to accept them.
///
/// # Errors
/// I/O errors, and a folder in which there is nothing to compare.
pub fn against(run: &Run<'_>, folder: &Path) -> Result<Against, AgainstError> {
    partial::refuse(folder, "nobody published it as the result of a period").map_err(ResultError::from)?;
    let names = published_names(folder, &run.period.folder())?;
    let mut here = run.files()?;
    here.remove(RUN_JSON);
    let mut outcome = Against::default();
    let fixed = format!("receipts/fixed/{}/", run.period.folder());
    let fixups = names.range(fixed.clone()..).take_while(|(name, _)| name.starts_with(&fixed));
    let mut corrections = Vec::new();
    for (_, path) in fixups {
        corrections.extend(FixupReceipt::parse(&read(&folder.join(path))?).ok());
    }
    let mut corrected = BTreeSet::new();
    if !corrections.is_empty() {
        outcome.fixups = true;
        corrected = fixups::make(run, folder, &names, &corrections, &mut here)?;
    }
    let side = Sides { run, folder, names: &names, here: &here, corrected: &corrected };
    let nodes = receipts::compare(&side, &mut outcome)?;
    tables::compare(&side, &nodes, &mut outcome)?;
    if outcome.compared.is_empty() {
        let what = format!(
            "there is nothing of {} to compare here: no receipts, no payouts.csv, no overview.csv",
            run.period.number.map_or("this range".to_owned(), |number| format!("period {number}"))
        );
        return Err(ResultError::malformed(folder, what).into());
    }
    for name in names.keys() {
        let ours = name.starts_with("receipts/") || here.contains_key(name);
        if !ours && name != RUN_JSON && !name.starts_with(ATTESTATION_START) {
            outcome.not_compared.push(name.clone());
        }
    }
    outcome.differences.sort_by(|a, b| {
        let key = |d: &Difference| (d.node.is_none(), d.node, d.about);
        key(a).cmp(&key(b)).then_with(|| a.file.cmp(&b.file))
    });
    Ok(outcome)
}

/// Both sides of a comparison.
struct Sides<'a> {
    run: &'a Run<'a>,
    /// Where the published files are.
    folder: &'a Path,
    /// Published files: path in the folder, by name.
    names: &'a BTreeMap<String, String>,
    /// Files of the run.
    here: &'a BTreeMap<String, Vec<u8>>,
    /// Receipts that published fix-ups correct, in hex; the results may hold them as well.
    corrected: &'a BTreeSet<String>,
}

impl Sides<'_> {
    /// The published file, if there.
    fn published(&self, name: &str) -> Result<Option<Vec<u8>>, ResultError> {
        self.names.get(name).map(|path| read(&self.folder.join(path))).transpose()
    }
}

/// Published files by the names that they have today: the receipts of the first period lay side by side.
fn published_names(folder: &Path, period: &str) -> Result<BTreeMap<String, String>, ResultError> {
    let named = |path: String| match path.strip_prefix("receipts/") {
        Some(file) if !file.contains('/') && period == "45" => (format!("receipts/45/{file}"), path),
        _ => (path.clone(), path),
    };
    Ok(names(folder)?.into_iter().map(named).collect())
}
