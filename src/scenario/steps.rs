//! `[[step]]`: W3C operations in order, and what the two bare connections that do them must show.

use std::time::Duration;

use super::keys::{CALL_ACTS, DIRECTIONS, OPERATIONS, SCRIPT_SIDE, STEP};
use super::read::Reader;
use super::tree::{Node, Place, Table, Value, get};
use crate::jsep::{Direction, MediaKind, Role, Side};
use crate::plan::{Operation, Step};

/// What makes steps those of applications.
const FOR_CALLS: &str =
    "add [caller], [callee] or [both], if only as `[both]`: then two applications take the steps";

/// A scenario that is a list of operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The operations.
    pub steps: Vec<Step>,
    /// The W3C error that each of them must be refused with; none is none.
    pub rejections: Vec<Option<String>>,
    /// What must be so at the end, or at a checkpoint.
    pub claims: Vec<Claim>,
    /// Where each step stands.
    pub(super) places: Vec<Place>,
    /// Where each claim stands.
    pub(super) claim_places: Vec<Place>,
}

/// Something that must be so.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Of which side.
    pub of: Role,
    /// At which checkpoint, from 0; none is at the end.
    pub checkpoint: Option<usize>,
    /// What, as in the file.
    pub subject: &'static str,
    /// What must be seen, in the words in which it is told.
    pub expected: String,
}

/// Reads the steps and, of `[expect]`, what it says of each side.
pub(super) fn script(reader: &Reader<'_>, steps: &Node, expect: Option<&Node>) -> Script {
    let mut script = Script::default();
    for node in reader.items(steps) {
        let Some(table) = reader.table(node, "step") else { continue };
        reader.only(table, STEP, "[[step]]");
        step(reader, node, table, &mut script);
    }
    if let Some(expect) = expect.and_then(|node| reader.table(node, "expect")) {
        for entry in expect {
            let Ok(role) = entry.key.parse::<Role>() else {
                let help = "write it under [expect.caller] or [expect.callee]";
                let title = format!("nothing can be expected of `{}` where there are steps", entry.key);
                reader.complain(&entry.place, title, "no side", Some(help.into()));
                continue;
            };
            let Some(own) = reader.table(&entry.node, &entry.key) else { continue };
            reader.only(own, SCRIPT_SIDE, &format!("[expect.{role}] with steps"));
            for key in SCRIPT_SIDE {
                let Some(node) = get(own, key.name) else { continue };
                let Some(expected) = stated(reader, key.name, node) else { continue };
                script.claims.push(Claim { of: role, checkpoint: None, subject: key.name, expected });
                script.claim_places.push(node.place.clone());
            }
        }
    }
    script
}

fn stated(reader: &Reader<'_>, key: &str, node: &Node) -> Option<String> {
    match (&node.value, key) {
        (Value::Whole(number), _) => Some(number.to_string()),
        (Value::List(items), _) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| reader.text(item, key)).collect();
            Some(texts?.join(", "))
        }
        _ => reader.text(node, key).map(|text| spaced(&text)),
    }
}

/// One space between words, and one behind a comma.
fn spaced(text: &str) -> String {
    text.split(',')
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn step(reader: &Reader<'_>, node: &Node, table: &Table, script: &mut Script) {
    let of_calls = ["expect", "within", "fault", "settle"];
    if let Some(entry) = table.iter().find(|entry| of_calls.contains(&&*entry.key)) {
        let title = format!("`{}` is for the steps of applications", entry.key);
        reader.complain(&entry.place, title, "these are two bare connections", Some(FOR_CALLS.into()));
        return;
    }
    let Some(op) = get(table, "op") else {
        reader.complain(
            &node.place,
            "a step needs `op`",
            "none here",
            Some(format!("such as op = \"{}\"", OPERATIONS[0])),
        );
        return;
    };
    if let Some(name) = reader.text(op, "op").filter(|name| CALL_ACTS.contains(&&**name)) {
        let title = format!("two bare connections cannot do `{name}`");
        reader.complain(&op.place, title, "done by an application", Some(FOR_CALLS.into()));
        return;
    }
    let names: Vec<(&str, &str)> = OPERATIONS.iter().map(|name| (*name, *name)).collect();
    let Some(name) = reader.word(op, "op", &names) else { return };
    let who = get(table, "who")
        .and_then(|node| reader.word(node, "who", &[("caller", Role::Caller), ("callee", Role::Callee)]));
    let of_both = matches!(name, "wait" | "wait-ice-connected" | "checkpoint");
    if who.is_none() && !of_both {
        let help = "write who = \"caller\" or who = \"callee\"";
        reader.complain(
            &op.place,
            format!("`{name}` is done by a side"),
            "nobody does it",
            Some(help.into()),
        );
        return;
    }
    let Some(operation) = (Arguments { reader, node, table, name }).operation() else { return };
    if operation == Operation::Checkpoint {
        let number = script.steps.iter().filter(|step| step.operation == Operation::Checkpoint).count();
        for role in [Role::Caller, Role::Callee] {
            let Some(node) = get(table, role.as_str()) else { continue };
            let Some(expected) = stated(reader, role.as_str(), node) else { continue };
            script.claims.push(Claim {
                of: role,
                checkpoint: Some(number),
                subject: "transceivers",
                expected,
            });
            script.claim_places.push(node.place.clone());
        }
    }
    script.rejections.push(get(table, "rejected").and_then(|node| reader.text(node, "rejected")));
    script.steps.push(Step { who: who.filter(|_| !of_both), operation });
    script.places.push(get(table, "rejected").unwrap_or(op).place.clone());
}

/// The arguments of one step.
pub(super) struct Arguments<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) node: &'a Node,
    pub(super) table: &'a Table,
    pub(super) name: &'a str,
}

impl Arguments<'_> {
    pub(super) fn operation(&self) -> Option<Operation> {
        Some(match self.name {
            "add-track" => Operation::AddTrack { kind: self.kind()?, streams: self.texts("streams") },
            "add-transceiver" => Operation::AddTransceiver {
                kind: self.kind()?,
                with_track: self
                    .given("with-track")
                    .and_then(|node| self.reader.flag(node, "with-track"))
                    .unwrap_or(false),
                direction: self.direction(),
                streams: self.texts("streams"),
            },
            "set-direction" => Operation::SetDirection {
                transceiver: self.index("transceiver")?,
                direction: self.needed("direction").and_then(|_| self.direction())?,
            },
            "replace-track" => Operation::ReplaceTrack {
                transceiver: self.index("transceiver")?,
                track: self.needed("track").and_then(|node| {
                    let words = [
                        ("audio", Some(MediaKind::Audio)),
                        ("video", Some(MediaKind::Video)),
                        ("none", None),
                    ];
                    self.reader.word(node, "track", &words)
                })?,
            },
            "set-streams" => Operation::SetStreams {
                transceiver: self.index("transceiver")?,
                streams: self.texts("streams"),
            },
            "remove-track" => Operation::RemoveTrack { sender: self.index("sender")? },
            "stop" => Operation::Stop { transceiver: self.index("transceiver")? },
            "create-data-channel" => Operation::CreateDataChannel,
            "restart-ice" => Operation::RestartIce,
            "set-local-offer" => Operation::SetLocalOffer,
            "deliver" => Operation::Deliver,
            "offer" => Operation::Offer,
            "create-answer" => Operation::CreateAnswer,
            "apply-kept-answer" => Operation::ApplyKeptAnswer,
            "answer" => Operation::Answer,
            "negotiate" => Operation::Negotiate,
            "rollback" => {
                let words = [("local", Side::Local), ("remote", Side::Remote)];
                let side = self.needed("side").and_then(|node| self.reader.word(node, "side", &words))?;
                Operation::Rollback { side }
            }
            "edit-next-sdp" => {
                self.needed("remove-lines")?;
                Operation::EditNextSdp { remove_lines_starting_with: self.texts("remove-lines") }
            }
            "close" => Operation::Close,
            "wait" => Operation::Wait(self.time()?),
            "wait-ice-connected" => Operation::WaitIceConnected,
            _ => Operation::Checkpoint,
        })
    }

    fn given(&self, key: &str) -> Option<&Node> {
        get(self.table, key)
    }

    pub(super) fn needed(&self, key: &str) -> Option<&Node> {
        let found = self.given(key);
        if found.is_none() {
            let title = format!("`{}` needs `{key}`", self.name);
            self.reader.complain(&self.node.place, title, "it is missing", None);
        }
        found
    }

    fn kind(&self) -> Option<MediaKind> {
        let words = [("audio", MediaKind::Audio), ("video", MediaKind::Video)];
        self.reader.word(self.needed("kind")?, "kind", &words)
    }

    fn direction(&self) -> Option<Direction> {
        let words: Vec<(&str, Direction)> =
            DIRECTIONS.iter().filter_map(|word| Some((*word, word.parse().ok()?))).collect();
        self.reader.word(self.given("direction")?, "direction", &words)
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let items = self.given(key).map_or(&[][..], |node| self.reader.items(node));
        items.iter().filter_map(|item| self.reader.text(item, key)).collect()
    }

    fn index(&self, key: &str) -> Option<usize> {
        let index = self.reader.count(self.needed(key)?, key, 1000)?;
        usize::try_from(index).ok()
    }

    pub(super) fn time(&self) -> Option<Duration> {
        self.reader.time(self.needed("time")?, "time")
    }
}
