//! Nodes of the trie, as `sp-trie` encodes them.
//!
//! A node starts with its kind and the number of nibbles of its partial path, then come the path (two nibbles a byte,
//! the first one alone if they are odd), for a branch the bitmap of its children, its value and its children. A value
//! is a SCALE byte string or, in layout V1, the hash of one of more than 32 bytes. A child is a SCALE byte string:
//! a hash, or the child itself if that has less than 32 bytes.

use parity_scale_codec::Encode;

use super::Layout;
use crate::{
    archive::{
        Hash,
        bytes::{Cursor, Short},
        header::blake2_256,
    },
    chain::scale,
};

/// Longest value that layout V1 keeps in the node.
pub const LONGEST_INLINE_VALUE: usize = 32;
/// A node of fewer bytes is stored inside of its parent.
const HASHED_FROM: usize = 32;
/// Longest partial path; keys of storage are far shorter.
const LONGEST_PARTIAL: usize = 65_535;

const EMPTY: u8 = 0;
const LEAF: Kind = Kind { bits: 0b0100_0000, mask: 2 };
const BRANCH: Kind = Kind { bits: 0b1000_0000, mask: 2 };
const BRANCH_WITH_VALUE: Kind = Kind { bits: 0b1100_0000, mask: 2 };
const LEAF_HASHED: Kind = Kind { bits: 0b0010_0000, mask: 3 };
const BRANCH_HASHED: Kind = Kind { bits: 0b0001_0000, mask: 4 };

/// First bits of a node; those after the mask begin the number of nibbles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    bits: u8,
    mask: u8,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The value itself.
    Inline(Vec<u8>),
    /// The hash of the value.
    Hashed(Hash),
}

impl Value {
    /// The form in which a layout keeps this value.
    pub fn new(layout: Layout, value: &[u8]) -> Value {
        if layout == Layout::V1 && value.len() > LONGEST_INLINE_VALUE {
            Value::Hashed(blake2_256(&[value]))
        } else {
            Value::Inline(value.to_vec())
        }
    }
}

/// A reference of a branch to a node below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Child {
    /// The hash of the node.
    Hash(Hash),
    /// The node itself, of less than 32 bytes.
    Inline(Vec<u8>),
}

impl Child {
    /// The reference to an encoded node.
    pub fn to_node(node: Vec<u8>) -> Child {
        if node.len() < HASHED_FROM { Child::Inline(node) } else { Child::Hash(blake2_256(&[&node])) }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// The root of a trie without keys.
    Empty,
    /// The end of one key.
    Leaf {
        /// Nibbles from the parent to here.
        partial: Vec<u8>,
        /// The value of the key.
        value: Value,
    },
    /// Where keys part.
    Branch {
        /// Nibbles from the parent to here.
        partial: Vec<u8>,
        /// The value of the key that ends here.
        value: Option<Value>,
        /// The node below for each next nibble.
        children: Box<[Option<Child>; 16]>,
    },
}

impl Node {
    /// Reads a node. There is one encoding for every node; others are refused.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn decode(bytes: &[u8], layout: Layout) -> Result<Node, &'static str> {
        let node = parse(bytes).map_err(|Malformed(why)| why)?;
        if layout == Layout::V0 && node.value().is_some_and(|value| matches!(value, Value::Hashed(_))) {
            return Err("it has a hashed value, which layout V0 does not know");
        }
        if node.encode() != bytes {
            return Err("it is not encoded as a trie encodes it");
        }
        Ok(node)
    }

    /// The value here, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Node::Empty => None,
            Node::Leaf { value, .. } => Some(value),
            Node::Branch { value, .. } => value.as_ref(),
        }
    }

    /// The bytes of the node.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Node::Empty => out.push(EMPTY),
            Node::Leaf { partial, value } => {
                let hashed = matches!(value, Value::Hashed(_));
                push_partial(&mut out, if hashed { LEAF_HASHED } else { LEAF }, partial);
                push_value(&mut out, value);
            }
            Node::Branch { partial, value, children } => {
                let kind = match value {
                    None => BRANCH,
                    Some(Value::Inline(_)) => BRANCH_WITH_VALUE,
                    Some(Value::Hashed(_)) => BRANCH_HASHED,
                };
                push_partial(&mut out, kind, partial);
                let bitmap = children.iter().rev().fold(0u16, |bits, c| bits << 1 | u16::from(c.is_some()));
                out.extend_from_slice(&bitmap.to_le_bytes());
                if let Some(value) = value {
                    push_value(&mut out, value);
                }
                for child in children.iter().flatten() {
                    match child {
                        Child::Hash(hash) => hash[..].encode_to(&mut out),
                        Child::Inline(node) => node.encode_to(&mut out),
                    }
                }
            }
        }
        out
    }
}

fn push_partial(out: &mut Vec<u8>, kind: Kind, partial: &[u8]) {
    let most = u8::MAX >> kind.mask;
    match u8::try_from(partial.len()) {
        Ok(length) if length < most => out.push(kind.bits | length),
        _ => {
            out.push(kind.bits | most);
            let mut rest = partial.len().saturating_sub(usize::from(most));
            while rest >= usize::from(u8::MAX) {
                out.push(u8::MAX);
                rest -= usize::from(u8::MAX);
            }
            out.extend(u8::try_from(rest));
        }
    }
    let (odd, pairs) = partial.split_at(partial.len() % 2);
    out.extend_from_slice(odd);
    out.extend(pairs.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)));
}

fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Inline(bytes) => bytes.encode_to(out),
        Value::Hashed(hash) => out.extend_from_slice(hash),
    }
}

/// What is wrong with the bytes of a node.
struct Malformed(&'static str);

impl From<Short> for Malformed {
    fn from(_: Short) -> Self {
        Malformed("it ends too early")
    }
}

impl From<scale::Wrong> for Malformed {
    fn from(_: scale::Wrong) -> Self {
        Malformed("a length in it is malformed")
    }
}

fn parse(bytes: &[u8]) -> Result<Node, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let first = cursor.u8()?;
    let node = if first == EMPTY {
        Node::Empty
    } else {
        let kind = [LEAF, BRANCH, BRANCH_WITH_VALUE, LEAF_HASHED, BRANCH_HASHED]
            .into_iter()
            .find(|kind| first & !(u8::MAX >> kind.mask) == kind.bits)
            .ok_or(Malformed("there is no such kind of node"))?;
        let partial = partial(&mut cursor, first, kind)?;
        match kind {
            LEAF | LEAF_HASHED => Node::Leaf { partial, value: value(&mut cursor, kind == LEAF_HASHED)? },
            _ => branch(&mut cursor, kind, partial)?,
        }
    };
    if !cursor.rest().is_empty() {
        return Err(Malformed("bytes follow it"));
    }
    Ok(node)
}

fn branch(cursor: &mut Cursor<'_>, kind: Kind, partial: Vec<u8>) -> Result<Node, Malformed> {
    let bitmap = cursor.u16()?;
    if bitmap.count_ones() == 0 {
        return Err(Malformed("it is a branch without children"));
    }
    let value = match kind {
        BRANCH => None,
        _ => Some(value(cursor, kind == BRANCH_HASHED)?),
    };
    let mut children = Box::new([const { None }; 16]);
    for (nibble, child) in children.iter_mut().enumerate() {
        if bitmap >> nibble & 1 == 1 {
            let bytes = scale::bytes(cursor)?;
            *child = Some(match bytes.try_into() {
                Ok(hash) => Child::Hash(hash),
                Err(_) if bytes.len() < HASHED_FROM => Child::Inline(bytes.to_vec()),
                Err(_) => return Err(Malformed("a child is longer than a hash")),
            });
        }
    }
    Ok(Node::Branch { partial, value, children })
}

fn partial(cursor: &mut Cursor<'_>, first: u8, kind: Kind) -> Result<Vec<u8>, Malformed> {
    let most = u8::MAX >> kind.mask;
    let mut length = usize::from(first & most);
    if first & most == most {
        loop {
            let more = cursor.u8()?;
            length = length.saturating_add(usize::from(more));
            if length > LONGEST_PARTIAL {
                return Err(Malformed("its path is too long"));
            }
            if more < u8::MAX {
                break;
            }
        }
    }
    let bytes = cursor.take(length.div_ceil(2))?;
    let mut nibbles = super::nibbles(bytes);
    if length % 2 == 1 && nibbles.remove(0) != 0 {
        return Err(Malformed("its path is padded with something else than zero"));
    }
    Ok(nibbles)
}

fn value(cursor: &mut Cursor<'_>, hashed: bool) -> Result<Value, Malformed> {
    Ok(if hashed { Value::Hashed(cursor.hash()?) } else { Value::Inline(scale::bytes(cursor)?.to_vec()) })
}
