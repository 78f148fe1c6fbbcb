//! The chain as its nodes tell it: questions in terms of heights, answers in terms of bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use super::client::Call;
use super::endpoint::lock;
use super::error::Error;
use super::failure::{Failure, wrong};
use super::pool::{Peer, Pool};
use super::wire::{self, RuntimeVersion, Wrong};
use crate::archive::{Hash, RuntimeMetadata};
use crate::chain::keys;

/// Heights asked for in one `chain_getBlockHash`.
const HASHES_IN_A_LIST: usize = 1_000;
/// A list of so many heights costs the node about as much as a single read.
const HASHES_IN_A_READ: usize = 100;
/// The metadata of a runtime, which the node has to execute, costs as much as this many single reads.
const WEIGHT_OF_METADATA: u32 = 25;
/// Blocks that a node may be behind the others and still be asked.
const BLOCKS_BEHIND_MAX: u32 = 600;

/// A chain, behind the endpoints that serve it.
pub(super) struct Chain {
    pub(super) pool: Pool,
    pub(super) genesis: Hash,
    /// What the first endpoint calls the chain.
    pub(super) name: String,
    /// Name and version of the first endpoint's program.
    pub(super) node: String,
    /// The highest block that every endpoint held for finalized when it was greeted. Nothing above it is read.
    pub(super) head: u32,
    /// What each of them held for finalized.
    heads: Vec<(usize, u32)>,
    /// The last block of the export, final when it began: what is read must be of the chain that ends there.
    anchor: OnceLock<(u32, Hash)>,
    /// Times that searches asked for, milliseconds by height.
    times_ms: Mutex<BTreeMap<u32, u64>>,
}

/// What one endpoint says about itself.
struct Greeting {
    index: usize,
    genesis: Hash,
    head: u32,
    chain: String,
    node: String,
}

impl Chain {
    /// Asks every endpoint who it is. Goes on with those that answer, serve the chain that most of them serve
    /// (of as many, the first one given), and are not far behind.
    pub(super) async fn greet(pool: Pool) -> Result<Chain, Error> {
        let mut greetings = Vec::new();
        for index in pool.up().collect::<Vec<_>>() {
            greetings.extend(pool.run_on(index, greet_one).await?);
        }
        let Some(chosen) = as_most(&greetings, |greeting| greeting.genesis) else {
            return Err(Error::Internal("no endpoint answered"));
        };
        let highest = greetings.iter().filter(|other| other.genesis == chosen.genesis).map(|g| g.head).max();
        let highest = highest.unwrap_or(chosen.head);
        let mut heads = Vec::new();
        for greeting in &greetings {
            let problem = if greeting.genesis != chosen.genesis {
                let (theirs, ours) = (wire::to_hex(&greeting.genesis), wire::to_hex(&chosen.genesis));
                format!(
                    "it serves another chain (genesis {theirs}) than {} ({ours})",
                    pool.name(chosen.index)
                )
            } else if highest - greeting.head > BLOCKS_BEHIND_MAX {
                format!("its finalized head {} is far behind that of others, {highest}", greeting.head)
            } else {
                heads.push((greeting.index, greeting.head));
                continue;
            };
            let about = wrong("itself", problem).of(&pool.name(greeting.index));
            pool.drop_unless_last(greeting.index, about)?;
        }
        let (genesis, name, node) = (chosen.genesis, chosen.chain.clone(), chosen.node.clone());
        let head = heads.iter().map(|(_, head)| *head).min().unwrap_or(highest);
        let (anchor, times_ms) = (OnceLock::new(), Mutex::default());
        Ok(Chain { genesis, name, node, head, heads, pool, anchor, times_ms })
    }

    /// Goes on without the endpoints that are furthest behind, when blocks are asked for that only others hold for
    /// final. False if none holds more for final.
    pub(super) fn leave_behind(&mut self) -> Result<bool, Error> {
        let up: Vec<usize> = self.pool.up().collect();
        self.heads.retain(|(index, _)| up.contains(index));
        let (behind, ahead): (Vec<_>, Vec<_>) = self.heads.iter().partition(|(_, head)| *head <= self.head);
        let Some(next) = ahead.iter().map(|(_, head): &(usize, u32)| *head).min() else { return Ok(false) };
        for (index, head) in behind {
            let what = format!("its finalized head is {head}, and the blocks asked for reach further");
            self.pool.drop_unless_last(index, wrong("itself", what).of(&self.pool.name(index)))?;
        }
        (self.head, self.heads) = (next, ahead);
        Ok(true)
    }

    /// Makes sure that every endpoint still has the state of an old block.
    pub(super) async fn probe(&self, height: u32) -> Result<(), Error> {
        for index in self.pool.up().collect::<Vec<_>>() {
            self.pool.run_on(index, |peer| async move { self.times_on(&peer, &[height]).await }).await?;
        }
        Ok(())
    }

    /// Holds everything that is read from now on to the chain that has this block now: the one of most endpoints (of
    /// as many, the first one given). Goes on without those that have another block there.
    pub(super) async fn hold_to(&self, height: u32) -> Result<(), Error> {
        let mut said: Vec<(usize, Hash)> = Vec::new();
        for index in self.pool.up().collect::<Vec<_>>() {
            let read = |peer: Arc<Peer>| async move { self.hash_on(&peer, height).await };
            said.extend(self.pool.run_on(index, read).await?.map(|hash| (index, hash)));
        }
        let Some(&(chosen, hash)) = as_most(&said, |(_, hash)| *hash) else {
            return Err(Error::Internal("no endpoint said which chain it has"));
        };
        for (index, other) in said.into_iter().filter(|(_, other)| *other != hash) {
            let (theirs, ours) = (wire::to_hex(&other), wire::to_hex(&hash));
            let what = format!(
                "it is on another fork: its hash is {theirs}, that of {} {ours}",
                self.pool.name(chosen)
            );
            let about = wrong(format!("block {height}"), what).of(&self.pool.name(index));
            self.pool.drop_unless_last(index, about)?;
        }
        self.anchor.set((height, hash)).map_err(|_| Error::Internal("the chain is held twice"))
    }

    /// The hash of the last block of the export.
    pub(super) fn last_hash(&self) -> Hash {
        self.anchor.get().map(|(_, hash)| *hash).unwrap_or_default()
    }

    /// The hashes of blocks, in the order of the heights.
    pub(super) async fn hashes(&self, heights: &[u32]) -> Result<Vec<Hash>, Error> {
        self.pool.run(|peer| async move { self.hashes_on(&peer, heights).await }).await
    }

    /// As [`Chain::hashes`], from one endpoint, which must still serve this chain.
    pub(super) async fn hashes_on(&self, peer: &Peer, heights: &[u32]) -> Result<Vec<Hash>, Failure> {
        let mut hashes = Vec::with_capacity(heights.len());
        let known: Vec<(u32, Hash)> =
            std::iter::once((0, self.genesis)).chain(self.anchor.get().copied()).collect();
        for list in heights.chunks(HASHES_IN_A_LIST - known.len()) {
            let asked: Vec<u32> =
                known.iter().map(|(height, _)| *height).chain(list.iter().copied()).collect();
            let weight = u32::try_from(asked.len().div_ceil(HASHES_IN_A_READ)).unwrap_or(1);
            let call = Call::new("chain_getBlockHash", vec![json!(asked)]).weighing(weight);
            let read = |value: &Value| still_this_chain(wire::hashes(value, &asked)?, &known);
            hashes.extend(peer.ask_one(call, read).await?);
        }
        Ok(hashes)
    }

    /// The hash of one block, from one endpoint.
    pub(super) async fn hash_on(&self, peer: &Peer, height: u32) -> Result<Hash, Failure> {
        first(self.hashes_on(peer, &[height]).await?)
    }

    /// The time of one block, milliseconds.
    pub(super) async fn time_ms(&self, height: u32) -> Result<u64, Error> {
        if let Some(known) = lock(&self.times_ms).get(&height) {
            return Ok(*known);
        }
        let times = self.times_ms(&[height]).await?;
        let time_ms = times.into_iter().next().ok_or(Error::Internal("a time was not answered"))?;
        lock(&self.times_ms).insert(height, time_ms);
        Ok(time_ms)
    }

    /// The times of blocks, milliseconds, in the order of the heights. Genesis has time 0.
    pub(super) async fn times_ms(&self, heights: &[u32]) -> Result<Vec<u64>, Error> {
        self.pool.run(|peer| async move { self.times_on(&peer, heights).await }).await
    }

    async fn times_on(&self, peer: &Peer, heights: &[u32]) -> Result<Vec<u64>, Failure> {
        let hashes = self.hashes_on(peer, heights).await?;
        let key = wire::to_hex(&keys::timestamp_now());
        let of = |(&height, hash): (&u32, &Hash)| {
            Call::new("state_getStorage", vec![json!(key), json!(wire::to_hex(hash))]).at(height)
        };
        let calls: Vec<Call> = heights.iter().zip(&hashes).map(of).collect();
        let height_of = |index: usize| heights.get(index).copied().unwrap_or_default();
        peer.ask(&calls, |index, value| time_of(height_of(index), wire::moment_ms(value)?)).await
    }

    /// The version of the runtime in the state after a block.
    pub(super) async fn version(&self, height: u32) -> Result<RuntimeVersion, Error> {
        let read = |peer: Arc<Peer>| async move {
            let hash = self.hash_on(&peer, height).await?;
            let call = Call::new("state_getRuntimeVersion", vec![json!(wire::to_hex(&hash))]).at(height);
            peer.ask_one(call, RuntimeVersion::parse).await
        };
        self.pool.run(read).await
    }

    /// The metadata of the runtime in the state after a block.
    pub(super) async fn metadata(
        &self,
        height: u32,
        version: RuntimeVersion,
    ) -> Result<RuntimeMetadata, Error> {
        let read = |peer: Arc<Peer>| async move {
            let hash = self.hash_on(&peer, height).await?;
            let call = Call::new("state_getMetadata", vec![json!(wire::to_hex(&hash))]).at(height);
            peer.ask_one(call.weighing(WEIGHT_OF_METADATA), metadata_bytes).await
        };
        let bytes = self.pool.run(read).await?;
        Ok(RuntimeMetadata {
            spec_version: version.spec_version,
            state_version: version.state_version,
            bytes,
        })
    }
}

/// The first of those that say the same as most do.
fn as_most<T, K: PartialEq>(all: &[T], says: impl Fn(&T) -> K) -> Option<&T> {
    let agreeing = |one: &T| all.iter().filter(|other| says(other) == says(one)).count();
    let most = all.iter().map(agreeing).max()?;
    all.iter().find(|one| agreeing(one) == most)
}

/// The hashes after those of blocks that are known, which must be as known.
fn still_this_chain(hashes: Vec<Hash>, known: &[(u32, Hash)]) -> Result<Vec<Hash>, Wrong> {
    for ((height, ours), theirs) in known.iter().zip(&hashes) {
        if ours != theirs {
            let change =
                if *height == 0 { "it serves another chain" } else { "it left the fork that was final" };
            let (ours, theirs) = (wire::to_hex(ours), wire::to_hex(theirs));
            return Err(format!("{change}: block {height} was {ours} before and is {theirs} now"));
        }
    }
    Ok(hashes.into_iter().skip(known.len()).collect())
}

fn metadata_bytes(value: &Value) -> Result<Vec<u8>, Wrong> {
    let bytes = wire::bytes(value)?;
    if bytes.starts_with(b"meta") { Ok(bytes) } else { Err("the metadata does not begin with `meta`".into()) }
}

/// The time of a block from its `Timestamp.Now`: only genesis has none.
pub(super) fn time_of(height: u32, moment_ms: Option<u64>) -> Result<u64, Wrong> {
    match (height, moment_ms) {
        (0, None) => Ok(0),
        (0, Some(_)) => Err("genesis has a time".to_owned()),
        (_, Some(time_ms)) => Ok(time_ms),
        (_, None) => Err("Timestamp.Now is null".to_owned()),
    }
}

async fn greet_one(peer: Arc<Peer>) -> Result<Greeting, Failure> {
    let genesis = Call::new("chain_getBlockHash", vec![json!(0)]).at(0);
    let genesis = peer.ask_one(genesis, wire::hash).await?;
    let head = peer.ask_one(Call::new("chain_getFinalizedHead", vec![]), wire::hash).await?;
    let header = Call::new("chain_getHeader", vec![json!(wire::to_hex(&head))]);
    let head = peer.ask_one(header, wire::Header::parse).await?.number;
    let names: Vec<Call> =
        ["system_chain", "system_name", "system_version"].map(|name| Call::new(name, vec![])).into();
    let names = peer.ask(&names, |_, value| Ok(value.as_str().unwrap_or("unknown").to_owned())).await?;
    let [chain, name, version] = names.as_slice() else { return Err(Error::Internal("names").into()) };
    let (chain, node) = (chain.clone(), format!("{name} {version}"));
    Ok(Greeting { index: peer.index, genesis, head, chain, node })
}

fn first<T>(items: Vec<T>) -> Result<T, Failure> {
    items.into_iter().next().ok_or_else(|| Error::Internal("a question was not answered").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_of_the_chain_that_was_greeted() {
        let known = [(0, [1; 32]), (9, [2; 32])];
        assert_eq!(still_this_chain(vec![[1; 32], [2; 32], [3; 32]], &known), Ok(vec![[3; 32]]));
        let other = still_this_chain(vec![[7; 32], [2; 32]], &known).unwrap_err();
        assert!(other.contains("another chain: block 0"), "{other}");
        let fork = still_this_chain(vec![[1; 32], [7; 32]], &known).unwrap_err();
        assert!(fork.contains("left the fork that was final: block 9"), "{fork}");
    }

    #[test]
    fn most_are_followed_and_of_as_many_the_first() {
        let chosen = |all: &[(u8, char)]| as_most(all, |(_, says)| *says).map(|(index, _)| *index);
        assert_eq!(chosen(&[(0, 'x'), (1, 'y'), (2, 'y')]), Some(1));
        assert_eq!(chosen(&[(0, 'x'), (1, 'y')]), Some(0));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn only_genesis_has_no_time() {
        assert_eq!(time_of(0, None), Ok(0));
        assert_eq!(time_of(1, Some(7)), Ok(7));
        assert!(time_of(1, None).unwrap_err().contains("null"));
        assert!(time_of(0, Some(7)).is_err());
    }
}
