//! URIs of STUN and TURN servers (RFC 7064 §3.1, RFC 7065 §3.1), as far as a call can use them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

/// A URL that no call can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceUrlError {
    /// What is wrong.
    pub title: String,
    /// What to write instead.
    pub help: String,
}

impl IceUrlError {
    fn new(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), help: help.into() }
    }
}

const FORMS: &str = "write `stun:HOST[:PORT]`, `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:HOST[:PORT]`";

/// The URL of a STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceUrl {
    /// `turn:` or `turns:`, not `stun:` or `stuns:`.
    pub turn: bool,
    /// A name or an address, without the brackets of an IPv6 address.
    pub host: String,
    /// As stated, else the default of the scheme (RFC 7064 §3.2, RFC 7065 §3.2).
    pub port: u16,
    /// Whether the port is stated; else SRV records may say another (RFC 5928 §3).
    pub states_port: bool,
    /// How it is reached.
    pub transport: IceTransport,
}

/// How a STUN or TURN server is reached (RFC 7065 §3.2, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named like the protocols")]
pub enum IceTransport {
    Udp,
    Tcp,
    Tls,
    Dtls,
}

impl IceTransport {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Udp, Self::Tcp, Self::Tls, Self::Dtls];

    /// Such as `tls`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Dtls => "dtls",
        }
    }

    /// Whether a certificate is shown.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Dtls)
    }

    /// Whether it is carried by datagrams.
    #[must_use]
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Udp | Self::Dtls)
    }
}

/// Reads the URL of a STUN or TURN server (RFC 7064 §3.1, RFC 7065 §3.1).
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn parse_ice_url(url: &str) -> Result<IceUrl, IceUrlError> {
    let wrong = |why: &str| {
        IceUrlError::new(format!("`{}` is not the URL of an ICE server: {why}", shown(url)), FORMS)
    };
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(wrong("it has no scheme"));
    };
    if !SCHEMES.contains(&scheme) {
        return Err(wrong("its scheme is none of STUN and TURN"));
    }
    if rest.starts_with("//") {
        return Err(wrong("STUN and TURN URLs have no `//`"));
    }
    let (authority, query) = rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
    let (host, port) = check_authority(authority).map_err(|why| wrong(&why))?;
    let stated = match query {
        None => None,
        Some("transport=udp") => Some(IceTransport::Udp),
        Some("transport=tcp") => Some(IceTransport::Tcp),
        Some(_) => return Err(wrong("its query is not `?transport=udp` or `?transport=tcp`")),
    };
    if stated.is_some() && scheme.starts_with("stun") {
        return Err(wrong("a STUN URL has no transport"));
    }
    let secure = scheme.ends_with('s');
    let transport = match (secure, stated) {
        (false, stated) => stated.unwrap_or(IceTransport::Udp),
        (true, Some(IceTransport::Udp)) => IceTransport::Dtls,
        (true, _) => IceTransport::Tls,
    };
    let states_port = port.is_some();
    let port = port.unwrap_or(if secure { 5349 } else { 3478 });
    Ok(IceUrl { turn: scheme.starts_with("turn"), host, port, states_port, transport })
}

/// Whether this is a TURN server; an error if no call can use it.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn check_ice_url(url: &str) -> Result<bool, IceUrlError> {
    let read = parse_ice_url(url)?;
    if !read.turn && read.transport != IceTransport::Udp {
        return Err(IceUrlError::new(
            format!("`{}` is of no use in a call: what STUN over TLS sees is no address for UDP", shown(url)),
            "use `stun:`, or `turns:` for a relay",
        ));
    }
    Ok(read.turn)
}

const SCHEMES: [&str; 4] = ["stun", "stuns", "turn", "turns"];

/// So much of a URL that is wrong is shown.
const SHOWN: usize = 80;

/// A URL that is wrong, for people: it may hold credentials where none belong, and anything else.
fn shown(url: &str) -> String {
    let (rest, query) = url.split_once('?').map_or((url, ""), |(rest, _)| (rest, "?..."));
    let rest = match rest.rsplit_once('@') {
        Some((before, host)) => {
            let scheme =
                before.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| SCHEMES.contains(scheme));
            format!("{}:...@{host}", scheme.unwrap_or("..."))
        }
        None => rest.to_owned(),
    };
    let mut text: String = rest.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if rest.chars().nth(SHOWN).is_some() {
        text.push_str("...");
    }
    text + query
}

/// `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
fn check_authority(authority: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or("`[` has no `]`")?;
            if !address.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) {
                return Err("what stands in `[]` is not an IPv6 address".to_owned());
            }
            if !after.is_empty() && !after.starts_with(':') {
                return Err("what stands after the address is not a port".to_owned());
            }
            (address, after.strip_prefix(':'))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    if authority.contains('@') {
        return Err("user and credential have no place in it, and are given apart".to_owned());
    }
    // Names of other alphabets are letters too; anything else is in no name and in no address.
    let foreign = |letter: char| !letter.is_alphanumeric() && !"-._~:".contains(letter);
    if host.contains(foreign) {
        return Err("it is not a host and a port".to_owned());
    }
    match port.map(str::parse::<u16>) {
        None => Ok((host.to_owned(), None)),
        Some(Ok(port @ 1..)) => Ok((host.to_owned(), Some(port))),
        Some(_) => Err("the port is not a port".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_uses_stun_and_turn_over_udp() {
        for (url, turn) in [
            ("stun:stun.example.org", false),
            ("stun:192.0.2.1:3478", false),
            ("turn:turn.example.org", true),
            ("turn:turn.example.org:443?transport=udp", true),
            ("turn:turn.example.org?transport=tcp", true),
            ("turns:turn.example.org", true),
            ("turns:turn.example.org?transport=udp", true),
            ("turn:[2001:db8::1]:3478", true),
        ] {
            assert_eq!(check_ice_url(url), Ok(turn), "{url}");
        }
    }

    #[test]
    fn a_url_names_host_port_and_transport() {
        for (url, turn, host, port, transport) in [
            ("stun:a", false, "a", 3478, IceTransport::Udp),
            ("stuns:a", false, "a", 5349, IceTransport::Tls),
            ("turn:a?transport=tcp", true, "a", 3478, IceTransport::Tcp),
            ("turns:a:443", true, "a", 443, IceTransport::Tls),
            ("turns:[::1]?transport=udp", true, "::1", 5349, IceTransport::Dtls),
            ("turns:a?transport=tcp", true, "a", 5349, IceTransport::Tls),
        ] {
            let host = host.to_owned();
            let states_port = port == 443;
            assert_eq!(parse_ice_url(url), Ok(IceUrl { turn, host, port, states_port, transport }), "{url}");
        }
    }

    #[test]
    fn a_wrong_url_shows_no_credential_and_no_control_character() {
        for url in [
            "turn:me:hunter2@host",
            "turn:hunter2@host:99999",
            "hunter2:pw@host",
            "turn://me:hunter2@host",
            "turn:host?password=hunter2",
            "turn:host?transport=udp&credential=hunter2",
            "stuns:host?hunter2",
            "turn:a\u{1b}[2J\u{7}\u{202e}",
            "\u{1b}[2J",
        ] {
            let error = check_ice_url(url).map_err(|error| error.title + &error.help).unwrap_err();
            assert!(!error.contains("hunter2") && !error.chars().any(char::is_control), "{error:?}");
            assert!(!error.contains('\u{202e}'), "{error:?}");
        }
        let long = check_ice_url(&format!("turn:{}@", "x".repeat(5000))).unwrap_err();
        assert!(long.title.len() < 300, "{}", long.title);
    }

    #[test]
    fn what_no_call_can_use_is_said() {
        for (url, says) in [
            ("stuns:stun.example.org", "of no use"),
            ("turn:turn.example.org?transport=sctp", "transport=udp"),
            ("turn:turn.example.org?transport=udp&x", "transport=udp"),
            ("stun:stun.example.org?transport=udp", "no transport"),
            ("turn://turn.example.org", "no `//`"),
            ("turn:", "no host"),
            ("turn::3478", "no host"),
            ("turn:host:99999", "not a port"),
            ("turn:host:0", "not a port"),
            ("turn:host:", "not a port"),
            ("turn:[::1", "no `]`"),
            ("turn:[host]:1", "not an IPv6"),
            ("turn:[::1]x", "not a port"),
            ("turn:user@host", "given apart"),
            ("turn:a\u{1b}[31m", "not a host"),
            ("turn:a b", "not a host"),
            ("https://example.org", "none of STUN"),
            ("turn.example.org", "no scheme"),
            ("", "no scheme"),
        ] {
            let error = check_ice_url(url).map_err(|error| error.title + &error.help).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
