//! Faults of proofs and justifications: what a node gives then is refused by the verifier of `minting`, each by its name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::sync::{Arc, LazyLock};

use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::HttpClient;
use jsonrpsee::rpc_params;
use minting::proof::answer::values;
use minting::proof::grandpa::{self, Authorities};
use minting::proof::{Error, Layout};
use parity_scale_codec::Decode;
use serde_json::Value;
use simchain::chain::Chain;
use simchain::finality::AUTHORITIES_KEY;
use simchain::proving::StateVersion;
use simchain::scenario::Kind;
use simchain::storage::item_key;
use simchain::{Options, Proving, Scenario, serve};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 3_600, nodes: Some(3), seed: 1, upgrade: false };

fn chain(state_version: StateVersion) -> Arc<Chain> {
    let proving = Proving { state_version, justify_every: 3, ..Proving::default() };
    Arc::new(Chain::collect(Scenario::new(OPTIONS).unwrap().with_proving(proving).produce()))
}

static CHAIN: LazyLock<Arc<Chain>> = LazyLock::new(|| chain(StateVersion::V0));

fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

/// A node that has the fault once, at block 60 or 61.
struct Node {
    served: serve::Served,
    client: HttpClient,
}

impl Node {
    async fn new(chain: &Arc<Chain>, fault: &str, fault_seed: u64) -> Node {
        let blocks = if fault.contains(':') { "" } else { ":block=60..61" };
        let faults = vec![format!("{fault}{blocks},times=1").parse().unwrap()];
        let config = serve::Config { faults, fault_seed, ..serve::Config::default() };
        let served = serve::serve(Arc::clone(chain), config).await.unwrap();
        let client = HttpClient::builder().build(format!("http://{}", served.address)).unwrap();
        Node { served, client }
    }

    async fn ask(&self, method: &str, params: ArrayParams) -> Value {
        self.client.request(method, params).await.unwrap()
    }

    /// What the proof of events and time at block 60 comes to.
    async fn prove(&self, chain: &Chain, layout: Layout) -> Result<(), Error> {
        let keys = [item_key("System", "Events"), item_key("Timestamp", "Now")];
        let block = chain.block(60).unwrap();
        let params = rpc_params![keys.each_ref().map(|key| to_hex(key)), to_hex(&block.hash)];
        let answer = self.ask("state_getReadProof", params).await;
        assert_eq!(bytes(&answer["at"]), block.hash);
        let nodes: Vec<_> = answer["proof"].as_array().unwrap().iter().map(bytes).collect();
        values(layout, &block.header.state_root, &nodes, &keys.each_ref().map(Vec::as_slice)).map(|_| ())
    }

    /// The justification of a block.
    async fn justification(&self, chain: &Chain, height: u32) -> Option<Vec<u8>> {
        let hash = to_hex(&chain.block(height).unwrap().hash);
        let answer = self.ask("chain_getBlock", rpc_params![hash]).await;
        let justifications: Option<Vec<([u8; 4], Vec<u8>)>> =
            serde_json::from_value(answer["justifications"].clone()).unwrap();
        let (engine, bytes) = justifications?.pop().unwrap();
        assert_eq!(&engine, b"FRNK");
        Some(bytes)
    }
}

#[tokio::test]
async fn a_spoiled_proof_is_refused_and_the_next_one_is_not() {
    for (version, layout) in [(StateVersion::V0, Layout::V0), (StateVersion::V1, Layout::V1)] {
        let chain = chain(version);
        for seed in 1..8 {
            for fault in ["proof-changed", "proof-dropped", "proof-swapped", "proof-before", "proof-added"] {
                let node = Node::new(&chain, fault, seed).await;
                let error = node.prove(&chain, layout).await.unwrap_err();
                let is_expected = match fault {
                    "proof-added" => matches!(error, Error::Extra { .. }),
                    "proof-dropped" => matches!(error, Error::Missing { .. }),
                    _ => matches!(error, Error::Missing { .. } | Error::Changed { .. }),
                };
                assert!(is_expected, "{fault} {seed} {version:?}: {error}");
                node.prove(&chain, layout).await.unwrap();
                assert_eq!(node.served.strikes(), [1]);
            }
        }
    }
}

#[tokio::test]
async fn a_read_proof_can_be_refused() {
    let node = Node::new(&CHAIN, "unsafe:method=state_getReadProof", 1).await;
    assert_eq!(node.served.strikes(), [0]);
    let keys = [to_hex(&item_key("System", "Events"))];
    let hash = to_hex(&CHAIN.block(60).unwrap().hash);
    let refused = node.client.request::<Value, _>("state_getReadProof", rpc_params![keys, hash]).await;
    assert!(refused.unwrap_err().to_string().contains("unsafe"));
}

#[tokio::test]
async fn a_spoiled_justification_is_refused_and_the_next_one_is_not() {
    let list = CHAIN.value(AUTHORITIES_KEY, 0).unwrap();
    let (_, list) = <(u8, Vec<([u8; 32], u64)>)>::decode(&mut &list[..]).unwrap();
    let set = Authorities { set_id: 0, weights: list.into_iter().collect() };
    let justified = |height: &u32| CHAIN.justification(CHAIN.block(*height).unwrap()).is_some();
    let height = (60..=61).find(justified).unwrap();
    let hash = CHAIN.block(height).unwrap().hash;
    for seed in 1..8 {
        for fault in ["bad-signature", "few-votes", "votes-before", "unjustified"] {
            let node = Node::new(&CHAIN, fault, seed).await;
            let first = node.justification(&CHAIN, height).await;
            let outcome = first.map(|bytes| grandpa::verify(&bytes, &set));
            let is_expected = match (fault, &outcome) {
                ("bad-signature", Some(Err(grandpa::Error::Signature { .. })))
                | ("few-votes", Some(Err(grandpa::Error::Weight { .. })))
                | ("unjustified", None) => true,
                ("votes-before", Some(Ok(other))) => other.height == height - 1 && other.hash != hash,
                _ => false,
            };
            assert!(is_expected, "{fault}: {outcome:?}");
            let second = node.justification(&CHAIN, height).await.unwrap();
            assert_eq!(grandpa::verify(&second, &set).unwrap().hash, hash);
            assert_eq!(node.served.strikes(), [1]);
        }
    }
}
