//! Every key of a scenario, what its value looks like and what it means: for complaints and for the schema.

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// `"5s"`.
    Time,
    /// A whole number from 0 up.
    Count,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A text, or a list of texts.
    Texts,
    /// A time, or a list of times.
    Times,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table with keys of one's own.
    Open,
    /// Expectations.
    Expect,
    /// A list of steps.
    Steps,
    /// Anything that is described in words.
    Any,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) means: &'static str,
}

const fn key(name: &'static str, form: Form, means: &'static str) -> Key {
    Key { name, form, means }
}

pub(super) const DIRECTIONS: &[&str] = &["sendrecv", "sendonly", "recvonly", "inactive"];
pub(super) const KINDS: &[&str] = &["audio", "video"];

pub(super) const SCENARIO: &[Key] = &[
    key("title", Form::Text, "what the scenario shows, in a line"),
    key("tags", Form::Texts, "words to select it by with --tag"),
    key("skip", Form::Text, "why it is not run"),
    key("only", Form::Flag, "run nothing but the scenarios that say this"),
    key("retry", Form::Count, "try a call that did not pass again, so often at most"),
    key("clock", Form::Words(&["real", "virtual"]), "on which clock it runs; real by default"),
    key("room", Form::Text, "where the two sides meet with --role; named after the file by default"),
    key("seed", Form::Count, "where every random choice starts"),
    key("duration", Form::Time, "how long media flows once it is verified"),
    key("timeout", Form::Time, "from the answer to verified media"),
    key("answer-timeout", Form::Time, "from both present to the answer"),
    key("wait", Form::Time, "until the other side joins, with --role"),
    key("follow-up", Form::Time, "from an answer without a track to another offer"),
    key("strict", Form::Flag, "demand sendrecv both ways and no findings too"),
    key("defaults", Form::Text, "a file with what is not stated here, relative to this one"),
    key("vars", Form::Open, "variables, used as ${name}; --var sets others"),
    key("matrix", Form::Open, "lists of values; the scenario is run with each combination, as variables"),
    key("caller", Form::Table(LEG), "the side that makes the first offer"),
    key("callee", Form::Table(LEG), "the side that answers it"),
    key("both", Form::Table(LEG), "what is true of both sides"),
    key("network", Form::Table(NETWORK), "what goes wrong on the way on purpose"),
    key("expect", Form::Expect, "what must come out"),
    key(
        "step",
        Form::Steps,
        "what is done in one order: by the applications of [caller], [callee] or [both], or by two bare connections without those",
    ),
];

pub(super) const LEG: &[Key] = &[
    key(
        "played-by",
        Form::Any,
        "\"ours\", \"chromium\", or a program and its arguments, which speaks the room protocol on its standard input and output",
    ),
    key(
        "attach",
        Form::Words(&["add-track", "add-transceiver", "reuse", "replace-only", "none"]),
        "how tracks are attached",
    ),
    key(
        "attach-at",
        Form::Words(&["before-offer", "after-offer", "after-create-answer", "after-answer"]),
        "when they are",
    ),
    key("streams", Form::Words(&["none", "one", "set"]), "which stream the tracks are in"),
    key("association", Form::Words(&["jsep", "by-kind"]), "how an offered m-section finds a transceiver"),
    key("renegotiate", Form::Flag, "act on negotiationneeded"),
    key("polite", Form::Flag, "take our offer back on glare"),
    key("directions", Form::Table(DIRECTION), "the direction that is wished for the transceivers of a kind"),
    key("send", Form::Any, "{ audio = \"tone\", video = \"bars\" }, a file instead of a word, or \"none\""),
    key("data", Form::Flag, "open a data channel too"),
    key("hold", Form::Times, "hold the call so long after the first answer"),
    key("resume", Form::Times, "resume it so long after the first answer"),
    key("restart-ice", Form::Times, "restart ICE so long after the first answer"),
    key(
        "faults",
        Form::Texts,
        "mistakes on purpose: ID or ID=TIME; `callcheck call x --fault list` names them",
    ),
    key("trickle", Form::Flag, "send candidates as they are found"),
    key("ice-servers", Form::Any, "URLs, or tables with urls, username and credential"),
    key("ca", Form::Text, "a PEM file of authorities to trust for turns: servers, beside the scenario"),
    key("insecure", Form::Flag, "trust every certificate of the room and of turns: servers"),
    key("ice-policy", Form::Words(&["all", "relay"]), "which candidates may be used"),
    key("probe-reoffer", Form::Flag, "offer once more when a track is missing"),
];

const DIRECTION: &[Key] =
    &[key("audio", Form::Words(DIRECTIONS), "of audio"), key("video", Form::Words(DIRECTIONS), "of video")];

pub(super) const NETWORK: &[Key] = &[
    key("delay", Form::Any, "every datagram takes this much longer"),
    key("jitter", Form::Any, "and up to this much more; the order is kept"),
    key("loss", Form::Any, "this share is lost, such as \"5%\"; DTLS records are spared"),
    key("burst", Form::Any, "so many in a row are lost on average"),
    key("reorder", Form::Any, "this share is overtaken by what follows"),
    key("reorder-by", Form::Any, "by being held back so long"),
    key("duplicate", Form::Any, "this share comes twice"),
    key("rate", Form::Any, "no more than this gets through, such as \"500kbps\""),
    key("queue", Form::Any, "what would wait longer for the rate is lost"),
    key("mtu", Form::Any, "larger datagrams are lost, in bytes"),
    key("block", Form::Any, "nothing gets through: true, or times such as \"5s..8s\""),
    key("dtls", Form::Flag, "DTLS records are not spared"),
    key("caller", Form::Any, "the same for what the caller sends alone"),
    key("callee", Form::Any, "the same for what the callee sends alone"),
];

pub(super) const STEP: &[Key] = &[
    key("who", Form::Words(&["caller", "callee", "both"]), "who does it"),
    key("op", Form::Words(STEP_OPS), "what"),
    key("kind", Form::Words(KINDS), "of what kind the new track or transceiver is"),
    key("with-track", Form::Flag, "addTransceiver gets a track"),
    key("direction", Form::Words(DIRECTIONS), "the direction"),
    key("streams", Form::Texts, "labels of streams of this side"),
    key("transceiver", Form::Count, "the index in getTransceivers()"),
    key("sender", Form::Count, "the index in getSenders()"),
    key("track", Form::Words(&["audio", "video", "none"]), "the new track of replaceTrack"),
    key("side", Form::Words(&["local", "remote"]), "whose description is rolled back"),
    key("remove-lines", Form::Texts, "lines of our next descriptions that begin so are lost on the way"),
    key("time", Form::Time, "how long to wait"),
    key(
        "rejected",
        Form::Text,
        "the W3C error that the step must be refused with; any is some error or none",
    ),
    key("caller", Form::Text, "at a checkpoint: the caller's transceivers"),
    key("callee", Form::Text, "at a checkpoint: the callee's transceivers"),
    key(
        "expect",
        Form::Texts,
        "what must be so now or soon, such as \"caller.ice=connected\"; of both sides where none is named",
    ),
    key("within", Form::Time, "how long it is waited for; 5s by default"),
    key("fault", Form::Text, "the mistake that a side makes from now on, or no longer"),
    key("settle", Form::Flag, "false: the next step does not wait for the negotiation of this one"),
];

pub(super) const OPERATIONS: &[&str] = &[
    "add-track",
    "add-transceiver",
    "set-direction",
    "replace-track",
    "set-streams",
    "remove-track",
    "stop",
    "create-data-channel",
    "restart-ice",
    "set-local-offer",
    "deliver",
    "offer",
    "create-answer",
    "apply-kept-answer",
    "answer",
    "negotiate",
    "rollback",
    "edit-next-sdp",
    "close",
    "wait",
    "wait-ice-connected",
    "checkpoint",
];

/// What applications can do in the middle of a call, besides operations.
pub(super) const CALL_ACTS: &[&str] =
    &["hold", "resume", "hang-up", "vanish", "fault-on", "fault-off", "expect"];

/// Everything that a step can be.
pub(super) const STEP_OPS: &[&str] = &joined();

const fn joined() -> [&'static str; OPERATIONS.len() + CALL_ACTS.len()] {
    let mut all = [""; OPERATIONS.len() + CALL_ACTS.len()];
    let mut index = 0;
    while index < all.len() {
        let own = index < OPERATIONS.len();
        all[index] = if own { OPERATIONS[index] } else { CALL_ACTS[index - OPERATIONS.len()] };
        index += 1;
    }
    all
}

/// What can be expected of a side of a script.
pub(super) const SCRIPT_SIDE: &[Key] = &[
    key("signaling", Form::Text, "signalingState at the end"),
    key(
        "transceivers",
        Form::Text,
        "getTransceivers() at the end: MID KIND DIRECTION/CURRENT, with commas; `track` or `no-track` behind a row says whether its sender has one",
    ),
    key(
        "ontrack",
        Form::Texts,
        "the track events: KIND MID STREAMS, and optionally the index of the transceiver",
    ),
    key("negotiationneeded", Form::Count, "how often negotiationneeded fired"),
    key("ice", Form::Texts, "the ICE connection states in order"),
    key("connection", Form::Texts, "the connection states in order"),
    key(
        "sections",
        Form::Texts,
        "the m-sections of localDescription, a rejected one with `rejected` behind it",
    ),
    key("kinds", Form::Texts, "the kinds of the m-sections of localDescription"),
];
