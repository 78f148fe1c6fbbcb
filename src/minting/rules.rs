//! Rule sets: everything about minting that has been, or could be, decided differently.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::arithmetic::Arithmetic;
use super::period::Period;

/// First period minted with the rule set `r81`.
const R81_FROM: u32 = 81;

/// The parameters of a rule set.
///
/// A rule set is named after the first period it was used for. A parameter is a field here, never a branch
/// on a name somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Name of the rule set.
    pub name: String,
    /// Seconds by which the uptime a node reports may have grown more or less than the time since its last
    /// report; covers the delay between asking for the uptime and the block that holds the report.
    pub uptime_grace_secs: u32,
    /// Seconds by which the boot time that follows from a report (time minus uptime) may differ from the
    /// one seen first; a difference of this much or more is a clock that drifts, which is a violation.
    pub clock_skew_limit_secs: u32,
    /// Most seconds one report can earn: nodes report every 40 minutes, and may be a minute late.
    pub report_credit_max_secs: u32,
    /// Longest sleep, in seconds, that counts as uptime: a farmer must wake every node once a day.
    pub sleep_max_secs: u32,
    /// Most seconds from the request to wake up to the boot of the node; a later boot is late.
    pub boot_max_secs: u32,
    /// Late boots in a period that cost only the sleep before them; one more is a violation.
    pub late_boots_allowed: u32,
    /// Hours of blocks after the period that are read for reports on its last seconds: the longest sleep,
    /// and some time for the report that ends it.
    pub post_window_hours: u32,
    /// Farming policies that pay in proportion to uptime, from a floor on. All others pay in full at or
    /// above the policy's own minimal uptime, and nothing below it.
    pub linear_policies: Vec<u32>,
    /// A policy that pays in proportion only where it has the shape it has on the test network.
    pub test_net_policy: TestNetPolicy,
    /// Floor of proportional payment for nodes built by their farmer, thousandths of the period.
    pub floor_diy_permille: u32,
    /// Floor of proportional payment for certified nodes, thousandths of the period.
    pub floor_certified_permille: u32,
    /// Farming policy on which certified nodes earn a bonus.
    pub bonus_policy: u32,
    /// The bonus, as a fraction (numerator, denominator) of the reward in dollars.
    pub bonus: (u32, u32),
    /// CU that one core makes, if memory and SSD allow.
    pub cu_per_core: u32,
    /// Price of one TFT, in thousandths of a US dollar, that receipts state. Payouts use the price of the
    /// node; the receipts of the reference implementation state this constant instead.
    pub receipt_price_musd: u32,
    /// How numbers too large for 64 bits are treated.
    pub arithmetic: Arithmetic,
}

/// A policy that is proportional if it is neither default nor immutable and has this minimal uptime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestNetPolicy {
    /// Number of the policy.
    pub id: u32,
    /// Its minimal uptime, as the chain states it.
    pub minimal_uptime: u16,
}

impl Rules {
    /// The rules of period 81 (January 2025) and after, with the right numbers.
    pub fn r81() -> Self {
        Self {
            name: "r81".to_owned(),
            uptime_grace_secs: 60,
            clock_skew_limit_secs: 120,
            report_credit_max_secs: 2_460,
            sleep_max_secs: 86_400,
            boot_max_secs: 1_800,
            late_boots_allowed: 1,
            post_window_hours: 27,
            linear_policies: vec![1, 2],
            test_net_policy: TestNetPolicy { id: 3, minimal_uptime: 95 },
            floor_diy_permille: 950,
            floor_certified_permille: 980,
            bonus_policy: 1,
            bonus: (5, 4),
            cu_per_core: 2,
            receipt_price_musd: 80,
            arithmetic: Arithmetic::Exact,
        }
    }

    /// The rule set with this name.
    pub fn named(name: &str) -> Option<Self> {
        (name == "r81").then(Self::r81)
    }

    /// The rule set in force for a period; none where it is not part of this program.
    pub fn for_period(period: &Period) -> Option<Self> {
        let from = Period::numbered(R81_FROM).ok()?;
        (period.start >= from.start).then(Self::r81)
    }

    /// Name of the rule set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of [`Rules::canonical_text`].
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical_text()).into()
    }

    /// Every parameter but the name, one a line as `parameter=value`, in the order of the fields, below the
    /// line `minting-rules 1`. Two rule sets that pay the same by the letter have the same text.
    pub fn canonical_text(&self) -> String {
        // Taking the struct apart makes it an error to add a parameter and forget it here.
        let Self {
            name: _,
            uptime_grace_secs,
            clock_skew_limit_secs,
            report_credit_max_secs,
            sleep_max_secs,
            boot_max_secs,
            late_boots_allowed,
            post_window_hours,
            linear_policies,
            test_net_policy,
            floor_diy_permille,
            floor_certified_permille,
            bonus_policy,
            bonus,
            cu_per_core,
            receipt_price_musd,
            arithmetic,
        } = self;
        let linear_policies: Vec<String> = linear_policies.iter().map(u32::to_string).collect();
        let arithmetic = match arithmetic {
            Arithmetic::Exact => "exact",
            Arithmetic::Wrapping => "wrapping",
        };
        let mut text = String::from("minting-rules 1\n");
        let mut line = |parameter: &str, value: String| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{parameter}={value}");
        };
        line("uptime_grace_secs", uptime_grace_secs.to_string());
        line("clock_skew_limit_secs", clock_skew_limit_secs.to_string());
        line("report_credit_max_secs", report_credit_max_secs.to_string());
        line("sleep_max_secs", sleep_max_secs.to_string());
        line("boot_max_secs", boot_max_secs.to_string());
        line("late_boots_allowed", late_boots_allowed.to_string());
        line("post_window_hours", post_window_hours.to_string());
        line("linear_policies", linear_policies.join(","));
        line("test_net_policy", format!("{},{}", test_net_policy.id, test_net_policy.minimal_uptime));
        line("floor_diy_permille", floor_diy_permille.to_string());
        line("floor_certified_permille", floor_certified_permille.to_string());
        line("bonus_policy", bonus_policy.to_string());
        line("bonus", format!("{}/{}", bonus.0, bonus.1));
        line("cu_per_core", cu_per_core.to_string());
        line("receipt_price_musd", receipt_price_musd.to_string());
        line("arithmetic", arithmetic.to_owned());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r81_is_in_force_from_period_81_on() {
        let start = Period::numbered(81).unwrap().start;
        assert_eq!(Rules::for_period(&Period::numbered(80).unwrap()), None);
        assert_eq!(Rules::for_period(&Period::numbered(81).unwrap()), Some(Rules::r81()));
        assert_eq!(Rules::for_period(&Period::numbered(200).unwrap()), Some(Rules::r81()));
        assert_eq!(Rules::for_period(&Period::range(start - 1, start + 10).unwrap()), None);
        assert_eq!(Rules::for_period(&Period::range(start, start + 10).unwrap()), Some(Rules::r81()));
    }

    #[test]
    fn names_are_exact() {
        assert_eq!(Rules::named("r81"), Some(Rules::r81()));
        assert_eq!(Rules::named("R81"), None);
        assert_eq!(Rules::r81().name(), "r81");
    }

    #[test]
    fn the_digest_covers_every_parameter_but_the_name() {
        let rules = Rules::r81();
        assert_eq!(rules.canonical_text().lines().count(), 17);
        let renamed = Rules { name: "other".to_owned(), ..rules.clone() };
        assert_eq!(renamed.digest(), rules.digest());
        let wrapping = Rules { arithmetic: Arithmetic::Wrapping, ..rules.clone() };
        assert_ne!(wrapping.digest(), rules.digest());
        let stricter = Rules { floor_diy_permille: 960, ..rules.clone() };
        assert_ne!(stricter.digest(), rules.digest());
    }
}
