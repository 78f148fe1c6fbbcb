//! Reads what an earlier run published: receipts, and the memo hashes that were paid.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::partial::{self, Preliminary};
use crate::{
    archive::{self, Payments, container},
    minting::{FixupReceipt, Period, Previous, Receipt, ReceiptError, RetryReceipt},
};

/// Longest receipt that is read; real ones have about 900 bytes.
const MAX_RECEIPT_LEN: u64 = 1 << 20;

/// Why published results could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// The operating system refused.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder has no receipts of the period before.
    #[error("`{0}` does not exist; --previous takes the output folder of the period before")]
    NoReceipts(PathBuf),
    /// Nothing is paid for a preliminary result.
    #[error(transparent)]
    Preliminary(#[from] Preliminary),
    /// A free time range has no period before it.
    #[error("a time range has no period before it; --previous goes with --period")]
    NoPeriodBefore,
    /// A file name is no hash.
    #[error("`{0}`: the name of a receipt is its hash of 64 hex digits; remove what is no receipt")]
    Name(PathBuf),
    /// A file is not what its name says.
    #[error("`{path}`: its content has the hash {hash}; it was changed after it was published, get it again")]
    Hash {
        /// The file.
        path: PathBuf,
        /// Hash of its content.
        hash: String,
    },
    /// A file is no receipt.
    #[error("`{path}`: {source}")]
    Receipt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReceiptError,
    },
    /// A file of payments is damaged.
    #[error(transparent)]
    Payments(#[from] archive::Error),
    /// A line is no hash.
    #[error("`{path}`, line {line}: `{text}` is not a hash of 64 hex digits")]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number from 1.
        line: usize,
        /// The line.
        text: String,
    },
}

/// Receipts of the period before `period`, from the output folder of its run: `receipts/<P-1>/` and, if there,
/// `receipts/fixed/<P-1>/`.
///
/// # Errors
/// Names the file that cannot be read, is no receipt, or whose name is not its hash.
pub fn previous(folder: &Path, period: &Period) -> Result<Previous, PublishedError> {
    let Some(before) = period.previous() else { return Err(PublishedError::NoPeriodBefore) };
    partial::refuse(folder, "nothing is paid again for it")?;
    let minting = folder.join("receipts").join(before.folder());
    let fixups = folder.join("receipts/fixed").join(before.folder());
    if !minting.is_dir() && ran_without_receipts(folder, before.number) {
        return Ok(Previous::default());
    }
    if !minting.is_dir() {
        return Err(PublishedError::NoReceipts(minting));
    }
    Ok(Previous {
        minting: receipts(&minting, Receipt::parse)?,
        fixups: if fixups.is_dir() { receipts(&fixups, FixupReceipt::parse)? } else { BTreeMap::new() },
    })
}

/// Whether a folder is the output of a finished run of a period, which then had no node.
fn ran_without_receipts(folder: &Path, period: Option<u32>) -> bool {
    let run = fs::read(folder.join(super::run::RUN_JSON)).ok();
    let run: Option<serde_json::Value> = run.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(run) = run else { return false };
    let done = run.get("status").and_then(serde_json::Value::as_str).is_some_and(|s| s.starts_with("done"));
    done && period.is_some()
        && run.pointer("/period/number").and_then(serde_json::Value::as_u64) == period.map(u64::from)
}

/// Minting receipts of `period`, from the output folder of its run: `receipts/<P>/`.
///
/// # Errors
/// Names the file that cannot be read, is no receipt, or whose name is not its hash; a preliminary result.
pub fn minted(folder: &Path, period: &Period) -> Result<BTreeMap<[u8; 32], Receipt>, PublishedError> {
    partial::refuse(folder, "nothing is paid for it")?;
    receipts(&folder.join("receipts").join(period.folder()), Receipt::parse)
}

/// As [`minted`], also of a preliminary run; none if the run had no node.
///
/// # Errors
/// As [`minted`], but for preliminary results.
pub fn minted_if_any(folder: &Path, period: &Period) -> Result<BTreeMap<[u8; 32], Receipt>, PublishedError> {
    receipts_if_any(folder, "receipts", period, Receipt::parse)
}

/// Retries that were made in `period`, from the output folder of its run, also a preliminary one:
/// `receipts/retries/<P>/`, which is missing where there are none.
///
/// # Errors
/// Names the file that cannot be read, is no receipt, or whose name is not its hash.
pub fn retried(folder: &Path, period: &Period) -> Result<BTreeMap<[u8; 32], RetryReceipt>, PublishedError> {
    receipts_if_any(folder, "receipts/retries", period, RetryReceipt::parse)
}

fn receipts_if_any<R>(
    folder: &Path,
    kind: &str,
    period: &Period,
    parse: impl Fn(&[u8]) -> Result<R, ReceiptError>,
) -> Result<BTreeMap<[u8; 32], R>, PublishedError> {
    let (of_period, hash_in): (String, fn(&str) -> Option<&str>) = if partial::is_partial(folder) {
        (partial::folder(&period.folder()), partial::receipt)
    } else {
        (period.folder(), whole_name)
    };
    let folder = folder.join(kind).join(of_period);
    if folder.is_dir() { receipts_named(&folder, hash_in, parse) } else { Ok(BTreeMap::new()) }
}

fn receipts<R>(
    folder: &Path,
    parse: impl Fn(&[u8]) -> Result<R, ReceiptError>,
) -> Result<BTreeMap<[u8; 32], R>, PublishedError> {
    receipts_named(folder, whole_name, parse)
}

/// The hash in the name of a final receipt.
fn whole_name(name: &str) -> Option<&str> {
    Some(name)
}

/// Receipts in a folder; `hash_in` finds the hash in the name of a file.
fn receipts_named<R>(
    folder: &Path,
    hash_in: fn(&str) -> Option<&str>,
    parse: impl Fn(&[u8]) -> Result<R, ReceiptError>,
) -> Result<BTreeMap<[u8; 32], R>, PublishedError> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        |source| PublishedError::Io { path, source }
    };
    let mut receipts = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(hash) = hash_in(&name).and_then(parse_hash) else { return Err(PublishedError::Name(path)) };
        let length = fs::metadata(&path).map_err(io(&path))?.len();
        if length > MAX_RECEIPT_LEN {
            let source = io::Error::other(format!("{length} bytes are too many for a receipt"));
            return Err(PublishedError::Io { path, source });
        }
        let bytes = fs::read(&path).map_err(io(&path))?;
        let receipt =
            parse(&bytes).map_err(|source| PublishedError::Receipt { path: path.clone(), source })?;
        let content = archive::header::blake2_256(&[&bytes]);
        if content != hash {
            return Err(PublishedError::Hash { path, hash: hex::encode(content) });
        }
        receipts.insert(hash, receipt);
    }
    Ok(receipts)
}

/// Memo hashes that were paid, and where that is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// The hashes.
    pub memos: BTreeSet<[u8; 32]>,
    /// The files.
    pub sources: Vec<PaidSource>,
}

/// A file that says what was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidSource {
    /// SHA-256 of its content.
    pub content_sha256: [u8; 32],
    /// Different hashes in it.
    pub memos: usize,
    /// Time of the last operation on Stellar that was read for it, unix seconds; none of a list.
    pub read_until: Option<i64>,
}

impl Paid {
    /// Adds a file: payments on Stellar as `minting-fetch stellar` writes them, or a list of memo hashes, one in hex a
    /// line, where empty lines do not count.
    ///
    /// # Errors
    /// A damaged file of payments; names the line that is no hash.
    pub fn add_file(&mut self, file: &Path) -> Result<(), PublishedError> {
        let io = |source| PublishedError::Io { path: file.to_path_buf(), source };
        let mut start = Vec::new();
        let magic = u64::try_from(container::MAGIC.len()).unwrap_or(u64::MAX);
        fs::File::open(file).map_err(io)?.take(magic).read_to_end(&mut start).map_err(io)?;
        if start == container::MAGIC {
            return self.add_payments(file);
        }
        let text = fs::read_to_string(file).map_err(io)?;
        let memos = memos_of(&text, file)?;
        self.add(memos, container::sha256(text.as_bytes()), None);
        Ok(())
    }

    /// Adds the payments on Stellar in the folder of an archive, if there are any.
    ///
    /// # Errors
    /// A damaged file of payments.
    pub fn add_archive(&mut self, folder: &Path) -> Result<(), PublishedError> {
        let file = folder.join(archive::PAYMENTS);
        if file.is_file() { self.add_payments(&file) } else { Ok(()) }
    }

    fn add_payments(&mut self, file: &Path) -> Result<(), PublishedError> {
        let (payments, content_sha256) = Payments::read(file)?;
        self.add(payments.memos(), content_sha256, Some(payments.read_until));
        Ok(())
    }

    fn add(&mut self, memos: BTreeSet<[u8; 32]>, content_sha256: [u8; 32], read_until: Option<i64>) {
        self.sources.push(PaidSource { content_sha256, memos: memos.len(), read_until });
        self.memos.extend(memos);
    }
}

/// The hashes in a list.
fn memos_of(text: &str, file: &Path) -> Result<BTreeSet<[u8; 32]>, PublishedError> {
    let mut memos = BTreeSet::new();
    for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let hash = parse_hash(&text.trim().to_ascii_lowercase()).ok_or_else(|| PublishedError::Line {
            path: file.to_path_buf(),
            line: line.saturating_add(1),
            text: text.to_string(),
        })?;
        memos.insert(hash);
    }
    Ok(memos)
}

/// A hash in lower-case hex.
fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    (hex::encode(hash) == text).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Payment, PaymentSource};

    fn message(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let receipts = folder.path().join("receipts/80");
        fs::create_dir_all(&receipts).unwrap();
        fs::write(receipts.join(name), content).unwrap();
        let period = Period::numbered(81).unwrap();
        previous(folder.path(), &period).unwrap_err().to_string()
    }

    #[test]
    fn a_receipt_that_is_not_what_its_name_says_is_named() {
        assert!(message("readme.txt", b"").contains("readme.txt"));
        assert!(message(&"A".repeat(64), b"").contains("64 hex digits"));
        assert!(message(&"0".repeat(64), b"{").contains("not a minting receipt"));
    }

    #[test]
    fn a_folder_without_receipts_of_the_period_before_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = previous(folder.path(), &Period::numbered(81).unwrap()).unwrap_err().to_string();
        assert!(error.contains("receipts/80") && error.contains("--previous"), "{error}");
    }

    #[test]
    fn paid_hashes_are_read_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("paid");
        fs::write(&file, format!("{}\n\n{}\r\n", "ab".repeat(32), "AB".repeat(32))).unwrap();
        let mut paid = Paid::default();
        paid.add_file(&file).unwrap();
        assert_eq!(paid.memos, BTreeSet::from([[0xab; 32]]));
        assert_eq!((paid.sources[0].memos, paid.sources[0].read_until), (1, None));
        fs::write(&file, "ab\n").unwrap();
        assert!(paid.add_file(&file).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn payments_are_read_from_a_file_and_from_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let key = [1; 32];
        let source =
            PaymentSource { network: key, account: key, issuer: key, asset: "TFT".to_owned(), from: 0 };
        let payment =
            Payment { operation: 3, time: 4, amount: 5, memo: [6; 32], destination: key, multiplexed: None };
        let payments = Payments { source, cursor: 7, read_until: 8, payments: vec![payment] };
        let file = folder.path().join(archive::PAYMENTS);
        let digest = payments.write(&file).unwrap().content_sha256;
        let expected = PaidSource { content_sha256: digest, memos: 1, read_until: Some(8) };
        let mut paid = Paid::default();
        paid.add_archive(folder.path()).unwrap();
        paid.add_file(&file).unwrap();
        assert_eq!((paid.memos, paid.sources), ([[6; 32]].into(), vec![expected; 2]));
        let mut nothing = Paid::default();
        nothing.add_archive(&folder.path().join("stellar")).unwrap();
        assert_eq!(nothing, Paid::default());
    }
}
