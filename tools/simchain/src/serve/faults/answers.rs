//! Spoils single answers.

use std::ops::RangeInclusive;

use jsonrpsee::types::error::METHOD_NOT_FOUND_CODE;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::{Value, json};

use super::{AnswerFault, Faults, Strike, proofs};
use crate::chain::Chain;
use crate::hash::Hash;
use crate::serve::FINALITY_LAG;
use crate::serve::answers::{Answer, CLIENT_ERROR, Method};
use crate::serve::json::{justifications_json, parse_hash, parse_hex, to_hex};
use crate::serve::node::Chains;
use crate::storage::item_key;

/// Answers a call, wrongly if a fault says so.
pub fn answer(chains: &Chains, faults: &Faults, name: &str, method: Method, params: &Params<'_>) -> Answer {
    let values: Vec<Value> = params.parse().unwrap_or_default();
    let call = Call { chains, name, values: &values };
    let strike = faults.of_answer(|fault, blocks| call.is_occasion(fault, blocks));
    let Some(Strike { fault, blocks, mut rng }) = strike else { return method(&chains.own, params) };
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
        AnswerFault::Proof(fault) => {
            let mut answer = method(&chains.own, params)?;
            let keys = call.keys();
            let height = call.height();
            let nodes = height.and_then(|height| proofs::proof(*fault, &chains.own, height, &keys, &mut rng));
            if let (Some(proof), Some(nodes)) = (answer.get_mut("proof"), nodes) {
                *proof = json!(nodes.iter().map(|node| to_hex(node)).collect::<Vec<_>>());
            }
            Ok(answer)
        }
        AnswerFault::Justification(fault) => {
            let mut answer = method(&chains.own, params)?;
            let height = call.height();
            let spoiled = height.and_then(|at| proofs::justification(*fault, &chains.own, at, &mut rng));
            if let Some(justifications) = answer.get_mut("justifications") {
                *justifications = justifications_json(spoiled.as_ref());
            }
            Ok(answer)
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
            AnswerFault::Proof(_) => self.name == "state_getReadProof" && is_there(),
            AnswerFault::Justification(_) => {
                self.name == "chain_getBlock" && is_there() && self.is_justified()
            }
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

    /// Whether nodes keep a justification of the block.
    fn is_justified(&self) -> bool {
        let block = self.height().and_then(|height| self.chains.own.block(height));
        block.is_some_and(|block| self.chains.own.justification(block).is_some())
    }

    /// The keys that `state_getReadProof` asks about.
    fn keys(&self) -> Vec<Vec<u8>> {
        let keys = self.values.first().and_then(Value::as_array).into_iter().flatten();
        keys.filter_map(|key| parse_hex(key.as_str()?).ok()).collect()
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
