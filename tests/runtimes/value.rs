//! Values of a layout of the survey: any of them, their bytes, and their parts by name.

use parity_scale_codec::{Compact, Encode};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::{BoxedStrategy, Union},
};
use scale_info::{PortableRegistry, TypeDef};
use serde_json::Value as Json;

/// A value, in the grammar of the survey.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(u128),
    Bool(bool),
    List(Vec<Value>),
    /// Fields of a struct or tuple, with their names.
    Fields(Vec<(Option<String>, Value)>),
    Option(Option<Box<Value>>),
    /// Variant: index, name, fields.
    Enum(u8, String, Vec<(Option<String>, Value)>),
}

/// Bytes of the primitive with this name.
fn width(primitive: &str) -> u32 {
    primitive.trim_start_matches('u').parse::<u32>().unwrap() / 8
}

/// Any value of a layout.
pub fn any_value(layout: &Json) -> BoxedStrategy<Value> {
    if let Some(primitive) = layout.as_str() {
        if primitive == "bool" {
            return any::<bool>().prop_map(Value::Bool).boxed();
        }
        // Small numbers as well as large ones.
        let bits = width(primitive) * 8;
        return (any::<u128>(), 0..bits)
            .prop_map(move |(n, shift)| Value::Number(n >> (128 - bits + shift)))
            .boxed();
    }
    let parts = layout.as_array().unwrap();
    match parts[0].as_str().unwrap() {
        "vec" => vec(any_value(&parts[1]), 0..5).prop_map(Value::List).boxed(),
        "array" => {
            let length = usize::try_from(parts[1].as_u64().unwrap()).unwrap();
            vec(any_value(&parts[2]), length).prop_map(Value::List).boxed()
        }
        "option" => proptest::option::of(any_value(&parts[1]))
            .prop_map(|inner| Value::Option(inner.map(Box::new)))
            .boxed(),
        "struct" => any_fields(&parts[2]).prop_map(Value::Fields).boxed(),
        "enum" => {
            let variants = parts[2].as_array().unwrap().iter().map(|variant| {
                let index = u8::try_from(variant[0].as_u64().unwrap()).unwrap();
                let name = variant[1].as_str().unwrap().to_string();
                any_fields(&variant[2])
                    .prop_map(move |fields| Value::Enum(index, name.clone(), fields))
                    .boxed()
            });
            Union::new(variants).boxed()
        }
        other => panic!("no needed item has a {other}"),
    }
}

/// Any fields of a list of fields.
pub fn any_fields(fields: &Json) -> BoxedStrategy<Vec<(Option<String>, Value)>> {
    let fields = fields.as_array().unwrap().iter();
    let (names, values): (Vec<_>, Vec<_>) =
        fields.map(|field| (field[0].as_str().map(str::to_string), any_value(&field[1]))).unzip();
    values.prop_map(move |values| names.iter().cloned().zip(values).collect()).boxed()
}

/// The SCALE bytes, straight from the layout: for metadata that describes no types.
pub fn encode(layout: &Json, value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Bool(flag) => flag.encode_to(bytes),
        Value::Number(number) => {
            let width = usize::try_from(width(layout.as_str().unwrap())).unwrap();
            bytes.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        Value::List(values) => {
            let element = match layout[0].as_str().unwrap() {
                "vec" => {
                    Compact(u32::try_from(values.len()).unwrap()).encode_to(bytes);
                    &layout[1]
                }
                _ => &layout[2],
            };
            values.iter().for_each(|value| encode(element, value, bytes));
        }
        Value::Option(inner) => {
            bytes.push(u8::from(inner.is_some()));
            if let Some(inner) = inner {
                encode(&layout[1], inner, bytes);
            }
        }
        Value::Fields(values) => encode_fields(&layout[2], values, bytes),
        Value::Enum(index, name, values) => {
            bytes.push(*index);
            let variants = layout[2].as_array().unwrap();
            encode_fields(&variants.iter().find(|v| v[1] == *name).unwrap()[2], values, bytes);
        }
    }
}

/// As [`encode`], for fields.
pub fn encode_fields(fields: &Json, values: &[(Option<String>, Value)], bytes: &mut Vec<u8>) {
    let fields = fields.as_array().unwrap();
    assert_eq!(fields.len(), values.len());
    fields.iter().zip(values).for_each(|(field, (_, value))| encode(&field[1], value, bytes));
}

/// The value as `scale-value` has it, for a type of V14 metadata, whose structs with one unnamed field are structs.
pub fn for_scale_value(value: &Value, id: u32, types: &PortableRegistry) -> scale_value::Value<()> {
    use scale_value::Value as V;
    let named = |fields: &[(Option<String>, Value)],
                 types_of: &[scale_info::Field<scale_info::form::PortableForm>]| {
        let values =
            fields.iter().zip(types_of).map(|((_, value), f)| for_scale_value(value, f.ty.id, types));
        match types_of.iter().map(|f| f.name.clone()).collect::<Option<Vec<_>>>() {
            Some(names) if !names.is_empty() => scale_value::Composite::named(names.into_iter().zip(values)),
            _ => scale_value::Composite::unnamed(values),
        }
    };
    match (&types.resolve(id).unwrap().type_def, value) {
        (TypeDef::Composite(composite), value) => match (composite.fields.as_slice(), value) {
            ([field], value) if field.name.is_none() => {
                V::unnamed_composite([for_scale_value(value, field.ty.id, types)])
            }
            (fields, Value::Fields(values)) => {
                assert_eq!(fields.len(), values.len());
                V::without_context(scale_value::ValueDef::Composite(named(values, fields)))
            }
            (_, other) => panic!("{other:?} is no struct"),
        },
        (TypeDef::Variant(variant), Value::Option(inner)) => {
            let name = if inner.is_some() { "Some" } else { "None" };
            let fields = &variant.variants.iter().find(|v| v.name == name).unwrap().fields;
            let values = inner.iter().zip(fields).map(|(inner, f)| for_scale_value(inner, f.ty.id, types));
            V::unnamed_variant(name, values.collect::<Vec<_>>())
        }
        (TypeDef::Variant(variant), Value::Enum(_, name, values)) => {
            let fields = &variant.variants.iter().find(|v| v.name == *name).unwrap().fields;
            V::variant(name.clone(), named(values, fields))
        }
        (TypeDef::Sequence(sequence), Value::List(values)) => V::unnamed_composite(
            values.iter().map(|v| for_scale_value(v, sequence.type_param.id, types)).collect::<Vec<_>>(),
        ),
        (TypeDef::Array(array), Value::List(values)) => V::unnamed_composite(
            values.iter().map(|v| for_scale_value(v, array.type_param.id, types)).collect::<Vec<_>>(),
        ),
        (TypeDef::Primitive(_), Value::Number(number)) => V::u128(*number),
        (TypeDef::Primitive(_), Value::Bool(flag)) => V::bool(*flag),
        (ty, value) => panic!("{value:?} is no {ty:?}"),
    }
}

impl Value {
    /// The part at the end of a path of names; places where fields have none.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').filter(|step| !step.is_empty()).try_fold(self, |value, step| {
            let Value::Fields(fields) = value else { return None };
            let by_place = || fields.get(step.parse::<usize>().ok()?);
            let found = fields.iter().find(|(name, _)| name.as_deref() == Some(step)).or_else(by_place)?;
            Some(&found.1)
        })
    }

    pub fn number(&self, path: &str) -> Option<u64> {
        match self.get(path)? {
            Value::Number(number) => Some(u64::try_from(*number).unwrap()),
            Value::Bool(flag) => Some(u64::from(*flag)),
            _ => None,
        }
    }

    pub fn number32(&self, path: &str) -> Option<u32> {
        self.number(path).map(|n| u32::try_from(n).unwrap())
    }

    /// A byte string, or what is in an option of one.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let value = match self.get(path)? {
            Value::Option(inner) => inner.as_deref()?,
            value => value,
        };
        let Value::List(values) = value else { return None };
        values
            .iter()
            .map(|v| match v {
                Value::Number(n) => u8::try_from(*n).ok(),
                _ => None,
            })
            .collect()
    }

    /// Name of a variant and what it holds.
    pub fn variant(&self, path: &str) -> Option<(&str, Value)> {
        match self.get(path)? {
            Value::Enum(_, name, fields) => Some((name, Value::whole(fields))),
            _ => None,
        }
    }

    /// Fields as one value: what the only unnamed one holds, or all of them.
    pub fn whole(fields: &[(Option<String>, Value)]) -> Value {
        match fields {
            [(None, value)] => value.clone(),
            fields => Value::Fields(fields.to_vec()),
        }
    }
}
