//! Reads a run of blocks, and believes nothing that does not hash and link.

use serde_json::json;

use super::client::Call;
use super::error::Error;
use super::node::{Chain, read, time_of};
use super::runtimes::{Runtimes, parent};
use super::wire::{self, Header, Wrong};
use crate::archive::{Block, Chunk, Hash};
use crate::chain::keys;

/// Reads the blocks from `first` to `last`, both included.
pub(super) async fn read_chunk(
    chain: &Chain,
    runtimes: &Runtimes,
    first: u32,
    last: u32,
) -> Result<Chunk, Error> {
    let heights: Vec<u32> = (first..=last).collect();
    let hashes = chain.hashes(&heights).await?;
    let parent_hash = if first == 0 { Hash::default() } else { chain.hash(parent(first)).await? };
    let asked = [wire::to_hex(&keys::system_events()), wire::to_hex(&keys::timestamp_now())];
    let mut calls = Vec::with_capacity(2 * heights.len());
    for (&height, hash) in heights.iter().zip(&hashes) {
        let hash = json!(wire::to_hex(hash));
        calls.push(Call::new("chain_getHeader", vec![hash.clone()]).at(height));
        let storage = Call::new("state_queryStorageAt", vec![json!(asked), hash]).at(height);
        calls.push(Call { progress: 1, ..storage });
    }
    let answers = chain.pool.call_all(calls).await?;
    let mut blocks = Vec::with_capacity(heights.len());
    let mut parent = parent_hash;
    for ((&height, hash), answers) in heights.iter().zip(&hashes).zip(answers.chunks_exact(2)) {
        let [header, storage] = answers else { return Err(Error::Internal("a block has no answers")) };
        let subject = || format!("block {height}");
        let header = read(header, subject, |value| Header::checked(value, height, hash, &parent))?;
        let (events, time_ms) = read(storage, subject, |value| {
            let values = wire::storage_at(value, hash, &asked)?;
            contents(height, values)
        })?;
        parent = *hash;
        blocks.push(Block {
            state_root: header.state_root,
            extrinsics_root: header.extrinsics_root,
            digest: header.digest,
            time_ms,
            events,
        });
    }
    Ok(Chunk { genesis: chain.genesis, first, parent_hash, blocks, spans: runtimes.spans(first, last)? })
}

/// Events and time of a block, from the values of the two keys.
fn contents(height: u32, values: Vec<Option<Vec<u8>>>) -> Result<(Vec<u8>, u64), Wrong> {
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
        assert_eq!(contents(1, vec![Some(vec![0]), now()]), Ok((vec![0], 7)));
        assert_eq!(contents(0, vec![None, None]), Ok((vec![], 0)));
        for bad in [vec![None, now()], vec![Some(vec![]), now()], vec![Some(vec![0]), None], vec![now()]] {
            assert!(contents(1, bad).is_err());
        }
        assert!(contents(1, vec![Some(vec![0]), Some(vec![7])]).unwrap_err().contains("1 bytes"));
    }
}
