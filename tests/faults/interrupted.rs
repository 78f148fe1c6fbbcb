//! Exports that are killed, interrupted, or started twice.

use std::{
    process::{Child, Command},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::support::{Export, Node, ended, files, late};

/// Sends a signal to a program that was started here.
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until the export has made so many files in a folder.
#[track_caller]
fn wait_for_files(export: &Export, folder: &str, count: usize) {
    let begun = Instant::now();
    let are_there = || {
        let names = export.out().join(folder).read_dir().into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tfa")).count()
    };
    while are_there() < count {
        assert!(begun.elapsed() < Duration::from_secs(30), "the export makes no files");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_at_any_moment_any_number_of_times() {
    thread::scope(|scope| {
        for (seed, options) in [(1, "--own-node --jobs 4"), (2, "--own-node --jobs 1"), (3, "--own-node")] {
            scope.spawn(move || killed(seed, options));
        }
    });
}

/// Kills an export up to a dozen times, and lets it end.
fn killed(seed: u64, options: &str) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (node, export) = (Node::slow(&[], 10, 1), Export::with(options));
    let mut kills = 0;
    let code = loop {
        let mut child = export.start(&node);
        sleep(Duration::from_millis(rng.random_range(20..700)));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        // Kill of the standard library is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        export.kept();
        kills += 1;
        if kills == 12 {
            break export.run(&[&node]).code;
        }
    };
    assert_eq!(code, Some(0), "seed {seed}");
    export.is_whole();
    assert!(kills > 0, "seed {seed} never killed");
}

#[test]
fn interrupted_it_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let (node, export) = (Node::slow(&[], 30, 1), Export::with("--own-node --jobs 2"));
        let child = export.start(&node);
        wait_for_files(&export, "chunks", 2);
        signal(&child, name);
        ended(child.wait_with_output().unwrap()).exits(130).says(&["interrupted", "same command"]);
        assert!(export.kept() > 0);
        export.goes_on();
    }
}

/// Who reads what the program says may go away, as `head` does; the export ends all the same.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_stops_nothing() {
    let (bad, good, export) = (Node::with(&["dead"]), Node::honest(), Export::new());
    let fetch = export.command(&[bad.url(), good.url()]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "{ \"$@\" --json; echo $? >\"$CODE\"; } 2>&1 | true; cat \"$CODE\"", "sh"]);
    let code = export.out().with_extension("code");
    shell.arg(fetch.get_program()).args(fetch.get_args()).env("CODE", &code);
    let ran = ended(shell.output().unwrap());
    assert_eq!(ran.stdout, "0\n", "{}", ran.stderr);
    export.is_whole();
}

#[test]
fn a_second_export_into_the_same_folder_fails_at_once() {
    let (node, export) = (Node::slow(&[], 30, 1), Export::with("--own-node --jobs 2"));
    let first = export.start(&node);
    wait_for_files(&export, "metadata", 1);
    let asked = node.figures().requests;
    let begun = Instant::now();
    let second = export.run(&[&node]).exits(1).says(&["archive"]);
    assert!(second.stderr.contains("lock") || second.stderr.contains("another"), "{}", second.stderr);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?} after {asked} requests", begun.elapsed());
    ended(first.wait_with_output().unwrap()).exits(0);
    export.is_whole();
}

#[test]
fn what_is_on_disk_is_verified_and_not_trusted_by_its_name() {
    let (node, export) = (Node::with(&[&late("dead")]), Export::new());
    export.run(&[&node]).exits(1);
    let chunks: Vec<_> =
        files(&export.out()).into_iter().filter(|(name, _)| name.starts_with("chunks/")).collect();
    assert!(chunks.len() > 2, "{} chunks", chunks.len());
    let spoil =
        |index: usize, bytes: &[u8]| std::fs::write(export.out().join(&chunks[index].0), bytes).unwrap();
    let mut flipped = chunks[0].1.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    spoil(0, &flipped);
    spoil(1, &chunks[1].1[..chunks[1].1.len() / 2]);
    // A whole chunk by the name of another one.
    spoil(2, &chunks[0].1);
    export.run(&[&Node::honest()]).exits(0).says(&[chunks[0].0.trim_start_matches("chunks/")]);
    export.is_whole();
}
