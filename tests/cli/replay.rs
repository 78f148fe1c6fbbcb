//! `minting-replay run` and `inspect` beside the main road.

use crate::support::{Spoiled, files, replay, testdata};

#[test]
fn results_are_replaced_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (testdata("upgrade/archive"), folder.path().join("out"));
    replay("run {} --period 81 --out {}", &[&archive, &out]).exits(0);
    let first = files(&out);
    replay("run {} --period 81 --out {}", &[&archive, &out]).exits(1).says(&["--overwrite"]);
    // A run that fails leaves what was there.
    replay("run {} --period 82 --out {} --overwrite", &[&archive, &out])
        .exits(1)
        .says(&["do not cover period 82"]);
    assert!(files(&out) == first);
    std::fs::write(out.join("stale"), b"").unwrap();
    replay("run {} --period 81 --out {} --overwrite", &[&archive, &out]).exits(0);
    assert!(files(&out) == first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_earlier_period_needs_its_rules_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (testdata("upgrade/archive"), folder.path().join("out"));
    replay("run {} --period 80 --out {}", &[&archive, &out]).exits(1).says(&["period 80", "--rules"]);
    replay("run {} --period 81 --out {} --rules r1", &[&archive, &out]).exits(1).says(&["r1", "r81"]);
    assert!(!out.exists());
}

#[test]
fn a_range_that_is_the_period_pays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let archive = testdata("upgrade/archive");
    let (period, range) = (folder.path().join("period"), folder.path().join("range"));
    replay("run {} --period 81 --out {}", &[&archive, &period]).exits(0);
    replay("run {} --range 2024-12-30T23:44:40Z..1738233160 --rules r81 --out {}", &[&archive, &range])
        .exits(0);
    let (period, range) = (files(&period), files(&range));
    for name in ["payouts.csv", "overview.csv", "retries.csv"] {
        assert!(period[name] == range[name], "{name}");
    }
    let receipts = range.keys().filter(|name| name.starts_with("receipts/1735602280-1738233160/")).count();
    assert_eq!(receipts, 12);
}

#[test]
fn json_is_the_run_receipt() {
    let spoiled = Spoiled::copy_of("upgrade");
    let ran = replay("run {} --period 81 --out {} --json", &[&spoiled.archive(), &spoiled.out()]).exits(0);
    assert_eq!(ran.stdout.as_bytes(), files(&spoiled.out())["run.json"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn inspect_shows_events_and_raw_state() {
    let archive = testdata("upgrade/archive");
    let overview = replay("inspect {}", &[&archive]).exits(0).stdout;
    assert!(overview.contains("period 81") && overview.contains("runtime   145"), "{overview}");
    let events = replay("inspect {} --events --block 111", &[&archive]).exits(0).stdout;
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&event["block"], &event["spec_version"]), (&111.into(), &145.into()));
    }
    assert!(!events.is_empty());
    let state = replay("inspect {} --raw-state --at 110", &[&archive]).exits(0).stdout;
    let keys: Vec<_> = state.lines().map(|l| l.split('"').nth(3).unwrap()).collect();
    assert!(keys.len() > 12 && keys.is_sorted());
    replay("inspect {} --raw-state --at 111", &[&archive]).exits(1).says(&["111", "110"]);
    replay("inspect {} --events --block 5", &[&archive]).exits(1).says(&["block 5 is not in the archive"]);
}

#[test]
fn wrong_usage_exits_2_and_help_documents_the_codes() {
    replay("", &[]).exits(2);
    replay("run x --out y", &[]).exits(2).says(&["--period"]);
    replay("runn", &[]).exits(2).says(&["run"]);
    let help = replay("run --help", &[]).exits(0).stdout;
    for line in ["0    done", "3    finished with findings", "4    verification", "130  interrupted"] {
        assert!(help.contains(line), "{help}");
    }
}

#[test]
fn overview_only() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (testdata("small/archive"), folder.path().join("out"));
    replay("run {} --period 81 --rules r67-noslash --out {}", &[&archive, &out]).exits(0);
    assert_eq!(files(&out).into_keys().collect::<Vec<_>>(), ["overview.csv", "run.json"]);
}
