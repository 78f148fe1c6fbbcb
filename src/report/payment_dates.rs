//! When payouts were made, by the payments on Stellar that carry their hashes.

use std::collections::{BTreeMap, BTreeSet};

use stellar_strkey::Strkey;

use super::run::tft;
use crate::{
    archive::{Hash, Payment, Payments},
    cli::date,
};

/// Payments by the hash in their memo.
#[derive(Clone, Debug, Default)]
pub struct PaymentDates {
    by_memo: BTreeMap<Hash, BTreeMap<u64, Payment>>,
    /// Time up to which the payments are known, unix seconds; the latest of all files.
    pub read_until: Option<i64>,
}

/// When a payout was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paid {
    /// Nothing is known of it.
    Unknown,
    /// At this time, unix seconds.
    At(i64),
    /// There are payments with its hash, but not exactly one to its address over its amount; says what there is.
    Unclear(String),
}

impl PaymentDates {
    /// Adds payments; one that is in several files counts once.
    pub fn add(&mut self, payments: &Payments) {
        self.read_until = self.read_until.max(Some(payments.read_until));
        for payment in &payments.payments {
            self.by_memo.entry(payment.memo).or_default().insert(payment.operation, *payment);
        }
    }

    /// When a payout over so many ten-millionths of a TFT was made to an address.
    pub fn of(&self, memo: &Hash, address: &str, amount: u64) -> Paid {
        let Some(payments) = self.by_memo.get(memo).filter(|_| amount > 0) else { return Paid::Unknown };
        let to = account(address);
        let fits = |payment: &&Payment| {
            Some((payment.destination, payment.multiplexed)) == to && payment.amount == amount
        };
        let times: BTreeSet<(u64, i64)> =
            payments.values().filter(fits).map(|payment| (payment.operation, payment.time)).collect();
        if let (Some((_, time)), 1) = (times.first(), payments.len()) {
            return Paid::At(*time);
        }
        let all: Vec<String> = payments
            .values()
            .map(|payment| {
                let other = if Some((payment.destination, payment.multiplexed)) == to {
                    ""
                } else {
                    " to another address"
                };
                format!("{} TFT at {}{other}", tft(payment.amount.into()), date(payment.time))
            })
            .collect();
        Paid::Unclear(all.join(", "))
    }
}

/// Key of an account and the identifier in it.
fn account(address: &str) -> Option<(Hash, Option<u64>)> {
    match Strkey::from_string(address) {
        Ok(Strkey::PublicKeyEd25519(key)) => Some((key.0, None)),
        Ok(Strkey::MuxedAccountEd25519(account)) => Some((account.ed25519, Some(account.id))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::PaymentSource;

    /// The issuer of TFT, from public records.
    const ADDRESS: &str = "GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47";

    fn dates(payments: &[(u64, u64, Option<u64>)]) -> PaymentDates {
        let destination = account(ADDRESS).unwrap().0;
        let source = PaymentSource {
            network: [1; 32],
            account: [2; 32],
            issuer: [3; 32],
            asset: "TFT".into(),
            from: 0,
        };
        let payments = payments.iter().map(|(operation, amount, multiplexed)| Payment {
            operation: *operation,
            time: 1_739_188_800,
            amount: *amount,
            memo: [7; 32],
            destination,
            multiplexed: *multiplexed,
        });
        let payments =
            Payments { source, cursor: 9, read_until: 1_739_188_801, payments: payments.collect() };
        let mut dates = PaymentDates::default();
        dates.add(&payments);
        // The same payments again, as from a second archive.
        dates.add(&payments);
        dates
    }

    #[test]
    fn one_payment_to_the_address_over_the_amount_has_the_date() {
        let dates = dates(&[(1, 5, None)]);
        assert_eq!(dates.of(&[7; 32], ADDRESS, 5), Paid::At(1_739_188_800));
        assert_eq!(dates.of(&[8; 32], ADDRESS, 5), Paid::Unknown);
        assert_eq!(dates.of(&[7; 32], ADDRESS, 0), Paid::Unknown);
        assert_eq!(dates.read_until, Some(1_739_188_801));
    }

    #[test]
    fn what_does_not_fit_is_told_and_not_guessed() {
        let unclear = |payments: &[_], amount| match dates(payments).of(&[7; 32], ADDRESS, amount) {
            Paid::Unclear(what) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(unclear(&[(1, 5, None)], 6), "0.0000005 TFT at 2025-02-10 12:00:00 UTC");
        assert!(unclear(&[(1, 5, None), (2, 5, None)], 5).contains(", "));
        assert!(unclear(&[(1, 5, Some(3))], 5).contains("to another address"));
    }
}
