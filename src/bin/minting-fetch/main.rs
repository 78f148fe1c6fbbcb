//! Exports a range of blocks from archive nodes into an archive.

mod args;
mod stellar;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{CommandFactory, Parser};
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use minting::cli::error_chain;
use minting::fetch::{Error, Export, Exported, Request};
use tokio::runtime::Runtime;

use args::{Asked, Cli, ExportArgs};
use terminal::Terminal;

/// How the program ends; `--help` documents the numbers.
enum End {
    Done,
    Failed,
    Interrupted,
}

impl From<End> for ExitCode {
    fn from(end: End) -> ExitCode {
        ExitCode::from(match end {
            End::Done => 0,
            End::Failed => 1,
            End::Interrupted => 130,
        })
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let asked = cli.command.asked();
    if let Asked::Completions(shell) = asked {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "minting-fetch", &mut script);
        return print(&script).into();
    }
    let terminal = Arc::new(Terminal::new(cli.quiet, cli.verbose));
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.error(&format!("the threads of the program do not start: {error}"));
            return End::Failed.into();
        }
    };
    let end = runtime.block_on(async {
        tokio::select! {
            end = work(&asked, &terminal) => end,
            () = interrupted() => End::Interrupted,
        }
    });
    // Waits for the chunk that is being written.
    drop(runtime);
    if matches!(end, End::Interrupted) {
        terminal.error("interrupted; what is finished is kept, and the same command goes on from there");
    }
    end.into()
}

async fn work(asked: &Asked<'_>, terminal: &Arc<Terminal>) -> End {
    let outcome = match asked {
        Asked::Blocks(request, export) => run(request, export, terminal).await,
        Asked::Payments(args) => stellar::stellar(args, terminal).await.map(|()| End::Done),
        Asked::Completions(_) => Ok(End::Done),
    };
    outcome.unwrap_or_else(|error: Error| {
        terminal.clear();
        terminal.error(&error_chain(&error));
        End::Failed
    })
}

async fn run(request: &Request, args: &ExportArgs, terminal: &Arc<Terminal>) -> Result<End, Error> {
    let begun = Instant::now();
    let export = Export::prepare(&args.rpc, args.pace(), request, terminal.clone()).await?;
    if args.dry_run {
        let plan = describe(&export, args)?;
        terminal.clear();
        return Ok(print(plan.as_bytes()));
    }
    let (first, last) = (export.plan().first, export.plan().last);
    let exported = export.run(&args.out).await?;
    terminal.clear();
    terminal.say(&summary(first, last, &exported, args, begun));
    Ok(End::Done)
}

/// What a dry run prints.
fn describe(export: &Export, args: &ExportArgs) -> Result<String, Error> {
    let plan = export.plan();
    let left = export.remaining(&args.out)?;
    let blocks = left.blocks();
    // A header and a storage query each.
    let calls = blocks.saturating_mul(2);
    let versions: Vec<String> = export.spec_versions().iter().map(u32::to_string).collect();
    let mut lines = vec![format!(
        "blocks {} to {}, {} below the finalized head {}",
        plan.first,
        plan.last,
        export.head().saturating_sub(plan.last),
        export.head()
    )];
    if let Some(range) = &plan.range {
        lines.push(format!(
            "range {} to {}, then a window of {} blocks; block time {} ms",
            range.first_block, range.last_block, range.window_blocks, range.block_time_ms
        ));
    }
    lines.push(format!("runtimes with spec version {}", versions.join(", ")));
    lines.push(if left.finished {
        "the archive is finished already".to_owned()
    } else {
        format!(
            "missing: {} blocks in {} chunks, {} state snapshots; about {} calls",
            HumanCount(blocks),
            left.chunks.len(),
            left.states.len(),
            HumanCount(calls)
        )
    });
    if let (Some(rate), true) = (args.pace().rate, calls > 0) {
        let nodes = u64::try_from(args.rpc.len()).unwrap_or(u64::MAX);
        let seconds = calls / u64::from(rate.get()).saturating_mul(nodes).max(1);
        lines.push(format!(
            "at {rate} calls a second and node: at least {}",
            HumanDuration(std::time::Duration::from_secs(seconds))
        ));
    }
    Ok(lines.join("\n") + "\n")
}

fn summary(first: u32, last: u32, exported: &Exported, args: &ExportArgs, begun: Instant) -> String {
    format!(
        "blocks {first} to {last} are in {} ({}, {} blocks read in {}); archive root {}, last block {}",
        args.out.display(),
        HumanBytes(exported.file_bytes),
        HumanCount(exported.blocks_read),
        HumanDuration(begun.elapsed()),
        hex(&exported.root),
        hex(&exported.last_hash)
    )
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Prints to standard output; a reader that went away is none of our business.
fn print(bytes: &[u8]) -> End {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => End::Failed,
        _ => End::Done,
    }
}

/// Returns when the user, or the system, wants the program to end.
#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => (),
        _ = terminate.recv() => (),
        else => std::future::pending().await,
    }
}

/// Returns when the user wants the program to end.
#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
