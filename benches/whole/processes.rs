//! Calls between two processes, through a room server in a third.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::line;

/// Prints the time to the first frame of that many calls, beside `in_one_process`, the median inside one process.
pub(crate) fn processes(calls: usize, in_one_process: f64) {
    println!("whole calls between two processes, through a room server, {calls} calls");
    let (mut server, url) = serve();
    let times: Vec<f64> =
        (0..calls).filter_map(|number| first_frame(&url, &format!("room {number}"))).collect();
    // It is of no use any more, however it ends.
    let _ = server.kill();
    let _ = server.wait();
    line("to the first frame on both sides", &times, None);
    let more = super::at(&times, 0.5) - in_one_process;
    println!("  more than in one process: {more:.1} ms   target 20 ms: {}", super::met(more <= 20.0));
}

fn callcheck(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callcheck"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn serve() -> (Child, String) {
    let mut command = callcheck(&["serve", "--listen", "127.0.0.1:0"]);
    let mut server = command.stderr(Stdio::piped()).spawn().expect("the room server starts");
    let mut said = String::new();
    let mut stderr = BufReader::new(server.stderr.take().expect("it is piped"));
    stderr.read_line(&mut said).expect("it says where it is");
    let url = said.split_whitespace().find(|word| word.starts_with("ws://")).unwrap_or_default();
    (server, url.trim_end_matches(';').to_owned())
}

/// The later of both sides' first frames since createOffer, in ms; the callee's counts from the offer's arrival, so the
/// way of the offer is left out there.
fn first_frame(url: &str, room: &str) -> Option<f64> {
    let side = |command: &str| {
        let arguments =
            [command, room, "--signal", url, "--json", "-q", "--duration", "1ms", "--bind", "127.0.0.1"];
        callcheck(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("callcheck starts")
    };
    let (callee, caller) = (side("answer"), side("call"));
    let (caller, callee) = (caller.wait_with_output().ok()?, callee.wait_with_output().ok()?);
    let report: Value = serde_json::from_slice(&caller.stdout).ok()?;
    let peers = report["calls"][0]["peers"].as_array()?.clone();
    drop(callee);
    let times = peers.iter().filter_map(|peer| peer["timing_ms"]["first_frame"].as_f64());
    times.reduce(f64::max)
}
