//! Fuzzes every target, or some, for a time: `make fuzz`.

use std::{fs, path::Path, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use minting_fuzz::{
    run::{Until, run},
    seeds,
    targets::{TARGETS, Target},
};

/// Feeds mutated input to everything in minting that reads what others wrote.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fuzz targets, one after the other
    Run {
        /// Names of targets [default: all]
        targets: Vec<String>,
        /// Time for each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Start of the random numbers; the same gives the same inputs
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run one input on a target and print what it answers
    Once {
        /// Name of the target
        target: String,
        /// The input
        file: std::path::PathBuf,
    },
    /// Make the seeds that come from testdata anew
    Seeds,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run { targets, seconds, seed } => fuzz(&targets, Duration::from_secs(seconds), seed),
        Command::Once { target, file } => once(&target, &file),
        Command::Seeds => seeds::make(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn once(name: &str, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let target = TARGETS.iter().find(|target| target.name == name).ok_or("there is no such target")?;
    println!("{}", (target.run)(&fs::read(file)?));
    Ok(())
}

fn fuzz(names: &[String], time: Duration, seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(unknown) = names.iter().find(|name| TARGETS.iter().all(|target| target.name != **name)) {
        let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        return Err(format!("there is no target {unknown}; there are {}", known.join(", ")).into());
    }
    let chosen = |target: &&Target| names.is_empty() || names.iter().any(|name| name == target.name);
    println!(
        "{:<12} {:>12} {:>8} {:>12} {:>12}",
        "target", "executions", "answers", "slowest ms", "memory KiB"
    );
    for target in TARGETS.iter().filter(chosen) {
        let seeds: Vec<_> = seeds::read(target.name)?.into_values().collect();
        match run(target, &seeds, Until::Elapsed(time), seed) {
            Ok(report) => println!(
                "{:<12} {:>12} {:>8} {:>12} {:>12}",
                target.name,
                report.runs,
                report.answers,
                report.slowest.as_millis(),
                report.peak / 1024
            ),
            Err(failure) => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
                fs::create_dir_all(&folder)?;
                let path = folder.join(target.name);
                fs::write(&path, &failure.input)?;
                return Err(
                    format!("{}: {}; the input is {}", target.name, failure.what, path.display()).into()
                );
            }
        }
    }
    Ok(())
}
