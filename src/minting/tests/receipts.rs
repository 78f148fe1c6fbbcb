//! The bytes of receipts, and reading old ones.

use crate::minting::{
    CloudUnits, FixupReceipt, NodeType, Receipt, ResourceRewards, ResourceUnits, ResourceUtilization,
    RetryReceipt, Reward, Sealed, Span,
};

const SPAN: Span = Span { start: 1_735_602_280, end: 1_738_233_160 };

fn receipt() -> Receipt {
    Receipt {
        period: SPAN,
        node_id: 1,
        twin_id: 2,
        farm_id: 3,
        farm_name: "example".to_owned(),
        stellar_payout_address: String::new(),
        measured_uptime: 2_630_880,
        tft_connection_price: 80,
        cloud_units: CloudUnits { cu: 8.0, su: 1.6, nu: 0.0 },
        resource_units: ResourceUnits { cru: 8.0, mru: 33.0, hru: 0.0, sru: 400.0 },
        resource_utilization: ResourceUtilization { cru: 0.0, mru: 0.0, hru: 0.0, sru: 0.0, ip: 0.0 },
        reward: Reward { musd: 20_800, tft: 2_600_000_000 },
        carbon_offset: None,
        node_type: NodeType::Diy,
        farming_policy_id: Some(1),
        resource_rewards: Some(ResourceRewards::default()),
    }
}

/// A vector made with an independent program.
#[test]
fn a_receipt_has_exactly_these_bytes_and_this_hash() {
    let sealed = Sealed::new(receipt());
    assert_eq!(
        String::from_utf8(sealed.bytes.clone()).unwrap(),
        r#"{"period":{"start":1735602280,"end":1738233160},"node_id":1,"twin_id":2,"farm_id":3,"farm_name":"example","stellar_payout_address":"","measured_uptime":2630880,"tft_connection_price":80,"cloud_units":{"cu":8.0,"su":1.6,"nu":0.0},"resource_units":{"cru":8.0,"mru":33.0,"hru":0.0,"sru":400.0},"resource_utilization":{"cru":0.0,"mru":0.0,"hru":0.0,"sru":0.0,"ip":0.0},"reward":{"musd":20800,"tft":2600000000},"carbon_offset":null,"node_type":"DIY","farming_policy_id":1,"resource_rewards":{"cu":2400,"su":1000,"nu":30,"ipv4":5}}"#
    );
    assert_eq!(sealed.hash_hex(), "d4f6080d4d9413703717974dde21f723c4410530750a9c70040a5efc589fc15c");
    assert_eq!((receipt().to_bytes(), receipt().hash()), (sealed.bytes, sealed.hash));
}

#[test]
fn floats_have_the_shortest_digits_and_a_scientific_form_only_outside_of_1e_5_to_1e16() {
    for (value, text) in [
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0, "1.0"),
        (1e15, "1000000000000000.0"),
        (9_007_199_254_740_993e0, "9007199254740992.0"),
        (1e16, "1e16"),
        (1.5e16, "1.5e16"),
        (1.844_674_407_370_955_2e19, "1.8446744073709552e19"),
        (1e-5, "0.00001"),
        (1.25e-5, "0.0000125"),
        (1e-6, "1e-6"),
        (1e-7, "1e-7"),
        (f64::NAN, "null"),
        (f64::INFINITY, "null"),
    ] {
        let mut with_value = receipt();
        with_value.cloud_units.cu = value;
        let bytes = String::from_utf8(with_value.to_bytes()).unwrap();
        assert!(bytes.contains(&format!(r#""cu":{text},"su""#)), "{text}: {bytes}");
    }
}

#[test]
fn text_is_escaped_only_where_json_demands_it() {
    let mut named = receipt();
    named.farm_name = "a\"b\\c\n\u{1}\u{7f}/é😀".to_owned();
    let bytes = String::from_utf8(named.to_bytes()).unwrap();
    assert!(bytes.contains("\"farm_name\":\"a\\\"b\\\\c\\n\\u0001\u{7f}/é😀\""), "{bytes}");
}

#[test]
fn a_receipt_reads_back_the_same() {
    let mut odd = receipt();
    odd.resource_units.mru = 95.852_518_012_747_17;
    odd.resource_utilization.sru = 1e16;
    odd.node_type = NodeType::Certified;
    odd.carbon_offset = Some(Reward { musd: 1, tft: 2 });
    assert_eq!(Receipt::parse(&odd.to_bytes()).unwrap(), odd);
}

#[test]
fn a_receipt_from_before_policies_gets_the_prices_of_then() {
    let bytes = br#"{"period":{"start":1,"end":2},"node_id":4,"twin_id":5,"farm_id":9,"farm_name":"f","stellar_payout_address":"G","measured_uptime":425767,"tft_connection_price":80,"cloud_units":{"cu":43.924932,"su":40.791942,"nu":0.0},"resource_units":{"cru":8.0,"mru":17.5,"hru":17.7,"sru":54.5},"resource_utilization":{"cru":null,"mru":47.5,"hru":0.0,"sru":82.1,"ip":0.0},"reward":{"musd":319829,"tft":39978668642},"carbon_offset":{"musd":3,"tft":4},"node_type":"CERTIFIED"}"#;
    let receipt = Receipt::parse(bytes).unwrap();
    assert_eq!(receipt.farming_policy_id, None);
    assert_eq!(receipt.resource_rewards, None);
    assert_eq!(receipt.carbon_offset, Some(Reward { musd: 3, tft: 4 }));
    assert!(receipt.resource_utilization.cru.is_nan());
}

#[test]
fn bytes_that_are_no_receipt_are_an_error_that_says_why() {
    let error = Receipt::parse(b"{}").unwrap_err().to_string();
    assert!(error.starts_with("not a minting receipt: missing field `period`"), "{error}");
    assert!(Receipt::parse(b"\xff").is_err());
    assert!(Receipt::parse(&RETRY.as_bytes()[1..]).is_err());
    assert!(FixupReceipt::parse(&receipt().to_bytes()).is_err());
}

const RETRY: &str = r#"{"failed_payout_period":{"start":1732971400,"end":1735602280},"retry_period":{"start":1735602280,"end":1738233160},"farm_id":3,"previous_stellar_payout_address":"","stellar_payout_address":"GNEW","retry_for_receipt":"07","reward":{"musd":1,"tft":2}}"#;

#[test]
fn a_retry_receipt_has_exactly_these_bytes() {
    let retry = RetryReceipt {
        failed_payout_period: Span { start: 1_732_971_400, end: 1_735_602_280 },
        retry_period: SPAN,
        farm_id: 3,
        previous_stellar_payout_address: String::new(),
        stellar_payout_address: "GNEW".to_owned(),
        retry_for_receipt: "07".to_owned(),
        reward: Reward { musd: 1, tft: 2 },
    };
    assert_eq!(String::from_utf8(retry.to_bytes()).unwrap(), RETRY);
    assert_eq!(RetryReceipt::parse(RETRY.as_bytes()).unwrap(), retry);
}

#[test]
fn a_fix_up_receipt_reads_with_and_without_uptimes() {
    let without = r#"{"period":{"start":1,"end":2},"node_id":53,"farm_id":6,"minted_cloud_units":{"cu":72.973857,"su":39.166364,"nu":0.0},"correct_cloud_units":{"cu":73.155071,"su":23.702533,"nu":0.0},"fixup_cloud_units":{"cu":24.745551,"su":-25.320651,"nu":0.0},"stellar_payout_address":"GADDRESS","minted_receipt":"aa","correct_receipt":"bb","minted_reward":{"musd":55180,"tft":0},"correct_reward":{"musd":7362,"tft":0},"fixup_reward":{"musd":68693,"tft":2464282294},"minted_carbon_offset":{"musd":28365,"tft":0},"correct_carbon_offset":{"musd":36012,"tft":0},"fixup_carbon_offset":null}"#;
    let fixup = FixupReceipt::parse(without.as_bytes()).unwrap();
    assert_eq!((fixup.farm_id, fixup.fixup_reward.tft, fixup.minted_uptime), (6, 2_464_282_294, None));
    assert_eq!(String::from_utf8(fixup.to_bytes()).unwrap(), without);
    let with = without.replace(r#""farm_id":6,"#, r#""farm_id":6,"minted_uptime":1,"correct_uptime":2,"#);
    let fixup = FixupReceipt::parse(with.as_bytes()).unwrap();
    assert_eq!((fixup.minted_uptime, fixup.correct_uptime), (Some(1), Some(2)));
    assert_eq!(String::from_utf8(fixup.to_bytes()).unwrap(), with);
}

/// Bytes as a past version may have written them: read, written again and hashed, they are the same.
#[test]
fn odd_receipts_are_written_again_to_the_same_bytes() {
    let minted = |name: &str, cu: &str, uptime: &str, end: &str| {
        format!(
            r#"{{"period":{{"start":-1,"end":1738233160}},"node_id":4294967295,"twin_id":2,"farm_id":3,"farm_name":"{name}","stellar_payout_address":"","measured_uptime":{uptime},"tft_connection_price":80,"cloud_units":{{"cu":{cu},"su":1e-7,"nu":0.00001}},"resource_units":{{"cru":7.450580596923828e-9,"mru":9007199254740992.0,"hru":0.0,"sru":5e-324}},"resource_utilization":{{"cru":null,"mru":null,"hru":0.1,"sru":1.7976931348623157e308,"ip":0.30000000000000004}},"reward":{{"musd":0,"tft":18446744073709551615}},"carbon_offset":{end}"#
        )
    };
    let names = [r#"a, \"b\" \\ \n\t\b\u0001"#, "é😀\u{2028}\u{7f}/", "", "null"];
    let ends = [
        r#"null,"node_type":"DIY"}"#,
        r#"{"musd":1,"tft":2},"node_type":"CERTIFIED"}"#,
        r#"null,"node_type":"DIY","farming_policy_id":0,"resource_rewards":{"cu":0,"su":1,"nu":2,"ipv4":18446744073709551615}}"#,
    ];
    for name in names {
        for cu in ["-0.0", "1e16", "1.5e16", "null", "8.0", "95.90130292531103"] {
            for end in ends {
                let bytes = minted(name, cu, "18446744073709551615", end);
                let read = Receipt::parse(bytes.as_bytes()).unwrap();
                assert_eq!(String::from_utf8(read.to_bytes()).unwrap(), bytes);
                let hash = blake2b_simd::Params::new().hash_length(32).hash(bytes.as_bytes());
                assert_eq!(read.hash(), hash.as_bytes());
            }
        }
    }
}
