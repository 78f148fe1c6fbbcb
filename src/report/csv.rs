//! The CSV files of a run: `payouts.csv`, `overview.csv` and `retries.csv`.
//!
//! They are byte for byte what the reference implementation writes. Fields are not quoted: a comma or a line
//! feed in the name of a farm breaks its row, as it always has.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::minting::{NodeResult, NodeType, Receipt, Retry};

const OVERVIEW_HEADER: &str = "node id,twin id,farm name (farm id),period start,period end,measured uptime,\
    CU,SU,NU,USD reward,TFT reward,TFT price on connect,carbon offset USD generated,\
    carbon offset TFT generated,cru,cru used,mru,mru used,hru,hru used,sru,sru used,IP used,DIY state,\
    Virtualized,violation,stellar address";

const RETRIES_HEADER: &str = "farm_id,previous_stellar_address,new_stellar_address,amount TFT,retry_for";

/// Writes `payouts.csv`: `address,TFT,hash`, without a header, for everything that has an amount and an
/// address, first the nodes in their order, then the retries in theirs.
///
/// # Errors
/// If writing fails.
pub fn write_payouts(out: &mut impl Write, nodes: &[NodeResult], retries: &[Retry]) -> io::Result<()> {
    let nodes = nodes.iter().filter_map(|node| node.receipt.as_ref()).map(|sealed| {
        let receipt = &sealed.receipt;
        (&receipt.stellar_payout_address, receipt.reward.tft, sealed.hash)
    });
    let retries = retries.iter().map(|retry| {
        let receipt = &retry.receipt.receipt;
        (&receipt.stellar_payout_address, receipt.reward.tft, retry.receipt.hash)
    });
    for (address, tft, hash) in nodes.chain(retries) {
        if !address.is_empty() && tft != 0 {
            writeln!(out, "{address},{},{}", TftAmount(tft), hex::encode(hash))?;
        }
    }
    Ok(())
}

/// Writes `overview.csv`: one row for every node that has a receipt.
///
/// # Errors
/// If writing fails.
pub fn write_overview(out: &mut impl Write, nodes: &[NodeResult]) -> io::Result<()> {
    writeln!(out, "{OVERVIEW_HEADER}")?;
    for node in nodes {
        if let Some(sealed) = &node.receipt {
            let violation = node.violation.map(|violation| violation.to_string()).unwrap_or_default();
            write_overview_row(out, &sealed.receipt, node.node.virtualized, &violation)?;
        }
    }
    Ok(())
}

fn write_overview_row(
    out: &mut impl Write,
    receipt: &Receipt,
    virtualized: bool,
    violation: &str,
) -> io::Result<()> {
    let units = &receipt.cloud_units;
    let capacity = &receipt.resource_units;
    let used = &receipt.resource_utilization;
    let carbon = receipt.carbon_offset.unwrap_or_default();
    write!(out, "{},{},", receipt.node_id, receipt.twin_id)?;
    write!(out, "{} ({}),", receipt.farm_name, receipt.farm_id)?;
    write!(out, "{},{},", date(receipt.period.start), date(receipt.period.end))?;
    write!(out, "{},", receipt.measured_uptime)?;
    write!(out, "{:.6},{:.6},{:.6},", units.cu, units.su, units.nu)?;
    write!(out, "{},{},", UsdAmount(receipt.reward.musd), TftAmount(receipt.reward.tft))?;
    write!(out, "{},", UsdAmount(receipt.tft_connection_price))?;
    write!(out, "{},{} TFT,", UsdAmount(carbon.musd), TftAmount(carbon.tft))?;
    write!(out, "{},{:.2}%,", capacity.cru, used.cru)?;
    write!(out, "{},{:.2}%,", capacity.mru, used.mru)?;
    write!(out, "{},{:.2}%,", capacity.hru, used.hru)?;
    write!(out, "{},{:.2}%,", capacity.sru, used.sru)?;
    write!(out, "{:.2} hours,", used.ip)?;
    let certification = match receipt.node_type {
        NodeType::Diy => "DIY",
        NodeType::Certified => "CERTIFIED",
    };
    writeln!(out, "{certification},{virtualized},{violation},{}", receipt.stellar_payout_address)
}

/// Writes `retries.csv`: one row for every retry, also those to a farm without an address.
///
/// # Errors
/// If writing fails.
pub fn write_retries(out: &mut impl Write, retries: &[Retry]) -> io::Result<()> {
    writeln!(out, "{RETRIES_HEADER}")?;
    for retry in retries {
        let receipt = &retry.receipt.receipt;
        writeln!(
            out,
            "{},{},{},{},{}",
            receipt.farm_id,
            receipt.previous_stellar_payout_address,
            receipt.stellar_payout_address,
            TftAmount(receipt.reward.tft),
            receipt.retry_for_receipt
        )?;
    }
    Ok(())
}

/// Ten-millionths of a TFT, printed as `1.0000000`.
struct TftAmount(u64);

impl std::fmt::Display for TftAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:07}", self.0 / 10_000_000, self.0 % 10_000_000)
    }
}

/// Thousandths of a US dollar, printed as `1.000 $`.
struct UsdAmount(u64);

impl std::fmt::Display for UsdAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03} $", self.0 / 1_000, self.0 % 1_000)
    }
}

/// A time as `2025-01-30 10:32:40 UTC`, or as bare seconds outside of the years that periods can have.
fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_else(|_| seconds.to_string())
}
