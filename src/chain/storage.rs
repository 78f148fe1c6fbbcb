//! Decodes storage items with the plans of the runtime whose state it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Error, Result, items,
    items::NeededItem,
    keys,
    metadata::{Hasher, Metadata, StorageKind},
    record::{Record, RecordPlan},
    registry::{Field, Primitive, Type},
    scale::Wrong,
    skip::SkipPrograms,
    types::{Farm, FarmingPolicy, Node, NodeContract, NodePower, PowerState, Resources, Twin},
};
use crate::archive::{StateSnapshot, bytes::Cursor};

/// How to read one storage item.
#[derive(Clone, Debug)]
struct ItemPlan {
    item: &'static NeededItem,
    prefix: [u8; 32],
    /// Bytes between the prefix and the key of a map.
    hash_len: usize,
    value: RecordPlan,
}

/// The plans for all storage items that the rules read and this runtime has.
#[derive(Clone, Debug)]
pub struct StoragePlans {
    plans: Vec<ItemPlan>,
}

impl StoragePlans {
    /// Compiles the plans.
    ///
    /// # Errors
    /// An item whose key or value is not as known.
    pub fn compile(metadata: &Metadata, skips: &SkipPrograms) -> Result<StoragePlans> {
        let mut plans = Vec::new();
        for item in items::STORAGE {
            let Some((pallet, found)) = metadata.storage(item.pallet, item.item) else { continue };
            let unknown =
                |why: String| Error::Layout { item: format!("storage {}.{}", item.pallet, item.item), why };
            let (hash_len, value) = match (&found.kind, item.key_width) {
                (StorageKind::Plain(value), None) => (0, *value),
                (StorageKind::Map { hashers, key, value }, Some(width)) => {
                    let hash_len = match hashers.as_slice() {
                        [Hasher::Blake2_128Concat] => 16,
                        [Hasher::Twox64Concat] => 8,
                        [Hasher::Identity] => 0,
                        _ => return Err(unknown("its keys cannot be read back".into())),
                    };
                    let (_, key) = metadata.registry.unwrapped(*key).map_err(|e| unknown(e.to_string()))?;
                    if *key != Type::Primitive(Primitive::Unsigned(width)) {
                        return Err(unknown(format!("its key is not a u{}", u32::from(width) * 8)));
                    }
                    (hash_len, *value)
                }
                (StorageKind::Plain(_), Some(_)) => return Err(unknown("it is no map".into())),
                (StorageKind::Map { .. }, None) => return Err(unknown("it is a map".into())),
            };
            let fields = [Field { name: None, ty: value }];
            let value =
                RecordPlan::compile(&metadata.registry, skips, &fields, item.wanted).map_err(unknown)?;
            plans.push(ItemPlan { item, prefix: keys::prefix(&pallet.prefix, item.item), hash_len, value });
        }
        Ok(StoragePlans { plans })
    }

    /// Prefixes of the items, ascending.
    pub fn prefixes(&self) -> Vec<[u8; 32]> {
        let mut prefixes: Vec<_> = self.plans.iter().map(|p| p.prefix).collect();
        prefixes.sort_unstable();
        prefixes
    }

    fn plan(&self, item: &NeededItem) -> Option<&ItemPlan> {
        self.plans.iter().find(|p| p.item.pallet == item.pallet && p.item.item == item.item)
    }
}

/// Reads the typed state of one block.
pub struct StateReader<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) skips: &'a SkipPrograms,
    pub(super) plans: &'a StoragePlans,
    pub(super) pairs: &'a dyn Pairs,
}

/// Where keys and values come from.
pub trait Pairs {
    /// Keys and values below a prefix, ascending by key.
    fn below(&self, prefix: &[u8]) -> Vec<(&[u8], &[u8])>;
}

impl Pairs for StateSnapshot {
    fn below(&self, prefix: &[u8]) -> Vec<(&[u8], &[u8])> {
        let start = self.pairs.partition_point(|(key, _)| key.as_slice() < prefix);
        let rest = self.pairs.iter().skip(start).take_while(|(key, _)| key.starts_with(prefix));
        rest.map(|(key, value)| (key.as_slice(), value.as_slice())).collect()
    }
}

impl StateReader<'_> {
    /// Nodes by id, up to the highest id that was given out.
    ///
    /// # Errors
    /// [`Error::Storage`], also for the methods below.
    pub fn nodes(&self) -> Result<BTreeMap<u32, Node>> {
        let highest = self.plain_number(&items::NODE_ID)?;
        let nodes = self.map(&items::NODES, items::node)?;
        Ok(nodes.into_iter().filter(|(id, _)| *id <= highest).filter_map(id32).collect())
    }

    /// Power management by node id; a node without an entry is up.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn node_powers(&self) -> Result<BTreeMap<u32, NodePower>> {
        Ok(self.map(&items::NODE_POWERS, items::node_power)?.into_iter().filter_map(id32).collect())
    }

    /// Heights that a power state `Down(block)` names.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn down_blocks(&self) -> Result<BTreeSet<u32>> {
        let powers = self.node_powers()?;
        Ok(powers
            .values()
            .filter_map(|power| match power.state {
                PowerState::Up => None,
                PowerState::Down(block) => Some(block),
            })
            .collect())
    }

    /// Farms by id.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn farms(&self) -> Result<BTreeMap<u32, Farm>> {
        Ok(self.map(&items::FARMS, items::farm)?.into_iter().filter_map(id32).collect())
    }

    /// Payout addresses by farm id.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn payout_addresses(&self) -> Result<BTreeMap<u32, Vec<u8>>> {
        Ok(self.map(&items::PAYOUT_ADDRESSES, |r| r.bytes(0))?.into_iter().filter_map(id32).collect())
    }

    /// Twins by id.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn twins(&self) -> Result<BTreeMap<u32, Twin>> {
        Ok(self.map(&items::TWINS, items::twin)?.into_iter().filter_map(id32).collect())
    }

    /// Farming policies by id.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn policies(&self) -> Result<BTreeMap<u32, FarmingPolicy>> {
        Ok(self.map(&items::POLICIES, items::policy)?.into_iter().filter_map(id32).collect())
    }

    /// Node contracts and what they use, by contract id, up to the highest id that was given out.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn node_contracts(&self) -> Result<BTreeMap<u64, (NodeContract, Resources)>> {
        let highest = self.plain_number(&items::CONTRACT_ID)?;
        let used = self.map(&items::CONTRACT_USE, |r| items::contract_resources(r).map(|(_, used)| used))?;
        let contracts = self.map(&items::CONTRACT_MAP, items::contract)?;
        let contracts = contracts.into_iter().filter(|(id, _)| *id <= highest);
        Ok(contracts
            .filter_map(|(id, contract)| Some((id, (contract?, used.get(&id).copied().unwrap_or_default()))))
            .collect())
    }

    /// A plain number; an absent one is 0, as the runtime's default says.
    fn plain_number(&self, item: &NeededItem) -> Result<u64> {
        let Some(plan) = self.plans.plan(item) else { return Ok(0) };
        match self.pairs.below(&plan.prefix).first() {
            Some((key, value)) => self.value(plan, key, value, |r| r.number(0)),
            None => Ok(0),
        }
    }

    fn map<T>(&self, item: &NeededItem, make: impl Fn(&Record) -> Option<T>) -> Result<BTreeMap<u64, T>> {
        let Some(plan) = self.plans.plan(item) else { return Ok(BTreeMap::new()) };
        let mut values = BTreeMap::new();
        for (key, value) in self.pairs.below(&plan.prefix) {
            let id = map_key(plan, key).map_err(|why| storage_error(plan, key, &why))?;
            values.insert(id, self.value(plan, key, value, &make)?);
        }
        Ok(values)
    }

    fn value<T>(
        &self,
        plan: &ItemPlan,
        key: &[u8],
        value: &[u8],
        make: impl Fn(&Record) -> Option<T>,
    ) -> Result<T> {
        let mut cursor = Cursor::new(value);
        let record = plan.value.read(&self.metadata.registry, self.skips, &mut cursor);
        let record = record.and_then(|record| match cursor.rest().len() {
            0 => make(&record).ok_or(Wrong::Depth),
            left => Err(Wrong::LeftOver(left)),
        });
        record.map_err(|why| storage_error(plan, key, &why))
    }
}

/// Keys of four bytes were read, so every one fits.
fn id32<T>((id, value): (u64, T)) -> Option<(u32, T)> {
    Some((u32::try_from(id).ok()?, value))
}

fn map_key(plan: &ItemPlan, key: &[u8]) -> std::result::Result<u64, Wrong> {
    let mut cursor = Cursor::new(key);
    cursor.take(plan.prefix.len().saturating_add(plan.hash_len))?;
    let id = if plan.item.key_width == Some(4) { u64::from(cursor.u32()?) } else { cursor.u64()? };
    match cursor.rest().len() {
        0 => Ok(id),
        left => Err(Wrong::LeftOver(left)),
    }
}

fn storage_error(plan: &ItemPlan, key: &[u8], why: &Wrong) -> Error {
    Error::Storage {
        item: format!("{}.{}", plan.item.pallet, plan.item.item),
        key: hex::encode(key),
        why: why.to_string(),
    }
}
