//! What a datagram is, and how its contents are changed.

/// All of them.
pub(super) fn any(_: &[u8]) -> bool {
    true
}

/// A Binding request (RFC 8489 §5).
pub(super) fn request(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0x00, 0x01])
}

/// A Binding request that nominates: with USE-CANDIDATE (RFC 8445 §16.1).
pub(super) fn nominates(datagram: &[u8]) -> bool {
    const USE_CANDIDATE: [u8; 2] = [0x00, 0x25];
    request(datagram) && attributes(datagram).any(|attribute| attribute.starts_with(&USE_CANDIDATE))
}

fn attributes(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = datagram.get(20..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        let (attribute, behind) = rest.split_at_checked((4 + length).next_multiple_of(4))?;
        rest = behind;
        Some(attribute)
    })
}

/// A ClientHello in the clear (RFC 6347 §4.2.2).
pub(super) fn client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(3..5) == Some(&[0, 0]) && datagram.get(13) == Some(&1)
}

/// The ClientHello names DTLS 1.0 as its version, which nobody speaks any more.
pub(super) fn old_version(datagram: &mut [u8]) {
    if let Some(version) = datagram.get_mut(25..27) {
        version.copy_from_slice(&[0xfe, 0xff]);
    }
}

/// Every cipher suite of the ClientHello is one that nobody has.
pub(super) fn unknown_ciphers(datagram: &mut [u8]) {
    if let Some((_, suites)) = cipher_suites(datagram) {
        for suite in datagram[suites].chunks_exact_mut(2) {
            suite.copy_from_slice(&[0x5a, 0x5a]);
        }
    }
}

/// Every SRTP protection profile of the ClientHello is one that nobody has (RFC 5764 §4.1.1).
pub(super) fn unknown_profiles(datagram: &mut [u8]) {
    const USE_SRTP: u16 = 14;
    let Some(profiles) = extension(datagram, USE_SRTP) else { return };
    let Some(length) = datagram.get(profiles.start..profiles.start + 2) else { return };
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if let Some(list) = datagram.get_mut(profiles.start + 2..profiles.start + 2 + length) {
        list.chunks_exact_mut(2).for_each(|profile| profile.copy_from_slice(&[0x5a, 0x5a]));
    }
}

/// A DTLS record with data of an application, which in WebRTC is SCTP (RFC 8261 §3).
pub(super) fn application_data(datagram: &[u8]) -> bool {
    datagram.first() == Some(&23)
}

/// A fatal alert stands where the record was (RFC 5246 §7.2).
pub(super) fn fatal_alert(datagram: &mut Vec<u8>, alert: u8) {
    // Type alert, DTLS 1.2, epoch and number of the record that it replaces.
    let number: Vec<u8> = datagram.get(3..11).map_or_else(|| vec![0; 8], <[u8]>::to_vec);
    *datagram = [&[21, 0xfe, 0xfd][..], &number, &[0, 2, 2, alert]].concat();
}

type Span = std::ops::Range<usize>;

/// Where the session id ends, and where the cipher suites are.
fn cipher_suites(hello: &[u8]) -> Option<(usize, Span)> {
    // Record header 13, handshake header 12, version 2, random 32.
    let session = 13 + 12 + 2 + 32;
    let cookie = session + 1 + usize::from(*hello.get(session)?);
    let suites = cookie + 1 + usize::from(*hello.get(cookie)?);
    let length = usize::from(u16::from_be_bytes([*hello.get(suites)?, *hello.get(suites + 1)?]));
    let span = suites + 2..suites + 2 + length;
    (span.end <= hello.len()).then_some((cookie, span))
}

/// The contents of an extension of a ClientHello (RFC 5246 §7.4.1.4).
fn extension(hello: &[u8], wanted: u16) -> Option<Span> {
    let (_, suites) = cipher_suites(hello)?;
    let mut at = suites.end + 1 + usize::from(*hello.get(suites.end)?) + 2;
    loop {
        let number = |at: usize| Some(u16::from_be_bytes([*hello.get(at)?, *hello.get(at + 1)?]));
        let (kind, length) = (number(at)?, usize::from(number(at + 2)?));
        if kind == wanted {
            return (at + 4 + length <= hello.len()).then_some(at + 4..at + 4 + length);
        }
        at += 4 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Vec<u8> {
        let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        hello.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        hello.extend([0xfe, 0xfd]);
        hello.extend([7; 32]);
        hello.extend([0, 0]);
        hello.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
        hello.extend([0, 15, 0, 10, 0, 2, 1, 1, 0, 14, 0, 5, 0, 2, 0, 7, 0]);
        hello
    }

    #[test]
    fn what_a_datagram_is_stands_in_its_first_bytes() {
        assert!(any(&hello()) && client_hello(&hello()) && !request(&hello()));
        let mut check = vec![0, 1, 0, 12];
        check.extend([0; 16]);
        assert!(request(&check) && !nominates(&check) && !client_hello(&check));
        check.extend([0, 6, 0, 1, 9, 0, 0, 0, 0, 0x25, 0, 0]);
        assert!(nominates(&check));
    }

    #[test]
    fn a_hello_is_changed_where_it_should_be() {
        let mut changed = hello();
        unknown_ciphers(&mut changed);
        assert_eq!(changed[61..67], [0, 4, 0x5a, 0x5a, 0x5a, 0x5a]);
        let mut changed = hello();
        unknown_profiles(&mut changed);
        assert!(changed.ends_with(&[0, 14, 0, 5, 0, 2, 0x5a, 0x5a, 0]), "{changed:?}");
        let mut changed = hello();
        old_version(&mut changed);
        assert_eq!(changed[25..27], [0xfe, 0xff]);
        fatal_alert(&mut changed, 80);
        assert_eq!(changed, [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 80]);
    }

    #[test]
    fn short_datagrams_are_left_alone() {
        for length in 0..90 {
            let mut cut = hello();
            cut.truncate(length);
            unknown_ciphers(&mut cut);
            unknown_profiles(&mut cut);
            old_version(&mut cut);
        }
    }
}
