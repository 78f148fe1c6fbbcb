//! Reads from Horizon, the HTTP interface of Stellar, what an account paid: `horizon` asks, `record` understands an
//! answer, and [`collect`] pages through all of them into a file that goes on where it ended.

mod horizon;
mod record;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stellar_strkey::ed25519::PublicKey;

use super::error::Error;
use super::progress::{Progress, Stage};
use crate::archive::{Error as ArchiveError, Hash, PaymentSource, Payments, files, is_asset_code};
use horizon::Horizon;
use record::Read;

/// Account that issues TFT and pays it out on the main net, from the rules of retries of the reference implementation.
pub const TFT_ISSUER: &str = "GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47";

/// Most operations that Horizon puts on a page.
const PAGE: usize = 200;
/// What has been read is written at least so often.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Which payments to read.
#[derive(Clone, Debug)]
pub struct PaymentsRequest {
    /// Address of a Horizon server.
    pub horizon: String,
    /// Stellar address of the account that pays.
    pub account: String,
    /// Code of the asset.
    pub asset: String,
    /// Stellar address of its issuer.
    pub issuer: String,
    /// Leave out payments before this time, unix seconds.
    pub from: Option<i64>,
    /// Stop before the first operation at or after this time, unix seconds.
    pub to: Option<i64>,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its content.
    pub content_sha256: Hash,
    /// Payments in it.
    pub payments: usize,
    /// Those that are new.
    pub new: usize,
    /// Time of the last operation that was read, unix seconds; 0 if there is none.
    pub read_until: i64,
}

/// Checks that a text is the address of a Horizon server, without asking it.
///
/// # Errors
/// [`Error::Address`].
pub fn check_horizon(url: &str) -> Result<(), Error> {
    horizon::check(url).map(drop)
}

/// Checks that a text is the address of a Stellar account.
///
/// # Errors
/// [`Error::Range`].
pub fn check_account(address: &str) -> Result<(), Error> {
    key(address).map(drop)
}

/// Reads the payments that are missing in the file `out`, or in the archive whose folder it is, and writes them.
///
/// # Errors
/// A Horizon server that is away, refuses or answers wrongly; a file of other payments; I/O errors. What was read until
/// then is kept, and the same call goes on from there.
pub async fn collect(
    request: &PaymentsRequest,
    out: &Path,
    progress: &dyn Progress,
) -> Result<Collected, Error> {
    if !is_asset_code(&request.asset) {
        return Err(Error::Range(format!("{:?} is not the code of an asset", request.asset)));
    }
    let path = place(out)?;
    let horizon = Horizon::new(&request.horizon, progress)?;
    progress.stage(Stage::Greeting, 0);
    let source = PaymentSource {
        network: horizon.network().await?,
        account: key(&request.account)?,
        issuer: key(&request.issuer)?,
        asset: request.asset.clone(),
        from: request.from.unwrap_or(0),
    };
    let mut file = open(&path, source)?;
    let before = file.payments.len();
    progress.stage(Stage::Payments, 0);
    let outcome = read_all(&horizon, request, &mut file, &path, progress).await;
    let sealed = file.write(&path)?;
    outcome?;
    Ok(Collected {
        path,
        content_sha256: sealed.content_sha256,
        payments: file.payments.len(),
        new: file.payments.len().saturating_sub(before),
        read_until: file.read_until,
    })
}

/// Pages from where the file ends to the last operation, or to the time asked for.
async fn read_all(
    horizon: &Horizon<'_>,
    request: &PaymentsRequest,
    file: &mut Payments,
    path: &Path,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut saved = Instant::now();
    loop {
        let page = horizon.payments(&request.account, file.cursor, PAGE).await?;
        // A server may put fewer operations on a page than asked for, so only an empty one is the last.
        if page.is_empty() {
            return Ok(());
        }
        for answer in &page {
            let cursor = file.cursor;
            let bad = |what| horizon.bad_answer(format!("the operation after {cursor}"), what);
            let operation = record::operation(answer).map_err(bad)?;
            if operation.id <= file.cursor || operation.time < file.read_until {
                return Err(bad(format!("operation {} does not come after it", operation.id)));
            }
            if request.to.is_some_and(|to| operation.time >= to) {
                return Ok(());
            }
            let transaction = match operation.transaction {
                Read::There(transaction) => Cow::Borrowed(transaction),
                Read::Elsewhere(hash) => Cow::Owned(horizon.transaction(hash).await?),
            };
            if operation.time >= file.source.from
                && let Some(payment) =
                    record::payment(answer, &transaction, &operation, request).map_err(bad)?
            {
                file.payments.push(payment);
            }
            (file.cursor, file.read_until) = (operation.id, operation.time);
        }
        progress.advance(u64::try_from(page.len()).unwrap_or(u64::MAX));
        if saved.elapsed() >= SAVE_EVERY {
            file.write(path)?;
            saved = Instant::now();
        }
    }
}

/// The file for an archive or a file of its own.
fn place(out: &Path) -> Result<PathBuf, Error> {
    let is_archive = out.join(files::MANIFEST).is_file() || out.join(files::PLAN).is_file();
    if out.is_dir() && !is_archive {
        let what =
            "is a folder, but not that of an archive; give the folder of an archive or a file".to_owned();
        return Err(ArchiveError::Occupied { path: out.to_path_buf(), what }.into());
    }
    Ok(Payments::place(out))
}

/// The payments that were read before, if they are of the same kind.
fn open(path: &Path, source: PaymentSource) -> Result<Payments, Error> {
    if !path.exists() {
        return Ok(Payments::of(source));
    }
    let (file, _) = Payments::read(path)?;
    if file.source != source {
        let what = "holds payments of another network, account or asset, or from another time on; choose another file"
            .to_owned();
        return Err(ArchiveError::Occupied { path: path.to_path_buf(), what }.into());
    }
    Ok(file)
}

/// The key behind the address of an account.
fn key(address: &str) -> Result<Hash, Error> {
    let bad = |_| {
        Error::Range(format!("{address:?} is not the address of a Stellar account: G and 55 more characters"))
    };
    Ok(PublicKey::from_string(address).map_err(bad)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_an_archive_is_no_place_for_payments() {
        let folder = tempfile::tempdir().unwrap();
        assert!(place(folder.path()).unwrap_err().to_string().contains("not that of an archive"));
        std::fs::write(folder.path().join(files::MANIFEST), b"{}").unwrap();
        assert!(place(folder.path()).unwrap().ends_with("stellar/payments.tfa"));
        let file = folder.path().join("memos.tfa");
        assert_eq!(place(&file).unwrap(), file);
    }

    #[test]
    fn payments_of_another_kind_are_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.tfa");
        let source = |from| PaymentSource {
            network: [1; 32],
            account: [2; 32],
            issuer: [3; 32],
            asset: "TFT".to_owned(),
            from,
        };
        Payments::of(source(0)).write(&path).unwrap();
        assert!(open(&path, source(0)).is_ok());
        assert!(open(&path, source(1)).unwrap_err().to_string().contains("another time"));
    }

    #[test]
    fn an_address_of_an_account_has_a_checksum() {
        assert!(check_account(TFT_ISSUER).is_ok());
        assert!(check_account(&TFT_ISSUER.replace("AC47", "AC48")).is_err());
    }
}
