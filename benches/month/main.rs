//! How fast, in how much memory and in how many bytes a whole month is replayed and kept.
//!
//! `cargo bench --bench month -- replay|memory|scale|size`, without a word the first three; `--help` tells the
//! options. Archives are made by the synthetic chain where they are missing and kept below `target/bench`. What is
//! compared is measured in turns, run by run, since machines are noisy.

mod archives;
mod baseline;
mod child;
mod figures;
mod memory;
mod replay;
mod scale;
mod size;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use archives::Archives;

/// What can go wrong in a benchmark: it is told, and ends it.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Time of a replay, against decompressing and hashing alone
    Replay,
    /// Peak memory for a quarter of a month, a half, a whole one and three
    Memory,
    /// Twenty times more nodes
    Scale,
    /// Bytes of an uptime report, by level, size of chunks and layout; takes long
    Size,
}

/// Measures replays of a synthetic month.
#[derive(Debug, Parser)]
struct Options {
    /// What is measured [default: replay, memory, scale]
    what: Vec<What>,
    /// Runs of everything that is timed
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Length of the month for `replay` and `size`
    #[arg(long, default_value_t = 1.0)]
    months: f64,
    /// Nodes of the month
    #[arg(long, default_value_t = 5_500)]
    nodes: u32,
    /// Also compare `replay` with an archive whose events are as the chain has them, which takes long to make
    #[arg(long)]
    raw: bool,
    /// Replay with this program instead of the one just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_minting-replay"))]
    program: PathBuf,
    /// Folder of archives and results
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench"))]
    folder: PathBuf,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    println!("{}", figures::machine());
    let archives = Archives::new(&options.folder);
    let default = [What::Replay, What::Memory, What::Scale];
    for what in if options.what.is_empty() { &default[..] } else { &options.what } {
        match what {
            What::Replay => replay::bench(options, &archives)?,
            What::Memory => memory::bench(options, &archives)?,
            What::Scale => scale::bench(options, &archives)?,
            What::Size => size::bench(options, &archives)?,
        }
    }
    Ok(())
}
