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

/// A time as `2025-01-30 10:32:40 UTC`, or as bare seconds outside of the years that periods can have.
pub fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_else(|_| seconds.to_string())
}

/// A stretch of time as `3 h 12 min`: the two largest units that it has, rounded down.
pub fn duration(seconds: i128) -> String {
    let sign = if seconds < 0 { "−" } else { "" };
    let mut rest = seconds.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { format!("{sign}{}", parts.join(" ")) }
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
    fn durations_have_their_two_largest_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (1_800, "30 min"),
            (2_460, "41 min"),
            (11_525, "3 h 12 min"),
            (86_400, "1 d"),
            (86_459, "1 d"),
            (180_000, "2 d 2 h"),
            (-61, "−1 min 1 s"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
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
