//! Fix-ups are made again from what they correct: the minted receipts as published, or else as the fix-ups state them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::AgainstError;
use crate::{
    minting::{Bugs, FixupReceipt, Receipt, Rules, Sealed, fix_up},
    report::{
        fixup::{Correction, Receipts},
        run::Run,
    },
    verify::outputs::read,
};

/// What was minted of one node.
enum Minted {
    /// A receipt that is published.
    Published([u8; 32], Receipt),
    /// What its fix-up says of it, or, without a fix-up, what is right.
    Stated([u8; 32], Receipt),
}

/// Replaces the payouts of a run by those of the correction that it makes of the minted receipts; gives the published
/// receipts that it corrects, in hex.
///
/// # Errors
/// I/O errors.
pub(super) fn make(
    run: &Run<'_>,
    folder: &Path,
    names: &BTreeMap<String, String>,
    fixups: &[FixupReceipt],
    here: &mut BTreeMap<String, Vec<u8>>,
) -> Result<BTreeSet<String>, AgainstError> {
    let published = published(run, folder, names)?;
    // What a fix-up states was read by its own program already.
    let bugs = Bugs { imprecise_floats: false, ..run.rules.bugs };
    let of_stated = Rules { bugs, ..run.rules.clone() };
    let mut corrected = BTreeSet::new();
    let mut correction = Correction { fixups: Vec::new(), correct: Vec::new() };
    for correct in run.replayed.nodes.iter().filter_map(|node| node.receipt.as_ref()) {
        let node = correct.receipt.node_id;
        let fixup = fixups.iter().find(|fixup| fixup.node_id == node);
        let of_node = published.iter().filter(|(_, receipt)| receipt.node_id == node);
        correction.fixups.push(match minted(fixup, of_node, correct, run.rules) {
            Minted::Published(hash, receipt) => {
                corrected.insert(hex::encode(hash));
                fix_up(&receipt, hash, correct, run.rules)
            }
            Minted::Stated(hash, receipt) => fix_up(&receipt, hash, correct, &of_stated),
        });
        correction.correct.push(correct.hash);
    }
    correction.correct.sort_unstable();
    here.remove("payouts.csv");
    here.extend(correction.files(&run.period.folder(), run.rules, run.withhold_invalid_addresses)?);
    Ok(corrected)
}

/// Minted receipts that are published, by the hash that is their name.
fn published(
    run: &Run<'_>,
    folder: &Path,
    names: &BTreeMap<String, String>,
) -> Result<Receipts, AgainstError> {
    let start = format!("receipts/{}/", run.period.folder());
    let mut receipts = Receipts::new();
    for (name, path) in names.range(start.clone()..).take_while(|(name, _)| name.starts_with(&start)) {
        let mut hash = [0; 32];
        let bytes = read(&folder.join(path))?;
        let named = name.strip_prefix(&start).is_some_and(|hex| hex::decode_to_slice(hex, &mut hash).is_ok());
        if let (true, Ok(receipt)) = (named, Receipt::parse(&bytes)) {
            receipts.insert(hash, receipt);
        }
    }
    Ok(receipts)
}

/// What was minted of a node. The folder of a corrected period holds the right receipt beside the minted one, so that
/// the one of which the published fix-up can have been made counts, or else one that is not the right one.
fn minted<'a>(
    fixup: Option<&FixupReceipt>,
    published: impl Iterator<Item = (&'a [u8; 32], &'a Receipt)> + Clone,
    correct: &Sealed<Receipt>,
    rules: &Rules,
) -> Minted {
    let makes = |hash: &[u8; 32], receipt: &Receipt| {
        let made = fix_up(receipt, *hash, correct, rules).receipt.minted_receipt;
        fixup.is_some_and(|fixup| fixup.minted_receipt == made)
    };
    let origin = published.clone().find(|(hash, receipt)| makes(hash, receipt));
    let origin = origin.or_else(|| published.clone().find(|(hash, _)| **hash != correct.hash));
    if let Some((hash, receipt)) = origin {
        return Minted::Published(*hash, receipt.clone());
    }
    let mut hash = [0; 32];
    match fixup.filter(|fixup| hex::decode_to_slice(&fixup.minted_receipt, &mut hash).is_ok()) {
        Some(fixup) => Minted::Stated(
            hash,
            Receipt {
                measured_uptime: fixup.minted_uptime.unwrap_or(correct.receipt.measured_uptime),
                cloud_units: fixup.minted_cloud_units,
                reward: fixup.minted_reward,
                carbon_offset: fixup.minted_carbon_offset,
                ..correct.receipt.clone()
            },
        ),
        None => Minted::Stated(correct.hash, correct.receipt.clone()),
    }
}
