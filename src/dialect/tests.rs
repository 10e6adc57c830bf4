//! Dialects as a whole: what the documentation shows, what is complained about, and what a room may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dialect::{Dialect, News, Place, PlaceError, Speaker, Turn, check};
use crate::jsep::{Role, SdpType};
use crate::plan::Secret;
use crate::timeline::Signal;

const PAGE: &str = include_str!("../../docs/dialects.md");

/// The smallest dialect, and more.
fn with(more: &str) -> String {
    format!(
        r#"
[say]
offer = {{ t = "offer", sdp = "{{{{sdp}}}}" }}
answer = {{ t = "answer", sdp = "{{{{sdp}}}}" }}
[[hear]]
when = {{ t = "offer" }}
signal = "offer"
sdp = "$.sdp"
[[hear]]
when = {{ t = "answer" }}
signal = "answer"
sdp = "$.sdp"
{more}"#
    )
}

fn parse(text: &str) -> Dialect {
    Dialect::parse("mine", "mine.toml", text).unwrap_or_else(|complaints| {
        panic!("{}", complaints.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n"))
    })
}

fn place(role: Role) -> Place {
    Place {
        room: "demo".into(),
        name: role.to_string(),
        role,
        peer: None,
        token: Some(Secret::new("hush-token")),
        given: BTreeMap::new(),
        hidden: BTreeSet::new(),
        nonce: "n".into(),
        hasty: false,
    }
}

fn speaker(text: &str, role: Role) -> Speaker {
    let mut speaker = Speaker::new(Arc::new(parse(text)), place(role)).unwrap();
    speaker.begin(0);
    speaker
}

fn blocks<'a>(fence: &str) -> Vec<&'a str> {
    PAGE.split(fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_shows_a_dialect_that_works_in_under_40_lines() {
    let [example] = blocks("```toml\n")[..] else { panic!("one whole example") };
    assert!(example.lines().count() < 40);
    let dialect = Arc::new(parse(example));
    let [transcript] = blocks("```transcript\n")[..] else { panic!("one transcript") };
    let checked = check(&dialect, "page", transcript);
    let complaints: Vec<_> = checked.complaints.iter().map(|one| one.render(false)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let [rest] = blocks("```toml part\n")[..] else { panic!("the rest") };
    parse(&format!("{rest}{}", with("")));
    for word in super::rule::Meaning::WORDS.iter().map(|(word, _)| *word).chain(super::keys::rule()) {
        assert!(PAGE.contains(&format!("`{word}`")), "the page leaves out `{word}`");
    }
}

#[test]
fn whatever_is_wrong_with_a_file_is_shown_where_it_stands() {
    let mut shown = Vec::new();
    for text in [
        "about = ".to_owned(),
        "[hear]\nwhen = 1\n".to_owned(),
        with("[conect]\npath = \"/\""),
        with("[[hear]]\nwhen = { t = \"bye\" }\nsignal = \"hangup\""),
        with("[[hear]]\nwhen = { t = \"x\" }\nsignal = \"candidate\""),
        with("[[hear]]\nwhen = { t = \"offer\", to = \"me\" }\nsignal = \"ignore\""),
        with("[[hear]]\nwhen = { t = \"x\" }"),
        with("[[hear]]\nwhen = { t = \"x\" }\nsignal = \"peer-left\"\npeer = \"$.a[\""),
        with("[[hear]]\nwhen = { t = \"x\" }\nsignal = \"peer-joined\"\npeer = \"{{ mgs.name }}\""),
        with("[[hear]]\nwhen = { t = \"x\" }\nif = \"msg.to ==\"\nsignal = \"ignore\""),
        with("[[hear]]\nwhen = { t = \"x\" }\nsignal = \"candidate\"\ncandidate = \"candidate\""),
        with("[vars]\nkey = { secret = true, default = \"x\" }\npeer = 1"),
        with("[room]\nkeepalive = { every = \"30\", send = \"ping\" }"),
        with("[[hear]]\nwhen = { t = \"x\" }\nsignal = \"peer-joined\"\neach = \"$.all\"\npeer = \"$.id\""),
        with("").replace("{{sdp}}", "{{sdb}}"),
        "[say]\noffer = { t = \"o\", sdp = \"{{sdp}}\" }\n[[hear]]\nwhen = { t = \"o\" }\nsignal = \"offer\"\nsdp = \"$.sdp\"\n".to_owned(),
        with("").replace("\"{{sdp}}\"", "\"v=0\""),
        with(
            "[[hear]]\nwhen = { t = \"x\" }\ncapture = { role = \"$.a\", self = \"$.b\", msg = \"$.c\", \"a b\" = \"$.d\" }",
        ),
        with("").replace("{ t = \"offer\", sdp = \"{{sdp}}\" }", "'{\"t\":\"offer\",\"sdp\":{{sdp}}}'"),
    ] {
        let complaints = Dialect::parse("mine", "mine.toml", &text).unwrap_err();
        shown.push(complaints.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n"));
    }
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_secret_never_shows() {
    let text =
        with("[vars]\nkey = { secret = true }\n[[hear]]\nwhen = \"hello\"\nsend = \"{{key}} {{token}}\"");
    let dialect = Arc::new(parse(&text));
    let missing = Speaker::new(Arc::clone(&dialect), place(Role::Caller)).unwrap_err();
    assert!(matches!(missing, PlaceError::Missing { secret: true, .. }));
    let given = BTreeMap::from([("key".to_owned(), Secret::new("hush-key"))]);
    let mut speaker = Speaker::new(dialect, Place { given, ..place(Role::Caller) }).unwrap();
    speaker.begin(0);
    assert_eq!(speaker.hear("hello", 0).send, ["hush-key hush-token"]);
    let heard =
        format!("{:?} {speaker:?}", speaker.hear("what is hush-key\n\u{1b}[31m and hush-token?", 0).news);
    assert!(heard.contains("[redacted]") && !heard.contains("hush") && !heard.contains('\u{1b}'), "{heard}");
}

#[test]
fn a_value_that_was_given_in_secret_never_shows_in_whatever_form() {
    let dialect = Arc::new(parse(&with("[vars]\nroom_key = \"\"")));
    let place = Place {
        given: BTreeMap::from([("room_key".to_owned(), Secret::new("hush\"quoted"))]),
        hidden: BTreeSet::from(["room_key".to_owned()]),
        ..place(Role::Caller)
    };
    let mut speaker = Speaker::new(dialect, place).unwrap();
    speaker.begin(0);
    let news = format!("{:?}", speaker.hear(r#"{"t":"?","key":"hush\"quoted"}"#, 0).news);
    assert!(news.contains("[redacted]") && !news.contains("hush"), "{news}");

    let complaints =
        Dialect::parse("mine", "mine.toml", "[vars]\nkey = { secret = true, default = \"hunter2 }\n");
    let shown = complaints.unwrap_err().iter().map(|one| one.render(false)).collect::<String>();
    assert!(shown.contains("mine.toml:2") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_description_of_somebody_else_is_told_and_not_used() {
    let text = with("").replace("sdp = \"$.sdp\"", "sdp = \"$.sdp\"\nfrom = \"$.from\"");
    let mut speaker = speaker(&text, Role::Callee);
    let first = speaker.hear(r#"{"t":"offer","sdp":"v=0 a","from":"ann"}"#, 0).news;
    assert!(first.iter().any(|news| matches!(news, News::Signal { from, .. } if from == "ann")), "{first:?}");
    let second = speaker.hear(r#"{"t":"offer","sdp":"v=0 b","from":"bob"}"#, 0).news;
    assert!(matches!(&second[..], [News::Trouble(what)] if what.contains("bob")), "{second:?}");

    let place = Place { peer: Some("ann".into()), ..place(Role::Callee) };
    let mut choosy = Speaker::new(Arc::new(parse(&text)), place).unwrap();
    choosy.begin(0);
    let news = choosy.hear(r#"{"t":"offer","sdp":"v=0 b","from":"bob"}"#, 0).news;
    assert!(matches!(&news[..], [News::Trouble(what)] if what.contains("bob")), "{news:?}");
}

#[test]
fn the_other_role_is_news_even_before_we_are_in() {
    let text = with(
        "[[hear]]\nwhen = { t = \"role\" }\nrole = \"$.caller\"\n[[hear]]\nwhen = \"in\"\nsignal = \"joined\"",
    );
    let text = text.replace("role = \"$.caller\"", "role = \"{{ 'caller' if msg.caller else 'callee' }}\"");
    let role = |told: bool| {
        let mut speaker = speaker(&text, Role::Callee);
        speaker.hear(&format!(r#"{{"t":"role","caller":{told}}}"#), 0).news
    };
    assert_eq!(role(false), []);
    assert!(matches!(&role(true)[..], [News::WrongRole(what)] if what.contains("callcheck call")));
}

#[test]
fn what_was_held_for_one_call_is_not_said_in_the_next() {
    let text = with(
        "[[hear]]\nwhen = { t = \"here\" }\nsignal = \"peer-joined\"\npeer = \"$.name\"\n[[hear]]\nwhen = { t = \"left\" }\nsignal = \"peer-left\"\npeer = \"$.name\"\n[room]\ncandidates = \"after-answer\"",
    )
    .replace("[say]\n", "[say]\ncandidate = { t = \"ice\", c = \"{{candidate}}\" }\n");
    let mut speaker = speaker(&text, Role::Caller);
    speaker.hear(r#"{"t":"here","name":"ann"}"#, 0);
    let offer = Signal::Description { sdp_type: SdpType::Offer, sdp: "v=0 ours".into() };
    assert_eq!(speaker.say(&offer, 0).send.len(), 1);
    let candidate = Signal::Candidate {
        candidate: "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    assert_eq!(speaker.say(&candidate, 0).send, Vec::<String>::new());
    speaker.hear(r#"{"t":"left","name":"ann"}"#, 0);
    speaker.hear(r#"{"t":"here","name":"bob"}"#, 0);
    assert_eq!(speaker.say(&offer, 0).send.len(), 1);
    let sent = speaker.hear(r#"{"t":"answer","sdp":"v=0 his"}"#, 0).send;
    assert_eq!(sent, Vec::<String>::new());
}

#[test]
fn our_own_words_and_those_for_others_are_left_aside() {
    let text = with(
        "[[hear]]\nwhen = { t = \"bye\" }\nsignal = \"hang-up\"\nfrom = \"$.from\"\nto = \"$.to\"\nreason = \"{{ msg.why or '' }}\"",
    );
    let mut speaker = speaker(&text, Role::Caller);
    let offer = Signal::Description { sdp_type: SdpType::Offer, sdp: "v=0 ours".into() };
    assert_eq!(speaker.say(&offer, 0).send, [r#"{"sdp":"v=0 ours","t":"offer"}"#]);
    for (message, understood) in [
        (r#"{"t":"offer","sdp":"v=0 ours"}"#, "our own offer came back"),
        (r#"{"t":"bye","from":"caller"}"#, "our own words came back"),
        (r#"{"t":"bye","from":"x","to":"y"}"#, "for y, not for us"),
    ] {
        let turn = speaker.hear(message, 0);
        assert_eq!((turn.news, turn.understood), (vec![], vec![understood.to_owned()]), "{message}");
    }
    assert!(matches!(
        &speaker.hear(r#"{"t":"bye","from":"x","to":"caller"}"#, 0).news[..],
        [News::Signal { .. }]
    ));
    assert!(matches!(&speaker.hear(r#"{"t":"?"}"#, 0).news[..], [News::Unknown { count: 1, .. }]));
    assert!(matches!(&speaker.hear("not JSON", 0).news[..], [News::Unknown { count: 2, .. }]));
}

#[test]
fn whoever_needs_the_name_of_the_other_side_and_is_not_told_it_says_so_at_once() {
    let named = with("").replace("{ t = \"answer\", sdp", "{ t = \"answer\", to = \"{{peer}}\", sdp");
    let here = "[[hear]]\nwhen = { t = \"users\" }\nsignal = \"peers\"\npeers = \"$.users\"";
    let take = |text: &str, role: Role, peer: Option<&str>| {
        let place = Place { peer: peer.map(str::to_owned), ..place(role) };
        Speaker::new(Arc::new(parse(text)), place)
    };
    let nobody = take(&named, Role::Callee, None).unwrap_err();
    assert_eq!(
        nobody,
        PlaceError::Nameless { dialect: "mine".into(), role: Role::Callee, says: "answer" },
        "{nobody}"
    );
    // Who says it, who may do without it, and who is told it.
    take(&named, Role::Callee, Some("ann")).unwrap();
    take(&named, Role::Caller, None).unwrap();
    take(&named.replace("{{peer}}", "{{ peer or null }}"), Role::Callee, None).unwrap();
    take(&named.replace("sdp = \"$.sdp\"", "sdp = \"$.sdp\"\nfrom = \"$.from\""), Role::Callee, None)
        .unwrap();

    // Where the room names one alone, it is that one.
    let mut callee = take(&format!("{named}{here}"), Role::Callee, None).unwrap();
    callee.begin(0);
    callee.hear(r#"{"t":"users","users":["ann","callee"]}"#, 0);
    callee.hear(r#"{"t":"offer","sdp":"v=0 hers"}"#, 0);
    let answer = Signal::Description { sdp_type: SdpType::Answer, sdp: "v=0 ours".into() };
    assert_eq!(callee.say(&answer, 0).send, [r#"{"sdp":"v=0 ours","t":"answer","to":"ann"}"#]);
}

#[test]
fn a_path_that_leads_nowhere_is_told_and_the_rest_is_used() {
    let text = with(
        "[[hear]]\nwhen = { t = \"bye\" }\nsignal = \"hang-up\"\nfrom = \"$.from\"\nto = \"$.to\"\nreason = \"$.why\"\n[[hear]]\nwhen = { t = \"users\" }\nsignal = \"peers\"\npeers = \"$.users[*].id\"\nrole = \"$.role\"",
    );
    let nowhere = |turn: Turn| {
        let told = turn.news.iter().filter_map(|news| match news {
            News::Trouble(what) => Some(what.split('`').nth(1).unwrap_or_default().to_owned()),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let mut speaker = speaker(&text, Role::Caller);
    assert_eq!(nowhere(speaker.hear(r#"{"t":"users","role":true,"users":[]}"#, 0)), Vec::<String>::new());
    assert_eq!(nowhere(speaker.hear(r#"{"t":"users","user":[]}"#, 0)), ["$.role", "$.users[*].id"]);
    speaker.hear(r#"{"t":"users","role":true,"users":[{"id":"ann"}]}"#, 0);
    let turn = speaker.hear(r#"{"t":"bye"}"#, 0);
    let is_hang_up = |news: &News| matches!(news, News::Signal { signal: Signal::HangUp { reason }, .. } if reason.is_empty());
    assert!(turn.news.iter().any(is_hang_up), "{turn:?}");
    assert_eq!(nowhere(turn), ["$.from", "$.to", "$.why"]);
}

#[test]
fn a_long_message_is_shown_with_what_it_is() {
    let mut speaker = speaker(&with(""), Role::Caller);
    let message = format!(r#"{{"sdp":{{"sdp":"hush-token{}"}},"t":"svar"}}"#, "v=0 ".repeat(500));
    let turn = speaker.hear(&message, 0);
    let [News::Unknown { text, .. }] = &turn.news[..] else { panic!("{turn:?}") };
    assert!(text.len() < 210 && text.ends_with(r#""t":"svar"}"#) && !text.contains("hush"), "{text}");
}

#[test]
fn several_messages_in_one_frame_are_heard_one_by_one() {
    let mut speaker = speaker(&with("[room]\nunpack = \"$.sdp\""), Role::Callee);
    let turn = speaker.hear(r#"[{"t":"offer","sdp":"v=0 a"},{"t":"what"}]"#, 0);
    let [News::CallStarted { .. }, News::Signal { .. }, News::Unknown { count: 1, text }] = &turn.news[..]
    else {
        panic!("{turn:?}")
    };
    assert_eq!(text, r#"{"t":"what"}"#);
    let turn = speaker.hear(r#"[{"t":"huh"},{"t":"what"}]"#, 0);
    assert!(
        matches!(&turn.news[..], [News::Unknown { count: 2, text }] if text.starts_with('[')),
        "{turn:?}"
    );
}

#[test]
fn what_a_message_tells_of_several_is_taken_one_by_one() {
    let text = with(
        r#"
        [[hear]]
        when = { t = "members" }
        signal = "peer-joined"
        each = "$.all"
        peer = "{{ item.id }}"
        [[hear]]
        when = { t = "ice" }
        signal = "candidate"
        each = "$.list"
        candidate = "{{ item.c }}"
        mid = "{{ item.m }}""#,
    );
    let mut speaker = speaker(&text, Role::Caller);
    let turn = speaker.hear(r#"{"t":"members","all":[{"id":7},{"id":8}]}"#, 0);
    assert!(turn.news.contains(&News::PeerJoined("8".into())), "{:?}", turn.news);
    // Only with all of them it is known that there are several to choose from.
    let told = format!("{:?}", turn.news);
    assert!(told.contains("7, 8 are there, and 7 is called; choose with --peer"), "{told}");

    let ice = r#"{"t":"ice","list":[{"c":"candidate:1 1 udp 1 192.0.2.1 9 typ host","m":"a"},{"c":"candidate:2 1 udp 1 192.0.2.2 9 typ host","m":"b"}]}"#;
    let mids = |turn: Turn| -> Vec<Option<String>> {
        let signals = turn.news.into_iter().filter_map(|news| match news {
            News::Signal { signal: Signal::Candidate { sdp_mid, .. }, .. } => Some(sdp_mid),
            _ => None,
        });
        signals.collect()
    };
    assert_eq!(mids(speaker.hear(ice, 0)), [Some("a".into()), Some("b".into())]);
    let envelopes = with(
        r#"
        [[hear]]
        when = { t = "sync" }
        signal = "description"
        each = "{{ msg.events }}"
        from = "{{ item.sender }}"
        type = "{{ item.kind }}"
        sdp = "{{ item.sdp }}""#,
    );
    let mut callee = self::speaker(&envelopes, Role::Callee);
    let turn = callee.hear(r#"{"t":"sync","events":[{"sender":"callee","kind":"answer","sdp":"v=1"},{"sender":"bob","kind":"offer","sdp":"v=0"}]}"#, 0);
    let told = format!("{:?}", turn.news);
    assert!(told.contains(r#"Signal { from: "bob""#) && !told.contains("v=1"), "{told}");
    // A list that is empty tells of nobody, and one that is absent is a complaint.
    assert_eq!(speaker.hear(r#"{"t":"members","all":[]}"#, 0).news, []);
    let absent = format!("{:?}", speaker.hear(r#"{"t":"members"}"#, 0).news);
    assert!(absent.contains("`$.all` is not in the message"), "{absent}");
}

#[test]
fn what_has_no_value_in_a_list_is_no_end_of_candidates() {
    let text = with(
        "[[hear]]\nwhen = { t = \"ice\" }\nsignal = \"candidate\"\ncandidate = \"{{ msg.list | map(attribute='line') | list }}\"",
    );
    let mut speaker = speaker(&text, Role::Caller);
    let told = format!("{:?}", speaker.hear(r#"{"t":"ice","list":[{"c":"candidate:1"}]}"#, 0).news);
    assert!(told.contains("has no value") && !told.contains("EndOfCandidates"), "{told}");
}

#[test]
fn a_count_is_of_what_carries_it() {
    let text = with(
        "[[hear]]\nwhen = \"ping\"\nsend = \"pong\"\n[[hear]]\nwhen = \"next\"\nsend = \"number {{seq}}\"",
    );
    let mut speaker = speaker(&text, Role::Callee);
    let said: Vec<String> =
        ["next", "ping", "next"].into_iter().flat_map(|heard| speaker.hear(heard, 0).send).collect();
    assert_eq!(said, ["number 1", "pong", "number 2"]);
}

#[test]
fn a_dialect_may_be_for_one_side_alone() {
    let caller = r#"
        [say]
        offer = { t = "offer", sdp = "{{sdp}}", token = "{{token}}" }
        [[hear]]
        when = { t = "answer" }
        signal = "answer"
        sdp = "$.sdp""#;
    let dialect = Arc::new(parse(caller));
    let refused = |place: Place| Speaker::new(Arc::clone(&dialect), place).unwrap_err().to_string();
    Speaker::new(Arc::clone(&dialect), place(Role::Caller)).unwrap();
    assert_eq!(
        refused(place(Role::Callee)),
        "with the dialect `mine` nobody can be the callee: the dialect cannot say an answer"
    );
    let tokenless = Place { token: None, ..place(Role::Caller) };
    assert_eq!(refused(tokenless), "the dialect `mine` needs a token");
}

#[test]
fn the_caller_calls_whom_it_was_told_to() {
    let text = with("[[hear]]\nwhen = { t = \"users\" }\nsignal = \"peers\"\npeers = \"$.users\"");
    let calls = |peer: Option<&str>, users: &str| {
        let place = Place { peer: peer.map(str::to_owned), ..place(Role::Caller) };
        let mut speaker = Speaker::new(Arc::new(parse(&text)), place).unwrap();
        speaker.begin(0);
        let news = speaker.hear(&format!(r#"{{"t":"users","users":{users}}}"#), 0).news;
        let called = news.iter().find_map(|news| match news {
            News::CallStarted { peer, .. } => Some(peer.clone()),
            _ => None,
        });
        (called, news.iter().any(|news| matches!(news, News::Trouble(what) if what.contains("--peer"))))
    };
    assert_eq!(calls(None, r#"["caller", null]"#), (None, false));
    assert_eq!(calls(None, r#"["caller", 7]"#), (Some("7".into()), false));
    assert_eq!(calls(None, r#"["al", "bo"]"#), (Some("al".into()), true));
    assert_eq!(calls(Some("bo"), r#"["al", "bo"]"#), (Some("bo".into()), false));
    assert_eq!(calls(Some("zoe"), r#"["al", "bo"]"#), (None, false));
}

#[test]
fn whoever_is_there_alone_is_the_peer_of_messages_without_a_sender() {
    let text = with("[[hear]]\nwhen = { t = \"here\" }\nsignal = \"peer-joined\"\npeer = \"$.id\"")
        .replace(r#"answer = { t = "answer","#, r#"answer = { t = "answer", to = "{{peer}}","#);
    let mut speaker = speaker(&text, Role::Callee);
    speaker.hear(r#"{"t":"here","id":7}"#, 0);
    speaker.hear(r#"{"t":"offer","sdp":"v=0 theirs"}"#, 0);
    let answer = Signal::Description { sdp_type: SdpType::Answer, sdp: "v=0".into() };
    assert_eq!(speaker.say(&answer, 0).send, [r#"{"sdp":"v=0","t":"answer","to":7}"#]);
}

#[test]
fn a_captured_peer_is_the_peer() {
    let text = with("[[hear]]\nwhen = { t = \"ring\" }\ncapture = { peer = \"$.who\" }")
        .replace(r#"answer = { t = "answer","#, r#"answer = { t = "answer", to = "{{peer}}","#);
    let mut speaker = speaker(&text, Role::Callee);
    speaker.hear(r#"{"t":"ring","who":"ann"}"#, 0);
    speaker.hear(r#"{"t":"offer","sdp":"v=0 theirs"}"#, 0);
    let answer = Signal::Description { sdp_type: SdpType::Answer, sdp: "v=0".into() };
    assert_eq!(speaker.say(&answer, 0).send, [r#"{"sdp":"v=0","t":"answer","to":"ann"}"#]);
}

proptest::proptest! {
    #[test]
    fn no_file_unwinds(text in "[a-z\\[\\]{}=\"$.\n ]{0,120}") {
        let _ = Dialect::parse("x", "x", &text);
    }
}
