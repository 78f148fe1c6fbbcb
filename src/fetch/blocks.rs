//! Reads a run of blocks, and believes nothing that does not hash, link and decode.
//!
//! Blocks are read in pieces, each from one endpoint, so that a piece never mixes what two endpoints say. Many
//! pieces are in flight at once; they are handed out in the order of the chain.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::client::Call;
use super::error::Error;
use super::failure::{Failure, wrong};
use super::node::{Chain, time_of};
use super::pool::Peer;
use super::proofs;
use super::runtimes::{Runtimes, parent};
use super::wire::{self, Header, Wrong};
use crate::archive::{Block, BlockProof, Hash, Sample};
use crate::chain::keys;
use crate::proof::held;

/// Blocks of a piece: one call for their hashes is a small part of what they cost.
pub(super) const PIECE_BLOCKS: u32 = 100;
/// Bytes of events that may be in flight. On the way each of them takes some times its memory, as hex and as JSON.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;
/// How often contents are asked for again whose times contradict each other.
const TRIES_OF_CONTENTS: u32 = 5;

/// Consecutive blocks, as one endpoint gives them.
pub(super) struct Piece {
    pub(super) first: u32,
    pub(super) parent_hash: Hash,
    pub(super) last_hash: Hash,
    pub(super) blocks: Vec<Block>,
    /// Proofs of those of them that are of the sample.
    pub(super) proofs: Vec<BlockProof>,
    /// Who gave them, by its place among the endpoints.
    pub(super) giver: usize,
}

/// Events and time of a block.
pub(super) type Contents = (Vec<u8>, u64);

/// What one call of a piece gives.
enum Part {
    Header(Header),
    Contents(Contents),
    Proof(Vec<Vec<u8>>),
}

/// What a call of a piece asks for.
#[derive(Clone, Copy)]
enum Asked {
    Header,
    Contents,
    Proof,
}

/// The pieces of some runs of blocks: several in flight, given in order.
pub(super) struct Pieces {
    chain: Arc<Chain>,
    runtimes: Arc<Runtimes>,
    sample: Option<Sample>,
    todo: Box<dyn Iterator<Item = (u32, u32)> + Send>,
    in_flight: VecDeque<Task>,
    /// Bytes of events of a piece, as those before it had.
    piece_bytes: usize,
}

/// A piece that is being read; ends with its owner.
struct Task(JoinHandle<Result<Piece, Error>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pieces {
    /// Divides runs of blocks (first and last height) into pieces.
    pub(super) fn of(
        chain: &Arc<Chain>,
        runtimes: &Arc<Runtimes>,
        sample: Option<Sample>,
        runs: Vec<(u32, u32)>,
    ) -> Pieces {
        let divide = |(first, last): (u32, u32)| {
            let step = usize::try_from(PIECE_BLOCKS).unwrap_or(usize::MAX);
            let firsts = (first..=last).step_by(step);
            firsts.map(move |first| (first, first.saturating_add(PIECE_BLOCKS - 1).min(last)))
        };
        Pieces {
            chain: Arc::clone(chain),
            runtimes: Arc::clone(runtimes),
            sample,
            todo: Box::new(runs.into_iter().flat_map(divide)),
            in_flight: VecDeque::new(),
            piece_bytes: 0,
        }
    }

    /// The next piece, or none after the last one.
    pub(super) async fn next(&mut self) -> Option<Result<Piece, Error>> {
        let width = in_flight_max(self.chain.pool.width(), self.piece_bytes);
        while self.in_flight.len() < width
            && let Some((first, last)) = self.todo.next()
        {
            let (chain, runtimes) = (Arc::clone(&self.chain), Arc::clone(&self.runtimes));
            let sample = self.sample;
            self.in_flight.push_back(Task(tokio::spawn(async move {
                chain.pool.run(|peer| read_piece(peer, &chain, &runtimes, sample.as_ref(), first, last)).await
            })));
        }
        let mut task = self.in_flight.pop_front()?;
        let piece = (&mut task.0).await.unwrap_or(Err(Error::Internal("reading blocks was given up")));
        if let Ok(Piece { blocks, .. }) = &piece {
            let bytes = blocks.iter().fold(0, |sum: usize, block| sum.saturating_add(block.events.len()));
            // A burst counts at once, and is forgotten slowly.
            self.piece_bytes = bytes.max(self.piece_bytes - self.piece_bytes / 16);
        }
        Some(piece)
    }
}

/// How many pieces of so many bytes may be in flight, where `width` keep every endpoint busy.
fn in_flight_max(width: usize, piece_bytes: usize) -> usize {
    width.min((IN_FLIGHT_BYTES_MAX / piece_bytes.max(1)).max(1))
}

/// Reads the blocks from `first` to `last`, both included, from one endpoint, with proofs of those of the sample.
pub(super) async fn read_piece(
    peer: Arc<Peer>,
    chain: &Chain,
    runtimes: &Runtimes,
    sample: Option<&Sample>,
    first: u32,
    last: u32,
) -> Result<Piece, Failure> {
    let heights: Vec<u32> = (first..=last).collect();
    let asked: Vec<u32> = std::iter::once(parent(first)).chain(first..=last).collect();
    let mut hashes = chain.hashes_on(&peer, &asked).await?;
    if first == 0
        && let Some(parent_of_genesis) = hashes.first_mut()
    {
        *parent_of_genesis = Hash::default();
    }
    let parent_hash = hashes.first().copied().unwrap_or_default();
    let last_hash = hashes.last().copied().unwrap_or_default();
    let own_hashes = hashes.get(1..).unwrap_or_default();
    let keys = keys_asked();
    let (mut asked_for, mut calls) = (Vec::new(), Vec::new());
    for (place, (&height, hash)) in heights.iter().zip(own_hashes).enumerate() {
        calls.push(Call::new("chain_getHeader", vec![json!(wire::to_hex(hash))]).at(height));
        calls.push(contents_call(&keys, height, hash));
        asked_for.extend([(place, Asked::Header), (place, Asked::Contents)]);
        if sample.is_some_and(|sample| sample.has(height)) {
            calls.push(proofs::contents_call(height, hash));
            asked_for.push((place, Asked::Proof));
        }
    }
    let parse = |index: usize, value: &Value| {
        let of = asked_for.get(index).and_then(|&(place, asked)| {
            Some((asked, *heights.get(place)?, hashes.get(place)?, hashes.get(place + 1)?))
        });
        let (asked, height, parent, hash) = of.ok_or("it was not asked for")?;
        match asked {
            Asked::Header => Header::checked(value, height, hash, parent).map(Part::Header),
            Asked::Contents => contents(value, height, hash, &keys, runtimes).map(Part::Contents),
            Asked::Proof => wire::read_proof(value, hash).map(Part::Proof),
        }
    };
    let parts = peer.ask(&calls, parse).await?;
    let mut headers = Vec::with_capacity(heights.len());
    let mut all_contents = Vec::with_capacity(heights.len());
    let mut answers = Vec::new();
    for (part, (place, _)) in parts.into_iter().zip(asked_for) {
        match part {
            Part::Header(header) => headers.push(header),
            Part::Contents(contents) => all_contents.push(contents),
            Part::Proof(nodes) => answers.push((place, nodes)),
        }
    }
    settle(&peer, &heights, own_hashes, &mut all_contents, runtimes).await?;
    let mut short_proofs = Vec::with_capacity(answers.len());
    for (place, nodes) in answers {
        let of = heights.get(place).zip(headers.get(place)).zip(all_contents.get(place));
        let Some(((&height, header), (events, time_ms))) = of else {
            return Err(Error::Internal("a proof is of no block").into());
        };
        let contents = held::Contents { height, events, time_ms: *time_ms };
        short_proofs.push(proofs::shorten(&contents, runtimes.layout(height)?, &header.state_root, &nodes)?);
    }
    let block = |(header, (events, time_ms)): (Header, Contents)| Block {
        state_root: header.state_root,
        extrinsics_root: header.extrinsics_root,
        digest: header.digest,
        time_ms,
        events,
    };
    let blocks = headers.into_iter().zip(all_contents).map(block).collect();
    Ok(Piece { first, parent_hash, last_hash, blocks, proofs: short_proofs, giver: peer.index })
}

/// Times ascend along a chain. Where they do not, the contents are those of other blocks, and are asked for again.
async fn settle(
    peer: &Peer,
    heights: &[u32],
    hashes: &[Hash],
    contents_of: &mut [Contents],
    runtimes: &Runtimes,
) -> Result<(), Failure> {
    let keys = keys_asked();
    let mut tries = 0;
    loop {
        let doubtful = out_of_order(contents_of);
        let Some(&worst) = doubtful.last() else { return Ok(()) };
        tries += 1;
        if tries >= TRIES_OF_CONTENTS {
            let height = heights.get(worst).copied().unwrap_or_default();
            let what = "its time is not after that of the block before; these are contents of another block";
            return Err(wrong(format!("block {height}"), what));
        }
        let blocks: Vec<(u32, Hash)> =
            doubtful.iter().filter_map(|&at| Some((*heights.get(at)?, *hashes.get(at)?))).collect();
        let calls: Vec<Call> =
            blocks.iter().map(|(height, hash)| contents_call(&keys, *height, hash)).collect();
        let parse = |index: usize, value: &Value| {
            let (height, hash) = blocks.get(index).ok_or("it was not asked for")?;
            contents(value, *height, hash, &keys, runtimes)
        };
        for (at, again) in doubtful.iter().zip(peer.ask(&calls, parse).await?) {
            if let Some(place) = contents_of.get_mut(*at) {
                *place = again;
            }
        }
    }
}

/// Places of contents whose time is not after the one before, together with the place before; ascending.
fn out_of_order(contents: &[Contents]) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, pair) in contents.windows(2).enumerate() {
        if let [(_, before), (_, after)] = pair
            && after <= before
        {
            if found.last() != Some(&at) {
                found.push(at);
            }
            found.push(at + 1);
        }
    }
    found
}

fn keys_asked() -> [String; 2] {
    [wire::to_hex(&keys::system_events()), wire::to_hex(&keys::timestamp_now())]
}

fn contents_call(keys: &[String; 2], height: u32, hash: &Hash) -> Call {
    Call::new("state_queryStorageAt", vec![json!(keys), json!(wire::to_hex(hash))]).at(height)
}

/// Reads contents of blocks again, from another endpoint.
pub(super) async fn read_contents(
    peer: &Peer,
    chain: &Chain,
    runtimes: &Runtimes,
    heights: &[u32],
) -> Result<Vec<(Hash, Contents)>, Failure> {
    let hashes = chain.hashes_on(peer, heights).await?;
    let keys = keys_asked();
    let calls = heights.iter().zip(&hashes).map(|(&height, hash)| contents_call(&keys, height, hash));
    let parse = |index: usize, value: &Value| {
        let (Some(&height), Some(hash)) = (heights.get(index), hashes.get(index)) else {
            return Err("it was not asked for".to_owned());
        };
        contents(value, height, hash, &keys, runtimes)
    };
    let contents = peer.ask(&calls.collect::<Vec<_>>(), parse).await?;
    Ok(hashes.iter().copied().zip(contents).collect())
}

/// Events and time of a block; the events must decode by their runtime, to the last byte.
fn contents(
    value: &Value,
    height: u32,
    hash: &Hash,
    keys: &[String],
    runtimes: &Runtimes,
) -> Result<Contents, Wrong> {
    let (events, time_ms) = contents_of(height, wire::storage_at(value, hash, keys)?)?;
    if height > 0
        && let Some(runtime) = runtimes.decoder(height)
    {
        runtime.events(&events, |_| ()).map_err(|error| {
            format!("its System.Events do not decode by the runtime of the block: {error}")
        })?;
    }
    Ok((events, time_ms))
}

/// Events and time of a block, from the values of the two keys.
fn contents_of(height: u32, values: Vec<Option<Vec<u8>>>) -> Result<Contents, Wrong> {
    let [events, now] = <[_; 2]>::try_from(values).map_err(|_| "two values were asked for".to_owned())?;
    let moment_ms = now.map(|bytes| wire::moment_of(&bytes)).transpose()?;
    let events = match events {
        Some(events) if !events.is_empty() => events,
        // Every later block holds at least the event of its own timestamp.
        _ if height > 0 => return Err("System.Events is missing or empty".to_owned()),
        _ => Vec::new(),
    };
    Ok((events, time_of(height, moment_ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_above_genesis_has_events_and_a_time() {
        let now = || Some(7_u64.to_le_bytes().to_vec());
        assert_eq!(contents_of(1, vec![Some(vec![0]), now()]), Ok((vec![0], 7)));
        assert_eq!(contents_of(0, vec![None, None]), Ok((vec![], 0)));
        for bad in [vec![None, now()], vec![Some(vec![]), now()], vec![Some(vec![0]), None], vec![now()]] {
            assert!(contents_of(1, bad).is_err());
        }
        assert!(contents_of(1, vec![Some(vec![0]), Some(vec![7])]).unwrap_err().contains("1 bytes"));
    }

    #[test]
    fn large_blocks_are_read_with_fewer_pieces_in_flight_and_never_with_none() {
        assert_eq!(in_flight_max(17, 0), 17);
        assert_eq!(in_flight_max(17, 340_000), 17);
        assert_eq!(in_flight_max(17, 4 << 20), 4);
        assert_eq!(in_flight_max(17, usize::MAX), 1);
    }

    #[test]
    fn contents_out_of_order_are_found_with_the_ones_before_them() {
        let of = |times: &[u64]| out_of_order(&times.iter().map(|&ms| (vec![], ms)).collect::<Vec<_>>());
        assert_eq!(of(&[1, 2, 3]), Vec::<usize>::new());
        assert_eq!(of(&[1, 9, 3, 4]), [1, 2]);
        assert_eq!(of(&[5, 5, 5]), [0, 1, 2]);
        assert_eq!(of(&[1, 0, 3, 2]), [0, 1, 2, 3]);
    }
}
