//! `minting-replay verify`: published results that are equal, and results in which one value was changed.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{Ran, copy, replay, testdata};

const SMALL: &str = "verify {} --period 81 --against {} --previous {} --paid {} --quiet";

fn small(against: &Path, more: &str) -> Ran {
    let paths = [testdata("small/archive"), testdata("small/previous"), testdata("small/paid.txt")];
    let [archive, previous, paid] = &paths;
    replay(&format!("{SMALL} {more}"), &[archive, against, previous, paid])
}

/// Spoils a copy of results; gives what `verify --json` says of it.
#[track_caller]
fn spoiled(spoil: impl FnOnce(&Path)) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    copy(&testdata("small/expected"), &out);
    spoil(&out);
    serde_json::from_str(&small(&out, "--json").exits(4).stdout).unwrap()
}

/// The receipt of a node, by the text in it.
fn receipt(out: &Path, node: u32) -> std::path::PathBuf {
    let files = fs::read_dir(out.join("receipts/81")).unwrap().map(|entry| entry.unwrap().path());
    let of = format!("\"node_id\":{node},");
    files.into_iter().find(|path| fs::read_to_string(path).unwrap().contains(&of)).unwrap()
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).unwrap())).unwrap();
}

fn with_uptime(text: &str, uptime: u64) -> String {
    let (before, rest) = text.split_once("\"measured_uptime\":").unwrap();
    let (_, after) = rest.split_once(',').unwrap();
    format!("{before}\"measured_uptime\":{uptime},{after}")
}

#[test]
fn published_results_and_any_part_of_them_are_equal() {
    let expected = testdata("small/expected");
    small(&expected, "").exits(0);
    for part in ["receipts", "payouts.csv", "overview.csv"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        copy(&expected, &out);
        for entry in fs::read_dir(&out).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().is_some_and(|name| name == part) {
                true => {}
                false if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
        let json: Value = serde_json::from_str(&small(&out, "--json").exits(0).stdout).unwrap();
        assert_eq!(json["equal"], true);
        assert!(json["compared"].as_object().unwrap().keys().all(|name| name.starts_with(part)), "{json}");
    }
    let empty = tempfile::tempdir().unwrap();
    small(empty.path(), "").exits(1).says(&["nothing of period 81 to compare"]);
}

#[test]
fn accepted_findings_do_not_count() {
    let paths = [testdata("hazards/archive"), testdata("hazards/expected")];
    let ran = replay("verify {} --period 81 --against {} --quiet", &[&paths[0], &paths[1]]).exits(0);
    assert!(ran.stderr.contains("findings of the replay"), "{}", ran.stderr);
}

/// Node 8 of the frozen archive has an uptime of 2,546,367 s in 2,630,880 s. It reports every 2,400 s, which is every
/// second block from block 110 on, but for four silences, of which the first two lose 41,879 s.
#[test]
fn uptime_that_differs_is_found_at_the_block_that_decides() {
    let found = |uptime: u64| spoiled(|out| edit(&receipt(out, 8), |text| with_uptime(&text, uptime)));
    let less = found(1_000_000);
    let first = &less["first"];
    assert_eq!((&first["node"], &first["field"]), (&8.into(), &"measured_uptime".into()));
    assert_eq!((&first["published"], &first["here"]), (&"1000000".into(), &"2546367".into()));
    assert_eq!(first["block"], 110 + (1_000_000 + 41_879) / 1_200, "{first}");
    assert!(first["reason"].as_str().unwrap().contains("passes what was published"), "{first}");
    // 30,880 s are lost in what was published. The second silence, up to block 848, loses more.
    let more = found(2_600_000);
    let reason = more["first"]["reason"].as_str().unwrap();
    assert!(reason.contains("earn nothing up to this block"), "{reason}");
    assert_eq!(more["first"]["block"], 848);
    // Whoever credits the first silence in full has 22,800 - 2,460 s more, which are lost nowhere else.
    let whole = found(2_546_367 + 20_340);
    let reason = whole["first"]["reason"].as_str().unwrap();
    assert!(reason.contains("exactly the 20340 s"), "{reason}");
    assert_eq!(whole["first"]["block"], 488);
}

#[test]
fn violations_name_their_block() {
    let overview = fs::read_to_string(testdata("small/expected/overview.csv")).unwrap();
    let row = overview.lines().find(|row| row.contains("uptime increased more than")).unwrap();
    let (node, block) =
        (row.split(',').next().unwrap(), row.split_once("in block ").unwrap().1.split(',').next().unwrap());
    let violation = row.split(',').find(|cell| cell.contains("in block")).unwrap().to_owned();
    let found = spoiled(|out| edit(&out.join("overview.csv"), |text| text.replace(&violation, "")));
    let first = &found["first"];
    assert_eq!(first["node"].to_string(), node);
    assert_eq!(first["block"].to_string(), block);
    assert_eq!((&first["published"], &first["here"]), (&"".into(), &violation.into()));
}

#[test]
fn changed_missing_and_further_rows_are_named() {
    let amount = spoiled(|out| edit(&out.join("payouts.csv"), |text| text.replacen(".", "0.", 1)));
    assert_eq!(amount["first"]["field"], "amount");
    assert!(amount["first"]["node"].is_u64() && amount["first"]["block"].is_u64(), "{amount}");
    let missing =
        spoiled(|out| edit(&out.join("payouts.csv"), |text| text.split_once('\n').unwrap().1.to_owned()));
    assert_eq!(
        (&missing["first"]["field"], &missing["first"]["published"]),
        (&"payout".into(), &Value::Null)
    );
    let twice = spoiled(|out| {
        edit(&out.join("payouts.csv"), |text| format!("{}\n{text}", text.lines().next().unwrap()))
    });
    assert_eq!(twice["first"]["field"], "payout that is there already");
    let gone = spoiled(|out| fs::remove_file(receipt(out, 3)).unwrap());
    assert_eq!((&gone["first"]["node"], &gone["first"]["published"]), (&3.into(), &Value::Null));
    let further = spoiled(|out| {
        let text =
            fs::read_to_string(receipt(out, 3)).unwrap().replace("\"node_id\":3,", "\"node_id\":9999,");
        fs::write(out.join("receipts/81").join("ab".repeat(32)), text).unwrap();
    });
    assert_eq!((&further["first"]["node"], &further["first"]["here"]), (&9999.into(), &Value::Null));
    assert!(further["first"]["reason"].as_str().unwrap().contains("9999"), "{further}");
    let retries = spoiled(|out| {
        edit(&out.join("retries.csv"), |text| text.lines().take(3).map(|line| format!("{line}\n")).collect());
    });
    assert_eq!(retries["differences"].as_array().unwrap().len(), 3);
    let order = spoiled(|out| {
        edit(&out.join("payouts.csv"), |text| {
            let mut rows: Vec<&str> = text.lines().collect();
            rows.swap(0, 1);
            rows.join("\n") + "\n"
        });
    });
    assert_eq!(order["first"]["field"], "order of rows");
}

#[test]
fn people_read_node_block_both_values_and_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    copy(&testdata("small/expected"), &out);
    edit(&receipt(&out, 8), |text| with_uptime(&text, 1_000_000));
    let ran = small(&out, "").exits(4);
    for part in ["DIFFERENT", "First: node 8, block ", "published  1000000", "here       2546367", "Next: "] {
        assert!(ran.stdout.contains(part), "no `{part}` in {}", ran.stdout);
    }
}
