//! The chain as its nodes tell it: questions in terms of heights, answers in terms of bytes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Call;
use super::error::Error;
use super::job::Answer;
use super::pool::Pool;
use super::wire::{self, RuntimeVersion, Wrong};
use crate::archive::{Hash, RuntimeMetadata};
use crate::chain::keys;

/// Heights asked for in one `chain_getBlockHash`.
const HASHES_IN_A_LIST: usize = 1_000;
/// Such a list costs the node about as much as this many single reads.
const WEIGHT_OF_A_LIST: u32 = 10;
/// So does the metadata of a runtime, which the node has to execute.
const WEIGHT_OF_METADATA: u32 = 25;

/// A chain, behind the endpoints that serve it.
pub(super) struct Chain {
    pub(super) pool: Pool,
    pub(super) genesis: Hash,
    /// What the first endpoint calls the chain.
    pub(super) name: String,
    /// Name and version of the first endpoint's program.
    pub(super) node: String,
    /// The highest block that every endpoint holds for finalized.
    pub(super) head: u32,
}

/// What one endpoint says about itself.
struct Greeting {
    endpoint: Arc<str>,
    genesis: Hash,
    head: u32,
}

impl Chain {
    /// Asks every endpoint who it is, and makes sure that all serve one chain.
    pub(super) async fn greet(pool: Pool) -> Result<Chain, Error> {
        let mut greetings = Vec::new();
        for index in 0..pool.len() {
            greetings.push(greet_one(&pool, index).await?);
        }
        let Some((first, others)) = greetings.split_first() else {
            return Err(Error::Internal("there is no endpoint"));
        };
        if let Some(second) = others.iter().find(|other| other.genesis != first.genesis) {
            return Err(Error::OtherChain {
                first: Arc::clone(&first.endpoint),
                first_genesis: wire::to_hex(&first.genesis),
                second: Arc::clone(&second.endpoint),
                second_genesis: wire::to_hex(&second.genesis),
            });
        }
        let head = others.iter().fold(first.head, |head, other| head.min(other.head));
        let name = text(&pool, "system_chain").await?;
        let node = format!("{} {}", text(&pool, "system_name").await?, text(&pool, "system_version").await?);
        Ok(Chain { genesis: first.genesis, name, node, head, pool })
    }

    /// Makes sure that every endpoint still has the state of an old block.
    pub(super) async fn probe(&self, height: u32) -> Result<(), Error> {
        let call = storage_call(&keys::timestamp_now(), height, &self.hash(height).await?);
        for index in 0..self.pool.len() {
            self.pool.call_on(index, call.clone()).await?;
        }
        Ok(())
    }

    /// The hash of one block.
    pub(super) async fn hash(&self, height: u32) -> Result<Hash, Error> {
        first(self.hashes(&[height]).await?)
    }

    /// The hashes of blocks, in the order of the heights.
    pub(super) async fn hashes(&self, heights: &[u32]) -> Result<Vec<Hash>, Error> {
        let lists: Vec<&[u32]> = heights.chunks(HASHES_IN_A_LIST).collect();
        let calls = lists.iter().map(|list| {
            let weight = if list.len() > 1 { WEIGHT_OF_A_LIST } else { 1 };
            // One height goes as a number: every node and every proxy before it takes that.
            let heights = if let [height] = list { json!(height) } else { json!(list) };
            Call::new("chain_getBlockHash", vec![heights]).weighing(weight)
        });
        let answers = self.pool.call_all(calls.collect()).await?;
        let mut hashes = Vec::with_capacity(heights.len());
        for (list, answer) in lists.iter().zip(&answers) {
            let subject = || match list {
                [height] => format!("the hash of block {height}"),
                [first, .., last] => format!("the hashes of blocks {first} to {last}"),
                [] => "no block".to_owned(),
            };
            hashes.extend(read(answer, subject, |value| match list {
                [_] => wire::hash(value).map(|hash| vec![hash]),
                _ => wire::hashes(value, list.len()),
            })?);
        }
        Ok(hashes)
    }

    /// The time of one block, milliseconds.
    pub(super) async fn time_ms(&self, height: u32) -> Result<u64, Error> {
        first(self.times_ms(&[height]).await?)
    }

    /// The times of blocks, milliseconds, in the order of the heights. Genesis has time 0.
    pub(super) async fn times_ms(&self, heights: &[u32]) -> Result<Vec<u64>, Error> {
        let hashes = self.hashes(heights).await?;
        let calls = heights
            .iter()
            .zip(&hashes)
            .map(|(&height, hash)| storage_call(&keys::timestamp_now(), height, hash));
        let answers = self.pool.call_all(calls.collect()).await?;
        let times = heights.iter().zip(&answers).map(|(&height, answer)| {
            read(
                answer,
                || format!("the time of block {height}"),
                |value| time_of(height, wire::moment_ms(value)?),
            )
        });
        times.collect()
    }

    /// The version of the runtime in the state after a block.
    pub(super) async fn version(&self, height: u32) -> Result<RuntimeVersion, Error> {
        let hash = self.hash(height).await?;
        let call = Call::new("state_getRuntimeVersion", vec![json!(wire::to_hex(&hash))]).at(height);
        let answer = self.pool.call(call).await?;
        read(&answer, || format!("the runtime of block {height}"), RuntimeVersion::parse)
    }

    /// The metadata of the runtime in the state after a block.
    pub(super) async fn metadata(
        &self,
        height: u32,
        version: RuntimeVersion,
    ) -> Result<RuntimeMetadata, Error> {
        let hash = self.hash(height).await?;
        let call = Call::new("state_getMetadata", vec![json!(wire::to_hex(&hash))]).at(height);
        let answer = self.pool.call(call.weighing(WEIGHT_OF_METADATA)).await?;
        let bytes = read(&answer, || format!("the metadata of block {height}"), wire::bytes)?;
        Ok(RuntimeMetadata {
            spec_version: version.spec_version,
            state_version: version.state_version,
            bytes,
        })
    }
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

/// Reads an answer; an error names who gave it and what it was about.
pub(super) fn read<T>(
    answer: &Answer,
    subject: impl FnOnce() -> String,
    parse: impl FnOnce(&Value) -> Result<T, Wrong>,
) -> Result<T, Error> {
    parse(&answer.value).map_err(|what| Error::BadAnswer {
        endpoint: Arc::clone(&answer.endpoint),
        subject: subject(),
        what,
    })
}

async fn greet_one(pool: &Pool, index: usize) -> Result<Greeting, Error> {
    let genesis = pool.call_on(index, Call::new("chain_getBlockHash", vec![json!(0)])).await?;
    let head_hash = pool.call_on(index, Call::new("chain_getFinalizedHead", vec![])).await?;
    let head = pool.call_on(index, Call::new("chain_getHeader", vec![head_hash.value])).await?;
    Ok(Greeting {
        genesis: read(&genesis, || "the hash of block 0".to_owned(), wire::hash)?,
        head: read(&head, || "the finalized head".to_owned(), wire::Header::parse)?.number,
        endpoint: genesis.endpoint,
    })
}

async fn text(pool: &Pool, method: &'static str) -> Result<String, Error> {
    let answer = pool.call_on(0, Call::new(method, vec![])).await?;
    Ok(answer.value.as_str().unwrap_or("unknown").to_owned())
}

fn storage_call(key: &[u8], height: u32, hash: &Hash) -> Call {
    let params = vec![json!(wire::to_hex(key)), json!(wire::to_hex(hash))];
    Call::new("state_getStorage", params).at(height)
}

fn first<T>(items: Vec<T>) -> Result<T, Error> {
    items.into_iter().next().ok_or(Error::Internal("a question was not answered"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_genesis_has_no_time() {
        assert_eq!(time_of(0, None), Ok(0));
        assert_eq!(time_of(1, Some(7)), Ok(7));
        assert!(time_of(1, None).unwrap_err().contains("null"));
        assert!(time_of(0, Some(7)).is_err());
    }
}
