//! Storage of the chain: how keys are made, and every value a key ever had.

use std::collections::BTreeMap;

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

/// From a height on, a key has this value.
type Version = (u32, Option<Vec<u8>>);

/// Every value that every key ever had, with the height from which it holds.
#[derive(Clone, Debug, Default)]
pub struct History {
    values: BTreeMap<Vec<u8>, Vec<Version>>,
}

impl History {
    /// Notes a change made in the block at `height`; heights never go down.
    pub fn record(&mut self, height: u32, change: Change) {
        let versions = self.values.entry(change.key).or_default();
        match versions.last_mut() {
            Some((last, value)) if *last == height => *value = change.value,
            _ => versions.push((height, change.value)),
        }
    }

    /// Value of a key in the state after the block at `height`.
    pub fn value(&self, key: &[u8], height: u32) -> Option<&[u8]> {
        let versions = self.values.get(key)?;
        let known = versions.partition_point(|(from, _)| *from <= height);
        versions.get(known.checked_sub(1)?)?.1.as_deref()
    }

    /// Keys that start with `prefix` and have a value after the block at `height`, in byte order.
    ///
    /// With `after`, only the keys behind that one.
    pub fn keys<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        height: u32,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.values
            .range(prefix.to_vec()..)
            .map(|(key, _)| key.as_slice())
            .take_while(move |key| key.starts_with(prefix))
            .filter(move |key| after.is_none_or(|after| *key > after))
            .filter(move |key| self.value(key, height).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_from_its_block_until_the_next_change() {
        let mut history = History::default();
        history.record(0, Change::entry("P", "I", &1u32, &10u8));
        history.record(5, Change::entry("P", "I", &1u32, &11u8));
        history.record(5, Change::entry("P", "I", &1u32, &12u8));
        history.record(9, Change::removed("P", "I", &1u32));
        let key = entry_key("P", "I", &1u32);
        assert_eq!(history.value(&key, 4), Some(&[10u8][..]));
        assert_eq!(history.value(&key, 5), Some(&[12u8][..]));
        assert_eq!(history.value(&key, 9), None);
        assert_eq!(history.keys(&item_key("P", "I"), None, 8).count(), 1);
        assert_eq!(history.keys(&item_key("P", "I"), None, 9).count(), 0);
        assert_eq!(history.keys(&item_key("P", "I"), Some(&key), 8).count(), 0);
    }
}
