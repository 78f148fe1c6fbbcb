//! Reads the storage maps that the rules need, as they are after one block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::Call;
use super::error::Error;
use super::failure::{Failure, wrong};
use super::node::Chain;
use super::pool::Peer;
use super::progress::Stage;
use super::proofs;
use super::wire;
use crate::archive::container::MAX_BODY_LEN;
use crate::archive::{Hash, RuntimeMetadata, StateProof, StateSnapshot};
use crate::chain::Runtime;
use crate::proof::{Layout, claim, held};

/// Most keys that a node gives in one page (`STORAGE_KEYS_PAGED_MAX_COUNT` of `sc-rpc`).
const KEYS_IN_A_PAGE: usize = 1_000;
/// A page of keys costs the node about as much as this many single reads.
const WEIGHT_OF_A_PAGE: u32 = 10;
/// Values that cost a node about as much as one call.
const VALUES_IN_A_CALL: usize = 40;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
/// Nodes of a trie.
type Nodes = Vec<Vec<u8>>;

/// Compiles the runtime; an error names it.
pub(super) fn compile(metadata: &RuntimeMetadata, block: u32) -> Result<Runtime, Error> {
    let spec_version = metadata.spec_version;
    Runtime::compile(&metadata.bytes).map_err(|source| Error::Runtime { spec_version, block, source })
}

/// Reads the state after the block at `height`, whose runtime has this metadata. With a layout it is also proven: every
/// map as it comes in, by the endpoint that gave it.
pub(super) async fn read_state(
    chain: &Arc<Chain>,
    height: u32,
    metadata: &RuntimeMetadata,
    layout: Option<Layout>,
) -> Result<(StateSnapshot, Option<StateProof>), Error> {
    chain.pool.progress().stage(Stage::State(height), 0);
    let runtime = compile(metadata, height)?;
    let read = |peer: Arc<Peer>| async move { hash_and_root(&peer, chain, height).await };
    let (block_hash, state_root) = chain.pool.run(read).await?;
    let prefixes = runtime.snapshot_prefixes();
    let mut maps = JoinSet::new();
    for &prefix in &prefixes {
        let map = Map { chain: Arc::clone(chain), height, block_hash, prefix };
        let proven = layout.map(|layout| (layout, state_root));
        maps.spawn(async move { Ok::<_, Error>((prefix, map.read_all(proven).await?)) });
    }
    let (mut by_prefix, mut nodes) = (BTreeMap::new(), BTreeSet::new());
    while let Some(ended) = maps.join_next().await {
        let (prefix, (pairs, own)) = ended.map_err(|_| Error::Internal("reading a map was given up"))??;
        by_prefix.insert(prefix, pairs);
        nodes.extend(own);
    }
    let mut state = StateSnapshot {
        genesis: chain.genesis,
        height,
        block_hash,
        metadata: metadata.hash(),
        prefixes: prefixes.iter().map(|prefix| prefix.to_vec()).collect(),
        pairs: by_prefix.into_values().flatten().collect(),
        block_times: Vec::new(),
    };
    let unreadable = |source| Error::Runtime { spec_version: metadata.spec_version, block: height, source };
    // A node can not have gone to sleep in a later block; replaying will say what is wrong with such an entry.
    let down = runtime.down_blocks(&state).map_err(unreadable)?.into_iter().filter(|&block| block <= height);
    let down: Vec<u32> = down.collect();
    let times = chain.times_ms(&down).await?;
    state.block_times = down.into_iter().zip(times).collect();
    let proof = match layout {
        None => None,
        Some(layout) => {
            let nodes: Nodes = nodes.into_iter().collect();
            let nodes = held::shorten_snapshot(layout, &state_root, &nodes, &state)
                .map_err(|_| Error::Internal("maps are proven one by one, but not together"))?;
            Some(StateProof { genesis: chain.genesis, height, block_hash, nodes })
        }
    };
    Ok((state, proof))
}

/// Hash and state root of a block, from one endpoint.
async fn hash_and_root(peer: &Peer, chain: &Chain, height: u32) -> Result<(Hash, Hash), Failure> {
    let hash = chain.hash_on(peer, height).await?;
    let call = Call::new("chain_getHeader", vec![json!(wire::to_hex(&hash))]).at(height);
    let header = peer.ask_one(call, |value| wire::Header::of_block(value, height, &hash)).await?;
    Ok((hash, header.state_root))
}

/// One storage map, or one storage value.
struct Map {
    chain: Arc<Chain>,
    height: u32,
    block_hash: Hash,
    prefix: [u8; 32],
}

impl Map {
    /// All pairs. With the layout and root of the state, from one endpoint, and with its proof that they are all.
    async fn read_all(&self, proven: Option<(Layout, Hash)>) -> Result<(Pairs, Nodes), Error> {
        match proven {
            None => {
                let pairs = self.pairs(None).await.map_err(|failure| failure.of(&"the chain".into()))?;
                Ok((pairs, Nodes::new()))
            }
            Some((layout, root)) => {
                let read = |peer: Arc<Peer>| async move { self.read_proven(&peer, layout, &root).await };
                self.chain.pool.run(read).await
            }
        }
    }

    async fn read_proven(&self, peer: &Peer, layout: Layout, root: &Hash) -> Result<(Pairs, Nodes), Failure> {
        let pairs = self.pairs(Some(peer)).await?;
        let call = proofs::call([self.prefix.as_slice()], self.height, &self.block_hash);
        let nodes = peer.ask_one(call, |value| wire::read_proof(value, &self.block_hash)).await?;
        let held: Vec<(&[u8], &[u8])> = pairs.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let claim = claim::Claim { prefix: &self.prefix, pairs: &held };
        claim::shorten(layout, root, &nodes, &[claim])
            .map_err(|error| wrong(format!("{} ({})", self.subject(), proofs::METHOD), error.to_string()))?;
        Ok((pairs, nodes))
    }

    /// All pairs, from one endpoint or from whichever has least to do.
    async fn pairs(&self, peer: Option<&Peer>) -> Result<Pairs, Failure> {
        let mut pairs = Pairs::new();
        let mut bytes = 0_u64;
        loop {
            // A short page is not taken for the last one: a proxy may allow fewer keys than the node.
            let after = pairs.last().map(|(key, _)| key.as_slice());
            let keys = match peer {
                Some(peer) => self.keys(peer, after).await?,
                None => self.chain.pool.run(|peer| async move { self.keys(&peer, after).await }).await?,
            };
            if keys.is_empty() {
                return Ok(pairs);
            }
            let values = match peer {
                Some(peer) => self.values(peer, &keys).await?,
                None => {
                    let keys = &keys;
                    self.chain.pool.run(|peer| async move { self.values(&peer, keys).await }).await?
                }
            };
            self.chain.pool.progress().advance(length(&keys));
            for (key, value) in keys.into_iter().zip(values) {
                bytes = bytes.saturating_add(length(&key)).saturating_add(length(&value));
                pairs.push((key, value));
            }
            if bytes > MAX_BODY_LEN {
                return Err(Error::Range(format!(
                    "{} is larger than the {} MiB that an archive holds",
                    self.subject(),
                    MAX_BODY_LEN >> 20
                ))
                .into());
            }
        }
    }

    fn subject(&self) -> String {
        format!("the state of block {} below {}", self.height, wire::to_hex(&self.prefix))
    }

    async fn keys(&self, peer: &Peer, after: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Failure> {
        let params = vec![
            json!(wire::to_hex(&self.prefix)),
            json!(KEYS_IN_A_PAGE),
            json!(after.map(wire::to_hex)),
            json!(wire::to_hex(&self.block_hash)),
        ];
        let call = Call::new("state_getKeysPaged", params).at(self.height).weighing(WEIGHT_OF_A_PAGE);
        peer.ask_one(call, |value: &Value| wire::key_page(value, &self.prefix, after, KEYS_IN_A_PAGE)).await
    }

    /// The values of the keys, in their order; asks for fewer at once when the answer is too large.
    async fn values(&self, peer: &Peer, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut values = Vec::with_capacity(keys.len());
        let mut count = keys.len();
        while let Some(rest) = keys.get(values.len()..).filter(|rest| !rest.is_empty()) {
            let part = rest.get(..count).unwrap_or(rest);
            match self.values_at_once(peer, part).await {
                Ok(read) => values.extend(read),
                Err(Failure::TooLarge { .. }) if part.len() > 1 => count = part.len() / 2,
                Err(failure) => return Err(failure),
            }
        }
        Ok(values)
    }

    async fn values_at_once(&self, peer: &Peer, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
        let keys: Vec<String> = keys.iter().map(|key| wire::to_hex(key)).collect();
        let weight = u32::try_from(keys.len().div_ceil(VALUES_IN_A_CALL)).unwrap_or(1);
        let params = vec![json!(keys), json!(wire::to_hex(&self.block_hash))];
        let call = Call::new("state_queryStorageAt", params).at(self.height).weighing(weight);
        let read = |value: &Value| {
            let values = wire::storage_at(value, &self.block_hash, &keys)?;
            let listed = keys.iter().zip(values).map(|(key, value)| {
                value.ok_or_else(|| format!("the key {key} was listed, but has no value"))
            });
            listed.collect()
        };
        peer.ask_one(call, read).await
    }
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
