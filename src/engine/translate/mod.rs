//! Where the text on the wire differs from the engine's: two types, and one table of rewrites with their reasons.
//!
//! The wire text is what is recorded, modelled and compared; the engine only ever sees its own.
//!
//! | difference | who mends it | why |
//! |---|---|---|
//! | `a=setup` of a re-answer | [`REWRITES`] | the engine always answers `active`; a flipped role is refused (RFC 8842 §5.5) |
//! | `a=ice-options:trickle` | [`REWRITES`] | we trickle and must say so (RFC 8840 §4.1.1) |
//! | candidates of component 2 | [`REWRITES`] | RTCP is multiplexed, so they do not exist (RFC 8834 §4.5) |
//! | direction of an answer | `set_direction` before `create_answer` | the engine answers `sendonly` with `sendrecv` (RFC 3264 §6.1) |
//! | mid and ufrag of a candidate | `gathering` | the engine gives an empty mid and no ufrag (W3C webrtc §4.8.1) |
//! | mid and ufrag of a peer's candidate | [`IceTarget`] | the engine takes any (W3C webrtc §4.4.2, addIceCandidate) |
//! | end of candidates | `gathering` | the engine never says it (RFC 8838 §8.2) |
//! | null and empty candidates | `Engine::add_candidate` | they mark the end and are no candidates |

mod sdp;
mod setup;

use crate::jsep::SdpType;

pub(super) use sdp::{IceTarget, Section, sections};
pub(super) use setup::SetupRole;

/// A description as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WireSdp(pub(super) String);

/// A description as the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EngineSdp(pub(super) String);

/// A change on the way from the engine to the wire.
struct Rewrite {
    #[cfg_attr(not(test), expect(dead_code, reason = "names the row in tests"))]
    name: &'static str,
    apply: fn(&mut Vec<String>, &Context),
}

/// What a rewrite may look at.
struct Context {
    sdp_type: SdpType,
    role: SetupRole,
}

/// Applied in this order to every description of ours.
const REWRITES: &[Rewrite] = &[
    Rewrite {
        name: "setup role kept in re-answers",
        apply: |lines, context| setup::keep_role(lines, context),
    },
    Rewrite { name: "trickle is announced", apply: announce_trickle },
    Rewrite { name: "no candidates for RTCP", apply: drop_rtcp_candidates },
];

/// Our description for the wire.
pub(super) fn to_wire(engine: &EngineSdp, sdp_type: SdpType, role: SetupRole) -> WireSdp {
    let context = Context { sdp_type, role };
    let mut lines: Vec<String> = engine.0.lines().map(str::to_owned).collect();
    REWRITES.iter().for_each(|rewrite| (rewrite.apply)(&mut lines, &context));
    WireSdp(lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect())
}

fn announce_trickle(lines: &mut Vec<String>, _: &Context) {
    if lines.iter().any(|line| line.starts_with("a=ice-options:")) {
        return;
    }
    let session_end = lines.iter().position(|line| line.starts_with("m=")).unwrap_or(lines.len());
    lines.insert(session_end, "a=ice-options:trickle".to_owned());
}

fn drop_rtcp_candidates(lines: &mut Vec<String>, _: &Context) {
    let component = |line: &str| line.strip_prefix("a=candidate:")?.split(' ').nth(1).map(str::to_owned);
    lines.retain(|line| component(line).as_deref() != Some("2"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(engine: &str, sdp_type: SdpType, role: SetupRole) -> String {
        let crlf = engine.replace('\n', "\r\n");
        to_wire(&EngineSdp(crlf), sdp_type, role).0.replace("\r\n", "\n")
    }

    /// Each row of the table: what the engine says, what goes over the wire.
    #[test]
    fn each_rewrite_does_its_one_thing() {
        let plain = SetupRole::default();
        let passive = SetupRole::default().after(Some("active"), Some("passive"));
        let cases = [
            (
                "setup role kept in re-answers",
                SdpType::Answer,
                passive,
                "a=ice-options:trickle\nm=audio\na=setup:active\nm=video\na=setup:active\n",
                "a=ice-options:trickle\nm=audio\na=setup:passive\nm=video\na=setup:passive\n",
            ),
            (
                "setup role kept in re-answers",
                SdpType::Offer,
                passive,
                "a=ice-options:trickle\nm=audio\na=setup:actpass\n",
                "a=ice-options:trickle\nm=audio\na=setup:actpass\n",
            ),
            (
                "trickle is announced",
                SdpType::Offer,
                plain,
                "v=0\nm=audio\na=mid:0\n",
                "v=0\na=ice-options:trickle\nm=audio\na=mid:0\n",
            ),
            (
                "no candidates for RTCP",
                SdpType::Answer,
                plain,
                "a=ice-options:trickle\nm=audio\na=candidate:1 1 udp 9 a 1 typ host\na=candidate:1 2 udp 9 a 1 typ host\n",
                "a=ice-options:trickle\nm=audio\na=candidate:1 1 udp 9 a 1 typ host\n",
            ),
        ];
        for (name, sdp_type, role, engine, expected) in cases {
            assert!(REWRITES.iter().any(|rewrite| rewrite.name == name), "no rewrite is called {name}");
            assert_eq!(wire(engine, sdp_type, role), expected, "{name}");
        }
    }

    #[test]
    fn a_text_that_needs_nothing_is_left_alone() {
        let text = "v=0\na=ice-options:trickle\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=setup:active\n";
        assert_eq!(wire(text, SdpType::Answer, SetupRole::default()), text);
    }
}
