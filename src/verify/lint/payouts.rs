//! Invariants of what is paid.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Subject, Tally};
use crate::{
    archive::{Hash, header::blake2_256},
    minting::Reward,
    report::{
        addresses,
        csv::{CARBON_ADDRESS, TftAmount, memo_of, sum_tft},
        run::tft,
    },
    verify::results::{Payout, parse_tft},
};

/// What a payment is made for.
struct Due<'a> {
    farm: u32,
    address: &'a str,
    tft: u64,
}

/// Everything that may be paid by these results, by its memo.
fn due<'a>(subject: &Subject<'a>) -> BTreeMap<Hash, Due<'a>> {
    let (results, period) = (subject.results, subject.period);
    let mut due = BTreeMap::new();
    if results.is_correction() {
        for (hash, fixup) in results.fixups.get(period).into_iter().flatten() {
            let (farm, address, tft) = (fixup.farm_id, &fixup.stellar_payout_address, fixup.fixup_reward.tft);
            due.insert(*hash, Due { farm, address, tft });
        }
        return due;
    }
    for (hash, receipt) in results.minting.get(period).into_iter().flatten() {
        let (farm, address, tft) = (receipt.farm_id, &receipt.stellar_payout_address, receipt.reward.tft);
        due.insert(*hash, Due { farm, address, tft });
    }
    for (hash, retry) in results.retries.get(period).into_iter().flatten() {
        let (farm, address, tft) = (retry.farm_id, &retry.stellar_payout_address, retry.reward.tft);
        due.insert(*hash, Due { farm, address, tft });
    }
    due
}

/// Payouts but for the carbon line, or none if there is no such file.
fn rows<'a>(subject: &Subject<'a>) -> Option<impl Iterator<Item = &'a Payout>> {
    let offsets = !offsets(subject).is_empty();
    let is_carbon = move |payout: &&Payout| offsets && payout.address == CARBON_ADDRESS;
    let payouts = subject.results.payouts.as_ref()?;
    Some(payouts.iter().filter(move |payout| !is_carbon(payout)))
}

pub(super) fn missing() -> Tally {
    Tally::left_out("there is no payouts.csv")
}

pub(super) fn receipt(subject: &Subject<'_>) -> Tally {
    let (Some(rows), due) = (rows(subject), due(subject)) else { return missing() };
    let mut tally = Tally::default();
    for payout in rows {
        tally.expect(due.contains_key(&payout.memo), || {
            format!("payouts.csv, line {}: there is no receipt {}", payout.line, hex::encode(payout.memo))
        });
    }
    tally
}

pub(super) fn amount(subject: &Subject<'_>) -> Tally {
    let (Some(rows), due) = (rows(subject), due(subject)) else { return missing() };
    let mut tally = Tally::default();
    for (payout, due) in rows.filter_map(|payout| Some((payout, due.get(&payout.memo)?))) {
        tally.expect(payout.tft == due.tft, || {
            let (paid, due) = (TftAmount(payout.tft), TftAmount(due.tft));
            format!("payouts.csv, line {}: {paid} TFT for a receipt of {due} TFT", payout.line)
        });
    }
    tally
}

pub(super) fn address(subject: &Subject<'_>) -> Tally {
    let (Some(rows), due) = (rows(subject), due(subject)) else { return missing() };
    let mut tally = Tally::default();
    for (payout, due) in rows.filter_map(|payout| Some((payout, due.get(&payout.memo)?))) {
        tally.expect(payout.address == due.address, || {
            format!(
                "payouts.csv, line {}: `{}` for a receipt of `{}`",
                payout.line, payout.address, due.address
            )
        });
    }
    tally
}

pub(super) fn once(subject: &Subject<'_>) -> Tally {
    let Some(payouts) = &subject.results.payouts else { return missing() };
    let mut tally = Tally::default();
    let mut seen = BTreeMap::new();
    for payout in payouts {
        let before = seen.insert(payout.memo, payout.line);
        tally.expect(before.is_none(), || {
            let before = before.unwrap_or_default();
            format!(
                "payouts.csv: lines {before} and {} have the memo {}",
                payout.line,
                hex::encode(payout.memo)
            )
        });
    }
    tally
}

pub(super) fn complete(subject: &Subject<'_>) -> Tally {
    let Some(payouts) = &subject.results.payouts else { return missing() };
    let paid: BTreeSet<Hash> = payouts.iter().map(|payout| payout.memo).collect();
    let withheld = |due: &Due<'_>| {
        let run = subject.results.run.as_ref();
        let withheld =
            run.and_then(|run| run.pointer("/invalid_addresses/withheld")).and_then(Value::as_bool);
        withheld == Some(true) && !addresses::is_payable(due.address)
    };
    let mut tally = Tally::default();
    for (hash, due) in due(subject) {
        if due.tft == 0 || due.address.is_empty() || withheld(&due) {
            continue;
        }
        tally.expect(paid.contains(&hash), || {
            let amount = TftAmount(due.tft);
            format!(
                "payouts.csv: receipt {} of farm {}, {amount} TFT, is not paid",
                hex::encode(hash),
                due.farm
            )
        });
    }
    tally
}

/// Carbon offsets of the receipts that these results pay.
fn offsets(subject: &Subject<'_>) -> Vec<Reward> {
    let (results, period) = (subject.results, subject.period);
    if results.is_correction() {
        let fixups = results.fixups.get(period).into_iter().flatten();
        return fixups.filter_map(|(_, fixup)| fixup.fixup_carbon_offset).collect();
    }
    let receipts = results.minting.get(period).into_iter().flatten();
    receipts.filter_map(|(_, receipt)| receipt.carbon_offset).collect()
}

pub(super) fn carbon(subject: &Subject<'_>) -> Tally {
    let results = subject.results;
    let Some(payouts) = &results.payouts else { return missing() };
    let offsets = offsets(subject);
    if offsets.is_empty() {
        return Tally::default();
    }
    let mut tally = Tally::default();
    let lines: Vec<&Payout> = payouts.iter().filter(|payout| payout.address == CARBON_ADDRESS).collect();
    let [line] = lines.as_slice() else {
        tally.expect(false, || format!("payouts.csv: there are {} carbon lines, not one", lines.len()));
        return tally;
    };
    let sum = sum_tft(offsets.into_iter());
    tally.expect(line.tft == sum, || {
        format!(
            "payouts.csv, line {}: {} TFT, offsets are {}",
            line.line,
            TftAmount(line.tft),
            TftAmount(sum)
        )
    });
    let memos = carbon_memos(subject);
    tally.expect(memos.contains(&line.memo), || {
        format!("payouts.csv, line {}: its memo is not the hash over the receipts' hashes", line.line)
    });
    tally
}

/// The memos that a carbon line has had: over receipts of the run, over the right ones of a correction, or, in the
/// first correction, over the hex digits of the hashes of fix-ups.
fn carbon_memos(subject: &Subject<'_>) -> Vec<Hash> {
    let (results, period) = (subject.results, subject.period);
    if !results.is_correction() {
        let receipts = results.minting.get(period).into_iter().flatten();
        return vec![memo_of(receipts.map(|(hash, _)| *hash))];
    }
    let fixups = || results.fixups.get(period).into_iter().flatten();
    let correct = fixups().filter_map(|(_, fixup)| {
        let mut hash = [0; 32];
        hex::decode_to_slice(&fixup.correct_receipt, &mut hash).ok()?;
        Some(hash)
    });
    let own: Vec<Hash> = fixups().map(|(hash, _)| *hash).collect();
    let of_hex = blake2_256(&[hex::encode(own.concat()).as_bytes()]);
    vec![memo_of(correct), memo_of(own.into_iter()), of_hex]
}

pub(super) fn totals(subject: &Subject<'_>) -> Tally {
    let Some(run) = &subject.results.run else { return Tally::left_out("there is no run.json") };
    let Some(totals) = run.get("totals").filter(|totals| totals.is_object()) else {
        return Tally::left_out("run.json has no totals: it is of fix-ups, or of a run that was withheld");
    };
    let (results, period) = (subject.results, subject.period);
    let minting = results.minting.get(period).into_iter().flatten();
    let paid_addresses: Option<BTreeSet<Hash>> =
        results.payouts.as_ref().map(|payouts| payouts.iter().map(|payout| payout.memo).collect());
    let Some(paid) = paid_addresses else { return missing() };
    let sum = |amounts: &[u64]| amounts.iter().map(|tft| u128::from(*tft)).sum::<u128>();
    let nodes: Vec<u64> =
        minting.filter(|(hash, _)| paid.contains(*hash)).map(|(_, r)| r.reward.tft).collect();
    let retries = results.retries.get(period).into_iter().flatten();
    let retries: Vec<u64> =
        retries.filter(|(hash, _)| paid.contains(*hash)).map(|(_, r)| r.reward.tft).collect();
    let mut tally = Tally::default();
    for (name, amounts) in [("tft", &nodes), ("retry_tft", &retries)] {
        let stated = totals.get(name).and_then(Value::as_str).unwrap_or_default();
        let stated_units = parse_tft(stated).map(u128::from);
        tally.expect(stated_units == Some(sum(amounts)), || {
            format!("run.json: totals/{name} is {stated}, payouts are {}", tft(sum(amounts)))
        });
    }
    for (name, count) in [("paid", nodes.len()), ("retries_paid", retries.len())] {
        let stated = totals.get(name).and_then(Value::as_u64);
        tally.expect(stated == u64::try_from(count).ok(), || {
            format!("run.json: totals/{name} is {}, payouts are {count}", stated.unwrap_or_default())
        });
    }
    tally
}
