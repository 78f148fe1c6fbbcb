//! The ledgers of a set of nodes, by node id.

use std::collections::BTreeMap;

use crate::chain::types::NodeId;

use super::ledger::Ledger;

/// Identifiers below this are looked up in a table, which has 4 bytes for each up to the highest one there is. The
/// chain counts nodes up from 1, so that all real ones are.
const TABLE_MAX: NodeId = 1 << 20;

/// Ledgers, found by node id in one step.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    /// In the order in which the nodes became known.
    ledgers: Vec<Ledger>,
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

    /// The ledger of a node, to look at; none if the node is unknown.
    pub(super) fn get(&self, node: NodeId) -> Option<&Ledger> {
        let place = self.place(node)?;
        self.ledgers.get(usize::try_from(place.get()).ok()?.checked_sub(1)?)
    }

    /// The ledger of a node; none if the node is unknown.
    pub(super) fn get_mut(&mut self, node: NodeId) -> Option<&mut Ledger> {
        let place = self.place(node)?;
        self.ledgers.get_mut(usize::try_from(place.get()).ok()?.checked_sub(1)?)
    }

    /// Sets the ledger of the node that it names, in place of an earlier one.
    pub(super) fn insert(&mut self, ledger: Ledger) {
        let node = ledger.node.id;
        if let Some(known) = self.get_mut(node) {
            *known = ledger;
            return;
        }
        self.ledgers.push(ledger);
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
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ledger> {
        self.ledgers.iter()
    }

    /// All of them in the order of identifiers.
    pub(super) fn into_sorted(mut self) -> Vec<Ledger> {
        self.ledgers.sort_unstable_by_key(|ledger| ledger.node.id);
        self.ledgers
    }

    fn place(&self, node: NodeId) -> Option<Place> {
        if node < TABLE_MAX {
            *self.table.get(usize::try_from(node).ok()?)?
        } else {
            self.beyond.get(&node).copied()
        }
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
