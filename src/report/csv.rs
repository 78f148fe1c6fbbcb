//! The CSV files of a run: `payouts.csv`, `overview.csv` and `retries.csv`.
//!
//! They are byte for byte what the reference implementation writes. Fields are not quoted: a comma or a line
//! feed in the name of a farm breaks its row, as it always has.

use std::io::{self, Write};

use crate::cli::date;
use crate::minting::{
    NodeResult, NodeType, OverviewForm, Receipt, ResourceUtilization, Retry, Reward, Rules,
};

const OVERVIEW_HEADER: &str = "node id,twin id,farm name (farm id),period start,period end,measured uptime,\
    CU,SU,NU,USD reward,TFT reward,TFT price on connect,carbon offset USD generated,\
    carbon offset TFT generated,cru,cru used,mru,mru used,hru,hru used,sru,sru used,IP used,DIY state,\
    Virtualized,violation,stellar address";

const RETRIES_HEADER: &str = "farm_id,previous_stellar_address,new_stellar_address,amount TFT,retry_for";

/// Writes `payouts.csv`: `address,TFT,hash`, without a header, for everything that has an amount and an
/// address that is `payable`, first the nodes in their order, then the retries in theirs.
///
/// # Errors
/// If writing fails.
pub fn write_payouts(
    out: &mut impl Write,
    nodes: &[NodeResult],
    retries: &[Retry],
    payable: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let nodes = nodes.iter().filter_map(|node| node.receipt.as_ref()).map(|sealed| {
        let receipt = &sealed.receipt;
        (&receipt.stellar_payout_address, receipt.reward.tft, sealed.hash)
    });
    let retries = retries.iter().map(|retry| {
        let receipt = &retry.receipt.receipt;
        (&receipt.stellar_payout_address, receipt.reward.tft, retry.receipt.hash)
    });
    for (address, tft, hash) in nodes.chain(retries) {
        if !address.is_empty() && tft != 0 && payable(address) {
            writeln!(out, "{address},{},{}", TftAmount(tft), hex::encode(hash))?;
        }
    }
    Ok(())
}

/// Address that carbon offset is paid to.
pub const CARBON_ADDRESS: &str = "GDIJY6K2BBRIRX423ZFUYKKFDN66XP2KMSBZFQSE2PSNDZ6EDVQTRLSU";

/// Writes the last line of `payouts.csv` where carbon offset is paid: the sum of all offsets, and a memo that
/// stands for the receipts they are in.
///
/// # Errors
/// If writing fails.
pub fn write_carbon(out: &mut impl Write, tft: u64, memo: [u8; 32]) -> io::Result<()> {
    writeln!(out, "{CARBON_ADDRESS},{},{}", TftAmount(tft), hex::encode(memo))
}

/// The carbon offset of all nodes, and the hash over the hashes of all their receipts in their order.
pub fn carbon_of(nodes: &[NodeResult]) -> (u64, [u8; 32]) {
    let receipts = || nodes.iter().filter_map(|node| node.receipt.as_ref());
    let offsets = receipts().filter_map(|sealed| sealed.receipt.carbon_offset);
    (sum_tft(offsets), memo_of(receipts().map(|sealed| sealed.hash)))
}

/// Sum of amounts, ten-millionths of a TFT; all there is of them fits 64 bits.
pub fn sum_tft(amounts: impl Iterator<Item = Reward>) -> u64 {
    amounts.fold(0, |sum, amount| sum.saturating_add(amount.tft))
}

/// A hash that stands for many: that of the hashes, in their order, one after the other.
pub fn memo_of(hashes: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
    let mut hashes: Vec<[u8; 32]> = hashes.collect();
    hashes.sort_unstable();
    crate::archive::header::blake2_256(&[&hashes.concat()])
}

/// Writes `overview.csv`: one row for every node that has a receipt.
///
/// # Errors
/// If writing fails.
pub fn write_overview(out: &mut impl Write, nodes: &[NodeResult], rules: &Rules) -> io::Result<()> {
    if rules.overview_form == OverviewForm::Period45 {
        writeln!(out, "{}", OVERVIEW_HEADER.replace("Virtualized,", ""))?;
    } else {
        writeln!(out, "{OVERVIEW_HEADER}")?;
    }
    for node in nodes {
        if let Some(sealed) = &node.receipt {
            write_overview_row(out, node, &sealed.receipt, rules)?;
        }
    }
    Ok(())
}

/// What the form of an overview decides.
struct Shown {
    uptime: u64,
    price: u64,
    tft_unit: &'static str,
    cores: String,
    memory: String,
    disk: String,
    ssd: String,
    utilization: ResourceUtilization,
    virtualized: String,
}

impl Shown {
    fn of(node: &NodeResult, receipt: &Receipt, form: OverviewForm) -> Self {
        let gib = &receipt.resource_units;
        let in_receipt = Self {
            uptime: receipt.measured_uptime,
            price: receipt.tft_connection_price,
            tft_unit: "",
            cores: gib.cru.to_string(),
            memory: gib.mru.to_string(),
            disk: gib.hru.to_string(),
            ssd: gib.sru.to_string(),
            utilization: receipt.resource_utilization,
            virtualized: format!("{},", node.node.virtualized),
        };
        if form == OverviewForm::Period60 {
            return in_receipt;
        }
        let bytes = &node.node.resources;
        Self {
            uptime: node.own.uptime,
            price: node.node.connection_price.into(),
            tft_unit: if form <= OverviewForm::Period46 { " TFT" } else { "" },
            cores: bytes.cru.to_string(),
            memory: bytes.mru.to_string(),
            disk: bytes.hru.to_string(),
            ssd: bytes.sru.to_string(),
            utilization: node.own.utilization,
            virtualized: if form == OverviewForm::Period45 { String::new() } else { in_receipt.virtualized },
        }
    }
}

fn write_overview_row(
    out: &mut impl Write,
    node: &NodeResult,
    receipt: &Receipt,
    rules: &Rules,
) -> io::Result<()> {
    let units = &receipt.cloud_units;
    let shown = Shown::of(node, receipt, rules.overview_form);
    let used = &shown.utilization;
    let carbon = receipt.carbon_offset.unwrap_or_default();
    let violation = node.violation.map(|violation| violation.text(rules.violation_texts)).unwrap_or_default();
    write!(out, "{},{},", receipt.node_id, receipt.twin_id)?;
    write!(out, "{} ({}),", receipt.farm_name, receipt.farm_id)?;
    write!(out, "{},{},", date(receipt.period.start), date(receipt.period.end))?;
    write!(out, "{},", shown.uptime)?;
    write!(out, "{:.6},{:.6},{:.6},", units.cu, units.su, units.nu)?;
    write!(out, "{},", UsdAmount(receipt.reward.musd))?;
    write!(out, "{}{},", TftAmount(receipt.reward.tft), shown.tft_unit)?;
    write!(out, "{},", UsdAmount(shown.price))?;
    write!(out, "{},{} TFT,", UsdAmount(carbon.musd), TftAmount(carbon.tft))?;
    write!(out, "{},{:.2}%,", shown.cores, used.cru)?;
    write!(out, "{},{:.2}%,", shown.memory, used.mru)?;
    write!(out, "{},{:.2}%,", shown.disk, used.hru)?;
    write!(out, "{},{:.2}%,", shown.ssd, used.sru)?;
    write!(out, "{:.2} hours,", used.ip)?;
    let certification = match receipt.node_type {
        NodeType::Diy => "DIY",
        NodeType::Certified => "CERTIFIED",
    };
    writeln!(out, "{certification},{}{violation},{}", shown.virtualized, receipt.stellar_payout_address)
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
pub struct TftAmount(pub u64);

impl std::fmt::Display for TftAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:07}", self.0 / 10_000_000, self.0 % 10_000_000)
    }
}

/// Thousandths of a US dollar, printed as `1.000 $`.
pub struct UsdAmount(pub u64);

impl std::fmt::Display for UsdAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03} $", self.0 / 1_000, self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use crate::chain::types::{Node, NodeCertification, Resources};
    use crate::minting::{
        CloudUnits, Origin, Outcome, OwnPeriod, ResourceRewards, ResourceUnits, ResourceUtilization,
        RetryReceipt, Reward, Sealed, Span, Standing, Violation,
    };

    use super::*;

    const SPAN: Span = Span { start: 1_735_602_280, end: 1_738_233_160 };

    fn result(address: &str, tft: u64) -> NodeResult {
        let receipt = Receipt {
            period: SPAN,
            node_id: 7,
            twin_id: 1_007,
            farm_id: 3,
            farm_name: "a, farm".to_owned(),
            stellar_payout_address: address.to_owned(),
            measured_uptime: 2_623_089,
            tft_connection_price: 80,
            cloud_units: CloudUnits { cu: 18.626_46, su: 9.934_484, nu: 0.0 },
            resource_units: ResourceUnits { cru: 32.0, mru: 95.852_518_012_747_17, hru: 0.0, sru: 1_000.0 },
            resource_utilization: ResourceUtilization {
                cru: 20.834,
                mru: 215.576,
                hru: 0.0,
                sru: 0.0,
                ip: 630.5675,
            },
            reward: Reward { musd: 27_304, tft },
            carbon_offset: None,
            node_type: NodeType::Diy,
            farming_policy_id: Some(1),
            resource_rewards: Some(ResourceRewards::default()),
        };
        NodeResult {
            node: Node {
                id: 7,
                farm_id: 3,
                twin_id: 1_007,
                resources: Resources::default(),
                certification: NodeCertification::Diy,
                virtualized: false,
                farming_policy_id: 1,
                connection_price: 80,
            },
            farm: None,
            receipt: Some(Sealed::new(receipt.clone())),
            own: OwnPeriod { uptime: 2_623_089, utilization: receipt.resource_utilization },
            violation: None,
            outcome: Outcome::Paid,
            standing: Standing::default(),
        }
    }

    fn retry(address: &str, tft: u64) -> Retry {
        Retry {
            receipt: Sealed::new(RetryReceipt {
                failed_payout_period: SPAN,
                retry_period: SPAN,
                farm_id: 3,
                previous_stellar_payout_address: "GOLD".to_owned(),
                stellar_payout_address: address.to_owned(),
                retry_for_receipt: "07ac".to_owned(),
                reward: Reward { musd: 1, tft },
            }),
            origin: Origin::Minting,
        }
    }

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn payouts_are_nodes_then_retries_with_amount_and_address() {
        let nodes = [result("GONE", 2_730_400_000), result("", 1), result("GNIL", 0), result("GBAD", 1)];
        let retries = [retry("GTWO", 5), retry("", 6)];
        let hash = |sealed: [u8; 32]| hex::encode(sealed);
        assert_eq!(
            text(|out| write_payouts(out, &nodes, &retries, |address| address != "GBAD")),
            format!(
                "GONE,273.0400000,{}\nGTWO,0.0000005,{}\n",
                hash(nodes[0].receipt.as_ref().unwrap().hash),
                hash(retries[0].receipt.hash)
            )
        );
    }

    #[test]
    fn an_overview_row_prints_every_column_as_the_reference_does() {
        let mut with_violation = result("GONE", 2_730_400_000);
        with_violation.violation = Some(Violation::MissingTwin);
        with_violation.node.virtualized = true;
        let mut without_receipt = result("GONE", 1);
        without_receipt.receipt = None;
        let nodes = [result("GONE", 2_730_400_000), with_violation, without_receipt];
        let overview = text(|out| write_overview(out, &nodes, &Rules::r81()));
        let rows: Vec<&str> = overview.lines().collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0], OVERVIEW_HEADER);
        assert_eq!(rows[0].split(',').count(), 27);
        assert_eq!(
            rows[1],
            "7,1007,a, farm (3),2024-12-30 23:44:40 UTC,2025-01-30 10:32:40 UTC,2623089,18.626460,9.934484,\
             0.000000,27.304 $,273.0400000,0.080 $,0.000 $,0.0000000 TFT,32,20.83%,95.85251801274717,215.58%,\
             0,0.00%,1000,0.00%,630.57 hours,DIY,false,,GONE"
        );
        assert!(rows[2].ends_with("DIY,true,Node twin does not exist,GONE"), "{}", rows[2]);
    }

    /// The row of the test above, as it was in other periods: 27 columns, 26 in the first one; bytes, the node's own price
    /// and uptime until period 59; TFT with their unit until period 48.
    #[test]
    fn overview_form() {
        let mut result = result("GONE", 2_730_400_000);
        result.node.connection_price = 160;
        result.own.uptime = 5;
        result.node.resources.mru = 1 << 30;
        let row = |name: &str| {
            let rules = Rules::named(name).unwrap();
            let overview = text(|out| write_overview(out, std::slice::from_ref(&result), &rules));
            let columns = overview.lines().next().unwrap().split(',').count();
            (columns, overview.lines().nth(1).unwrap().to_owned())
        };
        let (first, second, third, fourth) = (row("r45"), row("r46"), row("r52"), row("r60-strict"));
        assert_eq!([first.0, second.0, third.0, fourth.0], [26, 27, 27, 27]);
        assert!(first.1.ends_with(",DIY,,GONE") && second.1.ends_with(",DIY,false,,GONE"), "{first:?}");
        for (columns, row) in [&first, &second] {
            assert!(
                row.contains(",5,18.626460,") && row.contains(",273.0400000 TFT,0.160 $,"),
                "{columns} {row}"
            );
        }
        assert!(
            third.1.contains(",273.0400000,0.160 $,") && third.1.contains(",1073741824,215.58%,"),
            "{third:?}"
        );
        assert!(fourth.1.contains(",2623089,18.626460,") && fourth.1.contains(",0.080 $,"), "{fourth:?}");
        assert_eq!(row("r62-lenient"), third);
    }

    #[test]
    fn retries_without_an_address_have_a_row_too() {
        assert_eq!(
            text(|out| write_retries(out, &[retry("GTWO", 2_464_282_294), retry("", 6)])),
            "farm_id,previous_stellar_address,new_stellar_address,amount TFT,retry_for\n\
             3,GOLD,GTWO,246.4282294,07ac\n3,GOLD,,0.0000006,07ac\n"
        );
        assert_eq!(text(|out| write_retries(out, &[])).lines().count(), 1);
    }

    #[test]
    fn times_no_calendar_can_print_are_printed_as_seconds() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(i64::MAX), "9223372036854775807");
    }
}
