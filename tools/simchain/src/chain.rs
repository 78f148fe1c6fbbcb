//! Blocks, one built on the other, and the state behind each.
//!
//! Header hashes, parent links and state roots are real, so that there are proofs of the state. Seals and roots of
//! extrinsics are not: nobody seals, and a root of extrinsics is a hash over parent and time.

use std::collections::BTreeMap;
use std::sync::Arc;

use parity_scale_codec::Encode;

use crate::finality::{self, Finality, Justification};
use crate::hash::{Hash, blake2_256};
use crate::header::{DigestItem, Header};
use crate::proving::{Proving, StateVersion};
use crate::runtime::Runtime;
use crate::storage::{Change, item_key};
use crate::system::{self, Noted};
use crate::trie::{Layout, Trie};
use crate::types::runtime::EventRecord;

/// Blocks between the head and the last final one.
pub const FINALITY_LAG: u32 = 2;

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
#[derive(Clone, Debug)]
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
    /// Nodes keep a justification of the block once it is final.
    pub is_justified: bool,
}

/// A block as it leaves the [`Producer`], with what it changed.
#[derive(Debug)]
pub struct Produced {
    /// The block.
    pub block: Block,
    /// Storage that calls, or a change of the authorities, changed.
    pub changes: Vec<Change>,
    /// All storage after it.
    pub state: Trie,
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
    state: Trie,
    next: u32,
    random_seals: bool,
    finality: Finality,
    /// Where the layout changes, the whole state is written again.
    migrate: bool,
    /// Layout in which the last block wrote.
    layout: Layout,
}

impl<I: Iterator<Item = Content>> Producer<I> {
    /// A chain that starts with the state `genesis` and the runtime `first`, and goes on with `contents`.
    pub fn new(first: Runtime, later: Vec<Runtime>, genesis: Vec<Change>, contents: I) -> Self {
        Self {
            contents,
            layout: first.layout(),
            runtime: Arc::new(first),
            later_runtimes: later.into_iter().map(Arc::new).collect::<Vec<_>>().into_iter(),
            genesis: Some(genesis),
            parent: [0; 32],
            state: Trie::default(),
            next: 0,
            random_seals: false,
            finality: Proving::default().finality(),
            migrate: false,
        }
    }

    /// What can be proven of the chain, and how. The runtimes are given with the layouts that they write.
    pub fn with_proving(mut self, proving: &Proving) -> Self {
        self.finality = proving.finality();
        self.migrate = proving.state_version == StateVersion::Migrated;
        self
    }

    /// Seals that look like signatures, instead of zeros.
    pub fn with_random_seals(mut self) -> Self {
        self.random_seals = true;
        self
    }

    /// Changes the state as a block does that the current runtime executes.
    fn write(&mut self, changes: impl Iterator<Item = Change>) {
        let before = std::mem::replace(&mut self.layout, self.runtime.layout());
        if self.migrate && self.layout != before {
            self.state.rewrite(self.layout);
        }
        for Change { key, value } in changes {
            self.state.set(self.layout, &key, value);
        }
    }

    /// The first block, which nobody wrote.
    fn genesis(&mut self, mut changes: Vec<Change>) -> Produced {
        changes.extend(self.finality.writes(0));
        let unread = system::genesis(self.runtime.spec_version);
        self.write(changes.iter().cloned().chain(unread));
        self.seal(0, None, Vec::new(), changes)
    }

    fn block(&mut self, content: Content) -> Produced {
        let Content { time_ms, records, mut changes, upgrade } = content;
        let slot = time_ms / self.runtime.block_time_ms();
        let events = self.runtime.encode_events(&records);
        let next_runtime = if upgrade { self.later_runtimes.next() } else { None };
        let mut logs = vec![DigestItem::slot(slot)];
        logs.extend(self.finality.log(self.next));
        logs.extend(next_runtime.as_ref().map(|_| DigestItem::RuntimeEnvironmentUpdated));
        changes.extend(self.finality.writes(self.next));
        let noted = Noted {
            number: self.next,
            parent: self.parent,
            slot,
            events: u32::try_from(records.len()).unwrap_or(u32::MAX),
            logs: &logs,
        };
        let own = [
            Change { key: item_key("System", "Events"), value: Some(events.clone()) },
            Change::plain("Timestamp", "Now", &time_ms),
        ];
        self.write(changes.iter().cloned().chain(system::writes(&noted)).chain(own));
        self.runtime = next_runtime.unwrap_or_else(|| Arc::clone(&self.runtime));
        logs.push(if self.random_seals { DigestItem::seal_of(self.parent) } else { DigestItem::seal() });
        self.seal(time_ms, Some(events), logs, changes)
    }

    /// Puts the header on a block.
    fn seal(
        &mut self,
        time_ms: u64,
        events: Option<Vec<u8>>,
        digest: Vec<DigestItem>,
        changes: Vec<Change>,
    ) -> Produced {
        let header = Header {
            parent_hash: self.parent,
            number: self.next,
            state_root: self.state.root(),
            extrinsics_root: blake2_256(&(b"extrinsics", self.parent, time_ms).encode()),
            digest,
        };
        let hash = header.hash();
        let is_justified = self.finality.is_justified(self.next);
        self.parent = hash;
        self.next = self.next.saturating_add(1);
        let block = Block { header, hash, time_ms, events, runtime: Arc::clone(&self.runtime), is_justified };
        Produced { block, changes, state: self.state.clone() }
    }
}

impl<I: Iterator<Item = Content>> Iterator for Producer<I> {
    type Item = Produced;

    fn next(&mut self) -> Option<Produced> {
        match self.genesis.take() {
            Some(changes) => Some(self.genesis(changes)),
            None => self.contents.next().map(|content| self.block(content)),
        }
    }
}

/// A chain held in memory: every block, and the state after it.
#[derive(Debug)]
pub struct Chain {
    blocks: Vec<Block>,
    heights: BTreeMap<Hash, u32>,
    states: Vec<Trie>,
}

impl Chain {
    /// Keeps everything that a producer builds.
    pub fn collect(producer: impl Iterator<Item = Produced>) -> Self {
        let mut chain = Self { blocks: Vec::new(), heights: BTreeMap::new(), states: Vec::new() };
        for Produced { block, state, .. } in producer {
            chain.heights.insert(block.hash, block.header.number);
            chain.blocks.push(block);
            chain.states.push(state);
        }
        chain
    }

    /// A chain which shares the blocks below `height` with this one, and then goes another way: every later
    /// block has another hash, with the same events and the same state.
    pub fn fork(&self, height: u32) -> Chain {
        let mut parent = [0; 32];
        let fork = |block: &Block| {
            let mut block = block.clone();
            if block.header.number >= height {
                block.header.parent_hash = parent;
                block.header.extrinsics_root = blake2_256(&(b"fork", block.header.extrinsics_root).encode());
                block.hash = block.header.hash();
            }
            parent = block.hash;
            block
        };
        let blocks: Vec<Block> = self.blocks.iter().map(fork).collect();
        let heights = blocks.iter().map(|block| (block.hash, block.header.number)).collect();
        Chain { blocks, heights, states: self.states.clone() }
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

    /// The last final block.
    pub fn finalized(&self) -> Option<&Block> {
        self.block(self.head()?.header.number.saturating_sub(FINALITY_LAG))
    }

    /// The justification of a block, if nodes keep one: of the last final block they have it in any case.
    pub fn justification(&self, block: &Block) -> Option<Justification> {
        let height = block.header.number;
        let finalized = self.finalized()?.header.number;
        let is_kept = height == finalized || block.is_justified && height < finalized;
        if is_kept { finality::justify(self, block) } else { None }
    }

    /// Height of the block with this hash.
    pub fn height(&self, hash: &Hash) -> Option<u32> {
        self.heights.get(hash).copied()
    }

    /// The state after the block at a height.
    pub fn state(&self, height: u32) -> Option<&Trie> {
        self.states.get(usize::try_from(height).ok()?)
    }

    /// Value of a key in the state after a block.
    pub fn value(&self, key: &[u8], height: u32) -> Option<Vec<u8>> {
        self.state(height)?.get(key).map(<[u8]>::to_vec)
    }
}
