//! Bytes that several runtimes understand, each in its own way.

use minting::chain::Runtime;
use serde_json::Value;

use super::{survey::runtime, values::events_value};

/// A node as spec 116 writes it. Spec 122 and later read it to the last byte as well, with other meanings: an empty
/// serial number is also an absent one, and the four texts before it changed places.
const NODE: &str = "0400000007000000010000002a000000000000000000000000000000800000000800000000000000000000000800000018342e\
                    343032351c35312e323139341c42656c6769756d144768656e7400c05d1f630000000001000000040c7a6f734461613a62\
                    623a63633a64643a65653a6666042031302e302e302e350000000050000000";

/// The only event of an events value, as JSON.
fn only_event(runtime: &Runtime, event: Vec<u8>) -> Option<Value> {
    let mut events = Vec::new();
    runtime.events_json(&events_value(&[event]), |event| events.push(Value::Object(event))).ok()?;
    assert_eq!(events.len(), 1);
    events.pop()
}

fn text(value: &Value) -> String {
    let bytes = hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_same_131_bytes_are_a_node_of_ghent_or_of_nowhere() {
    let node = hex::decode(NODE).unwrap();
    assert_eq!(node.len(), 131);
    let stored = |pallet: u8| [&[pallet, 3], &node[..]].concat();

    let Some(old) = runtime("0116-mainnet") else { return };
    let event = only_event(&old, stored(11)).unwrap();
    let fields = &event["fields"][0];
    assert_eq!(text(&fields["location"]["longitude"]), "4.4025");
    assert_eq!(text(&fields["location"]["latitude"]), "51.2194");
    assert_eq!(text(&fields["country"]), "Belgium");
    assert_eq!(text(&fields["city"]), "Ghent");
    assert_eq!(fields["serial_number"], "0x");

    for (name, pallet) in [("0125-mainnet", 11), ("0152-tfgridsdkts", 25)] {
        let event = only_event(&runtime(name).unwrap(), stored(pallet)).unwrap();
        let fields = &event["fields"][0];
        assert_eq!(text(&fields["location"]["city"]), "4.4025", "{name}");
        assert_eq!(text(&fields["location"]["longitude"]), "Ghent", "{name}");
        assert_eq!(fields["serial_number"], Value::Null, "{name}");
    }
    // Runtimes that wrote other nodes do not take it for one of theirs.
    for name in ["0031-mainnet", "0061-devnet", "0101-devnet"] {
        let event = only_event(&runtime(name).unwrap(), stored(11));
        assert!(event.is_none_or(|e| e["fields"][0]["public_config"] == Value::Null), "{name}");
    }
}

/// A node without public configuration has the same bytes from spec 63 to 116; its meaning did not change either.
#[test]
fn a_node_of_spec_68_without_public_configuration_is_in_the_right_place() {
    let Some(v12) = runtime("0068-mainnet") else { return };
    let event = only_event(&v12, [&[11, 3], &hex::decode(NODE).unwrap()[..]].concat()).unwrap();
    assert_eq!(text(&event["fields"][0]["city"]), "Ghent");
    assert_eq!(text(&event["fields"][0]["country"]), "Belgium");
}

#[test]
fn event_6_of_pallet_11_is_what_the_runtime_says() {
    let consumption = [0u8; 56].to_vec();
    let deployed = [&[1, 0, 0, 0, 0, 0, 0, 0][..], &[7; 32]].concat();
    let uptime = [&[5, 0, 0, 0][..], &[0; 16]].concat();
    for (name, event, fields) in [
        ("0009-testnet", Some("ConsumptionReportReceived"), &consumption),
        ("0012-testnet", Some("ConsumptionReportReceived"), &consumption),
        ("0018-devnet", Some("ContractDeployed"), &deployed),
        ("0019-testnet", Some("ContractDeployed"), &deployed),
        ("0024-testnet", Some("ContractDeployed"), &deployed),
        ("0025-testnet", Some("NodeUptimeReported"), &uptime),
        ("0031-mainnet", Some("NodeUptimeReported"), &uptime),
        ("0068-mainnet", Some("NodeUptimeReported"), &uptime),
        ("0130-mintingv3", Some("NodeUptimeReported"), &uptime),
        ("0144-tfchain", None, &uptime),
        ("0152-tfgridsdkts", None, &uptime),
    ] {
        let Some(runtime) = runtime(name) else { return };
        for bytes in [&consumption, &deployed, &uptime] {
            let found = only_event(&runtime, [&[11, 6], &bytes[..]].concat());
            let found = found.as_ref().map(|e| e["event"].as_str().unwrap());
            let want = if bytes == fields { event } else { None };
            assert_eq!(found, want, "{name}, {} bytes", bytes.len());
        }
    }
}
