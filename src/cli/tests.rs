//! Every text that the command line alone can bring forth, as people see it, and every option's environment name.

use std::io::Write;

use clap::{CommandFactory, FromArgMatches};

use super::args::{Cli, Command};
use super::{explain, plan, serve, sim};
use crate::jsep::{MediaKind, Role};
use crate::plan::{Act, Attach, AttachAt, Habits, IcePolicy, Plan, SourcePlan, Streams};

/// The help of `callcheck COMMAND` as it is printed without a terminal.
fn help(command: Option<&str>, long: bool) -> String {
    let flag = if long { "--help" } else { "-h" };
    let words = ["callcheck"].into_iter().chain(command).chain([flag]);
    let error = Cli::command().term_width(80).try_get_matches_from(words).unwrap_err();
    assert!(!error.use_stderr());
    error.to_string()
}

/// What the command line becomes: a plan, or the complaint.
fn planned(line: &[&str]) -> Result<Plan, String> {
    let words = ["callcheck"].iter().chain(line);
    let matches = Cli::command().term_width(80).try_get_matches_from(words).map_err(|e| e.to_string())?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    plan::check_noise(&cli.noise).map_err(|error| error.to_string())?;
    let (_, matches) = matches.subcommand().unwrap();
    let (role, args) = match &cli.command {
        Command::Call(args) => (Role::Caller, args),
        Command::Answer(args) => (Role::Callee, args),
        Command::Serve(args) => return Err(serve::config(args).unwrap_err().to_string()),
        Command::Sim(args) => return Err(sim::complaint(args, matches).expect("a complaint").to_string()),
        Command::Explain(args) => return Err(explain::run(args, &cli.noise).unwrap_err().to_string()),
        Command::Run(args) => return Err(super::run::run(args, &cli.noise).unwrap_err().to_string()),
        Command::Schema(_) | Command::Init(_) | Command::Import(_) | Command::Turn(_) => {
            unreachable!("no complaint to provoke")
        }
        Command::Dialect(command) => return Err(super::dialect::run(command).unwrap_err().to_string()),
    };
    let mut plan = plan::plan(role, args, matches).map_err(|error| error.to_string())?;
    super::dialect::chosen(&args.dialect, &mut plan).map_err(|error| error.to_string())?;
    Ok(plan)
}

/// The complaints about several command lines, each under its line.
fn complaints(lines: &[&[&str]]) -> String {
    let mut text = String::new();
    for line in lines {
        let complaint = planned(line).expect_err(&line.join(" "));
        text += &format!("$ callcheck {}\n{}\n\n", line.join(" ").replace('\n', "\\n"), complaint.trim_end());
    }
    text
}

#[test]
fn help_is_grouped_and_fits() {
    let commands = ["call", "answer", "explain", "sim", "run", "turn", "init", "serve", "schema", "dialect"];
    for command in std::iter::once(None).chain(commands.into_iter().map(Some)) {
        let (short, long) = (help(command, false), help(command, true));
        let name = command.unwrap_or("callcheck");
        for line in short.lines().chain(long.lines()) {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        insta::assert_snapshot!(format!("help_{name}_short"), short);
        insta::assert_snapshot!(format!("help_{name}_long"), long);
        assert!(short.lines().count() <= 48, "{name} -h has {} lines", short.lines().count());
    }
}

#[test]
fn every_option_has_its_environment_name() {
    for command in [Cli::command()].iter().chain(Cli::command().get_subcommands()) {
        // What is asked for once is not set for a whole shell.
        let once = ["help", "version", "list", "about", "dry_run", "watch"];
        let options = command.get_arguments().filter(|arg| !once.contains(&arg.get_id().as_str()));
        for option in options.filter(|arg| arg.get_long().is_some()) {
            let long = option.get_long().unwrap();
            let expected = format!("CALLCHECK_{}", long.to_uppercase().replace('-', "_"));
            let env = option.get_env().unwrap_or_default().to_string_lossy().into_owned();
            assert_eq!(env, expected, "--{long} of {}", command.get_name());
        }
    }
}

#[test]
fn secrets_are_not_shown_by_help() {
    for command in Cli::command().get_subcommands() {
        for option in command.get_arguments() {
            if matches!(option.get_id().as_str(), "token" | "credential") {
                assert!(option.is_hide_env_values_set(), "{}", option.get_id());
            }
        }
    }
}

#[test]
fn a_bare_call_is_the_good_call() {
    let caller = planned(&["call", "demo"]).unwrap();
    assert!(caller.room.host);
    assert_eq!((caller.leg.name.as_str(), caller.leg.send.len()), ("caller", 2));
    assert_eq!(caller.leg.duration, Some(std::time::Duration::from_secs(5)));
    let callee = planned(&["answer", "demo", "--signal", "ws://192.0.2.1:80"]).unwrap();
    assert!(!callee.room.host);
    assert_eq!(callee.leg.duration, None, "the callee follows the caller");
}

#[test]
fn a_user_and_a_credential_belong_to_the_server_before_them() {
    let plan = planned(&[
        "call",
        "demo",
        "--ice-server=turn:one",
        "--credential=c1",
        "--username=u1",
        "--ice-server=stun:two",
        "--ice-server=turn:three",
        "--username=u3",
        "--credential=c3",
        "--ice-policy=relay",
    ])
    .unwrap();
    let servers = plan.leg.ice_servers.iter().map(|server| {
        let credential = server.credential.as_ref().map(|secret| secret.reveal().to_owned());
        (server.urls[0].clone(), server.username.clone(), credential)
    });
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        servers.collect::<Vec<_>>(),
        [
            ("turn:one".to_owned(), some("u1"), some("c1")),
            ("stun:two".to_owned(), None, None),
            ("turn:three".to_owned(), some("u3"), some("c3")),
        ]
    );
    assert_eq!(plan.leg.ice_policy, IcePolicy::Relay);
}

#[test]
fn secrets_come_from_files_too() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "hunter2\nand more").unwrap();
    let path = file.path().to_str().unwrap();
    let plan = planned(&[
        "call",
        "demo",
        "--token-file",
        path,
        "--ice-server=turn:a",
        "--username=u",
        "--credential-file",
        path,
    ])
    .unwrap();
    assert_eq!(plan.room.token.as_ref().unwrap().reveal(), "hunter2");
    assert_eq!(plan.leg.ice_servers[0].credential.as_ref().unwrap().reveal(), "hunter2");
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
    assert!(!format!("{plan:?}").contains("hunter2"));
}

#[test]
fn a_file_is_told_from_a_word() {
    let plan = planned(&["call", "demo", "--send", "video=./bar"]).unwrap();
    assert_eq!(plan.leg.send[0].source, SourcePlan::File("./bar".into()));
    assert_eq!(plan.leg.send.len(), 1, "what is not named is not sent");
}

#[test]
fn complaints_about_the_command_line() {
    insta::assert_snapshot!(complaints(&[
        &["call"],
        &["cal", "demo"],
        &["call", "demo", "--expekt", "tracks=audio"],
        &["call", "demo", "--trickle", "maybe"],
        &["call", "demo", "--ice-policy", "relais"],
        &["call", "demo", "--seed", "-1"],
        &["call", "demo", "--color", "blue"],
        &["call", " "],
        &["call", "demo", "--name", ""],
    ]));
}

#[test]
fn complaints_about_times_and_counts() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--duration", "5"],
        &["call", "demo", "--timeout", "soon"],
        &["call", "demo", "--wait", "0s"],
        &["call", "demo", "--wait", "400y"],
        &["call", "demo", "--retry", "-1"],
        &["call", "demo", "--retry", "1000"],
    ]));
}

#[test]
fn complaints_about_contradictions() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "-q", "-v"],
        &["call", "demo", "--json", "--report-json", "-"],
        &["call", "demo", "--json", "--record", "-"],
        &["call", "demo", "--report-json", "x.json", "--record", "x.json"],
        &["call", "demo", "--flaky-ok"],
        &["call", "demo", "--token", "a", "--token-file", "b"],
        &["call", "demo", "--token", ""],
    ]));
}

#[test]
fn complaints_about_the_room() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--signal", "rooms.example.org"],
        &["call", "demo", "--signal", "localhost:2255"],
        &["call", "demo", "--signal", "https://rooms.example.org/x"],
        &["call", "demo", "--signal", "http://rooms.example.org"],
        &["call", "demo", "--signal", "ws://"],
        &["call", "demo", "--signal", "ws://host:99999"],
        &["call", "demo", "--signal", "wss://me:hunter2@rooms.example.org"],
        &["call", "demo", "--signal", "wss://rooms.example.org/#x"],
        &["call", "demo", "--token-file", "no/such/file"],
    ]));
}

#[test]
fn complaints_about_media() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--send", "tone"],
        &["call", "demo", "--send", "audio="],
        &["call", "demo", "--send", "audio=bars"],
        &["call", "demo", "--send", "video=tone"],
        &["call", "demo", "--send", "video=none"],
        &["call", "demo", "--send", "video=bar"],
        &["call", "demo", "--send", "video=webcam"],
        &["call", "demo", "--send", "data=x"],
        &["call", "demo", "--send", "none", "--send", "audio=tone"],
        &["call", "demo", "--send", "audio=tone", "--send", "audio=x.opus"],
    ]));
}

#[test]
fn habits_have_the_defaults_of_a_good_application() {
    let habits = |line: &[&str]| planned(line).unwrap().leg.habits;
    assert_eq!(habits(&["call", "demo"]), Habits::good(Role::Caller));
    assert_eq!(habits(&["answer", "demo"]), Habits::good(Role::Callee));
    assert_eq!((habits(&["call", "demo"]).polite, habits(&["answer", "demo"]).polite), (false, true));
    let reuse = habits(&["answer", "demo", "--attach", "reuse"]);
    assert_eq!((reuse.attach_at, reuse.streams), (AttachAt::AfterOffer, Streams::Set));
    let replace = habits(&["call", "demo", "--attach", "replace-only", "--attach-at", "after-answer"]);
    assert_eq!((replace.attach_at, replace.streams), (AttachAt::AfterAnswer, Streams::One));
    let bug = habits(&["answer", "demo", "--attach", "add-transceiver", "--renegotiate", "no"]);
    assert_eq!(
        (bug.attach, bug.attach_at, bug.renegotiate),
        (Attach::AddTransceiver, AttachAt::BeforeOffer, false)
    );
}

#[test]
fn later_acts_are_put_in_order() {
    let line = ["call", "demo", "--resume", "2s", "--hold=1s", "--hold=3s", "--restart-ice", "1500ms"];
    let acts = planned(&line).unwrap().leg.habits.later.into_iter();
    let acts: Vec<(u128, Act)> = acts.map(|later| (later.after.as_millis(), later.act)).collect();
    assert_eq!(acts, [(1000, Act::Hold), (1500, Act::RestartIce), (2000, Act::Resume), (3000, Act::Hold)]);
}

#[test]
fn a_wish_changes_what_is_sent_and_attaching_nothing_sends_nothing() {
    let plan = planned(&["call", "demo", "--direction", "audio=recvonly"]).unwrap();
    assert_eq!(plan.leg.send.len(), 2, "the track is attached, and sends nothing");
    assert!(!plan.leg.sends(MediaKind::Audio) && plan.leg.sends(MediaKind::Video));
    assert!(planned(&["answer", "demo", "--attach", "none"]).unwrap().leg.send.is_empty());
}

#[test]
fn complaints_about_habits() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--attach", "addtrack"],
        &["call", "demo", "--attach", "reuse", "--attach-at", "before-offer"],
        &["answer", "demo", "--attach", "replace-only", "--attach-at", "before-offer"],
        &["call", "demo", "--attach", "none", "--send", "audio=tone"],
        &["call", "demo", "--attach-at", "later"],
        &["call", "demo", "--streams", "two"],
        &["call", "demo", "--association", "pion"],
        &["call", "demo", "--polite", "maybe"],
        &["call", "demo", "--direction", "sendonly"],
        &["call", "demo", "--direction", "sound=sendonly"],
        &["call", "demo", "--direction", "audio=sendonyl"],
        &["call", "demo", "--direction", "audio=off"],
        &["call", "demo", "--direction", "audio=stopped"],
        &["call", "demo", "--direction=audio=sendonly", "--direction=audio=inactive"],
        &["call", "demo", "--hold", "2"],
        &["call", "demo", "--resume", "2s"],
        &["call", "demo", "--hold", "2s", "--resume", "1s"],
        &["call", "demo", "--hold=1s", "--hold=2s", "--resume=3s"],
        &["call", "demo", "--restart-ice", "soon"],
    ]));
}

#[test]
fn complaints_about_servers_and_interfaces() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--ice-server", "turns:turn.example.org"],
        &["call", "demo", "--ice-server", "turn:turn.example.org?transport=tcp"],
        &["call", "demo", "--ice-server", "stun://stun.example.org"],
        &["call", "demo", "--ice-server", "stun.example.org"],
        &["call", "demo", "--ice-server", "turn:a"],
        &["call", "demo", "--ice-server", "turn:a", "--username", "u"],
        &["call", "demo", "--username", "u", "--ice-server", "turn:a"],
        &["call", "demo", "--ice-server=turn:a", "--username=u", "--username=v"],
        &["call", "demo", "--ice-server=turn:a", "--username=u", "--credential-file=no/such/file"],
        &["call", "demo", "--ice-servers", "no/such/file"],
        &["call", "demo", "--ice-policy", "relay"],
        &["call", "demo", "--ice-policy", "relay", "--ice-server", "stun:a"],
        &["call", "demo", "--bind", "eth0"],
    ]));
}

#[test]
fn complaints_about_expectations() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--expect", "trakcs=audio"],
        &["call", "demo", "--expect", "loss<5 apples"],
        &["call", "demo", "--expect", "tracks"],
        &["call", "demo", "--expect", ""],
    ]));
}

#[test]
fn complaints_about_a_bad_network() {
    insta::assert_snapshot!(complaints(&[
        &["call", "demo", "--network", "los=5%"],
        &["call", "demo", "--network", "loss=5"],
        &["answer", "demo", "--network-caller", "block@8s..5s"],
        &["sim", "--network-callee", "delay=30"],
    ]));
}

#[test]
fn complaints_about_what_is_to_be_explained() {
    insta::assert_snapshot!(complaints(&[
        &["explain"],
        &["explain", "no-such-file.jsonl"],
        &["explain", "Cargo.toml"],
        &["explain", "callee:Cargo.toml:undelivered"],
        &["explain", "--about", "sdp-addtransceiver-unasociated"],
        &["explain", "--about", "rain"],
        &["explain", "--list", "offer.sdp"],
    ]));
}

#[test]
fn complaints_about_simulated_calls() {
    insta::assert_snapshot!(complaints(&[
        &["sim", "--callee", "--atach none"],
        &["sim", "--callee", "--attach 'none"],
        &["sim", "--caller", "--attach sideways"],
        &["sim", "--caller", "--json"],
        &["sim", "--callee", "--signal ws://example.org"],
        &["sim", "--caller", "--bind 10.0.0.1"],
        &["sim", "--callee", "--ice-server stun:example.org"],
        &["sim", "--expect", "caller.trakcs=none"],
        &["sim", "--seeds", "9..3"],
        &["sim", "--seeds", "1..3", "--seed", "2"],
        &["sim", "--seeds", "1..3", "--record", "call.jsonl"],
        &["sim", "--seeds", "1..3", "--clock", "real"],
        &["sim", "--jobs", "3"],
        &["sim", "--signal-delay", "30ms..1ms"],
        &["sim", "demo"],
    ]));
}

#[test]
fn complaints_about_the_room_server() {
    insta::assert_snapshot!(complaints(&[
        &["serve", "--listen", "2255"],
        &["serve", "--max-peers", "1"],
        &["serve", "--max-peers", "1000"],
        &["serve", "--max-message", "10"],
        &["serve", "--max-rooms", "many"],
        &["serve", "--token", "a", "--token-file", "b"],
    ]));
}

#[test]
fn dialects_that_are_none_are_complained_about() {
    insta::assert_snapshot!(complaints(&[
        &["call", "x", "--dialect", "mdnchat", "--signal", "ws://h"],
        &["call", "x", "--dialect", "./nowhere.toml", "--signal", "ws://h"],
        &["call", "x", "--dialect", "mdn-chat"],
        &["call", "x", "--peer", "bob"],
        &["call", "x", "--dialect", "relay", "--signal", "ws://h", "--dialect-var", "ofer=x"],
        &["call", "x", "--dialect", "relay", "--signal", "ws://h", "--dialect-var", "offer"],
        &["call", "x", "--dialect", "relay", "--signal", "ws://h", "--dialect-secret", "NO_SUCH_VARIABLE"],
        &["dialect", "show", "ajame"],
    ]));
}
