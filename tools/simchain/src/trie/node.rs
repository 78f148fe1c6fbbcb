//! Nodes of the trie and their bytes.
//!
//! A node is its header (kind, and length of its part of the key in nibbles), that part of the key, and then: the value of
//! a leaf; or, for a branch, a bitmap of its children, its value if it has one, and its children. Whoever refers to a node
//! does so by its hash, or by the node itself if it has less than 32 bytes.

use std::sync::{Arc, OnceLock};

use parity_scale_codec::Encode;

use super::Layout;
use crate::hash::{Hash, blake2_256};

/// The root of a trie that has no keys is the hash of this.
pub const EMPTY: [u8; 1] = [0];

const LEAF: (u8, u8) = (0b0100_0000, 6);
const LEAF_WITH_HASH: (u8, u8) = (0b0010_0000, 5);
const BRANCH: (u8, u8) = (0b1000_0000, 6);
const BRANCH_WITH_VALUE: (u8, u8) = (0b1100_0000, 6);
const BRANCH_WITH_HASH: (u8, u8) = (0b0001_0000, 4);

/// Node below, by the next nibble.
pub type Children = Box<[Option<Arc<Node>>; 16]>;

/// The value of a key, as the layout under which it was written keeps it.
#[derive(Clone, Debug)]
pub struct Value {
    bytes: Arc<[u8]>,
    /// Of a value that is a node of its own.
    hash: Option<Hash>,
}

impl Value {
    /// A value that is written now.
    pub fn new(layout: Layout, bytes: Vec<u8>) -> Self {
        let hash = (layout == Layout::V1 && bytes.len() > 32).then(|| blake2_256(&bytes));
        Self { bytes: bytes.into(), hash }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn is_node(&self) -> bool {
        self.hash.is_some()
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        match self.hash {
            Some(hash) => out.extend(hash),
            None => self.bytes.encode_to(out),
        }
    }
}

/// A leaf, which has a value, or a branch, which has children and may have a value.
#[derive(Clone, Debug)]
pub struct Node {
    /// Nibbles of the key from the parent on.
    pub partial: Vec<u8>,
    pub value: Option<Value>,
    pub children: Option<Children>,
    /// Made when first asked for; whoever changes the node forgets it.
    reference: OnceLock<Reference>,
}

/// How a parent refers to a node.
#[derive(Clone, Debug)]
pub enum Reference {
    Hash(Hash),
    Inline(Vec<u8>),
}

impl Node {
    pub fn new(partial: Vec<u8>, value: Option<Value>, children: Option<Children>) -> Self {
        Self { partial, value, children, reference: OnceLock::new() }
    }

    /// Says that the node, or one below it, is about to change.
    pub fn forget(&mut self) {
        self.reference = OnceLock::new();
    }

    pub fn child(&self, nibble: u8) -> Option<&Arc<Node>> {
        self.children.as_ref()?.get(usize::from(nibble))?.as_ref()
    }

    pub fn reference(&self) -> &Reference {
        self.reference.get_or_init(|| {
            let bytes = self.encode();
            if bytes.len() < 32 { Reference::Inline(bytes) } else { Reference::Hash(blake2_256(&bytes)) }
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let kind = match (&self.children, &self.value) {
            (None, Some(value)) if value.is_node() => LEAF_WITH_HASH,
            (None, _) => LEAF,
            (Some(_), None) => BRANCH,
            (Some(_), Some(value)) if value.is_node() => BRANCH_WITH_HASH,
            (Some(_), Some(_)) => BRANCH_WITH_VALUE,
        };
        self.encode_partial(kind, &mut out);
        let children = self.children.as_ref().map(|children| children.iter());
        if let Some(children) = children.clone() {
            let bits = children.zip(0..).map(|(child, nibble)| u16::from(child.is_some()) << nibble);
            bits.sum::<u16>().encode_to(&mut out);
        }
        if let Some(value) = &self.value {
            value.encode_to(&mut out);
        }
        for child in children.into_iter().flatten().flatten() {
            match child.reference() {
                Reference::Hash(hash) => hash.as_slice().encode_to(&mut out),
                Reference::Inline(bytes) => bytes.encode_to(&mut out),
            }
        }
        out
    }

    /// The header and the partial key: a length that does not fit into the header goes on in bytes of 255 and a last one.
    fn encode_partial(&self, (bits, length_bits): (u8, u8), out: &mut Vec<u8>) {
        let most = (1_u8 << length_bits) - 1;
        let length = self.partial.len();
        match u8::try_from(length) {
            Ok(short) if short < most => out.push(bits | short),
            _ => {
                out.push(bits | most);
                let mut more = length.saturating_sub(usize::from(most));
                while let Some(rest) = more.checked_sub(255) {
                    out.push(255);
                    more = rest;
                }
                out.extend(u8::try_from(more));
            }
        }
        let (first, pairs) = self.partial.split_at(length % 2);
        out.extend(first);
        out.extend(pairs.chunks(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)));
    }
}
