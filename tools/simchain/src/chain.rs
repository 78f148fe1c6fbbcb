//! Blocks, one built on the other, and the state behind each.
//!
//! Header hashes and parent links are real. Signatures and roots are not: nobody signs, and a root of
//! extrinsics is a hash over parent and time. As for state roots, until the chain has a trie, a root is a
//! hash over the root before it and everything the block changed, so that it pins the state down but proves
//! nothing about a single key.

use std::collections::BTreeMap;
use std::sync::Arc;

use parity_scale_codec::Encode;

use crate::hash::{Hash, blake2_256};
use crate::header::{DigestItem, Header};
use crate::runtime::Runtime;
use crate::storage::{Change, History, item_key};
use crate::types::runtime::EventRecord;

/// What happens in a block, before it has a header.
#[derive(Debug, Default)]
pub struct Content {
    /// Timestamp, milliseconds since the epoch.
    pub time_ms: u64,
    /// Events in order.
    pub records: Vec<EventRecord>,
    /// Storage that the block changes.
    pub changes: Vec<Change>,
    /// The block sets new code: its state, and the blocks behind it, have the next runtime.
    pub upgrade: bool,
}

/// A block.
#[derive(Debug)]
pub struct Block {
    /// Header.
    pub header: Header,
    /// Hash of the header.
    pub hash: Hash,
    /// Timestamp, milliseconds since the epoch; zero for genesis, which has none.
    pub time_ms: u64,
    /// Raw `System.Events`, encoded by the runtime of the parent; none for genesis.
    pub events: Option<Vec<u8>>,
    /// The runtime of the state after the block.
    pub runtime: Arc<Runtime>,
}

/// A block as it leaves the [`Producer`], with what it changed.
#[derive(Debug)]
pub struct Produced {
    /// The block.
    pub block: Block,
    /// Storage that it changed.
    pub changes: Vec<Change>,
}

/// Builds blocks one on the other and keeps none of them.
#[derive(Debug)]
pub struct Producer<I> {
    contents: I,
    runtime: Arc<Runtime>,
    later_runtimes: std::vec::IntoIter<Arc<Runtime>>,
    /// State of genesis while it is to be given out.
    genesis: Option<Vec<Change>>,
    parent: Hash,
    state: Hash,
    next: u32,
    random_seals: bool,
}

impl<I: Iterator<Item = Content>> Producer<I> {
    /// A chain that starts with the state `genesis` and the runtime `first`, and goes on with `contents`.
    pub fn new(first: Runtime, later: Vec<Runtime>, genesis: Vec<Change>, contents: I) -> Self {
        Self {
            contents,
            runtime: Arc::new(first),
            later_runtimes: later.into_iter().map(Arc::new).collect::<Vec<_>>().into_iter(),
            genesis: Some(genesis),
            parent: [0; 32],
            state: [0; 32],
            next: 0,
            random_seals: false,
        }
    }

    /// Seals that look like signatures, instead of zeros.
    pub fn with_random_seals(mut self) -> Self {
        self.random_seals = true;
        self
    }

    fn seal(&mut self, time_ms: u64, events: Option<Vec<u8>>, upgrade: bool, changes: &[Change]) -> Block {
        self.state = state_root(self.state, events.as_deref(), changes);
        let extrinsics_root = blake2_256(&(b"extrinsics", self.parent, time_ms).encode());
        let mut digest = Vec::new();
        if self.next > 0 {
            digest.push(DigestItem::slot(time_ms / self.runtime.block_time_ms()));
        }
        if upgrade && let Some(next) = self.later_runtimes.next() {
            self.runtime = next;
            digest.push(DigestItem::RuntimeEnvironmentUpdated);
        }
        if self.next > 0 {
            digest.push(if self.random_seals {
                DigestItem::seal_of(self.parent)
            } else {
                DigestItem::seal()
            });
        }
        let header = Header {
            parent_hash: self.parent,
            number: self.next,
            state_root: self.state,
            extrinsics_root,
            digest,
        };
        let hash = header.hash();
        self.parent = hash;
        self.next = self.next.saturating_add(1);
        Block { header, hash, time_ms, events, runtime: Arc::clone(&self.runtime) }
    }
}

impl<I: Iterator<Item = Content>> Iterator for Producer<I> {
    type Item = Produced;

    fn next(&mut self) -> Option<Produced> {
        if let Some(changes) = self.genesis.take() {
            let block = self.seal(0, None, false, &changes);
            return Some(Produced { block, changes });
        }
        let content = self.contents.next()?;
        let events = self.runtime.encode_events(&content.records);
        let block = self.seal(content.time_ms, Some(events), content.upgrade, &content.changes);
        Some(Produced { block, changes: content.changes })
    }
}

fn state_root(before: Hash, events: Option<&[u8]>, changes: &[Change]) -> Hash {
    let mut bytes = before.to_vec();
    events.encode_to(&mut bytes);
    for change in changes {
        change.key.encode_to(&mut bytes);
        change.value.encode_to(&mut bytes);
    }
    blake2_256(&bytes)
}

/// A chain held in memory: every block, and every value of every key.
#[derive(Debug)]
pub struct Chain {
    blocks: Vec<Block>,
    heights: BTreeMap<Hash, u32>,
    history: History,
    events_key: Vec<u8>,
    time_key: Vec<u8>,
}

impl Chain {
    /// Keeps everything that a producer builds.
    pub fn collect(producer: impl Iterator<Item = Produced>) -> Self {
        let mut chain = Self {
            blocks: Vec::new(),
            heights: BTreeMap::new(),
            history: History::default(),
            events_key: item_key("System", "Events"),
            time_key: item_key("Timestamp", "Now"),
        };
        for Produced { block, changes } in producer {
            let height = block.header.number;
            for change in changes {
                chain.history.record(height, change);
            }
            chain.heights.insert(block.hash, height);
            chain.blocks.push(block);
        }
        chain
    }

    /// Blocks from genesis on.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The block at a height.
    pub fn block(&self, height: u32) -> Option<&Block> {
        self.blocks.get(usize::try_from(height).ok()?)
    }

    /// The last block.
    pub fn head(&self) -> Option<&Block> {
        self.blocks.last()
    }

    /// Height of the block with this hash.
    pub fn height(&self, hash: &Hash) -> Option<u32> {
        self.heights.get(hash).copied()
    }

    /// Value of a key in the state after a block.
    pub fn value(&self, key: &[u8], height: u32) -> Option<Vec<u8>> {
        if key == self.events_key {
            return self.block(height)?.events.clone();
        }
        if key == self.time_key {
            return self.block(height).filter(|block| block.time_ms > 0).map(|block| block.time_ms.encode());
        }
        self.history.value(key, height).map(<[u8]>::to_vec)
    }

    /// Keys with a prefix that have a value in the state after a block, in byte order, behind `after`.
    ///
    /// `System.Events` and `Timestamp.Now` are not among them.
    pub fn keys<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        height: u32,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.history.keys(prefix, after, height)
    }
}
