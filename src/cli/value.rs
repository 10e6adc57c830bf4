//! Single values of the command line: times, counts, addresses, and how they are written.

use std::net::SocketAddr;
use std::str::FromStr;

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
