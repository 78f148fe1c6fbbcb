//! Spoils single answers.

use std::ops::RangeInclusive;

use jsonrpsee::types::error::METHOD_NOT_FOUND_CODE;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::{Value, json};

use super::{AnswerFault, Faults};
use crate::chain::Chain;
use crate::hash::Hash;
use crate::serve::FINALITY_LAG;
use crate::serve::answers::{Answer, CLIENT_ERROR, Method};
use crate::serve::json::{parse_hash, to_hex};
use crate::serve::node::Chains;
use crate::storage::item_key;

/// Answers a call, wrongly if a fault says so.
pub fn answer(chains: &Chains, faults: &Faults, name: &str, method: Method, params: &Params<'_>) -> Answer {
    let values: Vec<Value> = params.parse().unwrap_or_default();
    let call = Call { chains, name, values: &values };
    let Some((fault, blocks)) = faults.of_answer(|fault, blocks| call.is_occasion(fault, blocks)) else {
        return method(&chains.own, params);
    };
    match fault {
        AnswerFault::Null => Ok(match method(&chains.own, params)? {
            Value::Array(hashes) => call.without(hashes, blocks),
            _ => Value::Null,
        }),
        AnswerFault::WrongHeader => {
            let mut header = method(&chains.own, params)?;
            if let Some(root) = header.get_mut("stateRoot") {
                *root = json!(to_hex(&[0xee; 32]));
            }
            Ok(header)
        }
        AnswerFault::ForeignEvents => Ok(call.with_events_before(method(&chains.own, params)?)),
        AnswerFault::Fork(_) => method(call.fork(), params),
        AnswerFault::HeadBack(by) => {
            let head = chains.own.head().map_or(0, |head| head.header.number);
            let block = chains.own.block(head.saturating_sub(FINALITY_LAG).saturating_sub(*by));
            Ok(block.map_or(Value::Null, |block| json!(to_hex(&block.hash))))
        }
        AnswerFault::OtherChain => method(chains.other.as_ref().unwrap_or(&chains.own), params),
        AnswerFault::Pruned => {
            let hash = call.block_hash().map(|hash| to_hex(&hash)).unwrap_or_default();
            let message = format!("Client error: UnknownBlock: State already discarded for {hash}");
            Err(ErrorObjectOwned::owned(CLIENT_ERROR, message, None::<()>))
        }
        AnswerFault::Unsafe(_) => {
            let message = "RPC call is unsafe to be called externally";
            Err(ErrorObjectOwned::owned(METHOD_NOT_FOUND_CODE, message, None::<()>))
        }
    }
}

/// A call, as far as faults look at it.
struct Call<'a> {
    chains: &'a Chains,
    name: &'a str,
    values: &'a [Value],
}

impl Call<'_> {
    /// Whether the fault is about this call.
    fn is_occasion(&self, fault: &AnswerFault, blocks: Option<&RangeInclusive<u32>>) -> bool {
        let is_there = || match (blocks, self.height()) {
            (None, _) => true,
            (Some(blocks), Some(height)) => blocks.contains(&height),
            (Some(_), None) => false,
        };
        match fault {
            AnswerFault::Null if self.name == "chain_getBlockHash" => {
                let asked = self.heights();
                asked.iter().flatten().any(|height| blocks.is_none_or(|blocks| blocks.contains(height)))
            }
            AnswerFault::Null | AnswerFault::WrongHeader => self.name == "chain_getHeader" && is_there(),
            AnswerFault::ForeignEvents => self.name == "state_queryStorageAt" && is_there(),
            AnswerFault::Pruned => self.name.starts_with("state_") && is_there(),
            AnswerFault::HeadBack(_) => self.name == "chain_getFinalizedHead",
            AnswerFault::Unsafe(method) => self.name == method,
            AnswerFault::Fork(_) | AnswerFault::OtherChain => {
                self.name.starts_with("chain_") || self.name.starts_with("state_")
            }
        }
    }

    /// The block that the call names by its hash.
    fn block_hash(&self) -> Option<Hash> {
        let place = match self.name {
            "chain_getBlock" | "chain_getHeader" | "state_getMetadata" | "state_getRuntimeVersion" => 0,
            "state_getReadProof" | "state_getStorage" | "state_queryStorageAt" => 1,
            "state_getKeysPaged" => 3,
            _ => return None,
        };
        parse_hash(self.values.get(place)?.as_str()?).ok()
    }

    fn height(&self) -> Option<u32> {
        self.chains.own.height(&self.block_hash()?)
    }

    /// The heights that `chain_getBlockHash` asks about.
    fn heights(&self) -> Vec<Option<u32>> {
        let height = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        match self.values.first() {
            Some(Value::Array(list)) => list.iter().map(height).collect(),
            Some(value) => vec![height(value)],
            None => Vec::new(),
        }
    }

    /// Hashes of a list, without those of `blocks`.
    fn without(&self, mut hashes: Vec<Value>, blocks: Option<&RangeInclusive<u32>>) -> Value {
        for (hash, height) in hashes.iter_mut().zip(self.heights()) {
            if blocks.is_none_or(|blocks| height.is_some_and(|height| blocks.contains(&height))) {
                *hash = Value::Null;
            }
        }
        Value::Array(hashes)
    }

    /// The answer, with the events of the block before.
    fn with_events_before(&self, mut answer: Value) -> Value {
        let before = self.height().and_then(|height| self.chains.own.block(height.checked_sub(1)?));
        let events = before.and_then(|block| block.events.as_deref()).map(to_hex);
        let key = json!(to_hex(&item_key("System", "Events")));
        let changes = answer.pointer_mut("/0/changes").and_then(Value::as_array_mut);
        for change in changes.into_iter().flatten() {
            if change.get(0) == Some(&key)
                && let (Some(value), Some(events)) = (change.get_mut(1), &events)
            {
                *value = json!(events);
            }
        }
        answer
    }

    /// The chain to answer from after a fork: the blocks that it left behind are still known.
    fn fork(&self) -> &Chain {
        match (&self.chains.fork, self.block_hash()) {
            (Some(fork), Some(hash)) if fork.height(&hash).is_some() => fork,
            (Some(fork), None) => fork,
            _ => &self.chains.own,
        }
    }
}
