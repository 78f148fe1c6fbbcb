//! Runtime metadata: which pallets there are, with which events, storage items and constants.

use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v14};
use parity_scale_codec::Decode;
use scale_info::{TypeDef, TypeDefPrimitive, form::PortableForm};

use super::{
    Error, Result, items,
    registry::{Field, Primitive, Registry, Type, TypeId, Variant},
    scale,
    v12::from_v12,
};
use crate::archive::bytes::Cursor;

/// How a key of a map becomes the end of a storage key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hasher {
    /// 16 bytes of hash, then the key.
    Blake2_128Concat,
    /// 8 bytes of hash, then the key.
    Twox64Concat,
    /// The key.
    Identity,
    /// 16 bytes of hash; the key cannot be read back.
    Blake2_128,
    /// 32 bytes of hash; the key cannot be read back.
    Blake2_256,
    /// 16 bytes of hash; the key cannot be read back.
    Twox128,
    /// 32 bytes of hash; the key cannot be read back.
    Twox256,
}

impl Hasher {
    /// Bytes of hash before the key, for hashers from which the key can be read back.
    pub fn hash_len(self) -> Option<usize> {
        match self {
            Hasher::Blake2_128Concat => Some(16),
            Hasher::Twox64Concat => Some(8),
            Hasher::Identity => Some(0),
            Hasher::Blake2_128 | Hasher::Blake2_256 | Hasher::Twox128 | Hasher::Twox256 => None,
        }
    }
}

/// What is stored under an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// One value.
    Plain(TypeId),
    /// A value for each key.
    Map {
        /// One for each part of the key.
        hashers: Vec<Hasher>,
        /// Type of the key; a tuple if there are several hashers.
        key: TypeId,
        /// Type of the values.
        value: TypeId,
    },
}

/// A storage item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageItem {
    /// Its name.
    pub name: String,
    /// What is stored.
    pub kind: StorageKind,
    /// What an absent value stands for, SCALE; none if an absent value is absent.
    pub default: Option<Vec<u8>>,
}

/// A pallet.
#[derive(Clone, Debug)]
pub struct Pallet {
    /// Its name.
    pub name: String,
    /// The byte that stands for it in events.
    pub index: u8,
    /// Prefix of its storage.
    pub prefix: String,
    /// Its storage items.
    pub storage: Vec<StorageItem>,
    /// Its event enum.
    pub events: Option<TypeId>,
    /// Name and SCALE bytes of its constants.
    pub constants: Vec<(String, Vec<u8>)>,
}

/// Metadata of any supported version in one form.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// All types.
    pub registry: Registry,
    /// All pallets.
    pub pallets: Vec<Pallet>,
}

impl Metadata {
    /// Reads raw metadata as `state_getMetadata` gives it.
    ///
    /// # Errors
    /// Bytes that are no metadata, and versions that this program does not read.
    pub fn read(bytes: &[u8]) -> Result<Metadata> {
        let input = &mut &*bytes;
        let prefixed = RuntimeMetadataPrefixed::decode(input)
            .map_err(|e| Error::Metadata(format!("it does not decode: {e}")))?;
        if !input.is_empty() {
            return Err(Error::Metadata(format!("{} bytes are left over", input.len())));
        }
        let metadata = match prefixed.1 {
            RuntimeMetadata::V12(metadata) => from_v12(metadata)?,
            RuntimeMetadata::V14(metadata) => from_v14(metadata)?,
            other => {
                let version = other.version();
                let what = format!("it has version {version}, this program reads versions 12 and 14");
                return Err(Error::Metadata(what));
            }
        };
        match items::absent(|what| metadata.has(what)) {
            None => Ok(metadata),
            Some(item) => {
                Err(Error::Layout { item: item.into(), why: "the runtime does not have it".into() })
            }
        }
    }

    /// A pallet by name.
    pub fn pallet(&self, name: &str) -> Option<&Pallet> {
        self.pallets.iter().find(|p| p.name == name)
    }

    /// Whether there is a `pallet P`, an `event P.E` or, among the storage items that are read, a `storage P.S`.
    fn has(&self, what: &str) -> bool {
        let Some((kind, name)) = what.split_once(' ') else { return false };
        let (pallet, item) = name.split_once('.').unwrap_or((name, ""));
        match kind {
            "pallet" => self.pallet(pallet).is_some(),
            "storage" => self.storage(pallet, item).is_some(),
            _ => {
                let events = self.pallet(pallet).and_then(|p| p.events);
                let ty = events.and_then(|id| self.registry.unwrapped(id).ok());
                matches!(ty, Some((_, Type::Variant { variants, .. })) if variants.iter().any(|v| v.name == item))
            }
        }
    }

    /// A storage item by the names of its pallet and itself.
    pub fn storage(&self, pallet: &str, item: &str) -> Option<(&Pallet, &StorageItem)> {
        let pallet = self.pallet(pallet)?;
        Some((pallet, pallet.storage.iter().find(|s| s.name == item)?))
    }

    /// The spec version that the runtime gives itself (`System.Version`).
    pub fn spec_version(&self) -> Option<u32> {
        spec_version(self.constant("System", "Version")?)
    }

    /// SCALE bytes of a constant.
    pub fn constant(&self, pallet: &str, name: &str) -> Option<&[u8]> {
        self.pallet(pallet)?.constants.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }
}

/// The spec version in an encoded `RuntimeVersion`: spec name, implementation name, authoring version, spec version …
pub fn spec_version(version: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(version);
    scale::bytes(&mut cursor).ok()?;
    scale::bytes(&mut cursor).ok()?;
    cursor.u32().ok()?;
    cursor.u32().ok()
}

fn from_v14(metadata: v14::RuntimeMetadataV14) -> Result<Metadata> {
    // Types are looked up by place, so ids have to be places.
    if let Some((_, t)) = (0..).zip(&metadata.types.types).find(|(place, t)| *place != t.id) {
        return Err(Error::Metadata(format!("type {} is out of place", t.id)));
    }
    let registry = Registry::new(metadata.types.types.into_iter().map(|t| from_type(t.ty)).collect());
    let pallets = metadata
        .pallets
        .into_iter()
        .map(|pallet| {
            let (prefix, entries) = pallet.storage.map(|s| (s.prefix, s.entries)).unwrap_or_default();
            Pallet {
                name: pallet.name,
                index: pallet.index,
                prefix,
                storage: entries.into_iter().map(from_entry).collect(),
                events: pallet.event.map(|e| e.ty.id),
                constants: pallet.constants.into_iter().map(|c| (c.name, c.value)).collect(),
            }
        })
        .collect();
    Ok(Metadata { registry, pallets })
}

fn from_entry(entry: v14::StorageEntryMetadata<PortableForm>) -> StorageItem {
    let kind = match entry.ty {
        v14::StorageEntryType::Plain(value) => StorageKind::Plain(value.id),
        v14::StorageEntryType::Map { hashers, key, value } => StorageKind::Map {
            hashers: hashers
                .into_iter()
                .map(|hasher| match hasher {
                    v14::StorageHasher::Blake2_128 => Hasher::Blake2_128,
                    v14::StorageHasher::Blake2_256 => Hasher::Blake2_256,
                    v14::StorageHasher::Blake2_128Concat => Hasher::Blake2_128Concat,
                    v14::StorageHasher::Twox128 => Hasher::Twox128,
                    v14::StorageHasher::Twox256 => Hasher::Twox256,
                    v14::StorageHasher::Twox64Concat => Hasher::Twox64Concat,
                    v14::StorageHasher::Identity => Hasher::Identity,
                })
                .collect(),
            key: key.id,
            value: value.id,
        },
    };
    let default = match entry.modifier {
        v14::StorageEntryModifier::Optional => None,
        v14::StorageEntryModifier::Default => Some(entry.default),
    };
    StorageItem { name: entry.name, kind, default }
}

fn from_type(ty: scale_info::Type<PortableForm>) -> Type {
    let name = ty.path.segments.last().cloned().unwrap_or_default();
    match ty.type_def {
        TypeDef::Composite(composite) => Type::Composite { name, fields: from_fields(composite.fields) },
        TypeDef::Variant(variant) => Type::Variant {
            name,
            variants: variant
                .variants
                .into_iter()
                .map(|v| Variant { index: v.index, name: v.name, fields: from_fields(v.fields) })
                .collect(),
        },
        TypeDef::Sequence(sequence) => Type::Sequence(sequence.type_param.id),
        TypeDef::Array(array) => Type::Array(array.len, array.type_param.id),
        TypeDef::Tuple(tuple) => Type::Tuple(tuple.fields.into_iter().map(|f| f.id).collect()),
        TypeDef::Primitive(primitive) => Type::Primitive(from_primitive(&primitive)),
        TypeDef::Compact(compact) => Type::Compact(compact.type_param.id),
        TypeDef::BitSequence(bits) => Type::BitSequence(bits.bit_store_type.id),
    }
}

fn from_fields(fields: Vec<scale_info::Field<PortableForm>>) -> Vec<Field> {
    fields.into_iter().map(|f| Field { name: f.name, ty: f.ty.id }).collect()
}

fn from_primitive(primitive: &TypeDefPrimitive) -> Primitive {
    match primitive {
        TypeDefPrimitive::Bool => Primitive::Bool,
        TypeDefPrimitive::Char => Primitive::Char,
        TypeDefPrimitive::Str => Primitive::Str,
        TypeDefPrimitive::U8 => Primitive::Unsigned(1),
        TypeDefPrimitive::U16 => Primitive::Unsigned(2),
        TypeDefPrimitive::U32 => Primitive::Unsigned(4),
        TypeDefPrimitive::U64 => Primitive::Unsigned(8),
        TypeDefPrimitive::U128 => Primitive::Unsigned(16),
        TypeDefPrimitive::U256 => Primitive::Unsigned(32),
        TypeDefPrimitive::I8 => Primitive::Signed(1),
        TypeDefPrimitive::I16 => Primitive::Signed(2),
        TypeDefPrimitive::I32 => Primitive::Signed(4),
        TypeDefPrimitive::I64 => Primitive::Signed(8),
        TypeDefPrimitive::I128 => Primitive::Signed(16),
        TypeDefPrimitive::I256 => Primitive::Signed(32),
    }
}
