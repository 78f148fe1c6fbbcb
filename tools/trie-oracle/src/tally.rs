//! How much was compared, and which cases were among it.

use std::fmt;

use minting::proof::Layout;
use minting::proof::build::{self, Pair};
use minting::proof::node::{Child, Node, Value};

use crate::state::State;

/// Rounds after which every case must have come up.
const ENOUGH: u64 = 100;

/// How much was compared.
#[derive(Debug, Default)]
pub struct Tally {
    /// Roots.
    pub roots: u64,
    /// Whole proofs that are true.
    pub proofs: u64,
    /// Proofs that are not, or not quite.
    pub tampered: u64,
    /// Claims about prefixes, true and false.
    pub claims: u64,
    /// What the states had.
    pub seen: Seen,
}

impl Tally {
    /// Comparing what never comes up shows nothing: the cases that did not, if there were rounds enough.
    pub fn lacks(&self, rounds: u64) -> Vec<&'static str> {
        let missing = self.seen.cases().into_iter().filter(|(_, count)| *count == 0 && rounds >= ENOUGH);
        missing.map(|(name, _)| name).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { roots, proofs, tampered, claims, seen } = self;
        write!(
            f,
            "{roots} roots, {proofs} proofs, {tampered} tampered ones, {claims} claims about prefixes;"
        )?;
        write!(f, " among them {}", seen.cases().map(|(name, count)| format!("{count} {name}")).join(", "))
    }
}

/// How often the states had what is easily done wrong.
#[derive(Debug, Default)]
pub struct Seen {
    empty_tries: u64,
    inline_nodes: u64,
    hashed_values: u64,
    valued_branches: u64,
    hashed_branches: u64,
    empty_values: u64,
    /// Of 31, 32 and 33 bytes.
    around: [u64; 3],
    prefixes: u64,
}

impl Seen {
    fn cases(&self) -> [(&'static str, u64); 10] {
        [
            ("empty tries", self.empty_tries),
            ("inline nodes", self.inline_nodes),
            ("hashed values", self.hashed_values),
            ("branches with a value", self.valued_branches),
            ("branches with a hashed value", self.hashed_branches),
            ("empty values", self.empty_values),
            ("values of 31 bytes", self.around[0]),
            ("values of 32 bytes", self.around[1]),
            ("values of 33 bytes", self.around[2]),
            ("keys that begin the next one", self.prefixes),
        ]
    }

    /// Counts what a state has in a layout.
    pub fn look_at(&mut self, layout: Layout, state: &State) {
        self.empty_tries += u64::from(state.is_empty());
        for value in state.values() {
            self.empty_values += u64::from(value.is_empty());
            for (length, count) in (31..).zip(&mut self.around) {
                *count += u64::from(value.len() == length);
            }
        }
        let next = state.keys().skip(1);
        let begins = state.keys().zip(next).filter(|(key, next)| next.starts_with(key)).count();
        self.prefixes += u64::try_from(begins).unwrap_or(u64::MAX);
        let nibbles = |key: &Vec<u8>| key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
        let pairs: Vec<Pair<'_>> = state.iter().map(|(key, value)| (nibbles(key), &value[..])).collect();
        self.below(layout, &pairs, 0);
    }

    fn below(&mut self, layout: Layout, pairs: &[Pair<'_>], depth: usize) {
        let node = build::node(layout, pairs, depth);
        let is_hashed = matches!(node.value(), Some(Value::Hashed(_)));
        self.hashed_values += u64::from(is_hashed);
        let Node::Branch { partial, value, children } = node else { return };
        self.valued_branches += u64::from(value.is_some());
        self.hashed_branches += u64::from(is_hashed);
        let inline = children.iter().filter(|child| matches!(child, Some(Child::Inline(_)))).count();
        self.inline_nodes += u64::try_from(inline).unwrap_or(u64::MAX);
        let below = depth + partial.len();
        for group in pairs.chunk_by(|(a, _), (b, _)| a.get(below) == b.get(below)) {
            if group[0].0.len() > below {
                self.below(layout, group, below + 1);
            }
        }
    }
}
