//! Fix-ups: what is still to be paid where a period was minted wrongly. Nothing is ever taken back.

use super::imprecise::read_imprecisely;
use super::receipt::{CloudUnits, FixupReceipt, Receipt, ResourceUnits, ResourceUtilization, Reward, Sealed};
use super::rules::{FixupForm, Rules};

/// The fix-up of a node: the difference between its right receipt and the one that was minted, whose hash is
/// `minted_hash`.
pub fn fix_up(
    minted: &Receipt,
    minted_hash: [u8; 32],
    correct: &Sealed<Receipt>,
    rules: &Rules,
) -> Sealed<FixupReceipt> {
    let (minted, minted_hash) = if rules.bugs.imprecise_floats {
        let misread = misread(minted);
        let hash = misread.hash();
        (misread, hash)
    } else {
        (minted.clone(), minted_hash)
    };
    let right = &correct.receipt;
    let with_uptime = rules.fixup_form == FixupForm::Period73;
    Sealed::new(FixupReceipt {
        period: right.period,
        node_id: right.node_id,
        farm_id: right.farm_id,
        minted_uptime: with_uptime.then_some(minted.measured_uptime),
        correct_uptime: with_uptime.then_some(right.measured_uptime),
        minted_cloud_units: minted.cloud_units,
        correct_cloud_units: right.cloud_units,
        fixup_cloud_units: CloudUnits {
            cu: right.cloud_units.cu - minted.cloud_units.cu,
            su: right.cloud_units.su - minted.cloud_units.su,
            nu: right.cloud_units.nu - minted.cloud_units.nu,
        },
        stellar_payout_address: right.stellar_payout_address.clone(),
        minted_receipt: hex::encode(minted_hash),
        correct_receipt: correct.hash_hex(),
        minted_reward: minted.reward,
        correct_reward: right.reward,
        fixup_reward: missing(minted.reward, right.reward),
        minted_carbon_offset: minted.carbon_offset,
        correct_carbon_offset: right.carbon_offset,
        fixup_carbon_offset: right
            .carbon_offset
            .map(|offset| missing(minted.carbon_offset.unwrap_or_default(), offset)),
    })
}

/// What was paid too little of either currency.
fn missing(minted: Reward, correct: Reward) -> Reward {
    Reward { musd: correct.musd.saturating_sub(minted.musd), tft: correct.tft.saturating_sub(minted.tft) }
}

/// The receipt as the imprecise reader of B8 understood it.
fn misread(receipt: &Receipt) -> Receipt {
    let (units, capacity, used) =
        (&receipt.cloud_units, &receipt.resource_units, &receipt.resource_utilization);
    Receipt {
        cloud_units: CloudUnits {
            cu: read_imprecisely(units.cu),
            su: read_imprecisely(units.su),
            nu: read_imprecisely(units.nu),
        },
        resource_units: ResourceUnits {
            cru: read_imprecisely(capacity.cru),
            mru: read_imprecisely(capacity.mru),
            hru: read_imprecisely(capacity.hru),
            sru: read_imprecisely(capacity.sru),
        },
        resource_utilization: ResourceUtilization {
            cru: read_imprecisely(used.cru),
            mru: read_imprecisely(used.mru),
            hru: read_imprecisely(used.hru),
            sru: read_imprecisely(used.sru),
            ip: read_imprecisely(used.ip),
        },
        ..receipt.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minting::rules::Bugs;
    use crate::minting::{NodeType, ResourceRewards, Span};

    fn receipt(tft: u64, cu: f64) -> Receipt {
        Receipt {
            period: Span { start: 1, end: 2 },
            node_id: 7,
            twin_id: 8,
            farm_id: 9,
            farm_name: "farm".to_owned(),
            stellar_payout_address: "G".to_owned(),
            measured_uptime: 5,
            tft_connection_price: 80,
            cloud_units: CloudUnits { cu, su: 0.0, nu: 0.0 },
            resource_units: ResourceUnits { cru: 1.0, mru: 0.0, hru: 0.0, sru: 0.0 },
            resource_utilization: ResourceUtilization { cru: 0.0, mru: 0.0, hru: 0.0, sru: 0.0, ip: 0.0 },
            reward: Reward { musd: 10, tft },
            carbon_offset: Some(Reward { musd: 3, tft: 30 }),
            node_type: NodeType::Diy,
            farming_policy_id: Some(1),
            resource_rewards: Some(ResourceRewards::default()),
        }
    }

    fn rules(imprecise_floats: bool) -> Rules {
        Rules { bugs: Bugs { imprecise_floats, ..Bugs::default() }, ..Rules::named("r73-fix").unwrap() }
    }

    #[test]
    fn what_was_paid_too_much_is_not_taken_back() {
        let minted = receipt(100, 2.0);
        let fixup = |tft| fix_up(&minted, [1; 32], &Sealed::new(receipt(tft, 1.5)), &rules(false)).receipt;
        assert_eq!(fixup(150).fixup_reward, Reward { musd: 0, tft: 50 });
        assert_eq!(fixup(60).fixup_reward, Reward { musd: 0, tft: 0 });
        // Cloud units may shrink.
        assert!((fixup(60).fixup_cloud_units.cu + 0.5).abs() < f64::EPSILON);
        assert_eq!(fixup(60).minted_receipt, hex::encode([1; 32]));
    }

    #[test]
    fn fixup_form() {
        let fixup = |name: &str| {
            let correct = Sealed::new(receipt(1, 1.0));
            fix_up(&receipt(1, 1.0), [1; 32], &correct, &Rules::named(name).unwrap()).receipt
        };
        assert_eq!(fixup("r73-fix").minted_uptime, Some(5));
        assert_eq!(fixup("r61-fix").minted_uptime, None);
    }

    #[test]
    fn b8_imprecise_floats() {
        let minted = receipt(1, 95.901_302_925_311_03);
        let correct = Sealed::new(minted.clone());
        let fixup = |imprecise| fix_up(&minted, minted.hash(), &correct, &rules(imprecise)).receipt;
        assert_eq!(fixup(false).minted_receipt, hex::encode(minted.hash()));
        let understood = Receipt {
            cloud_units: CloudUnits { cu: read_imprecisely(minted.cloud_units.cu), ..minted.cloud_units },
            ..minted.clone()
        };
        assert_eq!(fixup(true).minted_receipt, hex::encode(understood.hash()));
        assert_eq!(fixup(true).correct_receipt, hex::encode(minted.hash()));
    }
}
