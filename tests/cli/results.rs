//! What reads the output of runs: `farm`, `watch-list`, `report`; and `periods`.

use std::{collections::BTreeMap, fs, path::Path};

use minting::archive::{Payment, PaymentSource, Payments};
use serde_json::Value;

use crate::support::{copy, replay, testdata};

/// Ten-millionths of a decimal number with seven digits.
fn units(tft: &str) -> u64 {
    let (whole, part) = tft.split_once('.').unwrap();
    assert_eq!(part.len(), 7, "{tft}");
    format!("{whole}{part}").parse().unwrap()
}

#[test]
fn a_statement_has_every_payout_of_its_farm_and_nothing_else() {
    let out = testdata("small/expected");
    let csv = replay("farm {} --farm 1", &[&out]).exits(0).stdout;
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let mut paid = BTreeMap::new();
    for row in csv.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), header.len(), "{row}");
        assert_eq!(fields[column("paid_at")], "");
        if units(fields[column("tft")]) > 0 {
            paid.insert(fields[column("receipt")].to_owned(), fields[column("tft")].to_owned());
        }
    }
    let payouts = fs::read_to_string(out.join("payouts.csv")).unwrap();
    let address = csv.lines().nth(1).unwrap().split(',').nth(column("address")).unwrap();
    let expected: BTreeMap<String, String> = payouts
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields[0] == address)
        .map(|fields| (fields[2].to_owned(), fields[1].to_owned()))
        .collect();
    assert_eq!(paid, expected);
    let json: Value =
        serde_json::from_str(&replay("farm {} --farm 1 --json", &[&out]).exits(0).stdout).unwrap();
    assert_eq!(units(json["total_tft"].as_str().unwrap()), paid.values().map(|tft| units(tft)).sum::<u64>());
}

#[test]
fn payouts_have_the_dates_of_their_payments() {
    let out = testdata("small/expected");
    let payouts = fs::read_to_string(out.join("payouts.csv")).unwrap();
    let [address, amount, memo] = payouts.lines().next().unwrap().split(',').collect::<Vec<_>>()[..] else {
        panic!("{payouts}")
    };
    let mut hash = [0; 32];
    hex::decode_to_slice(memo, &mut hash).unwrap();
    let source =
        PaymentSource { network: [1; 32], account: [2; 32], issuer: [3; 32], asset: "TFT".into(), from: 0 };
    let payment = Payment {
        operation: 1,
        time: 1_739_188_800,
        amount: units(amount),
        memo: hash,
        destination: stellar_strkey::ed25519::PublicKey::from_string(address).unwrap().0,
        multiplexed: None,
    };
    let payments = Payments { source, cursor: 1, read_until: 1_739_188_800, payments: vec![payment] };
    let folder = tempfile::tempdir().unwrap();
    payments.write(&Payments::place(folder.path())).unwrap();
    let ran = replay("farm {} --farm 1 --payments {}", &[&out, folder.path()]).exits(0);
    let dated: Vec<_> = ran.stdout.lines().filter(|row| row.ends_with("2025-02-10 12:00:00 UTC")).collect();
    assert!(matches!(dated[..], [row] if row.contains(memo)), "{dated:?}");
    replay("farm {} --farm 1 --payments {}", &[&out, &out]).exits(1).says(&["minting-fetch stellar"]);
}

#[test]
fn a_statement_is_refused_rather_than_guessed() {
    let out = testdata("small/expected");
    replay("farm {} --farm 4294967295", &[&out]).exits(1).says(&["farm 4294967295 has no node"]);
    replay("farm {} {} --farm 1", &[&out, &out]).exits(1).says(&["both runs of period 81"]);
    replay("farm {} --farm 1", &[&testdata("hazards/withheld")]).exits(1).says(&["--accept-findings"]);
    replay("farm {} --farm 1", &[&testdata("small/archive")]).exits(1).says(&["run.json"]);
    let folder = tempfile::tempdir().unwrap();
    copy(&out, folder.path());
    let run = folder.path().join("run.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&run).unwrap()).unwrap();
    json["partial"] = true.into();
    fs::write(&run, json.to_string()).unwrap();
    replay("farm {} --farm 1", &[folder.path()]).exits(1).says(&["partial run of period 81"]);
}

#[test]
fn runs_of_times_that_overlap_make_no_statement() {
    let out = testdata("small/expected");
    let folder = tempfile::tempdir().unwrap();
    copy(&out, folder.path());
    let run = folder.path().join("run.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&run).unwrap()).unwrap();
    let (start, end) = (1_735_602_280, 1_738_233_161);
    json["period"] = serde_json::json!({ "number": null, "start": start, "end": end });
    fs::write(&run, json.to_string()).unwrap();
    for kind in ["receipts", "receipts/retries"] {
        let receipts = folder.path().join(kind);
        fs::rename(receipts.join("81"), receipts.join(format!("{start}-{end}"))).unwrap();
    }
    replay("farm {} --farm 1", &[folder.path()]).exits(0);
    replay("farm {} {} --farm 1", &[&out, folder.path()]).exits(1).says(&["period 81", "overlap"]);
}

#[test]
fn a_receipt_that_was_changed_or_lost_is_named() {
    let folder = tempfile::tempdir().unwrap();
    copy(&testdata("upgrade/expected"), folder.path());
    let receipts = folder.path().join("receipts/81");
    let receipt = fs::read_dir(&receipts).unwrap().next().unwrap().unwrap().path();
    let name = receipt.file_name().unwrap().to_str().unwrap().to_owned();
    fs::remove_file(&receipt).unwrap();
    replay("watch-list {}", &[folder.path()]).exits(1).says(&[&name, "missing"]);
}

#[test]
fn a_watch_list_names_every_risk() {
    let out = testdata("small/expected");
    let json: Value = serde_json::from_str(&replay("watch-list {} --json", &[&out]).exits(0).stdout).unwrap();
    let of = |node: u64| -> Vec<&str> {
        let rows = json["at_risk"].as_array().unwrap().iter();
        rows.filter(|row| row["node"] == node).map(|row| row["risk"].as_str().unwrap()).collect()
    };
    assert_eq!(of(1), [""; 0]);
    assert_eq!(of(8), ["below-floor"]);
    assert_eq!(of(15), ["violation"]);
    assert_eq!(of(24), ["no-twin"]);
    assert_eq!(of(25), ["no-relay"]);
    assert_eq!(of(33), ["no-address"]);
    assert_eq!(of(41), ["late-boot-used"]);
    assert_eq!(of(47), ["asleep-long", "below-floor"]);
    let csv = replay("watch-list {}", &[&out]).exits(0).stdout;
    assert_eq!(csv.lines().count(), json["at_risk"].as_array().unwrap().len() + 1);
}

#[test]
fn a_report_is_one_page_that_is_not_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let (one, two) = (testdata("small/expected"), testdata("upgrade/expected"));
    replay("report {} {} --out {}", &[&one, &two, &page]).exits(0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("\"outcome\":\"uptime-too-high\""));
    replay("report {} --out {}", &[&one, &page]).exits(1).says(&["--overwrite"]);
    // Two runs of one period are told apart by their folders.
    let both = folder.path().join("both.html");
    replay("report {} {} --out {}", &[&one, &one, &both]).exits(0);
    assert!(fs::read_to_string(&both).unwrap().contains("\"name\":\"period 81 (/"));
    replay("report {} --out {}", &[&one, &folder.path().join("no/such.html")])
        .exits(1)
        .says(&["no/such.html"]);
    replay("report {} --out {} --overwrite", &[&one, &page]).exits(0);
    replay("report {} --out {} --overwrite", &[&testdata("hazards/withheld"), &page])
        .exits(1)
        .says(&["withheld"]);
    assert_ne!(fs::read_to_string(&page).unwrap(), text);
}

/// Results that were withheld have no receipts, and fix-ups are no run.
#[test]
fn a_correction_is_made_only_by_a_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    let (results, out) = (testdata("small/expected"), folder.path().join("fixup"));
    let fixup = |correct: &Path, out: &Path| {
        replay("fixup --period 81 --minted {} --correct {} --out {}", &[&results, correct, out])
    };
    fixup(&testdata("hazards/withheld"), &out).exits(1).says(&["withheld-for-findings", "--correct"]);
    assert!(!out.exists());
    fixup(&results, &out).exits(0);
    fixup(&out, &folder.path().join("again")).exits(1).says(&["`fix-ups`", "--correct"]);
}

#[test]
fn periods_are_found_by_date_and_in_archives() {
    let text = replay("periods --at 2025-01-15", &[]).exits(0).stdout;
    assert!(text.starts_with("period 81: 2024-12-30 23:44:40 UTC to 2025-01-30 10:32:40 UTC"), "{text}");
    assert_eq!(replay("periods --period 81 --around", &[]).exits(0).stdout.lines().count(), 7);
    let archive: &Path = &testdata("small/archive");
    let json = replay("periods --period 81 --archive {} --json", &[archive]).exits(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["blocks"]["first"], 110);
    assert_eq!((&json[0]["start"], &json[0]["number"]), (&1_735_602_280.into(), &81.into()));
    for (at, code, said) in [
        ("yesterday", 2, "yesterday"),
        ("2025-02-30", 2, "no date"),
        ("2025-01-15T12:00:00", 2, "no RFC 3339 time"),
        ("2010-01-01", 1, "before period 0, which starts at 2018-03-31 12:56:40 UTC"),
        ("-5", 1, "before period 0"),
        ("99999999999999", 1, "year 9999"),
        ("9223372036854775807", 1, "year 9999"),
    ] {
        replay(&format!("periods --at {at}"), &[]).exits(code).says(&[said]);
    }
    replay("periods --period 4294967295", &[]).exits(1).says(&["there is no period 4294967295"]);
    let elsewhere = replay("periods --period 80 --archive {}", &[archive]).exits(0).stdout;
    assert!(elsewhere.contains("do not cover period 80"), "{elsewhere}");
}

#[test]
fn local_times_follow_the_clock_of_the_zone() {
    // Summer time began in New York on 9 March 2025, in period 83, and in Apia there is none any more.
    for (zone, start, end) in [
        ("America/New_York", "2025-03-01 16:20:40 -05:00", "2025-04-01 04:08:40 -04:00"),
        ("Pacific/Apia", "2025-03-02 10:20:40 +13:00", "2025-04-01 21:08:40 +13:00"),
        ("Asia/Kathmandu", "2025-03-02 03:05:40 +05:45", "2025-04-01 13:53:40 +05:45"),
    ] {
        if !Path::new("/usr/share/zoneinfo").join(zone).is_file() {
            eprintln!("LEFT OUT: this computer does not know the zone {zone}");
            continue;
        }
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_minting-replay"))
            .args(["periods", "--period", "83"])
            .env("TZ", zone)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.trim_end().ends_with(&format!("local {start} to {end}")), "{zone}: {text}");
    }
}

#[test]
fn a_number_of_threads_that_would_bring_a_computer_down_is_refused() {
    let archive = testdata("small/archive");
    for jobs in ["0", "1000000", "-1", "all"] {
        replay(&format!("explain {{}} --period 81 --node 1 --jobs={jobs}"), &[&archive])
            .exits(2)
            .says(&["--jobs", "from 1 to 1024"]);
    }
}
