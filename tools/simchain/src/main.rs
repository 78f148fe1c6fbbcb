//! The command line of the synthetic chain.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use simchain::chain::Chain;
use simchain::scenario::month::{self, Month};
use simchain::write::{MonthOptions, MonthWritten};
use simchain::{Error, Options, Scenario, serve, write};

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
        #[command(flatten)]
        month: MonthArgs,
        #[command(flatten)]
        options: Options,
    },
    /// Serve the chain over JSON-RPC (HTTP and WebSocket) on 127.0.0.1, until it is interrupted.
    Serve {
        /// Port to listen on; 0 takes a free one. The line `READY <port>` tells when it listens.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Hold every answer back for this time.
        #[arg(long, default_value_t = 0)]
        latency_ms: u64,
        #[command(flatten)]
        options: Options,
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
        Command::Write { out, chunk_blocks, month, options } if month.month => {
            write_month(&out, chunk_blocks, &month, &options)
        }
        Command::Write { out, chunk_blocks, options, .. } => {
            let finished = write::write(Scenario::new(options)?, &out, chunk_blocks)?;
            println!("{} {} bytes", hex::encode(finished.root), finished.file_bytes);
            Ok(())
        }
        Command::Serve { port, latency_ms, options } => {
            let chain = Chain::collect(Scenario::new(options)?.produce());
            tokio::runtime::Runtime::new()?.block_on(listen(chain, port, latency_ms))
        }
        Command::Scenario { command: ScenarioCommand::Describe { options } } => {
            describe(&Scenario::new(options)?);
            Ok(())
        }
    }
}

fn write_month(out: &Path, chunk_blocks: u32, args: &MonthArgs, options: &Options) -> Result<(), Error> {
    let month = Month::new(month::Options {
        period: options.period,
        months: args.months,
        nodes: options.nodes.unwrap_or(NODES),
        contracts: args.contracts,
        seed: options.seed,
    })?;
    let how = MonthOptions { chunk_blocks, level: args.level, raw_events: args.raw_events.as_deref() };
    let written = write::write_month(&month, out, how)?;
    let MonthWritten { archive, blocks, events, event_bytes } = written;
    println!("{} {} bytes", hex::encode(archive.root), archive.file_bytes);
    println!("{blocks} blocks, {events} events, {event_bytes} bytes of raw events");
    Ok(())
}

async fn listen(chain: Chain, port: u16, latency_ms: u64) -> Result<(), Error> {
    let latency = Duration::from_millis(latency_ms);
    let (address, server) = serve::start(Arc::new(chain), port, latency).await?;
    println!("READY {}", address.port());
    tokio::signal::ctrl_c().await?;
    // Stopping fails only if the server has stopped already.
    let _ = server.stop();
    server.stopped().await;
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
