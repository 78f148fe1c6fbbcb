//! Random states.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Keys and values.
pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// A key: now and then one as storage has them, with a long shared prefix; else a short one of few letters, so that keys
/// share beginnings and begin with each other.
pub fn key(rng: &mut ChaCha8Rng) -> Vec<u8> {
    if rng.random_ratio(1, 4) {
        let mut key = vec![rng.random_range(0..2_u8); 32];
        key.extend((0..rng.random_range(0..24)).map(|_| rng.random::<u8>()));
        return key;
    }
    let length = rng.random_range(0..6);
    (0..length)
        .map(
            |_| {
                if rng.random_ratio(1, 4) { rng.random() } else { [0, 1, 0x10, 0xff][rng.random_range(0..4)] }
            },
        )
        .collect()
}

/// A value: empty, short, about as long as the longest that layout 1 keeps in a node, or long.
pub fn value(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let length = match rng.random_range(0..16) {
        0 | 1 => 0,
        2 => rng.random_range(90..1_000),
        3..7 => rng.random_range(31..=33),
        _ => rng.random_range(0..90),
    };
    (0..length).map(|_| rng.random()).collect()
}

/// Up to `most` pairs.
pub fn state(rng: &mut ChaCha8Rng, most: usize) -> State {
    let count = rng.random_range(0..=most);
    (0..count).map(|_| (key(rng), value(rng))).collect()
}
