//! The calculation of a reward with all its numbers, as a person would go through it.
//!
//! Every number comes from the function that makes the receipt; the last one is checked against it.

use crate::chain::types::{FarmingPolicy, Resources};

use super::arithmetic::Calculator;
use super::capacity::ComputeLimits;
use super::closing::Closing;
use super::ledger::Ledger;
use super::receipt::Reward;
use super::reward::{
    Earned, Full, MicroUnits, earned, floor_permille, full_tft, is_linear, needed_uptime, payout_price,
    uptime_permille,
};
use super::rules::Scaling;

/// How uptime decides about the reward of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion to uptime, from the floor on.
    Proportional,
    /// In full from the floor on, nothing below it.
    AllOrNothing,
    /// As [`Scale::AllOrNothing`], for the part of the period in which the node existed.
    OwnPeriod,
}

/// What a node would earn for its uptime if nothing else spoke against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// This much.
    Amount(Reward),
    /// Nothing: its uptime is below the floor.
    BelowFloor,
    /// Nothing: its price of a TFT is zero, or the amount does not fit 64 bits.
    NoAmount,
}

/// The numbers of a reward, in the order in which they are computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Calculation {
    /// Capacity at the end of the period.
    pub capacity: Resources,
    /// Compute units, in millionths, that each resource allows.
    pub limits: ComputeLimits,
    /// Compute units that count, in millionths.
    pub cu: u128,
    /// Storage units, in millionths.
    pub su: u128,
    /// Network units, in millionths.
    pub nu: u128,
    /// Public traffic, bytes.
    pub nru: u128,
    /// Seconds of public IPv4 addresses.
    pub ip_seconds: u128,
    /// Farming policy, with the prices that count.
    pub policy: FarmingPolicy,
    /// Worth of the cloud units, thousandths of a US dollar.
    pub units_musd: u128,
    /// Worth of the addresses, thousandths of a US dollar.
    pub addresses_musd: u128,
    /// Bonus for certified nodes, as a fraction, if it is given.
    pub bonus: Option<(u32, u32)>,
    /// Reward for a full period, thousandths of a US dollar.
    pub full_musd: u128,
    /// Price of one TFT, thousandths of a US dollar.
    pub price_musd: u32,
    /// Reward for a full period, ten-millionths of a TFT; none for a price of zero.
    pub full_tft: Option<u128>,
    /// Uptime earned, seconds.
    pub uptime: i128,
    /// Length of the period, seconds.
    pub period_secs: u64,
    /// Length of the node's own period, seconds, where that decides.
    pub own_secs: i128,
    /// Uptime in thousandths of the period, at most all of it.
    pub permille: u128,
    /// How uptime decides.
    pub scale: Scale,
    /// Floor, thousandths of the period; 95 % of the own period for [`Scale::OwnPeriod`].
    pub floor_permille: u32,
    /// Uptime from which on something is earned, seconds.
    pub needed_uptime: i128,
    /// What the node would earn for its uptime.
    pub worth: Worth,
}

impl Closing<'_> {
    /// The calculation for a ledger; none without a policy, and so without prices.
    pub(super) fn calculation(&self, ledger: &Ledger) -> Option<Calculation> {
        let Ledger { node, state, .. } = ledger;
        let policy = self.policy(node)?;
        let (rules, period) = (self.rules, &self.bounds.measured());
        let calc = &mut Calculator::new(rules.arithmetic);
        let units = MicroUnits::of(node, &state.used, rules);
        let full = Full::of(node, &state.used, &policy, rules, period, calc);
        let presence = self.presence(state);
        let cu_per_core = if rules.bugs.one_cu_per_core { 1 } else { rules.cu_per_core };
        let proportional = rules.scaling == Scaling::Linear || is_linear(&policy, rules);
        let worth = match earned(node, &state.used, presence, &policy, rules, period, calc) {
            Earned::Amount(reward) => Worth::Amount(reward),
            Earned::BelowFloor => Worth::BelowFloor,
            Earned::PriceZero | Earned::TooLarge => Worth::NoAmount,
        };
        let scale = match rules.scaling {
            Scaling::Step => Scale::OwnPeriod,
            _ if proportional => Scale::Proportional,
            _ => Scale::AllOrNothing,
        };
        Some(Calculation {
            capacity: node.resources,
            limits: ComputeLimits::of(&node.resources, cu_per_core),
            cu: units.cu,
            su: units.su,
            nu: units.nu,
            nru: state.used.nru,
            ip_seconds: state.used.ips,
            policy,
            units_musd: full.units_musd,
            addresses_musd: full.addresses_musd,
            bonus: full.bonus,
            full_musd: full.musd,
            price_musd: payout_price(node, rules),
            full_tft: full_tft(full.musd, node, rules, calc),
            uptime: presence.uptime,
            period_secs: period.duration(),
            own_secs: presence.own_secs,
            permille: uptime_permille(presence.uptime, period, calc),
            scale,
            floor_permille: if scale == Scale::OwnPeriod {
                OWN_PERIOD_FLOOR
            } else {
                floor_permille(node, &policy, rules)
            },
            needed_uptime: needed_uptime(node, presence, &policy, rules, period),
            worth,
        })
    }
}

/// Thousandths of its own period that a node must be up where payouts are all or nothing.
const OWN_PERIOD_FLOOR: u32 = 950;
