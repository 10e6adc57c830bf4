//! Single values of the command line: times, counts, addresses, and how they are written.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// A time with its unit: `5s`, `800ms`, `1m 30s`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok() {
        return Err(format!("a time needs a unit, such as `{text}s` or `{text}ms`"));
    }
    let duration = humantime::parse_duration(text)
        .map_err(|_| "not a time; write a number and a unit, such as `5s`, `800ms` or `2m`".to_owned())?;
    if duration.is_zero() {
        return Err("must be longer than nothing, such as `1s`".to_owned());
    }
    // Longer waits are mistakes, and must not overflow the clock.
    if duration > Duration::from_secs(7 * 24 * 3600) {
        return Err("longer than a week; write a shorter time, such as `1h`".to_owned());
    }
    Ok(duration)
}

/// How often; more than a hundred retries is a mistake.
pub(super) fn parse_count(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|count| *count <= 100)
        .ok_or_else(|| "not a count; write a whole number from 0 to 100".to_owned())
}

/// A number without sign and point, as large as `T` holds.
pub(super) fn parse_whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "not a count; write a whole number from 0 up".to_owned())
}

/// An address and a port to listen on.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let explained = text.replacen("localhost:", "127.0.0.1:", 1);
    explained
        .parse()
        .map_err(|_| "not an address and a port; write them like `127.0.0.1:2255` or `[::1]:2255`".to_owned())
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

    #[test]
    fn counts_are_small_whole_numbers() {
        assert_eq!(parse_count("3"), Ok(3));
        for text in ["-1", "101", "1.5", "many", ""] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_to_listen_on_have_a_port() {
        assert_eq!(parse_listen("localhost:1"), Ok(SocketAddr::from(([127, 0, 0, 1], 1))));
        assert_eq!(parse_listen("[::1]:0"), Ok(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0))));
        for text in ["2255", ":2255", "127.0.0.1", "example.org:80", "127.0.0.1:99999"] {
            assert!(parse_listen(text).is_err(), "{text}");
        }
    }
}
