//! Minting periods.

/// A minting period, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Number; period 81 is about January 2025.
    pub number: u32,
    /// First second.
    pub start: u64,
    /// Second at which the next period starts.
    pub end: u64,
}

impl Period {
    /// The period with this number: every period has 2,630,880 seconds, counted from 1,522,501,000.
    pub fn new(number: u32) -> Self {
        let start = 1_522_501_000 + u64::from(number) * 2_630_880;
        Self { number, start, end: start + 2_630_880 }
    }
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn period_81_is_january_2025() {
        assert_eq!((Period::new(81).start, Period::new(81).end), (1_735_602_280, 1_738_233_160));
    }
}
