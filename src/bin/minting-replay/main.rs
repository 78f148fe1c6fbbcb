//! Replays archives into payouts, without any network access.

mod args;
mod attest;
mod check;
mod diff;
mod explain;
#[cfg(feature = "parquet")]
mod export;
mod farm;
mod fixup;
mod ground;
mod inspect;
mod lint;
mod periods;
mod progress;
mod report;
mod rule_sets;
mod run;
mod slim;
mod test;
mod timings;
mod verify;
mod watch_list;

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::FromArgMatches;
use minting::{
    cli::{Exit, error_chain},
    verify::reached::{NotSigned, Refused},
};

use args::{Cli, Command};

/// Set by the first Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The command looks at `INTERRUPTED` and ends tidily; every other command, and a second Ctrl-C, end at once.
static ENDS_TIDILY: AtomicBool = AtomicBool::new(false);

/// Why a command failed: anything that can be printed with its causes.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&args::command().get_matches())
        .unwrap_or_else(|error| error.format(&mut args::command()).exit());
    // Without a handler Ctrl-C still ends the program, only less tidily.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) || !ENDS_TIDILY.load(Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    let outcome = match &cli.command {
        Command::Run(args) => run::run(args, cli.quiet),
        Command::Fixup(args) => fixup::fixup(args, cli.quiet),
        Command::Rules(args) => rule_sets::rules(args),
        Command::Explain(args) => explain::explain(args, cli.quiet),
        Command::Report(args) => report::report(args, cli.quiet),
        Command::Farm(args) => farm::farm(args, cli.quiet),
        Command::WatchList(args) => watch_list::watch_list_command(args, cli.quiet),
        Command::Periods(args) => periods::periods(args),
        Command::Check(args) => check::check(args, cli.quiet),
        Command::Slim(args) => slim::slim(args, cli.quiet),
        Command::Attest(args) => attest::attest(args),
        Command::Lint(args) => lint::lint(args),
        Command::Diff(args) => diff::diff(args),
        Command::Verify(args) => verify::verify(args, cli.quiet),
        Command::Test(args) => test::test(args, cli.quiet),
        #[cfg(feature = "parquet")]
        Command::Export(args) => export::export(args, cli.quiet),
        #[cfg(not(feature = "parquet"))]
        Command::Export { .. } => {
            Err("this program was built without Parquet; install it with `cargo install --locked --path . --features parquet`"
                .into())
        }
        Command::Inspect(args) => inspect::inspect(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut args::command(), "minting-replay", &mut script);
            Ok(minting::cli::print(&script))
        }
        Command::Man { out } => man(out.as_deref()),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if is_broken_pipe(failure.as_ref()) {
                return Exit::Done.into();
            }
            eprintln!("error: {}", minting::cli::escape(&error_chain(failure.as_ref())));
            let interrupted = INTERRUPTED.load(Ordering::Relaxed);
            match (interrupted, is_not_signed(failure.as_ref())) {
                (true, _) => Exit::Interrupted.into(),
                // As `check` has it: the archive is sound, only not what somebody pinned.
                (false, true) => Exit::Differs.into(),
                (false, false) => Exit::Failed.into(),
            }
        }
    }
}

/// Manual pages, from the same definitions as `--help`.
fn man(out: Option<&Path>) -> Result<Exit, Failure> {
    match out {
        None => Ok(minting::cli::print(&minting::cli::manual(args::command())?)),
        Some(folder) => {
            let folder = minting::cli::manuals(args::command(), folder)?;
            Ok(minting::cli::print(format!("The manual pages are in {}\n", folder.display()).as_bytes()))
        }
    }
}

/// The validators that were asked for did not sign.
fn is_not_signed(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<NotSigned>()
        || error.downcast_ref::<Refused>().is_some_and(|refused| matches!(refused, Refused::NotSigned(_)))
}

/// The reader of the output went away, as with `| head`.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
