//! V12 metadata. It names types without describing them; the type bundle says what the names meant.

mod bundle;
mod names;

use frame_metadata::{
    decode_different::DecodeDifferent,
    v12::{
        ModuleMetadata, RuntimeMetadataV12, StorageEntryMetadata, StorageEntryModifier, StorageEntryType,
        StorageHasher,
    },
};

use self::names::Names;
use super::{
    Error, Result, items,
    metadata::{Hasher, Metadata, Pallet, StorageItem, StorageKind, spec_version},
    registry::{Field, Type, TypeId, Variant},
};

/// A pallet as V12 metadata has it, types still names.
struct Module {
    name: String,
    index: u8,
    prefix: String,
    storage: Vec<StorageEntryMetadata>,
    events: Option<Vec<(String, Vec<String>)>>,
    constants: Vec<(String, Vec<u8>)>,
}

/// Resolves all events and the storage items that are read; other storage items are left out.
///
/// # Errors
/// [`Error::UnknownType`]; metadata without a spec version.
pub fn from_v12(metadata: RuntimeMetadataV12) -> Result<Metadata> {
    let modules = decoded(metadata.modules)?.into_iter().map(module).collect::<Result<Vec<_>>>()?;
    let version = modules.iter().filter(|m| m.name == "System").flat_map(|m| &m.constants);
    let spec = version
        .filter(|(name, _)| name == "Version")
        .find_map(|(_, value)| spec_version(value))
        .ok_or_else(|| Error::Metadata("it has no constant System.Version".into()))?;
    let types = bundle::types(|what| shows(&modules, what))?;
    let mut resolver = Resolver { names: Names::new(types.for_spec_version(u64::from(spec))), spec };

    let mut events = Vec::with_capacity(modules.len());
    for module in &modules {
        let id = module.events.as_ref().map(|kinds| resolver.events(&module.name, kinds)).transpose()?;
        events.push(id);
    }
    resolver.all_events(&modules, &events)?;

    let mut pallets = Vec::with_capacity(modules.len());
    for (module, events) in modules.into_iter().zip(events) {
        let mut storage = Vec::new();
        for entry in module.storage {
            storage.extend(resolver.storage(&module.name, entry)?);
        }
        let Module { name, index, prefix, constants, .. } = module;
        pallets.push(Pallet { name, index, prefix, storage, events, constants });
    }
    Ok(Metadata { registry: resolver.names.into_registry(), pallets })
}

/// Whether the metadata has what the bundle asks for.
fn shows(modules: &[Module], what: &str) -> bool {
    let Some((kind, name)) = what.split_once(' ') else { return false };
    let (pallet, item) = name.split_once('.').unwrap_or((name, ""));
    modules.iter().filter(|m| m.name == pallet).any(|module| match kind {
        "pallet" => true,
        "event" => module.events.iter().flatten().any(|(name, _)| name == item),
        "storage" => module.storage.iter().any(|entry| text(&entry.name) == Some(item)),
        _ => false,
    })
}

struct Resolver<'a> {
    names: Names<'a>,
    spec: u32,
}

impl Resolver<'_> {
    fn resolve(&mut self, pallet: &str, item: impl Fn() -> String, name: &str) -> Result<TypeId> {
        self.names.resolve(pallet, name).map_err(|why| Error::UnknownType {
            item: item(),
            why: format!("`{name}`: {why} in spec version {}", self.spec),
        })
    }

    /// The event enum of a pallet.
    fn events(&mut self, pallet: &str, kinds: &[(String, Vec<String>)]) -> Result<TypeId> {
        let mut variants = Vec::with_capacity(kinds.len());
        for (place, (name, arguments)) in kinds.iter().enumerate() {
            let index = u8::try_from(place)
                .map_err(|_| Error::Metadata(format!("{pallet} has more than 256 events")))?;
            let mut fields = Vec::with_capacity(arguments.len());
            for argument in arguments {
                let ty = self.resolve(pallet, || format!("event {pallet}.{name}"), argument)?;
                fields.push(Field { name: None, ty });
            }
            variants.push(Variant { index, name: name.clone(), fields });
        }
        self.add(Type::Variant { name: "Event".into(), variants })
    }

    /// The event enum of the runtime, which pallets call `T::Event`.
    fn all_events(&mut self, modules: &[Module], events: &[Option<TypeId>]) -> Result<()> {
        let variants = modules.iter().zip(events).filter_map(|(module, events)| {
            let fields = vec![Field { name: None, ty: (*events)? }];
            Some(Variant { index: module.index, name: module.name.clone(), fields })
        });
        let all = Type::Variant { name: "Event".into(), variants: variants.collect() };
        let id = self.add(all)?;
        self.names.alias("System", "T::Event", id);
        Ok(())
    }

    fn storage(&mut self, pallet: &str, entry: StorageEntryMetadata) -> Result<Option<StorageItem>> {
        let name = decoded(entry.name)?;
        if !items::is_read(pallet, &name) {
            return Ok(None);
        }
        let item = || format!("storage {pallet}.{name}");
        let kind = match entry.ty {
            StorageEntryType::Plain(value) => {
                StorageKind::Plain(self.resolve(pallet, item, &decoded(value)?)?)
            }
            StorageEntryType::Map { hasher, key, value, .. } => StorageKind::Map {
                hashers: vec![from_hasher(&hasher)],
                key: self.resolve(pallet, item, &decoded(key)?)?,
                value: self.resolve(pallet, item, &decoded(value)?)?,
            },
            StorageEntryType::DoubleMap { hasher, key1, key2, value, key2_hasher } => {
                let keys = vec![
                    self.resolve(pallet, item, &decoded(key1)?)?,
                    self.resolve(pallet, item, &decoded(key2)?)?,
                ];
                StorageKind::Map {
                    hashers: vec![from_hasher(&hasher), from_hasher(&key2_hasher)],
                    key: self.add(Type::Tuple(keys))?,
                    value: self.resolve(pallet, item, &decoded(value)?)?,
                }
            }
        };
        let default = match entry.modifier {
            StorageEntryModifier::Optional => None,
            StorageEntryModifier::Default => Some(decoded(entry.default)?),
        };
        Ok(Some(StorageItem { name, kind, default }))
    }

    fn add(&mut self, ty: Type) -> Result<TypeId> {
        self.names.add(ty).map_err(Error::Metadata)
    }
}

fn from_hasher(hasher: &StorageHasher) -> Hasher {
    match hasher {
        StorageHasher::Blake2_128 => Hasher::Blake2_128,
        StorageHasher::Blake2_256 => Hasher::Blake2_256,
        StorageHasher::Blake2_128Concat => Hasher::Blake2_128Concat,
        StorageHasher::Twox128 => Hasher::Twox128,
        StorageHasher::Twox256 => Hasher::Twox256,
        StorageHasher::Twox64Concat => Hasher::Twox64Concat,
        StorageHasher::Identity => Hasher::Identity,
    }
}

fn module(module: ModuleMetadata) -> Result<Module> {
    let (prefix, storage) = match module.storage {
        Some(storage) => {
            let storage = decoded(storage)?;
            (decoded(storage.prefix)?, decoded(storage.entries)?)
        }
        None => (String::new(), Vec::new()),
    };
    let events = module.event.map(|events| {
        let events = decoded(events)?;
        events.into_iter().map(|e| Ok((decoded(e.name)?, decoded(e.arguments)?))).collect::<Result<_>>()
    });
    let constants = decoded(module.constants)?;
    Ok(Module {
        name: decoded(module.name)?,
        index: module.index,
        prefix,
        storage,
        events: events.transpose()?,
        constants: constants
            .into_iter()
            .map(|c| Ok((decoded(c.name)?, decoded(c.value)?)))
            .collect::<Result<_>>()?,
    })
}

/// What was decoded: the other case is for metadata that is compiled into a runtime.
fn decoded<B, O>(value: DecodeDifferent<B, O>) -> Result<O> {
    match value {
        DecodeDifferent::Decoded(value) => Ok(value),
        DecodeDifferent::Encode(_) => Err(Error::Metadata("it was not decoded".into())),
    }
}

fn text<'a>(value: &'a DecodeDifferent<&'static str, String>) -> Option<&'a str> {
    match value {
        DecodeDifferent::Decoded(text) => Some(text),
        DecodeDifferent::Encode(text) => Some(text),
    }
}
