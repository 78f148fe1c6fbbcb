//! How each event and storage item that the rules read is laid out in a runtime, as JSON.
//!
//! Types are primitives by name (`"u32"`), `["vec", T]`, `["array", n, T]`, `["option", T]`, `["compact", T]`,
//! `["tuple", [T…]]`, `["struct", name, [[field, T]…]]` and `["enum", name, [[index, variant, [[field or null,
//! T]…]]…]]`. Structs with one unnamed field are what they hold.

use serde_json::{Map, Value, json};

use super::{
    MAX_DEPTH,
    items::{BLOCK_TIME, EVENTS, STORAGE},
    metadata::{Hasher, Metadata, StorageKind},
    registry::{Field, Primitive, Registry, Type, TypeId},
    scale::Wrong,
};

/// One object for each event and storage item that the rules read and the runtime has, events first.
///
/// Events have `item`, `pallet_index`, `index` and `layout`, storage items `item`, `prefix` and `value`, and maps
/// `hashers` and `key` besides.
///
/// # Errors
/// A type that is nested too deeply or not there.
pub fn layouts(metadata: &Metadata) -> Result<Vec<Map<String, Value>>, Wrong> {
    let registry = &metadata.registry;
    let mut lines = Vec::new();
    for needed in EVENTS {
        let Some(pallet) = metadata.pallet(needed.pallet) else { continue };
        let Some(events) = pallet.events else { continue };
        let Type::Variant { variants, .. } = registry.unwrapped(events)?.1 else { continue };
        let Some(event) = variants.iter().find(|v| v.name == needed.event) else { continue };
        let mut line = Map::new();
        line.insert("item".into(), format!("event {}.{}", needed.pallet, needed.event).into());
        line.insert("pallet_index".into(), pallet.index.into());
        line.insert("index".into(), event.index.into());
        line.insert("layout".into(), fields(registry, &event.fields, 0)?);
        lines.push(line);
    }
    for needed in STORAGE.iter().chain([&BLOCK_TIME]) {
        let Some((pallet, item)) = metadata.storage(needed.pallet, needed.item) else { continue };
        let mut line = Map::new();
        line.insert("item".into(), format!("storage {}.{}", needed.pallet, needed.item).into());
        line.insert("prefix".into(), pallet.prefix.clone().into());
        match &item.kind {
            StorageKind::Plain(value) => drop(line.insert("value".into(), layout(registry, *value, 0)?)),
            StorageKind::Map { hashers, key, value } => {
                line.insert("hashers".into(), hashers.iter().map(|h| hasher(*h)).collect());
                line.insert("key".into(), layout(registry, *key, 0)?);
                line.insert("value".into(), layout(registry, *value, 0)?);
            }
        }
        lines.push(line);
    }
    Ok(lines)
}

fn layout(registry: &Registry, id: TypeId, depth: usize) -> Result<Value, Wrong> {
    if depth > MAX_DEPTH {
        return Err(Wrong::Depth);
    }
    let inner = |id: TypeId| layout(registry, id, depth + 1);
    Ok(match registry.unwrapped(id)?.1 {
        Type::Composite { name, fields: parts } => {
            json!(["struct", name, fields(registry, parts, depth + 1)?])
        }
        Type::Variant { name, variants } => match variants.as_slice() {
            [none, some] if name == "Option" && none.name == "None" && some.name == "Some" => {
                let [field] = some.fields.as_slice() else { return Err(Wrong::NoType(id)) };
                json!(["option", inner(field.ty)?])
            }
            variants => {
                let variants = variants
                    .iter()
                    .map(|v| Ok(json!([v.index, v.name, fields(registry, &v.fields, depth + 1)?])))
                    .collect::<Result<Vec<_>, Wrong>>()?;
                json!(["enum", name, variants])
            }
        },
        Type::Sequence(element) => json!(["vec", inner(*element)?]),
        Type::Array(length, element) => json!(["array", length, inner(*element)?]),
        Type::Tuple(parts) => {
            json!(["tuple", parts.iter().map(|part| inner(*part)).collect::<Result<Vec<_>, _>>()?])
        }
        Type::Primitive(primitive) => primitive_name(*primitive).into(),
        Type::Compact(number) => json!(["compact", inner(*number)?]),
        Type::BitSequence(_) => json!(["opaque", "BitSequence"]),
    })
}

fn fields(registry: &Registry, fields: &[Field], depth: usize) -> Result<Value, Wrong> {
    fields.iter().map(|field| Ok(json!([field.name, layout(registry, field.ty, depth)?]))).collect()
}

fn primitive_name(primitive: Primitive) -> String {
    match primitive {
        Primitive::Bool => "bool".into(),
        Primitive::Char => "char".into(),
        Primitive::Str => "str".into(),
        Primitive::Unsigned(width) => format!("u{}", u32::from(width) * 8),
        Primitive::Signed(width) => format!("i{}", u32::from(width) * 8),
    }
}

fn hasher(hasher: Hasher) -> &'static str {
    match hasher {
        Hasher::Blake2_128 => "Blake2_128",
        Hasher::Blake2_256 => "Blake2_256",
        Hasher::Blake2_128Concat => "Blake2_128Concat",
        Hasher::Twox128 => "Twox128",
        Hasher::Twox256 => "Twox256",
        Hasher::Twox64Concat => "Twox64Concat",
        Hasher::Identity => "Identity",
    }
}
