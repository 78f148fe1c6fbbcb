//! Decodes storage items with the plans of the runtime whose state it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Error, Result, items,
    items::NeededItem,
    keys,
    metadata::{Metadata, StorageItem, StorageKind},
    record::{Record, RecordPlan},
    registry::{Field, Registry, Type, TypeId},
    scale::{self, Wrong},
    skip::SkipPrograms,
    types::{
        Farm, FarmingPolicy, Node, NodeCertification, NodeContract, NodePower, PowerState, Resources, Twin,
    },
};
use crate::archive::{StateSnapshot, bytes::Cursor};

/// How to read one storage item.
#[derive(Clone, Debug)]
struct ItemPlan {
    item: &'static NeededItem,
    prefix: [u8; 32],
    key: Option<KeyPlan>,
    /// The value, or the elements of the list that it is.
    value: RecordPlan,
}

/// How to read the key of a map.
#[derive(Clone, Debug)]
struct KeyPlan {
    /// Bytes between the prefix and the key.
    hash_len: usize,
    /// Reads the number that the key is.
    key: RecordPlan,
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
    /// An item whose key, value or default value is not as known.
    pub fn compile(metadata: &Metadata, skips: &SkipPrograms) -> Result<StoragePlans> {
        let mut plans = Vec::new();
        for item in items::STORAGE {
            let Some((pallet, found)) = metadata.storage(item.pallet, item.item) else { continue };
            let prefix = keys::prefix(&pallet.prefix, item.item);
            let plan = compile(metadata, skips, item, found, prefix);
            plans.push(plan.map_err(|why| Error::Layout {
                item: format!("storage {}.{}", item.pallet, item.item),
                why,
            })?);
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

fn compile(
    metadata: &Metadata,
    skips: &SkipPrograms,
    item: &'static NeededItem,
    found: &StorageItem,
    prefix: [u8; 32],
) -> std::result::Result<ItemPlan, String> {
    let registry = &metadata.registry;
    let plan =
        |ty: TypeId, reading| RecordPlan::compile(registry, skips, &[Field { name: None, ty }], reading);
    let (key, value) = match (&found.kind, item.key) {
        (StorageKind::Plain(value), None) => (None, *value),
        (StorageKind::Map { hashers, key, value }, Some(reading)) => {
            let [hasher] = hashers.as_slice() else { return Err("its keys have several parts".into()) };
            let hash_len = hasher.hash_len().ok_or("its keys cannot be read back")?;
            let key = plan(*key, reading).map_err(|e| format!("its key: {e}"))?;
            (Some(KeyPlan { hash_len, key }), *value)
        }
        (StorageKind::Plain(_), Some(_)) => return Err("it is no map".into()),
        (StorageKind::Map { .. }, None) => return Err("it is a map".into()),
    };
    let value = match registry.unwrapped(value).map_err(|e| e.to_string())?.1 {
        Type::Sequence(element) if item.list => *element,
        _ if item.list => return Err("it is no list".into()),
        _ => value,
    };
    let plan = ItemPlan { item, prefix, key, value: plan(value, item.reading)? };
    // The default value is the one the runtime itself made of the type, so it shows whether the type is the right
    // one where the metadata has only its name.
    if let Some(default) = &found.default {
        records(&plan, registry, skips, default)
            .map_err(|e| format!("its default value 0x{} is no such value: {e}", hex::encode(default)))?;
    }
    Ok(plan)
}

/// The record of a value, or those of the list that it is; the value must be consumed to its last byte.
fn records(
    plan: &ItemPlan,
    registry: &Registry,
    skips: &SkipPrograms,
    value: &[u8],
) -> std::result::Result<Vec<Record>, Wrong> {
    let mut cursor = Cursor::new(value);
    let count = if plan.item.list { scale::length(&mut cursor)? } else { 1 };
    let mut records = Vec::new();
    for _ in 0..count {
        let before = cursor.position();
        records.push(plan.value.read(registry, skips, &mut cursor)?);
        // Elements without bytes could make a short value as long as it likes.
        if plan.item.list && cursor.position() == before {
            return Err(Wrong::Length(count));
        }
    }
    match cursor.rest().len() {
        0 => Ok(records),
        left => Err(Wrong::LeftOver(left)),
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

    /// Farming policies by id. Runtimes before the map had a list.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn policies(&self) -> Result<BTreeMap<u32, FarmingPolicy>> {
        if self.plans.plan(&items::POLICIES).is_some() {
            return Ok(self.map(&items::POLICIES, items::policy)?.into_iter().filter_map(id32).collect());
        }
        let policies = self.plain(&items::POLICY_LIST, items::policy)?;
        Ok(policies.into_iter().map(|policy| (policy.id, policy)).collect())
    }

    /// Identifiers of the policies that nodes of a certification got, the last one counting; only in runtimes
    /// before the map of policies, nothing in later ones.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn policy_ids(&self) -> Result<BTreeMap<NodeCertification, Vec<u32>>> {
        let ids = self.lists(&items::POLICY_IDS, |r| r.number32(0))?;
        Ok(ids.into_iter().map(|(key, ids)| (items::certification(key), ids)).collect())
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
        Ok(self.plain(item, |r| r.number(0))?.pop().unwrap_or(0))
    }

    /// A plain value, or the elements of the list that it is; nothing if it is absent.
    fn plain<T>(&self, item: &NeededItem, make: impl Fn(&Record) -> Option<T>) -> Result<Vec<T>> {
        let Some(plan) = self.plans.plan(item) else { return Ok(Vec::new()) };
        match self.pairs.below(&plan.prefix).first() {
            Some((key, value)) => self.values(plan, key, value, make),
            None => Ok(Vec::new()),
        }
    }

    fn map<T>(&self, item: &NeededItem, make: impl Fn(&Record) -> Option<T>) -> Result<BTreeMap<u64, T>> {
        let values = self.lists(item, make)?;
        Ok(values.into_iter().filter_map(|(id, mut values)| Some((id, values.pop()?))).collect())
    }

    fn lists<T>(
        &self,
        item: &NeededItem,
        make: impl Fn(&Record) -> Option<T>,
    ) -> Result<BTreeMap<u64, Vec<T>>> {
        let Some(plan) = self.plans.plan(item) else { return Ok(BTreeMap::new()) };
        let mut values = BTreeMap::new();
        for (key, value) in self.pairs.below(&plan.prefix) {
            let id = self.map_key(plan, key).map_err(|why| storage_error(plan, key, &why))?;
            values.insert(id, self.values(plan, key, value, &make)?);
        }
        Ok(values)
    }

    fn values<T>(
        &self,
        plan: &ItemPlan,
        key: &[u8],
        value: &[u8],
        make: impl Fn(&Record) -> Option<T>,
    ) -> Result<Vec<T>> {
        let records = records(plan, &self.metadata.registry, self.skips, value);
        let values = records.and_then(|records| {
            records
                .iter()
                .map(|record| make(record).ok_or(Wrong::Depth))
                .collect::<std::result::Result<_, _>>()
        });
        values.map_err(|why| storage_error(plan, key, &why))
    }

    fn map_key(&self, plan: &ItemPlan, key: &[u8]) -> std::result::Result<u64, Wrong> {
        let Some(key_plan) = &plan.key else { return Err(Wrong::Depth) };
        let mut cursor = Cursor::new(key);
        cursor.take(plan.prefix.len().saturating_add(key_plan.hash_len))?;
        let record = key_plan.key.read(&self.metadata.registry, self.skips, &mut cursor)?;
        match cursor.rest().len() {
            0 => record.number(0).ok_or(Wrong::Depth),
            left => Err(Wrong::LeftOver(left)),
        }
    }
}

/// Keys of four bytes were read, so every one fits.
fn id32<T>((id, value): (u64, T)) -> Option<(u32, T)> {
    Some((u32::try_from(id).ok()?, value))
}

fn storage_error(plan: &ItemPlan, key: &[u8], why: &Wrong) -> Error {
    Error::Storage {
        item: format!("{}.{}", plan.item.pallet, plan.item.item),
        key: hex::encode(key),
        why: why.to_string(),
    }
}
