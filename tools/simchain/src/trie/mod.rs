//! The state of the chain as Substrate keeps it: a base-16 Merkle trie over BLAKE2b-256, whose root is in the header.
//!
//! A [`Trie`] is cheap to clone, and clones share what is the same in both; so there is one for every block. It is written
//! from the description of the format, and shares nothing with the verifier of `minting`.

mod node;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::node::{Node, Reference, Value};
use crate::hash::{Hash, blake2_256};

/// How values are kept: the `stateVersion` of the runtime that writes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// In their nodes.
    #[default]
    V0,
    /// Those of more than 32 bytes as nodes of their own.
    V1,
}

impl Layout {
    /// The layout of a runtime with this `stateVersion`: every version but 0 writes as version 1.
    pub fn of(state_version: u8) -> Self {
        if state_version == 0 { Self::V0 } else { Self::V1 }
    }
}

/// Keys and values of a state.
#[derive(Clone, Debug, Default)]
pub struct Trie {
    root: Option<Arc<Node>>,
}

impl Trie {
    /// Gives a key a value, kept by `layout`, or takes it away. Other values stay as they were written.
    pub fn set(&mut self, layout: Layout, key: &[u8], value: Option<Vec<u8>>) {
        match value {
            Some(value) => insert(&mut self.root, &nibbles(key), Value::new(layout, value)),
            None => remove(&mut self.root, &nibbles(key)),
        }
    }

    /// Gives a key that has a value another one, kept as the one before.
    pub fn replace(&mut self, key: &[u8], value: Vec<u8>) {
        if let Some(old) = self.find(key, |_| {}).and_then(|node| node.value.as_ref()) {
            let layout = if old.is_node() { Layout::V1 } else { Layout::V0 };
            self.set(layout, key, Some(value));
        }
    }

    /// The last node of the proof of a key that has a value: the value, if that is a node of its own, or else the node that
    /// has it. Such a node is only within another one if it is short.
    pub fn last_node(&self, key: &[u8]) -> Option<Vec<u8>> {
        let node = self.find(key, |_| {})?;
        let value = node.value.as_ref()?;
        Some(if value.is_node() { value.bytes().to_vec() } else { node.encode() })
    }

    /// Writes every value again.
    pub fn rewrite(&mut self, layout: Layout) {
        for key in self.keys(&[], None, usize::MAX) {
            let value = self.get(&key).map(<[u8]>::to_vec);
            self.set(layout, &key, value);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.find(key, |_| {})?.value.as_ref().map(Value::bytes)
    }

    /// Hash of the root node, however short that is.
    pub fn root(&self) -> Hash {
        match self.root.as_deref().map(Node::reference) {
            None => blake2_256(&node::EMPTY),
            Some(Reference::Hash(hash)) => *hash,
            Some(Reference::Inline(bytes)) => blake2_256(bytes),
        }
    }

    /// The nodes on the way to these keys, whether they have values or not: each once, in the order of their bytes.
    pub fn prove<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Vec<Vec<u8>> {
        let mut proof = BTreeSet::new();
        for key in keys {
            if self.root.is_none() {
                proof.insert(node::EMPTY.to_vec());
            }
            let mut is_root = true;
            let end = self.find(key, |node| {
                if is_root || matches!(node.reference(), Reference::Hash(_)) {
                    proof.insert(node.encode());
                }
                is_root = false;
            });
            let value = end.and_then(|end| end.value.as_ref());
            proof.extend(value.filter(|value| value.is_node()).map(|value| value.bytes().to_vec()));
        }
        proof.into_iter().collect()
    }

    /// The nodes above these prefixes, which ascend, in the order of a walk, each once: what an archive keeps of a proof. A
    /// node in which one of the prefixes ends is not above them, and neither is one that is within another.
    pub fn nodes_above(&self, prefixes: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut above: Vec<(&Node, Vec<u8>)> = Vec::new();
        let mut ends: Vec<&Node> = Vec::new();
        for prefix in prefixes {
            let path = nibbles(prefix);
            let mut left = path.as_slice();
            let mut next = self.root.as_deref();
            while let Some(node) = next.take() {
                let is_kept = std::ptr::eq(node, self.root.as_deref().unwrap_or(node))
                    || matches!(node.reference(), Reference::Hash(_));
                if node.partial.starts_with(left) {
                    ends.push(node);
                } else if is_kept && !above.iter().rev().any(|(known, _)| std::ptr::eq(*known, node)) {
                    above.push((node, node.encode()));
                }
                if let Some([nibble, rest @ ..]) = left.strip_prefix(node.partial.as_slice()) {
                    left = rest;
                    next = node.child(*nibble).map(Arc::as_ref);
                }
            }
        }
        above.retain(|(node, _)| !ends.iter().any(|end| std::ptr::eq(*end, *node)));
        above.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// The node where a key ends; `each` gets it and every node above it or, if there is none, every node on the way there.
    fn find(&self, key: &[u8], mut each: impl FnMut(&Node)) -> Option<&Node> {
        let path = nibbles(key);
        let mut left = path.as_slice();
        let mut node = self.root.as_deref()?;
        loop {
            each(node);
            match left.strip_prefix(node.partial.as_slice())? {
                [] => return Some(node),
                [nibble, rest @ ..] => {
                    node = node.child(*nibble)?;
                    left = rest;
                }
            }
        }
    }

    /// Keys with this prefix in byte order, at most so many; with `after`, only those behind that one.
    pub fn keys(&self, prefix: &[u8], after: Option<&[u8]>, most: usize) -> Vec<Vec<u8>> {
        let mut search = Search {
            prefix: nibbles(prefix),
            after: after.map(nibbles),
            most,
            path: Vec::new(),
            found: Vec::new(),
        };
        if let Some(root) = &self.root {
            search.below(root);
        }
        search.found
    }
}

fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

fn insert(place: &mut Option<Arc<Node>>, path: &[u8], value: Value) {
    let Some(node) = place else {
        *place = Some(Arc::new(Node::new(path.to_vec(), Some(value), None)));
        return;
    };
    let node = Arc::make_mut(node);
    node.forget();
    let shared = node.partial.iter().zip(path).take_while(|(a, b)| a == b).count();
    if shared < node.partial.len() {
        split(node, shared);
    }
    match path.get(shared..) {
        Some([nibble, rest @ ..]) => {
            let children = node.children.get_or_insert_default();
            if let Some(child) = children.get_mut(usize::from(*nibble)) {
                insert(child, rest, value);
            }
        }
        _ => node.value = Some(value),
    }
}

/// Makes a branch behind the first nibbles of the node, with the rest of it as the only child.
fn split(node: &mut Node, shared: usize) {
    let mut lower = node.partial.split_off(shared).into_iter();
    let Some(nibble) = lower.next() else { return };
    let child = Node::new(lower.collect(), node.value.take(), node.children.take());
    if let Some(place) = node.children.get_or_insert_default().get_mut(usize::from(nibble)) {
        *place = Some(Arc::new(child));
    }
}

fn remove(place: &mut Option<Arc<Node>>, path: &[u8]) {
    let Some(node) = place else { return };
    let Some(rest) = path.strip_prefix(node.partial.as_slice()) else { return };
    let node = Arc::make_mut(node);
    node.forget();
    match rest {
        [] => node.value = None,
        [nibble, rest @ ..] => {
            let children = node.children.as_mut();
            if let Some(child) = children.and_then(|children| children.get_mut(usize::from(*nibble))) {
                remove(child, rest);
            }
        }
    }
    let mut children = (0..16).filter_map(|nibble| Some((nibble, node.child(nibble)?)));
    match (children.next(), children.next()) {
        (None, _) => {
            node.children = None;
            if node.value.is_none() {
                *place = None;
            }
        }
        // A branch that leads to one node only, and to no value, is one with that node.
        (Some((nibble, child)), None) if node.value.is_none() => {
            let child = Arc::clone(child);
            node.partial.push(nibble);
            node.partial.extend(&child.partial);
            node.value = child.value.clone();
            node.children = child.children.clone();
        }
        _ => {}
    }
}

/// Walks the keys in order.
struct Search {
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    most: usize,
    /// Nibbles from the root to here.
    path: Vec<u8>,
    found: Vec<Vec<u8>>,
}

impl Search {
    fn below(&mut self, node: &Node) {
        let above = self.path.len();
        self.path.extend(&node.partial);
        if self.leads_on() {
            if node.value.is_some() && self.is_wanted() {
                self.found.push(
                    self.path.chunks(2).map(|pair| pair.iter().fold(0, |byte, n| byte << 4 | n)).collect(),
                );
            }
            for nibble in 0..16 {
                if let Some(child) = node.child(nibble).filter(|_| self.found.len() < self.most) {
                    self.path.push(nibble);
                    self.below(child);
                    self.path.pop();
                }
            }
        }
        self.path.truncate(above);
    }

    /// Whether there may be wanted keys that start with the path.
    fn leads_on(&self) -> bool {
        let with_prefix = self.path.starts_with(&self.prefix) || self.prefix.starts_with(&self.path);
        with_prefix
            && self.after.as_ref().is_none_or(|after| self.path > *after || after.starts_with(&self.path))
    }

    fn is_wanted(&self) -> bool {
        self.found.len() < self.most
            && self.path.starts_with(&self.prefix)
            && self.after.as_ref().is_none_or(|after| self.path > *after)
    }
}
