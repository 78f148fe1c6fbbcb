//! Whether the files of a result are those that its `run.json` lists.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

use crate::{
    archive::container::sha256,
    report::{
        partial::Preliminary,
        run::{FORMAT_NAME, FORMAT_VERSION, RUN_JSON},
        seal,
    },
};

/// Start of the name of attestations, which are kept with the results that they are about.
pub const ATTESTATION_START: &str = "attestation-";
/// Longest file of results that is read; the overview of 100,000 nodes has about 40 MB.
pub const MAX_FILE_LEN: u64 = 1 << 30;

/// Why a result cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The operating system refused.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Only a final result will do.
    #[error(transparent)]
    Preliminary(#[from] Preliminary),
    /// A file is not what it should be.
    #[error("`{path}`: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl ResultError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> ResultError + use<> {
        let path = path.to_path_buf();
        move |source| ResultError::Io { path, source }
    }

    pub(super) fn malformed(path: &Path, what: impl Into<String>) -> ResultError {
        ResultError::Malformed { path: path.to_path_buf(), what: what.into() }
    }
}

/// Reads a file of at most [`MAX_FILE_LEN`] bytes.
///
/// # Errors
/// I/O errors, and a file that is longer.
pub fn read(path: &Path) -> Result<Vec<u8>, ResultError> {
    let length = fs::metadata(path).map_err(ResultError::io(path))?.len();
    if length > MAX_FILE_LEN {
        return Err(ResultError::malformed(path, format!("{length} bytes are too many")));
    }
    fs::read(path).map_err(ResultError::io(path))
}

/// Reads a run receipt and checks its form and its short digest.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn run_receipt(path: &Path) -> Result<Value, ResultError> {
    parse_run_receipt(&read(path)?).map_err(|what| ResultError::malformed(path, what))
}

/// As [`run_receipt`], from bytes.
///
/// # Errors
/// Says what is wrong.
pub fn parse_run_receipt(bytes: &[u8]) -> Result<Value, String> {
    let run: Value = serde_json::from_slice(bytes).map_err(|e| format!("it is not JSON: {e}"))?;
    if run.pointer("/format/name").and_then(Value::as_str) != Some(FORMAT_NAME) {
        return Err("it is no run receipt of this form; run again with this minting-replay".into());
    }
    let version = run.pointer("/format/version").and_then(Value::as_u64);
    if version != Some(u64::from(FORMAT_VERSION)) {
        let version = version.map_or("none".into(), |version| version.to_string());
        return Err(format!("it is a run receipt of version {version}, this program reads {FORMAT_VERSION}"));
    }
    if seal::to_bytes(&run).map_err(|e| e.to_string())? != bytes {
        return Err("it is not in canonical form: it was changed after it was written".into());
    }
    let short = seal::short_digest(&run).map_err(|e| e.to_string())?;
    if run.get(seal::SHORT_DIGEST).and_then(Value::as_str) != Some(&short) {
        return Err(format!("its content has the short digest {short}, it says another: it was changed"));
    }
    Ok(run)
}

/// Names of all files below a folder, ascending, with `/` between parts.
///
/// # Errors
/// I/O errors.
pub fn names(folder: &Path) -> Result<BTreeSet<String>, ResultError> {
    let mut found = BTreeSet::new();
    let mut open = vec![(folder.to_path_buf(), String::new())];
    while let Some((next, start)) = open.pop() {
        for entry in fs::read_dir(&next).map_err(ResultError::io(&next))? {
            let entry = entry.map_err(ResultError::io(&next))?;
            let name = format!("{start}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(ResultError::io(&next))?.is_dir() {
                open.push((entry.path(), format!("{name}/")));
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Compares the files of a result with what its run receipt lists; none if they are the same.
///
/// # Errors
/// I/O errors other than files that are missing.
pub fn problems(folder: &Path, run: &Value) -> Result<Vec<String>, ResultError> {
    let mut problems = Vec::new();
    let mut there = names(folder)?;
    let mut listed = Vec::new();
    for (name, digest) in run.get("outputs").and_then(Value::as_object).into_iter().flatten() {
        let digest = digest.as_str().unwrap_or_default();
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
            problems.push(format!("run.json lists `{name}`, which does not lie below its folder"));
            continue;
        }
        if !there.remove(name) {
            problems.push(format!("{name}: run.json lists it, but it is missing"));
            continue;
        }
        let content = sha256(&read(&folder.join(name))?);
        if hex::encode(content) != digest {
            problems.push(format!("{name}: its content is not what run.json lists"));
        }
        listed.push((name.as_str(), content));
    }
    there.retain(|name| name != RUN_JSON && !name.starts_with(ATTESTATION_START));
    problems.extend(there.iter().map(|name| format!("{name}: run.json does not list it")));
    if problems.is_empty() {
        for (field, start) in [("outputs_digest", ""), ("receipts_digest", "receipts/")] {
            let files = listed.iter().filter(|(name, _)| name.starts_with(start)).copied();
            let digest = hex::encode(seal::digest_of_files(files));
            if run.get(field).and_then(Value::as_str) != Some(&digest) {
                problems.push(format!("run.json: its {field} is not that of its outputs"));
            }
        }
    }
    Ok(problems)
}
