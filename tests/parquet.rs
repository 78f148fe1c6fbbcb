//! `minting-replay export`, read back by another program: pyarrow, with the Python named in `PYTHON`.

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Prints rows, types and sums of every file in a folder as JSON.
const READER: &str = r#"
import json, pathlib, sys
import pyarrow.compute as pc
import pyarrow.parquet as pq

told = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
    table = pq.read_table(path)
    about = {"rows": table.num_rows, "types": {f.name: str(f.type) for f in table.schema}}
    for name in ("paid_tft_units", "measured_uptime", "uptime"):
        if name in table.column_names:
            about[name] = pc.sum(table[name]).as_py()
    first = table.slice(0, 1).to_pylist()
    about["first"] = {k: v if isinstance(v, (int, float, bool, str)) or v is None else v.isoformat() for row in first for k, v in row.items()}
    told[path.stem] = about
print(json.dumps(told))
"#;

fn testdata(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name).display().to_string()
}

fn replay(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_minting-replay")).args(args).output().unwrap()
}

#[track_caller]
fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What another program reads; none where it is not installed.
fn read(folder: &Path) -> Option<Value> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !Command::new(&python).args(["-c", "import pyarrow"]).output().is_ok_and(|o| o.status.success()) {
        eprintln!("LEFT OUT: {python} has no pyarrow, Parquet files are not read by another program");
        return None;
    }
    let read = Command::new(&python).args(["-c", READER]).arg(folder).output().unwrap();
    Some(serde_json::from_str(&stdout(read)).unwrap())
}

#[test]
fn another_program_reads_events() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("events");
    let archive = testdata("upgrade/archive");
    stdout(replay(&["export", &archive, "--parquet", out.to_str().unwrap()]));
    let Some(read) = read(&out) else { return };
    let events = stdout(replay(&["inspect", &archive, "--events"]));
    assert_eq!(read["events"]["rows"], events.lines().count());
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    let row = &read["events"]["first"];
    for column in ["block", "pallet", "event", "spec_version", "index"] {
        assert_eq!(row[column], first[column], "{column}");
    }
    assert_eq!(row["block_hash"], first["hash"]);
    let fields: Value = serde_json::from_str(row["fields"].as_str().unwrap()).unwrap();
    assert_eq!(fields, first["fields"]);
    let types = &read["events"]["types"];
    assert_eq!((&types["block"], &types["fields"]), (&"uint32".into(), &"string".into()));
    assert!(types["time"].as_str().unwrap().starts_with("timestamp[ms"), "{types}");
}

#[test]
fn another_program_reads_results() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let run = testdata("small/expected");
    stdout(replay(&["export", &run, "--parquet", out.to_str().unwrap()]));
    let Some(read) = read(&out) else { return };
    let totals: Value =
        serde_json::from_slice(&std::fs::read(Path::new(&run).join("details.json")).unwrap()).unwrap();
    let nodes = totals["nodes"].as_array().unwrap();
    assert_eq!(read["nodes"]["rows"], nodes.len());
    let days: u64 =
        nodes.iter().flat_map(|n| n["days"].as_array().unwrap()).map(|d| d.as_u64().unwrap()).sum();
    assert_eq!(read["days"]["uptime"], days);
    let payouts = std::fs::read_to_string(Path::new(&run).join("payouts.csv")).unwrap();
    let paid: u64 = payouts
        .lines()
        .map(|line| line.split(',').nth(1).unwrap().replace('.', "").parse::<u64>().unwrap())
        .sum();
    let sum = |table: &str| read[table]["paid_tft_units"].as_u64().unwrap();
    assert_eq!(sum("nodes") + sum("retries"), paid);
    assert_eq!(read["nodes"]["types"]["paid_tft_units"], "uint64");
    assert_eq!(read["nodes"]["first"]["farm_name"], "freefarm");
}

#[test]
fn an_export_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (folder.path().join("archive"), folder.path().join("events"));
    for part in ["", "chunks", "state", "metadata"] {
        std::fs::create_dir_all(archive.join(part)).unwrap();
        for entry in std::fs::read_dir(Path::new(&testdata("upgrade/archive")).join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, archive.join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let last =
        std::fs::read_dir(archive.join("chunks")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let mut bytes = std::fs::read(&last).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&last, bytes).unwrap();
    let ran = replay(&["export", archive.to_str().unwrap(), "--parquet", out.to_str().unwrap()]);
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(1) && stderr.contains("damaged"), "{stderr}");
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn an_export_keeps_what_is_there_and_names_what_is_neither_archive_nor_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let out = folder.path().to_str().unwrap();
    for (path, message) in [(testdata("small/archive"), "--parquet"), (testdata("small"), "run.json")] {
        let ran = replay(&["export", &path, "--parquet", out]);
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(1) && stderr.contains(message), "{stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
