//! Exact arithmetic, and the wrapping arithmetic of the reference implementation.
//!
//! The release build of the reference implementation (minting_v3) computes in `u64` and `i64` and lets
//! them wrap. The rules here are written once, over integers wide enough never to overflow; wherever the
//! reference holds a `u64` or an `i64`, the value passes through a [`Calculator`], which either wraps it or
//! leaves it alone and remembers that the reference would have got something else.

use serde::{Deserialize, Serialize};

/// How the rules compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arithmetic {
    /// With the right numbers.
    Exact,
    /// As the release build of the reference implementation does.
    Wrapping,
}

/// The bits that a 64-bit integer keeps.
const LOW: i128 = (1 << 64) - 1;

/// Computes in one of the two ways, and knows whether they differed.
#[derive(Debug)]
pub(super) struct Calculator {
    arithmetic: Arithmetic,
    diverged: bool,
}

impl Calculator {
    pub(super) fn new(arithmetic: Arithmetic) -> Self {
        Self { arithmetic, diverged: false }
    }

    /// True once a value was not what the other arithmetic would have made of it.
    pub(super) fn diverged(&self) -> bool {
        self.diverged
    }

    /// A value that the reference holds in an `i64`.
    pub(super) fn signed(&mut self, value: i128) -> i128 {
        // The low half, its sign carried upwards.
        self.choose(value, value << 64 >> 64)
    }

    /// A value that the reference holds in a `u64`.
    pub(super) fn unsigned(&mut self, value: i128) -> i128 {
        self.choose(value, value & LOW)
    }

    /// Seconds between two times. A negative difference is no time at all; the reference casts it to `u64`.
    pub(super) fn elapsed(&mut self, difference: i128) -> i128 {
        self.choose(difference.max(0), difference & LOW)
    }

    /// Sum of two amounts that the reference holds in a `u64`.
    pub(super) fn add(&mut self, a: u128, b: u128) -> u128 {
        self.amount(a.saturating_add(b))
    }

    /// Product of two amounts that the reference holds in a `u64`.
    ///
    /// An exact product that leaves even `u128` stops there. What is divided afterwards is at most a price
    /// of 32 bits and a thousand, so that it still leaves `u64` by far and is never paid.
    pub(super) fn multiply(&mut self, a: u128, b: u128) -> u128 {
        self.amount(a.saturating_mul(b))
    }

    fn amount(&mut self, value: u128) -> u128 {
        self.choose(value, value & u128::from(u64::MAX))
    }

    fn choose<T: Copy + PartialEq>(&mut self, exact: T, wrapped: T) -> T {
        self.diverged |= exact != wrapped;
        match self.arithmetic {
            Arithmetic::Exact => exact,
            Arithmetic::Wrapping => wrapped,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Number of values of a 64-bit integer.
    const WORD: i128 = 1 << 64;

    fn both<T>(step: impl Fn(&mut Calculator) -> T) -> (T, T, bool) {
        let mut exact = Calculator::new(Arithmetic::Exact);
        let mut wrapping = Calculator::new(Arithmetic::Wrapping);
        let results = (step(&mut exact), step(&mut wrapping));
        assert_eq!(exact.diverged(), wrapping.diverged());
        (results.0, results.1, exact.diverged())
    }

    #[test]
    fn values_that_fit_are_equal_in_both() {
        assert_eq!(both(|c| c.signed(i128::from(i64::MIN))), (i64::MIN.into(), i64::MIN.into(), false));
        assert_eq!(both(|c| c.unsigned(WORD - 1)), (WORD - 1, WORD - 1, false));
        assert_eq!(both(|c| c.elapsed(0)), (0, 0, false));
        assert_eq!(both(|c| c.multiply(3, 4)), (12, 12, false));
    }

    proptest! {
        #[test]
        fn wrapping_keeps_what_64_bits_keep(value: i128, shift in 0u32..128) {
            let value = value >> shift;
            let low = value.rem_euclid(WORD);
            let signed = if low >= WORD / 2 { low - WORD } else { low };
            prop_assert_eq!(both(|c| c.signed(value)), (value, signed, value != signed));
            prop_assert_eq!(both(|c| c.unsigned(value)), (value, low, value != low));
            prop_assert_eq!(both(|c| c.elapsed(value)), (value.max(0), low, value.max(0) != low));
        }
    }

    #[test]
    fn values_that_do_not_fit_wrap_only_in_one() {
        assert_eq!(both(|c| c.signed(1 << 63)), (1 << 63, i64::MIN.into(), true));
        assert_eq!(both(|c| c.unsigned(-1)), (-1, WORD - 1, true));
        assert_eq!(both(|c| c.elapsed(-5)), (0, WORD - 5, true));
        assert_eq!(both(|c| c.add(u64::MAX.into(), 2)), (1 << 64 | 1, 1, true));
        assert_eq!(both(|c| c.multiply(1 << 63, 2)), (1 << 64, 0, true));
        assert_eq!(both(|c| c.multiply(u128::MAX, 2)).0, u128::MAX);
    }
}
