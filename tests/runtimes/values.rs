//! Every needed event and storage item of every runtime, encoded by an independent encoder, decodes to the same
//! values: `scale-value` driven by the same metadata where metadata describes types, else straight from the survey.

use std::collections::{BTreeMap, BTreeSet};

use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use minting::chain::{Pairs, Runtime, StateReader, keys, types::Event};
use parity_scale_codec::{Compact, Decode, Encode};
use proptest::{collection::vec, prelude::Strategy, strategy::ValueTree, test_runner::TestRunner};
use scale_info::{PortableRegistry, TypeDef};
use serde_json::Value as Json;

use super::{
    expected,
    survey::{NEEDED, Surveyed, runtimes},
    value::{Value, any_fields, any_value, encode, encode_fields, for_scale_value},
};

/// Values of each item in each runtime.
const VALUES: usize = 24;

/// The types of V14 metadata, by which `scale-value` encodes.
struct Described {
    types: PortableRegistry,
    /// Event enum by pallet.
    events: BTreeMap<String, u32>,
    /// Type of the value by storage item.
    storage: BTreeMap<String, u32>,
}

fn described(metadata: &[u8]) -> Option<Described> {
    use frame_metadata::v14::StorageEntryType;
    let RuntimeMetadata::V14(v14) = RuntimeMetadataPrefixed::decode(&mut &*metadata).unwrap().1 else {
        return None;
    };
    let mut storage = BTreeMap::new();
    for pallet in &v14.pallets {
        for entry in pallet.storage.iter().flat_map(|s| &s.entries) {
            let value = match &entry.ty {
                StorageEntryType::Plain(value) | StorageEntryType::Map { value, .. } => value.id,
            };
            storage.insert(format!("storage {}.{}", pallet.name, entry.name), value);
        }
    }
    let events = v14.pallets.iter().filter_map(|p| Some((p.name.clone(), p.event.as_ref()?.ty.id))).collect();
    Some(Described { types: v14.types, events, storage })
}

/// The bytes of an event: pallet index, event index, fields.
fn event_bytes(
    item: &str,
    line: &Json,
    fields: &[(Option<String>, Value)],
    described: Option<&Described>,
) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(line["pallet_index"].as_u64().unwrap()).unwrap()];
    let (pallet, event) = item.trim_start_matches("event ").split_once('.').unwrap();
    match described {
        Some(described) => {
            let id = described.events[pallet];
            let TypeDef::Variant(all) = &described.types.resolve(id).unwrap().type_def else {
                panic!("no enum")
            };
            let kind = all.variants.iter().find(|v| v.name == event).unwrap();
            let values = fields.iter().zip(&kind.fields);
            let values = values.map(|((_, value), f)| for_scale_value(value, f.ty.id, &described.types));
            let names = kind.fields.iter().map(|f| f.name.clone()).collect::<Option<Vec<_>>>();
            let composite = match names {
                Some(names) if !names.is_empty() => {
                    scale_value::Composite::named(names.into_iter().zip(values))
                }
                _ => scale_value::Composite::unnamed(values),
            };
            let value = scale_value::Value::variant(event, composite);
            scale_value::scale::encode_as_type(&value, id, &described.types, &mut bytes).unwrap();
        }
        None => {
            bytes.push(u8::try_from(line["index"].as_u64().unwrap()).unwrap());
            encode_fields(&line["layout"], fields, &mut bytes);
        }
    }
    bytes
}

fn pick<T>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// `System.Events` with these events.
pub fn events_value(events: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Compact(u32::try_from(events.len()).unwrap()).encode();
    for (place, event) in (0u32..).zip(events) {
        match place % 3 {
            0 => (0u8, place).encode_to(&mut bytes),
            phase => u8::try_from(phase).unwrap().encode_to(&mut bytes),
        }
        bytes.extend_from_slice(event);
        vec![[7u8; 32]; usize::try_from(place % 2).unwrap()].encode_to(&mut bytes);
    }
    bytes
}

fn decode_events(runtime: &Runtime, bytes: &[u8]) -> Result<Vec<Event>, minting::chain::Error> {
    let mut events = Vec::new();
    runtime.events(bytes, |event| events.push(event))?;
    Ok(events)
}

#[test]
fn every_needed_event_decodes_to_the_values_that_were_encoded() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for Surveyed { name, metadata, layouts } in runtimes() {
        let runtime = Runtime::compile(&metadata).unwrap();
        let described = described(&metadata);
        for item in NEEDED.into_iter().filter(|item| item.starts_with("event ")) {
            let Some(line) = layouts.get(item) else { continue };
            *seen.entry(item).or_default() += 1;
            let fields = any_fields(&line["layout"]);
            let values: Vec<_> = (0..VALUES).map(|_| pick(&fields, &mut runner)).collect();
            let want: Vec<_> = values.iter().filter_map(|fields| expected::event(item, fields)).collect();
            let bytes: Vec<_> =
                values.iter().map(|fields| event_bytes(item, line, fields, described.as_ref())).collect();
            let have =
                decode_events(&runtime, &events_value(&bytes)).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(have, want, "{name}: {item}");

            // One by one, every byte counts.
            for event in &bytes {
                let mut short = events_value(std::slice::from_ref(event));
                short.push(0);
                assert!(decode_events(&runtime, &short).is_err(), "{name}: {item} with a byte too many");
                short.truncate(short.len() - 2);
                assert!(decode_events(&runtime, &short).is_err(), "{name}: {item} with a byte too few");
            }
            // The generic decoder gets to the same end.
            let mut count = 0;
            runtime.events_json(&events_value(&bytes), |_| count += 1).unwrap();
            assert_eq!(count, bytes.len());
        }
    }
    for (item, least) in [("event TfgridModule.NodeStored", 85), ("event TfgridModule.PowerStateChanged", 14)]
    {
        assert!(seen.is_empty() || seen[item] >= least, "{item} only {}", seen[item]);
    }
}

/// Keys and values in memory.
struct State(Vec<(Vec<u8>, Vec<u8>)>);

impl Pairs for State {
    fn below(&self, prefix: &[u8]) -> Vec<(&[u8], &[u8])> {
        let below = self.0.iter().filter(|(key, _)| key.starts_with(prefix));
        below.map(|(key, value)| (key.as_slice(), value.as_slice())).collect()
    }
}

/// Some values of a storage item: keys that differ, except that a plain value has none.
fn any_state(line: &Json, runner: &mut TestRunner) -> Vec<(Option<Value>, Value)> {
    let value = any_value(&line["value"]);
    let Some(key) = line.get("key") else { return vec![(None, pick(&value, runner))] };
    let keys = pick(&vec(any_value(key), VALUES), runner);
    let mut known = BTreeSet::new();
    let keys = keys.into_iter().filter(|key| known.insert(format!("{key:?}")));
    // Keys of 128 bits occur in one runtime; those that were given out fit 64.
    let keys = keys.map(|key| match key {
        Value::Number(n) => Value::Number(n & u128::from(u64::MAX)),
        key => key,
    });
    keys.collect::<Vec<_>>().into_iter().map(|key| (Some(key), pick(&value, runner))).collect()
}

fn pairs(item: &str, line: &Json, values: &[(Option<Value>, Value)], described: Option<&Described>) -> State {
    let (_, name) = item.split_once('.').unwrap();
    let prefix = keys::prefix(line["prefix"].as_str().unwrap(), name);
    let pairs = values.iter().map(|(key, value)| {
        let mut raw_key = prefix.to_vec();
        if let Some(key) = key {
            assert_eq!(line["hashers"], serde_json::json!(["Blake2_128Concat"]));
            raw_key.extend_from_slice(&[0x5a; 16]);
            encode(&line["key"], key, &mut raw_key);
        }
        let mut bytes = Vec::new();
        match described {
            Some(described) => {
                let id = described.storage[item];
                let value = for_scale_value(value, id, &described.types);
                scale_value::scale::encode_as_type(&value, id, &described.types, &mut bytes).unwrap();
            }
            None => encode(&line["value"], value, &mut bytes),
        }
        (raw_key, bytes)
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    State(pairs)
}

fn assert_state<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    item: &str,
    have: Result<BTreeMap<K, V>, minting::chain::Error>,
    want: impl Iterator<Item = (K, V)>,
) {
    assert_eq!(have.unwrap_or_else(|e| panic!("{item}: {e}")), want.collect(), "{item}");
}

/// Compares what the reader makes of one item with what was encoded. `highest` is the highest identifier there is.
fn compare(item: &str, values: &[(Option<Value>, Value)], reader: &StateReader<'_>) {
    let id32 = |key: &Option<Value>| key.as_ref().unwrap().number32("").unwrap();
    let id64 = |key: &Option<Value>| key.as_ref().unwrap().number("").unwrap();
    let (_, name) = item.split_once('.').unwrap();
    match name {
        "NodePower" => {
            assert_state(
                item,
                reader.node_powers(),
                values.iter().map(|(k, v)| (id32(k), expected::power(v))),
            );
        }
        "Farms" => {
            assert_state(item, reader.farms(), values.iter().map(|(k, v)| (id32(k), expected::farm(v))))
        }
        "Twins" => {
            assert_state(item, reader.twins(), values.iter().map(|(k, v)| (id32(k), expected::twin(v))))
        }
        "FarmPayoutV2AddressByFarmID" => {
            let want = values.iter().map(|(k, v)| (id32(k), v.bytes("").unwrap()));
            assert_state(item, reader.payout_addresses(), want);
        }
        "FarmingPoliciesMap" => {
            assert_state(item, reader.policies(), values.iter().map(|(k, v)| (id32(k), expected::policy(v))));
        }
        "FarmingPolicies" => {
            let Value::List(policies) = &values[0].1 else { panic!("no list") };
            let want = policies.iter().map(expected::policy).map(|policy| (policy.id, policy));
            assert_state(item, reader.policies(), want);
        }
        "FarmingPolicyIDsByCertificationType" => {
            let want = values.iter().map(|(k, v)| {
                let Value::List(ids) = v else { panic!("no list") };
                let certification = expected::certification(k.as_ref().unwrap().variant("").unwrap().0);
                (certification, ids.iter().map(|id| id.number32("").unwrap()).collect())
            });
            assert_state(item, reader.policy_ids(), want);
        }
        "Nodes" => {
            assert_state(item, reader.nodes(), values.iter().map(|(k, v)| (id32(k), expected::node(v))))
        }
        "Contracts" => {
            let want = values.iter().filter_map(|(k, v)| Some((id64(k), expected::contract(v)?)));
            let have =
                reader.node_contracts().map(|all| all.into_iter().map(|(id, (c, _))| (id, c)).collect());
            assert_state(item, have, want);
        }
        other => panic!("{other} is not compared"),
    }
}

#[test]
fn every_needed_storage_item_decodes_to_the_values_that_were_encoded() {
    let mut runner = TestRunner::deterministic();
    for Surveyed { name, metadata, layouts } in runtimes() {
        let runtime = Runtime::compile(&metadata).unwrap();
        let described = described(&metadata);
        let encoded = |item: &str, values: &[(Option<Value>, Value)]| {
            layouts.get(item).map_or(State(Vec::new()), |line| pairs(item, line, values, described.as_ref()))
        };
        for item in NEEDED.into_iter().filter(|item| item.starts_with("storage ")) {
            let Some(line) = layouts.get(item) else { continue };
            // The highest identifiers are compared with what they limit, contracts with what they use.
            if ["NodeID", "ContractID", "NodeContractResources", "Now"]
                .iter()
                .any(|n| item.ends_with(&format!(".{n}")))
            {
                continue;
            }
            let values = any_state(line, &mut runner);
            let mut state = encoded(item, &values);
            for (highest, number) in [
                ("storage TfgridModule.NodeID", u128::from(u32::MAX)),
                ("storage SmartContractModule.ContractID", u128::from(u64::MAX)),
            ] {
                state.0.extend(encoded(highest, &[(None, Value::Number(number))]).0);
            }
            state.0.sort();
            compare(&format!("{name}: {item}"), &values, &runtime.state(&state));

            for (place, (_, value)) in state.0.clone().into_iter().enumerate() {
                let mut longer = State(state.0.clone());
                longer.0[place].1 = [&value[..], &[0]].concat();
                let reader = runtime.state(&longer);
                let read = reader.nodes().is_ok()
                    && reader.node_powers().is_ok()
                    && reader.farms().is_ok()
                    && reader.twins().is_ok()
                    && reader.payout_addresses().is_ok()
                    && reader.policies().is_ok()
                    && reader.policy_ids().is_ok()
                    && reader.node_contracts().is_ok();
                assert!(!read, "{name}: {item} with a byte too many");
            }
        }
    }
}

/// Nodes and contracts above the highest identifier do not count; contracts without an entry use nothing.
#[test]
fn the_highest_identifiers_limit_and_use_belongs_to_contracts() {
    let mut runner = TestRunner::deterministic();
    for Surveyed { name, metadata, layouts } in runtimes() {
        let runtime = Runtime::compile(&metadata).unwrap();
        let described = described(&metadata);
        let (nodes, contracts, use_of) = (
            "storage TfgridModule.Nodes",
            "storage SmartContractModule.Contracts",
            "storage SmartContractModule.NodeContractResources",
        );
        let mut state = State(Vec::new());
        let mut add = |item: &str, values: &[(Option<Value>, Value)]| {
            if let Some(line) = layouts.get(item) {
                state.0.extend(pairs(item, line, values, described.as_ref()).0);
            }
        };
        let mut three = |item: &str| -> Vec<(Option<Value>, Value)> {
            let Some(line) = layouts.get(item) else { return Vec::new() };
            let value = any_value(&line["value"]);
            (1..=3).map(|id| (Some(Value::Number(id)), pick(&value, &mut runner))).collect()
        };
        let (three_nodes, three_contracts, three_uses) = (three(nodes), three(contracts), three(use_of));
        add(nodes, &three_nodes);
        add(contracts, &three_contracts);
        add(use_of, &three_uses[..three_uses.len().min(1)]);
        add("storage TfgridModule.NodeID", &[(None, Value::Number(2))]);
        add("storage SmartContractModule.ContractID", &[(None, Value::Number(2))]);
        state.0.sort();
        let reader = runtime.state(&state);
        assert_eq!(reader.nodes().unwrap().into_keys().collect::<Vec<_>>(), [1, 2], "{name}");
        let have = reader.node_contracts().unwrap();
        let want: BTreeMap<_, _> = (1..=2)
            .zip(&three_contracts)
            .filter_map(|(id, (_, contract))| {
                let used = three_uses.get(usize::try_from(id).unwrap() - 1).filter(|_| id == 1);
                let used = used.map(|(_, used)| expected::used(used).1).unwrap_or_default();
                Some((id, (expected::contract(contract)?, used)))
            })
            .collect();
        assert_eq!(have, want, "{name}");
    }
}
