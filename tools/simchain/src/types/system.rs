//! The pallet System: its events, what an extrinsic cost, and the version of the runtime.
#![expect(missing_docs, reason = "variants and fields carry the names of the real metadata")]

use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::AccountId;

/// `frame_system::Event`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum SystemEvent {
    #[codec(index = 0)]
    ExtrinsicSuccess { dispatch_info: DispatchInfo },
    #[codec(index = 1)]
    ExtrinsicFailed { dispatch_error: DispatchError, dispatch_info: DispatchInfo },
    #[codec(index = 2)]
    CodeUpdated,
    #[codec(index = 3)]
    NewAccount { account: AccountId },
    #[codec(index = 4)]
    KilledAccount { account: AccountId },
    #[codec(index = 5)]
    Remarked { sender: AccountId, hash: [u8; 32] },
}

/// `sp_weights::Weight`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct Weight {
    #[codec(compact)]
    pub ref_time: u64,
    #[codec(compact)]
    pub proof_size: u64,
}

/// `frame_support::dispatch::DispatchClass`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum DispatchClass {
    Normal,
    Operational,
    Mandatory,
}

/// `frame_support::dispatch::Pays`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum Pays {
    Yes,
    No,
}

/// `frame_support::dispatch::DispatchInfo`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct DispatchInfo {
    pub weight: Weight,
    pub class: DispatchClass,
    pub pays_fee: Pays,
}

/// `sp_runtime::ModuleError`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct ModuleError {
    pub index: u8,
    pub error: [u8; 4],
}

/// `sp_runtime::TokenError`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum TokenError {
    FundsUnavailable,
    OnlyProvider,
    BelowMinimum,
    CannotCreate,
    UnknownAsset,
    Frozen,
    Unsupported,
    CannotCreateHold,
    NotExpendable,
}

/// `sp_arithmetic::ArithmeticError`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum ArithmeticError {
    Underflow,
    Overflow,
    DivisionByZero,
}

/// `sp_runtime::TransactionalError`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum TransactionalError {
    LimitReached,
    NoLayer,
}

/// `sp_runtime::DispatchError`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum DispatchError {
    Other,
    CannotLookup,
    BadOrigin,
    Module(ModuleError),
    ConsumerRemaining,
    NoProviders,
    TooManyConsumers,
    Token(TokenError),
    Arithmetic(ArithmeticError),
    Transactional(TransactionalError),
    Exhausted,
    Corruption,
    Unavailable,
}

/// `sp_version::RuntimeVersion`, the value of the constant `System.Version`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct RuntimeVersion {
    pub spec_name: String,
    pub impl_name: String,
    pub authoring_version: u32,
    pub spec_version: u32,
    pub impl_version: u32,
    pub apis: Vec<([u8; 8], u32)>,
    pub transaction_version: u32,
    pub state_version: u8,
}
