//! The frozen archives give what they always gave, and every node what the rules say.
//!
//! The tables below were written from the rules and from what each node does (`simchain scenario describe`), not from
//! a run.

use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use minting::{
    minting::{Period, Rules},
    replay::{Progress, Request, Source, locate, replay},
};

use crate::support::{self, files, testdata};

struct Silent;

impl Progress for Silent {
    fn blocks(&self, _: u64) {}
}

/// Outcome of every node, in the order of ids.
fn outcomes(name: &str) -> Vec<(u32, &'static str)> {
    let source = Source::open(&[testdata(name).join("archive")]).unwrap();
    let (period, rules) = (Period::numbered(81).unwrap(), Rules::r81());
    let located = locate(&source, &period, &rules, None).unwrap();
    let interrupted = &AtomicBool::new(false);
    let request =
        Request { source: &source, period: &period, rules: &rules, located, from: None, interrupted };
    replay(&request, &Silent).unwrap().nodes.iter().map(|n| (n.node.id, n.outcome.label())).collect()
}

#[test]
fn every_behaviour_has_the_outcome_that_the_rules_give_it() {
    const NOT_PAID: &[(u32, &str)] = &[
        (8, "below-floor"),  // Certified with less than 98 %.
        (9, "below-floor"),  // 94 %.
        (10, "no-uptime"),   // Never reports.
        (11, "below-floor"), // Reports for half of the period.
        (15, "uptime-too-high"),
        (16, "uptime-too-low"),
        (17, "invalid-reboot"),
        (18, "clock-skew"),
        (19, "invalid-reboot"), // The second report of a block shows no growth.
        (20, "uptime-too-high"),
        (21, "uptime-too-low"),
        (22, "invalid-reboot"),
        (24, "missing-twin"),
        (25, "missing-relay"),
        (26, "missing-relay"),
        (27, "invalid-public-key"),
        (29, "virtualized"),
        (30, "virtualized"), // Taking it back does not help.
        (33, "no-address"),
        (42, "boot-request-expired"), // Two late boots.
        (46, "no-uptime"),            // Dead since before the period.
        (47, "below-floor"),          // Boots without a request: 16 of 30 days.
        (48, "below-floor"),          // 28.5 of 30.45 days are 93.6 %, and one late boot is no violation.
        (49, "boot-request-expired"), // One late boot, one that never came.
        (60, "below-floor"),          // Stored again in the middle: half of the period is forgotten.
        (62, "below-floor"),          // Half of the period.
    ];
    for (id, outcome) in outcomes("small") {
        let expected = NOT_PAID.iter().find(|(node, _)| *node == id).map_or("paid", |(_, why)| why);
        assert_eq!(outcome, expected, "node {id}");
    }
}

#[test]
fn an_upgrade_in_the_middle_does_not_show_in_the_outcome() {
    // Nor does it whether an archive holds proofs, or in how many chunks its blocks are.
    for (id, outcome) in outcomes("upgrade").into_iter().chain(outcomes("proven")) {
        let expected = match id {
            8 | 9 | 11 => "below-floor",
            10 => "no-uptime",
            _ => "paid",
        };
        assert_eq!(outcome, expected, "node {id}");
    }
}

/// Replays an archive of `testdata` and compares every file with the frozen results; `given` are the files and folders in
/// `testdata` that the options take.
fn gives_the_frozen_results(name: &str, frozen: &str, (options, given): (&str, &[&str]), code: i32) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let given: Vec<PathBuf> = given.iter().map(|given| testdata(given)).collect();
    let archive = testdata(name).join("archive");
    let paths: Vec<&Path> = [&archive, &out].into_iter().chain(&given).map(PathBuf::as_path).collect();
    support::replay(&format!("run {{}} --period 81 --out {{}} {options}"), &paths).exits(code);
    let (expected, got) = (files(&testdata(name).join(frozen)), files(&out));
    assert_eq!(expected.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
    for (file, bytes) in expected {
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&got[&file]), "{file}");
    }
}

#[test]
fn the_small_archive_gives_the_frozen_results() {
    let given = ["small/previous", "small/paid.txt"];
    gives_the_frozen_results("small", "expected", ("--previous {} --paid {}", &given), 0);
}

#[test]
fn the_archive_with_an_upgrade_gives_the_frozen_results() {
    gives_the_frozen_results("upgrade", "expected", ("", &[]), 0);
}

#[test]
fn the_archive_with_proofs_gives_the_frozen_results_and_is_final() {
    let options = ("--authorities {}", &["proven/validators.json"][..]);
    gives_the_frozen_results("proven", "expected", options, 0);
    let run = std::fs::read(testdata("proven/expected/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    let trust = &run["trust"];
    assert_eq!((&trust["level"], &trust["finality"]["set_id"]), (&"finality".into(), &1.into()));
    assert_eq!((&trust["blocks"], &trust["proven_blocks"]), (&2274.into(), &379.into()));
    assert_eq!((&trust["states"], &trust["proven_states"]), (&2.into(), &2.into()));
    assert!(trust["finality"]["block"].as_u64().unwrap() > run["blocks"]["window_last"].as_u64().unwrap());
}

/// A case that names a step is about that step.
#[test]
fn a_frozen_archive_that_lost_its_proofs_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    support::copy(&testdata("proven"), &case);
    let test = || support::replay("test {}", &[folder.path()]);
    assert!(test().exits(0).stdout.contains("case (finality)"));
    let expected = std::fs::read_to_string(case.join("expected.toml")).unwrap();
    std::fs::write(case.join("expected.toml"), expected.replace("authorities = \"validators.json\"\n", ""))
        .unwrap();
    assert!(test().exits(4).stdout.contains("reached is state-proofs, expected finality"));
}

#[test]
fn findings_withhold_everything_but_run_json() {
    gives_the_frozen_results("hazards", "withheld", ("", &[]), 3);
}

#[test]
fn accepted_findings_are_listed_all_the_same() {
    gives_the_frozen_results("hazards", "expected", ("--accept-findings", &[]), 0);
    let run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(testdata("hazards/expected/run.json")).unwrap()).unwrap();
    let rules: std::collections::BTreeSet<_> =
        run["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    let all = [
        "farm-missing",
        "policy-missing",
        "price-zero",
        "second-violation",
        "unknown-contract",
        "unknown-node",
    ];
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), all);
}
