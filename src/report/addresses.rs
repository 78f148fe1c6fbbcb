//! Stellar addresses of payouts: those that no payment can reach are reported.

use std::collections::BTreeMap;

use stellar_strkey::Strkey;

use crate::minting::{NodeResult, Retry};

/// Whether a payment can be sent to an address: an account, or an account with a memo in it, with the right checksum.
pub fn is_payable(address: &str) -> bool {
    matches!(Strkey::from_string(address), Ok(Strkey::PublicKeyEd25519(_) | Strkey::MuxedAccountEd25519(_)))
}

/// Addresses that are no Stellar addresses although something is to be paid to them, by farm.
pub fn invalid(nodes: &[NodeResult], retries: &[Retry]) -> BTreeMap<u32, String> {
    let nodes = nodes.iter().filter_map(|node| node.receipt.as_ref()).map(|sealed| {
        let receipt = &sealed.receipt;
        (receipt.farm_id, &receipt.stellar_payout_address, receipt.reward.tft)
    });
    let retries = retries.iter().map(|retry| {
        let receipt = &retry.receipt.receipt;
        (receipt.farm_id, &receipt.stellar_payout_address, receipt.reward.tft)
    });
    nodes
        .chain(retries)
        .filter(|(_, address, tft)| *tft != 0 && !address.is_empty() && !is_payable(address))
        .map(|(farm, address, _)| (farm, address.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The issuer of TFT, from public records.
    const ISSUER: &str = "GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47";

    #[test]
    fn an_address_needs_its_form_and_its_checksum() {
        assert!(is_payable(ISSUER));
        assert!(!is_payable(&ISSUER.replace("AC47", "AC48")));
        assert!(!is_payable(&ISSUER[1..]));
        assert!(!is_payable("GADDR") && !is_payable("") && !is_payable(&format!(" {ISSUER}")));
    }

    #[test]
    fn seeds_and_contracts_are_not_paid() {
        // The hash of a transaction has the same length as an account.
        let hash = Strkey::PreAuthTx(stellar_strkey::PreAuthTx([1; 32])).to_string();
        assert!(!is_payable(&hash));
    }
}
