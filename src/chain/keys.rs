//! Storage keys: `twox128(pallet) ‖ twox128(item) ‖ hashed key`.

use twox_hash::XxHash64;

/// Two 64-bit xxHashes with seeds 0 and 1, little-endian.
fn twox_128(text: &str) -> [u8; 16] {
    let low = XxHash64::oneshot(0, text.as_bytes());
    let high = XxHash64::oneshot(1, text.as_bytes());
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// The prefix of a storage item; the whole key of a plain one.
pub fn prefix(pallet: &str, item: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let (front, back) = key.split_at_mut(16);
    front.copy_from_slice(&twox_128(pallet));
    back.copy_from_slice(&twox_128(item));
    key
}

/// Key of `System.Events`, the same on every runtime.
pub fn system_events() -> [u8; 32] {
    prefix("System", "Events")
}

/// Key of `Timestamp.Now`, the same on every runtime.
pub fn timestamp_now() -> [u8; 32] {
    prefix("Timestamp", "Now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_keys() {
        // As every Substrate chain has them.
        assert_eq!(
            hex::encode(system_events()),
            "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
        );
        assert_eq!(
            hex::encode(timestamp_now()),
            "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
        );
    }
}
