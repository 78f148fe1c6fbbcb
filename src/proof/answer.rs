//! The answer of a chain node that is asked to prove keys (`state_getReadProof`): a list of nodes in any order.

use std::collections::BTreeMap;

use super::{
    Error, Layout, Result, nibbles,
    node::{Child, LONGEST_INLINE_VALUE, Node, Value},
};
use crate::archive::{Hash, header::blake2_256};

/// Nibbles at the end of a path that a node may have by chance.
const FITS_BY_CHANCE: usize = 8;

/// The values of `keys` in the state with this root; none where the state has no such key.
///
/// `nodes` are exactly the nodes on the way to these keys, each once, and in layout V1 the values that are nodes of
/// their own.
///
/// # Errors
/// A node that is missing, there twice, of another trie, or on the way to no key.
pub fn values(
    layout: Layout,
    root: &Hash,
    nodes: &[Vec<u8>],
    keys: &[&[u8]],
) -> Result<Vec<Option<Vec<u8>>>> {
    let mut answer = Answer::new(layout, nodes, keys.iter().map(|key| nibbles(key)).collect())?;
    let found: Vec<_> = keys.iter().map(|key| answer.value(root, key)).collect();
    let found = found.into_iter().collect::<Result<Vec<_>>>()?;
    answer.all_used()?;
    Ok(found)
}

/// Nodes of a proof by their hashes.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    layout: Layout,
    nodes: BTreeMap<Hash, Given<'a>>,
    /// Paths of all keys that are to be proven.
    paths: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Given<'a> {
    bytes: &'a [u8],
    used: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(layout: Layout, nodes: &'a [Vec<u8>], paths: Vec<Vec<u8>>) -> Result<Answer<'a>> {
        let mut given = BTreeMap::new();
        for bytes in nodes {
            let node = blake2_256(&[bytes]);
            if given.insert(node, Given { bytes, used: false }).is_some() {
                return Err(Error::Twice { node });
            }
        }
        Ok(Answer { layout, nodes: given, paths })
    }

    /// The value of one key.
    fn value(&mut self, root: &Hash, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let path = nibbles(key);
        let mut left = path.as_slice();
        let mut at = Some(Child::Hash(*root));
        let mut hashed = *root;
        while let Some(child) = at {
            let bytes = match child {
                Child::Inline(bytes) => bytes,
                Child::Hash(hash) => {
                    hashed = hash;
                    self.take(&hash, key, left)?.to_vec()
                }
            };
            let node =
                Node::decode(&bytes, self.layout).map_err(|why| Error::BadNode { node: hashed, why })?;
            at = match node {
                Node::Empty => None,
                Node::Leaf { partial, value } if partial == left => {
                    return self.resolve(value, key).map(Some);
                }
                Node::Leaf { .. } => None,
                Node::Branch { partial, value, mut children } => {
                    match left.strip_prefix(partial.as_slice()) {
                        None => None,
                        Some([]) => return value.map(|value| self.resolve(value, key)).transpose(),
                        Some([nibble, rest @ ..]) => {
                            left = rest;
                            children.get_mut(usize::from(*nibble)).and_then(Option::take)
                        }
                    }
                }
            };
        }
        Ok(None)
    }

    /// Whether every node was on the way to a key.
    pub(super) fn all_used(&self) -> Result<()> {
        match self.nodes.iter().find(|(_, given)| !given.used) {
            Some((node, _)) => Err(Error::Extra { node: *node }),
            None => Ok(()),
        }
    }

    fn resolve(&mut self, value: Value, key: &[u8]) -> Result<Vec<u8>> {
        match value {
            Value::Inline(bytes) => Ok(bytes),
            Value::Hashed(hash) => self.take(&hash, key, &[]).map(<[u8]>::to_vec),
        }
    }

    /// The node with this hash, which is on the way to a key of which `path` is left.
    pub(super) fn take(&mut self, node: &Hash, key: &[u8], path: &[u8]) -> Result<&'a [u8]> {
        let Some(given) = self.nodes.get_mut(node) else { return Err(self.lacks(node, key, path)) };
        given.used = true;
        Ok(given.bytes)
    }

    /// A value that is a node of its own counts as used where somebody has it already.
    pub(super) fn use_value(&mut self, value: &[u8]) {
        if self.layout == Layout::V1 && value.len() > LONGEST_INLINE_VALUE {
            self.use_if_given(&blake2_256(&[value]));
        }
    }

    /// A node counts as used if it is there.
    pub(super) fn use_if_given(&mut self, node: &Hash) {
        if let Some(given) = self.nodes.get_mut(node) {
            given.used = true;
        }
    }

    /// What became of a node that is not there, as far as the others show it. One that no other node names stands in
    /// its place, unless it goes on further down the way to a key: then it is below the one that is missing. So may be what
    /// leads nowhere in layout V1, where long values are given without a node around them.
    fn lacks(&self, node: &Hash, key: &[u8], path: &[u8]) -> Error {
        let is_orphan = |hash: &Hash| {
            !self.nodes.values().any(|other| other.bytes.windows(hash.len()).any(|bytes| bytes == hash))
        };
        let is_below = |bytes: &[u8]| {
            let further = |path: &Vec<u8>| {
                let rests = (1..path.len()).filter_map(|at| path.get(at..));
                rests.take_while(|rest| rest.len() > FITS_BY_CHANCE).any(|rest| self.goes_on(bytes, rest))
            };
            !self.goes_on(bytes, path) && self.paths.iter().any(further)
        };
        let may_be_value = |bytes: &[u8]| {
            self.layout == Layout::V1 && bytes.len() > LONGEST_INLINE_VALUE && !self.goes_on(bytes, path)
        };
        let is_changed = |hash: &Hash, given: &Given<'_>| {
            !given.used && is_orphan(hash) && !is_below(given.bytes) && !may_be_value(given.bytes)
        };
        let changed = self.nodes.iter().find(|(hash, given)| is_changed(hash, given));
        let (node, key) = (*node, key.to_vec());
        match changed {
            Some((found, _)) => Error::Changed { node, found: *found, key },
            None => Error::Missing { node, key },
        }
    }

    /// Whether a node and those below it lead along a path to its end.
    fn goes_on(&self, bytes: &[u8], path: &[u8]) -> bool {
        match Node::decode(bytes, self.layout) {
            Err(_) | Ok(Node::Empty) => false,
            Ok(Node::Leaf { partial, .. } | Node::Branch { partial, .. }) if partial.starts_with(path) => {
                true
            }
            Ok(Node::Leaf { .. }) => false,
            Ok(Node::Branch { partial, children, .. }) => {
                let Some([nibble, rest @ ..]) = path.strip_prefix(partial.as_slice()) else { return false };
                match children.get(usize::from(*nibble)) {
                    Some(Some(Child::Inline(bytes))) => self.goes_on(bytes, rest),
                    Some(Some(Child::Hash(hash))) => {
                        self.nodes.get(hash).is_some_and(|given| self.goes_on(given.bytes, rest))
                    }
                    _ => false,
                }
            }
        }
    }
}
