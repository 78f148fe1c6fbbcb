//! Reads the output folder of a run: who was paid what, and how it stands with those who were not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    details::{self, DETAILS_JSON, Detail},
    partial,
    published::{self, PublishedError},
    run::RUN_JSON,
};
use crate::minting::{Period, PeriodError, Receipt, RetryReceipt};

/// Why the output of a run could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The operating system refused.
    #[error("failed to read `{path}`: {source}; give the output folder of a finished `minting-replay run`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not what a run writes.
    #[error("`{path}`: {what}; make it again with `minting-replay run`")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A receipt cannot be used.
    #[error(transparent)]
    Published(#[from] PublishedError),
    /// The period is none.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Findings keep the results from being used.
    #[error(
        "`{0}`: its results are withheld for findings that nobody accepted; look at them in run.json, then run again with --accept-findings --overwrite"
    )]
    Withheld(PathBuf),
    /// Corrections and the like.
    #[error("`{path}`: its status is `{status}`; give the output folder of `minting-replay run`")]
    Status {
        /// The folder.
        path: PathBuf,
        /// What run.json says.
        status: String,
    },
}

/// The results of a run, verified against the names of their files.
#[derive(Debug)]
pub struct Results {
    /// The folder.
    pub folder: PathBuf,
    /// The period.
    pub period: Period,
    /// `run.json`.
    pub run: Value,
    /// Every node, by identifier.
    pub nodes: Vec<NodeRow>,
    /// Retries, by hash.
    pub retries: BTreeMap<[u8; 32], RetryReceipt>,
}

/// A node with its receipt.
#[derive(Clone, Debug)]
pub struct NodeRow {
    /// What became of it.
    pub detail: Detail,
    /// Its receipt; none if its farm or farming policy does not exist.
    pub receipt: Option<Receipt>,
    /// Ten-millionths of a TFT that a payout goes out for.
    pub paid_tft: u64,
}

impl Results {
    /// Reads a folder.
    ///
    /// # Errors
    /// Names the file that cannot be used; results that are withheld, or that are no run's.
    pub fn read(folder: &Path) -> Result<Results, ResultsError> {
        let run_path = find(folder, RUN_JSON);
        let unusable = |path: &Path, what: String| ResultsError::Unusable { path: path.to_path_buf(), what };
        let run: Value =
            serde_json::from_slice(&bytes(&run_path)?).map_err(|e| unusable(&run_path, e.to_string()))?;
        let status = run.get("status").and_then(Value::as_str).unwrap_or("missing").to_owned();
        if status.starts_with("withheld") {
            return Err(ResultsError::Withheld(folder.to_path_buf()));
        }
        let partial = run.get("partial").and_then(Value::as_bool).unwrap_or(false);
        if !partial && !status.starts_with("done") {
            return Err(ResultsError::Status { path: folder.to_path_buf(), status });
        }
        let number = |name: &str| run.pointer(name).and_then(Value::as_i64);
        let (Some(start), Some(end)) = (number("/period/start"), number("/period/end")) else {
            return Err(unusable(&run_path, "it names no period".to_owned()));
        };
        let period = match number("/period/number").and_then(|number| u32::try_from(number).ok()) {
            Some(number) => Period::numbered(number)?,
            None => Period::range(start, end)?,
        };
        let mut receipts = published::minted_if_any(folder, &period)?;
        let details_path = find(folder, DETAILS_JSON);
        let details = details::parse(&bytes(&details_path)?).map_err(|what| unusable(&details_path, what))?;
        let withheld_farms = withheld_farms(&run);
        let mut nodes = Vec::with_capacity(details.nodes.len());
        for detail in details.nodes {
            let receipt = match &detail.receipt {
                None => None,
                Some(hash) => {
                    let found = hex_hash(hash).and_then(|hash| receipts.remove(&hash));
                    let what = || format!("the receipt {hash} of node {} is missing", detail.node);
                    Some(found.ok_or_else(|| unusable(&details_path, what()))?)
                }
            };
            let paid = detail.outcome == "paid" && !withheld_farms.contains(&detail.farm);
            let paid_tft = receipt.as_ref().filter(|_| paid).map_or(0, |receipt| receipt.reward.tft);
            nodes.push(NodeRow { detail, receipt, paid_tft });
        }
        if let Some((hash, _)) = receipts.first_key_value() {
            let what = format!("it does not know the receipt {}", hex::encode(hash));
            return Err(unusable(&details_path, what));
        }
        let retries = published::retried(folder, &period)?;
        Ok(Results { folder: folder.to_path_buf(), period, run, nodes, retries })
    }

    /// Whether the archive ended inside of the period.
    pub fn is_partial(&self) -> bool {
        self.run.get("partial").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Farms to whose addresses no payment can be made, and whose payouts are left out.
    pub fn withheld_farms(&self) -> BTreeSet<u32> {
        withheld_farms(&self.run)
    }

    /// Name of the period for people.
    pub fn name(&self) -> String {
        match self.period.number {
            Some(number) => format!("period {number}"),
            None => format!("range {}..{}", self.period.start, self.period.end),
        }
    }
}

fn withheld_farms(run: &Value) -> BTreeSet<u32> {
    let withheld = run.pointer("/invalid_addresses/withheld").and_then(Value::as_bool).unwrap_or(false);
    let farms = run.pointer("/invalid_addresses/by_farm").and_then(Value::as_object);
    let farms = farms.into_iter().flat_map(|farms| farms.keys());
    farms.filter(|_| withheld).filter_map(|farm| farm.parse().ok()).collect()
}

/// A file of a run, under the name that it has in a preliminary one if this is one.
fn find(folder: &Path, name: &str) -> PathBuf {
    folder.join(if partial::is_partial(folder) { partial::name(name) } else { name.to_owned() })
}

fn bytes(path: &Path) -> Result<Vec<u8>, ResultsError> {
    fs::read(path).map_err(|source| ResultsError::Io { path: path.to_path_buf(), source })
}

fn hex_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
