//! The parameters of a rule set, and the mistakes among them.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::none;
use super::values::{
    Carbon, FixupForm, FloorUnit, LateBoot, Mismatch, OverviewForm, Prices, RaisedCapacity, ReceiptForm,
    ReportTime, Retries, Scaling, SecondViolation, SeenEarly, SleepWaiver, TestNetPolicy, UseSource,
    ViolationTexts,
};
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
    /// 60 in period 45 (f2a9e5f), 300 from period 46 on (3b32624), 60 in period 60 (1241035) and again from period 67 on
    /// (bbd2d77).
    uptime_grace_secs: u32,
    /// Seconds by which the boot time that follows from a report (time minus uptime) may differ from the
    /// one seen first; a difference of this much or more is a clock that drifts, which is a violation.
    /// Since period 67 (04f2915).
    #[serde(with = "none")]
    clock_skew_limit_secs: Option<u32>,
    /// Most seconds one report can earn: nodes report every 40 minutes, and may be a minute late. None means that there is
    /// no limit. In period 60 (008f508, 28bba07) and since period 67 (bbd2d77).
    #[serde(with = "none")]
    report_credit_max_secs: Option<u32>,
    /// What a report means whose uptime grew more than the time: a violation, or a credit of what it grew.
    /// A violation that leaves the report unread until period 46 (f2a9e5f), a credit from period 47 on (923b807), a
    /// violation after which the report counts as the last one in period 60 (4d31335) and again from period 67 on
    /// (bbd2d77).
    too_high: Mismatch,
    /// What a report means whose uptime grew less than the time, without a reboot. A violation until period 46
    /// (f2a9e5f), a credit of what it grew from period 47 on (923b807), as reports arrive late; a violation in period 60
    /// (6a82d20) and again from period 67 on (bbd2d77).
    too_low: Mismatch,
    /// Longest sleep, in seconds, that counts as uptime: a farmer must wake every node once a day. None means
    /// that nothing about power management is read. 25 hours from period 59 on (0930734), 24 hours in
    /// period 60 (1be8ad2) and again from period 67 on (bbd2d77).
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
    /// Hours of blocks before the period, and one block, in which the last consumption report of each contract is looked
    /// for: what a contract uses counts from there on. 72 hours, 43,200 blocks of 6 seconds, in periods 45 to 49
    /// (0971bff); 0, none, since period 52, whose reports state the time they are for (98209ac).
    use_baseline_hours: u32,
    /// Which time says when use was metered, by which network reports of a contract are put in order: the report's own in
    /// period 52 (98209ac), that of its block since period 58 (16645c5).
    report_time: ReportTime,
    /// What more capacity than before counts for, when a node is updated: for the whole period, though the reference
    /// implementation first takes the smaller of both (B7). Every period was paid so.
    raised_capacity: RaisedCapacity,
    /// Whether the reports of the last block of the period, the first one after its end, are read again as the first ones
    /// after it; a node that violates the rules in that block does so twice then. Until period 57 (a684a9b): versions
    /// 3.0 to 3.4.
    last_block_twice: bool,
    /// Which second violation of a node is a finding, as the reference implementation stops at it. Any in period 45
    /// (f2a9e5f); since period 46 (3b32624) only an invalid reboot after the period (B11).
    second_violation: SecondViolation,
    /// Whether the twin of a node with uptime needs a relay and a valid public key. Without them nobody
    /// can use the node. In period 60 (0bcfa54, 45cf520) and since period 67 (bbd2d77).
    twin_checks: bool,
    /// Whether a violation costs the payout. Since period 46 (3b32624).
    violation_costs_payout: bool,
    /// Whether running in a virtual machine costs the payout. Since period 46 (3b32624).
    virtualized_costs_payout: bool,
    /// How uptime scales the payout: all or nothing in periods 45 and 46 (f2a9e5f), in proportion from the correction of
    /// period 46 on (69b48f4, 923b807), by the farming policy of the node since period 52 (ead7801).
    scaling: Scaling,
    /// Nodes seen early, which get a full payout for a few hours of uptime: the first period on this chain was young when
    /// many nodes moved to it. Only in period 45 (f2a9e5f).
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
    /// The bonus of certified nodes, as a fraction (numerator, denominator) that the reward in dollars is multiplied by.
    /// 5/4, a quarter more, in every period (f2a9e5f).
    bonus: (u32, NonZeroU32),
    /// CU that one core makes, if memory and SSD allow. 2 by every farming policy (05aacc1); periods 45 and 46 were paid
    /// with 1 by mistake (B0).
    cu_per_core: u32,
    /// Price of one TFT, in thousandths of a US dollar, of payouts; none means the price of the node, since period
    /// 58 (1284d98). 80 before, in period 52
    /// because the chain had written 800 into nodes by mistake (ead7801).
    #[serde(with = "none")]
    payout_price_musd: Option<u32>,
    /// Price of one TFT, in thousandths of a US dollar, that receipts state. Payouts use the price of the
    /// node; the receipts of the reference implementation state this constant instead (B6). 80 in every period (ead7801).
    receipt_price_musd: u32,
    /// Carbon offset that is paid for every node beside its reward, to one address for all; none since period 81
    /// (d1536c0).
    #[serde(with = "none")]
    carbon: Option<Carbon>,
    /// Whether a node whose farm does not exist is left out without a word. If not, it is
    /// a finding. From period 47 on (923b807), not in period 60 and not since period 67 (9198c67).
    missing_farm_skipped: bool,
    /// Form of receipts: which fields they have. Changed for the correction of period 46 (d33af6a) and for period 52
    /// (ead7801).
    receipt_form: ReceiptForm,
    /// Form of the overview: its columns and their units. Changed for periods 46 (3b32624), 52 (ead7801) and 60 (9198c67);
    /// the last change was taken back for periods 61 to 66 (4fa0c51).
    overview_form: OverviewForm,
    /// Wording of violations. Changed for periods 47 (923b807), 60 (4d31335, 6a82d20) and 67 (bbd2d77); periods 61 to 66
    /// have that of period 47 again (4fa0c51).
    violation_texts: ViolationTexts,
    /// Form of fix-ups that are made with this rule set: that of periods 46 (69b48f4), 60 and 61 (8d46a78, 94937be), or 73
    /// and 75 (c5dbc96, 0cf597a).
    fixup_form: FixupForm,
    /// Whether only the overview is written. Only without the wake-up slash, which served to size a bonus and not to pay
    /// (e0a2d22).
    overview_only: bool,
    /// Receipts of the period before that are paid again if they were not paid. Minting receipts since period 46
    /// (6b718fb), fix-ups since period 47 (923b807).
    retries: Retries,
    /// How numbers too large for 64 bits are treated: by the release build of the reference implementation they wrap, in every
    /// period. Exact where the mistakes below are not made either.
    arithmetic: Arithmetic,
    /// Mistakes that payouts were made with (B0 to B10).
    bugs: Bugs,
}

parameters! {
    /// Mistakes of the reference implementation (minting_v3) that payouts were made with, by the number they have in
    /// the survey of its history. Those that are still in force are parameters of their own: B3
    /// (`policy_floor_unit`), B6 (`receipt_price_musd`), B7 (`raised_capacity`) and B11 (`second_violation`).
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
    /// uptime. Periods 74 to 80 and the fix-up of period 73 (1615f52, mended by b976985).
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
