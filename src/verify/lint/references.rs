//! Invariants of receipts that refer to others: retries and fix-ups.

use crate::{
    archive::Hash,
    minting::{FixupReceipt, Receipt, Reward, Rules, Sealed, fix_up},
    report::csv::TftAmount,
    verify::results::{Results, period_of_folder},
};

use super::{Subject, Tally};

fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

impl<'a> Subject<'a> {
    /// The results, and the others.
    fn everywhere(&self) -> impl Iterator<Item = &'a Results> {
        std::iter::once(self.results).chain(self.others)
    }
}

/// Rows of `retries.csv` as they have to be, against those that are there.
pub(super) fn retry_rows(subject: &Subject<'_>) -> Tally {
    let Some(text) = &subject.results.retries_csv else { return Tally::left_out("there is no retries.csv") };
    let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
    let mut rest: Vec<&str> = rows.lines().collect();
    let mut tally = Tally::default();
    for (hash, retry) in subject.results.retries.get(subject.period).into_iter().flatten() {
        let row = format!(
            "{},{},{},{},{}",
            retry.farm_id,
            retry.previous_stellar_payout_address,
            retry.stellar_payout_address,
            TftAmount(retry.reward.tft),
            retry.retry_for_receipt
        );
        // Addresses may hold line feeds, as no program looked at them when they were set.
        let mut lines: Vec<&str> = row.split('\n').collect();
        let there = lines.iter().all(|line| rest.contains(line));
        for line in lines.drain(..) {
            if let Some(at) = rest.iter().position(|other| *other == line) {
                rest.swap_remove(at);
            }
        }
        tally.expect(there, || format!("retries.csv: retry {} has no row", hex::encode(hash)));
    }
    tally.problems.extend(rest.iter().map(|row| format!("retries.csv: `{row}` is of no retry receipt")));
    tally
}

pub(super) fn retry_periods(subject: &Subject<'_>) -> Tally {
    let mut tally = Tally::default();
    for (folder, retries) in &subject.results.retries {
        let before = period_of_folder(folder).and_then(|period| period.previous());
        for (hash, retry) in retries {
            let fits = before.is_some_and(|before| retry.failed_payout_period.end == before.end);
            let amount = retry.reward != Reward::default();
            tally.expect(fits && amount && parse_hash(&retry.retry_for_receipt).is_some(), || {
                format!(
                    "retry {} in {folder} is not of the period before, or has no amount",
                    hex::encode(hash)
                )
            });
        }
    }
    tally
}

pub(super) fn retries(subject: &Subject<'_>) -> Tally {
    let mut tally = Tally::default();
    for (folder, retries) in &subject.results.retries {
        let Some(before) = period_of_folder(folder).and_then(|period| period.previous()) else { continue };
        let before = before.folder();
        let is_there =
            |results: &Results| results.minting.contains_key(&before) || results.fixups.contains_key(&before);
        if !retries.is_empty() && !subject.everywhere().any(is_there) {
            tally.left_out = Some(format!("receipts of period {before} are not here; give them with --with"));
            continue;
        }
        for (hash, retry) in retries {
            let name = parse_hash(&retry.retry_for_receipt).unwrap_or_default();
            let found = subject.everywhere().find_map(|results| {
                let minting = results.minting.get(&before).and_then(|receipts| receipts.get(&name));
                let minting = minting.map(|r| (r.farm_id, r.reward, &r.stellar_payout_address, r.period));
                let fixup = results.fixups.get(&before).and_then(|receipts| receipts.get(&name));
                let fixup = fixup.map(|r| (r.farm_id, r.fixup_reward, &r.stellar_payout_address, r.period));
                minting.or(fixup)
            });
            let repeats = found.is_some_and(|(farm, reward, address, period)| {
                farm == retry.farm_id
                    && reward == retry.reward
                    && *address == retry.previous_stellar_payout_address
                    && period == retry.failed_payout_period
            });
            tally.expect(repeats, || {
                let (hash, name) = (hex::encode(hash), &retry.retry_for_receipt);
                match found {
                    None => format!("retry {hash}: there is no receipt {name} in period {before}"),
                    Some(_) => {
                        format!("retry {hash}: farm, amount, address or period are not those of {name}")
                    }
                }
            });
        }
    }
    tally
}

pub(super) fn fixup_rows(subject: &Subject<'_>) -> Tally {
    if subject.results.fixups.get(subject.period).is_none_or(|fixups| fixups.is_empty()) {
        return Tally::default();
    }
    let overview = subject.results.overview.as_ref().filter(|text| text.starts_with("node id,farm id"));
    let Some(text) = subject.results.fixup_csv.as_ref().or(overview) else {
        return Tally::left_out("there is no fixup.csv");
    };
    let mut tally = Tally::default();
    for (hash, fixup) in subject.results.fixups.get(subject.period).into_iter().flatten() {
        let start = format!("{},{},", fixup.node_id, fixup.farm_id);
        let amount = format!(",{},", TftAmount(fixup.fixup_reward.tft));
        let has_row = text.lines().any(|row| {
            row.starts_with(&start)
                && row.contains(&amount)
                && row.ends_with(&format!(",{}", fixup.minted_receipt))
        });
        tally.expect(has_row, || format!("fixup.csv: fix-up {} has no row", hex::encode(hash)));
    }
    tally
}

/// Fix-ups are made again from the receipts that they name.
pub(super) fn fixups(subject: &Subject<'_>) -> Tally {
    let mut tally = Tally::default();
    for (period, fixups) in &subject.results.fixups {
        for (hash, fixup) in fixups {
            let candidates: Vec<(Hash, &Receipt)> = subject
                .everywhere()
                .flat_map(|results| results.minting.get(period).into_iter().flatten())
                .filter(|(_, receipt)| receipt.node_id == fixup.node_id)
                .map(|(hash, receipt)| (*hash, receipt))
                .collect();
            let correct = parse_hash(&fixup.correct_receipt)
                .and_then(|name| candidates.iter().find(|(hash, _)| *hash == name));
            let Some((_, correct)) = correct else {
                let why = format!(
                    "receipts that fix-ups of period {period} name are not here; give them with --with"
                );
                tally.left_out = Some(why);
                continue;
            };
            let correct = Sealed::new((*correct).clone());
            let made_again = candidates.iter().any(|(name, minted)| {
                forms(fixup).iter().any(|rules| fix_up(minted, *name, &correct, rules).receipt == *fixup)
            });
            tally.expect(made_again, || {
                format!(
                    "fix-up {}: it is not the difference between {} and a receipt {} of node {}",
                    hex::encode(hash),
                    fixup.correct_receipt,
                    fixup.minted_receipt,
                    fixup.node_id
                )
            });
        }
    }
    tally
}

/// Rules by which a fix-up may have been made: with the form that it has, reading floats well or badly.
fn forms(fixup: &FixupReceipt) -> Vec<Rules> {
    let name = if fixup.minted_uptime.is_some() { "r73-fix" } else { "r60-fix-B2" };
    let Some(rules) = Rules::named(name) else { return Vec::new() };
    use crate::minting::BugMode::{Fixed, Reference};
    vec![rules.clone().with_bugs(Fixed), rules.with_bugs(Reference)]
}
