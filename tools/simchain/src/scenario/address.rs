//! Made-up Stellar addresses that look like real ones: version byte, key, checksum, in base 32.

use crate::hash::blake2_256;

/// Version byte of an account, which makes the text start with `G`.
const ACCOUNT: u8 = 6 << 3;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The address of somebody, the same for the same name.
pub fn stellar_address(name: &str) -> String {
    let mut bytes = vec![ACCOUNT];
    bytes.extend(blake2_256(name.as_bytes()));
    let checksum = crc16_xmodem(&bytes);
    bytes.extend(checksum.to_le_bytes());
    base32(&bytes)
}

fn crc16_xmodem(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    bits.chunks(5)
        .filter_map(|digit| BASE32.get(usize::from(digit.iter().fold(0u8, |value, bit| value << 1 | bit))))
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_the_one_of_the_stellar_key_format() {
        assert_eq!(crc16_xmodem(b"123456789"), 0x31c3);
    }

    #[test]
    fn an_address_has_56_letters_and_starts_with_g() {
        let address = stellar_address("farm 1");
        assert_eq!(address.len(), 56);
        assert!(address.starts_with('G'));
    }
}
