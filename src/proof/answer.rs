//! The answer of a chain node that is asked to prove keys (`state_getReadProof`): a list of nodes in any order.

use std::collections::BTreeMap;

use super::{
    Error, Layout, Result, nibbles,
    node::{Child, Node, Value},
};
use crate::archive::{Hash, header::blake2_256};

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
    let mut answer = Answer::new(layout, nodes)?;
    let found: Vec<_> = keys.iter().map(|key| answer.value(root, key)).collect();
    let stray = answer.stray();
    let found = found.into_iter().collect::<Result<Vec<_>>>().map_err(|error| match error {
        Error::Missing { node, key, .. } => Error::Missing { node, key, stray: stray.len() },
        other => other,
    })?;
    match stray.first() {
        Some(&node) => Err(Error::Extra { node }),
        None => Ok(found),
    }
}

/// Nodes of a proof by their hashes.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    layout: Layout,
    nodes: BTreeMap<Hash, Given<'a>>,
}

#[derive(Debug)]
struct Given<'a> {
    bytes: &'a [u8],
    used: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(layout: Layout, nodes: &'a [Vec<u8>]) -> Result<Answer<'a>> {
        let mut given = BTreeMap::new();
        for bytes in nodes {
            let node = blake2_256(&[bytes]);
            if given.insert(node, Given { bytes, used: false }).is_some() {
                return Err(Error::Twice { node });
            }
        }
        Ok(Answer { layout, nodes: given })
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
                    self.take(&hash, key)?.to_vec()
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

    /// Hashes of the nodes that were on the way to no key so far.
    fn stray(&self) -> Vec<Hash> {
        self.nodes.iter().filter(|(_, given)| !given.used).map(|(hash, _)| *hash).collect()
    }

    fn resolve(&mut self, value: Value, key: &[u8]) -> Result<Vec<u8>> {
        match value {
            Value::Inline(bytes) => Ok(bytes),
            Value::Hashed(hash) => self.take(&hash, key).map(<[u8]>::to_vec),
        }
    }

    pub(super) fn take(&mut self, node: &Hash, key: &[u8]) -> Result<&'a [u8]> {
        let given = self.nodes.get_mut(node).ok_or_else(|| Error::Missing {
            node: *node,
            key: key.to_vec(),
            stray: 0,
        })?;
        given.used = true;
        Ok(given.bytes)
    }
}
