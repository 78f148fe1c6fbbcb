//! Receipts: the documents whose hashes are the memos of payouts.
//!
//! The bytes of a receipt are compact JSON, its fields in the order of the types here. Floats are printed
//! by `ryu`: the shortest digits that read back the same, with `.0` for whole numbers, decimal from 1e-5 up
//! to below 1e16 and scientific without a plus sign elsewhere, NaN and infinities as `null`. `serde_json`
//! itself prints large floats differently from one version to the next, so its choice is not relied on.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::{CompactFormatter, Formatter};
use thiserror::Error;

use super::period::Period;

/// A stretch of time, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where it starts.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
}

impl From<&Period> for Span {
    fn from(period: &Period) -> Self {
        Self { start: period.start, end: period.end }
    }
}

/// An amount of money, in two currencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reward {
    /// Thousandths of a US dollar.
    pub musd: u64,
    /// Ten-millionths of a TFT.
    pub tft: u64,
}

/// Cloud units: compute and storage offered, network used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloudUnits {
    /// Compute units.
    #[serde(deserialize_with = "float_or_null")]
    pub cu: f64,
    /// Storage units.
    #[serde(deserialize_with = "float_or_null")]
    pub su: f64,
    /// Network units.
    #[serde(deserialize_with = "float_or_null")]
    pub nu: f64,
}

/// Capacity of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceUnits {
    /// Cores; in receipts of periods 45 and 46, cores divided by 2^30.
    #[serde(deserialize_with = "float_or_null")]
    pub cru: f64,
    /// Memory, GiB.
    #[serde(deserialize_with = "float_or_null")]
    pub mru: f64,
    /// Disk, GiB.
    #[serde(deserialize_with = "float_or_null")]
    pub hru: f64,
    /// SSD, GiB.
    #[serde(deserialize_with = "float_or_null")]
    pub sru: f64,
}

/// How much of a node was used on average, in percent of its capacity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceUtilization {
    /// Cores, percent.
    #[serde(deserialize_with = "float_or_null")]
    pub cru: f64,
    /// Memory, percent.
    #[serde(deserialize_with = "float_or_null")]
    pub mru: f64,
    /// Disk, percent.
    #[serde(deserialize_with = "float_or_null")]
    pub hru: f64,
    /// SSD, percent.
    #[serde(deserialize_with = "float_or_null")]
    pub sru: f64,
    /// Public IPv4 addresses, hours.
    #[serde(deserialize_with = "float_or_null")]
    pub ip: f64,
}

/// Prices of a farming policy, in thousandths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRewards {
    /// For one CU and month.
    pub cu: u64,
    /// For one SU and month.
    pub su: u64,
    /// For one NU.
    pub nu: u64,
    /// For one public IPv4 address and hour.
    pub ipv4: u64,
}

impl Default for ResourceRewards {
    /// The prices before they were part of receipts (until period 51).
    fn default() -> Self {
        Self { cu: 2_400, su: 1_000, nu: 30, ipv4: 5 }
    }
}

/// Who vouches for the hardware of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeType {
    /// Built by its farmer.
    #[serde(rename = "DIY")]
    Diy,
    /// Sold by a certified vendor.
    #[serde(rename = "CERTIFIED")]
    Certified,
}

/// What a node offered, did and earned in a period (`MintingReceipt`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The period; until period 72 it started with the node where the node was new.
    pub period: Span,
    /// The node.
    pub node_id: u32,
    /// Its twin.
    pub twin_id: u32,
    /// Its farm.
    pub farm_id: u32,
    /// Name of the farm.
    pub farm_name: String,
    /// Stellar address of the farm; empty if it has none.
    pub stellar_payout_address: String,
    /// Uptime earned, seconds; it may exceed the period by the length of a block.
    pub measured_uptime: u64,
    /// Price of one TFT, thousandths of a US dollar; not always the one the payout was made with.
    pub tft_connection_price: u64,
    /// Cloud units.
    pub cloud_units: CloudUnits,
    /// Capacity.
    pub resource_units: ResourceUnits,
    /// Use.
    pub resource_utilization: ResourceUtilization,
    /// Payout.
    pub reward: Reward,
    /// Carbon offset paid for the node, until period 80.
    #[serde(default)]
    pub carbon_offset: Option<Reward>,
    /// Certification.
    pub node_type: NodeType,
    /// Farming policy; absent until period 51, when all nodes had the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farming_policy_id: Option<u32>,
    /// Prices of the policy; absent until period 51, when they were [`ResourceRewards::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_rewards: Option<ResourceRewards>,
}

/// A second attempt to pay a receipt that was not paid (`RetryPayoutReceipt`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryReceipt {
    /// Period of the receipt that was not paid.
    pub failed_payout_period: Span,
    /// Period in which it is paid again.
    pub retry_period: Span,
    /// The farm.
    pub farm_id: u32,
    /// Address stated in the receipt that was not paid.
    pub previous_stellar_payout_address: String,
    /// Address at the end of the period of the retry; empty if there is none.
    pub stellar_payout_address: String,
    /// Hash of the receipt that was not paid, in hex.
    pub retry_for_receipt: String,
    /// Amount.
    pub reward: Reward,
}

/// A correction of a receipt that had been wrong (`FixupReceipt`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixupReceipt {
    /// The period corrected.
    pub period: Span,
    /// The node.
    pub node_id: u32,
    /// Its farm.
    pub farm_id: u32,
    /// Uptime in the wrong receipt, seconds; only in corrections of periods 73 and 75.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minted_uptime: Option<u64>,
    /// Uptime in the right receipt, seconds; only in corrections of periods 73 and 75.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct_uptime: Option<u64>,
    /// Cloud units in the wrong receipt.
    pub minted_cloud_units: CloudUnits,
    /// Cloud units in the right receipt.
    pub correct_cloud_units: CloudUnits,
    /// Their difference.
    pub fixup_cloud_units: CloudUnits,
    /// Stellar address of the farm; empty if it has none.
    pub stellar_payout_address: String,
    /// Hash of the wrong receipt, in hex.
    pub minted_receipt: String,
    /// Hash of the right receipt, in hex.
    pub correct_receipt: String,
    /// Payout in the wrong receipt.
    pub minted_reward: Reward,
    /// Payout in the right receipt.
    pub correct_reward: Reward,
    /// What is still to be paid.
    pub fixup_reward: Reward,
    /// Carbon offset in the wrong receipt.
    #[serde(default)]
    pub minted_carbon_offset: Option<Reward>,
    /// Carbon offset in the right receipt.
    #[serde(default)]
    pub correct_carbon_offset: Option<Reward>,
    /// Carbon offset still to be paid.
    #[serde(default)]
    pub fixup_carbon_offset: Option<Reward>,
}

/// Bytes that are not the receipt they should be.
#[derive(Debug, Error)]
#[error("not a {kind} receipt: {source}")]
pub struct ReceiptError {
    kind: &'static str,
    source: serde_json::Error,
}

/// A receipt with the bytes that are published and their hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed<R> {
    /// The receipt.
    pub receipt: R,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// BLAKE2b of the bytes, with a digest of 32 bytes: name of the file and memo of the payout.
    pub hash: [u8; 32],
}

impl<R: Serialize> Sealed<R> {
    /// Writes and hashes a receipt.
    pub fn new(receipt: R) -> Self {
        let bytes = to_bytes(&receipt);
        let hash = hash(&bytes);
        Self { receipt, bytes, hash }
    }

    /// The hash in lower-case hex.
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash)
    }
}

macro_rules! document {
    ($type:ty, $kind:literal) => {
        impl $type {
            /// The bytes that are published.
            pub fn to_bytes(&self) -> Vec<u8> {
                to_bytes(self)
            }

            /// Hash of the bytes that are published.
            pub fn hash(&self) -> [u8; 32] {
                hash(&self.to_bytes())
            }

            /// Reads a receipt of any period. Its hash is that of the bytes given here, which older
            /// programs may have written differently from [`Self::to_bytes`].
            ///
            /// # Errors
            /// If the bytes are not JSON, or a field is missing or of another type.
            pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
                parse(bytes, $kind)
            }
        }
    };
}

document!(Receipt, "minting");
document!(RetryReceipt, "retry");
document!(FixupReceipt, "fix-up");

/// Compact JSON with floats as `ryu` prints them.
struct Canonical;

impl Formatter for Canonical {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu::Buffer::new().format_finite(value).as_bytes())
    }

    fn write_null<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        CompactFormatter.write_null(writer)
    }
}

#[expect(
    clippy::expect_used,
    reason = "a vector takes every byte, and no receipt has a map with keys that are not text"
)]
fn to_bytes(receipt: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    receipt
        .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Canonical))
        .expect("receipts are always serialisable");
    bytes
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let hash = blake2b_simd::Params::new().hash_length(32).hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn parse<R: DeserializeOwned>(bytes: &[u8], kind: &'static str) -> Result<R, ReceiptError> {
    serde_json::from_slice(bytes).map_err(|source| ReceiptError { kind, source })
}

/// Receipts of period 45 hold `null` where a division by zero gave no number.
fn float_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
