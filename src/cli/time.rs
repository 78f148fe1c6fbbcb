//! Ranges as people type them.

/// Start and end of a time range, `FROM..TO` in RFC 3339 or in unix seconds, as unix seconds.
///
/// # Errors
/// Says which part cannot be read.
pub fn parse_time_range(text: &str) -> Result<(i64, i64), String> {
    let (from, to) = text.split_once("..").ok_or("expected FROM..TO")?;
    let (from, to) = (parse_time(from)?, parse_time(to)?);
    if to <= from { Err("the range ends before it starts".into()) } else { Ok((from, to)) }
}

/// A time in RFC 3339 or in unix seconds.
///
/// # Errors
/// Says what a time looks like.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|e| format!("{text:?} is neither unix seconds nor RFC 3339 (2024-12-01T00:00:00Z): {e}"))?;
    if moment.subsec_nanosecond() != 0 {
        return Err(format!("{text:?} has a fraction of a second; give whole seconds"));
    }
    Ok(moment.as_second())
}

/// Heights of the first and the last block of a range, `FIRST..LAST`, both included.
///
/// # Errors
/// Says which part cannot be read.
pub fn parse_heights(text: &str) -> Result<(u32, u32), String> {
    let (first, last) = text.split_once("..").ok_or("expected FIRST..LAST")?;
    let height =
        |text: &str| text.parse::<u32>().map_err(|e| format!("{text:?} is not the height of a block: {e}"));
    let (first, last) = (height(first)?, height(last)?);
    if last < first { Err("the range ends before it starts".into()) } else { Ok((first, last)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(parse_time_range("2024-11-30T12:56:40Z..1735602280"), Ok((1_732_971_400, 1_735_602_280)));
        assert_eq!(parse_time_range("2024-11-30T13:56:40+01:00..1735602280").unwrap().0, 1_732_971_400);
        for bad in
            ["1", "1..", "a..b", "2..1", "2024-11-30..1735602280", "2024-11-30T12:56:40.5Z..1735602280"]
        {
            assert!(parse_time_range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn heights_are_read_and_nothing_else() {
        assert_eq!(parse_heights("1..640"), Ok((1, 640)));
        for bad in ["1", "..", "1..=2", "-1..2", "2..1", "1..4294967296"] {
            assert!(parse_heights(bad).is_err(), "{bad}");
        }
    }
}
