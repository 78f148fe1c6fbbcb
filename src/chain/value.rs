//! Any value of any type as JSON, for people and tests.
//!
//! Integers of up to 32 bits are numbers, wider ones decimal strings; bytes are `0x` hex; an option is null or the
//! value; a variant without fields, or with nothing in them, is its name, one with fields `{"Name": value}`; a
//! struct with one unnamed field is its value.

use serde_json::{Map, Value};

use super::{
    MAX_DEPTH,
    registry::{Field, Primitive, Registry, Type, TypeId},
    scale::{self, Wrong},
};
use crate::archive::bytes::Cursor;

/// Decodes the fields of a struct or variant: an object where they have names, else a list.
///
/// # Errors
/// Says what the bytes are not.
pub fn decode_fields(registry: &Registry, fields: &[Field], cursor: &mut Cursor<'_>) -> Result<Value, Wrong> {
    named_or_list(registry, fields, cursor, 0)
}

/// Bytes as JSON.
pub fn hex(bytes: &[u8]) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn value(registry: &Registry, id: TypeId, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Wrong> {
    if depth > MAX_DEPTH {
        return Err(Wrong::Depth);
    }
    let ty = registry.get(id)?;
    match ty {
        Type::Composite { fields, .. } => match fields.as_slice() {
            [Field { name: None, ty }] => value(registry, *ty, cursor, depth + 1),
            _ => named_or_list(registry, fields, cursor, depth + 1),
        },
        Type::Variant { name, variants } => {
            let index = cursor.u8()?;
            let variant = variants
                .iter()
                .find(|v| v.index == index)
                .ok_or_else(|| Wrong::Variant(registry.name(id), index))?;
            let is_option = name == "Option" && variants.len() == 2;
            match (is_option, variant.name.as_str(), variant.fields.as_slice()) {
                (true, "None", []) => Ok(Value::Null),
                (true, "Some", [field]) => value(registry, field.ty, cursor, depth + 1),
                (_, name, []) => Ok(Value::String(name.to_string())),
                (_, name, [field]) if registry.is_unit(field.ty)? => Ok(Value::String(name.to_string())),
                (_, name, [Field { name: None, ty }]) => {
                    let inner = value(registry, *ty, cursor, depth + 1)?;
                    Ok(Value::Object(Map::from_iter([(name.to_string(), inner)])))
                }
                (_, name, fields) => {
                    let inner = named_or_list(registry, fields, cursor, depth + 1)?;
                    Ok(Value::Object(Map::from_iter([(name.to_string(), inner)])))
                }
            }
        }
        Type::Sequence(element) => {
            let length = scale::length(cursor)?;
            list(registry, ty, *element, length, cursor, depth)
        }
        Type::Array(length, element) => {
            let length = usize::try_from(*length).map_err(|_| Wrong::Depth)?;
            list(registry, ty, *element, length, cursor, depth)
        }
        Type::Tuple(parts) => {
            let values = parts.iter().map(|part| value(registry, *part, cursor, depth + 1));
            values.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Type::Primitive(primitive) => self::primitive(*primitive, cursor),
        Type::Compact(inner) => {
            let number = scale::compact(cursor)?;
            match registry.unwrapped(*inner)?.1 {
                Type::Primitive(Primitive::Unsigned(width)) => Ok(unsigned(number, *width)),
                // Compact of a type without parts (`Compact<()>`) has no bytes of its own in practice.
                _ => Ok(unsigned(number, 16)),
            }
        }
        Type::BitSequence(store) => {
            let bits = scale::length(cursor)?;
            Ok(hex(cursor.take(registry.bit_sequence_len(*store, bits)?)?))
        }
    }
}

fn named_or_list(
    registry: &Registry,
    fields: &[Field],
    cursor: &mut Cursor<'_>,
    depth: usize,
) -> Result<Value, Wrong> {
    let named = !fields.is_empty() && fields.iter().all(|f| f.name.is_some());
    let mut object = Map::new();
    let mut values = Vec::new();
    for field in fields {
        let inner = value(registry, field.ty, cursor, depth)?;
        match &field.name {
            Some(name) if named => drop(object.insert(name.clone(), inner)),
            _ => values.push(inner),
        }
    }
    Ok(if named { Value::Object(object) } else { Value::Array(values) })
}

fn list(
    registry: &Registry,
    ty: &Type,
    element: TypeId,
    length: usize,
    cursor: &mut Cursor<'_>,
    depth: usize,
) -> Result<Value, Wrong> {
    if registry.is_bytes(ty)? {
        return Ok(hex(cursor.take(length)?));
    }
    let mut values = Vec::new();
    for _ in 0..length {
        let before = cursor.position();
        values.push(value(registry, element, cursor, depth + 1)?);
        // Elements without bytes could make a short value as long as it likes.
        if cursor.position() == before && length > cursor.rest().len() {
            return Err(Wrong::Length(length));
        }
    }
    Ok(Value::Array(values))
}

fn primitive(primitive: Primitive, cursor: &mut Cursor<'_>) -> Result<Value, Wrong> {
    match primitive {
        Primitive::Bool => match cursor.u8()? {
            0 => Ok(Value::Bool(false)),
            1 => Ok(Value::Bool(true)),
            other => Err(Wrong::Bool(other)),
        },
        Primitive::Char => {
            char::from_u32(cursor.u32()?).map(|c| Value::String(c.to_string())).ok_or(Wrong::Text)
        }
        Primitive::Str => {
            let text = std::str::from_utf8(scale::bytes(cursor)?).map_err(|_| Wrong::Text)?;
            Ok(Value::String(text.to_string()))
        }
        Primitive::Unsigned(width) if width <= 16 => {
            let bytes = cursor.take(usize::from(width))?;
            let number = bytes.iter().rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
            Ok(unsigned(number, width))
        }
        Primitive::Signed(1) => Ok(i8::from_le_bytes(cursor.array()?).into()),
        Primitive::Signed(2) => Ok(i16::from_le_bytes(cursor.array()?).into()),
        Primitive::Signed(4) => Ok(i32::from_le_bytes(cursor.array()?).into()),
        Primitive::Signed(8) => Ok(i64::from_le_bytes(cursor.array()?).to_string().into()),
        Primitive::Signed(16) => Ok(i128::from_le_bytes(cursor.array()?).to_string().into()),
        // 256-bit integers occur in no item of this chain; their bytes are shown as they are.
        Primitive::Unsigned(width) | Primitive::Signed(width) => Ok(hex(cursor.take(usize::from(width))?)),
    }
}

fn unsigned(number: u128, width: u8) -> Value {
    match u32::try_from(number) {
        Ok(small) if width <= 4 => small.into(),
        _ => number.to_string().into(),
    }
}
