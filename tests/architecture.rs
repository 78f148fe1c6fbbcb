//! The rooms of ARCHITECTURE.md: who may know whom, and that every invariant names a test that is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

use minting::minting::{Bugs, Rules};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Rooms that a room may use; `chain::types` is plain data and counts by itself.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("archive", vec![]),
        ("chain", vec!["archive"]),
        ("fetch", vec!["archive", "chain", "proof"]),
        ("minting", vec!["chain::types"]),
        ("replay", vec!["archive", "chain", "chain::types", "minting"]),
        ("report", vec!["archive", "chain::types", "minting", "replay", "cli"]),
        ("verify", vec!["archive", "chain::types", "proof", "minting", "replay", "report", "cli"]),
        ("proof", vec!["archive", "chain"]),
        ("cli", vec![]),
    ])
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Paths after `crate::` in a source, with those inside of a braced `use crate::{…}` one by one.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(braced) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in braced.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut item)),
                    _ => {}
                }
                if c != ',' || depth > 0 {
                    item.push(c);
                }
            }
            found.push(item);
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect());
        }
    }
    found
        .iter()
        .map(|path| path.split_whitespace().collect::<String>())
        .filter(|path| !path.is_empty())
        .collect()
}

#[test]
fn rooms_know_only_the_rooms_that_the_way_of_the_data_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (room, may) in allowed() {
        for file in sources(&src.join(room)) {
            for path in uses(&fs::read_to_string(&file).unwrap()) {
                let first = path.split("::").next().unwrap().to_string();
                if first == room || !allowed().contains_key(first.as_str()) {
                    continue;
                }
                let known = if path.starts_with("chain::types") { "chain::types" } else { first.as_str() };
                seen += 1;
                assert!(may.contains(&known), "{} uses {path}", file.display());
            }
        }
    }
    assert!(seen > 30, "only {seen} uses were found: the test does not see them any more");
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let mut code = String::new();
    for folder in ["src", "tests", "tools/simchain", "fuzz"] {
        for file in sources(&root.join(folder)) {
            code.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    let mut named = 0;
    for line in text.lines().filter(|line| line.contains("Guarded by")) {
        let tests = line.split("Guarded by").nth(1).unwrap();
        for test in tests.split('`').skip(1).step_by(2).filter(|t| !t.starts_with("make ")) {
            named += 1;
            assert!(code.contains(&format!("fn {test}(")), "there is no test `{test}`");
        }
    }
    assert!(named >= 10, "only {named} tests are named");
}

#[test]
fn every_parameter_and_every_bug_has_a_test_named_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code: String =
        ["src", "tests"].iter().flat_map(|folder| sources(&root.join(folder))).map(read).collect();
    let tests: Vec<&str> = code
        .split("#[test]\n")
        .skip(1)
        .filter_map(|test| test.trim_start().strip_prefix("fn ")?.split('(').next())
        .collect();
    let named_after = |name: &str| {
        tests.iter().any(|test| {
            let number = test.strip_prefix('b').and_then(|rest| rest.split_once('_'));
            let bare =
                number.filter(|(number, _)| number.parse::<u8>().is_ok()).map_or(*test, |(_, bare)| bare);
            bare == name || bare.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'))
        })
    };
    for (parameter, _) in Rules::PARAMETERS.iter().filter(|(name, _)| !["name", "bugs"].contains(name)) {
        assert!(named_after(parameter), "no test is named after the parameter {parameter}");
    }
    for (bug, _) in Bugs::PARAMETERS {
        assert!(named_after(bug), "no test is named after the bug {bug}");
    }
    for number in 0..=11 {
        let prefix = format!("b{number}_");
        assert!(tests.iter().any(|test| test.starts_with(&prefix)), "no test is named after B{number}");
    }
}

fn read(file: PathBuf) -> String {
    fs::read_to_string(file).unwrap()
}
