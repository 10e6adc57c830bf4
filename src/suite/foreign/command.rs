//! A program that speaks the room protocol: a message of JSON on each line, theirs on standard output, ours on standard
//! input.

use std::process::Command;
use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt, select_biased};

use super::process::{Process, Talk, lock};
use super::{Absent, Guest, ROOM};
use crate::jsep::Role;
use crate::server::{Hub, ServerConfig, Wire};
use crate::world::{Live, World, spawn};

/// So much of a line that is no message is shown.
const SHOWN: usize = 100;

pub(super) fn start(
    live: &Live,
    world: &Arc<dyn World>,
    role: Role,
    words: &[String],
) -> Result<Guest, Absent> {
    let program = words.first().cloned().unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(&words[1..]).env("CALLCHECK_ROOM", ROOM).env("CALLCHECK_ROLE", role.as_str());
    let (process, talk) = Process::start(live, command, true).map_err(|error| {
        Absent::Failed(format!("`{program}`, which plays the {role}, does not start: {error}"))
    })?;
    let hub = Hub::new(Arc::clone(world), ServerConfig::default());
    let garbage = Arc::new(Mutex::new(Garbage::default()));
    let (ended, errors) = (process.ended(world), process.errors());
    let wire = Wire::open(&hub);
    let talking = talk.map(|talk| spawn(&**world, carry(wire, talk, Arc::clone(&garbage))));
    let name = program.clone();
    let gone = async move {
        let how = ended.await;
        format!("`{name}`, which plays the {role}, ended before the call did: {how}")
    };
    let notes = move || {
        let mut notes = lock(&garbage).notes(&program);
        let errors = lock(&errors).clone();
        if let Some(last) = errors.lines().rev().find(|line| !line.trim().is_empty()) {
            notes.push(format!("`{program}` said last: {}", shown(last)));
        }
        notes
    };
    // What it said before its end is still carried.
    let running = Box::new((process, talking));
    Ok(Guest { hub, gone: gone.boxed(), notes: Box::new(notes), _running: running })
}

/// What came that is no message.
#[derive(Default)]
struct Garbage {
    lines: usize,
    first: String,
}

impl Garbage {
    fn notes(&self, program: &str) -> Vec<String> {
        let lines = self.lines;
        let plural = if lines == 1 { "line that is no message" } else { "lines that are no messages" };
        let note = format!("`{program}` wrote {lines} {plural}, such as `{}`", self.first);
        if lines > 0 { vec![note] } else { Vec::new() }
    }
}

async fn carry(mut wire: Wire, mut talk: Talk, garbage: Arc<Mutex<Garbage>>) {
    loop {
        select_biased! {
            line = talk.hear.next() => match line {
                Some(Ok(line)) if is_message(&line) => wire.say(line.trim_end()),
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(line) => {
                    let text = line.unwrap_or_else(|why| why);
                    let mut garbage = lock(&garbage);
                    garbage.lines += 1;
                    if garbage.lines == 1 {
                        garbage.first = shown(text.trim_end());
                    }
                }
                None => return,
            },
            text = wire.hear().fuse() => match text {
                // It may have ended.
                Some(text) => drop(talk.say.unbounded_send(text)),
                None => return,
            },
        }
    }
}

fn is_message(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.get("type").is_some())
}

/// A part of it, without what would move the cursor.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}
