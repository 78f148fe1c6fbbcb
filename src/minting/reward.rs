//! Reward: what capacity, use and uptime are worth, in thousandths of a US dollar and ten-millionths of a TFT.

use crate::chain::types::{FarmingPolicy, Node, NodeCertification};

use super::arithmetic::Calculator;
use super::capacity::{MICRO, compute_units, network_units, storage_units};
use super::consumption::Consumption;
use super::period::{PERIOD_SECONDS, Period};
use super::receipt::Reward;
use super::rules::Rules;

/// Smallest units in one TFT.
const TFT: u128 = 10_000_000;

const SECONDS_PER_HOUR: u128 = 3_600;

/// Thousandths in a whole, of uptime.
const WHOLE_PERMILLE: u128 = 1_000;

/// Cloud units of a node, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MicroUnits {
    /// Compute units it offers.
    pub(super) cu: u128,
    /// Storage units it offers.
    pub(super) su: u128,
    /// Network units its contracts used.
    pub(super) nu: u128,
}

impl MicroUnits {
    pub(super) fn of(node: &Node, used: &Consumption, rules: &Rules) -> Self {
        Self {
            cu: compute_units(&node.resources, rules.cu_per_core),
            su: storage_units(&node.resources),
            nu: network_units(used.nru),
        }
    }
}

/// What uptime leaves of the full reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earned {
    /// This much.
    Amount(Reward),
    /// Nothing: the uptime is below the floor of the policy.
    BelowFloor,
    /// Nothing: the price of the node is zero, so there is no amount of TFT.
    PriceZero,
    /// Nothing: the amount does not fit 64 bits.
    TooLarge,
}

/// The reward of a node that was up for `uptime` seconds of the period.
pub(super) fn earned(
    node: &Node,
    used: &Consumption,
    uptime: i128,
    policy: &FarmingPolicy,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Earned {
    let permille = uptime_permille(uptime, period, calc);
    let linear = is_linear(policy, rules);
    let floor = match (linear, node.certification) {
        (true, NodeCertification::Diy) => rules.floor_diy_permille,
        (true, NodeCertification::Certified) => rules.floor_certified_permille,
        // The policy's minimal uptime is compared with thousandths, whatever unit its author had in mind.
        (false, _) => policy.minimal_uptime.into(),
    };
    if permille < u128::from(floor) {
        return Earned::BelowFloor;
    }
    let musd = full_musd(node, used, policy, rules, period, calc);
    let Some(tft) = calc.multiply(musd, TFT).checked_div(node.connection_price.into()) else {
        return Earned::PriceZero;
    };
    let mut share = |amount: u128| {
        if linear { calc.multiply(amount, permille) / WHOLE_PERMILLE } else { amount }
    };
    match (u64::try_from(share(musd)), u64::try_from(share(tft))) {
        (Ok(musd), Ok(tft)) => Earned::Amount(Reward { musd, tft }),
        _ => Earned::TooLarge,
    }
}

/// Uptime in thousandths of the period, rounded down, at most all of it.
fn uptime_permille(uptime: i128, period: &Period, calc: &mut Calculator) -> u128 {
    let permille = calc.unsigned(uptime.saturating_mul(1_000)) / i128::from(period.duration());
    u128::try_from(permille).unwrap_or(0).min(WHOLE_PERMILLE)
}

/// Whether a policy pays in proportion to uptime.
fn is_linear(policy: &FarmingPolicy, rules: &Rules) -> bool {
    let test_net = rules.test_net_policy;
    rules.linear_policies.contains(&policy.id)
        || policy.id == test_net.id
            && !policy.default
            && !policy.immutable
            && policy.minimal_uptime == test_net.minimal_uptime
}

/// What a full period of uptime is worth, in thousandths of a US dollar.
///
/// Prices of CU and SU are for a month, which a numbered period is; a free range gets its share of them.
/// Network units and addresses are metered, so they are worth the same in a range of any length.
fn full_musd(
    node: &Node,
    used: &Consumption,
    policy: &FarmingPolicy,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> u128 {
    let units = MicroUnits::of(node, used, rules);
    let by_cu = calc.multiply(units.cu, policy.cu.into());
    let by_su = calc.multiply(units.su, policy.su.into());
    let by_nu = calc.multiply(units.nu, policy.nu.into());
    let a_month = calc.add(by_cu, by_su);
    let in_period =
        a_month.saturating_mul(period.duration().into()) / u128::from(PERIOD_SECONDS.unsigned_abs());
    let units_musd = calc.add(in_period, by_nu) / MICRO;
    let addresses_musd = calc.multiply(used.ips, policy.ipv4.into()) / SECONDS_PER_HOUR;
    let musd = calc.add(units_musd, addresses_musd);
    if node.certification == NodeCertification::Certified && policy.id == rules.bonus_policy {
        let (numerator, denominator) = rules.bonus;
        calc.multiply(musd, numerator.into()) / u128::from(denominator.max(1))
    } else {
        musd
    }
}
