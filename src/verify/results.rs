//! A set of results on disk, of this program or of the reference implementation, read as far as it can be read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    outputs::{self, ResultError, read},
    overview::{self, Overview},
};
use crate::{
    archive::{Hash, header::blake2_256},
    minting::{FixupReceipt, Period, Receipt, ReceiptError, RetryReceipt},
    report::{partial, run::RUN_JSON},
};

/// Receipts of one kind by the name of the folder they lie in, that of their period, and by their file name.
pub type ByPeriod<R> = BTreeMap<String, BTreeMap<Hash, R>>;

/// Something that is wrong with a file, found while it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The invariant it breaks.
    pub invariant: &'static str,
    /// What is wrong, with the name of the file.
    pub what: String,
}

/// A row of `payouts.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Number of the line from 1.
    pub line: usize,
    /// Stellar address.
    pub address: String,
    /// Ten-millionths of a TFT.
    pub tft: u64,
    /// Memo of the payment.
    pub memo: Hash,
}

/// Everything that is in a folder of results.
#[derive(Debug, Default)]
pub struct Results {
    /// The folder.
    pub folder: PathBuf,
    /// `run.json`, if there.
    pub run: Option<Value>,
    /// Minting receipts.
    pub minting: ByPeriod<Receipt>,
    /// Retry receipts.
    pub retries: ByPeriod<RetryReceipt>,
    /// Fix-up receipts.
    pub fixups: ByPeriod<FixupReceipt>,
    /// `payouts.csv`, if there.
    pub payouts: Option<Vec<Payout>>,
    /// `overview.csv`, if there.
    pub overview: Option<String>,
    /// `retries.csv`, if there.
    pub retries_csv: Option<String>,
    /// `fixup.csv`, if there.
    pub fixup_csv: Option<String>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Receipts that were read.
    pub receipts: usize,
}

impl Results {
    /// Reads a folder.
    ///
    /// # Errors
    /// I/O errors, preliminary results, and a folder in which there are no results at all.
    pub fn read(folder: &Path) -> Result<Results, ResultError> {
        partial::refuse(folder, "it is not checked or compared")?;
        let mut results = Results { folder: folder.to_path_buf(), ..Results::default() };
        let names = outputs::names(folder)?;
        for name in &names {
            if let Some(receipt) = name.strip_prefix("receipts/") {
                results.read_receipt(name, receipt)?;
            }
        }
        let text = |name: &str| -> Result<Option<String>, ResultError> {
            let there = names.contains(name);
            there.then(|| Ok(String::from_utf8_lossy(&read(&folder.join(name))?).into_owned())).transpose()
        };
        results.overview = text("overview.csv")?;
        results.retries_csv = text("retries.csv")?;
        results.fixup_csv = text("fixup.csv")?;
        if let Some(payouts) = text("payouts.csv")? {
            results.read_payouts(&payouts);
        }
        if let Some(run) = text(RUN_JSON)? {
            results.run = serde_json::from_str(&run).ok();
        }
        if results.is_empty() {
            let what = "there are no results here: no run.json, no receipts, no CSV file of a run";
            return Err(ResultError::malformed(folder, what));
        }
        Ok(results)
    }

    fn is_empty(&self) -> bool {
        let tables = [&self.overview, &self.retries_csv, &self.fixup_csv];
        self.receipts == 0
            && self.run.is_none()
            && self.payouts.is_none()
            && tables.iter().all(|table| table.is_none())
    }

    fn read_receipt(&mut self, name: &str, receipt: &str) -> Result<(), ResultError> {
        let parts: Vec<&str> = receipt.split('/').collect();
        let (kind, period, file) = match parts.as_slice() {
            // The first period's receipts lay side by side.
            [file] => ("", "45", *file),
            [period, file] => ("", *period, *file),
            [kind @ ("retries" | "fixed"), period, file] => (*kind, *period, *file),
            _ => {
                self.unreadable("receipt-name", format!("{name}: there is no receipt of this name"));
                return Ok(());
            }
        };
        let mut hash = [0; 32];
        if hex::decode_to_slice(file, &mut hash).is_err() || hex::encode(hash) != file {
            self.unreadable("receipt-name", format!("{name}: the name of a receipt is 64 hex digits"));
            return Ok(());
        }
        let bytes = read(&self.folder.join(name))?;
        self.receipts = self.receipts.saturating_add(1);
        let content = blake2_256(&[&bytes]);
        if content != hash {
            self.unreadable(
                "receipt-name",
                format!("{name}: its content has the hash {}", hex::encode(content)),
            );
        }
        let written = match kind {
            "retries" => {
                put(&mut self.retries, period, hash, RetryReceipt::parse(&bytes), RetryReceipt::to_bytes)
            }
            "fixed" => {
                put(&mut self.fixups, period, hash, FixupReceipt::parse(&bytes), FixupReceipt::to_bytes)
            }
            _ => put(&mut self.minting, period, hash, Receipt::parse(&bytes), Receipt::to_bytes),
        };
        match written {
            Err(error) => self.unreadable("receipt-form", format!("{name}: {error}")),
            Ok(written) if written != bytes => {
                self.unreadable(
                    "receipt-bytes",
                    format!("{name}: read and written again it has other bytes"),
                );
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn unreadable(&mut self, invariant: &'static str, what: String) {
        self.unreadable.push(Unreadable { invariant, what });
    }

    fn read_payouts(&mut self, text: &str) {
        let mut payouts = Vec::new();
        for (at, row) in text.lines().enumerate() {
            let line = at.saturating_add(1);
            match parse_payout(row, line) {
                Some(payout) => payouts.push(payout),
                None => {
                    let what = format!("payouts.csv, line {line}: `{row}` is not `address,TFT,hash`");
                    self.unreadable("payout-form", what);
                }
            }
        }
        self.payouts = Some(payouts);
    }

    /// The period that the results are of, as the name of its folder: what `run.json` says, else the only period
    /// that has receipts.
    ///
    /// # Errors
    /// If there is no such period, or more than one.
    pub fn period(&self) -> Result<String, ResultError> {
        if let Some(period) = self.run.as_ref().and_then(period_of_run) {
            return Ok(period.folder());
        }
        let mut periods: Vec<&String> = self.minting.keys().chain(self.fixups.keys()).collect();
        periods.sort_unstable();
        periods.dedup();
        match periods.as_slice() {
            [period] => Ok((*period).clone()),
            [] => Err(ResultError::malformed(&self.folder, "no period shows here; name it with --period")),
            _ => {
                let what = format!("receipts of periods {periods:?} are here; name one with --period");
                Err(ResultError::malformed(&self.folder, what))
            }
        }
    }

    /// Whether these are fix-ups and not a run.
    pub fn is_correction(&self) -> bool {
        let status = self.run.as_ref().and_then(|run| run.get("status")).and_then(Value::as_str);
        status == Some("fix-ups")
            || self.fixup_csv.is_some()
            || self.overview.as_deref().is_some_and(|text| text.starts_with("node id,farm id"))
    }

    /// Minting receipts of a period by node; of two of one node the one with the smaller hash.
    pub fn by_node(&self, period: &str) -> BTreeMap<u32, (Hash, &Receipt)> {
        let mut nodes = BTreeMap::new();
        for (hash, receipt) in self.minting.get(period).into_iter().flatten() {
            nodes.entry(receipt.node_id).or_insert((*hash, receipt));
        }
        nodes
    }

    /// The rows of `overview.csv`, matched with the minting receipts of a period.
    pub fn overview_of(&self, period: &str) -> Overview<'_> {
        let receipts = self.minting.get(period).into_iter().flatten().map(|(_, receipt)| receipt);
        overview::read(self.overview.as_deref().unwrap_or_default(), receipts)
    }
}

/// Keeps a receipt, and gives the bytes that it has when it is written again.
fn put<R>(
    receipts: &mut ByPeriod<R>,
    period: &str,
    hash: Hash,
    receipt: Result<R, ReceiptError>,
    to_bytes: impl Fn(&R) -> Vec<u8>,
) -> Result<Vec<u8>, ReceiptError> {
    let receipt = receipt?;
    let bytes = to_bytes(&receipt);
    receipts.entry(period.to_owned()).or_default().insert(hash, receipt);
    Ok(bytes)
}

/// The period in a `run.json`.
fn period_of_run(run: &Value) -> Option<Period> {
    let field = |name: &str| run.get("period")?.get(name)?.as_i64();
    match field("number") {
        Some(number) => Period::numbered(u32::try_from(number).ok()?).ok(),
        None => Period::range(field("start")?, field("end")?).ok(),
    }
}

/// The period whose receipts lie in a folder of this name: `81`, or `1735602280-1738233160`.
pub fn period_of_folder(name: &str) -> Option<Period> {
    match name.split_once('-') {
        Some((from, to)) => Period::range(from.parse().ok()?, to.parse().ok()?).ok(),
        None => Period::numbered(name.parse().ok()?).ok(),
    }
}

/// Ten-millionths in `1.0000000`.
pub fn parse_tft(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.')?;
    if rest.len() != 7 || !(whole.bytes().chain(rest.bytes())).all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(10_000_000)?.checked_add(rest.parse().ok()?)
}

/// An address may be any text; what follows it is not.
pub(super) fn parse_payout(row: &str, line: usize) -> Option<Payout> {
    let mut parts = row.rsplitn(3, ',');
    let (memo_hex, tft, address) = (parts.next()?, parts.next()?, parts.next()?);
    let mut memo = [0; 32];
    hex::decode_to_slice(memo_hex, &mut memo).ok()?;
    Some(Payout { line, address: address.to_owned(), tft: parse_tft(tft)?, memo })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_seven_digits_and_nothing_else() {
        assert_eq!(parse_tft("1.0000000"), Some(10_000_000));
        assert_eq!(parse_tft("1844674407370.9551615"), Some(u64::MAX));
        for wrong in
            ["1", "1.0", "-1.0000000", "+1.0000000", "1844674407370.9551616", "1.00000000", ".0000000"]
        {
            assert_eq!(parse_tft(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_payout_is_read_from_its_end() {
        let memo = "ab".repeat(32);
        let payout = parse_payout(&format!("G,a,1.0000005,{memo}"), 1).unwrap();
        assert_eq!((payout.address.as_str(), payout.tft, payout.memo), ("G,a", 10_000_005, [0xab; 32]));
        assert_eq!(parse_payout("1.0000005,ab", 1), None);
    }

    #[test]
    fn folders_name_periods_and_ranges() {
        assert_eq!(period_of_folder("81").unwrap().number, Some(81));
        assert_eq!(period_of_folder("1735602280-1738233160").unwrap().duration(), 2_630_880);
        assert_eq!(period_of_folder("2-1"), None);
        assert_eq!(period_of_folder("retries"), None);
    }
}
