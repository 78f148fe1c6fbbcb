//! Blocks on their way into a chunk. A chunk of a busy chain has more than 60 MB of events; an exporter that holds one
//! while it writes another keeps them compressed.

use std::{borrow::Cow, slice::Iter};

use super::{Error, Hash, Result};

/// Bytes of events that are compressed together.
const PACK_BYTES: usize = 512 << 10;
/// Level of zstd: the fastest one makes a quarter of events.
const LEVEL: i32 = 1;

/// One block; its number, parent and hash follow from its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Root of the storage trie after the block.
    pub state_root: Hash,
    /// Root of the trie of its extrinsics.
    pub extrinsics_root: Hash,
    /// SCALE bytes of the header's digest: a compact count, then the log items.
    pub digest: Vec<u8>,
    /// `Timestamp.Now` in milliseconds; 0 for genesis, which has none.
    pub time_ms: u64,
    /// `System.Events` as the node gave it; empty for genesis, which has none.
    pub events: Vec<u8>,
}

/// What is known of a block beside its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) state_root: Hash,
    pub(super) extrinsics_root: Hash,
    pub(super) digest: Vec<u8>,
    pub(super) time_ms: u64,
    pub(super) events_len: usize,
}

/// Consecutive blocks, in a fraction of the memory that their events would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    heads: Vec<Head>,
    packs: Vec<Pack>,
    /// Events that no pack holds yet.
    open: Vec<u8>,
}

/// The events of some blocks, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pack {
    Compressed { bytes: Vec<u8>, len: usize },
    Plain(Vec<u8>),
}

impl Blocks {
    /// Appends a block.
    pub fn push(&mut self, block: Block) {
        let Block { state_root, extrinsics_root, digest, time_ms, events } = block;
        if !self.open.is_empty() && self.open.len().saturating_add(events.len()) > PACK_BYTES {
            self.packs.push(Pack::of(&self.open));
            self.open.clear();
        }
        self.open.extend_from_slice(&events);
        let events_len = events.len();
        self.heads.push(Head { state_root, extrinsics_root, digest, time_ms, events_len });
    }

    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    pub(super) fn heads(&self) -> Iter<'_, Head> {
        self.heads.iter()
    }

    /// The events of the blocks in order.
    pub(super) fn events(&self) -> Events<'_> {
        let (heads, packs) = (self.heads.iter(), self.packs.iter());
        Events { heads, packs, open: &self.open, raw: Cow::Borrowed(&[]), at: 0 }
    }
}

impl FromIterator<Block> for Blocks {
    fn from_iter<T: IntoIterator<Item = Block>>(blocks: T) -> Self {
        let mut all = Blocks::default();
        blocks.into_iter().for_each(|block| all.push(block));
        all
    }
}

impl Pack {
    /// What can not be compressed stays as it is.
    fn of(events: &[u8]) -> Pack {
        match zstd::bulk::compress(events, LEVEL) {
            Ok(mut bytes) if bytes.len() < events.len() => {
                // It was made as large as events that can not be compressed would need.
                bytes.shrink_to_fit();
                Pack::Compressed { bytes, len: events.len() }
            }
            _ => Pack::Plain(events.to_vec()),
        }
    }
}

/// Goes through the events of blocks, one pack at a time.
pub(super) struct Events<'a> {
    heads: Iter<'a, Head>,
    packs: Iter<'a, Pack>,
    open: &'a [u8],
    /// The events of the pack that is being read, and how many of its bytes were given.
    raw: Cow<'a, [u8]>,
    at: usize,
}

impl Events<'_> {
    /// The events of the next block, or none after the last one.
    ///
    /// # Errors
    /// Events that do not come back out of memory.
    pub(super) fn next_value(&mut self) -> Result<Option<&[u8]>> {
        let lost = |what: String| Error::Refused { item: "the events of a block".into(), what };
        let Some(head) = self.heads.next() else { return Ok(None) };
        // A block lies in one pack as a whole.
        if head.events_len > 0 && self.at == self.raw.len() {
            self.at = 0;
            self.raw = match self.packs.next() {
                Some(Pack::Compressed { bytes, len }) => {
                    zstd::bulk::decompress(bytes, *len).map_err(|e| lost(e.to_string()))?.into()
                }
                Some(Pack::Plain(events)) => events.into(),
                None => self.open.into(),
            };
        }
        let start = self.at;
        self.at = start.saturating_add(head.events_len);
        self.raw.get(start..self.at).map(Some).ok_or_else(|| lost("some of them are missing".into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(time_ms: u64, events: Vec<u8>) -> Block {
        Block { state_root: [1; 32], extrinsics_root: [2; 32], digest: vec![0], time_ms, events }
    }

    /// The events of all blocks, read one after the other.
    fn read(blocks: &Blocks) -> Vec<Vec<u8>> {
        let (mut events, mut all) = (blocks.events(), Vec::new());
        while let Some(value) = events.next_value().unwrap() {
            all.push(value.to_vec());
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn events_come_back_as_they_went_in(
            lengths in proptest::collection::vec(
                prop_oneof![Just(0usize), 1usize..4_000, 100_000usize..PACK_BYTES + 2],
                0..40,
            ),
            is_random in any::<bool>(),
        ) {
            let mut state = 1u64;
            let byte = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if is_random { state.to_be_bytes()[0] } else { 7 }
            };
            let mut bytes = std::iter::repeat_with(byte);
            let events: Vec<Vec<u8>> = lengths.iter().map(|n| bytes.by_ref().take(*n).collect()).collect();
            let blocks: Blocks = (0..).zip(events.clone()).map(|(at, events)| block(at, events)).collect();
            prop_assert_eq!(blocks.len(), events.len());
            prop_assert!(blocks.heads().map(|head| head.time_ms).eq(0..blocks.len() as u64));
            prop_assert!(read(&blocks) == events);
        }
    }

    #[test]
    fn events_that_repeat_take_little_memory() {
        let blocks: Blocks = (0..100).map(|at| block(at, vec![5; 50_000])).collect();
        let held: usize = blocks
            .packs
            .iter()
            .map(|pack| match pack {
                Pack::Compressed { bytes, .. } | Pack::Plain(bytes) => bytes.capacity(),
            })
            .sum();
        assert!(held + blocks.open.capacity() < 2 * PACK_BYTES, "{held}");
    }
}
