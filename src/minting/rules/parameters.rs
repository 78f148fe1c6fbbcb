//! The parameters of a rule set, and the kinds of values they have.

use serde::{Deserialize, Serialize};

use crate::minting::arithmetic::Arithmetic;

/// Declares a struct of parameters together with the list of their names and meanings, which is made of the
/// documentation of the fields.
macro_rules! parameters {
    ($(#[$about:meta])* $set:ident: $($(#[doc = $doc:literal])+ $(#[serde($($how:tt)+)])? $name:ident: $kind:ty,)+) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $set {
            $($(#[doc = $doc])+ $(#[serde($($how)+)])? pub $name: $kind,)+
        }

        impl $set {
            /// Name and meaning of every parameter, in the order of the fields.
            pub const PARAMETERS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), concat!($($doc),+))),+];
        }
    };
}

parameters! {
    /// The parameters of a rule set.
    ///
    /// A rule set is named after the first period it was used for. A parameter is a field here, never a branch
    /// on a name somewhere else. Commits are those of the reference implementation (minting_v3).
    Rules:
    /// Name of the rule set.
    name: String,
    /// Seconds by which the uptime a node reports may have grown more or less than the time since its last
    /// report; covers the delay between asking for the uptime and the block that holds the report.
    /// 300 from period 46 on (3b32624), 60 in period 60 (1241035) and again from period 67 on.
    uptime_grace_secs: u32,
    /// Seconds by which the boot time that follows from a report (time minus uptime) may differ from the
    /// one seen first; a difference of this much or more is a clock that drifts, which is a violation.
    /// Since period 67 (04f2915).
    #[serde(with = "none")]
    clock_skew_limit_secs: Option<u32>,
    /// Most seconds one report can earn: nodes report every 40 minutes, and may be a minute late.
    /// In period 60 (008f508) and since period 67.
    #[serde(with = "none")]
    report_credit_max_secs: Option<u32>,
    /// What a report means whose uptime grew more than the time: a violation, or a credit of what it grew.
    /// A violation that leaves the report unread until period 46 (f2a9e5f), a credit from period 47 on (923b807), a
    /// violation in period 60 and again from period 67 on.
    too_high: Mismatch,
    /// What a report means whose uptime grew less than the time, without a reboot. Changed with `too_high`.
    too_low: Mismatch,
    /// Longest sleep, in seconds, that counts as uptime: a farmer must wake every node once a day. None means
    /// that nothing about power management is read. 25 hours from period 59 on (0930734), 24 hours in
    /// period 60 (1be8ad2) and again from period 67 on.
    #[serde(with = "none")]
    sleep_max_secs: Option<u32>,
    /// Sleeps that count although they are too long, because the service that wakes nodes had an outage.
    /// Only in the correction of period 75 (0cf597a).
    #[serde(with = "none")]
    sleep_waiver: Option<SleepWaiver>,
    /// Most seconds from the request to wake up to the boot of the node; a later boot is late. None means that
    /// no request is needed to wake up. Since period 67 (fdf5db9).
    #[serde(with = "none")]
    boot_max_secs: Option<u32>,
    /// What a late boot, or none after a request, costs. A violation at once in periods 67 to 72 (fdf5db9), counted
    /// since period 73 (8ba144b).
    late_boot: LateBoot,
    /// Late boots in a period that cost only the sleep before them; one more is a violation. Where late boots
    /// are counted: since period 73 (8ba144b).
    late_boots_allowed: u32,
    /// Whether a late boot counts also after a sleep that is too long anyway. Since period 74 (ee5ff04).
    late_boot_after_long_sleep: bool,
    /// Whether power management is followed after the end of the period, too; a request to wake up that came
    /// after the end is then not judged yet. Since period 74 (aa94cbc, 1615f52).
    post_period_power: bool,
    /// Hours of blocks after the period that are read for reports on its last seconds: the longest sleep,
    /// and some time for the report that ends it. 2 at first (a684a9b), 27 since period 59 (0930734).
    post_window_hours: u32,
    /// What says how much of a node is used: consumption reports in periods 45 to 49 (d62acc3), beside them network
    /// reports since period 48 (374ca14), used resources over the time of network reports since period 52 (98209ac).
    use_source: UseSource,
    /// Which time says when use was metered, by which network reports of a contract are put in order: the report's own in
    /// period 52 (98209ac), that of its block since period 58 (16645c5).
    report_time: ReportTime,
    /// Whether the twin of a node with uptime needs a relay and a valid public key. In period 60 (0bcfa54,
    /// 45cf520) and since period 67.
    twin_checks: bool,
    /// Whether a violation costs the payout. Since period 46 (3b32624).
    violation_costs_payout: bool,
    /// Whether running in a virtual machine costs the payout. Since period 46 (3b32624).
    virtualized_costs_payout: bool,
    /// How uptime scales the payout.
    scaling: Scaling,
    /// Nodes seen early, which get a full payout for a few hours of uptime. Only in period 45 (f2a9e5f).
    #[serde(with = "none")]
    seen_early: Option<SeenEarly>,
    /// Farming policies that pay in proportion to uptime, from a floor on. All others pay in full at or
    /// above the policy's own minimal uptime, and nothing below it. Policy 1 since period 52 (ead7801), policy 2
    /// since period 58 (d906999).
    linear_policies: Vec<u32>,
    /// A policy that pays in proportion only where it has the shape it has on the test network. Since
    /// period 59 (0930734).
    #[serde(with = "none")]
    test_net_policy: Option<TestNetPolicy>,
    /// Floor of proportional payment for nodes built by their farmer, thousandths of the period. 950 since period
    /// 73 (280fece).
    floor_diy_permille: u32,
    /// Floor of proportional payment for certified nodes, thousandths of the period. 980 since period 73
    /// (280fece).
    floor_certified_permille: u32,
    /// Unit of the minimal uptime that a policy which is not proportional states. The reference implementation
    /// takes it for thousandths (B3), also where its author meant percent; every period was paid so.
    policy_floor_unit: FloorUnit,
    /// Whether the period of a node that was registered in it starts with its registration: in receipts, in
    /// reports and in the carbon offset. Until period 72 (280fece).
    own_period: bool,
    /// Prices of cloud units, in thousandths of a US dollar. None means those of the node's farming policy at the
    /// end of the period. Since period 52 (ead7801).
    #[serde(with = "none")]
    prices: Option<Prices>,
    /// Farming policy on which certified nodes earn a bonus; none means all. Policy 1 since period 52 (ead7801).
    #[serde(with = "none")]
    bonus_policy: Option<u32>,
    /// The bonus, as a fraction (numerator, denominator) of the reward in dollars.
    bonus: (u32, u32),
    /// CU that one core makes, if memory and SSD allow. See B0 for the first periods.
    cu_per_core: u32,
    /// Price of one TFT, in thousandths of a US dollar, of payouts; none means the price of the node, since period
    /// 58 (1284d98).
    #[serde(with = "none")]
    payout_price_musd: Option<u32>,
    /// Price of one TFT, in thousandths of a US dollar, that receipts state. Payouts use the price of the
    /// node; the receipts of the reference implementation state this constant instead (B6).
    receipt_price_musd: u32,
    /// Carbon offset that is paid for every node beside its reward; none since period 81 (d1536c0).
    #[serde(with = "none")]
    carbon: Option<Carbon>,
    /// Whether a node whose farm does not exist is left out without a word. From period 47 on (923b807), not in period
    /// 60 and not since period 67 (9198c67).
    missing_farm_skipped: bool,
    /// Form of receipts.
    receipt_form: ReceiptForm,
    /// Form of the overview.
    overview_form: OverviewForm,
    /// Wording of violations.
    violation_texts: ViolationTexts,
    /// Form of fix-ups that are made with this rule set.
    fixup_form: FixupForm,
    /// Whether only the overview is written. Only without the wake-up slash (e0a2d22).
    overview_only: bool,
    /// Receipts of the period before that are paid again if they were not paid. Minting receipts since period 46
    /// (6b718fb), fix-ups since period 47 (923b807).
    retries: Retries,
    /// How numbers too large for 64 bits are treated: by the release build of the reference they wrap.
    arithmetic: Arithmetic,
    /// Mistakes that payouts were made with.
    bugs: Bugs,
}

parameters! {
    /// Mistakes of the reference implementation (minting_v3) that payouts were made with, by the number they have in
    /// the survey of its history. Those that are still in force are parameters of their own: B3
    /// (`policy_floor_unit`) and B6 (`receipt_price_musd`); B7, resources that only grow for a moment, never changed
    /// a result, and B11, a stop at a second violation, is a finding.
    #[derive(Copy, Default)]
    Bugs:
    /// B0: one core makes one CU and not `cu_per_core`. Periods 45 and 46 (f2a9e5f, 3b32624).
    one_cu_per_core: bool,
    /// B1: after the period, the growth of the uptime is the report minus the last report times itself.
    /// Period 58 (0fcb165, mended by b4c832a).
    post_period_growth_multiplied: bool,
    /// B2: the power state of a node stays what it was at the start. Periods 59, 60 and 61 (0930734, mended by
    /// 4bf38e1).
    power_state_not_kept: bool,
    /// B4: waking from a sleep that began after the period takes the time from its end to the sleep off the
    /// uptime. Periods 74 to 80
    /// (1615f52, mended by b976985).
    post_period_sleep_debits: bool,
    /// B5: the most that one report can earn is the least. Never used for a payout (008f508, mended by 28bba07).
    report_credit_max_is_least: bool,
    /// B8: minted receipts are hashed as an imprecise reader of floats understood them. Fix-ups of periods 60,
    /// 61, 73 and 75.
    imprecise_floats: bool,
    /// B9: use in percent of a capacity of zero is no number. Period 45 (f2a9e5f, mended by 3b32624).
    use_of_nothing_is_no_number: bool,
    /// B10: the carbon line of a fix-up is named after the hex digits of hashes instead of their bytes. Fix-up of
    /// period 46 (69b48f4).
    carbon_memo_of_hex: bool,
}

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

/// What is left out, written as the word `none`, for which TOML has no value of its own.
mod none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    enum Word {
        #[serde(rename = "none")]
        None,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        None(Word),
        Some(T),
    }

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str("none"),
        }
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(match Either::deserialize(deserializer)? {
            Either::None(Word::None) => None,
            Either::Some(value) => Some(value),
        })
    }
}
