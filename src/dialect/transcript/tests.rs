use super::*;

const DIALECT: &str = r#"
    [say]
    offer = { t = "o", sdp = "{{sdp}}" }
    answer = { t = "a", sdp = "{{sdp}}" }
    candidate = { t = "c", c = "{{candidate}}" }
    [[hear]]
    when = { t = "o" }
    signal = "offer"
    sdp = "$.sdp"
    [[hear]]
    when = { t = "a" }
    signal = "answer"
    sdp = "$.sdp"
    [[hear]]
    when = { t = "c" }
    signal = "candidate"
    candidate = "$.c"
"#;

fn titles(transcript: &str) -> Vec<String> {
    let dialect = Arc::new(Dialect::parse("x", "x.toml", DIALECT).unwrap());
    check(&dialect, "x.transcript", transcript)
        .complaints
        .into_iter()
        .map(|complaint| complaint.title)
        .collect()
}

#[test]
fn a_conversation_is_replayed() {
    let good = r#"
        # The caller's side.
        > {"t":"o","sdp":"v=0"}
        > {"t":"c","c":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}
        < {"t":"a","sdp":"v=0 theirs"}
        = answer from callee
        < {"t":"c","c":null}
        = end-of-candidates from callee
    "#;
    assert_eq!(titles(good), Vec::<String>::new());
}

fn complaints_of(dialect: &str, transcript: &str) -> Vec<String> {
    let dialect = Arc::new(Dialect::parse("x", "x.toml", dialect).unwrap());
    let complaints = check(&dialect, "x.transcript", transcript).complaints;
    complaints.iter().map(|complaint| complaint.render(false)).collect()
}

#[test]
fn several_messages_in_one_frame_and_several_candidates_in_one_message_are_recognised() {
    let candidate = |port: u32| {
        format!(r#"{{"candidate":"candidate:1 1 udp 1 192.0.2.1 {port} typ host","sdpMid":"0"}}"#)
    };
    let (one, two) = (candidate(1), candidate(2));
    let frame = format!(
        r#"> [{{"t":"o","sdp":"v=0"}},{{"t":"c","c":{one}}}]
        < [{{"t":"a","sdp":"v=0 theirs"}},{{"t":"c","c":{two}}}]
        = answer from callee
        = candidate from callee
        > {{"t":"c","c":[{one},{two}]}}"#
    );
    assert_eq!(complaints_of(DIALECT, &frame), Vec::<String>::new());
    let wrong = frame.replace("\"t\":\"o\"", "\"t\":\"oo\"");
    assert_eq!(complaints_of(DIALECT, &wrong).len(), 1);
}

#[test]
fn payloads_in_base64_are_recognised() {
    let dialect = DIALECT
        .replace("sdp = \"{{sdp}}\"", "sdp = \"{{ {'type': 'x', 'sdp': sdp} | json | base64 }}\"")
        .replace("c = \"{{candidate}}\"", "c = \"{{ candidate.candidate | base64 }}\"")
        .replace("sdp = \"$.sdp\"", "sdp = \"{{ (msg.sdp | parse).sdp }}\"")
        .replace("candidate = \"$.c\"", "candidate = \"{{ msg.c | unbase64 }}\"");
    let transcript = r#"
        > {"t":"o","sdp":"eyJzZHAiOiJ2PTAiLCJ0eXBlIjoieCJ9"}
        < {"t":"a","sdp":"eyJzZHAiOiJ2PTAiLCJ0eXBlIjoieCJ9"}
        = answer from callee
        > {"t":"c","c":"Y2FuZGlkYXRlOjEgMSB1ZHAgMSAxOTIuMC4yLjEgOSB0eXAgaG9zdA=="}
        < {"t":"c","c":"Y2FuZGlkYXRlOjIgMSB1ZHAgMSAxOTIuMC4yLjIgOSB0eXAgaG9zdA=="}
        = candidate from callee
    "#;
    assert_eq!(complaints_of(&dialect, transcript), Vec::<String>::new());
    let other = transcript.replacen("eyJzZHAiOiJ2PTAiLCJ0eXBlIjoieCJ9", "eyJ4IjoxfQ==", 1);
    assert_eq!(complaints_of(&dialect, &other).len(), 1);
}

#[test]
fn a_reply_may_come_after_what_came_meanwhile() {
    let dialect = format!(
        "{DIALECT}\n[[hear]]\nwhen = {{ t = \"ping\" }}\nsend = {{ t = \"pong\", id = \"{{{{nonce}}}}\" }}\n"
    );
    let late = r#"
        @nonce 17
        > {"t":"o","sdp":"v=0"}
        < {"t":"ping"}
        < {"t":"a","sdp":"v=0 theirs"}
        > {"t":"pong","id":"17"}
    "#;
    assert_eq!(complaints_of(&dialect, late), Vec::<String>::new());
    // One that never comes, and one that is another one, are none.
    assert_eq!(complaints_of(&dialect, late.rsplit_once("> ").unwrap().0).len(), 1);
    assert_eq!(complaints_of(&dialect, &late.replace("\"17\"", "\"18\"")).len(), 2);
}

#[test]
fn what_is_only_tried_leaves_no_trace() {
    // A sign of life that carries a count must not use it up while a goodbye is looked for.
    let dialect = format!(
        "[room]\nkeepalive = {{ every = \"30s\", send = {{ t = \"ping\", n = \"{{{{seq}}}}\" }} }}\n{}",
        DIALECT.replacen("[say]", "[say]\nhang-up = [{ t = \"bye\", n = \"{{seq}}\" }, { t = \"gone\" }]", 1)
    );
    let transcript = "> {\"t\":\"o\",\"sdp\":\"v=0\"}\n> {\"t\":\"bye\",\"n\":1}\n> {\"t\":\"gone\"}\n> {\"t\":\"ping\",\"n\":2}\n";
    assert_eq!(complaints_of(&dialect, transcript), Vec::<String>::new());
}

#[test]
fn what_does_not_fit_is_told() {
    for (transcript, title) in [
        ("< {\"t\":\"x\"}", "no rule knows this message"),
        ("> {\"t\":\"x\"}", "this is not what callcheck says"),
        ("> {\"t\":\"o\",\"sdp\":\"v=0\",\"more\":1}", "this is not what callcheck says"),
        ("< {\"t\":\"o\",\"sdp\":\"v=0\"}\n= answer from callee", "the line above means something else"),
        (
            "< {\"t\":\"c\",\"c\":7}",
            "the rule at x.toml:15 applies, but the candidate is neither an object nor a text",
        ),
        ("@rolle caller", "there is no setting `@rolle`"),
        ("? what", "this is no line of a transcript"),
        // What checks nothing does not pass.
        ("", "the transcript holds no message"),
        ("@role callee\n# and no more", "the transcript holds no message"),
        ("> {\"t\":\"o\",\"sdp\":\"v=0\"}\n@role callee", "this setting comes too late"),
    ] {
        assert_eq!(titles(transcript), [title], "{transcript}");
    }
}
