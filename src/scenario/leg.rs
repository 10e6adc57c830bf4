//! `[caller]`, `[callee]` and `[both]`: what one side does.

use std::path::Path;
use std::time::Duration;

use super::keys::{DIRECTIONS, LEG};
use super::read::Reader;
use super::tree::{Node, Table, Value, get};
use crate::diagnostic::nearest;
use crate::fault::{self, Misstated};
use crate::jsep::{Association, Direction, MediaKind, Role};
use crate::plan::{
    Act, Attach, AttachAt, Clash, FaultPlan, IcePolicy, IceServer, Later, LegPlan, SendPlan, SourcePlan,
    Streams, check_ice_url,
};

const ATTACH: &[(&str, Attach)] = &[
    ("add-track", Attach::AddTrack),
    ("add-transceiver", Attach::AddTransceiver),
    ("reuse", Attach::Reuse),
    ("replace-only", Attach::ReplaceOnly),
    ("none", Attach::None),
];
const ATTACH_AT: &[(&str, AttachAt)] = &[
    ("before-offer", AttachAt::BeforeOffer),
    ("after-offer", AttachAt::AfterOffer),
    ("after-create-answer", AttachAt::AfterCreateAnswer),
    ("after-answer", AttachAt::AfterAnswer),
];
const STREAMS: &[(&str, Streams)] = &[("none", Streams::None), ("one", Streams::One), ("set", Streams::Set)];
const ASSOCIATION: &[(&str, Association)] = &[("jsep", Association::Jsep), ("by-kind", Association::ByKind)];
const ICE_POLICY: &[(&str, IcePolicy)] = &[("all", IcePolicy::All), ("relay", IcePolicy::Relay)];

/// Changes the plan of a side as its table says. `folder` is where files are looked for.
pub(super) fn leg(reader: &Reader<'_>, table: &Table, plan: &mut LegPlan, folder: &Path) {
    reader.only(table, LEG, &format!("[{}]", plan.role));
    habits(reader, table, plan);
    if let Some(send) = get(table, "send") {
        plan.send = sends(reader, send, folder).unwrap_or_default();
    }
    if plan.habits.attach == Attach::None {
        plan.send.clear();
    }
    if let Some(data) = get(table, "data").and_then(|node| reader.flag(node, "data")) {
        plan.data = data;
    }
    if let Some(node) = get(table, "faults") {
        plan.faults = reader.items(node).iter().filter_map(|item| mistake(reader, item, plan.role)).collect();
    }
    if let Some(trickle) = get(table, "trickle").and_then(|node| reader.flag(node, "trickle")) {
        plan.trickle = trickle;
    }
    if let Some(probe) = get(table, "probe-reoffer").and_then(|node| reader.flag(node, "probe-reoffer")) {
        plan.probe_reoffer = probe;
    }
    if let Some(node) = get(table, "ice-servers") {
        plan.ice_servers = reader.items(node).iter().filter_map(|item| ice_server(reader, item)).collect();
    }
    if let Some(path) = get(table, "ca").and_then(|node| reader.text(node, "ca")) {
        plan.ca = Some(folder.join(path));
    }
    if let Some(insecure) = get(table, "insecure").and_then(|node| reader.flag(node, "insecure")) {
        plan.insecure = insecure;
    }
    if let Some(node) = get(table, "ice-policy") {
        plan.ice_policy = reader.word(node, "ice-policy", ICE_POLICY).unwrap_or(IcePolicy::All);
        let turns =
            plan.ice_servers.iter().flat_map(|server| &server.urls).any(|url| url.starts_with("turn"));
        if plan.ice_policy == IcePolicy::Relay && !turns {
            let help = "name one with `ice-servers = [{ urls = \"turn:HOST\", username = \"...\", credential = \"...\" }]`";
            reader.complain(&node.place, "`relay` needs a TURN server", "there is none", Some(help.into()));
        }
    }
}

fn habits(reader: &Reader<'_>, table: &Table, plan: &mut LegPlan) {
    let habits = &mut plan.habits;
    if let Some(node) = get(table, "attach") {
        habits.attach = reader.word(node, "attach", ATTACH).unwrap_or(habits.attach);
    }
    let reuses = matches!(habits.attach, Attach::Reuse | Attach::ReplaceOnly);
    if reuses {
        habits.attach_at = AttachAt::AfterOffer;
    }
    if habits.attach == Attach::Reuse {
        habits.streams = Streams::Set;
    }
    if let Some(node) = get(table, "attach-at") {
        habits.attach_at = reader.word(node, "attach-at", ATTACH_AT).unwrap_or(habits.attach_at);
        if reuses && habits.attach_at == AttachAt::BeforeOffer {
            let title = format!("the {} has no transceiver to use before the first offer", plan.role);
            let help = "write `attach-at = \"after-offer\"`, or leave it out";
            reader.complain(&node.place, title, "too early", Some(help.into()));
        }
    }
    if let Some(node) = get(table, "streams") {
        habits.streams = reader.word(node, "streams", STREAMS).unwrap_or(habits.streams);
    }
    if let Some(node) = get(table, "association") {
        habits.association = reader.word(node, "association", ASSOCIATION).unwrap_or(habits.association);
    }
    if let Some(flag) = get(table, "renegotiate").and_then(|node| reader.flag(node, "renegotiate")) {
        habits.renegotiate = flag;
    }
    if let Some(flag) = get(table, "polite").and_then(|node| reader.flag(node, "polite")) {
        habits.polite = flag;
    }
    if let Some(directions) = get(table, "directions").and_then(|node| reader.table(node, "directions")) {
        for entry in directions {
            let Ok(kind) = entry.key.parse::<MediaKind>() else {
                let title = format!("`{}` is not a kind of media", entry.key);
                reader.unknown(&entry.place, &title, &entry.key, &["audio", "video"]);
                continue;
            };
            let words: Vec<(&str, Direction)> =
                DIRECTIONS.iter().filter_map(|word| Some((*word, word.parse().ok()?))).collect();
            if let Some(direction) = reader.word(&entry.node, &entry.key, &words) {
                habits.directions.insert(kind, direction);
            }
        }
    }
    later(reader, table, &mut habits.later);
}

/// What happens later, in order of time; a hold and a resume take turns.
fn later(reader: &Reader<'_>, table: &Table, later: &mut Vec<Later>) {
    let mut stated: Vec<(Duration, Act, &Node)> = Vec::new();
    for (key, act) in [("hold", Act::Hold), ("resume", Act::Resume), ("restart-ice", Act::RestartIce)] {
        for item in get(table, key).map_or(&[][..], |node| reader.items(node)) {
            stated.extend(reader.time(item, key).map(|time| (time, act, item)));
        }
    }
    if stated.is_empty() {
        return;
    }
    stated.sort_by_key(|(after, ..)| *after);
    *later = stated.iter().map(|(after, act, _)| Later { after: *after, act: *act }).collect();
    if let Some((index, clash)) = Later::clash(later) {
        let (title, label, help) = match clash {
            Clash::HeldSince(_) => {
                ("the call is held already", "held twice", "put a `resume` between the two")
            }
            Clash::NotHeld => {
                ("the call is not held at that time", "resumed", "give `hold` a shorter time than this")
            }
        };
        reader.complain(&stated[index].2.place, title, label, Some(help.into()));
    }
}

fn sends(reader: &Reader<'_>, node: &Node, folder: &Path) -> Option<Vec<SendPlan>> {
    if let Value::Text(_) = node.value {
        let text = reader.text(node, "send")?;
        if text == "none" {
            return Some(Vec::new());
        }
        let help =
            "write `send = { audio = \"tone\", video = \"bars\" }`, a file in place of a word, or \"none\"";
        reader.complain(&node.place, "`send` is a table of kinds, or \"none\"", "neither", Some(help.into()));
        return None;
    }
    let table = reader.table(node, "send")?;
    let mut tracks = Vec::new();
    for entry in table {
        let Ok(kind) = entry.key.parse::<MediaKind>() else {
            let title = format!("`{}` is not a kind of media", entry.key);
            reader.unknown(&entry.place, &title, &entry.key, &["audio", "video"]);
            continue;
        };
        let Some(text) = reader.text(&entry.node, &entry.key) else { continue };
        let ours = if kind == MediaKind::Audio { "tone" } else { "bars" };
        let source = match (kind, text.as_str()) {
            (MediaKind::Audio, "tone") => SourcePlan::Tone,
            (MediaKind::Video, "bars") => SourcePlan::Bars,
            (_, "none") => continue,
            (_, path) if path.contains(['.', '/', '\\']) => {
                let source = SourcePlan::File(folder.join(path.trim_start_matches("./")));
                reader.plays(SendPlan { kind, source: source.clone() }, &entry.node.place);
                source
            }
            (_, word) => {
                let help = match nearest(word, [ours]) {
                    Some(near) => format!("did you mean `{near}`? A file is written with its path"),
                    None => format!("write \"{ours}\", the path of a file, or \"none\""),
                };
                let title = format!("`{word}` is not a source of {kind}");
                reader.complain(&entry.node.place, title, "unknown", Some(help));
                continue;
            }
        };
        tracks.push(SendPlan { kind, source });
    }
    Some(tracks)
}

pub(super) fn mistake(reader: &Reader<'_>, node: &Node, role: Role) -> Option<FaultPlan> {
    let text = reader.text(node, "faults")?;
    let (title, label, help) = match fault::stated(role, &text) {
        Ok(plan) => return Some(plan),
        Err(Misstated::Unknown { id, near }) => {
            let all = || "`callcheck call x --fault list` names them all".to_owned();
            (
                format!("there is no fault `{id}`"),
                "unknown".to_owned(),
                near.map_or_else(all, |near| format!("did you mean `{near}`?")),
            )
        }
        Err(Misstated::OtherSide { fault, by }) => (
            format!("only the {by} can make this mistake, and this is the {role}"),
            "the wrong side".to_owned(),
            format!("put it under [{by}]: it {}", fault.does),
        ),
        Err(Misstated::NoTime(fault)) => (
            format!("`{}` takes no time", fault.id),
            "leave the time out".to_owned(),
            format!("write \"{}\"", fault.id),
        ),
        Err(Misstated::Time { fault, means, why, .. }) => {
            (format!("the time of `{}` cannot be this", fault.id), why, format!("it means {means}"))
        }
    };
    reader.complain(&node.place, title, label, Some(help));
    None
}

fn ice_server(reader: &Reader<'_>, node: &Node) -> Option<IceServer> {
    let (urls, username, credential) = match &node.value {
        Value::Table(table) => {
            for entry in
                table.iter().filter(|entry| !["urls", "username", "credential"].contains(&&*entry.key))
            {
                let title = format!("an ICE server has no key `{}`", entry.key);
                reader.unknown(&entry.place, &title, &entry.key, &["urls", "username", "credential"]);
            }
            let text = |key: &str| get(table, key).and_then(|node| reader.text(node, key));
            let Some(urls) = get(table, "urls") else {
                reader.complain(&node.place, "an ICE server needs `urls`", "none here", None);
                return None;
            };
            let credential = get(table, "credential").and_then(|node| reader.secret(node, "credential"));
            (urls, text("username"), credential)
        }
        _ => (node, None, None),
    };
    let mut known = Vec::new();
    for item in reader.items(urls) {
        let url = reader.text(item, "urls")?;
        let is_turn = match check_ice_url(&url) {
            Ok(is_turn) => is_turn,
            Err(error) => {
                reader.complain(&item.place, error.title, "not this", Some(error.help));
                return None;
            }
        };
        if is_turn && (username.is_none() || credential.is_none()) {
            let help = "write { urls = \"turn:...\", username = \"...\", credential = \"${NAME}\" } and pass `--secret NAME`";
            let title = "a TURN server needs a username and a credential";
            reader.complain(&item.place, title, "one is missing", Some(help.into()));
            return None;
        }
        known.push(url);
    }
    Some(IceServer { urls: known, username, credential })
}
