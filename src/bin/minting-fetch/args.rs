//! What can be typed.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use minting::archive::{DEFAULT_CHUNK_BLOCKS, MAX_CHUNK_BLOCKS};
use minting::cli::{Group, grouped, parse_heights, parse_time_range};
use minting::fetch::{self, Pace, Partial, Request, TimeRange};
use minting::minting::Period;

use super::stellar::{self, StellarArgs};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed: the message says what to do
  2    wrong usage
  130  interrupted: finished parts are kept, the same command goes on

An export that was interrupted, or failed, goes on when the same command is given again: files that
are there are verified, and only what is missing or damaged is read.

Examples:
  minting-fetch period 80 --rpc https://tfchain.grid.tf --out period-80
  minting-fetch period 80 --rpc http://127.0.0.1:9944 --own-node --out period-80
  minting-fetch period 80 --partial --rpc https://tfchain.grid.tf --out so-far-80
  minting-fetch range 1733011200..1733097600 --rpc https://tfchain.grid.tf --out one-day
  minting-fetch blocks 1000..2000 --state-at 1500 --rpc https://tfchain.grid.tf --out blocks
  minting-fetch period 80 --rpc https://a.example https://b.example --cross-check 100 --out p80
  minting-fetch merge first-half second-half --out whole";

const MERGE_HELP: &str = "\
Archives may overlap or meet; blocks that are in several must be the same in each, with their
events and times, and so must state at the same block. A gap between them is an error that names
the missing blocks.

The result is what one export of all blocks would be, byte for byte, but for provenance.json. It
keeps the period or time range of an archive only if that archive has all of the blocks; else it
is an archive of blocks, in which minting-replay finds a period by the times of blocks, from the
block before it on.";

const GROUPS: &[Group] = &[
    ("Export from archive nodes", &["period", "range", "blocks"]),
    ("Payments on Stellar", &["stellar"]),
    ("Archives", &["merge"]),
    ("Shell", &["completions", "man"]),
];

/// The whole command line.
pub fn command() -> clap::Command {
    grouped(Cli::command(), GROUPS)
}

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
    /// Print what happens as JSON objects on standard output, one a line
    #[arg(long, global = true)]
    pub json: bool,
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
    /// Join archives that overlap or meet into one; asks no node
    #[command(after_help = MERGE_HELP)]
    Merge {
        /// Folders of the archives, in any order
        #[arg(value_name = "ARCHIVE", required = true)]
        archives: Vec<PathBuf>,
        /// Folder of the new archive
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Blocks of a chunk [default: as the archives have, or 16384 if they differ]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CHUNK_BLOCKS)))]
        chunk_blocks: Option<u32>,
    },
    /// Export what was paid in TFT, so that retries need no network
    #[command(after_help = stellar::EXAMPLES)]
    Stellar(StellarArgs),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    Man {
        /// Write the pages of all commands into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
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
    /// If it is not over yet, export the blocks that are final, with the state after the last one, for
    /// `minting-replay run --partial`
    #[arg(long, conflicts_with_all = ["first_block", "last_block"])]
    partial: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Address of an archive node: http, https, ws or wss; several of one chain share the load
    #[arg(long, value_name = "URL", required = true, num_args = 1.., value_parser = parse_address)]
    pub rpc: Vec<String>,
    /// Folder of the archive; an unfinished export of the same blocks goes on
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Requests in flight at each node, at most [default: 4; with --own-node 16]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroU32>,
    /// Calls in one request, at most [default: 25; with --own-node 50]
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroU32>,
    /// Calls a second at each node, each call of a batch counted [default: 100; with --own-node as many as it answers]
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Seconds that a request may take
    #[arg(long, value_name = "S", default_value_t = Pace::POLITE.timeout.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    /// Seconds that a node may be away or busy until it is given up
    #[arg(long, value_name = "S", default_value_t = Pace::POLITE.patience.as_secs(), value_parser = clap::value_parser!(u64).range(..=86_400))]
    patience: u64,
    /// Read so many blocks again, each from another node than the one that gave it; fail at a difference
    #[arg(long, value_name = "N")]
    pub cross_check: Option<NonZeroU32>,
    /// Blocks of a chunk; exports of the same blocks are the same files only with the same number
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CHUNK_BLOCKS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CHUNK_BLOCKS)))]
    pub chunk_blocks: u32,
    /// Have nodes prove what they say: all, none, or sample:<K>, one block in K that nobody can choose
    #[arg(long, value_name = "WHICH", default_value = "none", value_parser = parse_proofs)]
    proofs: Proofs,
    /// The nodes are yours: ask as fast as they answer
    #[arg(long)]
    own_node: bool,
    /// Say what is there, what would be read and what that costs, and stop; reads a few blocks to judge
    #[arg(long)]
    pub dry_run: bool,
}

/// Which blocks are proven: one of so many, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proofs(Option<NonZeroU32>);

impl ExportArgs {
    /// One of so many blocks is to be proven; none if nothing is.
    pub fn proofs(&self) -> Option<NonZeroU32> {
        self.proofs.0
    }

    pub fn pace(&self) -> Pace {
        let usual = if self.own_node { Pace::OWN_NODE } else { Pace::POLITE };
        Pace {
            jobs: self.jobs.unwrap_or(usual.jobs),
            batch: self.batch.unwrap_or(usual.batch),
            rate: self.rate.or(usual.rate),
            timeout: Duration::from_secs(self.timeout),
            patience: Duration::from_secs(self.patience),
        }
    }

    /// The addresses, each once.
    pub fn urls(&self) -> Vec<String> {
        let mut urls: Vec<String> = Vec::new();
        for url in &self.rpc {
            if !urls.contains(url) {
                urls.push(url.clone());
            }
        }
        urls
    }
}

impl TimeArgs {
    fn apply(&self, range: TimeRange) -> Request {
        Request::Time(TimeRange {
            first_block: self.first_block,
            last_block: self.last_block,
            block_time_s: self.block_time,
            partial: self.partial.then(Partial::default),
            ..range
        })
    }
}

/// What the program is asked to do.
pub enum Task<'a> {
    Export(Request, &'a ExportArgs),
    Merge { archives: &'a [PathBuf], out: &'a Path, chunk_blocks: Option<u32> },
    Payments(&'a StellarArgs),
    Completions(Shell),
    Manual(Option<&'a Path>),
}

impl Command {
    /// What to do; an error is wrong usage.
    pub fn task(&self) -> Result<Task<'_>, String> {
        let task = match self {
            Command::Period { period, time, export } => {
                let Period { start, end, .. } = Period::numbered(*period).map_err(|e| e.to_string())?;
                Task::Export(time.apply(TimeRange::of_period(*period, start, end)), export)
            }
            Command::Range { range: (from, to), time, export } => {
                Task::Export(time.apply(TimeRange::of_times(*from, *to)), export)
            }
            Command::Blocks { range: (first, last), state_at, export } => {
                let request = Request::Blocks { first: *first, last: *last, state_at: state_at.clone() };
                Task::Export(request, export)
            }
            Command::Merge { archives, out, chunk_blocks } => {
                Task::Merge { archives, out, chunk_blocks: *chunk_blocks }
            }
            Command::Stellar(args) => Task::Payments(args),
            Command::Completions { shell } => Task::Completions(*shell),
            Command::Man { out } => Task::Manual(out.as_deref()),
        };
        if let Task::Export(_, export) = &task
            && export.cross_check.is_some()
            && export.urls().len() < 2
        {
            return Err(
                "--cross-check compares two nodes: give --rpc at least two different addresses".into()
            );
        }
        Ok(task)
    }
}

fn parse_proofs(text: &str) -> Result<Proofs, String> {
    match (text, text.strip_prefix("sample:")) {
        ("all", _) => Ok(Proofs(Some(NonZeroU32::MIN))),
        ("none", _) => Ok(Proofs(None)),
        (_, Some(number)) => match number.parse() {
            Ok(one_in) => Ok(Proofs(Some(one_in))),
            Err(_) => {
                Err(format!("{number:?} is not a number from 1 on; `sample:100` proves one block in 100"))
            }
        },
        _ => Err("give all, none or sample:K; `sample:100` proves one block in 100".into()),
    }
}

fn parse_address(text: &str) -> Result<String, String> {
    fetch::check_address(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
        assert!(!command().render_help().to_string().contains("More commands"));
    }

    fn parse(more: &[&str]) -> Cli {
        let words = ["minting-fetch", "period", "80", "--rpc", "http://a", "http://b", "--out", "x"];
        Cli::try_parse_from(words.iter().chain(more)).unwrap()
    }

    #[test]
    fn help_names_the_usual_number_of_blocks_of_a_chunk() {
        let mut merge = command().find_subcommand("merge").unwrap().clone();
        let usual = format!("or {DEFAULT_CHUNK_BLOCKS} if");
        assert!(merge.render_help().to_string().contains(&usual));
    }

    #[test]
    fn own_nodes_are_asked_faster_unless_told_otherwise() {
        let pace = |more: &[&str]| match parse(more).command.task().unwrap() {
            Task::Export(_, export) => export.pace(),
            _ => panic!("no export"),
        };
        assert_eq!(pace(&[]), Pace::POLITE);
        assert_eq!(pace(&["--own-node"]), Pace::OWN_NODE);
        let chosen = pace(&["--own-node", "--jobs", "2", "--rate", "9", "--batch", "7", "--patience", "1"]);
        assert_eq!((chosen.jobs.get(), chosen.rate.map(NonZeroU32::get)), (2, Some(9)));
        assert_eq!((chosen.batch.get(), chosen.patience.as_secs()), (7, 1));
    }

    #[test]
    fn all_blocks_are_proven_or_one_in_so_many_or_none() {
        let one_in = |text: &str| parse_proofs(text).map(|proofs| proofs.0.map(NonZeroU32::get));
        assert_eq!(one_in("all"), Ok(Some(1)));
        assert_eq!(one_in("sample:100"), Ok(Some(100)));
        assert_eq!(one_in("none"), Ok(None));
        for bad in ["", "some", "sample", "sample:", "sample:0", "sample:-1", "sample:4294967296", "ALL"] {
            assert!(one_in(bad).is_err_and(|message| message.contains("sample:100")), "{bad}");
        }
    }

    #[test]
    fn a_cross_check_needs_two_nodes() {
        assert!(parse(&["--cross-check", "3"]).command.task().is_ok());
        let words = ["minting-fetch", "period", "80", "--rpc", "http://a", "http://a", "--out", "x"];
        let cli = Cli::try_parse_from(words.iter().chain(&["--cross-check", "3"])).unwrap();
        assert!(cli.command.task().is_err_and(|message| message.contains("two")));
    }
}
