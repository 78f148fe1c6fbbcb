//! The command line of the stand-in for Horizon.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use horizon::{Options, Server};

/// Serves payments from a list as Horizon does, on 127.0.0.1, until it is interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// JSON list of operations: `time`, `amount`, `to` and `hash` or `text` of each; `from`, `asset`, `issuer`, `kind`,
    /// `to_muxed` and `failed` where they are not those of a payment of TFT
    #[arg(value_name = "FILE")]
    operations: PathBuf,
    /// Port to listen on; 0 takes a free one. The line `READY <port>` tells when it listens
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Turn a request away with 429 after so many answers
    #[arg(long, default_value_t = 0)]
    busy_after: u32,
    /// Fail every request from this one on
    #[arg(long, default_value_t = 0)]
    broken_from: u32,
    /// Serve operations without their transactions
    #[arg(long)]
    without_transactions: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli { operations, port, busy_after, broken_from, without_transactions } = Cli::parse();
    let operations = serde_json::from_slice(&std::fs::read(operations)?)?;
    let options = Options { operations, busy_after, broken_from, without_transactions, ..Options::default() };
    let (address, _server) = Server::start(port, options).await?;
    println!("READY {}", address.port());
    Ok(tokio::signal::ctrl_c().await?)
}
