//! Stellar addresses of payouts: those that no payment can reach are reported.

use std::collections::BTreeMap;

use stellar_strkey::Strkey;

use crate::minting::{BugMode, EndState, NodeResult, Retry, Rules};

/// Whether a payment can be sent to an address: an account, or an account with a memo in it, with the right checksum.
pub fn is_payable(address: &str) -> bool {
    matches!(Strkey::from_string(address), Ok(Strkey::PublicKeyEd25519(_) | Strkey::MuxedAccountEd25519(_)))
}

/// What becomes of payouts that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// They are left out, but for replays of what was paid, and for chains whose addresses are made up.
    Auto,
    /// They are written like any other, as by the reference implementation.
    Keep,
    /// They are left out.
    Withhold,
}

impl Treatment {
    /// Whether payouts to invalid addresses are left out of a run.
    ///
    /// What a period was paid by includes them, so rules with the mistakes of the reference implementation keep them.
    /// On a chain where not one farm has a valid address nobody is ever paid; it is there to compare programs with
    /// each other, and leaving out every payout would leave nothing to compare.
    pub fn withholds(self, rules: &Rules, end: &EndState) -> bool {
        match self {
            Self::Keep => false,
            Self::Withhold => true,
            Self::Auto => rules.bug_mode() == BugMode::Fixed && !all_made_up(end),
        }
    }
}

/// Whether farms have payout addresses, and none of them is valid.
pub fn all_made_up(end: &EndState) -> bool {
    let mut addresses = end.payout_addresses.values().map(|address| String::from_utf8_lossy(address));
    !end.payout_addresses.is_empty() && !addresses.any(|address| is_payable(&address))
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
    fn payouts_that_cannot_be_made_are_left_out_of_what_is_to_be_paid() {
        let end = |addresses: &[&str]| EndState {
            payout_addresses: (1..).zip(addresses.iter().map(|a| a.as_bytes().to_vec())).collect(),
            ..EndState::default()
        };
        let (real, made_up) = (end(&["GADDR", ISSUER]), end(&["GADDR", "GOTHER"]));
        let (r81, paid) = (Rules::r81(), Rules::r81().with_bugs(BugMode::Reference));
        assert!(Treatment::Auto.withholds(&r81, &real));
        assert!(!Treatment::Auto.withholds(&paid, &real));
        assert!(!Treatment::Auto.withholds(&r81, &made_up));
        assert!(Treatment::Auto.withholds(&r81, &end(&[])));
        assert!(Treatment::Withhold.withholds(&paid, &made_up) && !Treatment::Keep.withholds(&r81, &real));
    }

    #[test]
    fn seeds_and_contracts_are_not_paid() {
        // The hash of a transaction has the same length as an account.
        let hash = Strkey::PreAuthTx(stellar_strkey::PreAuthTx([1; 32])).to_string();
        assert!(!is_payable(&hash));
    }
}
