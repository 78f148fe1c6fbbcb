//! Reward: what capacity, use and uptime are worth, in thousandths of a US dollar and ten-millionths of a TFT.

use std::num::NonZeroU32;

use crate::chain::types::{FarmingPolicy, Node, NodeCertification};

use super::arithmetic::Calculator;
use super::capacity::{MICRO, compute_units, network_units, storage_units};
use super::consumption::Consumption;
use super::period::{PERIOD_SECONDS, Period};
use super::receipt::Reward;
use super::rules::{Carbon, FloorUnit, Rules, Scaling};

/// Smallest units in one TFT.
const TFT: u128 = 10_000_000;

const SECONDS_PER_HOUR: u128 = 3_600;

/// Percent of its own period that a node must be up for a full payout, where payouts are all or nothing.
const STEP_PERCENT: i128 = 95;

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
        let cu_per_core = if rules.bugs.one_cu_per_core { 1 } else { rules.cu_per_core };
        Self {
            cu: compute_units(&node.resources, cu_per_core),
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

/// The uptime of a node, and the part of the period in which it existed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    /// Uptime earned, seconds.
    pub(super) uptime: i128,
    /// Length of the node's own period, seconds.
    pub(super) own_secs: i128,
    /// Whether it was seen early, where that matters.
    pub(super) seen_early: bool,
}

impl Presence {
    /// Uptime, at most the whole of the node's own period, seconds.
    pub(super) fn uptime_in_own_period(&self) -> i128 {
        self.uptime.min(self.own_secs)
    }
}

/// A part of the full reward: so many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(pub(super) u128, pub(super) u128);

/// The full reward.
const FULL: Share = Share(1, 1);

/// The reward of a node for its presence in the period.
pub(super) fn earned(
    node: &Node,
    used: &Consumption,
    presence: Presence,
    policy: &FarmingPolicy,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Earned {
    let Some(Share(part, whole)) = share(node, presence, policy, rules, period, calc) else {
        return Earned::BelowFloor;
    };
    let musd = Full::of(node, used, policy, rules, period, calc).musd;
    let Some(tft) = full_tft(musd, node, rules, calc) else {
        return Earned::PriceZero;
    };
    let mut share = |amount: u128| {
        if whole == 1 { amount } else { calc.multiply(amount, part) / whole }
    };
    match (u64::try_from(share(musd)), u64::try_from(share(tft))) {
        (Ok(musd), Ok(tft)) => Earned::Amount(Reward { musd, tft }),
        _ => Earned::TooLarge,
    }
}

/// Price of one TFT that a node is paid by, thousandths of a US dollar.
pub(super) fn payout_price(node: &Node, rules: &Rules) -> u32 {
    rules.payout_price_musd.unwrap_or(node.connection_price)
}

/// The full reward in ten-millionths of a TFT; none for a price of zero.
pub(super) fn full_tft(musd: u128, node: &Node, rules: &Rules, calc: &mut Calculator) -> Option<u128> {
    calc.multiply(musd, TFT).checked_div(payout_price(node, rules).into())
}

/// The part of the full reward that the presence of a node earns; none below the floor.
pub(super) fn share(
    node: &Node,
    presence: Presence,
    policy: &FarmingPolicy,
    rules: &Rules,
    period: &Period,
    calc: &mut Calculator,
) -> Option<Share> {
    let permille = uptime_permille(presence.uptime, period, calc);
    let share = match rules.scaling {
        Scaling::Step => return step_share(presence, rules, period),
        Scaling::Linear => Share(permille, WHOLE_PERMILLE),
        Scaling::ByPolicy if is_linear(policy, rules) => Share(permille, WHOLE_PERMILLE),
        Scaling::ByPolicy => FULL,
    };
    (permille >= u128::from(floor_permille(node, policy, rules))).then_some(share)
}

/// Uptime, in thousandths of the period, below which a node earns nothing. Rules that pay all or nothing for a
/// part of the node's own period have no such floor.
pub(super) fn floor_permille(node: &Node, policy: &FarmingPolicy, rules: &Rules) -> u32 {
    match rules.scaling {
        Scaling::Step | Scaling::Linear => 0,
        Scaling::ByPolicy if is_linear(policy, rules) => match node.certification {
            NodeCertification::Diy => rules.floor_diy_permille,
            NodeCertification::Certified => rules.floor_certified_permille,
        },
        Scaling::ByPolicy => {
            let floor = u32::from(policy.minimal_uptime);
            match rules.policy_floor_unit {
                FloorUnit::Permille => floor,
                FloorUnit::Percent => floor * 10,
            }
        }
    }
}

/// Seconds of uptime from which on a node earns something.
pub(super) fn needed_uptime(
    node: &Node,
    presence: Presence,
    policy: &FarmingPolicy,
    rules: &Rules,
    period: &Period,
) -> i128 {
    let early = rules.seen_early.filter(|_| presence.seen_early);
    match (rules.scaling, early) {
        (Scaling::Step, Some(early)) => i128::from(early.uptime_over_secs) + 1,
        (Scaling::Step, None) => (presence.own_secs.max(1) * STEP_PERCENT + 99) / 100,
        _ => (i128::from(floor_permille(node, policy, rules)) * i128::from(period.duration()) + 999) / 1_000,
    }
}

/// All or nothing, for the part of the period in which the node existed.
fn step_share(presence: Presence, rules: &Rules, period: &Period) -> Option<Share> {
    let own = presence.own_secs.max(1);
    let enough = match rules.seen_early.filter(|_| presence.seen_early) {
        Some(early) => presence.uptime > i128::from(early.uptime_over_secs),
        None => presence.uptime_in_own_period() * 100 / own >= STEP_PERCENT,
    };
    let share = match (u128::try_from(own), u128::from(period.duration())) {
        (Ok(own), whole) if own != whole => Share(own, whole),
        _ => FULL,
    };
    enough.then_some(share)
}

/// Uptime in thousandths of the period, rounded down, at most all of it.
pub(super) fn uptime_permille(uptime: i128, period: &Period, calc: &mut Calculator) -> u128 {
    let permille = calc.unsigned(uptime.saturating_mul(1_000)) / i128::from(period.duration());
    u128::try_from(permille).unwrap_or(0).min(WHOLE_PERMILLE)
}

/// Whether a policy pays in proportion to uptime.
pub(super) fn is_linear(policy: &FarmingPolicy, rules: &Rules) -> bool {
    rules.linear_policies.contains(&policy.id)
        || rules.test_net_policy.is_some_and(|test_net| {
            policy.id == test_net.id
                && !policy.default
                && !policy.immutable
                && policy.minimal_uptime == test_net.minimal_uptime
        })
}

/// The carbon offset of a node, which its uptime in its own period scales. None of an amount that does not
/// fit 64 bits, or that a price of zero leaves without one.
pub(super) fn carbon_offset(
    node: &Node,
    units: &MicroUnits,
    presence: Presence,
    carbon: &Carbon,
    calc: &mut Calculator,
) -> Option<Reward> {
    let by_cu = calc.multiply(units.cu, carbon.cu.into());
    let by_su = calc.multiply(units.su, carbon.su.into());
    let musd = calc.add(by_cu, by_su) / MICRO;
    let price = carbon.price_musd.unwrap_or(node.connection_price);
    let tft = calc.multiply(musd, TFT).checked_div(price.into())?;
    let uptime = u128::try_from(presence.uptime_in_own_period()).unwrap_or(0);
    let mut scaled = |amount: u128| {
        u64::try_from(calc.multiply(amount, uptime) / u128::from(PERIOD_SECONDS.unsigned_abs())).ok()
    };
    Some(Reward { musd: scaled(musd)?, tft: scaled(tft)? })
}

/// What a full period of uptime is worth, in thousandths of a US dollar.
///
/// Prices of CU and SU are for a month, which a numbered period is; a free range gets its share of them.
/// Network units and addresses are metered, so they are worth the same in a range of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// For cloud units.
    pub(super) units_musd: u128,
    /// For public addresses.
    pub(super) addresses_musd: u128,
    /// The bonus of certified nodes, as a fraction, if it is given.
    pub(super) bonus: Option<(u32, NonZeroU32)>,
    /// All of it.
    pub(super) musd: u128,
}

impl Full {
    pub(super) fn of(
        node: &Node,
        used: &Consumption,
        policy: &FarmingPolicy,
        rules: &Rules,
        period: &Period,
        calc: &mut Calculator,
    ) -> Self {
        let units = MicroUnits::of(node, used, rules);
        let by_cu = calc.multiply(units.cu, policy.cu.into());
        let by_su = calc.multiply(units.su, policy.su.into());
        let by_nu = calc.multiply(units.nu, policy.nu.into());
        let a_month = calc.add(by_cu, by_su);
        let in_period =
            a_month.saturating_mul(period.duration().into()) / u128::from(PERIOD_SECONDS.unsigned_abs());
        let units_musd = calc.add(in_period, by_nu) / MICRO;
        let addresses_musd = calc.multiply(used.ips, policy.ipv4.into()) / SECONDS_PER_HOUR;
        let plain = calc.add(units_musd, addresses_musd);
        let certified = node.certification == NodeCertification::Certified;
        let bonus =
            (certified && rules.bonus_policy.is_none_or(|bonus| policy.id == bonus)).then_some(rules.bonus);
        let musd = match bonus {
            Some((numerator, denominator)) => {
                calc.multiply(plain, numerator.into()) / u128::from(denominator.get())
            }
            None => plain,
        };
        Self { units_musd, addresses_musd, bonus, musd }
    }
}
