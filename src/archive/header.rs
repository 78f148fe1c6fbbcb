//! The block header: what binds an archive to the chain.
//!
//! A header is `parent hash ‖ compact(number) ‖ state root ‖ extrinsics root ‖ digest` in SCALE, and the
//! hash of a block is the BLAKE2b-256 of it (`generic::Header<u32, BlakeTwo256>` of the runtime).

use blake2b_simd::{
    Params,
    many::{HashManyJob, hash_many},
};
use parity_scale_codec::{Compact, Encode};

use super::Hash;

/// So many runs of blocks are hashed side by side at best: as many as fit the vectors of a processor.
pub const LANES: usize = 4;

fn params() -> Params {
    let mut params = Params::new();
    params.hash_length(size_of::<Hash>());
    params
}

fn digest(hash: &blake2b_simd::Hash) -> Hash {
    // It was asked for, so that it has this length.
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// BLAKE2b with a digest of 32 bytes.
pub fn blake2_256(parts: &[&[u8]]) -> Hash {
    let mut state = params().to_state();
    for part in parts {
        state.update(part);
    }
    digest(&state.finalize())
}

/// Hash of the block with this header; `digest` is SCALE: a compact count, then the log items.
pub fn hash(parent: &Hash, number: u32, state_root: &Hash, extrinsics_root: &Hash, digest: &[u8]) -> Hash {
    let mut bytes = Vec::new();
    Header { number, state_root, extrinsics_root, digest }.encode(parent, &mut bytes);
    blake2_256(&[&bytes])
}

/// A header without its parent.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Height of the block.
    pub number: u32,
    /// Root of the storage trie after the block.
    pub state_root: &'a Hash,
    /// Root of the trie of its extrinsics.
    pub extrinsics_root: &'a Hash,
    /// SCALE bytes of the digest.
    pub digest: &'a [u8],
}

impl Header<'_> {
    fn encode(&self, parent: &Hash, out: &mut Vec<u8>) {
        out.extend_from_slice(parent);
        Compact(self.number).encode_to(out);
        out.extend_from_slice(self.state_root);
        out.extend_from_slice(self.extrinsics_root);
        out.extend_from_slice(self.digest);
    }
}

/// Hashes runs of blocks: of each the parent hash of its first block, and its headers in order. Every hash needs the one
/// before it, but runs do not need each other: [`LANES`] of them take little more time than one.
pub fn hash_runs<'a, I: Iterator<Item = Header<'a>>>(mut runs: Vec<(Hash, I)>) -> Vec<Vec<Hash>> {
    let params = params();
    let mut hashes: Vec<Vec<Hash>> = vec![Vec::new(); runs.len()];
    let mut encoded: Vec<Vec<u8>> = vec![Vec::new(); runs.len()];
    loop {
        for ((parent, headers), bytes) in runs.iter_mut().zip(&mut encoded) {
            bytes.clear();
            if let Some(header) = headers.next() {
                header.encode(parent, bytes);
            }
        }
        let going = |bytes: &&Vec<u8>| !bytes.is_empty();
        let mut jobs: Vec<HashManyJob<'_>> =
            encoded.iter().filter(going).map(|bytes| HashManyJob::new(&params, bytes)).collect();
        if jobs.is_empty() {
            return hashes;
        }
        hash_many(jobs.iter_mut());
        let going = runs.iter_mut().zip(&mut hashes).zip(&encoded).filter(|(_, bytes)| !bytes.is_empty());
        for ((((parent, _), hashes), _), job) in going.zip(&jobs) {
            *parent = digest(&job.to_hash());
            hashes.push(*parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of no bytes, and of `abc`, as the reference implementation of BLAKE2 gives them.
    #[test]
    fn digests_are_those_of_blake2b_with_256_bits() {
        let hex = |parts: &[&[u8]]| hex::encode(blake2_256(parts));
        assert_eq!(hex(&[]), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
        assert_eq!(hex(&[b"a", b"bc"]), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    }

    #[test]
    fn runs_side_by_side_have_the_hashes_that_each_has_alone() {
        static DIGEST: [u8; 300] = [7; 300];
        // Runs and digests of several lengths, numbers of one byte to four.
        let headers = |run: usize| -> Vec<Header<'_>> {
            let of = |at: usize| Header {
                number: u32::try_from(at << (4 * run)).unwrap(),
                state_root: &[1; 32],
                extrinsics_root: &[2; 32],
                digest: &DIGEST[..at],
            };
            (run * 40..300).map(of).collect()
        };
        for count in 0..7 {
            let runs = (0..count).map(|run| ([9; 32], headers(run).into_iter())).collect();
            for (run, hashes) in hash_runs(runs).iter().enumerate() {
                let mut parent = [9; 32];
                for (header, found) in headers(run).iter().zip(hashes) {
                    let Header { number, state_root, extrinsics_root, digest } = *header;
                    parent = hash(&parent, number, state_root, extrinsics_root, digest);
                    assert_eq!(*found, parent);
                }
                assert_eq!(hashes.len(), headers(run).len());
            }
        }
    }
}
