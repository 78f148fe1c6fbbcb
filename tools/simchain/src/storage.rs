//! Storage of the chain: how keys are made, and how values change.

use parity_scale_codec::Encode;

use crate::hash::{blake2_128, twox_128};

/// A key and the value it gets; none removes it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Full storage key.
    pub key: Vec<u8>,
    /// SCALE bytes of the new value.
    pub value: Option<Vec<u8>>,
}

impl Change {
    /// The plain item of a pallet gets a value.
    pub fn plain(pallet: &str, item: &str, value: &impl Encode) -> Self {
        Self { key: item_key(pallet, item), value: Some(value.encode()) }
    }

    /// The entry of a map gets a value.
    pub fn entry(pallet: &str, item: &str, key: &impl Encode, value: &impl Encode) -> Self {
        Self { key: entry_key(pallet, item, key), value: Some(value.encode()) }
    }

    /// The entry of a map goes away.
    pub fn removed(pallet: &str, item: &str, key: &impl Encode) -> Self {
        Self { key: entry_key(pallet, item, key), value: None }
    }
}

/// Key of a plain item, and prefix of the keys of a map.
pub fn item_key(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Key of an entry of a map hashed with `Blake2_128Concat`, as all maps of this chain are.
pub fn entry_key(pallet: &str, item: &str, key: &impl Encode) -> Vec<u8> {
    let encoded = key.encode();
    let mut full = item_key(pallet, item);
    full.extend(blake2_128(&encoded));
    full.extend(encoded);
    full
}
