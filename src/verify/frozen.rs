//! Frozen archives as tests: a folder with an archive, how it is replayed, and the digests that this has to give.
//!
//! `docs/run-receipt.md` documents the file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::outputs::{ResultError, read};
use crate::{
    archive::{container::sha256, files},
    report::{partial, run::RUN_JSON, seal},
};

/// Name of the file that makes a folder a case.
pub const EXPECTED_TOML: &str = "expected.toml";
/// Usual name of the archive in a case.
const ARCHIVE: &str = "archive";
/// Key of the one digest over all receipts.
const RECEIPTS: &str = "receipts/";

const HEAD: &str = "\
# How `minting-replay test` replays this folder, and what that has to give; `--bless` writes it.
";

/// How an archive is replayed, and what it gives. Paths are relative to the folder of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Archives that follow each other; if left out, `archive`, or the folder itself where that is an archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<PathBuf>,
    /// Number of the period; either this or `range`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<u32>,
    /// Time range as `run --range` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Rule set as `run --rules` takes it; a file is relative to the folder, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// `reference` or `fixed`, as `run --bugs` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bugs: Option<String>,
    /// Results of the period before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PathBuf>,
    /// What was paid, as `run --paid` takes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid: Vec<PathBuf>,
    /// `auto`, `keep` or `withhold`, as `run --invalid-addresses` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_addresses: Option<String>,
    /// Findings are accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_findings: bool,
    /// The archives end inside of the period, as `run --partial` takes them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Validators whose signatures the archive has to have, as `run --authorities` takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<PathBuf>,
    /// The step that the archives reach, no more and no less, as `trust.level` of `run.json` names it; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<String>,
    /// SHA-256 of every file of the results but receipts and `run.json`; `receipts/` is that of the list which
    /// `sha256sum` prints of all receipts. `status` is that of `run.json`. Empty before the first `--bless`.
    #[serde(default)]
    pub expected: BTreeMap<String, String>,
}

impl Case {
    /// Reads the case in a folder; one without the file, but with an archive of a period, is to be replayed as that.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(folder: &Path) -> Result<Case, ResultError> {
        let path = folder.join(EXPECTED_TOML);
        if !path.exists() {
            return Ok(Case::default());
        }
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        toml::from_str(&text).map_err(|e| ResultError::malformed(&path, e.to_string()))
    }

    /// Writes the case into its folder.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write(&self, folder: &Path) -> Result<(), ResultError> {
        let path = folder.join(EXPECTED_TOML);
        let text = toml::to_string(self).map_err(|e| ResultError::malformed(&path, e.to_string()))?;
        files::write(&path, format!("{HEAD}{text}").as_bytes())
            .map_err(|e| ResultError::malformed(&path, e.to_string()))
    }

    /// The archive, or the first of several: by default the folder `archive`, or the folder of the case itself.
    pub fn first_archive(&self, folder: &Path) -> PathBuf {
        match self.archives.first() {
            Some(archive) => folder.join(archive),
            None if folder.join(files::MANIFEST).is_file() => folder.to_path_buf(),
            None => folder.join(ARCHIVE),
        }
    }

    /// Arguments of `minting-replay run`, without the output folder.
    pub fn arguments(&self, folder: &Path) -> Vec<String> {
        let at = |path: &Path| folder.join(path).display().to_string();
        let mut words: Vec<String> = self.archives.iter().map(|archive| at(archive)).collect();
        if words.is_empty() {
            words.push(self.first_archive(folder).display().to_string());
        }
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.extend([name.to_owned(), value]);
            }
        };
        option("--period", self.period.map(|period| period.to_string()));
        option("--range", self.range.clone());
        let is_file = |name: &String| name.ends_with(".toml");
        let rules = |name: &String| if is_file(name) { at(Path::new(name)) } else { name.clone() };
        option("--authorities", self.authorities.as_deref().map(at));
        option("--rules", self.rules.as_ref().map(rules));
        option("--bugs", self.bugs.clone());
        option("--previous", self.previous.as_deref().map(at));
        self.paid.iter().for_each(|file| option("--paid", Some(at(file))));
        option("--invalid-addresses", self.invalid_addresses.clone());
        for (flag, given) in [("--accept-findings", self.accept_findings), ("--partial", self.partial)] {
            if given {
                words.push(flag.to_owned());
            }
        }
        words
    }
}

/// What a replay gave, as [`Case::expected`] states it.
pub fn digests(outputs: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for (name, bytes) in outputs {
        if *name == RUN_JSON || *name == partial::name(RUN_JSON) {
            let run: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let status = run.get("status").and_then(serde_json::Value::as_str).unwrap_or_default();
            digests.insert("status".to_owned(), status.to_owned());
        } else if !name.starts_with(RECEIPTS) {
            digests.insert(name.clone(), hex::encode(sha256(bytes)));
        }
    }
    let receipts = outputs.iter().filter(|(name, _)| name.starts_with(RECEIPTS));
    let receipts = receipts.map(|(name, bytes)| (name.as_str(), sha256(bytes)));
    digests.insert(RECEIPTS.to_owned(), hex::encode(seal::digest_of_files(receipts)));
    digests
}

/// Folders of cases in and below a folder, ascending: those with the file, those with an archive, and archives.
///
/// # Errors
/// I/O errors, and a folder without a case.
pub fn cases(folder: &Path) -> Result<Vec<PathBuf>, ResultError> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        let marks = [EXPECTED_TOML.into(), files::MANIFEST.into(), Path::new(ARCHIVE).join(files::MANIFEST)];
        if marks.iter().any(|mark: &PathBuf| next.join(mark).is_file()) {
            found.push(next);
            continue;
        }
        for entry in std::fs::read_dir(&next).map_err(ResultError::io(&next))? {
            let entry = entry.map_err(ResultError::io(&next))?;
            if entry.file_type().map_err(ResultError::io(&next))?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        let what = format!("there is no folder with an archive and {EXPECTED_TOML} in it");
        return Err(ResultError::malformed(folder, what));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let case = Case {
            period: Some(81),
            previous: Some("previous".into()),
            rules: Some("mine.toml".into()),
            authorities: Some("validators.json".into()),
            reached: Some("finality".into()),
            accept_findings: true,
            expected: BTreeMap::from([("payouts.csv".to_owned(), "ab".to_owned())]),
            ..Case::default()
        };
        case.write(folder.path()).unwrap();
        assert_eq!(Case::read(folder.path()).unwrap(), case);
        let words = case.arguments(Path::new("x")).join(" ");
        assert_eq!(
            words,
            "x/archive --period 81 --authorities x/validators.json --rules x/mine.toml --previous x/previous \
             --accept-findings"
        );
        std::fs::write(folder.path().join(EXPECTED_TOML), "periods = 3").unwrap();
        assert!(Case::read(folder.path()).unwrap_err().to_string().contains("periods"));
    }
}
