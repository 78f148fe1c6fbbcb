//! The kinds of values that parameters of rule sets have.

use serde::{Deserialize, Serialize};

use super::none;

/// What a report means that does not fit the time that went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// The node violates the rules; a report that is too high counts as the last one all the same.
    Violation,
    /// The node violates the rules, and the report is not read.
    ViolationIgnored,
    /// The node earns what its uptime grew.
    Credit,
}

/// What says how much of a node is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UseSource {
    /// Consumption reports only.
    ConsumptionReports,
    /// Consumption reports, and network reports for network units.
    NetworkReports,
    /// Resources that contracts reserve, over the time of network reports.
    UsedResources,
}

/// What more capacity than before counts for, when a node is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaisedCapacity {
    /// For the whole period, as if the node had always had it (B7).
    WholePeriod,
    /// For nothing yet: the least of every resource in the period counts.
    NextPeriod,
}

/// Which second violation of a node is a finding. In any case the first one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondViolation {
    /// Any, in the period or after it.
    Any,
    /// An invalid reboot after the period (B11).
    InvalidRebootAfterPeriod,
    /// None.
    None,
}

/// Which time says when use was metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportTime {
    /// That of the block with the report.
    Block,
    /// The one that the report states.
    Report,
}

/// What a late boot costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateBoot {
    /// Nothing.
    Ignored,
    /// The payout of the period; the sleep before it still counts.
    Violation,
    /// The sleep before it, and the payout if there are too many.
    Counted,
}

/// How uptime scales the payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Full payout, for the part of the period in which the node existed, for 95 % of that part; else nothing.
    /// Periods 45 and 46 (f2a9e5f).
    Step,
    /// In proportion to uptime. Periods 47 to 51 (69b48f4, 923b807).
    Linear,
    /// As the farming policy of the node says. Since period 52 (ead7801).
    ByPolicy,
}

/// Unit of the minimal uptime of a farming policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FloorUnit {
    /// Thousandths of the period.
    Permille,
    /// Hundredths of the period.
    Percent,
}

/// Form of receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptForm {
    /// Without policy and prices, cores divided by 2^30. Periods 45 and 46.
    CoresInGib,
    /// Without policy and prices. Periods 47 to 51 (d33af6a).
    WithoutPolicy,
    /// With policy and prices. Since period 52 (ead7801).
    WithPolicy,
}

/// Form of `overview.csv`, by the period since when it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverviewForm {
    /// Without the column `Virtualized`; the rest as [`OverviewForm::Period46`].
    Period45,
    /// TFT with their unit; the rest as [`OverviewForm::Period52`] (3b32624).
    Period46,
    /// Uptime at most the node's own period, of which use is a part; bytes; the price of the node (ead7801).
    Period52,
    /// Everything as in the receipt. In period 60 and since period 67 (9198c67).
    Period60,
}

/// Wording of violations, by the period since when it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViolationTexts {
    /// One sentence for every kind, which names the block. Periods 45 and 46 (f2a9e5f).
    Period45,
    /// The same, with the time of the report before. From period 47 on (923b807) and in periods 61 to 66.
    Period47,
    /// A sentence for each kind. In period 60 (4d31335, 6a82d20).
    Period60,
    /// Data set apart by a bar. Since period 67 (bbd2d77).
    Period67,
}

/// Form of fix-ups, by the period that was corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixupForm {
    /// Differences in `overview.csv`; the carbon line is named after the fix-ups (69b48f4).
    Period46,
    /// Differences in `fixup.csv`; the carbon line is named after the corrected receipts (8d46a78).
    Period60,
    /// With the uptime before and after (c5dbc96).
    Period73,
}

/// Receipts that are paid again if they were not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retries {
    /// None.
    None,
    /// Minting receipts.
    Minting,
    /// Minting receipts and fix-ups.
    MintingAndFixups,
}

/// Reports whose sleep counts whatever its length. Times are seconds since the epoch; the first is included, the
/// second is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleepWaiver {
    /// When the report came.
    pub reported: (i64, i64),
    /// When the sleep began.
    pub asleep: (i64, i64),
}

/// Nodes that a report, or a credit after the period, shows to have been there early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenEarly {
    /// Since when a report shows it, seconds since the epoch.
    pub since: i64,
    /// Uptime that more is enough than, seconds.
    pub uptime_over_secs: u32,
}

/// A policy that is proportional if it is neither default nor immutable and has this minimal uptime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestNetPolicy {
    /// Number of the policy.
    pub id: u32,
    /// Its minimal uptime, as the chain states it.
    pub minimal_uptime: u16,
}

/// Prices in thousandths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Of one CU and month.
    pub cu: u32,
    /// Of one SU and month.
    pub su: u32,
    /// Of one NU.
    pub nu: u32,
    /// Of one public IPv4 address and hour.
    pub ipv4: u32,
}

/// Carbon offset: rates in thousandths of a US dollar a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carbon {
    /// For one CU.
    pub cu: u32,
    /// For one SU.
    pub su: u32,
    /// Price of one TFT, in thousandths of a US dollar; none means the price of the node, since period 52
    /// (ead7801).
    #[serde(with = "none")]
    pub price_musd: Option<u32>,
}
