//! The short form of a proof, for who has the values already.
//!
//! A [`Claim`] says: under this prefix the state has exactly these pairs. Whoever has the pairs can compute the nodes
//! from the prefix on, so a proof needs just the nodes above. They stand in the order in which a walk in the order of the
//! keys meets them, each once, and there is no other valid form. A claim about a single value takes its whole key as the
//! prefix; a claim without pairs says that the state has no key under the prefix.

use super::{
    Error, Layout, Result,
    answer::Answer,
    build::{self, Pair},
    nibbles,
    node::{Child, Node},
};
use crate::archive::{Hash, header::blake2_256};

/// Under `prefix`, the state has exactly these pairs.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// First bytes of the keys.
    pub prefix: &'a [u8],
    /// Whole keys with their values; the keys start with the prefix and ascend strictly.
    pub pairs: &'a [(&'a [u8], &'a [u8])],
}

/// Checks claims against a state root. The prefixes ascend, and none is the start of another.
///
/// # Errors
/// [`Error::Differs`] where a claim is not what the root says, [`Error::Missing`], [`Error::Extra`] and
/// [`Error::BadNode`] for nodes.
pub fn check(layout: Layout, root: &Hash, nodes: &[&[u8]], claims: &[Claim<'_>]) -> Result<()> {
    let paths: Vec<Path<'_>> = claims.iter().map(Path::new).collect();
    let mut walk = Walk { layout, nodes: Nodes::Short(nodes), hashed: *root, paths: &paths };
    walk.root(root)?;
    match walk.nodes {
        Nodes::Short([node, ..]) => Err(Error::Extra { node: blake2_256(&[node]) }),
        _ => Ok(()),
    }
}

/// The nodes that [`check`] needs, out of the answer of a chain node that proves the claims.
///
/// # Errors
/// As [`check`], and [`Error::Twice`]; so the claims are true if there is none.
pub fn shorten(layout: Layout, root: &Hash, nodes: &[Vec<u8>], claims: &[Claim<'_>]) -> Result<Vec<Vec<u8>>> {
    let paths: Vec<Path<'_>> = claims.iter().map(Path::new).collect();
    let answer = Answer::new(layout, nodes, paths.iter().map(|path| path.prefix.clone()).collect())?;
    let nodes = Nodes::Answer { answer, short: Vec::new() };
    let mut walk = Walk { layout, nodes, hashed: *root, paths: &paths };
    walk.root(root)?;
    match walk.nodes {
        Nodes::Answer { mut answer, short } => {
            let pairs = claims.iter().flat_map(|claim| claim.pairs);
            pairs.for_each(|(_, value)| answer.use_value(value));
            answer.all_used()?;
            Ok(short)
        }
        Nodes::Short(_) => Ok(Vec::new()),
    }
}

/// All claims but one.
fn others<'c, 'p>(claims: &'c [&'p Path<'p>], one: &'c Path<'p>) -> impl Iterator<Item = &'p Path<'p>> {
    claims.iter().copied().filter(move |claim| claim.prefix != one.prefix)
}

/// Where nodes come from.
enum Nodes<'n> {
    /// A short proof: the next node is the one that is wanted, or that one is not above a prefix.
    Short(&'n [&'n [u8]]),
    /// A chain node's answer, and what of it a short proof needs.
    Answer { answer: Answer<'n>, short: Vec<Vec<u8>> },
}

/// A claim whose paths are nibbles.
struct Path<'a> {
    claim: &'a Claim<'a>,
    prefix: Vec<u8>,
    pairs: Vec<Pair<'a>>,
}

impl<'a> Path<'a> {
    fn new(claim: &'a Claim<'a>) -> Path<'a> {
        let pairs = claim.pairs.iter().map(|(key, value)| (nibbles(key), *value)).collect();
        Path { claim, prefix: nibbles(claim.prefix), pairs }
    }

    fn differs(&self) -> Error {
        Error::Differs { prefix: self.claim.prefix.to_vec() }
    }

    fn must_be_empty(&self) -> Result<()> {
        if self.pairs.is_empty() { Ok(()) } else { Err(self.differs()) }
    }
}

struct Walk<'n, 'p> {
    layout: Layout,
    nodes: Nodes<'n>,
    /// The node with a hash that is looked at, or that the one looked at is inside of.
    hashed: Hash,
    /// All claims.
    paths: &'p [Path<'p>],
}

impl Walk<'_, '_> {
    fn root(&mut self, root: &Hash) -> Result<()> {
        if *root == build::root(self.layout, &[]) {
            if let Nodes::Answer { answer, .. } = &mut self.nodes {
                answer.use_if_given(root);
            }
            return self.paths.iter().try_for_each(Path::must_be_empty);
        }
        self.below(&Child::Hash(*root), 0, &self.paths.iter().collect::<Vec<_>>())
    }

    /// Checks the claims that lead to the node `at`, whose path has `depth` nibbles without its own.
    fn below(&mut self, at: &Child, depth: usize, claims: &[&Path<'_>]) -> Result<()> {
        let Some(first) = claims.first() else { return Ok(()) };
        let (bytes, is_given) = match at {
            Child::Inline(bytes) => (bytes.clone(), false),
            Child::Hash(hash) => {
                self.hashed = *hash;
                match self.given(hash, depth, first)? {
                    Some(bytes) => (bytes, true),
                    None => return self.unseen(at, depth, claims, first),
                }
            }
        };
        let node =
            Node::decode(&bytes, self.layout).map_err(|why| Error::BadNode { node: self.hashed, why })?;
        let (partial, children) = match node {
            Node::Empty => {
                return Err(Error::BadNode { node: self.hashed, why: "it is empty, but not the root" });
            }
            Node::Leaf { partial, .. } => (partial, Box::new([const { None }; 16])),
            Node::Branch { partial, children, .. } => (partial, children),
        };
        let rest = |claim: &Path<'_>| -> Vec<u8> { claim.prefix.iter().skip(depth).copied().collect() };
        if let Some(ends) = claims.iter().find(|claim| partial.starts_with(&rest(claim))) {
            self.keep(is_given, None)?;
            others(claims, ends).try_for_each(Path::must_be_empty)?;
            return self.computed(at, depth, ends);
        }
        self.keep(is_given, Some(bytes))?;
        let below = depth.saturating_add(partial.len());
        for (nibble, child) in (0u8..).zip(children.iter()) {
            let leads_there = |claim: &&&Path<'_>| {
                rest(claim).starts_with(&partial) && claim.prefix.get(below) == Some(&nibble)
            };
            let group: Vec<&Path<'_>> = claims.iter().filter(leads_there).copied().collect();
            match child {
                Some(child) => self.below(child, below.saturating_add(1), &group)?,
                None => group.iter().try_for_each(|claim| claim.must_be_empty())?,
            }
        }
        let parts = |claim: &&&Path<'_>| !rest(claim).starts_with(&partial);
        claims.iter().filter(parts).try_for_each(|claim| claim.must_be_empty())
    }

    /// Checks the claims against a node that nobody gave: the pairs of one of them must be all that it holds.
    fn unseen(&self, at: &Child, depth: usize, claims: &[&Path<'_>], first: &Path<'_>) -> Result<()> {
        let mut full = claims.iter().filter(|claim| !claim.pairs.is_empty());
        let outcome = match (full.next(), full.next()) {
            (Some(claim), None) => self.computed(at, depth, claim),
            (None, None) if first.prefix.len() <= depth => Err(first.differs()),
            _ => Err(Error::Missing { node: self.hashed, key: first.claim.prefix.to_vec() }),
        };
        outcome.map_err(|error| self.unlike_next(depth, first).unwrap_or(error))
    }

    /// What is wrong with the next node of a short proof, if it is in the place of the one wanted.
    fn unlike_next(&self, depth: usize, claim: &Path<'_>) -> Option<Error> {
        let Nodes::Short([next, later @ ..]) = self.nodes else { return None };
        let (node, found) = (self.hashed, blake2_256(&[next]));
        let key = claim.claim.prefix.to_vec();
        if later.iter().any(|other| blake2_256(&[other]) == node) {
            return Some(Error::Extra { node: found });
        }
        let leads = |path: &Path<'_>, at| self.leads_on(next, later.first().copied(), path, at);
        let is_here = |path: &Path<'_>| path.prefix.get(..depth) == claim.prefix.get(..depth);
        if self.paths.iter().any(|path| is_here(path) && leads(path, depth)) {
            return Some(Error::Changed { node, found, key });
        }
        if (depth.saturating_add(1)..claim.prefix.len()).any(|at| leads(claim, at)) {
            return Some(Error::Missing { node, key });
        }
        let others = self.paths.iter().filter(|path| path.prefix != claim.prefix);
        let is_of_other = others.into_iter().any(|path| (0..path.prefix.len()).any(|at| leads(path, at)));
        (!is_of_other).then_some(Error::Changed { node, found, key })
    }

    /// Whether a node that stands at this depth names what follows on the path: the next node, or the one that is
    /// computed from the pairs.
    fn leads_on(&self, bytes: &[u8], next: Option<&[u8]>, path: &Path<'_>, depth: usize) -> bool {
        let Ok(Node::Branch { partial, children, .. }) = Node::decode(bytes, self.layout) else {
            return false;
        };
        let rest = path.prefix.get(depth..).and_then(|rest| rest.strip_prefix(partial.as_slice()));
        let Some([nibble, ..]) = rest else { return false };
        let Some(Some(child)) = children.get(usize::from(*nibble)) else { return false };
        let below = depth.saturating_add(partial.len()).saturating_add(1);
        let computed = || Child::to_node(build::node(self.layout, &path.pairs, below).encode());
        next.is_some_and(|next| *child == Child::Hash(blake2_256(&[next])))
            || (!path.pairs.is_empty() && *child == computed())
    }

    /// The node with this hash, if it is to be given.
    fn given(&mut self, hash: &Hash, depth: usize, claim: &Path<'_>) -> Result<Option<Vec<u8>>> {
        match &mut self.nodes {
            Nodes::Short(nodes) => match nodes {
                [node, ..] if blake2_256(&[node]) == *hash => Ok(Some(node.to_vec())),
                _ => Ok(None),
            },
            Nodes::Answer { answer, .. } => {
                let path = claim.prefix.get(depth..).unwrap_or_default();
                answer.take(hash, claim.claim.prefix, path).map(|node| Some(node.to_vec()))
            }
        }
    }

    /// Goes on to the next node; `above` is the one that was given if it is above a prefix, where alone a short proof
    /// has nodes.
    fn keep(&mut self, is_given: bool, above: Option<Vec<u8>>) -> Result<()> {
        if !is_given {
            return Ok(());
        }
        match (&mut self.nodes, above) {
            (Nodes::Short(_), None) => Err(Error::Extra { node: self.hashed }),
            (Nodes::Short(nodes), Some(_)) => {
                *nodes = nodes.split_first().map_or(&[], |(_, rest)| rest);
                Ok(())
            }
            (Nodes::Answer { short, .. }, above) => {
                short.extend(above);
                Ok(())
            }
        }
    }

    /// Checks that the node is the one that holds exactly the pairs of the claim.
    fn computed(&self, at: &Child, depth: usize, claim: &Path<'_>) -> Result<()> {
        let node = build::node(self.layout, &claim.pairs, depth).encode();
        // The root has a hash however short it is.
        let matches = match at {
            Child::Hash(hash) if depth == 0 => blake2_256(&[&node]) == *hash,
            child => Child::to_node(node) == *child,
        };
        if matches { Ok(()) } else { Err(claim.differs()) }
    }
}
