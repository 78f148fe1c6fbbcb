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
        let programs = (0..count).map(|id| compile(registry, id)).collect::<Result<Vec<_>, _>>()?;
        Ok(SkipPrograms { programs })
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

fn compile(registry: &Registry, id: TypeId) -> Result<Skip, Wrong> {
    if let Some(width) = fixed_width(registry, id, 0)? {
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
        Type::Sequence(element) => match fixed_width(registry, *element, 0)? {
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

/// Bytes of every value of a type, if they are always the same number. An enum is never fixed, so that an unknown
/// variant cannot slip through.
fn fixed_width(registry: &Registry, id: TypeId, depth: usize) -> Result<Option<usize>, Wrong> {
    if depth > MAX_DEPTH {
        return Err(Wrong::Depth);
    }
    let sum = |parts: &mut dyn Iterator<Item = TypeId>| -> Result<Option<usize>, Wrong> {
        let mut total = Some(0usize);
        for part in parts {
            let width = fixed_width(registry, part, depth + 1)?;
            total = total.zip(width).and_then(|(a, b)| a.checked_add(b));
            if total.is_none() {
                break;
            }
        }
        Ok(total)
    };
    match registry.get(id)? {
        Type::Composite { fields, .. } => sum(&mut fields.iter().map(|f| f.ty)),
        Type::Tuple(parts) => sum(&mut parts.iter().copied()),
        Type::Array(length, element) => {
            let width = fixed_width(registry, *element, depth + 1)?;
            Ok(width.zip(usize::try_from(*length).ok()).and_then(|(w, n)| w.checked_mul(n)))
        }
        Type::Primitive(primitive) => Ok(primitive.width()),
        Type::Variant { .. } | Type::Sequence(_) | Type::Compact(_) | Type::BitSequence(_) => Ok(None),
    }
}
