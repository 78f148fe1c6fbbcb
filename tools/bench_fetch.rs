//! How fast `minting-fetch` exports, and what it costs the node, beside the way of the reference implementation.
//!
//! Both ask the same synthetic chain on this machine, served with 50 ms of injected latency: `minting-fetch` as a
//! program of its own, the reference's way (five calls per block, one after the other: block hash, metadata,
//! runtime version, events, timestamp) on 24 connections from within this program. The calls and bytes are those
//! that the node counted; the memory is what Linux counted.
//!
//! What counts as payload are the hex digits, `0x` included, of what was asked for: hashes, header fields, events,
//! times. Bytes answered are all that the node sent, HTTP headers included; keys and hashes which repeat the question
//! are among them and not among the payload. Requests are printed beside it and not held to the target.
//!
//! `--nodes N` gives the chain more nodes, and so its blocks more events; `--endpoints N` serves it so many times, and
//! shares the load.
//!
//! The synthetic metadata is smaller than that of TFChain (some 100 kB), so the reference's way is measured faster
//! than it is on the real chain.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that can not run may fail loudly; its figures are rounded"
)]

use std::{
    fs,
    ops::RangeInclusive,
    process::Command,
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::HttpClientBuilder,
    rpc_params,
};
use serde_json::Value;
use simchain::{
    Options, Scenario,
    chain::Chain,
    scenario::Kind,
    serve::{self, Config, Figures, Served},
    storage::item_key,
};
use tokio::{runtime::Runtime, task::JoinSet};

/// What every request waits for at the node.
const LATENCY: Duration = Duration::from_millis(50);
/// Connections of the reference implementation.
const CONNECTIONS: u32 = 24;
/// Blocks that are exported; the way of the reference is measured on as many as fit.
const BLOCKS: u32 = 20_000;
const BLOCKS_OF_REFERENCE: u32 = 1_200;
/// Nodes of the chain. Each reports every 40 minutes, so that the 120 s of a block hold the events of a busy chain: as
/// many bytes as a block of a real month has.
const NODES: u32 = 1_250;
/// Resident memory that an export may take, in millions of bytes.
const MEGABYTES_MAX: f64 = 256.0;

/// What was asked for on the command line.
struct Asked {
    nodes: u32,
    endpoints: usize,
}

impl Asked {
    /// Cargo itself adds `--bench`.
    fn parse() -> Asked {
        let mut asked = Asked { nodes: NODES, endpoints: 1 };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let number = words.next().unwrap_or_default();
            match word.as_str() {
                "--nodes" => asked.nodes = number.parse().unwrap(),
                "--endpoints" => asked.endpoints = number.parse().unwrap(),
                other => panic!("{other}: there are --nodes N and --endpoints N"),
            }
        }
        asked
    }

    fn options(&self) -> Options {
        Options {
            scenario: Kind::Small,
            period: 81,
            block_time: 120,
            nodes: Some(self.nodes),
            seed: 1,
            upgrade: false,
        }
    }
}

fn main() {
    let asked = Asked::parse();
    let chain = Arc::new(Chain::collect(Scenario::new(asked.options()).unwrap().produce()));
    let events: usize = chain.blocks().iter().filter_map(|block| block.events.as_ref()).map(Vec::len).sum();
    println!(
        "chain: {} blocks, {} bytes of events each, {} nodes; {} endpoints, every request waits {LATENCY:?}",
        chain.blocks().len(),
        events / chain.blocks().len().max(1),
        asked.nodes,
        asked.endpoints,
    );
    let runtime = Runtime::new().unwrap();
    let serve = || {
        let config = Config { latency: LATENCY, ..Config::default() };
        runtime.block_on(serve::serve(Arc::clone(&chain), config)).unwrap()
    };
    let served: Vec<Served> = std::iter::repeat_with(serve).take(asked.endpoints.max(1)).collect();

    let fetch = export(&served, 1..=BLOCKS);
    let rate = f64::from(BLOCKS) / fetch.took.as_secs_f64();
    println!("minting-fetch: {BLOCKS} blocks in {:.1} s, {rate:.0} blocks/s", fetch.took.as_secs_f64());

    let took = runtime.block_on(reference(&chain, &served[0], 1..=BLOCKS_OF_REFERENCE));
    let rate_of_reference = f64::from(BLOCKS_OF_REFERENCE) / took.as_secs_f64();
    println!(
        "five calls per block on {CONNECTIONS} connections: {BLOCKS_OF_REFERENCE} blocks in {:.1} s, \
         {rate_of_reference:.0} blocks/s",
        took.as_secs_f64()
    );

    let Figures { requests, items, request_bytes, response_bytes, payload_bytes } = fetch.figures;
    let per_payload = response_bytes as f64 / payload_bytes as f64;
    let with_requests = (request_bytes + response_bytes) as f64 / payload_bytes as f64;
    println!("calls: {items} in {requests} requests");
    println!("bytes: {request_bytes} asked, {response_bytes} answered, {payload_bytes} of hex payload");
    println!("{with_requests:.3} x the bytes of the hex payload with the requests");
    let good = [
        target(
            "blocks per second, against five calls per block",
            rate / rate_of_reference,
            "x",
            At::Least(20.0),
        ),
        target("calls per block", items as f64 / f64::from(BLOCKS), "", At::Most(2.1)),
        target("bytes answered to bytes of hex payload", per_payload, "x", At::Most(1.15)),
        target("peak memory", fetch.peak_kib as f64 * 1.024e-3, " MB", At::Most(MEGABYTES_MAX)),
    ];
    for served in &served {
        // Stopping fails only if the server has stopped already.
        let _ = served.handle.stop();
    }
    if good.contains(&false) {
        std::process::exit(1);
    }
}

enum At {
    Least(f64),
    Most(f64),
}

/// Prints a figure beside its target, and says whether it is met.
fn target(name: &str, value: f64, unit: &str, target: At) -> bool {
    let (is_met, word, bound) = match target {
        At::Least(bound) => (value >= bound, "at least", bound),
        At::Most(bound) => (value <= bound, "at most", bound),
    };
    let verdict = if is_met { "ok" } else { "MISSED" };
    println!("{verdict:<6} {name}: {value:.3}{unit} ({word} {bound}{unit})");
    is_met
}

/// What an export took.
struct Export {
    took: Duration,
    figures: Figures,
    /// Resident memory at its peak, KiB; zero where the system does not tell.
    peak_kib: u64,
}

/// Runs `minting-fetch` over the blocks.
fn export(served: &[Served], blocks: RangeInclusive<u32>) -> Export {
    let folder = tempfile::tempdir().unwrap();
    let before = total(served);
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_minting-fetch"))
        .args(["blocks", &format!("{}..{}", blocks.start(), blocks.end()), "--own-node", "--quiet", "--out"])
        .arg(folder.path().join("archive"))
        .arg("--rpc")
        .args(served.iter().map(|served| format!("http://{}", served.address)))
        .spawn()
        .unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak_kib = fs::read_to_string(&status_file).ok().and_then(|text| peak(&text)).unwrap_or(peak_kib);
        sleep(Duration::from_millis(20));
    };
    let took = begun.elapsed();
    assert!(status.success(), "minting-fetch failed");
    let after = total(served);
    let figures = Figures {
        requests: after.requests - before.requests,
        items: after.items - before.items,
        request_bytes: after.request_bytes - before.request_bytes,
        response_bytes: after.response_bytes - before.response_bytes,
        payload_bytes: after.payload_bytes - before.payload_bytes,
    };
    Export { took, figures, peak_kib }
}

/// What all endpoints counted.
fn total(served: &[Served]) -> Figures {
    served.iter().map(Served::figures).fold(Figures::default(), |sum, one| Figures {
        requests: sum.requests + one.requests,
        items: sum.items + one.items,
        request_bytes: sum.request_bytes + one.request_bytes,
        response_bytes: sum.response_bytes + one.response_bytes,
        payload_bytes: sum.payload_bytes + one.payload_bytes,
    })
}

/// `VmHWM` of the status that Linux keeps of a process, KiB.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Asks for the blocks as the reference implementation does, and throws the answers away.
async fn reference(chain: &Chain, served: &Served, blocks: RangeInclusive<u32>) -> Duration {
    let url = format!("http://{}", served.address);
    let events = hex_of(&item_key("System", "Events"));
    let now = hex_of(&item_key("Timestamp", "Now"));
    assert!(chain.block(*blocks.end()).is_some(), "the chain is too short");
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let client = HttpClientBuilder::default().build(&url).unwrap();
        let (events, now) = (events.clone(), now.clone());
        let heights: Vec<u32> = blocks
            .clone()
            .skip(usize::try_from(worker).unwrap())
            .step_by(usize::try_from(CONNECTIONS).unwrap())
            .collect();
        workers.spawn(async move {
            for height in heights {
                let ask = async |method: &str, params: ArrayParams| -> Value {
                    client.request(method, params).await.unwrap()
                };
                let hash = ask("chain_getBlockHash", rpc_params![height]).await;
                ask("state_getMetadata", rpc_params![&hash]).await;
                ask("state_getRuntimeVersion", rpc_params![&hash]).await;
                ask("state_getStorage", rpc_params![&events, &hash]).await;
                ask("state_getStorage", rpc_params![&now, &hash]).await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    begun.elapsed()
}

fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
