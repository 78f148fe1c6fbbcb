//! The command line of the synthetic chain.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use simchain::chain::Chain;
use simchain::scenario::month::{self, Month};
use simchain::serve::faults::Fault;
use simchain::write::{MonthOptions, MonthWritten};
use simchain::{Error, Options, Proving, Scenario, serve, write};

/// A deterministic synthetic TFChain: the same options make the same bytes.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write an archive of the chain, as minting-fetch would export it.
    Write {
        /// Folder of the archive; it is made.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Blocks of a chunk.
        #[arg(long, default_value_t = minting::archive::DEFAULT_CHUNK_BLOCKS, value_parser = clap::value_parser!(u32).range(1..))]
        chunk_blocks: u32,
        /// Put proofs into it: all, none, or sample:<K>, of one block in K; none are of finality.
        #[arg(long, value_name = "WHICH", default_value = "none", value_parser = parse_proofs)]
        proofs: Proofs,
        #[command(flatten)]
        month: MonthArgs,
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        proving: Proving,
    },
    /// Serve the chain over JSON-RPC (HTTP and WebSocket) on 127.0.0.1, until it is interrupted.
    ///
    /// State roots are true: state_getReadProof proves keys, and with the prefix of a map among them that the map has no other
    /// keys. chain_getBlock carries justifications of GRANDPA, by the authorities in the state of the parent.
    #[command(after_help = serve::faults::HELP)]
    Serve {
        /// Port to listen on; 0 takes a free one. The line `READY <port>` tells when it listens.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Hold every request back for this time; a batch is one request.
        #[arg(long, default_value_t = 0)]
        latency_ms: u64,
        /// Let something go wrong; can be given several times, the first that strikes counts.
        #[arg(long, value_name = "FAULT")]
        fault: Vec<Fault>,
        /// Seed of the faults that have a rate.
        #[arg(long, default_value_t = 1)]
        fault_seed: u64,
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        proving: Proving,
    },
    /// Look at a scenario.
    Scenario {
        #[command(subcommand)]
        command: ScenarioCommand,
    },
}

/// A month for measurements.
#[derive(Debug, clap::Args)]
struct MonthArgs {
    /// Write a month as it is on the real chain, with blocks of 6 seconds, a runtime upgrade in the middle and, unless
    /// --nodes says otherwise, 5500 nodes.
    #[arg(long, conflicts_with_all = ["scenario", "block_time"])]
    month: bool,
    /// Length in periods: a fraction of one, or several that follow on each other.
    #[arg(long, requires = "month", default_value_t = 1.0)]
    months: f64,
    /// Number of contracts that are billed and report traffic.
    #[arg(long, requires = "month", default_value_t = 750)]
    contracts: u32,
    /// Level of zstd. [default: that of every archive]
    #[arg(long, requires = "month", value_parser = clap::value_parser!(i32).range(1..=22))]
    level: Option<i32>,
    /// Write the raw events of all blocks into this file, too, one behind the other.
    #[arg(long, requires = "month", value_name = "FILE")]
    raw_events: Option<PathBuf>,
}

/// Nodes of a month.
const NODES: u32 = 5_500;

#[derive(Debug, Subcommand)]
enum ScenarioCommand {
    /// List the nodes, how each behaves, and what the rules of today make of it.
    Describe {
        #[command(flatten)]
        options: Options,
    },
}

/// Blocks of which one has a proof, if there are to be proofs.
#[derive(Clone, Copy, Debug)]
struct Proofs(Option<NonZeroU32>);

fn parse_proofs(text: &str) -> Result<Proofs, String> {
    match (text, text.strip_prefix("sample:").map(str::parse)) {
        ("all", _) => Ok(Proofs(Some(NonZeroU32::MIN))),
        ("none", _) => Ok(Proofs(None)),
        (_, Some(Ok(one_in))) => Ok(Proofs(Some(one_in))),
        _ => Err("give all, none or sample:K; `sample:100` proves one block in 100".into()),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simchain: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Write { out, chunk_blocks, proofs, month, options, proving } if month.month => {
            write_month(&out, chunk_blocks, proofs, &month, &options, proving)
        }
        Command::Write { out, chunk_blocks, proofs, options, proving, .. } => {
            let scenario = Scenario::new(options)?.with_proving(proving);
            let finished = write::write_proven(scenario, &out, chunk_blocks, proofs.0)?;
            println!("{} {} bytes", hex::encode(finished.root), finished.file_bytes);
            Ok(())
        }
        Command::Serve { port, latency_ms, fault, fault_seed, options, proving } => {
            let chain = Chain::collect(Scenario::new(options)?.with_proving(proving).produce());
            let latency = Duration::from_millis(latency_ms);
            let config = serve::Config { port, latency, faults: fault, fault_seed };
            tokio::runtime::Runtime::new()?.block_on(listen(chain, config))
        }
        Command::Scenario { command: ScenarioCommand::Describe { options } } => {
            describe(&Scenario::new(options)?);
            Ok(())
        }
    }
}

fn write_month(
    out: &Path,
    chunk_blocks: u32,
    Proofs(proofs): Proofs,
    args: &MonthArgs,
    options: &Options,
    proving: Proving,
) -> Result<(), Error> {
    let month = Month::new(month::Options {
        period: options.period,
        months: args.months,
        nodes: options.nodes.unwrap_or(NODES),
        contracts: args.contracts,
        seed: options.seed,
    })?
    .with_proving(proving);
    let raw_events = args.raw_events.as_deref();
    let how = MonthOptions { chunk_blocks, level: args.level, raw_events, proofs };
    let written = write::write_month(&month, out, how)?;
    let MonthWritten { archive, blocks, events, event_bytes } = written;
    println!("{} {} bytes", hex::encode(archive.root), archive.file_bytes);
    println!("{blocks} blocks, {events} events, {event_bytes} bytes of raw events");
    Ok(())
}

async fn listen(chain: Chain, config: serve::Config) -> Result<(), Error> {
    let served = serve::serve(Arc::new(chain), config).await?;
    println!("READY {}", served.address.port());
    tokio::signal::ctrl_c().await?;
    // Stopping fails only if the server has stopped already.
    let _ = served.handle.stop();
    served.handle.stopped().await;
    Ok(())
}

fn describe(scenario: &Scenario) {
    let (first, last) = scenario.bounds();
    let period = scenario.period();
    println!(
        "period {}: {} to {}, state at blocks {first} and {last}",
        period.number, period.start, period.end
    );
    for (id, profile) in scenario.cast() {
        println!("{id:>5}  {:<34}  {}", profile.name, profile.outcome);
    }
}
