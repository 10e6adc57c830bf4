//! Times, as people write them.

use std::time::Duration;

/// Longer times are mistakes, and must not overflow the clock.
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// A time with its unit: `5s`, `800ms`, `1m 30s`.
///
/// # Errors
/// What is wrong with it, and how to write it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok() {
        return Err(format!("a time needs a unit, such as `{text}s` or `{text}ms`"));
    }
    let duration = humantime::parse_duration(text)
        .map_err(|_| "not a time; write a number and a unit, such as `5s`, `800ms` or `2m`".to_owned())?;
    if duration.is_zero() {
        return Err("must be longer than nothing, such as `1s`".to_owned());
    }
    if duration > LONGEST {
        return Err("longer than a week; write a shorter time, such as `1h`".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_number_and_a_unit() {
        for (text, expected) in [("5s", 5_000), ("800ms", 800), ("1m 30s", 90_000), ("2m", 120_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for (text, says) in [
            ("5", "`5s`"),
            ("", "not a time"),
            ("soon", "not a time"),
            ("5 apples", "not a time"),
            ("-5s", "not a time"),
            ("0s", "longer than nothing"),
            ("400y", "longer than a week"),
            ("99999999999999999999s", "not a time"),
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
