//! Mutations: small changes of an input that is nearly right find more than noise.

use rand::{Rng, rngs::StdRng};

/// Integers at which code that counts goes wrong.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// Longest input that is made of a seed: lengths are not what is to be found.
const MAX_LEN: usize = 1 << 18;

/// Changes an input in one to eight places; `other` is a second input to take pieces from.
pub fn mutate(rng: &mut StdRng, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1u32 << rng.random_range(0..4) {
        change(rng, &mut bytes, other);
    }
    bytes.truncate(MAX_LEN);
    bytes
}

fn change(rng: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = rng.random_range(0..=bytes.len());
    let end = at.saturating_add(rng.random_range(0..32)).min(bytes.len());
    match rng.random_range(0..10) {
        0..3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.random_range(0..8);
            }
        }
        3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.random();
            }
        }
        4 => overwrite(bytes, at, &edge(rng)),
        5 => bytes.truncate(at),
        6 => drop(bytes.drain(at..end)),
        7 => {
            let piece = bytes.get(at..end).unwrap_or_default().to_vec();
            bytes.splice(at..at, piece);
        }
        8 => {
            let from = rng.random_range(0..=other.len());
            let to = from.saturating_add(rng.random_range(0..64)).min(other.len());
            let piece = other.get(from..to).unwrap_or_default().iter().copied();
            bytes.splice(at..end, piece);
        }
        _ => digit(rng, bytes, at),
    }
}

/// An integer at an edge, in one of the widths and orders that formats use.
fn edge(rng: &mut StdRng) -> Vec<u8> {
    let value = EDGES.get(rng.random_range(0..EDGES.len())).copied().unwrap_or_default();
    let width = 1usize << rng.random_range(0..4);
    value.to_le_bytes().into_iter().take(width).collect()
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}

/// Puts an edge in the place of the next number of a text.
fn digit(rng: &mut StdRng, bytes: &mut Vec<u8>, at: usize) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let tail = bytes.get(at..).unwrap_or_default();
    let Some(start) = tail.iter().position(is_digit).and_then(|start| at.checked_add(start)) else { return };
    let tail = bytes.get(start..).unwrap_or_default();
    let length = tail.iter().position(|byte| !is_digit(byte)).unwrap_or(tail.len());
    let number = EDGES.get(rng.random_range(0..EDGES.len())).copied().unwrap_or_default();
    let text = match rng.random_range(0..4) {
        0 => format!("-{number}"),
        1 => format!("{number}e99"),
        2 => format!("0.{number}"),
        _ => number.to_string(),
    };
    bytes.splice(start..start.saturating_add(length), text.into_bytes());
}
