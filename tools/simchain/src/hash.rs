//! The hash functions of a Substrate chain: BLAKE2b for blocks and map keys, xxHash for storage names.

use blake2::digest::consts::{U16, U32};
use blake2::{Blake2b, Digest};
use twox_hash::XxHash64;

/// A 256-bit hash: of a block, a state, a list of extrinsics.
pub type Hash = [u8; 32];

/// BLAKE2b with a digest of 32 bytes.
pub fn blake2_256(bytes: &[u8]) -> Hash {
    Blake2b::<U32>::digest(bytes).into()
}

/// BLAKE2b with a digest of 16 bytes, as `Blake2_128Concat` puts it before a key.
pub fn blake2_128(bytes: &[u8]) -> [u8; 16] {
    Blake2b::<U16>::digest(bytes).into()
}

/// A 64-bit xxHash, as `Twox64Concat` puts it before a key.
pub fn twox_64(bytes: &[u8]) -> [u8; 8] {
    XxHash64::oneshot(0, bytes).to_le_bytes()
}

/// Two 64-bit xxHashes with the seeds 0 and 1: the hash of pallet and item names.
pub fn twox_128(bytes: &[u8]) -> [u8; 16] {
    let low = u128::from(XxHash64::oneshot(0, bytes));
    let high = u128::from(XxHash64::oneshot(1, bytes));
    (high << 64 | low).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_names_hash_as_on_every_substrate_chain() {
        assert_eq!(hex::encode(twox_128(b"System")), "26aa394eea5630e07c48ae0c9558cef7");
        assert_eq!(hex::encode(twox_128(b"Events")), "80d41e5e16056765bc8461851072c9d7");
    }

    #[test]
    fn map_keys_hash_as_recorded_from_the_real_runtime() {
        assert_eq!(hex::encode(blake2_128(&4u32.to_le_bytes())), "1c8a02f456942930c9730654ca687a3a");
    }
}
