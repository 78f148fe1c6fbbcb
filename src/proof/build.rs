//! Builds nodes from keys and values: what a part of the trie must be if it has exactly these pairs.

use super::{
    Layout,
    node::{Child, Node, Value},
};
use crate::archive::{Hash, header::blake2_256};

/// Key as nibbles, and value.
pub type Pair<'a> = (Vec<u8>, &'a [u8]);

/// Root of the trie with exactly these pairs, whose keys ascend strictly.
pub fn root(layout: Layout, pairs: &[(&[u8], &[u8])]) -> Hash {
    let pairs: Vec<Pair<'_>> = pairs.iter().map(|(key, value)| (super::nibbles(key), *value)).collect();
    blake2_256(&[&node(layout, &pairs, 0).encode()])
}

/// The node that holds these pairs, whose keys ascend strictly and share their first `depth` nibbles.
pub fn node(layout: Layout, pairs: &[Pair<'_>], depth: usize) -> Node {
    let (Some((first, value)), Some((last, _))) = (pairs.first(), pairs.last()) else { return Node::Empty };
    let rest = first.get(depth..).unwrap_or_default();
    if pairs.len() == 1 {
        return Node::Leaf { partial: rest.to_vec(), value: Value::new(layout, value) };
    }
    let shared = rest.iter().zip(last.get(depth..).unwrap_or_default()).take_while(|(a, b)| a == b).count();
    let below = depth.saturating_add(shared);
    let mut ending = None;
    let mut children = Box::new([const { None }; 16]);
    for group in pairs.chunk_by(|(a, _), (b, _)| a.get(below) == b.get(below)) {
        let Some((path, value)) = group.first() else { continue };
        match path.get(below) {
            None => ending = Some(Value::new(layout, value)),
            Some(nibble) => {
                if let Some(child) = children.get_mut(usize::from(*nibble)) {
                    *child = Some(Child::to_node(node(layout, group, below.saturating_add(1)).encode()));
                }
            }
        }
    }
    let partial = rest.iter().take(shared).copied().collect();
    Node::Branch { partial, value: ending, children }
}
