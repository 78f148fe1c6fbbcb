//! Minting periods: the stretches of time that are paid at once.

use thiserror::Error;

/// Length of a numbered period: five years with two leap days, divided by their sixty months. It is a month
/// of 730.8 hours, and drifts against the calendar.
pub const PERIOD_SECONDS: i64 = 86_400 * (365 * 3 + 366 * 2) / 60;

/// Start of period 0, seconds since the epoch. Minting on this chain began with period 45.
const FIRST_START: i64 = 1_522_501_000;

/// Last second of the year 9999, the last a report can print.
const LAST_SECOND: i64 = 253_402_300_799;

/// A stretch of time to mint, from `start` (not included) to `end` (included), seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Where it starts; the first block of the period is the first one with a later time.
    pub start: i64,
    /// Where it ends and the next one starts.
    pub end: i64,
    /// Its number, or none for a free range of time.
    pub number: Option<u32>,
}

/// Why there is no such period.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// The range has no length.
    #[error("the range from {from} to {to} is empty; give an end that lies after the start")]
    Empty {
        /// Start asked for.
        from: i64,
        /// End asked for.
        to: i64,
    },
    /// The period ends after the year 9999.
    #[error("there is no period {number}: it would end after the year 9999")]
    TooLate {
        /// Number asked for.
        number: u32,
    },
    /// The range leaves the years 1970 to 9999.
    #[error("the range from {from} to {to} leaves the years 1970 to 9999; times are seconds since the epoch")]
    OutOfCalendar {
        /// Start asked for.
        from: i64,
        /// End asked for.
        to: i64,
    },
}

impl Period {
    /// The period with this number.
    ///
    /// # Errors
    /// If it ends after the year 9999.
    pub fn numbered(number: u32) -> Result<Self, PeriodError> {
        let start = FIRST_START + i64::from(number) * PERIOD_SECONDS;
        let range =
            Self::range(start, start + PERIOD_SECONDS).map_err(|_| PeriodError::TooLate { number })?;
        Ok(Self { number: Some(number), ..range })
    }

    /// Any range of time, to be minted to its own length.
    ///
    /// # Errors
    /// If `to` is not after `from`, or one of them lies outside the years 1970 to 9999.
    pub fn range(from: i64, to: i64) -> Result<Self, PeriodError> {
        if to <= from {
            return Err(PeriodError::Empty { from, to });
        }
        if from < 0 || to > LAST_SECOND {
            return Err(PeriodError::OutOfCalendar { from, to });
        }
        Ok(Self { start: from, end: to, number: None })
    }

    /// Length in seconds, at least 1.
    pub fn duration(&self) -> u64 {
        self.end.abs_diff(self.start).max(1)
    }

    /// Name of the folder its receipts lie in: `81`, or `1735602280-1735688680` for a free range.
    pub fn folder(&self) -> String {
        self.number.map_or_else(|| format!("{}-{}", self.start, self.end), |number| number.to_string())
    }

    /// The period whose unpaid receipts this one pays again; a free range pays none.
    pub fn previous(&self) -> Option<Self> {
        Self::numbered(self.number?.checked_sub(1)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_periods_start_where_the_published_table_says() {
        // 2025-01-30 10:32:40 UTC is 1738233160; 2024-03-31 22:32:40 UTC is 1711924360.
        assert_eq!(PERIOD_SECONDS, 2_630_880);
        assert_eq!(
            Period::numbered(82).unwrap(),
            Period { start: 1_738_233_160, end: 1_740_864_040, number: Some(82) }
        );
        assert_eq!(Period::numbered(72).unwrap().start, 1_711_924_360);
        assert_eq!(Period::numbered(71).unwrap().end, Period::numbered(72).unwrap().start);
    }

    #[test]
    fn a_range_has_its_own_length_and_folder_and_no_predecessor() {
        let day = Period::range(1_735_602_280, 1_735_688_680).unwrap();
        assert_eq!(day.duration(), 86_400);
        assert_eq!(day.folder(), "1735602280-1735688680");
        assert_eq!(day.previous(), None);
    }

    #[test]
    fn the_predecessor_is_the_number_before() {
        let period = Period::numbered(81).unwrap();
        assert_eq!(period.folder(), "81");
        assert_eq!(period.previous(), Some(Period::numbered(80).unwrap()));
        assert_eq!(Period::numbered(0).unwrap().previous(), None);
    }

    #[test]
    fn empty_reversed_and_far_ranges_are_errors() {
        assert_eq!(Period::range(5, 5), Err(PeriodError::Empty { from: 5, to: 5 }));
        assert_eq!(Period::range(6, 5), Err(PeriodError::Empty { from: 6, to: 5 }));
        assert_eq!(Period::range(-1, 5), Err(PeriodError::OutOfCalendar { from: -1, to: 5 }));
        assert!(Period::range(0, 253_402_300_800).is_err());
        assert_eq!(Period::numbered(u32::MAX), Err(PeriodError::TooLate { number: u32::MAX }));
    }
}
