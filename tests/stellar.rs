//! Payments on Stellar: exported from a stand-in for Horizon, and used for retries.

#![cfg(feature = "fetch")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use horizon::{Operation, Options, Server};
use minting::archive::{PAYMENTS, Payments};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const FARMER: &str = "GCZDEZSVWHI4LQB4CVEAIH3DHLVWKGWV54M4VWC6XM2GLN2W7CEOSWLY";
/// 2025-02-10 12:00:00 UTC
const START: i64 = 1_739_188_800;

/// A stand-in that serves as long as this is there.
struct Horizon {
    url: String,
    server: Server,
    _runtime: Runtime,
}

fn serve(options: Options) -> Horizon {
    let runtime = Runtime::new().unwrap();
    let (address, server) = runtime.block_on(Server::start(0, options)).unwrap();
    Horizon { url: format!("http://{address}"), server, _runtime: runtime }
}

fn operation(fields: Value) -> Operation {
    let mut all = json!({ "time": START, "amount": "1.5000000", "to": FARMER });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

/// A payment a second, each with a hash of its own.
fn payments(count: i64) -> Vec<Operation> {
    (0..count).map(|n| operation(json!({ "time": START + n, "hash": format!("{n:064x}") }))).collect()
}

fn stellar(horizon: &Horizon, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minting-fetch"));
    command.args(["stellar", "--horizon", &horizon.url, "--out", out.to_str().unwrap()]).args(more);
    command.output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    stderr
}

#[test]
fn every_page_is_read_and_only_payments_with_a_hash_are_kept() {
    let mut operations = payments(450);
    operations.extend([
        operation(json!({ "time": START + 500, "text": "thanks" })),
        operation(json!({ "time": START + 500, "hash": "f".repeat(64), "asset": "TFTA" })),
        operation(json!({ "time": START + 500, "hash": "f".repeat(64), "failed": true })),
        operation(json!({ "time": START + 500, "hash": "f".repeat(64), "kind": "create_account" })),
        operation(json!({
            "time": START + 500, "hash": "f".repeat(64), "from": FARMER,
            "to": "GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47",
        })),
        operation(json!({ "time": START + 501, "hash": "e".repeat(64), "amount": "0.0000001" })),
    ]);
    // One of the requests is turned away, and asked again after a second.
    let horizon = serve(Options { operations, busy_after: 3, ..Options::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.tfa");
    let said = succeeds(&stellar(&horizon, &file, &[]));
    assert!(said.contains("451 payments") && said.contains("2025-02-10T12:08:21Z"), "{said}");
    let (read, _) = Payments::read(&file).unwrap();
    assert_eq!((read.payments.len(), read.read_until), (451, START + 501));
    let last = read.payments.last().unwrap();
    assert_eq!((last.memo, last.amount, last.time), ([0xee; 32], 1, START + 501));
    assert_eq!(stellar_strkey::ed25519::PublicKey(last.destination).to_string().as_str(), FARMER);
}

#[test]
fn an_export_goes_on_where_it_ended_and_gives_the_same_bytes() {
    let horizon = serve(Options { operations: payments(300), ..Options::default() });
    let folder = tempfile::tempdir().unwrap();
    let (at_once, in_parts) = (folder.path().join("one.tfa"), folder.path().join("two.tfa"));
    succeeds(&stellar(&horizon, &at_once, &[]));
    let until = (START + 250).to_string();
    let said = succeeds(&stellar(&horizon, &in_parts, &["--to", &until]));
    assert!(said.contains("250 payments"), "{said}");
    let before = horizon.server.requests();
    let said = succeeds(&stellar(&horizon, &in_parts, &[]));
    assert!(said.contains("300 payments") && said.contains("50 of them new"), "{said}");
    // The network, the page with what is new, and the empty one after it.
    assert_eq!(horizon.server.requests() - before, 3);
    assert_eq!(fs::read(&in_parts).unwrap(), fs::read(&at_once).unwrap());
    // Times bound what is kept, and a file keeps to its bound.
    let late = folder.path().join("late.tfa");
    succeeds(&stellar(&horizon, &late, &["--from", "2025-02-10T12:04:50Z"]));
    assert_eq!(Payments::read(&late).unwrap().0.payments.len(), 10);
    let refused = stellar(&horizon, &late, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("another time"));
}

#[test]
fn transactions_that_are_not_joined_are_asked_for() {
    let operations = payments(3);
    let horizon = serve(Options { operations, without_transactions: true, ..Options::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.tfa");
    succeeds(&stellar(&horizon, &file, &[]));
    assert_eq!(Payments::read(&file).unwrap().0.memos().len(), 3);
}

#[test]
fn what_is_no_place_no_server_and_no_account_is_said() {
    let horizon = serve(Options::default());
    let folder = tempfile::tempdir().unwrap();
    let output = stellar(&horizon, folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not that of an archive"));
    let file = folder.path().join("payments.tfa");
    assert_eq!(stellar(&horizon, &file, &["--account", "GADDR"]).status.code(), Some(2));
    let elsewhere = Horizon { url: format!("{}/elsewhere", horizon.url), ..horizon };
    let output = stellar(&elsewhere, &file, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("404"));
    assert!(!file.exists());
}

/// The receipts of the testdata that were paid, as payments in the archive instead of a list of memos.
#[test]
fn retries_from_payments_in_the_archive_are_those_from_a_list() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small");
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    copy(&testdata.join("archive"), &archive);
    let memos = fs::read_to_string(testdata.join("paid.txt")).unwrap();
    let operations: Vec<_> =
        memos.lines().filter(|l| !l.is_empty()).map(|memo| operation(json!({ "hash": memo }))).collect();
    let horizon = serve(Options { operations: operations.clone(), ..Options::default() });
    succeeds(&stellar(&horizon, &archive, &[]));
    let file = folder.path().join("payments.tfa");
    fs::copy(archive.join(PAYMENTS), &file).unwrap();
    let run = |archive: &Path, out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_minting-replay"));
        command.args(["run", archive.to_str().unwrap(), "--period", "81", "--out", out.to_str().unwrap()]);
        command.args(["--previous", testdata.join("previous").to_str().unwrap()]).args(more);
        succeeds(&command.output().unwrap());
        out
    };
    let read = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
    let same = |out: &Path| {
        for name in ["payouts.csv", "retries.csv"] {
            assert_eq!(read(out, name), read(&testdata.join("expected"), name), "{name}");
        }
    };
    let of_archive = run(&archive, "of-archive", &[]);
    same(&of_archive);
    let of_file = run(&testdata.join("archive"), "of-file", &["--paid", file.to_str().unwrap()]);
    same(&of_file);
    // The run says which payments it knew of; the same ones, wherever they were.
    let json: Value = serde_json::from_slice(&read(&of_archive, "run.json")).unwrap();
    let digest = hex::encode(Payments::read(&file).unwrap().1);
    assert_eq!(
        json["paid"],
        json!([{ "content_sha256": digest, "memos": operations.len(), "read_until": START }])
    );
    assert_eq!(read(&of_archive, "run.json"), read(&of_file, "run.json"));

    let check = |archive: &Path| {
        let command = Command::new(env!("CARGO_BIN_EXE_minting-replay")).arg("check").arg(archive).output();
        command.unwrap()
    };
    assert_eq!(check(&archive).status.code(), Some(0));
    let mut spoiled = read(&archive, PAYMENTS);
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 1;
    fs::write(archive.join(PAYMENTS), spoiled).unwrap();
    let output = check(&archive);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("payments.tfa"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
