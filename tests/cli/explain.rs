//! `minting-replay explain`: its numbers are those of a run, and they add up.

use std::sync::atomic::AtomicBool;

use minting::{
    minting::{Followed, NodeResult, Outcome, Period, Rules, Worth},
    replay::{Progress, Request, Source, follow, locate, replay},
};
use serde_json::Value;

use crate::support::{self, testdata};

struct Silent;

impl Progress for Silent {
    fn blocks(&self, _: u64) {}
}

/// Follows nodes of an archive and compares each with the whole replay.
fn agrees(name: &str, rules: &Rules, of_interest: impl Fn(u32) -> bool) {
    let source = Source::open(&[testdata(name).join("archive")]).unwrap();
    let period = Period::numbered(81).unwrap();
    let located = locate(&source, &period, rules, None).unwrap();
    let interrupted = &AtomicBool::new(false);
    let request = Request { source: &source, period: &period, rules, located, from: None, interrupted };
    let nodes = replay(&request, &Silent).unwrap().nodes;
    for expected in nodes.iter().filter(|expected| of_interest(expected.node.id)) {
        let explained = follow(&request, expected.node.id, &Silent).unwrap();
        let followed = explained.node.unwrap();
        let context = format!("{name}, {}, node {}", rules.name(), expected.node.id);
        assert_eq!(followed.result, *expected, "{context}");
        adds_up(&followed, expected, &period, rules, &context);
    }
}

fn adds_up(followed: &Followed, expected: &NodeResult, period: &Period, rules: &Rules, context: &str) {
    let credits: i128 = followed.entries.iter().map(|entry| entry.credit).sum();
    let lost: i128 = followed.entries.iter().map(|entry| entry.lost).sum();
    assert_eq!(credits + lost, i128::from(period.duration()), "{context}");
    let Some(sealed) = &expected.receipt else { return };
    let receipt = &sealed.receipt;
    assert_eq!(credits, i128::from(receipt.measured_uptime), "{context}");
    let Some(calculation) = &followed.calculation else { panic!("{context}: no calculation") };
    assert_eq!(calculation.uptime, credits, "{context}");
    let micro = |units: f64| format!("{:.0}", units * 1e6);
    assert_eq!(micro(receipt.cloud_units.cu), calculation.cu.to_string(), "{context}");
    assert_eq!(micro(receipt.cloud_units.su), calculation.su.to_string(), "{context}");
    assert_eq!(micro(receipt.cloud_units.nu), calculation.nu.to_string(), "{context}");
    match (expected.outcome, calculation.worth) {
        (Outcome::Paid | Outcome::NoAddress | Outcome::NothingEarned, worth) => {
            assert_eq!(worth, Worth::Amount(receipt.reward), "{context}");
        }
        (Outcome::BelowFloor, worth) => {
            assert_eq!(worth, Worth::BelowFloor, "{context}");
            assert!(calculation.uptime < calculation.needed_uptime, "{context}");
        }
        _ => assert!(receipt.reward.tft == 0 || !rules.violation_costs_payout, "{context}"),
    }
    if let Worth::Amount(_) = calculation.worth {
        assert!(calculation.uptime >= calculation.needed_uptime, "{context}");
    }
}

#[test]
fn every_node_is_explained_with_the_numbers_of_its_receipt() {
    for name in ["small", "upgrade", "hazards"] {
        agrees(name, &Rules::r81(), |_| true);
    }
}

#[test]
fn earlier_rules_are_explained_with_the_numbers_of_their_receipts() {
    for name in ["r46", "r52", "r60-strict", "r61-lenient-B2", "r67", "r74"] {
        agrees("small", &Rules::named(name).unwrap(), |node| [1, 15, 21, 42, 47, 56].contains(&node));
    }
}

fn explain(node: u32, options: &str) -> support::Ran {
    let command = format!("explain {{}} --period 81 --node {node} {options}");
    support::replay(&command, &[&testdata("small/archive")])
}

fn json(node: u32) -> Value {
    serde_json::from_str(&explain(node, "--json").exits(0).stdout).unwrap()
}

#[test]
fn json_has_everything_that_programs_need() {
    let paid = json(1);
    assert_eq!(paid["node"], 1);
    assert_eq!(paid["violation"], Value::Null);
    assert_eq!(paid["reward"]["tft"], 2_581_000_000_u64);
    let credits: i64 =
        paid["timeline"].as_array().unwrap().iter().map(|e| e["credit"].as_i64().unwrap()).sum();
    assert_eq!(paid["measured_uptime"], credits);
    let steps: Vec<_> =
        paid["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    for step in ["cu", "su", "nu", "ip", "policy", "certification", "price", "uptime", "floor", "reward"] {
        assert!(steps.contains(&step), "{step}");
    }
}

#[test]
fn a_violation_has_both_points_both_blocks_the_limit_and_by_how_much() {
    let violation = json(15)["violation"].clone();
    assert_eq!(violation["kind"], "uptime-too-high");
    assert_eq!(
        (&violation["previous"]["block"], &violation["reported"]["block"]),
        (&685.into(), &687.into())
    );
    assert_eq!(
        (&violation["previous"]["uptime"], &violation["reported"]["uptime"]),
        (&2_440_022.into(), &2_442_722.into())
    );
    assert_eq!((&violation["measured_secs"], &violation["limit_secs"]), (&2_700.into(), &2_460.into()));
    assert_eq!(violation["passed_by_secs"], 240);
    for node in [16, 17, 18] {
        let violation = json(node)["violation"].clone();
        assert!(violation["passed_by_secs"].as_i64().unwrap() > 0, "{violation}");
        assert!(violation["previous_block"].is_u64() && violation["block"].is_u64(), "{violation}");
    }
}

#[test]
fn the_answer_comes_first() {
    let first = |node| explain(node, "").exits(0).stdout.lines().next().unwrap().to_owned();
    assert_eq!(first(1), "Paid in full: 258.1000000 TFT");
    assert_eq!(first(8), "Below 98 % by 8 h 51 min: paid 0 TFT");
    assert!(first(2).starts_with("Paid in part: 257.8419000 TFT, 99.9 % of 258.1000000 TFT"), "{}", first(2));
    assert!(
        first(15).starts_with("Paid 0 TFT: violation: uptime grew more than the time: 2700 s"),
        "{}",
        first(15)
    );
    assert!(first(29).contains("virtual machine") && first(33).contains("no payout address"));
}

#[test]
fn sleeps_show_both_checks_and_silences_whose_they_are() {
    let late = explain(42, "").exits(0).stdout;
    for part in
        ["(at most 24 h: passed)", "(at most 30 min: failed by 44 min", "a real late boot", "late boot 2"]
    {
        assert!(late.contains(part), "{part}: {late}");
    }
    let silent = explain(8, "").exits(0).stdout;
    assert!(
        silent.contains("no report for 6 h 20 min") && silent.contains("only this node was silent"),
        "{silent}"
    );
    assert!(silent.contains("8 h 51 min more uptime would have reached the floor of 98 %."), "{silent}");
}

#[test]
fn ordinary_reports_are_folded_and_there_are_no_colours_in_a_pipe() {
    let (folded, all) = (explain(1, "").exits(0).stdout, explain(1, "--all").exits(0).stdout);
    assert!(folded.lines().count() < 25, "{folded}");
    assert!(all.lines().count() > 1_000);
    assert!(!folded.contains('\u{1b}') && !all.contains('\u{1b}'));
}

#[test]
fn a_node_that_is_not_there_is_told_clearly() {
    explain(99, "").exits(1).says(&["node 99 did not exist in period 81", "never existed"]);
    explain(0, "").exits(1).says(&["node 0 never existed"]);
    explain(1, "--rules nonsense").exits(1).says(&["nonsense"]);
}
