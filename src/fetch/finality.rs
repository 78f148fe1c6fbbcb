//! Looks for the first block at or after the end of an export that the validators finalized, and checks their word for it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Call;
use super::error::Error;
use super::failure::{Failure, wrong};
use super::node::Chain;
use super::pool::Peer;
use super::proofs;
use super::runtimes::parent;
use super::wire::{self, Header, Wrong};
use crate::archive::{Finality, Hash, HeaderParts, NamedAuthorities};
use crate::proof::{Layout, answer, authorities, grandpa};

/// Engine identifier of GRANDPA.
const ENGINE: [u8; 4] = *b"FRNK";
/// Nodes keep a justification for one block in so many at least (`JUSTIFICATION_IMPORT_PERIOD` of Substrate).
const BLOCKS_TO_LOOK_AT: u32 = 512;
/// Blocks asked for at once.
const BLOCKS_AT_ONCE: usize = 16;
/// A whole block costs a node about as much as so many single reads.
const WEIGHT_OF_A_BLOCK: u32 = 4;

/// A block, and what the validators signed for it.
struct Found {
    header: Header,
    justification: Option<Vec<u8>>,
}

/// Finds the first justified block from `last` on, up to the finalized head, and proves who signed it by the state after
/// `first`, or if the authorities changed in between by the last state of the export that the block is finalized by. None
/// if there is no such block yet.
pub(super) async fn read_finality(chain: &Chain, first: u32, last: u32) -> Result<Option<Finality>, Error> {
    let end = last.saturating_add(BLOCKS_TO_LOOK_AT).min(chain.head);
    let read = |peer: Arc<Peer>| async move { read_on(&peer, chain, first, last, end).await };
    chain.pool.run(read).await
}

async fn read_on(
    peer: &Peer,
    chain: &Chain,
    first: u32,
    last: u32,
    end: u32,
) -> Result<Option<Finality>, Failure> {
    let heights: Vec<u32> = (parent(last)..=end).collect();
    let hashes = chain.hashes_on(peer, &heights).await?;
    let blocks: Vec<(u32, Hash, Hash)> = heights
        .iter()
        .zip(hashes.windows(2))
        .filter_map(|(before, pair)| match pair {
            [parent, hash] => Some((before.checked_add(1)?, *parent, *hash)),
            _ => None,
        })
        .collect();
    let mut headers = Vec::new();
    for some in blocks.chunks(BLOCKS_AT_ONCE) {
        let call = |&(height, _, hash): &(u32, Hash, Hash)| {
            let call = Call::new("chain_getBlock", vec![json!(wire::to_hex(&hash))]);
            call.at(height).weighing(WEIGHT_OF_A_BLOCK)
        };
        let parse = |index: usize, value: &Value| {
            let (height, parent, hash) = some.get(index).ok_or("it was not asked for")?;
            block(value, *height, hash, parent)
        };
        let found = peer.ask(&some.iter().map(call).collect::<Vec<_>>(), parse).await?;
        for (Found { header, justification }, (height, _, hash)) in found.into_iter().zip(some) {
            if *height > last {
                headers.push(HeaderParts {
                    state_root: header.state_root,
                    extrinsics_root: header.extrinsics_root,
                    digest: header.digest,
                });
            }
            if let Some(justification) = justification {
                let (genesis, height, hash) = (chain.genesis, *height, *hash);
                let signers = verify(peer, chain, height, &hash, &justification).await?;
                // A block is finalized by the authorities in the state of its parent: if it is the last of the export and
                // changes them, its own state names those who come after them.
                let before = parent(height).min(last);
                let candidates: Vec<u32> =
                    [first, before].into_iter().filter(|named| (first..=last).contains(named)).collect();
                let authorities = same_set(peer, chain, &signers, &candidates).await?;
                return Ok(Some(Finality { genesis, height, hash, headers, justification, authorities }));
            }
        }
    }
    Ok(None)
}

/// Checks a justification by the authorities that the state before its block names and proves.
async fn verify(
    peer: &Peer,
    chain: &Chain,
    height: u32,
    hash: &Hash,
    justification: &[u8],
) -> Result<grandpa::Authorities, Failure> {
    let (_, set) = named(peer, chain, parent(height)).await?;
    let bad = |what: String| wrong(format!("block {height} (its justification)"), what);
    let finalized = grandpa::verify(justification, &set).map_err(|error| bad(error.to_string()))?;
    if (finalized.height, &finalized.hash) != (height, hash) {
        return Err(bad(format!("it is for block {}, {}", finalized.height, wire::to_hex(&finalized.hash))));
    }
    Ok(set)
}

/// The first of some blocks of the export after which the authorities are those who signed; none if they are others
/// after each, as when they changed behind the export.
async fn same_set(
    peer: &Peer,
    chain: &Chain,
    signers: &grandpa::Authorities,
    heights: &[u32],
) -> Result<Option<NamedAuthorities>, Failure> {
    for height in heights {
        let (authorities, set) = named(peer, chain, *height).await?;
        if set == *signers {
            return Ok(Some(authorities));
        }
    }
    Ok(None)
}

/// Who the authorities are after a block, proven by its state root.
async fn named(
    peer: &Peer,
    chain: &Chain,
    height: u32,
) -> Result<(NamedAuthorities, grandpa::Authorities), Failure> {
    let hash = chain.hash_on(peer, height).await?;
    let header = Call::new("chain_getHeader", vec![json!(wire::to_hex(&hash))]).at(height);
    let header = peer.ask_one(header, |value| Header::of_block(value, height, &hash)).await?;
    let executed_by = chain.hash_on(peer, parent(height)).await?;
    let version = Call::new("state_getRuntimeVersion", vec![json!(wire::to_hex(&executed_by))]);
    let version = peer.ask_one(version.at(parent(height)), wire::RuntimeVersion::parse).await?;
    let layout = Layout::of_state_version(version.state_version)
        .ok_or_else(|| wrong(format!("block {height}"), "the layout of its state is not known"))?;
    let keys = authorities::keys();
    let asked: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let call = proofs::call(asked.iter().copied(), height, &hash);
    let nodes = peer.ask_one(call, |value| wire::read_proof(value, &hash)).await?;
    let bad = |what: String| wrong(format!("the authorities after block {height}"), what);
    let values = answer::values(layout, &header.state_root, &nodes, &asked);
    let values = values.map_err(|error| bad(error.to_string()))?;
    let values: authorities::Values =
        values.try_into().map_err(|_| Error::Internal("there are other keys than asked for"))?;
    let nodes = authorities::shorten(layout, &header.state_root, &nodes, &values);
    let nodes = nodes.map_err(|error| bad(error.to_string()))?;
    let set = authorities::decode(&values).map_err(bad)?;
    Ok((NamedAuthorities { height, values, nodes }, set))
}

#[derive(Deserialize)]
struct SignedBlockJson {
    block: BlockJson,
    justifications: Option<Vec<(Value, Value)>>,
}

#[derive(Deserialize)]
struct BlockJson {
    header: Value,
}

/// Header and justification in an answer of `chain_getBlock`.
fn block(value: &Value, height: u32, hash: &Hash, parent: &Hash) -> Result<Found, Wrong> {
    let json = SignedBlockJson::deserialize(value).map_err(|e| format!("the block is malformed: {e}"))?;
    let header = Header::checked(&json.block.header, height, hash, parent)?;
    let mut justification = None;
    for (engine, bytes) in json.justifications.iter().flatten() {
        if octets(engine)? == ENGINE && justification.replace(octets(bytes)?).is_some() {
            return Err("it has two justifications of GRANDPA".to_owned());
        }
    }
    Ok(Found { header, justification })
}

/// Bytes as nodes write them here, a list of numbers, or as hex.
fn octets(value: &Value) -> Result<Vec<u8>, Wrong> {
    match value {
        Value::Array(_) => Vec::<u8>::deserialize(value)
            .map_err(|e| format!("the bytes of a justification are malformed: {e}")),
        _ => wire::bytes(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_justification_of_grandpa_is_taken_from_a_block() {
        let h = |byte: u8| wire::to_hex(&[byte; 32]);
        let header = json!({
            "parentHash": h(1), "number": "0x7", "stateRoot": h(2), "extrinsicsRoot": h(3),
            "digest": {"logs": ["0x00"]}
        });
        let hash = crate::archive::header::hash(&[1; 32], 7, &[2; 32], &[3; 32], &[4, 0]);
        let of = |justifications: Value| {
            let answer =
                json!({ "block": { "header": header, "extrinsics": [] }, "justifications": justifications });
            block(&answer, 7, &hash, &[1; 32]).map(|found| found.justification)
        };
        assert_eq!(of(json!(null)), Ok(None));
        assert_eq!(of(json!([])), Ok(None));
        assert_eq!(of(json!([[[70, 82, 78, 75], [1, 2, 255]]])), Ok(Some(vec![1, 2, 255])));
        assert_eq!(of(json!([["0x42454546", "0x09"], ["0x46524e4b", "0x0102"]])), Ok(Some(vec![1, 2])));
        for bad in [
            json!([[[70, 82, 78, 75], [1, 256]]]),
            json!([[[70, 82, 78, 75], [1]], [[70, 82, 78, 75], [1]]]),
            json!([[70, 82]]),
            json!("0x00"),
        ] {
            assert!(of(bad.clone()).is_err(), "{bad}");
        }
        assert!(block(&json!(null), 7, &hash, &[1; 32]).is_err());
    }
}
