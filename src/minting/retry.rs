//! Retries: receipts of the period before that were not paid are paid again, once, to the address the farm
//! has at the end of this period.

use std::collections::{BTreeMap, BTreeSet};

use super::period::Period;
use super::receipt::{FixupReceipt, Receipt, RetryReceipt, Reward, Sealed, Span};
use super::rules::{Retries, Rules};
use super::state::EndState;

/// Receipts of the period before, by the hash that is their file name. Retry receipts are not among them,
/// so that nothing is tried a third time.
#[derive(Clone, Debug, Default)]
pub struct Previous {
    /// What was minted.
    pub minting: BTreeMap<[u8; 32], Receipt>,
    /// What was corrected.
    pub fixups: BTreeMap<[u8; 32], FixupReceipt>,
}

/// Kind of the receipt that was not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A minting receipt.
    Minting,
    /// A fix-up receipt.
    Fixup,
}

/// A receipt that is paid again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// The retry receipt.
    pub receipt: Sealed<RetryReceipt>,
    /// Kind of the receipt that was not paid.
    pub origin: Origin,
}

/// The retries of this period: of every receipt with an amount whose hash is not in `paid`, minting receipts
/// first, then fix-ups, each in the order of the retry receipts' hashes. Retries to a farm without an
/// address are among them; they are written down but not paid.
pub fn retries(
    previous: &Previous,
    paid: &BTreeSet<[u8; 32]>,
    period: &Period,
    rules: &Rules,
    end: &EndState,
) -> Vec<Retry> {
    let minting = previous.minting.iter().map(|(hash, receipt)| Unpaid {
        hash,
        period: receipt.period,
        farm_id: receipt.farm_id,
        address: &receipt.stellar_payout_address,
        reward: receipt.reward,
    });
    let fixups = previous.fixups.iter().map(|(hash, fixup)| Unpaid {
        hash,
        period: fixup.period,
        farm_id: fixup.farm_id,
        address: &fixup.stellar_payout_address,
        reward: fixup.fixup_reward,
    });
    let mut retries = Vec::new();
    if rules.retries != Retries::None {
        retries.extend(retries_of(Origin::Minting, minting, paid, period, end));
    }
    if rules.retries == Retries::MintingAndFixups {
        retries.extend(retries_of(Origin::Fixup, fixups, paid, period, end));
    }
    retries
}

/// What a retry takes from the receipt that was not paid.
struct Unpaid<'a> {
    hash: &'a [u8; 32],
    period: Span,
    farm_id: u32,
    address: &'a str,
    reward: Reward,
}

fn retries_of<'a>(
    origin: Origin,
    receipts: impl Iterator<Item = Unpaid<'a>>,
    paid: &BTreeSet<[u8; 32]>,
    period: &Period,
    end: &EndState,
) -> Vec<Retry> {
    let mut retries: Vec<Retry> = receipts
        .filter(|receipt| receipt.reward.tft != 0 && !paid.contains(receipt.hash))
        .map(|receipt| Retry {
            receipt: Sealed::new(RetryReceipt {
                failed_payout_period: receipt.period,
                retry_period: Span::from(period),
                farm_id: receipt.farm_id,
                previous_stellar_payout_address: receipt.address.to_owned(),
                stellar_payout_address: end.payout_address(receipt.farm_id),
                retry_for_receipt: hex::encode(receipt.hash),
                reward: receipt.reward,
            }),
            origin,
        })
        .collect();
    retries.sort_unstable_by_key(|retry| retry.receipt.hash);
    retries
}
