//! Skip programs: how to get past a value without looking at it.
//!
//! Every type of a registry is compiled once. Values of a fixed size become a number of bytes, structs of such
//! values too, so that most events are skipped in one or two steps.

use super::{
    MAX_DEPTH,
    registry::{Primitive, Registry, Type, TypeId},
    scale::{self, Wrong},
};
use crate::archive::bytes::Cursor;

/// How to get past a value of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Skip {
    /// So many bytes.
    Fixed(usize),
    /// A compact integer.
    Compact,
    /// A compact count, then so many bytes for each.
    Units(usize),
    /// A compact count, then a value of this type for each.
    Sequence(TypeId),
    /// So many values of this type.
    Array(u32, TypeId),
    /// Values of these types.
    Each(Box<[TypeId]>),
    /// A byte, then the values of the types that belong to it.
    Choice(Box<[Option<Box<[TypeId]>>]>),
    /// A compact count of bits, then words of this type.
    Bits(TypeId),
}

/// How to get past the fields of an event: structs are opened and neighbours of fixed size joined, so that it takes
/// one or a few steps.
#[derive(Clone, Debug)]
pub struct Route(Box<[Hop]>);

impl Route {
    /// The fields, if they always have the same number of bytes.
    pub fn fixed(&self) -> Option<FixedFields<'_>> {
        let mut fixed = FixedFields { length: 0, tags: Vec::new() };
        for hop in &self.0 {
            let bytes = match hop {
                Hop::Bytes(n) => *n,
                Hop::Tag(_, known) => {
                    fixed.tags.push((fixed.length, known));
                    1
                }
                Hop::Compact | Hop::Value(_) => return None,
            };
            fixed.length = fixed.length.checked_add(bytes)?;
        }
        Some(fixed)
    }
}

impl Route {
    /// What the two bytes are below that follow two compact integers, if the fields are these.
    pub fn weighed(&self) -> Option<[u8; 2]> {
        let [Hop::Compact, Hop::Compact, Hop::Tag(_, first), Hop::Tag(_, second)] = &*self.0 else {
            return None;
        };
        let below = |known: &[bool]| {
            let below = known.iter().take_while(|known| **known).count();
            u8::try_from(below).ok().filter(|_| known.iter().skip(below).all(|known| !known))
        };
        Some([below(first)?, below(second)?])
    }
}

/// Fields that always have the same number of bytes.
#[derive(Clone, Debug)]
pub struct FixedFields<'a> {
    /// How many.
    pub length: usize,
    /// Offsets of bytes that may not have any value, and for each value whether it may be.
    pub tags: Vec<(usize, &'a [bool])>,
}

/// A step of a [`Route`].
#[derive(Clone, Debug)]
enum Hop {
    /// So many bytes.
    Bytes(usize),
    /// A compact integer.
    Compact,
    /// The byte of an enum without fields; which bytes there are.
    Tag(TypeId, Box<[bool]>),
    /// A value of this type.
    Value(TypeId),
}

/// The skip programs of a registry.
#[derive(Clone, Debug)]
pub struct SkipPrograms {
    programs: Vec<Skip>,
}

impl SkipPrograms {
    /// Compiles every type.
    ///
    /// # Errors
    /// A type that refers to one that is not there.
    pub fn compile(registry: &Registry) -> Result<SkipPrograms, Wrong> {
        let count = u32::try_from(registry.count()).map_err(|_| Wrong::Depth)?;
        let mut widths = Widths { registry, known: vec![None; registry.count()] };
        let programs =
            (0..count).map(|id| compile(registry, &mut widths, id)).collect::<Result<Vec<_>, _>>()?;
        Ok(SkipPrograms { programs })
    }

    /// How to get past values of these types, one after another.
    pub fn route(&self, parts: impl Iterator<Item = TypeId>) -> Route {
        let mut hops = Vec::new();
        parts.for_each(|id| self.hops(id, &mut hops, 0));
        Route(hops.into())
    }

    fn hops(&self, id: TypeId, hops: &mut Vec<Hop>, depth: usize) {
        match self.program(id) {
            Ok(Skip::Fixed(n)) => match hops.last_mut() {
                Some(Hop::Bytes(before)) => *before = before.saturating_add(*n),
                _ => hops.push(Hop::Bytes(*n)),
            },
            Ok(Skip::Compact) => hops.push(Hop::Compact),
            Ok(Skip::Choice(cases)) if cases.iter().flatten().all(|parts| parts.is_empty()) => {
                hops.push(Hop::Tag(id, cases.iter().map(Option::is_some).collect()));
            }
            // Deeper structs are rare, and a type may hold itself.
            Ok(Skip::Each(parts)) if depth < 8 && parts.len() <= 8 && hops.len() < 64 => {
                parts.iter().for_each(|part| self.hops(*part, hops, depth + 1));
            }
            _ => hops.push(Hop::Value(id)),
        }
    }

    /// Gets past the values of a route.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn follow(&self, registry: &Registry, route: &Route, cursor: &mut Cursor<'_>) -> Result<(), Wrong> {
        for hop in &route.0 {
            match hop {
                Hop::Bytes(n) => drop(cursor.take(*n)?),
                Hop::Compact => drop(scale::compact(cursor)?),
                Hop::Tag(id, known) => {
                    let index = cursor.u8()?;
                    if known.get(usize::from(index)) != Some(&true) {
                        return Err(Wrong::Variant(registry.name(*id), index));
                    }
                }
                Hop::Value(id) => self.skip(registry, *id, cursor)?,
            }
        }
        Ok(())
    }

    /// Gets past a value.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn skip(&self, registry: &Registry, id: TypeId, cursor: &mut Cursor<'_>) -> Result<(), Wrong> {
        self.run(registry, id, cursor, 0)
    }

    /// Bytes of every value of a type, if they are always the same number.
    pub fn fixed(&self, id: TypeId) -> Option<usize> {
        match self.program(id) {
            Ok(Skip::Fixed(n)) => Some(*n),
            _ => None,
        }
    }

    fn program(&self, id: TypeId) -> Result<&Skip, Wrong> {
        usize::try_from(id).ok().and_then(|i| self.programs.get(i)).ok_or(Wrong::NoType(id))
    }

    fn run(
        &self,
        registry: &Registry,
        id: TypeId,
        cursor: &mut Cursor<'_>,
        depth: usize,
    ) -> Result<(), Wrong> {
        if depth > MAX_DEPTH {
            return Err(Wrong::Depth);
        }
        match self.program(id)? {
            Skip::Fixed(n) => drop(cursor.take(*n)?),
            Skip::Compact => drop(scale::compact(cursor)?),
            Skip::Units(width) => {
                let length = scale::length(cursor)?;
                cursor.take(length.checked_mul(*width).ok_or(Wrong::Depth)?)?;
            }
            Skip::Sequence(element) => {
                let length = scale::length(cursor)?;
                self.repeat(registry, *element, length, cursor, depth)?;
            }
            Skip::Array(length, element) => {
                let length = usize::try_from(*length).map_err(|_| Wrong::Depth)?;
                self.repeat(registry, *element, length, cursor, depth)?;
            }
            Skip::Each(parts) => {
                for part in parts {
                    self.run(registry, *part, cursor, depth + 1)?;
                }
            }
            Skip::Choice(cases) => {
                let index = cursor.u8()?;
                let parts = cases
                    .get(usize::from(index))
                    .and_then(Option::as_ref)
                    .ok_or_else(|| Wrong::Variant(registry.name(id), index))?;
                for part in parts {
                    self.run(registry, *part, cursor, depth + 1)?;
                }
            }
            Skip::Bits(store) => {
                let bits = scale::length(cursor)?;
                cursor.take(registry.bit_sequence_len(*store, bits)?)?;
            }
        }
        Ok(())
    }

    /// Gets past elements whose size depends on the value. One without bytes would let a short value claim any
    /// number of them.
    fn repeat(
        &self,
        registry: &Registry,
        element: TypeId,
        length: usize,
        cursor: &mut Cursor<'_>,
        depth: usize,
    ) -> Result<(), Wrong> {
        for _ in 0..length {
            let before = cursor.position();
            self.run(registry, element, cursor, depth + 1)?;
            if cursor.position() == before {
                return Err(Wrong::Length(length));
            }
        }
        Ok(())
    }
}

fn compile(registry: &Registry, widths: &mut Widths<'_>, id: TypeId) -> Result<Skip, Wrong> {
    if let Some(width) = widths.fixed(id)? {
        return Ok(Skip::Fixed(width));
    }
    Ok(match registry.get(id)? {
        Type::Composite { fields, .. } => Skip::Each(fields.iter().map(|f| f.ty).collect()),
        Type::Tuple(parts) => Skip::Each(parts.as_slice().into()),
        Type::Variant { variants, .. } => {
            let mut cases = vec![None; 256];
            for variant in variants {
                if let Some(case) = cases.get_mut(usize::from(variant.index)) {
                    *case = Some(variant.fields.iter().map(|f| f.ty).collect());
                }
            }
            Skip::Choice(cases.into())
        }
        Type::Sequence(element) => match widths.fixed(*element)? {
            Some(width) => Skip::Units(width),
            None => Skip::Sequence(*element),
        },
        Type::Array(length, element) => Skip::Array(*length, *element),
        Type::Primitive(Primitive::Str) => Skip::Units(1),
        Type::Primitive(primitive) => Skip::Fixed(primitive.width().unwrap_or_default()),
        Type::Compact(_) => Skip::Compact,
        Type::BitSequence(store) => Skip::Bits(*store),
    })
}

/// Bytes of values whose type always takes the same number. Every type is looked at once: types that share parts
/// on many levels would otherwise take exponential time.
struct Widths<'a> {
    registry: &'a Registry,
    known: Vec<Option<Width>>,
}

/// What is known of a type.
#[derive(Clone, Copy)]
struct Width {
    /// Bytes of every value, if that is fixed. An enum is never fixed, so that an unknown variant cannot slip through.
    fixed: Option<usize>,
    /// How many types lie below it, one in another.
    depth: usize,
}

impl Widths<'_> {
    fn fixed(&mut self, id: TypeId) -> Result<Option<usize>, Wrong> {
        self.width(id, 0).map(|width| width.fixed)
    }

    /// The width of a type that lies in `above` others.
    fn width(&mut self, id: TypeId, above: usize) -> Result<Width, Wrong> {
        let place = usize::try_from(id).map_err(|_| Wrong::NoType(id))?;
        let width = match self.known.get(place) {
            Some(Some(known)) => *known,
            // A type that holds itself gets deeper and deeper.
            _ if above > MAX_DEPTH => return Err(Wrong::Depth),
            _ => self.compute(id, above)?,
        };
        if above.saturating_add(width.depth) > MAX_DEPTH {
            return Err(Wrong::Depth);
        }
        if let Some(entry) = self.known.get_mut(place) {
            *entry = Some(width);
        }
        Ok(width)
    }

    fn compute(&mut self, id: TypeId, above: usize) -> Result<Width, Wrong> {
        let registry = self.registry;
        match registry.get(id)? {
            Type::Composite { fields, .. } => self.sum(fields.iter().map(|f| f.ty), above),
            Type::Tuple(parts) => self.sum(parts.iter().copied(), above),
            Type::Array(length, element) => {
                let Width { fixed, depth } = self.width(*element, above + 1)?;
                let fixed =
                    fixed.zip(usize::try_from(*length).ok()).and_then(|(width, n)| width.checked_mul(n));
                Ok(Width { fixed, depth: depth + 1 })
            }
            Type::Primitive(primitive) => Ok(Width { fixed: primitive.width(), depth: 0 }),
            Type::Variant { .. } | Type::Sequence(_) | Type::Compact(_) | Type::BitSequence(_) => {
                Ok(Width { fixed: None, depth: 0 })
            }
        }
    }

    /// The width of types one after another, up to the first that is not fixed.
    fn sum(&mut self, parts: impl Iterator<Item = TypeId>, above: usize) -> Result<Width, Wrong> {
        let mut sum = Width { fixed: Some(0), depth: 0 };
        for part in parts {
            let Width { fixed, depth } = self.width(part, above + 1)?;
            sum.depth = sum.depth.max(depth + 1);
            sum.fixed = sum.fixed.zip(fixed).and_then(|(a, b)| a.checked_add(b));
            if sum.fixed.is_none() {
                break;
            }
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::registry::Field;

    fn pair(ty: TypeId) -> Type {
        let field = |name: &str| Field { name: Some(name.into()), ty };
        Type::Composite { name: "Pair".into(), fields: vec![field("a"), field("b")] }
    }

    #[test]
    fn types_that_share_parts_on_many_levels_are_compiled_in_no_time() {
        // Type n is a pair of type n - 1: walked without memory, the last one alone would take 2^60 steps.
        let byte = Type::Primitive(Primitive::Unsigned(1));
        let types = std::iter::once(byte).chain((0..60).map(pair)).collect();
        let programs = SkipPrograms::compile(&Registry::new(types)).unwrap();
        assert_eq!(programs.fixed(10), Some(1 << 10));
        assert_eq!(programs.fixed(60), Some(1 << 60));
        // The same, where what is shared is not of fixed size at its very end.
        let end = Type::Compact(0);
        let types: Vec<_> = std::iter::once(end).chain((0..60).map(pair)).collect();
        let programs = SkipPrograms::compile(&Registry::new(types)).unwrap();
        assert_eq!(programs.fixed(60), None);
    }

    #[test]
    fn types_that_are_too_deep_or_hold_themselves_are_refused() {
        let byte = || Type::Primitive(Primitive::Unsigned(1));
        let depth = u32::try_from(MAX_DEPTH).unwrap();
        let nested = |n: u32| std::iter::once(byte()).chain((0..n).map(pair)).collect();
        assert!(SkipPrograms::compile(&Registry::new(nested(depth))).is_ok());
        assert_eq!(SkipPrograms::compile(&Registry::new(nested(depth + 1))).unwrap_err(), Wrong::Depth);
        assert_eq!(SkipPrograms::compile(&Registry::new(vec![pair(0)])).unwrap_err(), Wrong::Depth);
        assert_eq!(SkipPrograms::compile(&Registry::new(vec![pair(1), pair(0)])).unwrap_err(), Wrong::Depth);
        assert_eq!(SkipPrograms::compile(&Registry::new(vec![pair(7)])).unwrap_err(), Wrong::NoType(7));
    }
}
