//! From type names to types.

use std::collections::BTreeMap;

use scale_info_legacy::{LookupName, TypeRegistrySet};
use scale_type_resolver::{FieldIter, PathIter, ResolvedTypeVisitor, UnhandledKind, VariantIter};

use crate::chain::{
    MAX_DEPTH,
    registry::{Field, Primitive, Registry, Type, TypeId, Variant},
};

/// Longest type name that is read; real ones have less than 100 bytes.
const MAX_NAME: usize = 250;
/// Deepest nesting of brackets in a type name; the parser recurses.
const MAX_BRACKETS: usize = 16;

/// Resolves type names and collects the types they lead to.
pub struct Names<'a> {
    bundle: TypeRegistrySet<'a>,
    /// By the pallet in which a name is used, and the name.
    known: BTreeMap<(String, String), TypeId>,
    types: Vec<Type>,
}

impl<'a> Names<'a> {
    /// Without any types yet.
    pub fn new(bundle: TypeRegistrySet<'a>) -> Self {
        Names { bundle, known: BTreeMap::new(), types: Vec::new() }
    }

    /// Adds a type that the metadata describes itself.
    pub fn add(&mut self, ty: Type) -> Result<TypeId, String> {
        let id = TypeId::try_from(self.types.len()).map_err(|_| "there are too many types".to_string())?;
        self.types.push(ty);
        Ok(id)
    }

    /// Gives a name to an added type, in one pallet.
    pub fn alias(&mut self, pallet: &str, name: &str, id: TypeId) {
        self.known.insert((pallet.to_string(), name.to_string()), id);
    }

    /// The type that a pallet calls by this name.
    ///
    /// # Errors
    /// Says which part of the name is unknown or no name.
    pub fn resolve(&mut self, pallet: &str, name: &str) -> Result<TypeId, String> {
        if name.len() > MAX_NAME || brackets(name) > MAX_BRACKETS {
            return Err("it is longer or more nested than any type name".to_string());
        }
        let parsed = LookupName::parse(name).map_err(|e| e.to_string())?;
        // The parser leaves what it does not understand at the end of a name alone.
        if squeezed(&parsed.to_string()) != squeezed(name) {
            return Err("it is no type name".to_string());
        }
        self.lookup(pallet, parsed, 0)
    }

    /// All types that were resolved or added.
    pub fn into_registry(self) -> Registry {
        Registry::new(self.types)
    }

    fn lookup(&mut self, pallet: &str, name: LookupName, depth: usize) -> Result<TypeId, String> {
        if depth > MAX_DEPTH {
            return Err(format!("`{name}` is nested too deeply"));
        }
        let key = (pallet.to_string(), name.to_string());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let shape = self.bundle.resolve_type(name.clone().in_pallet(pallet), ToShape);
        let shape =
            shape.map_err(|e| e.to_string())?.ok_or_else(|| format!("nothing is known of `{name}`"))??;
        // The id is given out first, so that a type may contain itself.
        let id = self.add(Type::Tuple(Vec::new()))?;
        self.known.insert(key, id);
        let mut resolve = |name| self.lookup(pallet, name, depth + 1);
        let ty = match shape {
            Shape::Struct(name, parts) => Type::Composite { name, fields: fields(parts, &mut resolve)? },
            Shape::Enum(name, cases) => {
                let variants = cases
                    .into_iter()
                    .map(|(index, name, parts)| {
                        Ok(Variant { index, name, fields: fields(parts, &mut resolve)? })
                    })
                    .collect::<Result<_, String>>()?;
                Type::Variant { name, variants }
            }
            Shape::Sequence(element) => Type::Sequence(resolve(element)?),
            Shape::Array(length, element) => Type::Array(length, resolve(element)?),
            Shape::Tuple(parts) => Type::Tuple(parts.into_iter().map(resolve).collect::<Result<_, _>>()?),
            Shape::Primitive(primitive) => Type::Primitive(primitive),
            Shape::Compact(inner) => Type::Compact(resolve(inner)?),
        };
        if let Some(place) = usize::try_from(id).ok().and_then(|place| self.types.get_mut(place)) {
            *place = ty;
        }
        Ok(id)
    }
}

/// Parts of a struct or variant: a name, unless they have none, and the name of the type.
type Parts = Vec<(Option<String>, LookupName)>;

fn fields(
    parts: Parts,
    resolve: &mut impl FnMut(LookupName) -> Result<TypeId, String>,
) -> Result<Vec<Field>, String> {
    parts.into_iter().map(|(name, ty)| Ok(Field { name, ty: resolve(ty)? })).collect()
}

/// Deepest nesting of brackets.
fn brackets(name: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for c in name.chars() {
        match c {
            '<' | '(' | '[' => depth = depth.saturating_add(1),
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A type whose parts are still names.
enum Shape {
    Struct(String, Parts),
    Enum(String, Vec<(u8, String, Parts)>),
    Sequence(LookupName),
    Array(u32, LookupName),
    Tuple(Vec<LookupName>),
    Primitive(Primitive),
    Compact(LookupName),
}

/// Gives the shape of a type; none if there is no such type, an error if it is one that cannot occur.
struct ToShape;

impl<'a> ResolvedTypeVisitor<'a> for ToShape {
    type TypeId = LookupName;
    type Value = Option<Result<Shape, String>>;

    fn visit_unhandled(self, kind: UnhandledKind) -> Self::Value {
        match kind {
            UnhandledKind::NotFound => None,
            other => Some(Err(format!("it is a {other:?}, which no runtime had"))),
        }
    }

    fn visit_composite<Path, Fields>(self, path: Path, fields: Fields) -> Self::Value
    where
        Path: PathIter<'a>,
        Fields: FieldIter<'a, LookupName>,
    {
        Some(Ok(Shape::Struct(last(path), parts(fields))))
    }

    fn visit_variant<Path, Fields, Var>(self, path: Path, variants: Var) -> Self::Value
    where
        Path: PathIter<'a>,
        Fields: FieldIter<'a, LookupName>,
        Var: VariantIter<'a, Fields>,
    {
        let variants = variants.map(|v| (v.index, v.name.to_string(), parts(v.fields)));
        Some(Ok(Shape::Enum(last(path), variants.collect())))
    }

    fn visit_sequence<Path>(self, _: Path, element: LookupName) -> Self::Value
    where
        Path: PathIter<'a>,
    {
        Some(Ok(Shape::Sequence(element)))
    }

    fn visit_array(self, element: LookupName, length: usize) -> Self::Value {
        Some(match u32::try_from(length) {
            Ok(length) => Ok(Shape::Array(length, element)),
            Err(_) => Err(format!("an array of {length} elements is too long")),
        })
    }

    fn visit_tuple<Ids>(self, parts: Ids) -> Self::Value
    where
        Ids: ExactSizeIterator<Item = LookupName>,
    {
        Some(Ok(Shape::Tuple(parts.collect())))
    }

    fn visit_primitive(self, primitive: scale_type_resolver::Primitive) -> Self::Value {
        use scale_type_resolver::Primitive as P;
        Some(Ok(Shape::Primitive(match primitive {
            P::Bool => Primitive::Bool,
            P::Char => Primitive::Char,
            P::Str => Primitive::Str,
            P::U8 => Primitive::Unsigned(1),
            P::U16 => Primitive::Unsigned(2),
            P::U32 => Primitive::Unsigned(4),
            P::U64 => Primitive::Unsigned(8),
            P::U128 => Primitive::Unsigned(16),
            P::U256 => Primitive::Unsigned(32),
            P::I8 => Primitive::Signed(1),
            P::I16 => Primitive::Signed(2),
            P::I32 => Primitive::Signed(4),
            P::I64 => Primitive::Signed(8),
            P::I128 => Primitive::Signed(16),
            P::I256 => Primitive::Signed(32),
        })))
    }

    fn visit_compact(self, inner: LookupName) -> Self::Value {
        Some(Ok(Shape::Compact(inner)))
    }
}

fn last<'a>(path: impl Iterator<Item = &'a str>) -> String {
    path.last().unwrap_or_default().to_string()
}

fn parts<'a>(fields: impl FieldIter<'a, LookupName>) -> Parts {
    fields.map(|field| (field.name.map(str::to_string), field.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::v12::bundle;

    fn resolve(pallet: &str, name: &str) -> Result<(Registry, TypeId), String> {
        let types = bundle::types(|_| false).unwrap();
        let mut names = Names::new(types.for_spec_version(31));
        let id = names.resolve(pallet, name)?;
        Ok((names.into_registry(), id))
    }

    #[test]
    fn names_of_every_form_are_understood() {
        for name in [
            "u32",
            "Vec<u8>",
            "Vec<Vec<u8>>",
            "Option<types::PublicConfig>",
            "(AccountId, Vec<types::Node>)",
            "[u8; 32]",
            "Compact<u64>",
            "Box<u32>",
            "BTreeMap<u32, types::Farm>",
            "types::Entity<AccountId>",
            "T::AccountId",
            "Vec< types::Twin<T::AccountId> >",
        ] {
            resolve("TfgridModule", name).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn a_type_of_one_pallet_is_unknown_in_another() {
        assert!(resolve("TfgridModule", "types::Node").is_ok());
        let why = resolve("SmartContractModule", "Vec<types::Node>").unwrap_err();
        assert_eq!(why, "nothing is known of `types::Node`");
    }

    #[test]
    fn what_is_no_type_name_is_refused() {
        let deep = format!("{}u8{}", "Vec<".repeat(40), ">".repeat(40));
        for name in
            ["", "u8 u8", "Vec<u8", "Vec<u8>>", "[u8; x]", "[u8; 4294967296]", &deep, &"a".repeat(1000)]
        {
            assert!(resolve("TfgridModule", name).is_err(), "{name}");
        }
    }

    #[test]
    fn struct_names_and_fields_come_from_the_bundle() {
        let (registry, id) = resolve("TfgridModule", "types::Node").unwrap();
        let Type::Composite { name, fields } = registry.get(id).unwrap() else { panic!("no struct") };
        assert_eq!(name, "Node");
        assert_eq!(fields.last().unwrap().name.as_deref(), Some("certification_type"));
    }
}
