//! `--probe`: odd calls one after another, against callcheck as a good and as a faulty app, against nobody, and against a
//! page in Chromium.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::chromium::Chromium;
use crate::harness::{Ended, Process, one_call_at_a_time, run, serve, start, valid};
use crate::stand_in::{Kind, StandIn, page};

const APP: &str = include_str!("page/app.html");

/// callcheck as an app that takes one call after another. Ended when dropped.
struct App {
    over: Arc<AtomicBool>,
    calls: Option<std::thread::JoinHandle<()>>,
}

impl App {
    fn start(command: &'static str, url: &str, more: &'static [&'static str]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (is_over, url) = (Arc::clone(&over), url.to_owned());
        let calls = std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let own = [command, "demo", "--signal", &url, "--bind", "127.0.0.1", "--wait", "15s"];
                // It ends with the call, however that comes out.
                start(&url, &[&own[..], &["--timeout", "5s", "-q"], more].concat()).end();
            }
        });
        Self { over, calls: Some(calls) }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(calls) = self.calls.take() {
            calls.join().unwrap();
        }
    }
}

fn probe(command: &str, url: &str, more: &[&str]) -> Process {
    let own = [command, "demo", "--signal", url, "--bind", "127.0.0.1", "--probe", "--json"];
    start(url, &[&own[..], more].concat())
}

/// Waits for the end, call by call.
fn ended(mut process: Process, calls: &[&str]) -> Ended {
    calls.iter().for_each(|name| drop(process.says(name)));
    process.says("demo: ");
    process.end()
}

const OF_A_CALLEE: [&str; 7] = [
    "own re-offer",
    "extra m-section",
    "streamless track",
    "listen first",
    "early candidates",
    "late candidates",
    "consent pause",
];

/// Each probe's outcome and finding.
fn rows(ended: &Ended) -> (Value, BTreeMap<String, (String, Option<String>)>) {
    let report = valid("probe.schema.json", &ended.stdout);
    assert_eq!(report["kind"], "probe");
    let rows = report["probes"].as_array().unwrap().iter().map(|row| {
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        (text("probe").unwrap(), (text("outcome").unwrap(), text("finding")))
    });
    let rows = rows.collect();
    (report, rows)
}

fn is(rows: &BTreeMap<String, (String, Option<String>)>, probe: &str, outcome: &str, finding: Option<&str>) {
    assert_eq!(rows[probe], (outcome.to_owned(), finding.map(str::to_owned)), "{probe}: {rows:#?}");
}

#[test]
fn a_good_app_is_blamed_for_nothing_when_it_is_called() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let _app = App::start("answer", &url, &[]);
    let ended = ended(probe("call", &url, &[]), &OF_A_CALLEE).exits(0);
    let (report, rows) = rows(&ended);
    assert_eq!(report["verdict"], "passed");
    nobody_is_blamed(&rows);
    is(&rows, "glare, we yield", "not-tested", None);
}

#[test]
fn a_good_app_is_blamed_for_nothing_when_it_calls() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let _app = App::start("call", &url, &["--duration", "3s"]);
    let calls = ["own re-offer", "listen first", "glare, we yield", "glare, we insist", "consent pause"];
    let ended = ended(probe("answer", &url, &[]), &calls).exits(0);
    let (_, rows) = rows(&ended);
    nobody_is_blamed(&rows);
    // It ends its calls after three seconds, and that is no answer to a pause.
    is(&rows, "consent pause", "not-tested", None);
}

/// Nothing is wrong, and most was tested: on a busy machine a single call may come to nothing.
fn nobody_is_blamed(rows: &BTreeMap<String, (String, Option<String>)>) {
    is(rows, "base call", "ok", None);
    let count = |wanted: &str| rows.values().filter(|(outcome, _)| outcome == wanted).count();
    assert!(count("wrong") == 0 && count("ok") >= 7, "{rows:#?}");
}

#[test]
fn each_fault_is_shown_by_the_probe_that_is_made_for_it() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let _app = App::start(
        "answer",
        &url,
        &["--fault", "sdp-second-offer-ignored", "--fault", "ice-candidates-dropped-before-srd"],
    );
    let ended = ended(probe("call", &url, &[]), &OF_A_CALLEE).exits(1);
    let (report, rows) = rows(&ended);
    assert_eq!(report["verdict"], "failed");
    is(&rows, "own re-offer", "wrong", Some("sdp-second-offer-ignored"));
    is(&rows, "extra m-section", "wrong", Some("sdp-second-offer-ignored"));
    is(&rows, "early candidates", "wrong", Some("ice-candidates-dropped-before-srd"));
    is(&rows, "base call", "ok", None);
    for name in ["follow-up window", "streamless track", "listen first", "late candidates"] {
        assert_ne!(rows[name].0, "wrong", "{name}: {rows:#?}");
    }
    ended.says(&["the offer was not answered", "when callcheck offered the same once more"]);
}

#[test]
fn an_app_that_is_gone_after_one_call_was_not_tested() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let mut app = start(&url, &["answer", "demo", "--signal", &url, "--bind", "127.0.0.1", "-q"]);
    let ended = probe("call", &url, &["--wait", "2s"]).end().exits(3);
    assert!(!app.is_running());
    let (report, rows) = rows(&ended);
    assert_eq!(report["verdict"], "unknown");
    is(&rows, "base call", "ok", None);
    assert!(
        rows.iter().all(|(name, (outcome, _))| name == "base call" || outcome == "not-tested"),
        "{rows:?}"
    );
    // While the first app is still on its way out, it is there and says nothing.
    ended.says(&["nobody came within"]);
}

#[test]
fn a_base_call_that_fails_ends_it() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let _app = App::start("answer", &url, &["--attach", "add-transceiver", "--renegotiate", "no"]);
    let ended = probe("call", &url, &["--follow-up", "1s"]).end().exits(1);
    let (_, rows) = rows(&ended);
    assert_eq!(rows["base call"].0, "wrong");
    assert!(
        rows.iter().all(|(name, (outcome, _))| name == "base call" || outcome == "not-tested"),
        "{rows:?}"
    );
    ended.says(&["the base call failed, so nothing odd was tried"]);
}

#[test]
fn what_contradicts_a_probe_is_refused() {
    run(&["call", "demo", "--probe", "--fault", "nn-storm"]).exits(2).says(&["--fault and --probe"]);
    run(&["answer", "demo", "--probe", "--retry", "2"]).exits(2).says(&["--retry and --probe"]);
    let ended = run(&["call", "demo", "--probe", "--json", "--signal", "ws://127.0.0.1:1"]).exits(3);
    assert_eq!(rows(&ended).0["verdict"], "unknown");
    assert_eq!(ended.stderr.matches("nothing listens").count(), 2, "{}", ended.stderr);
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
}

#[test]
fn the_founding_page_loses_early_candidates_and_does_the_rest_well() {
    let _turn = one_call_at_a_time();
    let server = StandIn::start(Kind::Relay);
    let Some(chromium) = Chromium::launch() else { return };
    let signal = server.url.replace(':', "%3A").replace('/', "%2F");
    chromium.open_page(&format!("{}/?signal={signal}&kind=relay&attach=add-track", page(APP)));
    chromium.until("window.app && app.stage === 'joined'");
    let ended = ended(probe("call", &server.url, &["--dialect", "relay"]), &OF_A_CALLEE);
    let (_, rows) = rows(&ended);
    for name in ["base call", "follow-up window", "own re-offer", "extra m-section", "listen first"] {
        is(&rows, name, "ok", None);
    }
    is(&rows, "early candidates", "wrong", Some("ice-candidates-dropped-before-srd"));
    is(&rows, "late candidates", "ok", None);
    is(&rows, "streamless track", "not-tested", None);
    is(&rows, "consent pause", "ok", None);
    ended.exits(1);
}
