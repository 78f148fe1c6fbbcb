//! What can be typed.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use minting::cli::{parse_heights, parse_time_range};
use minting::fetch::{self, Pace, Request, TimeRange};

use super::stellar::{self, StellarArgs};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed: the message says what to do
  2    wrong usage
  130  interrupted: finished parts are kept, the same command goes on

Examples:
  minting-fetch period 80 --rpc https://tfchain.grid.tf --out period-80
  minting-fetch period 80 --rpc http://127.0.0.1:9944 --own-node --out period-80
  minting-fetch range 2024-12-01T00:00:00Z..2024-12-02T00:00:00Z --rpc https://tfchain.grid.tf --out one-day
  minting-fetch blocks 1000..2000 --state-at 1500 --rpc https://tfchain.grid.tf --out blocks";

/// Exports a range of TFChain from archive nodes into an archive that minting-replay reads offline.
#[derive(Debug, Parser)]
#[command(name = "minting-fetch", bin_name = "minting-fetch", version, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also say what goes wrong and is tried again
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Export a minting period and the window after it, in which late reports still count
    #[command(after_help = AFTER_HELP)]
    Period {
        /// Number of the period
        #[arg(value_name = "P")]
        period: u32,
        #[command(flatten)]
        time: TimeArgs,
        #[command(flatten)]
        export: ExportArgs,
    },
    /// Export a time range as if it were a period
    #[command(after_help = AFTER_HELP)]
    Range {
        /// Start and end, in RFC 3339 or in unix seconds
        #[arg(value_name = "FROM..TO", value_parser = parse_time_range)]
        range: (i64, i64),
        #[command(flatten)]
        time: TimeArgs,
        #[command(flatten)]
        export: ExportArgs,
    },
    /// Export blocks as they are
    #[command(after_help = AFTER_HELP)]
    Blocks {
        /// Heights of the first and the last block, both included
        #[arg(value_name = "FIRST..LAST", value_parser = parse_heights)]
        range: (u32, u32),
        /// Also read the state after this block; can be given several times
        #[arg(long, value_name = "HEIGHT")]
        state_at: Vec<u32>,
        #[command(flatten)]
        export: ExportArgs,
    },
    /// Export what the issuer of TFT paid, with the hashes in the memos, so that retries need no network
    #[command(after_help = stellar::EXAMPLES)]
    Stellar(StellarArgs),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub struct TimeArgs {
    /// Nominal time between two blocks, in seconds [default: twice the runtime's Timestamp.MinimumPeriod]
    #[arg(long, value_name = "S")]
    block_time: Option<NonZeroU64>,
    /// Begin with this block instead of the first one after the start
    #[arg(long, value_name = "H")]
    first_block: Option<u32>,
    /// End with this block, and the window after it, instead of the first one after the end
    #[arg(long, value_name = "H")]
    last_block: Option<u32>,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Address of an archive node: http, https, ws or wss; several of one chain share the load
    #[arg(long, value_name = "URL", required = true, num_args = 1.., value_parser = parse_address)]
    pub rpc: Vec<String>,
    /// Folder of the archive; an unfinished export of the same blocks goes on
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Requests in flight at each node [default: 4; with --own-node 16]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroU32>,
    /// Calls a second at each node [default: 100; with --own-node as many as it answers]
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// The nodes are yours: ask as fast as they answer
    #[arg(long)]
    own_node: bool,
    /// Say what would be read, and stop
    #[arg(long)]
    pub dry_run: bool,
}

impl ExportArgs {
    pub fn pace(&self) -> Pace {
        let usual = if self.own_node { Pace::OWN_NODE } else { Pace::POLITE };
        Pace { jobs: self.jobs.unwrap_or(usual.jobs), rate: self.rate.or(usual.rate), ..usual }
    }
}

impl TimeArgs {
    fn apply(&self, range: TimeRange) -> Request {
        Request::Time(TimeRange {
            first_block: self.first_block,
            last_block: self.last_block,
            block_time_s: self.block_time,
            ..range
        })
    }
}

/// What a command asks for.
pub enum Asked<'a> {
    /// An export of blocks.
    Blocks(Request, &'a ExportArgs),
    /// An export of payments.
    Payments(&'a StellarArgs),
    /// A script of completions.
    Completions(Shell),
}

impl Command {
    /// What to do.
    pub fn asked(&self) -> Asked<'_> {
        match self {
            Command::Period { period, time, export } => {
                Asked::Blocks(time.apply(TimeRange::of_period(*period)), export)
            }
            Command::Range { range: (from, to), time, export } => {
                Asked::Blocks(time.apply(TimeRange::of_times(*from, *to)), export)
            }
            Command::Blocks { range: (first, last), state_at, export } => {
                let request = Request::Blocks { first: *first, last: *last, state_at: state_at.clone() };
                Asked::Blocks(request, export)
            }
            Command::Stellar(args) => Asked::Payments(args),
            Command::Completions { shell } => Asked::Completions(*shell),
        }
    }
}

fn parse_address(text: &str) -> Result<String, String> {
    fetch::check_address(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn own_nodes_are_asked_faster_unless_told_otherwise() {
        let pace = |more: &[&str]| {
            let words = ["minting-fetch", "period", "80", "--rpc", "http://a", "http://b", "--out", "x"];
            let cli = Cli::try_parse_from(words.iter().chain(more)).unwrap();
            let Asked::Blocks(_, export) = cli.command.asked() else { panic!("no export of blocks") };
            export.pace()
        };
        assert_eq!(pace(&[]), Pace::POLITE);
        assert_eq!(pace(&["--own-node"]), Pace::OWN_NODE);
        let chosen = pace(&["--own-node", "--jobs", "2", "--rate", "9"]);
        assert_eq!((chosen.jobs.get(), chosen.rate.map(NonZeroU32::get)), (2, Some(9)));
    }
}
