//! `callcheck turn` against real coturn on loopback, and against servers that are none.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::coturn::{CREDENTIAL, Coturn, valid_for};
use crate::harness::{Ended, Process, callcheck, free_port, free_room, valid};

/// Runs `callcheck turn` and asserts that no credential shows.
fn turn_as(username: &str, credential: &str, arguments: &[&str]) -> (Ended, Value) {
    let more = ["--username", username, "--json"];
    let mut command = callcheck(&free_room(), &[&["turn"], arguments, &more].concat());
    command.env("CALLCHECK_CREDENTIAL", credential);
    let ended = Process::start(command).end();
    assert!(!ended.stderr.contains(credential) && !ended.stdout.contains(credential), "a secret shows");
    let report = report_of(&ended);
    (ended, report)
}

/// The report on standard output, checked against the committed schema.
#[track_caller]
pub(crate) fn report_of(ended: &Ended) -> Value {
    valid("turn.schema.json", &ended.stdout)
}

/// The same as a user who exists.
pub(crate) fn turn(arguments: &[&str]) -> (Ended, Value) {
    turn_as("me", CREDENTIAL, arguments)
}

/// A step of the first path of the first server.
#[track_caller]
pub(crate) fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["servers"][0]["paths"][0]["steps"].as_array().unwrap();
    steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no step {name} in {steps:#?}"))
}

/// The first step that failed, with its cause and code.
#[track_caller]
pub(crate) fn failed(report: &Value) -> (String, String, Value) {
    let steps = report["servers"][0]["paths"][0]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["status"] == "failed").unwrap_or_else(|| panic!("{steps:#?}"));
    let text = |name: &str| step[name].as_str().unwrap().to_owned();
    (text("step"), text("cause"), step["code"].clone())
}

pub(crate) fn findings(report: &Value) -> Vec<&str> {
    let findings = report["servers"][0]["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn a_healthy_server_relays_over_every_transport() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (port, secure) = (server.port, server.secure);
    for (url, transport) in [
        (format!("turn:127.0.0.1:{port}"), "udp"),
        (format!("turn:localhost:{port}?transport=tcp"), "tcp"),
        (format!("turns:localhost:{secure}"), "tls"),
        (format!("turns:127.0.0.1:{secure}?transport=udp"), "dtls"),
    ] {
        let expect = format!("{transport}=ok");
        let (ended, report) =
            turn(&[&url, "--ca", &server.ca(), "--expect", &expect, "--expect", "time.allocate<3s"]);
        let ended = ended.exits(0);
        let path = &report["servers"][0]["paths"][0];
        assert_eq!((&path["transport"], &path["verdict"]), (&transport.into(), &"passed".into()), "{path:#}");
        for name in
            ["binding", "challenge", "allocate", "permission", "inbound", "channel", "outbound", "echo"]
        {
            assert_eq!(step(&report, name)["status"], "ok", "{url} {name}");
        }
        assert!(step(&report, "stale-nonce")["reason"].as_str().unwrap().contains("438"), "{url}");
        assert_eq!(step(&report, "release")["status"], "ok", "{url}");
        assert!(findings(&report).is_empty(), "{url}");
        let wide = ended.stderr.lines().filter(|line| line.chars().count() > 80).count();
        assert!(wide == 0 && ended.stderr.lines().count() <= 24, "fits a screen:\n{}", ended.stderr);
    }
}

#[test]
fn all_explored_transports_of_one_port_work_too() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (ended, report) = turn(&[&format!("turn:localhost:{}", server.port), "--ca", &server.ca()]);
    ended.exits(0);
    let paths = report["servers"][0]["paths"].as_array().unwrap();
    let seen: Vec<_> =
        paths.iter().map(|path| (path["transport"].as_str().unwrap(), path["required"] == true)).collect();
    assert!(seen.contains(&("udp", true)) && seen.contains(&("tls", false)), "{seen:?}");
    let tcp = paths.iter().find(|path| path["transport"] == "tcp").unwrap();
    assert_eq!(tcp["verdict"], "passed", "{tcp:#}");
}

#[test]
fn a_wrong_password_is_tried_once_and_named() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (ended, report) = turn_as("me", "hush-wrong", &[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["wrong password", "turn-401", "lt-cred-mech"]);
    assert_eq!(failed(&report), ("allocate".into(), "code".into(), 401.into()));
    assert_eq!(findings(&report), ["turn-401"]);
    let tcp = &report["servers"][0]["paths"][1]["steps"].as_array().unwrap()[4];
    assert_eq!((&tcp["step"], &tcp["status"]), (&"allocate".into(), &"skipped".into()), "{tcp:#}");
    assert!(tcp["reason"].as_str().unwrap().contains("not tried again"), "{tcp:#}");
}

#[test]
fn credentials_that_expire_are_made_and_judged() {
    let secret = "hush-shared";
    let options = ["--use-auth-secret", "--static-auth-secret", secret, "--allow-loopback-peers"];
    let Some(server) = Coturn::start(&options) else { return };
    let url = format!("turn:127.0.0.1:{}", server.port);
    let mut command = callcheck(&free_room(), &["turn", &url, "--username", "joe"]);
    command.env("CALLCHECK_TURN_SECRET", secret);
    let ended = Process::start(command).end().exits(0);
    assert!(!ended.stderr.contains(secret), "a secret shows");

    let made = |user: &str| {
        // What a server application does: base64(HMAC-SHA1(secret, user)).
        let script = format!("printf %s '{user}' | openssl dgst -sha1 -hmac {secret} -binary | base64");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let user = format!("{}:joe", now - 3000);
    let (ended, report) = turn_as(&user, &made(&user), &[&url]);
    ended.exits(1).says(&["50 min ago"]);
    assert_eq!(findings(&report), ["turn-expired"]);
    // With another digest, since coturn cuts a time in milliseconds off and may take it.
    let user = format!("{}000:joe", now + 600);
    let (ended, report) = turn_as(&user, &made("another"), &[&url]);
    ended.exits(1).says(&["in milliseconds"]);
    assert_eq!(findings(&report), ["turn-401"]);
    let user = format!("{}:joe", now + 600);
    let (ended, report) = turn_as(&user, "0123456789abcdef0123456789abcdef01234567", &[&url]);
    ended.exits(1).says(&["hexadecimal"]);
    assert_eq!(findings(&report), ["turn-401"]);
}

#[test]
fn a_quota_of_one_is_no_fault_and_a_quota_that_is_used_up_is() {
    let Some(server) = Coturn::with_user(&["--user-quota", "1"]) else { return };
    let url = format!("turn:127.0.0.1:{}", server.port);
    let (ended, report) = turn(&[&url]);
    ended.exits(0);
    let echo = step(&report, "echo");
    assert!(echo["status"] == "skipped" && echo["reason"].as_str().unwrap().contains("486"), "{echo:#}");

    let hold = || {
        let mut command = callcheck(&free_room(), &["turn", &url, "--username", "me", "--hold", "20s"]);
        command.env("CALLCHECK_CREDENTIAL", CREDENTIAL);
        Process::start(command)
    };
    // Another one comes while the first holds its allocation. Either may be first.
    let mut holder = hold();
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let (ended, report) = turn(&[&url]);
        if ended.code == Some(1) {
            assert_eq!(failed(&report), ("allocate".into(), "code".into(), 486.into()));
            assert_eq!(findings(&report), ["turn-quota"]);
            ended.says(&["user-quota"]);
            return;
        }
        assert!(Instant::now() < deadline, "the first one never held its allocation");
        if !holder.is_running() {
            holder = hold();
        }
    }
}

#[test]
fn an_allocation_outlives_its_nonce_and_its_lifetime() {
    let Some(server) = Coturn::with_user(&["--stale-nonce=2", "--max-allocate-lifetime=4"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port), "--hold", "6s"]);
    ended.exits(0);
    let hold = step(&report, "hold");
    assert_eq!(hold["status"], "ok", "{hold:#}");
    let words: Vec<&str> = hold["reason"].as_str().unwrap().split(' ').collect();
    let count = |after: &str| {
        let at = words.iter().position(|word| *word == after).unwrap();
        words[at + 1].parse::<u32>().unwrap()
    };
    // Six seconds, a lifetime of four, of which half is waited, and a nonce that is good for two.
    assert!(count("renewed") >= 2 && count("times,") >= 1, "{hold:#}");
}

#[test]
fn data_at_the_rate_of_media_is_measured() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (ended, report) =
        turn(&[&format!("turn:127.0.0.1:{}?transport=tcp", server.port), "--duration", "1s"]);
    ended.exits(0).says(&["packets lost there and back"]);
    let load = step(&report, "load");
    let measured = &report["servers"][0]["paths"][0]["load"];
    // A second of a packet of video each 10 ms and one of audio each 20 ms; a busy machine sends later, and no more.
    let sent = measured["sent"].as_u64().unwrap();
    assert!((30..=153).contains(&sent) && load["status"] == "ok", "{measured:#}");
    assert!(measured["round_trip_ms"].as_f64().unwrap() > 0.0, "{measured:#}");
    assert_eq!(measured["largest_payload"], 1472, "loopback carries all of them: {measured:#}");
}

#[test]
fn a_server_that_refuses_private_peers_is_not_blamed() {
    let user = format!("me:{CREDENTIAL}");
    let Some(server) = Coturn::start(&["--lt-cred-mech", "--user", &user]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(3).says(&["permission was not tested", "403"]);
    assert_eq!(step(&report, "permission")["status"], "skipped");
    assert!(findings(&report).is_empty());
}

#[test]
fn an_open_relay_and_inner_addresses_are_findings() {
    let Some(server) = Coturn::start(&["--no-auth"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["open relay"]);
    assert_eq!(findings(&report), ["turn-open-relay"]);

    let Some(server) = Coturn::with_user(&[]) else { return };
    let url = format!("turn:127.0.0.1:{}", server.port);
    let (ended, report) = turn(&[&url, "--audit", "--expect", "finding=turn-reaches-inside"]);
    ended.exits(0).says(&["denied-peer-ip"]);
    let audit = report["servers"][0]["paths"][0]["audit"].as_array().unwrap();
    assert!(audit.iter().any(|row| row["peer"] == "169.254.169.254" && row["allowed"] == true), "{audit:#?}");
}

#[test]
fn udp_relaying_that_is_off_has_its_own_remedy() {
    let Some(server) = Coturn::with_user(&["--no-udp-relay"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["no-udp-relay"]);
    assert_eq!(failed(&report), ("allocate".into(), "code".into(), 442.into()));
}

#[test]
fn a_server_with_a_second_address_measures_the_network() {
    let Some(server) = Coturn::with_user(&["--listening-ip", "127.0.0.2"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(0).says(&["mapping endpoint-independent", "(RFC 5780)"]);
    let behavior = &report["servers"][0]["nat_behavior"];
    assert_eq!(behavior["mapping"], "endpoint-independent", "{behavior:#}");
    assert_eq!(behavior["filtering"], "endpoint-independent", "{behavior:#}");
    assert_eq!(behavior["measured"], true, "{behavior:#}");
}

#[test]
fn a_real_call_goes_through_a_server_that_passed() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    for url in [
        format!("turn:127.0.0.1:{}", server.port),
        format!("turn:127.0.0.1:{}?transport=tcp", server.port),
        format!("turns:localhost:{}", server.secure),
    ] {
        let (ended, report) = turn(&[&url, "--engine", "--ca", &server.ca(), "--expect", "engine=ok"]);
        ended.exits(0).says(&["connected in"]);
        let call = step(&report, "engine");
        assert!(call["status"] == "ok" && call["ms"].as_f64().unwrap() > 0.0, "{url}: {call:#}");
    }
    let (ended, report) =
        turn_as("me", "hush-wrong", &[&format!("turn:127.0.0.1:{}", server.port), "--engine"]);
    ended.exits(1);
    assert_eq!(step(&report, "engine")["status"], "skipped", "{:#}", step(&report, "engine"));
}

#[test]
fn certificates_that_are_not_trusted_are_told_apart() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let url = format!("turns:localhost:{}", server.secure);
    let (ended, report) = turn(&[&url]);
    ended.exits(1).says(&["turn-tls-cert", "--ca FILE"]);
    assert_eq!(failed(&report).1, "certificate-issuer");
    let other = tempfile::tempdir().unwrap();
    let pem = other.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
    std::fs::write(&pem, made.cert.pem()).unwrap();
    let (_, report) = turn(&[&url, "--ca", &pem.display().to_string()]);
    assert_eq!(failed(&report).1, "certificate-issuer");
    let url = format!("turns:127.0.0.2:{}", server.secure);
    let (_, report) = turn(&[&url, "--ca", &server.ca()]);
    assert_eq!(failed(&report).1, "refused", "nothing listens on another address");
    let (ended, _) = turn(&[&format!("turns:localhost:{}", server.secure), "--insecure"]);
    ended.exits(0).says(&["warning: --insecure"]);
}

#[test]
fn a_wrong_name_and_an_expired_certificate_are_told_apart() {
    let mut old = valid_for(&["localhost"]);
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    for (certificate, cause, says) in [
        (valid_for(&["other.test"]), "certificate-name", "for other.test, not for localhost"),
        (old, "certificate-expired", "has expired"),
    ] {
        let Some(server) = Coturn::with_certificate(certificate, &["--no-auth"]) else { return };
        for transport in ["tcp", "udp"] {
            let url = format!("turns:localhost:{}?transport={transport}", server.secure);
            let (ended, report) = turn(&[&url, "--ca", &server.ca()]);
            ended.exits(1).says(&[says, "turn-tls-cert"]);
            assert_eq!(failed(&report).1, cause, "{url}");
        }
    }
}

#[test]
fn redirections_are_followed() {
    let Some(second) = Coturn::with_user(&[]) else { return };
    let there = format!("127.0.0.1:{}", second.port);
    let Some(first) = Coturn::with_user(&["--alternate-server", &there]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", first.port)]);
    ended.exits(0);
    let paths = report["servers"][0]["paths"].as_array().unwrap();
    assert_eq!(paths[0]["redirected_to"], there, "{:#}", paths[0]);
    assert!(paths.iter().any(|path| path["address"] == there && path["verdict"] == "passed"));
}

#[test]
fn several_urls_of_one_server_are_one_user() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let urls =
        [format!("turn:127.0.0.1:{}", server.port), format!("turn:127.0.0.1:{}?transport=tcp", server.port)];
    let (ended, report) = turn_as("me", "hush-wrong", &[&urls[0], &urls[1]]);
    ended.exits(1);
    let refused =
        report["servers"].as_array().unwrap().iter().flat_map(|server| server["paths"].as_array().unwrap());
    let asked = refused
        .filter(|path| path["steps"].as_array().unwrap().iter().any(|step| step["code"] == 401))
        .count();
    assert_eq!(asked, 1, "a wrong password is tried once:\n{report:#}");
}

#[test]
fn a_watch_tells_changes_and_serves_metrics() {
    let port = free_port();
    let url = format!("turn:127.0.0.1:{port}");
    let watch = ["turn", &url, "--watch", "100ms", "--metrics", "127.0.0.1:0"];
    let mut process = crate::harness::start(&free_room(), &watch);
    let line = process.says("metrics at ");
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned();
    process.says("connection refused");
    let deadline = Instant::now() + Duration::from_secs(20);
    let wanted = format!("transport=\"udp\",address=\"127.0.0.1:{port}\",required=\"true\"}} 0");
    loop {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
        if text.contains(&wanted) {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
    // Somebody takes the port and says nothing: the failure changes.
    let _silent = std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
    process.says("failed → failed: binding failed: no answer");
    process.signal("INT");
    process.end().exits(130);
}

#[test]
fn a_port_without_a_server_is_refused_and_that_is_a_result() {
    for (url, cause) in [("turn:127.0.0.1", "refused"), ("turn:127.0.0.1?transport=tcp", "refused")] {
        let port = free_port();
        let url = url.replacen("127.0.0.1", &format!("127.0.0.1:{port}"), 1);
        let (ended, report) = turn(&[&url]);
        ended.exits(1).says(&["nothing listens on"]);
        assert_eq!(failed(&report).1, cause, "{url}");
        assert_eq!(findings(&report), ["turn-unreachable"]);
    }
    let (ended, report) = turn(&["turn:nobody.invalid"]);
    ended.exits(1).says(&["A or AAAA record"]);
    assert_eq!(failed(&report).1, "unresolved");
}

#[test]
fn reports_are_written_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = free_port();
    let url = format!("turn:127.0.0.1:{port}");
    let reports = [
        "--report-junit",
        &file("j.xml"),
        "--report-markdown",
        &file("m.md"),
        "--report-json",
        &file("r.json"),
    ];
    let (ended, report) =
        turn(&[&[&*url, "--expect", "udp=failed", "--expect", "cert.days>3"], &reports[..]].concat());
    // A certificate was demanded and none was shown.
    ended.exits(3);
    assert_eq!((&report["kind"], &report["verdict"]), (&"turn".into(), &"unknown".into()));
    let junit = std::fs::read_to_string(file("j.xml")).unwrap();
    // That the path fails was expected; only the certificate is open.
    assert!(
        !junit.contains("<failure") && junit.contains("<error") && junit.contains("cert.days&gt;3"),
        "{junit}"
    );
    let markdown = std::fs::read_to_string(file("m.md")).unwrap();
    assert!(markdown.contains("turn-unreachable"), "{markdown}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(file("r.json")).unwrap()).unwrap();
    assert_eq!(written["servers"][0]["url"], url);
}

#[test]
fn a_wrong_command_line_is_told() {
    for (arguments, says) in [
        (&["turn"][..], "required"),
        (&["turn", "turn://host"], "no `//`"),
        (&["turn", "stun:host?transport=udp"], "no transport"),
        (&["turn", "turn:host:0"], "not a port"),
        (&["turn", "turn:host", "--username", "me"], "no credential"),
        (&["turn", "turn:host", "--credential", "x"], "no user"),
        (&["turn", "turn:host", "--expect", "tsl=ok"], "did you mean `tls`"),
        (&["turn", "turn:host", "--ca", "/nowhere"], "--ca"),
    ] {
        crate::harness::run(arguments).exits(2).says(&[says]);
    }
}
