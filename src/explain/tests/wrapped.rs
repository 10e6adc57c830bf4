//! Descriptions within the messages, logs and dumps that brought them, and what must not be read there.

use super::*;

fn good() -> String {
    fs::read_to_string(folder().join("s00-good-addTrack-before.1.caller.offer.sdp")).unwrap()
}

/// Everything that is told of files, in one text.
fn told(explained: &Explanation) -> String {
    let lints: String = explained.lints.iter().map(|lint| lint.diagnostic.render(false)).collect();
    format!("{lints}\n{:?}\n{:?}\n{:?}", explained.findings, explained.browsers, explained.said)
}

#[test]
fn a_good_message_with_its_wrapper_is_a_good_message_and_its_secrets_are_not_told() {
    let message = serde_json::json!({
        "type": "offer", "sdp": good(), "zIceServers": [{"username": "SECRET", "credential": "SECRET"}],
    });
    // Keys are written in order, so that the servers follow the description.
    let message = message.to_string();
    let trailing = &message[message.find("\"sdp\"").unwrap()..];
    for text in [
        format!("{message},"),
        format!("{message};\n"),
        format!("{message}x"),
        format!("12:00:01 recv {message} from bob"),
        format!("12:00:01 recv {{{trailing} from bob"),
        format!("{message}\n{{\"type\":\"x\",\"token\":\"Bearer SECRET\"}}"),
        serde_json::to_string(&message).unwrap(),
        format!("sent {}", serde_json::to_string(&message).unwrap()),
    ] {
        let explained = explain(&[Input::new("log.txt", text.clone())], &Thresholds::default()).unwrap();
        let told = told(&explained);
        assert_eq!(explained.findings.ids().collect::<Vec<_>>(), [""; 0], "{text}");
        assert!(explained.lints.is_empty() && !told.contains("SECRET"), "{told}");
    }
}

#[test]
fn lines_that_are_no_sdp_are_told_without_their_secrets() {
    for line in [
        "\"password\": \"SECRET\"}x",
        "Authorization: Bearer SECRET",
        "https://example.org/?token=SECRET",
        "k=clear:SECRET",
        "a=ice-ufrag:RVfQ:SECRET",
        "a=ice-pwd\r\nSECRET",
    ] {
        let text = format!("{}{line}\r\nbroken line\r\n", good());
        let explained = explain(&[Input::new("x.sdp", text)], &Thresholds::default()).unwrap();
        let told = told(&explained);
        assert!(!explained.lints.is_empty() && !told.contains("SECRET"), "{told}");
    }
}
