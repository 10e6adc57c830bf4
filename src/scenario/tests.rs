//! What scenarios say, and what is said of wrong ones.

use super::*;
use crate::jsep::MediaKind;
use crate::plan::{Attach, AttachAt};

fn nothing_beside(_: &Path) -> Result<String, String> {
    Err("no such file".into())
}

fn read(text: &str) -> Result<Vec<Scenario>, String> {
    read_with(text, &[])
}

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Vec<Scenario>, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    scenarios("calls/it.toml", text, &Given { variables, ..Given::default() }, &nothing_beside)
        .map_err(|all| all.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n\n"))
}

fn one(text: &str) -> Scenario {
    read(text).unwrap_or_else(|error| panic!("{error}")).remove(0)
}

#[test]
fn a_file_that_says_nothing_is_a_good_call() {
    let scenario = one("");
    assert_eq!(scenario.name, "calls/it");
    let mut good = Plan::good(Role::Callee);
    good.room.name = "scenario".into();
    assert_eq!(scenario.callee, good);
    assert_eq!(scenario.caller.leg.duration, Some(DURATION));
    assert!(scenario.script.is_none() && scenario.of_the_call.is_empty());
}

#[test]
fn each_side_does_what_its_table_says() {
    let scenario = one(r#"
        title = "a bug"
        duration = "3s"
        clock = "virtual"
        [both]
        trickle = false
        [caller]
        send = { audio = "tone" }
        hold = ["1s", "4s"]
        resume = "2s"
        directions = { audio = "sendonly" }
        [callee]
        attach = "reuse"
        trickle = true
        faults = ["sdp-hold-not-resumed=4s"]
        [network]
        loss = "5%"
        block = ["1s..2s"]
        [network.caller]
        delay = "30ms"
        [expect]
        finding = "sdp-hold-not-resumed"
        ice = "connected"
        [expect.callee]
        tracks = "audio"
        "latency.p95" = "<100ms"
        frames = [">10", "<1000"]
    "#);
    assert_eq!(scenario.is_virtual, Some(true));
    assert_eq!(scenario.caller.leg.send.len(), 1);
    assert!(!scenario.caller.leg.trickle && scenario.callee.leg.trickle);
    assert_eq!(scenario.caller.leg.habits.later.len(), 3);
    let callee = &scenario.callee.leg;
    assert_eq!((callee.habits.attach, callee.habits.attach_at), (Attach::Reuse, AttachAt::AfterOffer));
    assert_eq!(
        (callee.receive.as_slice(), callee.faults[0].id),
        // Where a finding is demanded, what arrives is a symptom and no wish.
        (MediaKind::ALL, "sdp-hold-not-resumed")
    );
    assert_eq!(
        scenario.caller.network.caller.at(Duration::from_millis(1500)).delay,
        Duration::from_millis(30)
    );
    assert!(scenario.caller.network.callee.at(Duration::from_millis(1500)).block);
    let texts = |plan: &Plan| plan.expectations.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&scenario.caller), ["ice=connected"]);
    assert_eq!(
        texts(&scenario.callee),
        ["ice=connected", "tracks=audio", "latency.p95<100ms", "frames>10", "frames<1000"]
    );
    assert_eq!(scenario.of_the_call.len(), 1);
    let place = scenario.place_of("callee.frames", 1).unwrap();
    assert_eq!(&scenario.sources[0].text[place.span], "\"<1000\"");
    assert_eq!((place.line, place.column), (27, 26));
    assert!(scenario.place_of("finding", 0).is_some() && scenario.place_of("caller.frames", 0).is_none());
}

#[test]
fn a_matrix_makes_a_scenario_of_each_combination() {
    let text = r#"
        [vars]
        length = "2s"
        [matrix]
        attach = ["add-track", "add-transceiver"]
        trickle = [true, false]
        [caller]
        attach = "${attach}"
        trickle = "${trickle}"
        [callee]
        hold = "${length}"
    "#;
    let all = read(text).unwrap();
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "calls/it [attach=add-track, trickle=true]",
            "calls/it [attach=add-track, trickle=false]",
            "calls/it [attach=add-transceiver, trickle=true]",
            "calls/it [attach=add-transceiver, trickle=false]",
        ]
    );
    assert!(!all[3].caller.leg.trickle && all[3].caller.leg.habits.attach == Attach::AddTransceiver);
    let longer = read_with(text, &[("length", "7s")]).unwrap();
    assert_eq!(longer[0].callee.leg.habits.later[0].after, Duration::from_secs(7));
}

#[test]
fn defaults_of_another_file_are_merged_and_never_run_in_a_circle() {
    let load = |path: &Path| match path.to_string_lossy().as_ref() {
        "calls/../all.toml" => Ok("defaults = \"more.toml\"\nduration = \"2s\"\ntags = [\"x\"]".to_owned()),
        "calls/../more.toml" => Ok("duration = \"9s\"\n[callee]\nattach = \"none\"".to_owned()),
        "calls/round.toml" => Ok("defaults = \"it.toml\"".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let given = Given::default();
    let all = scenarios("calls/it.toml", "defaults = \"../all.toml\"", &given, &load).unwrap();
    assert_eq!(all[0].caller.leg.duration, Some(Duration::from_secs(2)));
    assert_eq!((all[0].tags.len(), all[0].callee.leg.habits.attach), (1, Attach::None));
    let errors = scenarios("calls/it.toml", "defaults = \"round.toml\"", &given, &load).unwrap_err();
    assert!(errors[0].title.contains("leads back to itself"), "{errors:?}");
}

#[test]
fn a_script_is_read_step_by_step() {
    let scenario = one(r#"
        [[step]]
        who = "caller"
        op = "add-transceiver"
        kind = "audio"
        direction = "recvonly"
        [[step]]
        who = "caller"
        op = "negotiate"
        [[step]]
        op = "checkpoint"
        caller = "0 audio recvonly/inactive no-track"
        [[step]]
        who = "callee"
        op = "remove-track"
        sender = 7
        rejected = "InvalidAccessError"
        [expect.callee]
        signaling = "stable"
        ontrack = ["audio 0 1"]
    "#);
    let script = scenario.script.as_ref().unwrap();
    assert_eq!(script.steps.len(), 4);
    assert_eq!(script.rejections[3].as_deref(), Some("InvalidAccessError"));
    let claims: Vec<_> = script.claims.iter().map(|claim| (claim.subject, claim.checkpoint)).collect();
    assert_eq!(claims, [("transceivers", Some(0)), ("signaling", None), ("ontrack", None)]);
    assert_eq!(scenario.place_in_script(InScript::Claim(1)).unwrap().line, 19);
}

#[test]
fn with_a_word_about_the_sides_applications_take_the_steps() {
    let scenario = one(r#"
        [both]
        [[step]]
        expect = ["tracks=audio", "caller.ice=connected"]
        within = "0s"
        [[step]]
        who = "callee"
        op = "add-track"
        kind = "video"
        settle = false
        [[step]]
        op = "checkpoint"
        callee = "0 audio sendrecv/sendrecv"
        [[step]]
        who = "both"
        op = "fault-on"
        fault = "ice-consent-lost"
    "#
    .replace("who = \"both\"", "who = \"caller\"")
    .as_str());
    assert!(scenario.script.is_none());
    assert_eq!(scenario.caller.steps, scenario.callee.steps);
    let steps = &scenario.caller.steps;
    let told: Vec<(usize, String)> = steps.iter().map(|step| (step.number, step.act.to_string())).collect();
    let told: Vec<(usize, &str)> = told.iter().map(|(number, act)| (*number, act.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "expect tracks=audio, caller.ice=connected"),
            (2, "add-track"),
            (3, "checkpoint"),
            (3, "expect callee.transceivers=0 audio sendrecv/sendrecv"),
            (4, "fault-on ice-consent-lost"),
        ]
    );
    let of = |role| steps.iter().map(|step| step.is_of(role)).collect::<Vec<bool>>();
    assert_eq!(of(Role::Caller), [true, false, true, false, true]);
    assert_eq!(of(Role::Callee), [true, true, true, true, false]);
    assert!(!steps[1].settles && steps[0].settles);
    assert_eq!(scenario.place_in_script(InScript::Step(3)).unwrap().line, 12);
}

/// Ten and more ways to break a scenario; each message must tell a newcomer what to write.
#[test]
fn what_is_said_of_broken_scenarios() {
    let broken = [
        "title = ",
        "tilte = \"x\"",
        "[calle]\nattach = \"add-track\"",
        "[callee]\natach = \"add-track\"",
        "[callee]\nattach = \"add-tracks\"",
        "duration = 5",
        "duration = \"-5s\"",
        "duration = \"soon\"",
        "[callee]\nattach = \"reuse\"\nattach-at = \"before-offer\"",
        "[callee]\nfaults = [\"sdp-setup-invalied\"]",
        "[callee]\nfaults = [\"sdp-plan-b\"]",
        "[caller]\nresume = \"2s\"",
        "[caller]\nsend = { audio = \"bars\" }",
        "[network]\nloss = \"50\"",
        "[network]\nlos = \"5%\"",
        "[expect.caller]\ntrakcs = \"audio\"",
        "[expect.caller]\ntracks = \"audi\"",
        "[expect]\n\"latency.p95\" = \"<100\"",
        "[caller]\nattach = \"${atach}\"\n[vars]\nattach = \"none\"",
        "[matrix]\na = [1,2,3,4,5,6,7,8,9,10]\nb = [1,2,3,4,5,6,7,8,9,10]\nc = [1,2,3,4,5,6,7,8,9,10,11]",
        "defaults = \"nowhere.toml\"",
        "[[step]]\nop = \"offer\"",
        "[[step]]\nwho = \"caller\"\nop = \"ofer\"",
        "[[step]]\nwho = \"caller\"\nop = \"stop\"",
        "[[step]]\nwho = \"caller\"\nop = \"hold\"",
        "[[step]]\nexpect = \"tracks=audio\"",
        "[both]\n[[step]]\nwho = \"caller\"",
        "[both]\n[[step]]\nop = \"hold\"",
        "[both]\n[[step]]\nwho = \"callee\"\nop = \"apply-kept-answer\"",
        "[both]\n[[step]]\nexpect = \"finding=none\"",
        "[both]\n[[step]]\nexpect = \"tracks=audoi\"",
        "[both]\n[[step]]\nop = \"fault-on\"\nwho = \"both\"\nfault = \"ice-consent-lost\"",
        "[both]\n[[step]]\nop = \"fault-on\"\nwho = \"caller\"\nfault = \"media-self-echo\"",
        "[both]\n[[step]]\nop = \"checkpoint\"\ncaller = \"0 audio\"",
        "[both]\n[[step]]\nwho = \"caller\"\nop = \"add-track\"\nkind = \"video\"\nexpect = \"tracks=audio\"",
        "[both]\n[[step]]\nwho = \"caller\"\nop = \"hold\"\nrejected = \"InvalidStateError\"",
        "[both]\n[[step]]\nop = \"wait\"\ntime = \"1s\"\nsender = 1",
        "[callee]\nplayed-by = \"firefox\"",
        "[callee]\nplayed-by = []",
        "[callee]\nplayed-by = \"chromium\"\nfaults = \"sdp-plan-b\"",
        "[callee]\nplayed-by = [\"peer\"]\nattach = \"none\"",
        "[callee]\nplayed-by = \"chromium\"\n[caller]\nplayed-by = [\"peer\"]",
        "[both]\nplayed-by = \"chromium\"",
        "[callee]\nplayed-by = \"chromium\"\n[expect.callee]\ntracks = \"audio\"",
        "[callee]\nplayed-by = \"chromium\"\n[[step]]\nop = \"checkpoint\"",
        "[caller]\nice-policy = \"relay\"",
        "[caller]\ntrickle = \"no\"",
        "retry = 1000",
        "a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];
    let said: Vec<String> =
        broken.iter().map(|text| read(text).err().unwrap_or_else(|| panic!("{text} is taken"))).collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn a_secret_is_used_and_never_seen() {
    let given =
        Given { secrets: [("TURN_PASSWORD".to_owned(), Secret::new("hunter2"))].into(), ..Given::default() };
    let read = |text: &str| scenarios("it.toml", text, &given, &nothing_beside);
    let server =
        "ice-servers = [{ urls = \"turn:h\", username = \"me\", credential = \"${TURN_PASSWORD}\" }]";
    let all = read(&format!("[caller]\n{server}")).unwrap();
    let server = &all[0].caller.leg.ice_servers[0];
    assert_eq!(server.credential.as_ref().map(Secret::reveal), Some("hunter2"));
    let shown = |text: &str| {
        let complaints = read(text).unwrap_err();
        complaints.iter().map(|one| one.render(false)).collect::<String>()
    };
    let in_title = shown("title = \"${TURN_PASSWORD}\"");
    assert!(in_title.contains("is a secret") && !in_title.contains("hunter2"), "{in_title}");
    // One that is written into the file is not shown with its line either.
    let in_line = shown(
        "[caller]\nice-servers = [{ urls = \"turn:h:0\", username = \"me\", credential = \"hunter2\" }]",
    );
    assert!(in_line.contains("not a port") && !in_line.contains("hunter2"), "{in_line}");
}

#[test]
fn several_faults_are_told_at_once_in_the_order_of_the_file() {
    let said = read("duration = 5\n[callee]\natach = 1\n[matrix]\na = [1, 2]").unwrap_err();
    assert_eq!(said.matches("error:").count(), 2, "{said}");
    assert!(said.find("duration").unwrap() < said.find("atach").unwrap());
}

#[test]
fn every_recorded_case_becomes_a_scenario() {
    let cases =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wpt-cases.json")).unwrap();
    let all = import(&cases).unwrap();
    assert_eq!(all.len(), 40);
    for made in &all {
        let read = scenarios(&made.file, &made.text, &Given::default(), &nothing_beside);
        let errors =
            read.map(|_| ()).map_err(|all| all.iter().map(|one| one.render(false)).collect::<String>());
        assert_eq!(errors, Ok(()), "{}:\n{}", made.file, made.text);
    }
    insta::assert_snapshot!(all[3].text);
}
