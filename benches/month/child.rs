//! A replay as a user starts it: another process.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use minting::{
    archive::Archive,
    minting::{PERIOD_SECONDS, Period},
};
use serde::Deserialize;

use crate::{
    Options, Result,
    archives::{Archives, PERIOD},
    figures::{Spent, cpu_seconds},
};

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    /// Time of the process.
    pub spent: Spent,
    /// What it says itself.
    pub timings: Timings,
}

/// The line that `minting-replay run --timings` prints, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub struct Timings {
    /// Seconds by stage, added up over all threads.
    pub stages: Stages,
    /// Events of all blocks.
    pub events: u64,
    /// Uptime reports among them.
    pub uptime_reports: u64,
    /// Peak of the resident memory.
    pub peak_resident_bytes: u64,
}

/// Seconds by stage.
#[derive(Debug, Deserialize)]
pub struct Stages {
    pub open: f64,
    pub state: f64,
    pub read: f64,
    pub decompress: f64,
    pub hash: f64,
    pub decode: f64,
    pub route: f64,
    pub fold: f64,
    pub write: f64,
}

impl Stages {
    /// Every stage with its name.
    pub fn all(&self) -> [(&'static str, f64); 9] {
        let Stages { open, state, read, decompress, hash, decode, route, fold, write } = *self;
        [
            ("open", open),
            ("state", state),
            ("read", read),
            ("decompress", decompress),
            ("hash", hash),
            ("decode", decode),
            ("route", route),
            ("fold", fold),
            ("write", write),
        ]
    }
}

/// Replays all of an archive on so many threads.
pub fn replay(options: &Options, archives: &Archives, archive: &Archive, threads: usize) -> Result<Replayed> {
    let results = archives.results();
    if results.exists() {
        fs::remove_dir_all(&results)?;
    }
    let mut command = Command::new(&options.program);
    command.arg("run").arg(archive.folder()).args(range(archive)?).arg("--out").arg(&results);
    command.args(["--accept-findings", "--quiet", "--timings", "--jobs", &threads.to_string()]);
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    // A process that has ended keeps its times until it is waited for.
    let stat = format!("/proc/{}/stat", child.id());
    while !fs::read_to_string(&stat)?.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')) {
        thread::sleep(Duration::from_millis(1));
    }
    let spent = Spent { wall: started.elapsed().as_secs_f64(), cpu: cpu_seconds(&child.id().to_string())? };
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut said)?;
    }
    if !child.wait()?.success() {
        return Err(format!("{command:?} failed: {said}").into());
    }
    let line = said.lines().rev().find(|line| line.starts_with('{')).ok_or("--timings printed nothing")?;
    Ok(Replayed { spent, timings: serde_json::from_str(line)? })
}

/// The options that ask for all of the archive: the period, or the range of several or of a part of one.
fn range(archive: &Archive) -> Result<Vec<String>> {
    let manifest = archive.manifest();
    if let Some(period) = manifest.period {
        return Ok(vec!["--period".into(), period.to_string()]);
    }
    let (from, to) = match &manifest.range {
        Some(range) => (range.from, range.to),
        None => {
            let start = Period::numbered(PERIOD)?.start;
            let periods = i64::try_from(manifest.state.len().saturating_sub(1))?;
            (start, start.saturating_add(periods.saturating_mul(PERIOD_SECONDS)))
        }
    };
    Ok(vec!["--range".into(), format!("{from}..{to}"), "--rules".into(), "r81".into()])
}
