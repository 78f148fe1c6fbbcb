//! Do the chunks follow each other? Hashes of headers say so, and hashes of some blocks are named by the run receipt.

use std::collections::BTreeMap;

use super::{Error, Located, Piece, Result, SavedState, Source, saved::SavedHead};
use crate::archive::{ChunkBody, Hash};

/// What the hashes of a chunk say.
#[derive(Debug, Default)]
pub struct Linked {
    /// First block that counts.
    first_block: u32,
    /// Hash of the block before it.
    pub parent: Hash,
    /// Hash of the last block that counts.
    pub last_hash: Hash,
    /// Height and hash of the blocks that the run receipt names.
    marked: Vec<(u32, Hash)>,
}

/// Hashes that the run receipt names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// That of the first block.
    pub first: Hash,
    /// That of the last block of the period itself.
    pub last: Hash,
    /// That of the last block of the window after it.
    pub window_last: Hash,
    /// That of the block whose state is the one of the end.
    pub end_state: Hash,
}

impl Marks {
    /// The hash of a block that the run receipt names; none of others.
    pub fn of(&self, height: u32, located: &Located) -> Option<Hash> {
        let named = [
            (Some(located.first_block), self.first),
            (Some(located.last_block), self.last),
            (Some(located.window_last), self.window_last),
            (located.end_state, self.end_state),
        ];
        named.into_iter().find(|(block, _)| *block == Some(height)).map(|(_, hash)| hash)
    }
}

/// Hashes the headers of some chunks, side by side, and checks each against the manifest of its archive.
pub fn link(source: &Source, located: &Located, pieces: &[(&Piece, &ChunkBody)]) -> Vec<Result<Linked>> {
    let linked = |((piece, chunk), hashes): (&(&Piece, &ChunkBody), Result<Vec<Hash>>)| {
        let hashes = hashes?;
        let mut linked =
            Linked { first_block: piece.first, parent: *chunk.parent_hash(), ..Linked::default() };
        for (height, hash) in (chunk.first()..=piece.last).zip(&hashes) {
            if height < piece.first {
                linked.parent = *hash;
                continue;
            }
            linked.last_hash = *hash;
            if located.named().contains(&height) {
                linked.marked.push((height, *hash));
            }
        }
        Ok(linked)
    };
    pieces.iter().zip(source.link(pieces)).map(linked).collect()
}

/// Takes linked chunks as they come, and looks at them in the order of the chain.
#[derive(Debug)]
pub struct Chain {
    located: Located,
    /// The chunk to be looked at next.
    next: usize,
    /// Chunks that wait for their turn.
    waiting: BTreeMap<usize, Linked>,
    /// Hash of the last block so far.
    before: Option<Hash>,
    /// Hashes that the run receipt names.
    pub marks: Marks,
}

impl Chain {
    /// Before the first chunk, which follows the block with the hash `before` if that is known.
    pub fn new(located: &Located, before: Option<Hash>) -> Chain {
        Chain { located: *located, next: 0, waiting: BTreeMap::new(), before, marks: Marks::default() }
    }

    /// Before the first chunk behind a saved state.
    pub fn resume(located: &Located, saved: &SavedState) -> Chain {
        let SavedHead { block, first, last, .. } = &saved.head;
        let of_window = located.window_last == block.height;
        let marks = Marks {
            first: first.hash.0,
            last: last.map_or([0; 32], |last| last.hash.0),
            window_last: if of_window { block.hash.0 } else { [0; 32] },
            end_state: [0; 32],
        };
        Chain { marks, ..Chain::new(located, Some(block.hash.0)) }
    }

    /// Takes the chunk at a place. Gives an error, and the place of its chunk, if one does not follow the one before it.
    pub fn take(&mut self, place: usize, linked: Linked) -> Option<(usize, Error)> {
        self.waiting.insert(place, linked);
        while let Some(linked) = self.waiting.remove(&self.next) {
            if self.before.is_some_and(|before| before != linked.parent) {
                let what = format!("block {} does not follow the one before it", linked.first_block);
                return Some((self.next, Error::Apart(what)));
            }
            self.before = Some(linked.last_hash);
            self.mark(&linked.marked);
            self.next += 1;
        }
        None
    }

    fn mark(&mut self, marked: &[(u32, Hash)]) {
        for (height, hash) in marked {
            if *height == self.located.first_block {
                self.marks.first = *hash;
            }
            if *height == self.located.last_block {
                self.marks.last = *hash;
            }
            if *height == self.located.window_last {
                self.marks.window_last = *hash;
            }
            if Some(*height) == self.located.end_state {
                self.marks.end_state = *hash;
            }
        }
    }
}
