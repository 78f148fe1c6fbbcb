//! Payments on Stellar whose memo is a hash (`archive-format.md`, section 7): what was paid, so that retries need no
//! network.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    Error, Hash, Result,
    bytes::{BodyWriter, Cursor, STELLAR_PAYMENTS, Short, section},
    container::{self, Kind, MAX_FILE_LEN, Sealed},
    files,
};

/// File of the payments in the folder of an archive.
pub const PAYMENTS: &str = "stellar/payments.tfa";

/// Bytes of the code of an asset, filled up with zeros.
const CODE_LEN: usize = 12;

/// Bytes that one payment takes.
const PAYMENT_LEN: usize = 8 + 8 + 8 + 32 + 32 + 9;

/// Whose payments a file holds, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSource {
    /// SHA-256 of the passphrase of the Stellar network, which is the network's identifier.
    pub network: Hash,
    /// Ed25519 key of the account that pays.
    pub account: Hash,
    /// Ed25519 key of the account that issues the asset.
    pub issuer: Hash,
    /// Code of the asset: 1 to 12 letters and digits.
    pub asset: String,
    /// Payments before this time are left out, unix seconds; 0 leaves out none.
    pub from: i64,
}

/// A payment whose memo is a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Identifier of its operation on Stellar; ascends with time.
    pub operation: u64,
    /// Time of its ledger, unix seconds.
    pub time: i64,
    /// Ten-millionths of the asset.
    pub amount: u64,
    /// Hash in the memo of its transaction.
    pub memo: Hash,
    /// Ed25519 key of the account that was paid.
    pub destination: Hash,
    /// Identifier in a multiplexed account, if it was paid to one.
    pub multiplexed: Option<u64>,
}

/// The payments of an account up to some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    /// Whose payments, and of what.
    pub source: PaymentSource,
    /// Identifier of the last operation that was read, whether or not it is a payment that counts; 0 before the first.
    pub cursor: u64,
    /// Time of that operation, unix seconds; 0 before the first.
    pub read_until: i64,
    /// The payments, ascending by operation.
    pub payments: Vec<Payment>,
}

impl Payments {
    /// No payments yet.
    pub fn of(source: PaymentSource) -> Payments {
        Payments { source, cursor: 0, read_until: 0, payments: Vec::new() }
    }

    /// Memos of all payments.
    pub fn memos(&self) -> BTreeSet<Hash> {
        self.payments.iter().map(|payment| payment.memo).collect()
    }

    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let PaymentSource { network, account, issuer, asset, from } = &self.source;
        let mut code = [0; CODE_LEN];
        code.iter_mut().zip(asset.bytes()).for_each(|(to, byte)| *to = byte);
        let mut body = BodyWriter::new();
        for key in [network, account, issuer] {
            body.prelude(key);
        }
        body.prelude(&code);
        body.prelude(&from.to_le_bytes());
        body.prelude(&self.cursor.to_le_bytes());
        body.prelude(&self.read_until.to_le_bytes());
        let payments = &self.payments;
        body.section(STELLAR_PAYMENTS, |out| {
            out.extend_from_slice(&u32::try_from(payments.len()).unwrap_or(u32::MAX).to_le_bytes());
            payments.iter().for_each(|p| out.extend_from_slice(&p.operation.to_le_bytes()));
            payments.iter().for_each(|p| out.extend_from_slice(&p.time.to_le_bytes()));
            payments.iter().for_each(|p| out.extend_from_slice(&p.amount.to_le_bytes()));
            payments.iter().for_each(|p| out.extend_from_slice(&p.memo));
            payments.iter().for_each(|p| out.extend_from_slice(&p.destination));
            payments.iter().for_each(|p| out.push(u8::from(p.multiplexed.is_some())));
            payments
                .iter()
                .for_each(|p| out.extend_from_slice(&p.multiplexed.unwrap_or_default().to_le_bytes()));
        });
        body.finish()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Names what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<Payments> {
        let damaged = |what: String| Error::damaged(path, what);
        let mut cursor = Cursor::new(body);
        let mut payments = prelude(&mut cursor)
            .map_err(|e| damaged(format!("prelude: {e}")))?
            .ok_or_else(|| damaged("the code of its asset is not 1 to 12 letters and digits".into()))?;
        let columns = section(&mut cursor, STELLAR_PAYMENTS).map_err(damaged)?;
        if !cursor.rest().is_empty() {
            return Err(damaged(format!("{} bytes follow the last section", cursor.rest().len())));
        }
        payments.payments = read_columns(columns).map_err(|e| damaged(format!("STELLAR_PAYMENTS: {e}")))?;
        payments.check().map_err(damaged)?;
        Ok(payments)
    }

    /// What the format demands of values.
    fn check(&self) -> std::result::Result<(), String> {
        let mut before = None;
        for payment in &self.payments {
            let this = (payment.operation, payment.time);
            if before.is_some_and(|(operation, time)| operation >= this.0 || time > this.1) {
                return Err(format!("operation {} does not come after the one before it", this.0));
            }
            if payment.time < self.source.from {
                return Err(format!("operation {} was before the first time asked for", this.0));
            }
            before = Some(this);
        }
        if before.is_some_and(|(operation, time)| operation > self.cursor || time > self.read_until) {
            return Err("it holds payments after the last operation that was read".to_owned());
        }
        Ok(())
    }

    /// Where the payments are below a path: in the folder of an archive, or the path itself.
    pub fn place(path: &Path) -> PathBuf {
        if path.is_dir() { path.join(PAYMENTS) } else { path.to_path_buf() }
    }

    /// Reads a file of payments, with the digest of its content.
    ///
    /// # Errors
    /// I/O errors, and a file that is damaged.
    pub fn read(path: &Path) -> Result<(Payments, Hash)> {
        let file = files::read(path, MAX_FILE_LEN)?;
        let opened = container::open(Kind::Payments, &file, path)?;
        Ok((Payments::parse(&opened.body, path)?, opened.content_sha256))
    }

    /// Writes the file, whole or not at all; gives the digests.
    ///
    /// # Errors
    /// I/O errors, and more payments than a file may hold.
    pub fn write(&self, path: &Path) -> Result<Sealed> {
        let sealed = container::seal(Kind::Payments, &self.to_body(), LEVEL, path)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        files::write(path, &sealed.file)?;
        Ok(sealed)
    }
}

/// Level of compression; hashes and keys do not shrink, so more is of no use.
const LEVEL: i32 = 3;

/// Whether a text is the code of an asset.
pub fn is_asset_code(text: &str) -> bool {
    (1..=CODE_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The fixed fields; none if the code of the asset is no code.
fn prelude(cursor: &mut Cursor<'_>) -> std::result::Result<Option<Payments>, Short> {
    let (network, account, issuer) = (cursor.hash()?, cursor.hash()?, cursor.hash()?);
    let code: [u8; CODE_LEN] = cursor.array()?;
    let (from, until) = (i64::from_le_bytes(cursor.array()?), cursor.u64()?);
    let read_until = i64::from_le_bytes(cursor.array()?);
    let filled = code.iter().position(|byte| *byte == 0).unwrap_or(CODE_LEN);
    let (letters, zeros) = code.split_at_checked(filled).unwrap_or_default();
    let asset = String::from_utf8_lossy(letters).into_owned();
    if !is_asset_code(&asset) || zeros.iter().any(|byte| *byte != 0) {
        return Ok(None);
    }
    let source = PaymentSource { network, account, issuer, asset, from };
    Ok(Some(Payments { source, cursor: until, read_until, payments: Vec::new() }))
}

/// The payments, one column after the other.
fn read_columns(columns: &[u8]) -> std::result::Result<Vec<Payment>, String> {
    let short = |e: Short| e.to_string();
    let mut cursor = Cursor::new(columns);
    let declared = cursor.u32().map_err(short)?;
    let count = usize::try_from(declared).unwrap_or(usize::MAX);
    if count.checked_mul(PAYMENT_LEN) != Some(cursor.rest().len()) {
        return Err(format!("{} bytes are not those of {declared} payments", cursor.rest().len()));
    }
    let mut column = |width: usize| cursor.take(count.saturating_mul(width)).map_err(short);
    let (operations, times, amounts) = (column(8)?, column(8)?, column(8)?);
    let (memos, destinations) = (column(32)?, column(32)?);
    let (marks, identifiers) = (column(1)?, column(8)?);
    let mut cursors = [operations, times, amounts, memos, destinations, marks, identifiers].map(Cursor::new);
    let [operations, times, amounts, memos, destinations, marks, identifiers] = &mut cursors;
    let mut payments = Vec::with_capacity(count);
    for _ in 0..count {
        let (mark, identifier) = (marks.u8().map_err(short)?, identifiers.u64().map_err(short)?);
        let multiplexed = match (mark, identifier) {
            (0, 0) => None,
            (1, identifier) => Some(identifier),
            _ => return Err(format!("{mark} and {identifier} do not name a multiplexed account")),
        };
        payments.push(Payment {
            operation: operations.u64().map_err(short)?,
            time: i64::from_le_bytes(times.array().map_err(short)?),
            amount: amounts.u64().map_err(short)?,
            memo: memos.hash().map_err(short)?,
            destination: destinations.hash().map_err(short)?,
            multiplexed,
        });
    }
    Ok(payments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> &'static Path {
        Path::new("payments.tfa")
    }

    fn payments() -> Payments {
        let source = PaymentSource {
            network: [1; 32],
            account: [2; 32],
            issuer: [3; 32],
            asset: "TFT".to_owned(),
            from: 5,
        };
        let payment = |operation, time, multiplexed| Payment {
            operation,
            time,
            amount: 7,
            memo: [u8::try_from(operation).unwrap(); 32],
            destination: [9; 32],
            multiplexed,
        };
        let payments = vec![payment(10, 5, None), payment(11, 5, Some(0)), payment(20, 6, Some(8))];
        Payments { source, cursor: 21, read_until: 7, payments }
    }

    #[test]
    fn payments_that_are_written_are_read() {
        for payments in [payments(), Payments::of(payments().source)] {
            assert_eq!(Payments::parse(&payments.to_body(), path()).unwrap(), payments);
        }
        let folder = tempfile::tempdir().unwrap();
        let place = Payments::place(folder.path());
        let sealed = payments().write(&place).unwrap();
        assert_eq!(Payments::read(&place).unwrap(), (payments(), sealed.content_sha256));
    }

    #[test]
    fn only_the_canonical_form_of_payments_is_accepted() {
        let refused = |change: &dyn Fn(&mut Payments)| {
            let mut changed = payments();
            change(&mut changed);
            Payments::parse(&changed.to_body(), path()).unwrap_err().to_string()
        };
        assert!(refused(&|p| p.payments.swap(0, 1)).contains("operation 10"));
        assert!(refused(&|p| p.payments[1].operation = 10).contains("operation 10"));
        assert!(refused(&|p| p.payments[1].time = 9).contains("operation 20"));
        assert!(refused(&|p| p.cursor = 19).contains("after the last operation"));
        assert!(refused(&|p| p.read_until = 5).contains("after the last operation"));
        assert!(refused(&|p| p.source.from = 6).contains("operation 10"));
        assert!(refused(&|p| p.source.asset = "T T".to_owned()).contains("asset"));
        let body = payments().to_body();
        for len in 0..body.len() {
            assert!(Payments::parse(&body[..len], path()).is_err(), "{len}");
        }
        let mut longer = body.clone();
        longer.push(0);
        assert!(Payments::parse(&longer, path()).unwrap_err().to_string().contains("follow"));
        // The mark of the last payment, 8 identifiers of 8 bytes before the end.
        let mut marked = body;
        let at = marked.len() - 3 * 8 - 1;
        marked[at] = 2;
        assert!(Payments::parse(&marked, path()).unwrap_err().to_string().contains("multiplexed"));
    }

    #[test]
    fn a_count_of_payments_is_believed_only_as_far_as_there_are_bytes() {
        let mut body = Payments::of(payments().source).to_body();
        let at = body.len() - 4;
        body[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Payments::parse(&body, path()).unwrap_err().to_string().contains("4294967295 payments"));
    }
}
