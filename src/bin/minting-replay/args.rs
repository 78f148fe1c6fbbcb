//! What can be typed.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use minting::cli::{EXIT_CODES, parse_time_range};

use super::{
    attest::AttestArgs, check::CheckArgs, diff::DiffArgs, explain::ExplainArgs, farm::FarmArgs,
    fixup::FixupArgs, lint::LintArgs, periods::PeriodsArgs, report::ReportArgs, rule_sets::RulesArgs,
    test::TestArgs, verify::VerifyArgs, watch_list::WatchListArgs,
};

/// Turns archives of TFChain into payouts that anyone can check, without any network access.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing but errors and findings
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay a period and write its receipts, payouts.csv, overview.csv, retries.csv and run.json
    Run(RunArgs),
    /// Make fix-ups of a period that was minted wrongly: fixup.csv, payouts.csv and fix-up receipts
    Fixup(FixupArgs),
    /// Say why a node was paid what it was paid: the answer, the calculation, every report and what it earned
    Explain(ExplainArgs),
    /// Make one HTML page over the results of runs, which needs no network
    Report(ReportArgs),
    /// Say what a farm earned, for its farmer's books: a row for every node and period
    Farm(FarmArgs),
    /// List nodes that may lose their payout, or have lost it already
    WatchList(WatchListArgs),
    /// Say when periods start and end
    Periods(PeriodsArgs),
    /// List and show rule sets
    Rules(RulesArgs),
    /// Check that archives are whole, and say in words what that proves
    Check(CheckArgs),
    /// Make a slim archive, which holds only what the rules read and gives the same results
    Slim(SlimArgs),
    /// Sign the run receipt of results, and count signatures
    Attest(AttestArgs),
    /// Check that results are consistent in themselves, without an archive
    Lint(LintArgs),
    /// Compare two results: nodes, farms and TFT affected
    Diff(DiffArgs),
    /// Replay, and compare with published results: equal, or where they part first, by node and block
    Verify(VerifyArgs),
    /// Replay frozen archives and compare with the digests that were recorded
    Test(TestArgs),
    /// Show what an archive holds
    Inspect(InspectArgs),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

const RUN_EXAMPLES: &str = "\
Examples:
  minting-replay run period-81 --period 81 --out results-81
  minting-replay run period-82 --period 82 --previous results-81 --paid paid-memos.txt --out results-82
  minting-replay run period-73 --period 73 --bugs fixed --out as-it-should-have-been-73
  minting-replay run period-81 --period 81 --compare-rules r74 --out results-81
  minting-replay run week --range 2025-01-01T00:00:00Z..2025-01-08T00:00:00Z --rules r81 --out week-1";

#[derive(Debug, Args)]
#[command(after_help = format!("{RUN_EXAMPLES}\n\n{EXIT_CODES}"))]
#[command(group(ArgGroup::new("when").required(true).args(["period", "range"])))]
pub struct RunArgs {
    /// Archives that follow each other
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<PathBuf>,
    /// Number of the minting period
    #[arg(long, value_name = "P")]
    pub period: Option<u32>,
    /// Replay this time range instead, scaled to its own length; RFC 3339 or unix seconds
    #[arg(long, value_name = "FROM..TO", value_parser = parse_time_range)]
    pub range: Option<(i64, i64)>,
    /// Folder of the results; must be absent or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Rule set, by its name or as a TOML file (see `minting-replay rules`) [default: that of the period]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub rules: Option<String>,
    /// Mistakes of the past: pay as it was paid, or as it should have been [default: reference before r81, else fixed]
    #[arg(long, value_enum)]
    pub bugs: Option<BugsArg>,
    /// Results of the period before, whose unpaid receipts are paid again
    #[arg(long, value_name = "DIR", conflicts_with = "range")]
    pub previous: Option<PathBuf>,
    /// What was paid: payments that minting-fetch stellar wrote, or memo hashes, one in hex a line; added to the payments
    /// in the archives
    #[arg(long, value_name = "FILE")]
    pub paid: Vec<PathBuf>,
    /// Write the results although there are findings
    #[arg(long)]
    pub accept_findings: bool,
    /// Payouts to addresses that are no Stellar addresses, which are reported in any case
    #[arg(long, value_enum, default_value_t = InvalidAddresses::Auto)]
    pub invalid_addresses: InvalidAddresses,
    /// Replace the results of an earlier run as a whole
    #[arg(long)]
    pub overwrite: bool,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Replay by this rule set as well, and show which nodes and farms it treats differently; only the results of
    /// --rules are written
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub compare_rules: Option<String>,
    /// Mistakes of the past in the comparison [default: those of its rule set; of --rules, with other mistakes, if
    /// only this is given]
    #[arg(long, value_enum)]
    pub compare_bugs: Option<BugsArg>,
    /// Print run.json instead of a summary; with a comparison, an object with `comparison` and `run`
    #[arg(long)]
    pub json: bool,
    /// For benchmarks: print as one line of JSON on standard error, at the end, where the time went
    #[arg(long)]
    pub timings: bool,
}

/// What becomes of payouts that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InvalidAddresses {
    /// Left out, but for `--bugs reference`, and for chains on which no farm has a valid address
    Auto,
    /// Written like any other, as by the reference implementation
    Keep,
    /// Left out
    Withhold,
}

/// Whether mistakes of the past are made again.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BugsArg {
    /// With the mistakes of the rule set, and integers that wrap
    Reference,
    /// Without
    Fixed,
}

#[derive(Debug, Args)]
pub struct SlimArgs {
    /// The full archive
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,
    /// Folder of the slim archive; must be absent or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  minting-replay inspect period-81
  minting-replay inspect period-81 --events --block 17150042
  minting-replay inspect period-81 --state nodes --id 1 --at start
  minting-replay inspect period-81 --raw-state --at 17150000
  minting-replay inspect --layouts metadata.scale";

#[derive(Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
#[command(group(ArgGroup::new("what").args(["events", "state", "raw_state", "layouts"])))]
pub struct InspectArgs {
    /// The archive
    #[arg(value_name = "ARCHIVE", required_unless_present = "layouts", conflicts_with = "layouts")]
    pub archive: Option<PathBuf>,
    /// Print every event as a JSON line
    #[arg(long)]
    pub events: bool,
    /// Only the events of this block
    #[arg(long, value_name = "H", conflicts_with_all = ["state", "raw_state", "layouts"])]
    pub block: Option<u32>,
    /// Print one kind of state as JSON lines
    #[arg(long, value_name = "KIND")]
    pub state: Option<StateKind>,
    /// Only the state with this identifier
    #[arg(long, value_name = "N", requires = "state")]
    pub id: Option<u64>,
    /// Print keys and values of a state snapshot as JSON lines
    #[arg(long)]
    pub raw_state: bool,
    /// Which state snapshot: that of the first or last block of the range, or of a height
    #[arg(long, value_name = "start|end|H", default_value = "end", value_parser = parse_at)]
    pub at: At,
    /// Print how raw runtime metadata lays out what the rules read, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub layouts: Option<PathBuf>,
}

/// Kinds of state that the rules read.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum StateKind {
    /// Nodes by id
    Nodes,
    /// Farms by id, with their payout addresses
    Farms,
    /// Twins by id
    Twins,
    /// Node contracts by id, with what they use
    Contracts,
    /// Farming policies by id
    Policies,
    /// Power management by node id; a node without is up
    Power,
}

/// Which state snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// That of the first block of the range.
    Start,
    /// That of the last block of the range.
    End,
    /// That of this block.
    Height(u32),
}

fn parse_at(text: &str) -> Result<At, String> {
    match text {
        "start" => Ok(At::Start),
        "end" => Ok(At::End),
        height => height.parse().map(At::Height).map_err(|_| "give start, end or a height".to_string()),
    }
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
    fn a_run_needs_a_period_or_a_range_and_not_both() {
        let parse = |more: &str| {
            let words = ["minting-replay", "run", "archive", "--out", "x"];
            Cli::try_parse_from(words.into_iter().chain(more.split_whitespace())).is_ok()
        };
        assert!(parse("--period 81") && parse("--range 1..2"));
        assert!(!parse("") && !parse("--period 81 --range 1..2") && !parse("--range 2..1"));
    }

    #[test]
    fn one_thing_is_inspected_at_a_time() {
        let parse = |more: &str| {
            Cli::try_parse_from(["minting-replay", "inspect"].into_iter().chain(more.split_whitespace()))
                .is_ok()
        };
        for fine in
            ["a", "a --block 1", "a --state nodes --id 1 --at start", "a --raw-state --at 7", "--layouts m"]
        {
            assert!(parse(fine), "{fine}");
        }
        for wrong in
            ["", "a --layouts m", "a --events --raw-state", "a --id 1", "a --state x", "a --at never"]
        {
            assert!(!parse(wrong), "{wrong}");
        }
    }
}
