//! What can be typed.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use minting::cli::{EXIT_CODES, Group, grouped, parse_jobs, parse_time_range};

use super::{
    attest::AttestArgs, check::CheckArgs, diff::DiffArgs, explain::ExplainArgs, farm::FarmArgs,
    fixup::FixupArgs, lint::LintArgs, periods::PeriodsArgs, report::ReportArgs, rule_sets::RulesArgs,
    test::TestArgs, verify::VerifyArgs, watch_list::WatchListArgs,
};

const GROUPS: &[Group] = &[
    ("Payouts of a period", &["run", "fixup", "rules", "periods"]),
    ("Questions about nodes and farms", &["explain", "farm", "report", "watch-list"]),
    ("Checking what others made", &["check", "verify", "attest", "lint", "diff", "test"]),
    ("Archives", &["slim", "inspect", "export"]),
    ("Shell", &["completions", "man"]),
];

const EXAMPLES: &str = "\
Examples:
  minting-replay run period-81 --period 81 --out results-81
  minting-replay explain period-81 --period 81 --node 42
  minting-replay help run

There are no colours where NO_COLOR is set, and neither colours nor progress in pipes.";

/// The whole command line.
pub fn command() -> clap::Command {
    grouped(Cli::command(), GROUPS)
}

/// Turns archives of TFChain into payouts that anyone can check, without any network access.
#[derive(Debug, Parser)]
#[command(name = "minting-replay", bin_name = "minting-replay", version, about, max_term_width = 110)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing but errors and findings
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay a period into receipts and payouts.csv
    Run(RunArgs),
    /// Pay what a period that was minted wrongly still owes
    Fixup(FixupArgs),
    /// Say why a node was paid what it was paid
    Explain(ExplainArgs),
    /// Make one HTML page of the results of runs, to be read offline
    Report(ReportArgs),
    /// Say what a farm earned, for its farmer's books
    Farm(FarmArgs),
    /// List nodes that may lose their payout, or have lost it already
    WatchList(WatchListArgs),
    /// Say when periods start and end
    Periods(PeriodsArgs),
    /// List and show rule sets
    Rules(RulesArgs),
    /// Check that archives are whole, and say what that proves
    Check(CheckArgs),
    /// Keep only what the rules read; gives the same results
    Slim(SlimArgs),
    /// Sign the run receipt of results, and count signatures
    Attest(AttestArgs),
    /// Check that results are consistent in themselves, without an archive
    Lint(LintArgs),
    /// Compare two results: nodes, farms and TFT affected
    Diff(DiffArgs),
    /// Compare published results with a replay, by node and block
    Verify(VerifyArgs),
    /// Replay frozen archives and compare with the digests that were recorded
    Test(TestArgs),
    /// Show what an archive holds, its events and its state
    Inspect(InspectArgs),
    /// Write events or results as Parquet, for DuckDB, Polars and Spark
    #[cfg(feature = "parquet")]
    Export(super::export::ExportArgs),
    /// Says how to get a program that writes Parquet
    #[cfg(not(feature = "parquet"))]
    #[command(hide = true)]
    Export {
        /// Whatever is given
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<std::ffi::OsString>,
    },
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    #[command(after_help = MAN_EXAMPLES)]
    Man {
        /// Write the pages of all commands into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

const MAN_EXAMPLES: &str = "\
Examples:
  minting-replay man | man -l -
  minting-replay man --out ~/.local/share/man/man1";

const RUN_EXAMPLES: &str = "\
Examples:
  minting-replay run period-81 --period 81 --out results-81
  minting-replay run period-82 --period 82 --previous results-81 --paid paid.txt --out results-82
  minting-replay run period-73 --period 73 --bugs fixed --out as-it-should-have-been-73
  minting-replay run period-81 --period 81 --compare-rules r74 --out results-81
  minting-replay run so-far-82 --period 82 --partial --out preliminary-82
  minting-replay run first-half --period 82 --save-state half-82
  minting-replay run second-half --period 82 --load-state half-82 --out results-82
  minting-replay run week --range 1735689600..1736294400 --rules r81 --out results-week";

#[derive(Debug, Args)]
#[command(
    long_about = "Replay a period and write its receipts, payouts.csv, overview.csv, retries.csv, details.json and run.json"
)]
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
    #[arg(long, value_name = "DIR", required_unless_present = "save_state")]
    pub out: Option<PathBuf>,
    /// Write what is known after the last block into this file, for another run to go on from; without --out, or where
    /// the archives end inside of the period, that is all
    #[arg(help_heading = "State", long, value_name = "FILE", conflicts_with_all = ["compare_rules", "compare_bugs"])]
    pub save_state: Option<PathBuf>,
    /// Go on from what an earlier run of the same period, by the same rules, saved; the archives have the blocks that follow
    #[arg(help_heading = "State", long, value_name = "FILE", conflicts_with_all = ["compare_rules", "compare_bugs"])]
    pub load_state: Option<PathBuf>,
    /// Validators whose signatures the archive has to have, as `check` takes them; exits 4, with nothing written, if it has not
    #[arg(help_heading = "Archives", long, value_name = "FILE")]
    pub authorities: Option<PathBuf>,
    /// Rule set, by its name or as a TOML file (see `minting-replay rules`) [default: that of the period]
    #[arg(help_heading = "Rules", long, value_name = "NAME|FILE.toml")]
    pub rules: Option<String>,
    /// Mistakes of the past: pay as it was paid, or as it should have been [default: reference before r81, else fixed]
    #[arg(help_heading = "Rules", long, value_enum)]
    pub bugs: Option<BugsArg>,
    /// Results of the period before, whose unpaid receipts are paid again
    #[arg(help_heading = "Retries", long, value_name = "DIR", conflicts_with = "range")]
    pub previous: Option<PathBuf>,
    /// What was paid: payments that minting-fetch stellar wrote, or memo hashes, one in hex a line; added to the payments
    /// in the archives
    #[arg(help_heading = "Retries", long, value_name = "FILE")]
    pub paid: Vec<PathBuf>,
    /// Make a preliminary result of archives that end inside of the period; the names of all of its files begin with
    /// `partial-`
    #[arg(help_heading = "Results", long)]
    pub partial: bool,
    /// Write the results although there are findings
    #[arg(help_heading = "Results", long)]
    pub accept_findings: bool,
    /// Payouts to addresses that are no Stellar addresses, which are reported in any case
    #[arg(help_heading = "Results", long, value_enum, default_value_t = InvalidAddresses::Auto)]
    pub invalid_addresses: InvalidAddresses,
    /// Replace the results of an earlier run as a whole
    #[arg(help_heading = "Results", long)]
    pub overwrite: bool,
    /// Threads [default: one for each core]
    #[arg(help_heading = "Machine", long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Replay by this rule set as well, and show which nodes and farms it treats differently; only the results of
    /// --rules are written
    #[arg(help_heading = "Rules", long, value_name = "NAME|FILE.toml")]
    pub compare_rules: Option<String>,
    /// Mistakes of the past in the comparison [default: those of its rule set; of --rules, with other mistakes, if
    /// only this is given]
    #[arg(help_heading = "Rules", long, value_enum)]
    pub compare_bugs: Option<BugsArg>,
    /// Print run.json instead of a summary; with a comparison, an object with `comparison` and `run`
    #[arg(help_heading = "Results", long)]
    pub json: bool,
    /// For benchmarks: print as one line of JSON on standard error, at the end, where the time went
    #[arg(help_heading = "Machine", long)]
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

const SLIM_EXAMPLES: &str = "\
Example:
  minting-replay slim period-81 --out slim-81";

#[derive(Debug, Args)]
#[command(after_help = format!("{SLIM_EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct SlimArgs {
    /// The full archive
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,
    /// Folder of the slim archive; must be absent or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
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
    /// Print what the archive holds as JSON; events and state are JSON in any case
    #[arg(long)]
    pub json: bool,
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
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_has_an_example_and_fits_a_terminal() {
        for mut sub in command().get_subcommands().cloned() {
            let help = sub.render_long_help().to_string();
            assert!(
                help.contains("Example") || sub.get_name() == "completions" || sub.is_hide_set(),
                "{help}"
            );
        }
        for line in command().render_help().to_string().lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn every_command_is_in_a_group() {
        assert!(!command().render_help().to_string().contains("More commands"));
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
