//! `callcheck explain`: from files that were recorded, pasted and broken.

use crate::harness::run;

#[test]
fn a_recorded_call_is_explained_with_cause_clause_and_fix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.jsonl").display().to_string();
    let bug = ["sim", "--callee", "--attach add-transceiver --renegotiate no", "--record", &path];
    run(&bug).exits(1).says(&["sdp-addtransceiver-unassociated"]);
    let ended = run(&["explain", &path, "--json"]).exits(1);
    let ended =
        ended.says(&["sdp-addtransceiver-unassociated", "5.10", "addTrack", "setStreams", "replaceTrack"]);
    let finding = &ended.report()["calls"][0]["findings"][0];
    assert_eq!(
        (&finding["id"], &finding["confidence"]),
        (&"sdp-addtransceiver-unassociated".into(), &"certain".into())
    );

    let good = folder.path().join("good.jsonl").display().to_string();
    run(&["sim", "--record", &good]).exits(0);
    let ended = run(&["explain", &good, "--json"]).exits(0);
    assert_eq!(ended.report()["calls"][0]["findings"], serde_json::json!([]));
}

#[test]
fn descriptions_are_explained_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, text).unwrap();
        path
    };
    let transport = "a=ice-pwd:abcdabcdabcdabcdabcdabcd\r\n\
        a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n";
    let candidate = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n";
    let sdp = |id: u8, setup: &str, direction: &str, msid: &str| {
        format!(
            "v=0\r\no=- {id} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abc{id}\r\n{transport}a=setup:{setup}\r\na=mid:0\r\na={direction}\r\n{msid}\
             a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n{candidate}"
        )
    };
    let offer = write("offer.sdp", &sdp(1, "actpass", "sendrecv", "a=msid:s t\r\n"));
    let answer = write("answer.sdp", &sdp(2, "active", "recvonly", ""));
    run(&["explain", &offer, &answer]).exits(1).says(&["sdp-answer-without-track", "recvonly"]);
    let good = write("good.sdp", &sdp(2, "active", "sendrecv", "a=msid:u v\r\n"));
    run(&["explain", &offer, &good]).exits(0);
    // Each is named, and none is guessed.
    run(&["explain", &answer, &offer]).exits(2).says(&["before any offer"]);
    let page = write("page.html", "<html>502 Bad Gateway</html>");
    run(&["explain", &page]).exits(2).says(&["failed to explain", "page.html"]);
}

#[test]
fn the_catalogue_can_be_read() {
    let list = run(&["explain", "--list"]).exits(0);
    assert!(list.stdout.lines().filter(|line| line.starts_with("  ")).count() > 180, "{}", list.stdout);
    let about = run(&["explain", "--about", "sdp-addtransceiver-unassociated"]).exits(0);
    assert!(about.stdout.contains("addTrack") && about.stdout.contains("5.10"), "{}", about.stdout);
    assert!(!about.stdout.contains('\u{1b}'), "no colours where nobody looks");
}
