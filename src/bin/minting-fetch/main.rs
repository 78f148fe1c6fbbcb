//! Exports a range of blocks from archive nodes into an archive.

mod args;
mod dry_run;
mod join;
mod stellar;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use minting::archive::files;
use minting::cli::error_chain;
use minting::fetch::{Error, Export, Exported, Request, reserve};
use serde_json::json;
use tokio::runtime::Runtime;

use args::{Cli, ExportArgs, Task};
use dry_run::DryRun;
use stellar::StellarArgs;
use terminal::Terminal;

/// How the program ends; `--help` documents the numbers.
#[derive(Clone, Copy)]
enum End {
    Done,
    Failed,
    Interrupted,
}

impl End {
    fn code(self) -> u8 {
        match self {
            End::Done => 0,
            End::Failed => 1,
            End::Interrupted => 130,
        }
    }
}

impl From<End> for ExitCode {
    fn from(end: End) -> ExitCode {
        ExitCode::from(end.code())
    }
}

const GOES_ON: &str = "what is finished is kept, and the same command goes on from there";

fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&args::command().get_matches())
        .unwrap_or_else(|error| error.format(&mut args::command()).exit());
    let task = match cli.command.task() {
        Ok(task) => task,
        Err(message) => args::command().error(ErrorKind::ValueValidation, message).exit(),
    };
    let terminal = Arc::new(Terminal::new(cli.quiet, cli.verbose, cli.json));
    match task {
        Task::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut args::command(), "minting-fetch", &mut script);
            print(&script)
        }
        Task::Manual(None) => match minting::cli::manual(args::command()) {
            Ok(page) => print(&page),
            Err(error) => failed(&terminal, &error_chain(&error)),
        },
        Task::Manual(Some(folder)) => match minting::cli::manuals(args::command(), folder) {
            Ok(folder) => print(format!("The manual pages are in {}\n", folder.display()).as_bytes()),
            Err(error) => failed(&terminal, &error_chain(&error)),
        },
        // An archive is written file by file, so this may end at any moment.
        Task::Merge { archives, out, chunk_blocks } => {
            match join::join(archives, out, chunk_blocks, &terminal) {
                Ok(()) => End::Done,
                Err(error) => failed(&terminal, &error_chain(&error)),
            }
        }
        Task::Export(request, args) => until_interrupted(&terminal, run(&request, args, &terminal)),
        Task::Payments(args) => until_interrupted(&terminal, payments(args, &terminal)),
    }
    .into()
}

fn failed(terminal: &Terminal, message: &str) -> End {
    terminal.clear();
    terminal.error(message, End::Failed.code());
    End::Failed
}

/// Works until it is done, fails or is interrupted.
fn until_interrupted(terminal: &Terminal, work: impl Future<Output = End>) -> End {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(terminal, &format!("the threads of the program do not start: {error}")),
    };
    let end = runtime.block_on(async {
        tokio::select! {
            end = work => end,
            () = interrupted() => End::Interrupted,
        }
    });
    // Waits for the chunk that is being written.
    drop(runtime);
    if matches!(end, End::Interrupted) {
        terminal.clear();
        terminal.error(&format!("interrupted; {GOES_ON}"), end.code());
    }
    end
}

async fn payments(args: &StellarArgs, terminal: &Terminal) -> End {
    match stellar::stellar(args, terminal).await {
        Ok(()) => End::Done,
        Err(error) => failed(terminal, &error_chain(&error)),
    }
}

async fn run(request: &Request, args: &ExportArgs, terminal: &Arc<Terminal>) -> End {
    let outcome = async {
        let begun = Instant::now();
        // A folder that cannot be written is found before any node is asked.
        let lock = if args.dry_run { None } else { reserve(&args.out)? };
        let request = &request.clone().go_on(&args.out);
        let mut export = Export::prepare(&args.urls(), args.pace(), request, terminal.clone()).await?;
        export.set_chunk_blocks(args.chunk_blocks);
        if let Some(one_in) = args.proofs() {
            export.prove(one_in).await?;
        }
        if args.dry_run {
            let plan = DryRun::of(&export, args).await?;
            terminal.clear();
            terminal.tell(|| plan.json());
            let text = if terminal.is_for_scripts() { String::new() } else { plan.text() };
            return Ok(print(text.as_bytes()));
        }
        let (first, last) = (export.plan().first, export.plan().last);
        let is_whole = export.range().is_some();
        let exported = export.run(&args.out, lock, args.cross_check).await?;
        terminal.clear();
        terminal.say(&summary(first, last, &exported, args, begun));
        if let Some(so_far) = so_far(request, is_whole, args) {
            terminal.say(&so_far);
        }
        terminal.tell(|| {
            json!({
                "event": "done", "out": args.out.display().to_string(), "first_block": first, "last_block": last,
                "archive_root": hex(&exported.root), "last_hash": hex(&exported.last_hash),
                "blocks_read": exported.blocks_read, "files": exported.files, "file_bytes": exported.file_bytes,
            })
        });
        Ok(End::Done)
    };
    outcome.await.unwrap_or_else(|error: Error| {
        let mut message = error_chain(&error);
        if !args.dry_run && is_unfinished(&error, args) {
            message = format!("{message}; {GOES_ON} (`{}`)", args.out.display());
        }
        failed(terminal, &message)
    })
}

/// Whether the folder holds an export that the same command goes on with.
fn is_unfinished(error: &Error, args: &ExportArgs) -> bool {
    use minting::archive::Error::Occupied;
    let is_ours = !matches!(error, Error::OtherArchive { .. } | Error::Archive(Occupied { .. }));
    is_ours && args.out.join(files::PLAN).exists()
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

/// What can be done with the blocks of a range that is not over.
fn so_far(request: &Request, is_whole: bool, args: &ExportArgs) -> Option<String> {
    let Request::Time(range) = request else { return None };
    let when = match range.period {
        Some(number) => format!("--period {number}"),
        None => format!("--range {}..{}", range.from, range.to),
    };
    let out = args.out.display();
    (!is_whole).then(|| {
        format!("it is not over: see a preliminary result with `minting-replay run {out} {when} --partial --out <DIR>`")
    })
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
