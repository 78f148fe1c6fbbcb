//! SCALE: the compact integers, on top of a cursor.

use crate::archive::bytes::{Cursor, Short};

/// Why bytes are not a value of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The bytes end too early.
    #[error(transparent)]
    Short(#[from] Short),
    /// A compact integer is longer than it has to be, or too large.
    #[error("a compact integer is not in its shortest form or too large")]
    Compact,
    /// An enum has no variant of this index.
    #[error("{0} has no variant {1}")]
    Variant(String, u8),
    /// A number has more than 64 bits.
    #[error("a number has more than 64 bits")]
    TooLarge,
    /// A bool is neither 0 nor 1.
    #[error("a bool is {0}")]
    Bool(u8),
    /// Text is not UTF-8, a char is no character.
    #[error("text is not UTF-8")]
    Text,
    /// Types are nested deeper than any real one.
    #[error("types are nested too deeply")]
    Depth,
    /// More elements than the value has bytes.
    #[error("a list of {0} elements is longer than the value")]
    Length(usize),
    /// The registry refers to a type that it does not have.
    #[error("the registry has no type {0}")]
    NoType(u32),
    /// Bytes are left over.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// A compact integer of at most 128 bits, in its shortest form.
///
/// # Errors
/// [`Wrong::Short`] and [`Wrong::Compact`].
#[inline]
pub fn compact(cursor: &mut Cursor<'_>) -> Result<u128, Wrong> {
    let first = cursor.u8()?;
    let (value, smallest) = match first & 3 {
        0 => (u128::from(first >> 2), 0),
        1 => (u128::from(u16::from_le_bytes([first, cursor.u8()?]) >> 2), 1 << 6),
        2 => {
            let [b, c, d] = cursor.array()?;
            (u128::from(u32::from_le_bytes([first, b, c, d]) >> 2), 1 << 14)
        }
        _ => {
            let length = usize::from(first >> 2) + 4;
            if length > 16 {
                return Err(Wrong::Compact);
            }
            let bytes = cursor.take(length)?;
            let value = bytes.iter().rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
            let smallest = if length == 4 { 1 << 30 } else { 1u128 << (8 * (length - 1)) };
            (value, smallest)
        }
    };
    if value < smallest { Err(Wrong::Compact) } else { Ok(value) }
}

/// The number of elements of a list.
///
/// # Errors
/// As [`compact`]; a number that does not fit a `u32` is [`Wrong::Compact`].
pub fn length(cursor: &mut Cursor<'_>) -> Result<usize, Wrong> {
    let length = u32::try_from(compact(cursor)?).map_err(|_| Wrong::Compact)?;
    usize::try_from(length).map_err(|_| Wrong::Compact)
}

/// A byte string.
///
/// # Errors
/// As [`length`].
pub fn bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Wrong> {
    let length = length(cursor)?;
    Ok(cursor.take(length)?)
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::{Compact, Decode, Encode};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn compact_integers_agree_with_the_codec(value: u128, shift in 0u32..128) {
            let value = value >> shift;
            let encoded = Compact(value).encode();
            let mut cursor = Cursor::new(&encoded);
            prop_assert_eq!(compact(&mut cursor), Ok(value));
            prop_assert!(cursor.rest().is_empty());
        }

        #[test]
        fn any_bytes_are_read_as_the_codec_reads_them(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let mine = compact(&mut Cursor::new(&bytes)).ok();
            let theirs = Compact::<u128>::decode(&mut bytes.as_slice()).ok().map(|c| c.0);
            prop_assert_eq!(mine, theirs);
        }
    }
}
