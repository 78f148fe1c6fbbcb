//! Types of a runtime, in one form for every metadata version.

use super::scale::Wrong;

/// Index of a type in its [`Registry`].
pub type TypeId = u32;

/// Width and sign of a number, or another type without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// One byte, 0 or 1.
    Bool,
    /// A Unicode scalar value in four bytes.
    Char,
    /// Text with a compact length.
    Str,
    /// An unsigned integer of so many bytes.
    Unsigned(u8),
    /// A signed integer of so many bytes.
    Signed(u8),
}

impl Primitive {
    /// Bytes of a value, unless that depends on the value.
    pub fn width(self) -> Option<usize> {
        match self {
            Primitive::Bool => Some(1),
            Primitive::Char => Some(4),
            Primitive::Str => None,
            Primitive::Unsigned(n) | Primitive::Signed(n) => Some(usize::from(n)),
        }
    }
}

/// A part of a struct, a tuple struct or a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; fields of tuple structs have none.
    pub name: Option<String>,
    /// Its type.
    pub ty: TypeId,
}

/// One case of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The byte that stands for it.
    pub index: u8,
    /// Its name.
    pub name: String,
    /// What follows the byte.
    pub fields: Vec<Field>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A struct.
    Composite {
        /// Last part of its path, empty if it has none.
        name: String,
        /// Its parts in order.
        fields: Vec<Field>,
    },
    /// An enum.
    Variant {
        /// Last part of its path, empty if it has none.
        name: String,
        /// Its cases in the order of the metadata.
        variants: Vec<Variant>,
    },
    /// A list with a compact length.
    Sequence(TypeId),
    /// A list of fixed length.
    Array(u32, TypeId),
    /// Values one after another.
    Tuple(Vec<TypeId>),
    /// A type without parts.
    Primitive(Primitive),
    /// An integer in compact form.
    Compact(TypeId),
    /// Bits with a compact count, in words of this type.
    BitSequence(TypeId),
}

/// All types of a runtime.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    types: Vec<Type>,
}

impl Registry {
    /// A registry whose type ids are the places in `types`.
    pub fn new(types: Vec<Type>) -> Self {
        Registry { types }
    }

    /// The type with this id.
    ///
    /// # Errors
    /// [`Wrong::NoType`].
    pub fn get(&self, id: TypeId) -> Result<&Type, Wrong> {
        usize::try_from(id).ok().and_then(|i| self.types.get(i)).ok_or(Wrong::NoType(id))
    }

    /// Name of a type for messages.
    pub fn name(&self, id: TypeId) -> String {
        match self.get(id) {
            Ok(Type::Composite { name, .. } | Type::Variant { name, .. }) if !name.is_empty() => name.clone(),
            _ => format!("type {id}"),
        }
    }

    /// Number of types.
    pub fn count(&self) -> usize {
        self.types.len()
    }

    /// The type behind structs with one unnamed field (`BoundedVec`, `AccountId32`, `H256` …), which do not show
    /// in the bytes.
    ///
    /// # Errors
    /// [`Wrong::NoType`], [`Wrong::Depth`] for a type that contains itself.
    pub fn unwrapped(&self, id: TypeId) -> Result<(TypeId, &Type), Wrong> {
        let mut id = id;
        for _ in 0..super::MAX_DEPTH {
            match self.get(id)? {
                Type::Composite { fields, .. } => match fields.as_slice() {
                    [Field { name: None, ty }] => id = *ty,
                    _ => return Ok((id, self.get(id)?)),
                },
                Type::Tuple(parts) => match parts.as_slice() {
                    [ty] => id = *ty,
                    _ => return Ok((id, self.get(id)?)),
                },
                other => return Ok((id, other)),
            }
        }
        Err(Wrong::Depth)
    }

    /// Bytes of a bit sequence of so many bits in words of type `store`.
    ///
    /// # Errors
    /// As [`Registry::unwrapped`]; words that are no integers.
    pub fn bit_sequence_len(&self, store: TypeId, bits: usize) -> Result<usize, Wrong> {
        let width = match self.unwrapped(store)?.1 {
            Type::Primitive(Primitive::Unsigned(width)) if *width > 0 => usize::from(*width),
            _ => return Err(Wrong::NoType(store)),
        };
        Ok(bits.div_ceil(8).div_ceil(width).saturating_mul(width))
    }

    /// Whether values of a type have no parts, like `()`.
    ///
    /// # Errors
    /// As [`Registry::unwrapped`].
    pub fn is_unit(&self, id: TypeId) -> Result<bool, Wrong> {
        Ok(match self.unwrapped(id)?.1 {
            Type::Tuple(parts) => parts.is_empty(),
            Type::Composite { fields, .. } => fields.is_empty(),
            _ => false,
        })
    }

    /// Whether a type is a list of bytes, of any length or a fixed one.
    ///
    /// # Errors
    /// As [`Registry::unwrapped`].
    pub fn is_bytes(&self, ty: &Type) -> Result<bool, Wrong> {
        match ty {
            Type::Sequence(element) | Type::Array(_, element) => {
                Ok(matches!(self.unwrapped(*element)?.1, Type::Primitive(Primitive::Unsigned(1))))
            }
            _ => Ok(false),
        }
    }
}
