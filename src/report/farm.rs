//! What a farm earned: a row for every node and period, for its farmer's books.

use serde_json::{Value, json};

use super::{
    payment_dates::{Paid, PaymentDates},
    results::Results,
    run::tft,
};
use crate::{
    cli::{date, escape},
    minting::NodeType,
};

/// Why there is no statement for a farm.
#[derive(Debug, thiserror::Error)]
pub enum FarmError {
    /// What a period comes to is not known yet.
    #[error(
        "`{folder}` holds a partial run of {period}: what it comes to is not known before the period is over; leave it out"
    )]
    Partial {
        /// The folder.
        folder: String,
        /// The period.
        period: String,
    },
    /// Two runs of one period.
    #[error("`{first}` and `{second}` are both runs of {period}; give the one that was paid")]
    Twice {
        /// One folder.
        first: String,
        /// The other.
        second: String,
        /// The period.
        period: String,
    },
    /// Two runs of times that overlap.
    #[error(
        "`{first}` ({period}) and `{second}` ({other}) are of times that overlap; give those that were paid"
    )]
    Overlap {
        /// One folder.
        first: String,
        /// Its period.
        period: String,
        /// The other folder.
        second: String,
        /// Its period.
        other: String,
    },
    /// No run knows the farm.
    #[error("farm {0} has no node and no retry in any of these runs; farms with one are in overview.csv")]
    Unknown(u32),
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Node,
    Retry,
}

/// A row of a statement.
#[derive(Clone, Debug)]
struct Row {
    period: Option<u32>,
    start: i64,
    end: i64,
    kind: Kind,
    node: Option<u32>,
    certification: Option<&'static str>,
    uptime: Option<u64>,
    cloud_units: Option<[String; 3]>,
    earned_tft: u64,
    paid_tft: u64,
    musd: u64,
    outcome: String,
    address: String,
    receipt: String,
    retry_for: Option<String>,
    paid_at: Option<i64>,
}

/// The statement of a farm.
#[derive(Debug)]
pub struct Statement {
    farm: u32,
    rows: Vec<Row>,
    /// Periods in which nothing of the farm was found.
    pub empty: Vec<String>,
    /// Payouts whose hash is in payments that do not fit them, so that they have no date.
    pub unclear: Vec<String>,
}

impl Statement {
    /// The rows of a farm in any number of runs; `dates` knows when payments were made.
    ///
    /// # Errors
    /// A partial run, two runs of one period, a farm that no run knows.
    pub fn new(farm: u32, runs: &[Results], dates: &PaymentDates) -> Result<Statement, FarmError> {
        let mut statement = Statement { farm, rows: Vec::new(), empty: Vec::new(), unclear: Vec::new() };
        for (index, run) in runs.iter().enumerate() {
            if run.is_partial() {
                return Err(FarmError::Partial { folder: folder(run), period: run.name() });
            }
            apart(run, runs.iter().take(index))?;
            let before = statement.rows.len();
            statement.nodes(run);
            statement.retries(run);
            if statement.rows.len() == before {
                statement.empty.push(run.name());
            }
        }
        if statement.rows.is_empty() {
            return Err(FarmError::Unknown(farm));
        }
        statement.date(dates);
        statement.rows.sort_by(|a, b| {
            (a.start, a.kind, a.node, &a.receipt).cmp(&(b.start, b.kind, b.node, &b.receipt))
        });
        Ok(statement)
    }

    /// Sets the dates of payouts that are known without a doubt.
    fn date(&mut self, dates: &PaymentDates) {
        for row in &mut self.rows {
            let Some(memo) = hash(&row.receipt) else { continue };
            match dates.of(&memo, &row.address, row.paid_tft) {
                Paid::Unknown => {}
                Paid::At(time) => row.paid_at = Some(time),
                Paid::Unclear(what) => {
                    let paid = tft(row.paid_tft.into());
                    self.unclear.push(format!("receipt {} over {paid} TFT: Stellar has {what}", row.receipt));
                }
            }
        }
    }

    fn nodes(&mut self, run: &Results) {
        for node in run.nodes.iter().filter(|node| node.detail.farm == self.farm) {
            let receipt = node.receipt.as_ref();
            let units = receipt.map(|receipt| &receipt.cloud_units);
            let outcome = match (node.detail.outcome.as_str(), node.paid_tft) {
                ("paid", 0) => "invalid-address".to_owned(),
                (outcome, _) => outcome.to_owned(),
            };
            self.rows.push(Row {
                period: run.period.number,
                start: run.period.start,
                end: run.period.end,
                kind: Kind::Node,
                node: Some(node.detail.node),
                certification: receipt.map(|receipt| match receipt.node_type {
                    NodeType::Diy => "DIY",
                    NodeType::Certified => "CERTIFIED",
                }),
                uptime: receipt.map(|receipt| receipt.measured_uptime),
                cloud_units: units
                    .map(|units| [units.cu, units.su, units.nu].map(|unit| format!("{unit:.6}"))),
                earned_tft: receipt.map_or(0, |receipt| receipt.reward.tft),
                paid_tft: node.paid_tft,
                musd: receipt.map_or(0, |receipt| receipt.reward.musd),
                outcome,
                address: receipt.map(|receipt| receipt.stellar_payout_address.clone()).unwrap_or_default(),
                receipt: node.detail.receipt.clone().unwrap_or_default(),
                retry_for: None,
                paid_at: None,
            });
        }
    }

    fn retries(&mut self, run: &Results) {
        for (hash, retry) in run.retries.iter().filter(|(_, retry)| retry.farm_id == self.farm) {
            let address = &retry.stellar_payout_address;
            let (paid, outcome) = run.retry_paid(retry);
            self.rows.push(Row {
                period: run.period.number,
                start: run.period.start,
                end: run.period.end,
                kind: Kind::Retry,
                node: None,
                certification: None,
                uptime: None,
                cloud_units: None,
                earned_tft: retry.reward.tft,
                paid_tft: paid,
                musd: retry.reward.musd,
                outcome: outcome.to_owned(),
                address: address.clone(),
                receipt: hex::encode(hash),
                retry_for: Some(retry.retry_for_receipt.clone()),
                paid_at: None,
            });
        }
    }

    /// The statement as CSV with a header. Fields are quoted where they have to be.
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "farm,period,period_start,period_end,kind,node,certification,measured_uptime_secs,cu,su,nu,usd,earned_tft,\
             tft,outcome,address,receipt,retry_for,paid_at\n",
        );
        for row in &self.rows {
            let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
            let units: [String; 3] = row.cloud_units.clone().unwrap_or_default();
            let fields = [
                self.farm.to_string(),
                number(row.period.map(u64::from)),
                date(row.start),
                date(row.end),
                row.kind.label().to_owned(),
                number(row.node.map(u64::from)),
                row.certification.unwrap_or_default().to_owned(),
                number(row.uptime),
                units.join(","),
                usd(row.musd),
                tft(row.earned_tft.into()),
                tft(row.paid_tft.into()),
                row.outcome.clone(),
                quoted(&escape(&row.address)),
                row.receipt.clone(),
                quoted(row.retry_for.as_deref().unwrap_or_default()),
                row.paid_at.map(date).unwrap_or_default(),
            ];
            text.push_str(&fields.join(","));
            text.push('\n');
        }
        text
    }

    /// The statement as JSON, with its totals.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let [cu, su, nu] = row.cloud_units.clone().unwrap_or_default();
                let units = row.cloud_units.as_ref().map(|_| json!({ "cu": cu, "su": su, "nu": nu }));
                json!({
                    "period": row.period,
                    "period_start": row.start,
                    "period_end": row.end,
                    "kind": row.kind.label(),
                    "node": row.node,
                    "certification": row.certification,
                    "measured_uptime": row.uptime,
                    "cloud_units": units,
                    "usd": usd(row.musd),
                    "earned_tft": tft(row.earned_tft.into()),
                    "tft": tft(row.paid_tft.into()),
                    "outcome": row.outcome,
                    "address": row.address,
                    "receipt": row.receipt,
                    "retry_for": row.retry_for,
                    "paid_at": row.paid_at,
                })
            })
            .collect();
        let total: u128 = self.rows.iter().map(|row| u128::from(row.paid_tft)).sum();
        json!({ "farm": self.farm, "rows": rows, "total_tft": tft(total), "periods_without_rows": self.empty })
    }
}

fn folder(run: &Results) -> String {
    run.folder.display().to_string()
}

/// Whether a run is of another time than all these.
fn apart<'a>(run: &Results, earlier: impl Iterator<Item = &'a Results>) -> Result<(), FarmError> {
    for other in earlier {
        let (period, first, second) = (other.name(), folder(other), folder(run));
        if run.period == other.period {
            return Err(FarmError::Twice { first, second, period });
        }
        if run.period.start < other.period.end && other.period.start < run.period.end {
            return Err(FarmError::Overlap { first, period, second, other: run.name() });
        }
    }
    Ok(())
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Retry => "retry",
        }
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Thousandths of a US dollar as a decimal number.
fn usd(musd: u64) -> String {
    format!("{}.{:03}", musd / 1_000, musd % 1_000)
}

/// A field of a CSV file that a farmer chose: quoted if need be, and never read as a formula by a spreadsheet.
fn quoted(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
