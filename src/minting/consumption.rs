//! Consumption: what the contracts on a node used.

use serde::{Deserialize, Serialize};

use crate::chain::types::{Consumption as UseReport, NodeContract, NruConsumption, Resources};

use super::arithmetic::Calculator;
use super::state::LastUse;

/// A node contract: what it holds, and up to when that has been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContractLedger {
    /// The contract.
    pub(super) contract: NodeContract,
    /// What it uses.
    pub(super) used: Resources,
    /// Time of the last report that counted, seconds since the epoch; 0 before the first.
    pub(super) last_report: i64,
    /// Bytes of traffic that its counter stood at in that report, where reports state a counter.
    pub(super) last_nru: u64,
}

impl ContractLedger {
    /// A contract that exists at the start, with its last report before it where that counts: every report in the period
    /// counts.
    pub(super) fn at_start(contract: NodeContract, used: Resources, last: Option<LastUse>) -> Self {
        let LastUse { at, nru } = last.unwrap_or_default();
        Self { contract, used, last_report: at, last_nru: nru }
    }

    /// A contract made in a block at `time`, which uses nothing yet. A report in the same block is lost.
    pub(super) fn created(contract: NodeContract, time: i64) -> Self {
        Self { contract, used: Resources::default(), last_report: time, last_nru: 0 }
    }

    /// Whether a report of `time` counts: none that is not later than the one before, and none from before the period.
    pub(super) fn counts(&self, time: i64, period_start: i64) -> bool {
        time > self.last_report && time >= period_start
    }
}

/// What the contracts of a node used in the period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Consumption {
    /// Core seconds.
    pub(super) cru: u128,
    /// Byte seconds of memory.
    pub(super) mru: u128,
    /// Byte seconds of disk.
    pub(super) hru: u128,
    /// Byte seconds of SSD.
    pub(super) sru: u128,
    /// Seconds of public IPv4 addresses.
    pub(super) ips: u128,
    /// Bytes of public network traffic.
    pub(super) nru: u128,
}

impl Consumption {
    /// Adds a report: what the contract uses now counts for the whole window of the report, even the part
    /// of it that lies before the period.
    pub(super) fn add(&mut self, contract: &ContractLedger, report: &NruConsumption, calc: &mut Calculator) {
        let window = u128::from(report.window);
        let mut over_window = |amount: u64| calc.multiply(amount.into(), window);
        self.cru = self.cru.saturating_add(over_window(contract.used.cru));
        self.mru = self.mru.saturating_add(over_window(contract.used.mru));
        self.hru = self.hru.saturating_add(over_window(contract.used.hru));
        self.sru = self.sru.saturating_add(over_window(contract.used.sru));
        let ips = over_window(contract.contract.public_ips.into());
        self.ips = calc.add(self.ips, ips);
        self.add_network(report, calc);
    }

    /// Adds a report of the first periods: what was in use counts for the time since the contract's last report, which
    /// may reach back before the period, and traffic is what its counter grew since then. A counter that went back
    /// had started again from zero.
    pub(super) fn add_since_last(
        &mut self,
        contract: &ContractLedger,
        report: &UseReport,
        calc: &mut Calculator,
    ) {
        let last = u64::try_from(contract.last_report).unwrap_or(0);
        let elapsed = u128::from(report.timestamp.saturating_sub(last));
        let mut over_time = |amount: u64| calc.multiply(amount.into(), elapsed);
        self.cru = self.cru.saturating_add(over_time(report.used.cru));
        self.mru = self.mru.saturating_add(over_time(report.used.mru));
        self.hru = self.hru.saturating_add(over_time(report.used.hru));
        self.sru = self.sru.saturating_add(over_time(report.used.sru));
        let ips = over_time(contract.contract.public_ips.into());
        self.ips = calc.add(self.ips, ips);
        let grown = report.nru.checked_sub(contract.last_nru).unwrap_or(report.nru);
        self.nru = calc.add(self.nru, grown.into());
    }

    /// Adds only the network traffic of a report.
    pub(super) fn add_network(&mut self, report: &NruConsumption, calc: &mut Calculator) {
        self.nru = calc.add(self.nru, report.nru.into());
    }
}
