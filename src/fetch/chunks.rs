//! Puts pieces together into chunks. Pieces come from several endpoints, and must link.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::blocks::{Piece, Pieces};
use super::error::Error;
use super::node::Chain;
use super::runtimes::Runtimes;
use crate::archive::{BlockProofs, Blocks, Chunk, Hash, Sample};

/// Who gave which blocks: place of the endpoint by first block of a piece. Blocks of earlier runs are not in it.
pub(super) type Givers = BTreeMap<u32, usize>;

/// The chunks of an export, in order.
pub(super) struct Chunks<'a> {
    chain: &'a Chain,
    runtimes: &'a Runtimes,
    pieces: Pieces,
    before: Option<Before>,
}

/// The end of the piece before.
#[derive(Clone, Copy)]
struct Before {
    last: u32,
    hash: Hash,
    time_ms: u64,
    giver: usize,
}

impl<'a> Chunks<'a> {
    /// The chunks with these first and last heights, and proofs of the blocks of the sample.
    pub(super) fn of(
        chain: &'a Arc<Chain>,
        runtimes: &'a Arc<Runtimes>,
        sample: Option<Sample>,
        ranges: Vec<(u32, u32)>,
    ) -> Chunks<'a> {
        Chunks { chain, runtimes, pieces: Pieces::of(chain, runtimes, sample, ranges), before: None }
    }

    /// The next chunk, which has the blocks from `first` to `last`, and its proofs; notes who gave them.
    ///
    /// # Errors
    /// [`Error::Apart`] if its pieces do not link; whatever an endpoint does wrong.
    pub(super) async fn next_of(
        &mut self,
        first: u32,
        last: u32,
        givers: &mut Givers,
    ) -> Result<(Chunk, BlockProofs), Error> {
        let genesis = self.chain.genesis;
        let mut chunk: Option<Chunk> = None;
        let mut proofs = Vec::new();
        loop {
            let next = self.pieces.next().await;
            let piece = next.ok_or(Error::Internal("there are fewer blocks than planned"))??;
            let end = self.follow(&piece)?;
            givers.insert(piece.first, piece.giver);
            let chunk = chunk.get_or_insert_with(|| Chunk {
                genesis,
                first,
                parent_hash: piece.parent_hash,
                blocks: Blocks::default(),
                spans: Vec::new(),
            });
            self.chain.pool.progress().advance(u64::try_from(piece.blocks.len())?);
            piece.blocks.into_iter().for_each(|block| chunk.blocks.push(block));
            proofs.extend(piece.proofs);
            if end >= last {
                break;
            }
        }
        let mut chunk = chunk.ok_or(Error::Internal("a chunk has no blocks"))?;
        chunk.spans = self.runtimes.spans(first, last)?;
        let last_hash = self.before.map(|before| before.hash).unwrap_or_default();
        Ok((chunk, BlockProofs { genesis, first, last, last_hash, proofs }))
    }

    /// Makes sure that a piece follows the one before, if that has the blocks before it; says which is its last block.
    fn follow(&mut self, piece: &Piece) -> Result<u32, Error> {
        let (Some(oldest), Some(newest)) = (piece.blocks.first(), piece.blocks.last()) else {
            return Err(Error::Internal("a piece has no blocks"));
        };
        if let Some(before) = self.before.filter(|before| before.last + 1 == piece.first)
            && (before.hash != piece.parent_hash || before.time_ms >= oldest.time_ms)
        {
            let name = |index| self.chain.pool.name(index).to_string();
            let (first, second) = (name(before.giver), name(piece.giver));
            return Err(Error::Apart { block: piece.first, first, second });
        }
        let last = piece.first + (u32::try_from(piece.blocks.len())? - 1);
        let (hash, time_ms, giver) = (piece.last_hash, newest.time_ms, piece.giver);
        self.before = Some(Before { last, hash, time_ms, giver });
        Ok(last)
    }
}
