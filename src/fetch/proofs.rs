//! Asks nodes to prove what they say, and believes no proof that does not lead to the state root of its block.

use serde_json::json;

use super::client::Call;
use super::error::Error;
use super::failure::{Failure, wrong};
use super::node::Chain;
use super::pool::Peer;
use super::wire;
use crate::archive::{BlockProof, Hash, Sample};
use crate::proof::{Layout, held::Contents};

/// The method that proves keys.
pub(super) const METHOD: &str = "state_getReadProof";

/// Asks for the nodes of the state's trie on the way to these keys.
pub(super) fn call<'a>(keys: impl IntoIterator<Item = &'a [u8]>, height: u32, hash: &Hash) -> Call {
    let keys: Vec<String> = keys.into_iter().map(wire::to_hex).collect();
    Call::new(METHOD, vec![json!(keys), json!(wire::to_hex(hash))]).at(height)
}

/// Asks for a proof of events and time of a block.
pub(super) fn contents_call(height: u32, hash: &Hash) -> Call {
    call(Contents::keys().iter().map(<[u8; 32]>::as_slice), height, hash)
}

/// The short proof of a block, out of an answer that must prove what was said of it.
pub(super) fn shorten(
    contents: &Contents<'_>,
    layout: Layout,
    state_root: &Hash,
    nodes: &[Vec<u8>],
) -> Result<BlockProof, Failure> {
    let height = contents.height;
    let nodes = contents.shorten(layout, state_root, nodes);
    let nodes = nodes.map_err(|error| wrong(format!("block {height} ({METHOD})"), error.to_string()))?;
    Ok(BlockProof { height, nodes })
}

/// Makes sure that every endpoint that is asked proves anything at all.
pub(super) async fn probe(chain: &Chain, sample: &Sample) -> Result<(), Error> {
    let Some(height) = sample.within(sample.first, sample.last).next() else { return Ok(()) };
    for index in chain.pool.up().collect::<Vec<_>>() {
        chain.pool.run_on(index, |peer| async move { prove_one(&peer, chain, height).await }).await?;
    }
    Ok(())
}

async fn prove_one(peer: &Peer, chain: &Chain, height: u32) -> Result<(), Failure> {
    let hash = chain.hash_on(peer, height).await?;
    peer.ask_one(contents_call(height, &hash), |value| wire::read_proof(value, &hash).map(drop)).await
}
