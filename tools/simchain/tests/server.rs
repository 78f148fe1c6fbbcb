//! The server answers over HTTP and WebSocket as a node does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::client::{ClientT, Error};
use jsonrpsee::core::params::{ArrayParams, BatchRequestBuilder};
use jsonrpsee::http_client::HttpClient;
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::WsClientBuilder;
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use simchain::chain::Chain;
use simchain::scenario::Kind;
use simchain::{Options, Scenario, serve, storage::item_key};

fn chain() -> Arc<Chain> {
    let options = Options {
        scenario: Kind::Small,
        period: 81,
        block_time: 3_600,
        nodes: Some(3),
        seed: 1,
        upgrade: true,
    };
    Arc::new(Chain::collect(Scenario::new(options).unwrap().produce()))
}

fn hash_at(chain: &Chain, height: u32) -> String {
    format!("0x{}", hex::encode(chain.block(height).unwrap().hash))
}

fn key(pallet: &str, item: &str) -> String {
    format!("0x{}", hex::encode(item_key(pallet, item)))
}

async fn ask(client: &impl ClientT, method: &str, params: ArrayParams) -> Value {
    client.request(method, params).await.unwrap()
}

/// The code with which the server refuses a call.
async fn refusal(client: &impl ClientT, method: &str, params: ArrayParams) -> i32 {
    match client.request::<Value, _>(method, params).await {
        Err(Error::Call(error)) => error.code(),
        other => panic!("{method} answered {other:?}"),
    }
}

async fn talk(client: &impl ClientT, chain: &Chain) {
    let head = chain.head().unwrap().header.number;
    let hash = hash_at(chain, 60);
    let answer = ask(client, "chain_getBlockHash", rpc_params![60]).await;
    assert_eq!(answer, json!(hash));
    assert_eq!(ask(client, "chain_getBlockHash", rpc_params!["0x3c"]).await, json!(hash));
    let list = ask(client, "chain_getBlockHash", rpc_params![[0, 60, 99_999_999]]).await;
    assert_eq!(list, json!([hash_at(chain, 0), hash, null]));
    assert_eq!(ask(client, "chain_getBlockHash", rpc_params![]).await, json!(hash_at(chain, head)));
    let finalized = ask(client, "chain_getFinalizedHead", rpc_params![]).await;
    assert_eq!(finalized, json!(hash_at(chain, head - serve::FINALITY_LAG)));

    let header = ask(client, "chain_getHeader", rpc_params![&hash]).await;
    assert_eq!(header["number"], "0x3c");
    assert_eq!(header["parentHash"], json!(hash_at(chain, 59)));
    let logs = header["digest"]["logs"].as_array().unwrap();
    assert!(logs[0].as_str().unwrap().starts_with("0x066175726120"), "{logs:?}");
    let unknown = format!("0x{}", "11".repeat(32));
    assert_eq!(ask(client, "chain_getHeader", rpc_params![&unknown]).await, Value::Null);
    assert_eq!(ask(client, "chain_getBlock", rpc_params![&unknown]).await, Value::Null);
    let block = ask(client, "chain_getBlock", rpc_params![&hash]).await;
    assert_eq!(block["block"]["header"], header);
    assert!(block["block"]["extrinsics"][0].as_str().unwrap().starts_with("0x280401000b"));

    let (events, now) = (key("System", "Events"), key("Timestamp", "Now"));
    let changes = ask(client, "state_queryStorageAt", rpc_params![[&events, &now, &unknown], &hash]).await;
    let here = chain.block(60).unwrap();
    let time = format!("0x{}", hex::encode(here.time_ms.to_le_bytes()));
    let raw = format!("0x{}", hex::encode(here.events.as_ref().unwrap()));
    assert_eq!(changes[0]["block"], json!(hash));
    assert_eq!(changes[0]["changes"], json!([[events, raw], [now, time], [unknown, null]]));
    assert_eq!(ask(client, "state_getStorage", rpc_params![&now, &hash]).await, json!(time));
    assert_eq!(refusal(client, "state_getStorage", rpc_params![&now, &unknown]).await, 4003);

    let proof = ask(client, "state_getReadProof", rpc_params![[&events, &now], &hash]).await;
    assert_eq!(proof["at"], json!(hash));
    let item_keys = [item_key("System", "Events"), item_key("Timestamp", "Now")];
    let nodes = chain.state(60).unwrap().prove(item_keys.iter().map(Vec::as_slice));
    let nodes: Vec<_> = nodes.iter().map(|node| format!("0x{}", hex::encode(node))).collect();
    assert_eq!(proof["proof"], json!(nodes));
    assert_eq!(refusal(client, "state_getReadProof", rpc_params![[&now], &unknown]).await, 4003);

    assert_eq!(block["justifications"], Value::Null);
    let justified = ask(client, "chain_getBlock", rpc_params![&finalized]).await;
    let engine_and_bytes = justified["justifications"][0].as_array().unwrap();
    assert_eq!(engine_and_bytes[0], json!(b"FRNK"));
    let bytes = chain.justification(chain.finalized().unwrap()).unwrap().encode();
    assert_eq!(engine_and_bytes[1], json!(bytes));

    let nodes = key("TfgridModule", "Nodes");
    let keys = ask(client, "state_getKeysPaged", rpc_params![&nodes, 2, null(), &hash]).await;
    assert_eq!(keys.as_array().unwrap().len(), 2);
    let rest = ask(client, "state_getKeysPaged", rpc_params![&nodes, 1_000, &keys[1], &hash]).await;
    assert_eq!(rest.as_array().unwrap().len(), 1);
    assert_eq!(refusal(client, "state_getKeysPaged", rpc_params![&nodes, 1_001, null(), &hash]).await, 4002);

    let version = ask(client, "state_getRuntimeVersion", rpc_params![&hash]).await;
    assert_eq!((&version["specVersion"], &version["stateVersion"]), (&json!(145), &json!(0)));
    let version = ask(client, "state_getRuntimeVersion", rpc_params![hash_at(chain, head)]).await;
    assert_eq!(version["specVersion"], 155);
    let metadata = ask(client, "state_getMetadata", rpc_params![&hash]).await;
    assert!(metadata.as_str().unwrap().starts_with("0x6d6574610e"));
    let methods = ask(client, "rpc_methods", rpc_params![]).await;
    assert!(methods["methods"].as_array().unwrap().contains(&json!("state_queryStorageAt")));
    assert_eq!(refusal(client, "state_getPairs", rpc_params![]).await, -32601);
}

fn null() -> Option<String> {
    None
}

#[tokio::test]
async fn answers_over_http_and_websocket_are_those_of_a_node() {
    let chain = chain();
    let (address, server) = serve::start(Arc::clone(&chain), 0, Duration::ZERO).await.unwrap();
    let http = HttpClient::builder().build(format!("http://{address}")).unwrap();
    talk(&http, &chain).await;
    let ws = WsClientBuilder::default().build(format!("ws://{address}")).await.unwrap();
    talk(&ws, &chain).await;
    server.stop().unwrap();
}

#[tokio::test]
async fn a_batch_is_answered_and_latency_holds_it_back() {
    let chain = chain();
    let latency = Duration::from_millis(30);
    let (address, server) = serve::start(Arc::clone(&chain), 0, latency).await.unwrap();
    let client = HttpClient::builder().build(format!("http://{address}")).unwrap();
    let mut batch = BatchRequestBuilder::new();
    for height in 1..40 {
        batch.insert("chain_getHeader", rpc_params![hash_at(&chain, height)]).unwrap();
    }
    let asked = std::time::Instant::now();
    let answers = client.batch_request::<Value>(batch).await.unwrap();
    assert!(asked.elapsed() >= latency);
    let numbers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()["number"].clone()).collect();
    assert_eq!(numbers, (1..40).map(|height| json!(format!("{height:#x}"))).collect::<Vec<_>>());
    server.stop().unwrap();
}
