//! Closing: from the ledger of a node to its receipt.

use crate::chain::types::{Farm, FarmingPolicy, Node, NodeCertification, Twin};

use super::arithmetic::{Arithmetic, Calculator};
use super::capacity::{GIB, MICRO};
use super::finding::{FARM_MISSING, Finding, INTEGER_WRAP, POLICY_MISSING, PRICE_ZERO};
use super::ledger::{Ledger, NodeState};
use super::outcome::{NodeResult, Outcome, OwnPeriod};
use super::period::Period;
use super::preliminary;
use super::receipt::{
    CloudUnits, NodeType, Receipt, ResourceRewards, ResourceUnits, ResourceUtilization, Reward, Sealed, Span,
};
use super::reward::{Earned, MicroUnits, Presence, carbon_offset, earned, needed_uptime};
use super::rules::{LateBoot, Prices, ReceiptForm, Rules};
use super::standing::Standing;
use super::state::{Boundaries, EndState};
use super::violation::Violation;

/// Bytes of a public key of a twin.
const PUBLIC_KEY_BYTES: usize = 33;

/// The rules, the place of the period, and the state at its end.
pub(super) struct Closing<'a> {
    pub(super) rules: &'a Rules,
    pub(super) bounds: &'a Boundaries,
    pub(super) end: &'a EndState,
}

/// What a state comes to.
struct Settled {
    receipt: Sealed<Receipt>,
    violation: Option<Violation>,
    own: OwnPeriod,
    outcome: Outcome,
    price_zero: bool,
    too_large: bool,
}

impl Closing<'_> {
    /// Closes the ledger of a node, and says what is to be looked at about it.
    pub(super) fn close(&self, ledger: Ledger) -> (NodeResult, Vec<Finding>) {
        let standing = self.standing(&ledger);
        let Ledger { node, state, shadow, .. } = ledger;
        let farm = self.end.farms.get(&node.farm_id);
        let (Some(farm), Some(policy)) = (farm, &self.policy(&node)) else {
            return self.without_receipt(node, &state, farm, standing);
        };
        let mut findings = Vec::new();
        let mut calc = Calculator::new(self.rules.arithmetic);
        let settled = self.settle(&node, &state, farm, policy, &mut calc);
        if settled.price_zero {
            let message = "the node earned a payout, but its connection price is 0; nothing is paid to it";
            findings.push(of_node(&node, PRICE_ZERO, message.to_owned()));
        }
        let wrapped = match shadow.map(|boxed| *boxed) {
            Some((state, block)) => Some((state, Some(block))),
            None if self.rules.arithmetic == Arithmetic::Exact && calc.diverged() => Some((state, None)),
            None => None,
        };
        if let Some((wrapped, block)) = wrapped {
            let mut calc = Calculator::new(Arithmetic::Wrapping);
            let reference = self.settle(&node, &wrapped, farm, policy, &mut calc);
            if settled.too_large
                || settled.receipt.bytes != reference.receipt.bytes
                || settled.violation != reference.violation
            {
                findings.push(Finding {
                    block,
                    ..of_node(&node, INTEGER_WRAP, difference(&settled, &reference))
                });
            }
        }
        let result = NodeResult {
            farm: Some(farm.clone()),
            receipt: Some(settled.receipt),
            violation: settled.violation,
            own: settled.own,
            outcome: settled.outcome,
            standing,
            node,
        };
        (result, findings)
    }

    /// The policy that prices a node; with constant prices, one that has them.
    pub(super) fn policy(&self, node: &Node) -> Option<FarmingPolicy> {
        match self.rules.prices {
            Some(Prices { cu, su, nu, ipv4 }) => Some(FarmingPolicy {
                id: node.farming_policy_id,
                cu,
                su,
                nu,
                ipv4,
                minimal_uptime: 0,
                immutable: false,
                default: false,
            }),
            None => self.end.policies.get(&node.farming_policy_id).copied(),
        }
    }

    /// A node whose farm or farming policy does not exist.
    fn without_receipt(
        &self,
        node: Node,
        state: &NodeState,
        farm: Option<&Farm>,
        standing: Standing,
    ) -> (NodeResult, Vec<Finding>) {
        let mut findings = Vec::new();
        let skipped = farm.is_none() && self.rules.missing_farm_skipped;
        if farm.is_none() && !skipped {
            let message =
                format!("farm {} of the node does not exist; the node gets no receipt", node.farm_id);
            findings.push(of_node(&node, FARM_MISSING, message));
        }
        let policy = node.farming_policy_id;
        if self.policy(&node).is_none() && !skipped {
            let message =
                format!("farming policy {policy} of the node does not exist; the node gets no receipt");
            findings.push(of_node(&node, POLICY_MISSING, message));
        }
        let result = NodeResult {
            farm: farm.cloned(),
            receipt: None,
            violation: self.violation(&node, state),
            own: self.own_period(&node, state),
            outcome: if skipped { Outcome::NoFarm } else { Outcome::Finding },
            standing,
            node,
        };
        (result, findings)
    }

    /// The receipt and everything else a state comes to.
    fn settle(
        &self,
        node: &Node,
        state: &NodeState,
        farm: &Farm,
        policy: &FarmingPolicy,
        calc: &mut Calculator,
    ) -> Settled {
        let violation = self.violation(node, state);
        let address = self.end.payout_address(node.farm_id);
        let measured = self.bounds.measured();
        let presence = self.presence(state);
        let costly = violation.filter(|_| self.rules.violation_costs_payout);
        let virtualized = node.virtualized && self.rules.virtualized_costs_payout;
        let earned = match (costly, state.reported) {
            (Some(violation), _) => Err(Outcome::Violation(violation.kind())),
            (None, _) if virtualized => Err(Outcome::Virtualized),
            (None, None) if presence.uptime == 0 => Err(Outcome::NoUptime),
            (None, _) => Ok(earned(node, &state.used, presence, policy, self.rules, &measured, calc)),
        };
        let units = MicroUnits::of(node, &state.used, self.rules);
        let carbon = self.rules.carbon.map(|carbon| {
            let whole = carbon_offset(node, &units, presence, &carbon, calc);
            if costly.is_some() || virtualized { whole.map(|_| Reward::default()) } else { whole }
        });
        let (reward, outcome) = match earned {
            Err(outcome) => (Reward::default(), outcome),
            Ok(Earned::BelowFloor) => (Reward::default(), Outcome::BelowFloor),
            Ok(Earned::PriceZero | Earned::TooLarge) => (Reward::default(), Outcome::Finding),
            Ok(Earned::Amount(reward)) if reward.tft == 0 => (reward, Outcome::NothingEarned),
            Ok(Earned::Amount(reward)) if address.is_empty() => (reward, Outcome::NoAddress),
            Ok(Earned::Amount(reward)) => (reward, Outcome::Paid),
        };
        let measured_uptime = u64::try_from(state.total());
        let carbon_price_zero = matches!(carbon, Some(None));
        let price_zero = matches!(earned, Ok(Earned::PriceZero)) || carbon_price_zero;
        let too_large = matches!(earned, Ok(Earned::TooLarge)) || measured_uptime.is_err();
        let with_policy = self.rules.receipt_form == ReceiptForm::WithPolicy;
        let receipt = Sealed::new(Receipt {
            period: self.own_span(state, &measured),
            node_id: node.id,
            twin_id: node.twin_id,
            farm_id: node.farm_id,
            farm_name: String::from_utf8_lossy(&farm.name).into_owned(),
            stellar_payout_address: address,
            measured_uptime: measured_uptime.unwrap_or(u64::MAX),
            tft_connection_price: self.rules.receipt_price_musd.into(),
            cloud_units: cloud_units(&units),
            resource_units: resource_units(node, self.rules),
            resource_utilization: utilization(node, state, measured.duration(), self.rules),
            reward,
            carbon_offset: carbon.map(Option::unwrap_or_default),
            node_type: match node.certification {
                NodeCertification::Diy => NodeType::Diy,
                NodeCertification::Certified => NodeType::Certified,
            },
            farming_policy_id: with_policy.then_some(node.farming_policy_id),
            resource_rewards: with_policy.then_some(ResourceRewards {
                cu: policy.cu.into(),
                su: policy.su.into(),
                nu: policy.nu.into(),
                ipv4: policy.ipv4.into(),
            }),
        });
        let own = self.own_period(node, state);
        Settled { receipt, violation, own, outcome, price_zero, too_large }
    }

    /// The violation that stands at the end: the first one of the period, else late boots, else the twin.
    fn violation(&self, node: &Node, state: &NodeState) -> Option<Violation> {
        let of_twin = || {
            state.reported.filter(|_| self.rules.twin_checks)?;
            twin_violation(self.end.twins.get(&node.twin_id))
        };
        state.violation.or_else(|| self.boots_violation(state)).or_else(of_twin)
    }

    /// The violation of a node that booted late too often, or not at all.
    fn boots_violation(&self, state: &NodeState) -> Option<Violation> {
        let unanswered = self.unanswered_request(state);
        match self.rules.late_boot {
            LateBoot::Ignored => None,
            LateBoot::Violation => unanswered.map(|requested| Violation::NeverBooted { requested }),
            LateBoot::Counted => {
                let late_boots = state.late_boots.saturating_add(u32::from(unanswered.is_some()));
                (late_boots > self.rules.late_boots_allowed)
                    .then_some(Violation::BootRequestExpired { late_boots })
            }
        }
    }

    /// When the node was asked in the period to wake up, if it did not. One that slept at the start though
    /// it was to be up is taken to be dead; a request after the end is not judged yet where what follows is
    /// read, nor is one in a preliminary result that can still be answered.
    pub(super) fn unanswered_request(&self, state: &NodeState) -> Option<i128> {
        state.wake_requested_at.filter(|requested| {
            let open = match self.bounds.known_until {
                Some(known) => preliminary::is_open(*requested, known.into(), self.rules),
                None => self.rules.post_period_power && *requested > i128::from(self.bounds.period.end),
            };
            *requested != i128::from(self.bounds.first_block_time) && !open
        })
    }

    fn standing(&self, ledger: &Ledger) -> Standing {
        let Ledger { node, state, days, .. } = ledger;
        let period = &self.bounds.period;
        let presence = Presence { own_secs: self.own_secs(state, period), ..self.presence(state) };
        let needed = |policy| needed_uptime(node, presence, &policy, self.rules, period);
        Standing {
            days: days.of(period),
            last_report: state.reported.map(|reported| reported.at),
            asleep_since: state.asleep_since,
            wake_requested_at: state.wake_requested_at,
            late_boots: state.late_boots,
            needed_uptime: self.policy(node).map(needed),
            twin: self
                .rules
                .twin_checks
                .then(|| twin_violation(self.end.twins.get(&node.twin_id)))
                .flatten()
                .map(|violation| violation.kind()),
            violation_block: state.violation.and_then(|violation| violation.block()),
        }
    }

    /// The period of the node itself, which starts with its registration where the rules say so. A clock that runs
    /// backwards makes it no longer than the period.
    fn own_span(&self, state: &NodeState, period: &Period) -> Span {
        let whole = Span::from(period);
        match state.registered_at {
            Some(start) if self.rules.own_period && !state.seen_early => {
                Span { start: start.max(whole.start), ..whole }
            }
            _ => whole,
        }
    }

    pub(super) fn presence(&self, state: &NodeState) -> Presence {
        let measured = self.bounds.measured();
        let open = self
            .bounds
            .known_until
            .map_or(0, |known| preliminary::open_uptime(state, &measured, known.into(), self.rules));
        Presence {
            uptime: state.total().saturating_add(open),
            own_secs: self.own_secs(state, &measured),
            seen_early: state.seen_early,
        }
    }

    /// Length of the node's own part of a period, seconds.
    fn own_secs(&self, state: &NodeState, period: &Period) -> i128 {
        let own = self.own_span(state, period);
        i128::from(own.end).saturating_sub(own.start.into())
    }

    fn own_period(&self, node: &Node, state: &NodeState) -> OwnPeriod {
        let presence = self.presence(state);
        let seconds = u64::try_from(presence.own_secs).unwrap_or(1).max(1);
        OwnPeriod {
            uptime: u64::try_from(presence.uptime_in_own_period()).unwrap_or(0),
            utilization: utilization(node, state, seconds, self.rules),
        }
    }
}

/// What a node with uptime needs of its twin to be of use to anyone.
fn twin_violation(twin: Option<&Twin>) -> Option<Violation> {
    let Some(twin) = twin else { return Some(Violation::MissingTwin) };
    if twin.relay.as_ref().is_none_or(Vec::is_empty) {
        return Some(Violation::MissingRelay);
    }
    let valid = twin.pk.as_ref().is_none_or(|key| key.len() == PUBLIC_KEY_BYTES);
    (!valid).then_some(Violation::InvalidPublicKey)
}

fn of_node(node: &Node, rule: &'static str, message: String) -> Finding {
    Finding { node: Some(node.id), contract: None, block: None, rule, message }
}

/// What wrapping integers change about a node, in words.
fn difference(exact: &Settled, reference: &Settled) -> String {
    let describe = |settled: &Settled| {
        let receipt = &settled.receipt.receipt;
        let violation = settled.violation.map_or_else(|| "no violation".to_owned(), |v| v.to_string());
        format!(
            "uptime {} s, reward {} units of TFT, {violation}",
            receipt.measured_uptime, receipt.reward.tft
        )
    };
    let treatment = if exact.too_large { "; what does not fit 64 bits is not paid" } else { "" };
    format!(
        "integers of the reference implementation wrap: it gets {}; exactly it is {}{treatment}",
        describe(reference),
        describe(exact)
    )
}

fn cloud_units(micro: &MicroUnits) -> CloudUnits {
    let unit = |micro_units: u128| float(micro_units) / float(MICRO);
    CloudUnits { cu: unit(micro.cu), su: unit(micro.su), nu: unit(micro.nu) }
}

fn resource_units(node: &Node, rules: &Rules) -> ResourceUnits {
    let capacity = &node.resources;
    let gib = |bytes: u64| float(bytes.into()) / float(GIB);
    ResourceUnits {
        cru: if rules.receipt_form == ReceiptForm::CoresInGib {
            gib(capacity.cru)
        } else {
            float(capacity.cru.into())
        },
        mru: gib(capacity.mru),
        hru: gib(capacity.hru),
        sru: gib(capacity.sru),
    }
}

/// Average use in percent: the average itself is a whole number of cores or bytes, rounded down.
fn utilization(node: &Node, state: &NodeState, seconds: u64, rules: &Rules) -> ResourceUtilization {
    let (capacity, used) = (&node.resources, &state.used);
    let percent = |used: u128, capacity: u64| {
        if capacity == 0 && !rules.bugs.use_of_nothing_is_no_number {
            0.0
        } else {
            float(used / u128::from(seconds)) * 100.0 / float(capacity.into())
        }
    };
    ResourceUtilization {
        cru: percent(used.cru, capacity.cru),
        mru: percent(used.mru, capacity.mru),
        hru: percent(used.hru, capacity.hru),
        sru: percent(used.sru, capacity.sru),
        ip: float(used.ips) / 3_600.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "receipts state these numbers as the nearest float")]
fn float(value: u128) -> f64 {
    value as f64
}
