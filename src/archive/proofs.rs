//! Proofs that state roots vouch for what an archive holds (`archive-format.md`, section 16).
//!
//! They lie in files of their own, beside what they prove, and outside of the archive root: an archive is the same with
//! and without them. Here they are nodes of a trie and no more; whether they prove anything is for the room `proof`.

use std::num::NonZeroU32;
use std::path::Path;

use super::{
    Error, Hash, Result,
    bytes::{BodyWriter, Cursor, READ_PROOFS, STATE_PROOFS, Short, section},
    container::sha256,
};

/// Lowest minor version of the format that knows proofs.
pub(super) const MINOR_OF_PROOFS: u16 = 2;
/// First bytes of what chooses a block of a sample: no other digest starts like this.
const SAMPLE_DOMAIN: &[u8] = b"tfchain minting proof sample v1\n";

/// Which blocks of an archive have a proof: one of every `one_in` blocks, chosen by the hash of the last one, so that
/// it is the same for everyone and nobody can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Height of the first block of the archive.
    pub first: u32,
    /// Height of its last block.
    pub last: u32,
    /// Hash of its last block.
    pub last_hash: Hash,
    /// Blocks of which one is proven; 1 proves all.
    pub one_in: NonZeroU32,
}

impl Sample {
    /// The blocks from `from` to `to`, both included, that have a proof, ascending.
    pub fn within(&self, from: u32, to: u32) -> impl Iterator<Item = u32> + '_ {
        let size = self.one_in.get();
        let (from, to) = (from.max(self.first), to.min(self.last));
        let group = |height: u32| height.saturating_sub(self.first) / size;
        let groups = (from <= to).then(|| group(from)..=group(to));
        groups
            .into_iter()
            .flatten()
            .filter_map(|group| self.of_group(group))
            .filter(move |height| (from..=to).contains(height))
    }

    /// Whether a block has a proof.
    pub fn has(&self, height: u32) -> bool {
        self.within(height, height).next().is_some()
    }

    /// The block of a group that has a proof. A group has `one_in` blocks, the last one perhaps fewer.
    fn of_group(&self, group: u32) -> Option<u32> {
        let size = self.one_in.get();
        let start = self.first.checked_add(group.checked_mul(size)?)?;
        let blocks = u64::from(self.last.checked_sub(start)?.min(size - 1)) + 1;
        if blocks == 1 {
            return Some(start);
        }
        let digest = sha256(&[SAMPLE_DOMAIN, &self.last_hash, &group.to_le_bytes()].concat());
        let number = digest.iter().take(8).rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        start.checked_add(u32::try_from(number.checked_rem(blocks)?).ok()?)
    }
}

/// Proof of `System.Events` and `Timestamp.Now` after one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockProof {
    /// Height of the block.
    pub height: u32,
    /// Nodes of the state's trie, in the order in which a check meets them.
    pub nodes: Vec<Vec<u8>>,
}

/// Proofs of the blocks of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockProofs {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// Height of the first block of the chunk.
    pub first: u32,
    /// Height of its last block.
    pub last: u32,
    /// Hash of its last block.
    pub last_hash: Hash,
    /// Ascending by height.
    pub proofs: Vec<BlockProof>,
}

impl BlockProofs {
    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.first.to_le_bytes());
        body.prelude(&self.last.to_le_bytes());
        body.prelude(&self.last_hash);
        body.section(READ_PROOFS, |out| {
            push_len(out, self.proofs.len());
            self.proofs.iter().for_each(|proof| out.extend_from_slice(&proof.height.to_le_bytes()));
            self.proofs.iter().for_each(|proof| push_len(out, proof.nodes.len()));
            let nodes = || self.proofs.iter().flat_map(|proof| &proof.nodes);
            nodes().for_each(|node| push_len(out, node.len()));
            nodes().for_each(|node| out.extend_from_slice(node));
        });
        body.finish()
    }

    /// Reads a body and checks that it is the canonical form of what it says.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<BlockProofs> {
        parse_blocks(body).map_err(|what| Error::damaged(path, what))
    }
}

/// Proof that a state snapshot is right and complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// Height of the block.
    pub height: u32,
    /// Its hash.
    pub block_hash: Hash,
    /// Nodes of the state's trie, in the order in which a check meets them.
    pub nodes: Vec<Vec<u8>>,
}

impl StateProof {
    /// The canonical bytes.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.height.to_le_bytes());
        body.prelude(&self.block_hash);
        body.section(STATE_PROOFS, |out| put_nodes(&self.nodes, out));
        body.finish()
    }

    /// Reads a body and checks that it is the canonical form of what it says.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse(body: &[u8], path: &Path) -> Result<StateProof> {
        parse_state(body).map_err(|what| Error::damaged(path, what))
    }
}

pub(super) fn push_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

/// Count, lengths and bytes of nodes.
pub(super) fn put_nodes(nodes: &[Vec<u8>], out: &mut Vec<u8>) {
    push_len(out, nodes.len());
    nodes.iter().for_each(|node| push_len(out, node.len()));
    nodes.iter().for_each(|node| out.extend_from_slice(node));
}

fn short(short: Short) -> String {
    short.to_string()
}

/// `count` integers.
pub(super) fn integers(cursor: &mut Cursor<'_>, count: u32) -> std::result::Result<Vec<u32>, String> {
    (0..count).map(|_| cursor.u32().map_err(short)).collect()
}

/// A node of this length; none is empty.
pub(super) fn node(cursor: &mut Cursor<'_>, length: u32) -> std::result::Result<Vec<u8>, String> {
    if length == 0 {
        return Err("a node has no bytes".into());
    }
    let length = usize::try_from(length).map_err(|_| format!("a node of {length} bytes"))?;
    cursor.take(length).map(<[u8]>::to_vec).map_err(short)
}

fn end_of(cursor: &Cursor<'_>, what: &str) -> std::result::Result<(), String> {
    match cursor.rest().len() {
        0 => Ok(()),
        n => Err(format!("{n} bytes follow the last {what}")),
    }
}

fn parse_blocks(body: &[u8]) -> std::result::Result<BlockProofs, String> {
    let mut cursor = Cursor::new(body);
    let prelude = |e: Short| format!("prelude: {e}");
    let mut found = BlockProofs {
        genesis: cursor.hash().map_err(prelude)?,
        first: cursor.u32().map_err(prelude)?,
        last: cursor.u32().map_err(prelude)?,
        last_hash: cursor.hash().map_err(prelude)?,
        proofs: Vec::new(),
    };
    if found.first > found.last {
        return Err(format!("prelude: block {} lies after block {}", found.first, found.last));
    }
    let mut payload = Cursor::new(section(&mut cursor, READ_PROOFS)?);
    end_of(&cursor, "section")?;
    found.proofs =
        read_proofs(&mut payload, found.first, found.last).map_err(|e| format!("READ_PROOFS: {e}"))?;
    Ok(found)
}

fn read_proofs(
    payload: &mut Cursor<'_>,
    first: u32,
    last: u32,
) -> std::result::Result<Vec<BlockProof>, String> {
    let count = payload.u32().map_err(short)?;
    let heights = integers(payload, count)?;
    let counts = integers(payload, count)?;
    let total = counts.iter().try_fold(0u32, |sum, n| sum.checked_add(*n)).ok_or("too many nodes")?;
    let mut lengths = integers(payload, total)?.into_iter();
    let mut proofs: Vec<BlockProof> = Vec::with_capacity(heights.len());
    for (height, count) in heights.into_iter().zip(counts) {
        let follows = proofs.last().is_none_or(|before| before.height < height);
        if !follows || height < first || height > last {
            return Err(format!("block {height} does not follow the one before it, or is not of the chunk"));
        }
        let own = (0..count).map_while(|_| lengths.next());
        let nodes = own.map(|length| node(payload, length)).collect::<std::result::Result<_, _>>()?;
        proofs.push(BlockProof { height, nodes });
    }
    end_of(payload, "node")?;
    Ok(proofs)
}

fn parse_state(body: &[u8]) -> std::result::Result<StateProof, String> {
    let mut cursor = Cursor::new(body);
    let prelude = |e: Short| format!("prelude: {e}");
    let mut found = StateProof {
        genesis: cursor.hash().map_err(prelude)?,
        height: cursor.u32().map_err(prelude)?,
        block_hash: cursor.hash().map_err(prelude)?,
        nodes: Vec::new(),
    };
    let mut payload = Cursor::new(section(&mut cursor, STATE_PROOFS)?);
    end_of(&cursor, "section")?;
    found.nodes = read_nodes(&mut payload).map_err(|e| format!("STATE_PROOFS: {e}"))?;
    Ok(found)
}

/// Nodes as [`put_nodes`] writes them, to the end of the payload.
pub(super) fn read_nodes(payload: &mut Cursor<'_>) -> std::result::Result<Vec<Vec<u8>>, String> {
    let count = payload.u32().map_err(short)?;
    let lengths = integers(payload, count)?;
    let nodes = lengths.into_iter().map(|length| node(payload, length));
    let nodes = nodes.collect::<std::result::Result<_, _>>()?;
    end_of(payload, "node")?;
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> BlockProofs {
        let nodes = |bytes: &[u8]| bytes.iter().map(|byte| vec![*byte; usize::from(*byte)]).collect();
        BlockProofs {
            genesis: [1; 32],
            first: 5,
            last: 9,
            last_hash: [2; 32],
            proofs: vec![
                BlockProof { height: 5, nodes: nodes(&[3, 1]) },
                BlockProof { height: 6, nodes: nodes(&[]) },
                BlockProof { height: 9, nodes: nodes(&[2, 7, 4]) },
            ],
        }
    }

    fn state() -> StateProof {
        StateProof { genesis: [1; 32], height: 8, block_hash: [3; 32], nodes: vec![vec![1], vec![2, 3]] }
    }

    #[test]
    fn proofs_come_back_as_they_went_in() {
        for proofs in [blocks(), BlockProofs { proofs: vec![], ..blocks() }] {
            assert_eq!(parse_blocks(&proofs.to_body()).unwrap(), proofs);
        }
        for proof in [state(), StateProof { nodes: vec![], ..state() }] {
            assert_eq!(parse_state(&proof.to_body()).unwrap(), proof);
        }
    }

    #[test]
    fn only_the_canonical_form_is_accepted() {
        let refused = |change: fn(&mut BlockProofs)| {
            let mut proofs = blocks();
            change(&mut proofs);
            parse_blocks(&proofs.to_body()).unwrap_err()
        };
        assert!(refused(|p| p.proofs.reverse()).contains("READ_PROOFS: block 6 does not follow"));
        assert!(refused(|p| p.proofs[2].height = 10).contains("not of the chunk"));
        assert!(refused(|p| p.proofs[0].nodes[0].clear()).contains("no bytes"));
        assert!(refused(|p| p.first = 10).contains("lies after"));
        for body in [blocks().to_body(), state().to_body()] {
            for len in 0..body.len() {
                assert!(parse_blocks(&body[..len]).is_err() && parse_state(&body[..len]).is_err(), "{len}");
            }
        }
        let longer = [state().to_body(), vec![0]].concat();
        assert!(parse_state(&longer).unwrap_err().contains("1 bytes follow the last section"));
    }

    #[test]
    fn a_count_is_believed_only_as_far_as_there_are_bytes() {
        let mut body = blocks().to_body();
        let count_at = 32 + 4 + 4 + 32 + 12;
        body[count_at..count_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(parse_blocks(&body).unwrap_err().contains("bytes end"));
    }

    fn sample(first: u32, last: u32, one_in: u32) -> Sample {
        Sample { first, last, last_hash: [7; 32], one_in: NonZeroU32::new(one_in).unwrap() }
    }

    #[test]
    fn a_sample_has_one_block_of_every_group_whatever_piece_is_looked_at() {
        let all = |sample: &Sample| sample.within(sample.first, sample.last).collect::<Vec<_>>();
        assert_eq!(all(&sample(3, 8, 1)), [3, 4, 5, 6, 7, 8]);
        assert_eq!(all(&sample(3, 3, 9)), [3]);
        let chosen = sample(101, 1_095, 10);
        let heights = all(&chosen);
        assert_eq!(heights.len(), 100);
        for (group, height) in (0..).zip(&heights) {
            let start = 101 + group * 10;
            assert!((start..start + 10).contains(height) && *height <= 1_095, "{height}");
        }
        let pieces: Vec<u32> = (101..=1_095).step_by(64).flat_map(|at| chosen.within(at, at + 63)).collect();
        assert_eq!(pieces, heights);
        assert!(heights.iter().all(|height| chosen.has(*height)));
        let other = Sample { last_hash: [8; 32], ..chosen };
        assert_ne!(all(&other), heights);
        assert_eq!(all(&sample(u32::MAX - 1, u32::MAX, 5)).len(), 1);
        assert_eq!(chosen.within(0, 100).count() + chosen.within(1_096, u32::MAX).count(), 0);
    }
}
