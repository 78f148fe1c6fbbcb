//! The type bundle: what the type names of V12 metadata meant, and in which runtimes.
//!
//! `types.json` has one entry per type and span of spec versions. Where networks ran different runtimes under one
//! number, the metadata itself decides which entry counts: by the pallets, events and storage items that it has.

use scale_info_legacy::ChainTypeRegistry;
use serde::Deserialize;

use crate::chain::{Error, Result};

const BUNDLE: &str = include_str!("types.json");

#[derive(Deserialize)]
struct Bundle {
    types: ChainTypeRegistry,
    contested: Vec<Contested>,
}

/// Types of a spec number that stands for different runtimes.
#[derive(Deserialize)]
struct Contested {
    /// What the metadata has, if it is of the runtime meant: `pallet P`, `event P.E` or `storage P.S`.
    has: Vec<String>,
    /// What it then has not.
    lacks: Vec<String>,
    types: ChainTypeRegistry,
}

/// The types that count for metadata in which `shows` finds pallets, events and storage items.
///
/// # Errors
/// A bundle that is not in its own format, which the tests rule out.
pub fn types(shows: impl Fn(&str) -> bool) -> Result<ChainTypeRegistry> {
    let bundle: Bundle = serde_json::from_str(BUNDLE)
        .map_err(|e| Error::Metadata(format!("the type bundle for V12 metadata cannot be read: {e}")))?;
    let mut types = bundle.types;
    for contested in bundle.contested {
        if contested.has.iter().all(|what| shows(what)) && !contested.lacks.iter().any(|what| shows(what)) {
            types.extend(contested.types);
        }
    }
    Ok(types)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// Every definition in a registry: span, pallet and name.
    fn definitions(types: &Value) -> Vec<((u64, u64), String, String)> {
        let mut found = Vec::new();
        for group in types["forSpec"].as_array().unwrap() {
            let span = (group["range"][0].as_u64().unwrap(), group["range"][1].as_u64().unwrap());
            assert!(span.0 <= span.1);
            let mut add = |pallet: &str, types: &Value| {
                let names = types.as_object().into_iter().flatten().map(|(name, _)| name.clone());
                found.extend(names.map(|name| (span, pallet.to_string(), name)));
            };
            add("", &group["types"]);
            for (pallet, types) in group["palletTypes"].as_object().into_iter().flatten() {
                add(pallet, types);
            }
        }
        found
    }

    /// Two definitions of one name that both count would shadow each other without a word.
    #[test]
    fn no_type_is_defined_twice_for_one_runtime() {
        let bundle: Value = serde_json::from_str(BUNDLE).unwrap();
        let mut spans: BTreeMap<(String, String), Vec<(u64, u64)>> = BTreeMap::new();
        for (span, pallet, name) in definitions(&bundle["types"]) {
            let spans = spans.entry((pallet.clone(), name.clone())).or_default();
            for other in spans.iter() {
                assert!(span.1 < other.0 || other.1 < span.0, "{pallet} {name} {span:?} {other:?}");
            }
            spans.push(span);
        }
        let mut contested_specs = BTreeSet::new();
        for contested in bundle["contested"].as_array().unwrap() {
            let mut seen = BTreeSet::new();
            for (span, pallet, name) in definitions(&contested["types"]) {
                contested_specs.extend(span.0..=span.1);
                for spec in span.0..=span.1 {
                    assert!(seen.insert((spec, pallet.clone(), name.clone())), "{pallet} {name} {spec}");
                }
                for other in spans.get(&(pallet.clone(), name.clone())).into_iter().flatten() {
                    assert!(span.1 < other.0 || other.1 < span.0, "{pallet} {name} {span:?} {other:?}");
                }
            }
        }
        assert_eq!(contested_specs, BTreeSet::from([1, 62, 63]));
    }

    #[test]
    fn at_most_one_contested_entry_counts() {
        let bundle: Bundle = serde_json::from_str(BUNDLE).unwrap();
        for (i, one) in bundle.contested.iter().enumerate() {
            for other in &bundle.contested[..i] {
                let ranges = |c: &Contested| c.types.spec_version_ranges().collect::<Vec<_>>();
                let meet = ranges(one).iter().any(|a| ranges(other).iter().any(|b| a.0 <= b.1 && b.0 <= a.1));
                let exclude = one.has.iter().any(|what| other.lacks.contains(what))
                    || other.has.iter().any(|what| one.lacks.contains(what));
                // The four runtimes of spec 1 differ in what they have; the tests over all blobs tell them apart.
                let all_of_spec_1 = ranges(one) == [(1, 1)] && ranges(other) == [(1, 1)];
                assert!(!meet || exclude || all_of_spec_1, "{:?} and {:?}", one.has, other.has);
            }
        }
    }
}
