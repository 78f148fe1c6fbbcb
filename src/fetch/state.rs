//! Reads the storage maps that the rules need, as they are after one block.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::Call;
use super::error::Error;
use super::failure::Failure;
use super::node::Chain;
use super::pool::Peer;
use super::progress::Stage;
use super::wire;
use crate::archive::container::MAX_BODY_LEN;
use crate::archive::{Hash, RuntimeMetadata, StateSnapshot};
use crate::chain::Runtime;

/// Most keys that a node gives in one page (`STORAGE_KEYS_PAGED_MAX_COUNT` of `sc-rpc`).
const KEYS_IN_A_PAGE: usize = 1_000;
/// A page of keys costs the node about as much as this many single reads.
const WEIGHT_OF_A_PAGE: u32 = 10;
/// Values that cost a node about as much as one call.
const VALUES_IN_A_CALL: usize = 40;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Compiles the runtime; an error names it.
pub(super) fn compile(metadata: &RuntimeMetadata, block: u32) -> Result<Runtime, Error> {
    let spec_version = metadata.spec_version;
    Runtime::compile(&metadata.bytes).map_err(|source| Error::Runtime { spec_version, block, source })
}

/// Reads the state after the block at `height`, whose runtime has this metadata.
pub(super) async fn read_state(
    chain: &Arc<Chain>,
    height: u32,
    metadata: &RuntimeMetadata,
) -> Result<StateSnapshot, Error> {
    chain.pool.progress().stage(Stage::State(height), 0);
    let runtime = compile(metadata, height)?;
    let block_hash = chain.pool.run(|peer| async move { chain.hash_on(&peer, height).await }).await?;
    let prefixes = runtime.snapshot_prefixes();
    let mut maps = JoinSet::new();
    for &prefix in &prefixes {
        let map = Map { chain: Arc::clone(chain), height, block_hash, prefix };
        maps.spawn(async move { Ok::<_, Error>((prefix, map.read().await?)) });
    }
    let mut by_prefix = BTreeMap::new();
    while let Some(ended) = maps.join_next().await {
        let (prefix, pairs) = ended.map_err(|_| Error::Internal("reading a map was given up"))??;
        by_prefix.insert(prefix, pairs);
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
    Ok(state)
}

/// One storage map, or one storage value.
struct Map {
    chain: Arc<Chain>,
    height: u32,
    block_hash: Hash,
    prefix: [u8; 32],
}

impl Map {
    async fn read(&self) -> Result<Pairs, Error> {
        let mut pairs = Pairs::new();
        let mut bytes = 0_u64;
        loop {
            // A short page is not taken for the last one: a proxy may allow fewer keys than the node.
            let keys = self.keys(pairs.last().map(|(key, _)| key.as_slice())).await?;
            if keys.is_empty() {
                return Ok(pairs);
            }
            let values = self.values(&keys).await?;
            for (key, value) in keys.into_iter().zip(values) {
                bytes = bytes.saturating_add(u64::try_from(key.len() + value.len())?);
                pairs.push((key, value));
            }
            if bytes > MAX_BODY_LEN {
                return Err(Error::Range(format!(
                    "{} is larger than the {} MiB that an archive holds",
                    self.subject(),
                    MAX_BODY_LEN >> 20
                )));
            }
        }
    }

    fn subject(&self) -> String {
        format!("the state of block {} below {}", self.height, wire::to_hex(&self.prefix))
    }

    async fn keys(&self, after: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        let params = vec![
            json!(wire::to_hex(&self.prefix)),
            json!(KEYS_IN_A_PAGE),
            json!(after.map(wire::to_hex)),
            json!(wire::to_hex(&self.block_hash)),
        ];
        let call = Call::new("state_getKeysPaged", params).at(self.height).weighing(WEIGHT_OF_A_PAGE);
        let read = |peer: Arc<Peer>| {
            let call = call.clone();
            async move {
                let page = |value: &Value| wire::key_page(value, &self.prefix, after, KEYS_IN_A_PAGE);
                peer.ask_one(call, page).await
            }
        };
        self.chain.pool.run(read).await
    }

    /// The values of the keys, in their order; asks for fewer at once when the answer is too large.
    async fn values(&self, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |peer: Arc<Peer>| async move {
            let mut values = Vec::with_capacity(keys.len());
            let mut count = keys.len();
            while let Some(rest) = keys.get(values.len()..).filter(|rest| !rest.is_empty()) {
                let part = rest.get(..count).unwrap_or(rest);
                match self.values_at_once(&peer, part).await {
                    Ok(read) => values.extend(read),
                    Err(Failure::TooLarge { .. }) if part.len() > 1 => count = part.len() / 2,
                    Err(failure) => return Err(failure),
                }
            }
            Ok(values)
        };
        let values = self.chain.pool.run(read).await?;
        self.chain.pool.progress().advance(u64::try_from(keys.len())?);
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
