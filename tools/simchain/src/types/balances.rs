//! Events of the pallets Balances and TransactionPayment: what surrounds every call on the real chain.
#![expect(missing_docs, reason = "variants and fields carry the names of the real metadata")]

use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::{AccountId, Balance};

/// `pallet_balances::Event`; the variants that no block of this chain has are left out.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum BalancesEvent {
    #[codec(index = 0)]
    Endowed { account: AccountId, free_balance: Balance },
    #[codec(index = 1)]
    DustLost { account: AccountId, amount: Balance },
    #[codec(index = 2)]
    Transfer { from: AccountId, to: AccountId, amount: Balance },
    #[codec(index = 4)]
    Reserved { who: AccountId, amount: Balance },
    #[codec(index = 5)]
    Unreserved { who: AccountId, amount: Balance },
    #[codec(index = 7)]
    Deposit { who: AccountId, amount: Balance },
    #[codec(index = 8)]
    Withdraw { who: AccountId, amount: Balance },
    #[codec(index = 17)]
    Locked { who: AccountId, amount: Balance },
    #[codec(index = 18)]
    Unlocked { who: AccountId, amount: Balance },
}

/// `pallet_transaction_payment::Event`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum TransactionPaymentEvent {
    #[codec(index = 0)]
    TransactionFeePaid { who: AccountId, actual_fee: Balance, tip: Balance },
}
