//! The ledgers of a set of nodes, by node id.

use std::collections::BTreeMap;

use crate::chain::types::NodeId;

use super::ledger::Ledger;
use super::period::Period;
use super::rules::Rules;
use super::steady::{Limits, Steady};

/// Identifiers below this are looked up in a table, which has 4 bytes for each up to the highest one there is. The
/// chain counts nodes up from 1, so that all real ones are.
const TABLE_MAX: NodeId = 1 << 20;

/// Ledgers, found by node id in one step.
///
/// Of a node that runs on the ledger is not written with every report: what all reports change is kept apart, where
/// thousands of nodes fit into a cache. Nobody sees a ledger before it has what was kept apart.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    /// What decides whether a node runs on; none if none is taken to.
    limits: Option<Limits>,
    /// In the order in which the nodes became known.
    ledgers: Vec<Ledger>,
    /// For each of them what is kept apart.
    steady: Vec<Option<Steady>>,
    /// Place in `ledgers` by node id, if that is below [`TABLE_MAX`].
    table: Vec<Option<Place>>,
    /// Place in `ledgers` of all others.
    beyond: BTreeMap<NodeId, Place>,
}

/// A place in a list, counted from 1.
type Place = std::num::NonZeroU32;

impl Ledgers {
    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.ledgers.len()
    }

    /// No nodes, for the rules and the period that they will be under.
    pub(super) fn new(rules: &Rules, period: &Period) -> Ledgers {
        Ledgers { limits: Limits::of(rules, period), ..Ledgers::default() }
    }

    /// The ledger of a node, to look at; none if the node is unknown.
    pub(super) fn get(&self, node: NodeId) -> Option<Ledger> {
        let place = self.place(node)?;
        Some(self.settled(self.ledgers.get(place)?.clone(), self.steady.get(place).copied().flatten()))
    }

    /// The ledger of a node; none if the node is unknown.
    pub(super) fn get_mut(&mut self, node: NodeId) -> Option<&mut Ledger> {
        let place = self.place(node)?;
        let ledger = self.ledgers.get_mut(place)?;
        if let Some((steady, limits)) = self.steady.get_mut(place).and_then(Option::take).zip(self.limits) {
            steady.settle(ledger, &limits);
        }
        Some(ledger)
    }

    /// Takes a report in the period, made at `now` of `uptime` seconds, if it beyond doubt says no more than that its
    /// node runs on. If it is not taken it is to be judged by the rules.
    #[inline]
    pub(super) fn run_on(&mut self, node: NodeId, now: u64, uptime: u64) -> bool {
        let (Some(limits), Some(place)) = (&self.limits, self.place(node)) else { return false };
        match (self.steady.get_mut(place), self.ledgers.get_mut(place)) {
            (Some(Some(steady)), Some(ledger)) => steady.take(now, uptime, limits, ledger).is_some(),
            _ => false,
        }
    }

    /// From now on the node may run on: nothing but reports is to be applied to it for a while.
    pub(super) fn watch(&mut self, node: NodeId) {
        let (Some(limits), Some(place)) = (&self.limits, self.place(node)) else { return };
        if let (Some(ledger), Some(steady @ None)) = (self.ledgers.get(place), self.steady.get_mut(place)) {
            *steady = Steady::of(ledger, limits);
        }
    }

    /// Sets the ledger of the node that it names, in place of an earlier one.
    pub(super) fn insert(&mut self, ledger: Ledger) {
        let node = ledger.node.id;
        if let Some(known) = self.get_mut(node) {
            *known = ledger;
            return;
        }
        self.ledgers.push(ledger);
        self.steady.push(None);
        // There are fewer nodes than identifiers, of 32 bits.
        let Some(place) = u32::try_from(self.ledgers.len()).ok().and_then(Place::new) else { return };
        match usize::try_from(node) {
            Ok(index) if node < TABLE_MAX => {
                if self.table.len() <= index {
                    self.table.resize(index + 1, None);
                }
                if let Some(entry) = self.table.get_mut(index) {
                    *entry = Some(place);
                }
            }
            _ => drop(self.beyond.insert(node, place)),
        }
    }

    /// All of them in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Ledger> {
        self.ledgers.iter().zip(&self.steady).map(|(ledger, steady)| self.settled(ledger.clone(), *steady))
    }

    /// All of them in the order of identifiers.
    pub(super) fn into_sorted(mut self) -> Vec<Ledger> {
        let ledgers = std::mem::take(&mut self.ledgers).into_iter().zip(&self.steady);
        let mut ledgers: Vec<Ledger> =
            ledgers.map(|(ledger, steady)| self.settled(ledger, *steady)).collect();
        ledgers.sort_unstable_by_key(|ledger| ledger.node.id);
        ledgers
    }

    /// A ledger with what was kept apart.
    fn settled(&self, mut ledger: Ledger, steady: Option<Steady>) -> Ledger {
        if let Some((steady, limits)) = steady.zip(self.limits) {
            steady.settle(&mut ledger, &limits);
        }
        ledger
    }

    /// Where its ledger stands.
    #[inline]
    fn place(&self, node: NodeId) -> Option<usize> {
        let place = if node < TABLE_MAX {
            *self.table.get(usize::try_from(node).ok()?)?
        } else {
            self.beyond.get(&node).copied()
        };
        usize::try_from(place?.get()).ok()?.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::types::{Node, NodeCertification, Resources},
        minting::ledger::NodeState,
    };

    fn ledger(id: NodeId, farm_id: u32) -> Ledger {
        let node = Node {
            id,
            farm_id,
            twin_id: 0,
            resources: Resources::default(),
            certification: NodeCertification::Diy,
            virtualized: false,
            farming_policy_id: 0,
            connection_price: 0,
        };
        Ledger::new(node, NodeState::new())
    }

    #[test]
    fn nodes_of_any_identifier_are_found_and_come_out_in_order() {
        let ids = [7, u32::MAX, 0, TABLE_MAX, 3, TABLE_MAX - 1];
        let mut ledgers = Ledgers::default();
        for id in ids {
            ledgers.insert(ledger(id, 1));
            ledgers.insert(ledger(id, 2));
        }
        assert_eq!(ledgers.len(), ids.len());
        for id in ids {
            assert_eq!(ledgers.get_mut(id).map(|l| (l.node.id, l.node.farm_id)), Some((id, 2)));
        }
        for unknown in [1, 8, TABLE_MAX + 1, u32::MAX - 1] {
            assert!(ledgers.get_mut(unknown).is_none());
        }
        let sorted: Vec<_> = ledgers.into_sorted().iter().map(|l| l.node.id).collect();
        assert_eq!(sorted, [0, 3, 7, TABLE_MAX - 1, TABLE_MAX, u32::MAX]);
    }
}
