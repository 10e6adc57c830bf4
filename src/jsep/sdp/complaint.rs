//! What can be wrong with a description: each fault with the clause that forbids it and the way to mend it.

use serde::Serialize;

use super::secrets::masked;

/// How much of a bad value a complaint shows.
const MAX_SHOWN: usize = 40;

/// A line that could not be understood, or contradicts another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// The line; the first one is 1. What is missing is complained of where it should stand: at the section's `m=`
    /// line, or at line 1.
    pub line: usize,
    /// What kind of fault it is; its clause and its remedy hang on it.
    pub fault: Fault,
    /// What is wrong, with the value.
    pub text: String,
}

impl Complaint {
    pub(super) fn new(line: usize, fault: Fault, text: impl Into<String>) -> Self {
        Self { line, fault, text: text.into() }
    }

    /// The clause that is broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.fault.clause()
    }

    /// How to mend it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        self.fault.help()
    }
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident: $clause:literal, $help:literal;)+) => {
        /// The kinds of fault in a description.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault { $($(#[doc = $doc])* $name),+ }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The clause that is broken.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause),+ }
            }

            /// How to mend it.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help),+ }
            }
        }
    };
}

faults! {
    /// There is no line at all.
    Empty: "RFC 8866 §5", "send the text that createOffer() or createAnswer() gave";
    /// Bytes that are not UTF-8.
    NotUtf8: "RFC 8866 §5", "encode the description as UTF-8";
    /// CRLF here, LF there.
    MixedLineEnds: "RFC 8866 §5", "end every line with CRLF; do not edit the text by hand";
    /// A control character inside a line.
    ControlCharacter: "RFC 8866 §9", "remove it; only CRLF ends a line";
    /// Longer than any honest line; the limit is callcheck's own.
    LongLine: "RFC 8866 §5 (the limit of 8192 bytes is callcheck's)", "see what wrote this line";
    /// Not `x=value`.
    NotALine: "RFC 8866 §5", "a line is one letter, `=` and a value, without spaces around `=`";
    /// All lines stand in one.
    LineEndsLost: "RFC 8866 §5", "end every line with CRLF; do not join the lines, and carry the text untouched";
    /// The text does not begin with `v=0`.
    Version: "RFC 8866 §5.1", "begin the description with `v=0`";
    /// `o=` is missing or lacks fields.
    Origin: "RFC 8866 §5.2", "write `o=- <session id> <version> IN IP4 127.0.0.1`";
    /// `s=` is missing.
    SessionName: "RFC 8866 §5.3", "write `s=-` after `o=`";
    /// `t=` is missing.
    Time: "RFC 8866 §5.9", "write `t=0 0` after `s=`";
    /// An `m=` line with too few fields.
    MediaLine: "RFC 8866 §5.14", "write `m=<media> <port> <protocol> <formats>`";
    /// A port that is not 0 to 65535.
    Port: "RFC 8866 §5.14", "write 9 for a port that ICE will find, 0 to reject the section";
    /// Neither audio, video nor application.
    UnknownMedia: "RFC 9429 §5.3.1", "a peer rejects what it does not know: answer it with port 0";
    /// A protocol that WebRTC does not speak.
    UnknownProtocol: "RFC 9429 §5.1.2", "use `UDP/TLS/RTP/SAVPF` for media, `UDP/DTLS/SCTP` for data";
    /// A format that is not a payload type.
    PayloadType: "RFC 8866 §5.14, RFC 3551 §6", "a payload type is a number from 0 to 127";
    /// An attribute of a payload type that the `m=` line does not list.
    UnlistedPayloadType: "RFC 8866 §6.6", "list the payload type in the `m=` line, or remove the attribute with it";
    /// A dynamic payload type that nothing names.
    UnmappedPayloadType: "RFC 8866 §6.6, RFC 3551 §3", "add `a=rtpmap`, or take the payload type off the `m=` line";
    /// `a=rtpmap` without a name or a clock rate.
    Rtpmap: "RFC 8866 §6.6", "write `a=rtpmap:<payload type> <name>/<clock rate>`";
    /// A payload type means two codecs on one transport.
    PayloadTypeConflict: "RFC 9143 §9.1.1", "give each codec of the bundle its own payload type";
    /// A section without `a=mid` where mids are used.
    MissingMid: "RFC 9429 §5.2.1, RFC 9143 §7", "give every section its own `a=mid`";
    /// The same mid twice.
    DuplicateMid: "RFC 5888 §4", "give every section its own `a=mid`";
    /// A mid that is no token, or a second one.
    Mid: "RFC 5888 §4", "one `a=mid` with a short token, such as `0`";
    /// BUNDLE names a section that is not there.
    BundleOfAbsentMid: "RFC 9143 §7", "name in `a=group:BUNDLE` only mids that an m-section has";
    /// A mid stands in BUNDLE twice.
    BundledTwice: "RFC 9143 §7", "name each mid once, in one BUNDLE group";
    /// The answer bundles what the offer does not.
    BundleNotOffered: "RFC 9143 §7.3", "answer a BUNDLE group with a part of it, and add none of your own";
    /// Two directions in one section.
    SecondDirection: "RFC 8866 §6.7", "keep one of sendrecv, sendonly, recvonly and inactive";
    /// A malformed `a=msid`.
    Msid: "RFC 8830 §2", "write `a=msid:<stream or -> <track>`, ids of 1 to 64 token characters";
    /// A malformed `a=ssrc` or `a=ssrc-group`.
    Ssrc: "RFC 5576 §4", "write `a=ssrc:<number> cname:<name>`";
    /// The same SSRC in two sections.
    DuplicateSsrc: "RFC 3550 §8, RFC 9143 §9.2", "give each source its own SSRC";
    /// A malformed `a=extmap`.
    Extmap: "RFC 8285 §8", "write `a=extmap:<id> <uri>` with an id from 1 to 255, not 15 beside one-byte ids";
    /// An id stands for two extensions in one section.
    DuplicateExtmap: "RFC 8285 §6", "give each header extension of the section its own id";
    /// An id means one extension here and another there, on one transport.
    ExtmapConflict: "RFC 9143 §12", "use the same id for the same header extension in the whole bundle";
    /// A malformed `a=rid`, or one twice.
    Rid: "RFC 8851 §4", "write `a=rid:<id> send` or `recv`, each id once in a section";
    /// A malformed `a=simulcast`, or one that names no rid of the section.
    Simulcast: "RFC 8853 §5.1", "write `a=simulcast:send <rid>;<rid>` with rids of this section";
    /// An unknown `a=setup`.
    Setup: "RFC 4145 §4, RFC 8842 §5", "offer `actpass`, answer `active` or `passive`";
    /// A role that may not be offered, or not be answered.
    SetupRole: "RFC 9429 §5.2.1, §5.3.1; RFC 4145 §4.1", "offer `actpass`, answer `active` or `passive`";
    /// An accepted section without a DTLS role.
    MissingSetup: "RFC 9429 §5.2.1, RFC 8842 §5", "add `a=setup`";
    /// A malformed `a=fingerprint`.
    Fingerprint: "RFC 8122 §5", "write `a=fingerprint:sha-256 <hex with colons>`";
    /// An accepted section without a fingerprint.
    MissingFingerprint: "RFC 9429 §5.2.1, RFC 8122 §5", "add `a=fingerprint` to the section or the session";
    /// A user fragment or password of the wrong length or characters.
    IceCredentials: "RFC 8839 §5.4", "a ufrag has 4 to 256, a password 22 to 256 of letters, digits, `+` and `/`";
    /// An accepted section without ICE credentials.
    MissingIceCredentials: "RFC 8839 §4.2, RFC 9429 §5.2.1", "add `a=ice-ufrag` and `a=ice-pwd`";
    /// A malformed candidate.
    Candidate: "RFC 8839 §5.1", "write `a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>`";
    /// Sections of one transport without `a=rtcp-mux`.
    MissingRtcpMux: "RFC 9143 §9.3, RFC 8858 §3", "add `a=rtcp-mux`";
    /// `a=sctp-port` or `a=max-message-size` that is no number.
    Sctp: "RFC 8841 §5, §6", "write `a=sctp-port:5000` and `a=max-message-size:262144`";
    /// The answer does not fit its offer, section by section.
    AnswerMismatch: "RFC 3264 §6, RFC 9429 §5.10", "answer every offered section, in the order of the offer, with its mid and media";
    /// The answer's direction asks for what was not offered.
    AnswerDirection: "RFC 3264 §6.1", "answer sendonly with recvonly or inactive, and the reverse";
}

/// Quoted, without secrets, and short enough for a line of a report.
pub(super) fn shown(text: &str) -> String {
    let text = masked(text);
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("`{}{dots}`", short.escape_debug())
}
