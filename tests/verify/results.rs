//! `minting-replay lint` and `diff`: what is consistent, what was changed, who is affected.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{copy, files, replay, testdata};

/// State of every invariant by its name.
fn states(stdout: &str) -> std::collections::BTreeMap<String, String> {
    let json: Value = serde_json::from_str(stdout).unwrap();
    let invariants = json["invariants"].as_array().unwrap().iter();
    invariants
        .map(|i| (i["invariant"].as_str().unwrap().to_owned(), i["state"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn results_of_this_program_hold_every_invariant() {
    let previous = testdata("small/previous");
    let ran = replay("lint {} --with {} --json", &[&testdata("small/expected"), &previous]).exits(0);
    let states = states(&ran.stdout);
    assert!(states.values().all(|state| state == "passed"), "{states:?}");
    assert_eq!(states.len(), 21);
    // Without the receipts of the period before, references are said to be left out.
    let ran = replay("lint {}", &[&testdata("small/expected")]).exits(0);
    assert!(
        ran.stdout.contains("left out  retry-reference") && ran.stdout.contains("--with"),
        "{}",
        ran.stdout
    );
    for name in ["hazards/expected", "upgrade/expected"] {
        replay("lint {}", &[&testdata(name)]).exits(0);
    }
    let ran = replay("lint {}", &[&testdata("hazards/withheld")]).exits(0);
    assert!(ran.stdout.contains("left out  totals"), "{}", ran.stdout);
}

/// Spoils a copy of results; exactly these invariants must fail.
#[track_caller]
fn spoiled(spoil: impl FnOnce(&Path), expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    copy(&testdata("small/expected"), &out);
    spoil(&out);
    let previous = testdata("small/previous");
    let ran = replay("lint {} --with {} --json", &[&out, &previous]).exits(4);
    let failed: Vec<String> = states(&ran.stdout)
        .into_iter()
        .filter(|(_, state)| state == "failed")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(failed, expected);
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).unwrap())).unwrap();
}

/// The first receipt of the period that was paid, by its payout.
fn paid_receipt(out: &Path) -> (String, String) {
    let payouts = fs::read_to_string(out.join("payouts.csv")).unwrap();
    let line = payouts.lines().next().unwrap().to_owned();
    let memo = line.rsplit(',').next().unwrap().to_owned();
    (line, format!("receipts/81/{memo}"))
}

#[test]
fn every_kind_of_change_fails_the_invariant_that_names_it() {
    spoiled(
        |out| edit(&out.join(paid_receipt(out).1), |text| text.replacen("\"musd\":", "\"musd\":1", 1)),
        &["overview", "receipt-name", "run-receipt"],
    );
    spoiled(
        |out| fs::remove_file(out.join(paid_receipt(out).1)).unwrap(),
        &["overview", "payout-receipt", "run-receipt", "totals"],
    );
    spoiled(
        |out| edit(&out.join("payouts.csv"), |text| text.replacen(".", "0.", 1)),
        &["payout-amount", "run-receipt"],
    );
    spoiled(
        |out| edit(&out.join("payouts.csv"), |text| text.replacen('G', "H", 1)),
        &["payout-address", "run-receipt"],
    );
    spoiled(
        |out| edit(&out.join("payouts.csv"), |text| format!("{}\n{text}", text.lines().next().unwrap())),
        &["payout-once", "run-receipt"],
    );
    spoiled(
        |out| edit(&out.join("payouts.csv"), |text| text.split_once('\n').unwrap().1.to_owned()),
        &["payout-complete", "run-receipt", "totals"],
    );
    spoiled(|out| edit(&out.join("payouts.csv"), |text| text + "x\n"), &["payout-form", "run-receipt"]);
    spoiled(
        |out| edit(&out.join("overview.csv"), |text| text.replacen(" UTC,", " UTC,1", 2)),
        &["overview", "run-receipt"],
    );
    spoiled(
        |out| edit(&out.join("retries.csv"), |text| text.lines().take(3).collect::<Vec<_>>().join("\n")),
        &["retry-row", "run-receipt"],
    );
    spoiled(
        |out| {
            edit(&out.join("run.json"), |text| text.replacen("\"retries_paid\": ", "\"retries_paid\": 1", 1))
        },
        &["run-receipt", "totals"],
    );
    spoiled(
        |out| fs::write(out.join("receipts/81/notes.txt"), b"").unwrap(),
        &["receipt-name", "run-receipt"],
    );
}

/// Receipts of past versions, and what they paid, hold the invariants too.
#[test]
fn results_of_the_reference_hold_the_invariants() {
    let Some(shared) = std::env::var_os("MINTING_SHARED") else {
        eprintln!("LEFT OUT: MINTING_SHARED is not set");
        return;
    };
    let mut linted = 0;
    for folder in ["oracle/cases", "oracle/history"] {
        for entry in fs::read_dir(Path::new(&shared).join(folder)).unwrap() {
            let case = entry.unwrap().path();
            let expected = case.join("expected");
            if !expected.is_dir() {
                continue;
            }
            let others: Vec<_> =
                ["previous", "minted"].iter().map(|n| case.join(n)).filter(|p| p.is_dir()).collect();
            let with = "--with {} ".repeat(others.len());
            let mut paths = vec![expected.as_path()];
            paths.extend(others.iter().map(|p| p.as_path()));
            let meta: Value = serde_json::from_slice(&fs::read(case.join("case.json")).unwrap()).unwrap();
            let ran = replay(&format!("lint {{}} {with} --period {} --json", meta["period"]), &paths);
            let mut states = states(&ran.stdout);
            states.retain(|_, state| state == "failed");
            let name = case.file_name().unwrap().to_str().unwrap();
            // Two mistakes of the past credited more uptime than there was, and integers wrapped.
            let too_much =
                name.starts_with("r58") || name.contains("B2") || meta["has_wrapping_inputs"] == true;
            states.retain(|invariant, _| !(too_much && invariant == "uptime"));
            assert!(states.is_empty(), "{}: {}{}", case.display(), ran.stdout, ran.stderr);
            linted += 1;
        }
    }
    assert!(linted > 15, "{linted}");
}

#[test]
fn equal_results_are_equal_and_others_are_told_by_node_and_farm() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, other) = (testdata("small/expected"), folder.path().join("other"));
    let ran = replay("diff {} {}", &[&expected, &expected]).exits(0);
    assert!(ran.stdout.starts_with("Equal: "), "{}", ran.stdout);
    let archive = testdata("small/archive");
    replay("run {} --period 81 --rules r74 --out {}", &[&archive, &other]).exits(0);
    let ran = replay("diff {} {} --json", &[&expected, &other]).exits(4);
    let diff: Value = serde_json::from_str(&ran.stdout).unwrap();
    let nodes = diff["nodes"].as_array().unwrap();
    assert_eq!(diff["totals"]["nodes"], nodes.len());
    assert_eq!(diff["equal"], false);
    // Retries are of the other side only, as no receipts of the period before were given there.
    assert_eq!(diff["others"].as_array().unwrap().len(), 5);
    let text = replay("diff {} {}", &[&expected, &other]).exits(4).stdout;
    assert!(text.contains("Nodes affected") && text.contains("TFT moved"), "{text}");
    assert!(!files(&other).is_empty());
}

#[test]
fn a_run_is_compared_with_other_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (testdata("small/archive"), folder.path().join("out"));
    let text = replay("run {} --period 81 --compare-rules r67 --out {}", &[&archive, &out]).exits(0).stdout;
    assert!(text.contains("A is r81 without mistakes, B is r67 with the mistakes"), "{text}");
    let options = "--compare-rules r67 --json --overwrite";
    let ran = replay(&format!("run {{}} --period 81 --out {{}} {options}"), &[&archive, &out]).exits(0);
    let both: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(both["run"]["rules"]["name"], "r81");
    // The same as from two folders, but for what only tables have.
    let other = folder.path().join("other");
    replay("run {} --period 81 --rules r67 --out {}", &[&archive, &other]).exits(0);
    let diff: Value =
        serde_json::from_str(&replay("diff {} {} --json", &[&out, &other]).exits(4).stdout).unwrap();
    for part in ["nodes", "farms", "others", "totals"] {
        assert_eq!(both["comparison"][part], diff[part], "{part}");
    }
    let same = "run {} --period 81 --compare-bugs fixed --out {} --overwrite";
    assert!(replay(same, &[&archive, &out]).exits(0).stdout.contains("Equal: "));
}

#[test]
fn frozen_archives_are_replayed_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let ran = replay("test {}", &[&testdata("")]).exits(0);
    assert!(ran.stdout.ends_with("passed, 0 failed\n"), "{}", ran.stdout);
    assert!(ran.stdout.lines().count() >= 4, "{}", ran.stdout);
    copy(&testdata("upgrade/archive"), &case.join("archive"));
    replay("test {}", &[folder.path()]).exits(1);
    replay("test {} --bless", &[folder.path()]).exits(0);
    let ran = replay("test {} {}", &[folder.path(), &case]).exits(0);
    assert!(ran.stdout.ends_with("1 passed, 0 failed\n"), "{}", ran.stdout);
    edit(&case.join("expected.toml"), |text| text.replace("payouts.csv\" = \"", "payouts.csv\" = \"0"));
    let ran = replay("test {}", &[&case]).exits(4);
    assert!(ran.stdout.contains("FAILED") && ran.stdout.contains("payouts.csv is "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("0 passed, 1 failed\n"), "{}", ran.stdout);
    fs::remove_dir_all(case.join("archive/chunks")).unwrap();
    let ran = replay("test {}", &[&case]).exits(1);
    assert!(ran.stdout.contains("chunks/") && ran.stdout.ends_with("0 passed, 1 failed\n"), "{}", ran.stdout);
    replay("test {}", &[&testdata("small/previous")]).exits(1).says(&["expected.toml"]);
}
