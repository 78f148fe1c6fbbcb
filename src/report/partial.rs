//! Names of preliminary results: no file of theirs has the name of a final one.
//!
//! `payouts.csv` is `partial-payouts.csv`, `receipts/81/<hash>` is `receipts/partial-81/partial-<hash>`.

use std::path::{Path, PathBuf};

use super::run::RUN_JSON;

/// Start of the name of every file.
const MARK: &str = "partial-";

/// The name that a file of a run has in a preliminary result.
pub fn name(file: &str) -> String {
    let mut parts: Vec<String> = file.split('/').map(str::to_owned).collect();
    // The file itself, and the folder of the period.
    for part in parts.iter_mut().rev().take(2).filter(|part| *part != "receipts") {
        part.insert_str(0, MARK);
    }
    parts.join("/")
}

/// The folder of receipts of a period, in a preliminary result.
pub fn folder(period: &str) -> String {
    format!("{MARK}{period}")
}

/// The hash in the name of a preliminary receipt.
pub fn receipt(file: &str) -> Option<&str> {
    file.strip_prefix(MARK)
}

/// Whether a folder holds a preliminary result.
pub fn is_partial(folder: &Path) -> bool {
    folder.join(name(RUN_JSON)).is_file()
}

/// A preliminary result where only a final one will do.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "`{folder}` holds a preliminary result, made with --partial before its period was over: {what}; give the results \
     of a run of the whole period"
)]
pub struct Preliminary {
    /// The folder.
    pub folder: PathBuf,
    /// What is not done with it.
    pub what: &'static str,
}

/// Refuses a folder with a preliminary result; `what` says what is not done with it.
///
/// # Errors
/// If it is one.
pub fn refuse(folder: &Path, what: &'static str) -> Result<(), Preliminary> {
    if is_partial(folder) { Err(Preliminary { folder: folder.to_path_buf(), what }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_marked() {
        assert_eq!(name("payouts.csv"), "partial-payouts.csv");
        assert_eq!(name("receipts/81/ab"), "receipts/partial-81/partial-ab");
        assert_eq!(name("receipts/retries/81/ab"), "receipts/retries/partial-81/partial-ab");
        assert_eq!(
            (folder("81"), receipt("partial-ab"), receipt("ab")),
            ("partial-81".into(), Some("ab"), None)
        );
    }
}
