//! The imprecise reader of floats (B8): the default one of `serde_json`, without its feature `float_roundtrip`.
//!
//! It takes the digits for an integer and multiplies or divides that by a power of ten, each rounded, so that the
//! result can be the neighbour of the float that was written. Fix-ups hash what it understood, so it is part of
//! the record.

/// Largest power of ten that is a float.
const MAX_POWER: i32 = 308;

/// What the reader understands of a float as receipts print it.
pub(super) fn read_imprecisely(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text),
    };
    let (mantissa, exponent) = match digits.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (mut significand, mut exponent) = (0_u64, exponent);
    for (digit, behind_point) in
        whole.bytes().map(|digit| (digit, false)).chain(fraction.bytes().map(|digit| (digit, true)))
    {
        let longer = significand.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit & 0x0f)));
        match longer {
            Some(longer) => {
                significand = longer;
                exponent -= i32::from(behind_point);
            }
            // What does not fit is dropped; before the point it still counts as a place.
            None => exponent += i32::from(!behind_point),
        }
    }
    sign * scale(nearest(significand), exponent)
}

/// A float times a power of ten, in one step where there is such a power.
fn scale(value: f64, exponent: i32) -> f64 {
    if exponent >= 0 {
        return value * power_of_ten(exponent);
    }
    if exponent >= -MAX_POWER {
        return value / power_of_ten(-exponent);
    }
    scale(value / power_of_ten(MAX_POWER), exponent + MAX_POWER)
}

/// The float nearest to a power of ten.
fn power_of_ten(exponent: i32) -> f64 {
    // Reading its text is exact; multiplying tens is not from 1e23 on.
    format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
}

#[expect(clippy::cast_precision_loss, reason = "the reader takes the nearest float, too")]
fn nearest(significand: u64) -> f64 {
    significand as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_short_fractions_are_understood() {
        for value in [0.0, 1.0, 18.626_46, 0.5, 1e15, 1e16, 2e-6, 1e-7, -0.25] {
            assert_eq!(read_imprecisely(value).to_bits(), value.to_bits(), "{value}");
        }
        assert!(read_imprecisely(f64::NAN).is_nan());
    }

    /// 15.641695439815521 is read as 15641695439815521 / 1e15. The integer is above 2^53 and odd, so it is first
    /// rounded to 15641695439815520 or ...522; the tie goes to the even mantissa, which is ...520.
    #[test]
    fn seventeen_digits_are_rounded_twice() {
        let value: f64 = 15.641_695_439_815_521;
        let expected = 15_641_695_439_815_520.0_f64 / 1e15;
        assert_eq!(read_imprecisely(value).to_bits(), expected.to_bits());
    }

    #[test]
    fn small_exponents_are_divided_in_steps() {
        assert_eq!(read_imprecisely(5e-324).to_bits(), (5.0_f64 / 1e308 / 1e16).to_bits());
    }
}
