//! Understands what Horizon says about an operation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use stellar_strkey::ed25519::{MuxedAccount, PublicKey};

use super::PaymentsRequest;
use crate::archive::{Hash, Payment};

/// Ten-millionths that Stellar divides an asset into, as decimals.
const DECIMALS: usize = 7;

/// What every operation has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation<'a> {
    pub(super) id: u64,
    /// Unix seconds.
    pub(super) time: i64,
    pub(super) transaction: Read<'a>,
}

/// Where the transaction of an operation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Read<'a> {
    /// Joined to the operation.
    There(&'a Value),
    /// To be asked for by its hash.
    Elsewhere(&'a str),
}

/// Reads what every operation has.
pub(super) fn operation(answer: &Value) -> Result<Operation<'_>, String> {
    let token = text(answer, "paging_token")?;
    let id = token.parse().map_err(|_| format!("its paging_token is {token:?}, not a number"))?;
    let created = text(answer, "created_at")?;
    let time: Timestamp =
        created.parse().map_err(|_| format!("its created_at is {created:?}, not a time"))?;
    let transaction = match answer.get("transaction") {
        Some(transaction) => Read::There(transaction),
        None => Read::Elsewhere(text(answer, "transaction_hash")?),
    };
    Ok(Operation { id, time: time.as_second(), transaction })
}

/// The payment of an operation, if it is one of the asset by the account, succeeded, and has a hash as its memo.
pub(super) fn payment(
    answer: &Value,
    transaction: &Value,
    operation: &Operation<'_>,
    request: &PaymentsRequest,
) -> Result<Option<Payment>, String> {
    let is = |field: &str, value: &str| answer.get(field).and_then(Value::as_str) == Some(value);
    let kind = text(answer, "type")?;
    let pays = ["payment", "path_payment_strict_receive", "path_payment_strict_send"].contains(&kind)
        && is("from", &request.account)
        && is("asset_code", &request.asset)
        && is("asset_issuer", &request.issuer);
    let failed = [answer.get("transaction_successful"), transaction.get("successful")]
        .contains(&Some(&Value::Bool(false)));
    if !pays || failed || text(transaction, "memo_type")? != "hash" {
        return Ok(None);
    }
    let (destination, multiplexed) = destination(answer)?;
    let amount = text(answer, "amount")?;
    Ok(Some(Payment {
        operation: operation.id,
        time: operation.time,
        amount: units(amount).ok_or_else(|| format!("its amount is {amount:?}"))?,
        memo: memo(text(transaction, "memo")?)?,
        destination,
        multiplexed,
    }))
}

fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str, String> {
    answer.get(field).and_then(Value::as_str).ok_or_else(|| format!("it has no text {field:?}"))
}

/// A hash in base64.
fn memo(text: &str) -> Result<Hash, String> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
    bytes.ok_or_else(|| format!("its memo {text:?} is not a hash of 32 bytes in base64"))
}

/// The account that was paid, and the identifier in it.
fn destination(answer: &Value) -> Result<(Hash, Option<u64>), String> {
    if let Some(address) = answer.get("to_muxed").and_then(Value::as_str) {
        let account = MuxedAccount::from_string(address)
            .map_err(|_| format!("its destination {address:?} is not an address"))?;
        return Ok((account.ed25519, Some(account.id)));
    }
    let address = text(answer, "to")?;
    let key = PublicKey::from_string(address)
        .map_err(|_| format!("its destination {address:?} is not an address"))?;
    Ok((key.0, None))
}

/// Ten-millionths of a decimal number.
fn units(amount: &str) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DECIMALS || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::TFT_ISSUER;
    use super::*;

    fn request() -> PaymentsRequest {
        PaymentsRequest {
            horizon: "http://host".to_owned(),
            account: TFT_ISSUER.to_owned(),
            asset: "TFT".to_owned(),
            issuer: TFT_ISSUER.to_owned(),
            from: None,
            to: None,
        }
    }

    fn answer() -> Value {
        json!({
            "paging_token": "12884905985",
            "created_at": "2025-02-10T12:00:01Z",
            "type": "payment",
            "transaction_successful": true,
            "from": TFT_ISSUER,
            "to": TFT_ISSUER,
            "asset_code": "TFT",
            "asset_issuer": TFT_ISSUER,
            "amount": "12.5000000",
            "transaction": { "memo_type": "hash", "memo": STANDARD.encode([7; 32]), "successful": true },
        })
    }

    fn read(answer: &Value) -> Result<Option<Payment>, String> {
        let operation = operation(answer)?;
        let Read::There(transaction) = operation.transaction else { return Err("joined".to_owned()) };
        payment(answer, transaction, &operation, &request())
    }

    #[test]
    fn a_payment_with_a_hash_is_read() {
        let payment = read(&answer()).unwrap().unwrap();
        assert_eq!((payment.operation, payment.time), (12_884_905_985, 1_739_188_801));
        assert_eq!((payment.amount, payment.memo), (125_000_000, [7; 32]));
        assert_eq!(
            (payment.destination, payment.multiplexed),
            (super::super::key(TFT_ISSUER).unwrap(), None)
        );
    }

    #[test]
    fn a_multiplexed_account_keeps_its_identifier() {
        let mut muxed = answer();
        let key = super::super::key(TFT_ISSUER).unwrap();
        muxed["to_muxed"] = json!(MuxedAccount { ed25519: key, id: 9 }.to_string().as_str());
        let payment = read(&muxed).unwrap().unwrap();
        assert_eq!((payment.destination, payment.multiplexed), (key, Some(9)));
    }

    #[test]
    fn what_is_no_payment_of_the_asset_with_a_hash_is_passed_over() {
        let changed = |pointer: &str, value: Value| {
            let mut changed = answer();
            *changed.pointer_mut(pointer).unwrap() = value;
            read(&changed).unwrap()
        };
        assert_eq!(changed("/type", json!("create_account")), None);
        assert_eq!(changed("/asset_code", json!("TFTA")), None);
        assert_eq!(changed("/asset_issuer", json!("GOTHER")), None);
        assert_eq!(changed("/from", json!("GOTHER")), None);
        assert_eq!(changed("/transaction_successful", json!(false)), None);
        assert_eq!(changed("/transaction/successful", json!(false)), None);
        assert_eq!(changed("/transaction/memo_type", json!("text")), None);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let changed = |pointer: &str, value: Value| {
            let mut changed = answer();
            *changed.pointer_mut(pointer).unwrap() = value;
            read(&changed).unwrap_err()
        };
        assert!(changed("/paging_token", json!("now")).contains("paging_token"));
        assert!(changed("/created_at", json!("yesterday")).contains("created_at"));
        assert!(changed("/to", json!("GADDR")).contains("destination"));
        assert!(changed("/amount", json!("1.00000001")).contains("amount"));
        assert!(changed("/transaction/memo", json!("AAAA")).contains("memo"));
        assert!(changed("/transaction/memo", json!(null)).contains("memo"));
    }

    #[test]
    fn amounts_are_exact() {
        assert_eq!(units("922337203685.4775807"), Some(9_223_372_036_854_775_807));
        assert_eq!(units("0.0000001"), Some(1));
        assert_eq!(units("3"), Some(30_000_000));
        for wrong in ["", ".5", "-1", "1.00000000", "1e3", "99999999999999999999"] {
            assert_eq!(units(wrong), None, "{wrong}");
        }
    }
}
