//! Receipts of the period before that are paid again.

use std::collections::BTreeSet;

use super::*;
use crate::minting::{FixupReceipt, Origin, Previous, Reward, Span, retries};

/// A receipt of period 80 for farm 3, with this amount.
fn receipt(tft: u64) -> Receipt {
    let mut receipt = Scene::new().close().receipt().clone();
    receipt.period = Span::from(&Period::numbered(80).unwrap());
    receipt.stellar_payout_address = "GBEFORE".to_owned();
    receipt.reward = Reward { musd: 7, tft };
    receipt
}

fn fixup(tft: u64) -> FixupReceipt {
    let minted = receipt(0);
    FixupReceipt {
        period: minted.period,
        node_id: 1,
        farm_id: 3,
        minted_uptime: None,
        correct_uptime: None,
        minted_cloud_units: minted.cloud_units,
        correct_cloud_units: minted.cloud_units,
        fixup_cloud_units: minted.cloud_units,
        stellar_payout_address: String::new(),
        minted_receipt: String::new(),
        correct_receipt: String::new(),
        minted_reward: Reward { musd: 1, tft: 1 },
        correct_reward: Reward { musd: 9, tft: 9 },
        fixup_reward: Reward { musd: 8, tft },
        minted_carbon_offset: None,
        correct_carbon_offset: None,
        fixup_carbon_offset: None,
    }
}

fn period() -> Period {
    Period::numbered(81).unwrap()
}

#[test]
fn what_was_not_paid_is_paid_again_to_the_address_of_now() {
    let previous =
        Previous { minting: [([7; 32], receipt(500))].into(), fixups: [([8; 32], fixup(600))].into() };
    let retries = retries(&previous, &BTreeSet::new(), &period(), &Rules::r81(), &end_state());
    let [minting, fixup] = retries.as_slice() else { panic!("{retries:?}") };
    assert_eq!((minting.origin, fixup.origin), (Origin::Minting, Origin::Fixup));
    let receipt = &minting.receipt.receipt;
    assert_eq!(receipt.failed_payout_period, Span::from(&Period::numbered(80).unwrap()));
    assert_eq!(receipt.retry_period, Span::from(&period()));
    assert_eq!(receipt.farm_id, 3);
    assert_eq!(receipt.previous_stellar_payout_address, "GBEFORE");
    assert_eq!(receipt.stellar_payout_address, "GADDRESS");
    assert_eq!(receipt.retry_for_receipt, "07".repeat(32));
    assert_eq!(receipt.reward, Reward { musd: 7, tft: 500 });
    assert_eq!(fixup.receipt.receipt.reward, Reward { musd: 8, tft: 600 });
    assert_eq!(fixup.receipt.receipt.previous_stellar_payout_address, "");
}

#[test]
fn what_was_paid_or_has_no_amount_is_not_paid_again() {
    let previous = Previous {
        minting: [([1; 32], receipt(500)), ([2; 32], receipt(0)), ([3; 32], receipt(700))].into(),
        fixups: [([4; 32], fixup(1)), ([5; 32], fixup(0))].into(),
    };
    let paid = [[1; 32], [4; 32], [99; 32]].into();
    let retries = retries(&previous, &paid, &period(), &Rules::r81(), &end_state());
    assert_eq!(retries.len(), 1);
    assert_eq!(retries[0].receipt.receipt.reward.tft, 700);
}

#[test]
fn a_farm_still_without_address_gets_a_receipt() {
    let mut end = end_state();
    end.payout_addresses.clear();
    let previous = Previous { minting: [([7; 32], receipt(500))].into(), ..Previous::default() };
    let retries = retries(&previous, &BTreeSet::new(), &period(), &Rules::r81(), &end);
    assert_eq!(retries[0].receipt.receipt.stellar_payout_address, "");
}

#[test]
fn retries_are_sorted_by_their_own_hashes_minting_receipts_first() {
    let previous = Previous {
        minting: (0..20).map(|i| ([i; 32], receipt(500))).collect(),
        fixups: (0..20).map(|i| ([i; 32], fixup(500))).collect(),
    };
    let retries = retries(&previous, &BTreeSet::new(), &period(), &Rules::r81(), &end_state());
    let (minting, fixups) = retries.split_at(20);
    assert!(minting.iter().all(|retry| retry.origin == Origin::Minting));
    assert!(fixups.iter().all(|retry| retry.origin == Origin::Fixup));
    assert!(minting.is_sorted_by_key(|retry| retry.receipt.hash));
    assert!(fixups.is_sorted_by_key(|retry| retry.receipt.hash));
}

/// Nothing in period 45, what was minted in period 46, fix-ups as well from period 47 on.
#[test]
fn retries_by_rule_set() {
    let previous =
        Previous { minting: [([7; 32], receipt(500))].into(), fixups: [([8; 32], fixup(600))].into() };
    let count = |name| {
        let rules = Rules::named(name).unwrap();
        retries(&previous, &BTreeSet::new(), &period(), &rules, &end_state()).len()
    };
    let counts = ["r45", "r46", "r46-fix", "r47", "r60-fix-B2", "r67-noslash", "r73-fix", "r81"].map(count);
    assert_eq!(counts, [0, 1, 0, 2, 0, 0, 0, 2]);
}
