//! The replayer opens no socket: every command runs under `strace`, which records calls of the network, and of the
//! one interface that could hide them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};

use crate::support::testdata;

const CALLS: &str = "trace=%network,io_uring_setup,io_uring_enter";

fn is_installed() -> bool {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !found {
        eprintln!("LEFT OUT: strace is not installed (Linux: apt-get install strace)");
    }
    found
}

/// Runs a program and gives the calls that `strace` recorded.
fn calls(program: &str, args: &[&str], log: &Path) -> String {
    let ran = Command::new("strace")
        .args(["-f", "-qq", "-e", CALLS, "-e", "signal=none", "-o"])
        .arg(log)
        .arg(program)
        .args(args)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(!error.contains("ptrace"), "strace cannot trace here: {error}");
    let log = fs::read_to_string(log).unwrap();
    // A thread that is gone, as its process ended, before strace could look at what it was about to call called nothing.
    let is_call = |line: &&str| line.contains('(') && !line.ends_with("???( <detached ...>");
    log.lines().filter(is_call).map(|line| format!("{line}\n")).collect()
}

#[test]
fn no_command_of_the_replayer_makes_a_network_call() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = |name: &str| testdata(name).to_str().unwrap().to_owned();
    let key = SigningKey::from_bytes(&[1; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
    fs::write(at("key.pem"), key.as_bytes()).unwrap();
    let (archive, out) = (data("upgrade/archive"), at("out"));
    let commands: Vec<Vec<String>> = [
        vec!["check", &archive],
        vec!["inspect", &archive],
        vec!["inspect", &archive, "--events"],
        vec!["run", &archive, "--period", "81", "--out", &out, "--jobs", "3"],
        vec!["lint", &out],
        vec!["diff", &out, &data("upgrade/expected")],
        vec!["attest", "sign", &out, "--key", &at("key.pem"), "--out", &at("signed.json")],
        vec!["rules", "list"],
        vec!["test", &data("upgrade")],
        vec!["completions", "bash"],
        vec!["--version"],
    ]
    .iter()
    .map(|words| words.iter().map(ToString::to_string).collect())
    .collect();
    for words in commands {
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let found = calls(env!("CARGO_BIN_EXE_minting-replay"), &args, &folder.path().join("log"));
        assert_eq!(found, "", "minting-replay {}", args.join(" "));
    }
    // The commands did what they do.
    assert!(fs::metadata(at("out/payouts.csv")).is_ok() && fs::metadata(at("signed.json")).is_ok());
}

/// A test that finds nothing has to be able to find something.
#[cfg(feature = "fetch")]
#[test]
fn strace_sees_the_calls_of_a_program_that_has_them() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let args = ["blocks", "1..2", "--rpc", "http://127.0.0.1:1", "--out", out.to_str().unwrap()];
    let found = calls(env!("CARGO_BIN_EXE_minting-fetch"), &args, &folder.path().join("log"));
    assert!(found.contains("socket("), "{found}");
}
