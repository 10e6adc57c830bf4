//! Scenario files: calls written down in TOML. A file that says nothing is a good call; everything else is stated. Pure:
//! whoever calls reads the files.
//!
//! `tree` keeps places, `read` reads single values, `keys` is the table of everything that can be said, and each part of
//! a file has a file here: `leg`, `network`, `expect`, `steps`, `cells`. `schema` describes it for editors, `import` makes
//! scenarios of recorded browser cases.

mod call_steps;
mod cells;
mod complaint;
mod expect;
mod foreign;
mod import;
mod keys;
mod leg;
mod network;
mod read;
mod schema;
mod steps;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, hide_lines};
use crate::jsep::{MediaKind, Role};
use crate::plan::{CallStep, Expectation, Plan, Secret, SendPlan, are_symptoms};

pub use complaint::Source;
pub use foreign::{Foreign, Player};
pub use import::{ImportError, Imported, import};
pub use schema::schema;
pub use steps::{Claim, Script};

use complaint::Complaint;
use expect::Placed;
use read::{Reader, Variables};
use tree::{Node, Place, Table, Value, get};

/// A file larger than this, in bytes, is none that somebody wrote.
pub const LARGEST: usize = 1 << 20;
/// A room's name has no more bytes.
const LONGEST_ROOM: usize = 56;
/// So many files with defaults may stand behind each other.
const DEEPEST: usize = 16;

/// One call as a file describes it: one cell of its matrix.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name of the file, and the values of the cell.
    pub name: String,
    /// In a line, if it says so.
    pub title: Option<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// Why it is not run.
    pub skip: Option<String>,
    /// Nothing else is to be run.
    pub only: bool,
    /// How often a call that did not pass is tried again.
    pub retry: Option<u32>,
    /// It runs on simulated time; none leaves that to the command line.
    pub is_virtual: Option<bool>,
    /// The room where the two sides meet if each is played by a process of its own; none is named after the file.
    pub room: Option<String>,
    /// Where every random choice starts.
    pub seed: Option<u64>,
    /// What both sides do.
    pub caller: Plan,
    /// What both sides do.
    pub callee: Plan,
    /// Findings that are demanded of the call, whoever finds them.
    pub of_the_call: Vec<Expectation>,
    /// Nothing is demanded but what is stated.
    pub only_stated: bool,
    /// Somebody else plays one of its sides.
    pub foreign: Option<Foreign>,
    /// It is a list of operations instead.
    pub script: Option<Script>,
    /// The values of its cell.
    pub cell: Vec<(String, String)>,
    /// The file, then those with its defaults.
    pub sources: Vec<Source>,
    placed: Vec<Placed>,
    files: Vec<(SendPlan, Place)>,
    step_places: Vec<Place>,
}

/// What comes from outside the file.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Variables, over those of the file.
    pub variables: BTreeMap<String, String>,
    /// Variables that nobody may see: they stand in credentials and nowhere else.
    pub secrets: BTreeMap<String, Secret>,
}

/// Reads the file of that name and finds all scenarios in it. `load` reads files with defaults, by their path beside it.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn scenarios(
    name: &str,
    text: &str,
    given: &Given,
    load: &dyn Fn(&Path) -> Result<String, String>,
) -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    let mut sources = vec![Source { name: name.to_owned(), text: text.to_owned() }];
    let table = match whole(&mut sources, load) {
        Ok(table) => table,
        Err(complaint) => return Err(vec![complaint.diagnostic(&sources)]),
    };
    let none = Variables::new();
    let reader = Reader::new(&none, &given.secrets);
    reader.only(&table, keys::SCENARIO, "a scenario");
    let variables = cells::variables(&reader, &table, &given.variables);
    let cells = cells::cells(&reader, &table);
    let mut complaints = reader.complaints();
    let mut all = Vec::new();
    for cell in cells {
        let mut variables = variables.clone();
        variables.extend(cell.iter().cloned());
        let reader = Reader::new(&variables, &given.secrets);
        all.push(scenario(&reader, &table, cell, &sources));
        for complaint in reader.complaints() {
            // What is wrong in every cell is said once.
            if !complaints.contains(&complaint) {
                complaints.push(complaint);
            }
        }
    }
    if complaints.is_empty() {
        return Ok(all);
    }
    Err(complaints.into_iter().map(|complaint| complaint.diagnostic(&sources)).collect())
}

/// The file with everything that its defaults add.
fn whole(
    sources: &mut Vec<Source>,
    load: &dyn Fn(&Path) -> Result<String, String>,
) -> Result<Table, Complaint> {
    let mut table = parsed(sources, 0)?;
    let mut from = (0, get(&table, "defaults").cloned());
    while let (file, Some(node)) = from {
        let complain = |title: String, label: &str, help: Option<String>| Complaint {
            place: node.place.clone(),
            title,
            label: label.to_owned(),
            help,
        };
        let Value::Text(path) = &node.value else {
            return Err(complain("`defaults` is the path of a file".into(), "no path", None));
        };
        let beside = Path::new(&sources[file].name).parent().unwrap_or_else(|| Path::new("")).join(path);
        let name = beside.to_string_lossy().replace('\\', "/");
        if sources.iter().any(|known| known.name == name) || sources.len() > DEEPEST {
            let help = "take the `defaults` out of one of the files";
            return Err(complain(format!("`{name}` leads back to itself"), "in a circle", Some(help.into())));
        }
        let text = load(&beside).map_err(|error| {
            complain(
                format!("`{name}` cannot be read"),
                &error,
                Some("the path is relative to this file".into()),
            )
        })?;
        sources.push(Source { name, text });
        let last = sources.len() - 1;
        let below = parsed(sources, last)?;
        from = (last, get(&below, "defaults").cloned());
        table = tree::merge(table, below);
    }
    Ok(table)
}

fn parsed(sources: &mut [Source], file: usize) -> Result<Table, Complaint> {
    let text = &mut sources[file].text;
    if text.len() > LARGEST {
        return Err(Complaint {
            place: Place { file, span: 0..0 },
            title: format!("the file has {} bytes, and a scenario has {LARGEST} at most", text.len()),
            label: String::new(),
            help: Some("is this a scenario at all?".into()),
        });
    }
    let table = tree::parse(text, file).inspect_err(|_| hide_lines("credential", text))?;
    tree::hide(&table, "credential", text);
    Ok(table)
}

fn scenario(reader: &Reader<'_>, table: &Table, cell: Vec<(String, String)>, sources: &[Source]) -> Scenario {
    let text = |key: &str| get(table, key).and_then(|node| reader.text(node, key));
    let flag = |key: &str| get(table, key).and_then(|node| reader.flag(node, key));
    let steps = get(table, "step");
    let expect = get(table, "expect");
    // Without a word about the sides, steps are those of two bare connections.
    let has_sides = ["caller", "callee", "both"].iter().any(|side| get(table, side).is_some());
    let (script, steps) = if has_sides { (None, steps) } else { (steps, None) };
    let placed = match (script, expect.and_then(|node| reader.table(node, "expect"))) {
        (None, Some(expect)) => expect::expectations(reader, expect),
        _ => Vec::new(),
    };
    let (call_steps, step_places) =
        steps.map(|node| call_steps::call_steps(reader, node)).unwrap_or_default();
    let foreign = players(reader, table, &sources[0], &call_steps, expect);
    let placed: Vec<Placed> = match &foreign {
        // What it sees nobody tells us.
        Some(foreign) => placed.into_iter().filter(|placed| placed.of != Some(foreign.role)).collect(),
        None => placed,
    };
    let retry = get(table, "retry").and_then(|node| reader.count(node, "retry", 100));
    let mut plans = [Role::Caller, Role::Callee].map(|role| plan(reader, table, role, &placed, &sources[0]));
    let strict = flag("strict").unwrap_or(false);
    let symptoms = are_symptoms(placed.iter().map(|placed| &placed.expectation));
    for plan in &mut plans {
        plan.strict = strict;
        plan.steps.clone_from(&call_steps);
        plan.expects_symptoms = symptoms;
        if symptoms {
            plan.leg.receive = MediaKind::ALL.to_vec();
        }
    }
    let defaults = expect.and_then(|node| match &node.value {
        Value::Table(table) => get(table, "defaults"),
        _ => None,
    });
    let [caller, callee] = plans;
    let words = [("real", false), ("virtual", true)];
    let tags = get(table, "tags").map_or(&[][..], |node| reader.items(node));
    Scenario {
        name: name_of(&sources[0].name, &cell),
        title: text("title"),
        tags: tags.iter().filter_map(|tag| reader.text(tag, "tags")).collect(),
        skip: text("skip"),
        only: flag("only").unwrap_or(false),
        retry: retry.and_then(|retry| u32::try_from(retry).ok()),
        is_virtual: get(table, "clock").and_then(|node| reader.word(node, "clock", &words)),
        room: get(table, "room").and_then(|node| room(reader, node)),
        seed: get(table, "seed").and_then(|node| reader.count(node, "seed", i64::MAX.unsigned_abs())),
        caller,
        callee,
        of_the_call: placed
            .iter()
            .filter(|placed| placed.of.is_none())
            .map(|p| p.expectation.clone())
            .collect(),
        only_stated: defaults.and_then(|node| reader.flag(node, "defaults")) == Some(false),
        foreign,
        script: script.map(|steps| steps::script(reader, steps, expect)),
        step_places,
        cell,
        sources: sources.to_vec(),
        files: reader.files(),
        placed,
    }
}

/// Who plays a side that is not ours, and what of it we cannot know.
fn players(
    reader: &Reader<'_>,
    table: &Table,
    source: &Source,
    steps: &[CallStep],
    expect: Option<&Node>,
) -> Option<Foreign> {
    let folder = Path::new(&source.name).parent().unwrap_or_else(|| Path::new(""));
    let side = |key: &'static str| get(table, key).and_then(|node| reader.table(node, key));
    if let Some(node) = side("both").and_then(|both| get(both, "played-by")) {
        let help = "write it under [caller] or under [callee]";
        reader.complain(&node.place, "somebody else plays one side, not both", "of both", Some(help.into()));
        return None;
    }
    let found = |role: Role| foreign::foreign(reader, side(role.as_str())?, role, folder);
    let (caller, callee) = (found(Role::Caller), found(Role::Callee));
    if let (Some(_), Some(other)) = (&caller, &callee) {
        let node = side(other.role.as_str()).and_then(|table| get(table, "played-by"));
        node.iter().for_each(|node| {
            let help = "leave one side to callcheck, which is the one that tells what it saw";
            reader.complain(
                &node.place,
                "both sides are played by somebody else",
                "this one too",
                Some(help.into()),
            );
        });
    }
    let foreign = caller.or(callee)?;
    let role = foreign.role;
    if let Some(Value::Table(all)) = expect.map(|node| &node.value)
        && let Some(entry) = all.iter().find(|entry| entry.key == role.as_str())
    {
        let help = format!("expect it of the {}, which sees what comes", role.other());
        reader.complain(
            &entry.place,
            format!("what the {role} sees is not told"),
            "nobody knows",
            Some(help),
        );
    }
    if let (Some(node), true) = (get(table, "step"), steps.iter().any(|step| step.is_of(role))) {
        let help = format!("give every step who = \"{}\"", role.other());
        let title = format!("who plays the {role} takes no steps");
        reader.complain(&node.place, title, "some are the other side's", Some(help));
    }
    Some(foreign)
}

fn room(reader: &Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "room")?;
    // A room beside it takes the results.
    let fits = (1..=LONGEST_ROOM).contains(&name.len()) && !name.chars().any(char::is_control);
    if !fits {
        let title = format!("`room` is a name of 1 to {LONGEST_ROOM} bytes");
        reader.complain(&node.place, title, "this is not", None);
    }
    fits.then_some(name)
}

fn name_of(file: &str, cell: &[(String, String)]) -> String {
    let name = file.strip_suffix(".toml").unwrap_or(file);
    let values: Vec<String> = cell.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if values.is_empty() { name.to_owned() } else { format!("{name} [{}]", values.join(", ")) }
}

fn plan(reader: &Reader<'_>, table: &Table, role: Role, placed: &[Placed], source: &Source) -> Plan {
    let mut plan = Plan::good(role);
    plan.room.name = "scenario".into();
    let time = |key: &str| get(table, key).and_then(|node| reader.time(node, key));
    if role == Role::Caller {
        plan.leg.duration = time("duration").or(Some(DURATION));
    }
    plan.leg.timeout = time("timeout").unwrap_or(plan.leg.timeout);
    plan.leg.wait = time("wait").unwrap_or(plan.leg.wait);
    plan.leg.answer_timeout = time("answer-timeout").unwrap_or(plan.leg.answer_timeout);
    plan.leg.follow_up = time("follow-up").unwrap_or(plan.leg.follow_up);
    let own = |key: &str| get(table, key).and_then(|node: &Node| reader.table(node, key));
    let legs = match (own(role.as_str()), own("both")) {
        (Some(own), Some(both)) => tree::merge(own.clone(), both.clone()),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => Table::new(),
    };
    let folder = Path::new(&source.name).parent().unwrap_or_else(|| Path::new(""));
    leg::leg(reader, &legs, &mut plan.leg, folder);
    if let Some(table) = own("network") {
        plan.network = network::network(reader, table);
    }
    plan.leg.receive = expect::wanted(placed, role);
    plan.expectations = placed
        .iter()
        .filter(|placed| placed.of == Some(role))
        .map(|placed| placed.expectation.clone())
        .collect();
    plan
}

/// How long media flows where nothing is said: a scenario shows what it shows soon.
const DURATION: Duration = Duration::from_secs(1);

impl Scenario {
    /// Where an expectation of that name is stated, such as `caller.tracks`, the so-manieth of that name: the file, the
    /// line and the column, and its bytes in the file.
    #[must_use]
    pub fn place_of(&self, name: &str, number: usize) -> Option<Placing> {
        let named = |placed: &&Placed| {
            let subject = placed.expectation.subject.info().name;
            match placed.of {
                Some(role) if placed.expectation.of.is_some() => name == format!("{role}.{subject}"),
                _ => name == subject,
            }
        };
        self.placing(&self.placed.iter().filter(named).nth(number)?.place)
    }

    /// The files with media that it plays, and where each is named.
    pub fn media(&self) -> impl Iterator<Item = (&SendPlan, Placing)> {
        self.files.iter().filter_map(|(track, place)| Some((track, self.placing(place)?)))
    }

    /// Where a step, or what is claimed of a script, stands.
    #[must_use]
    pub fn place_in_script(&self, what: InScript) -> Option<Placing> {
        self.placing(match (what, &self.script) {
            (InScript::Step(number), Some(script)) => script.places.get(number)?,
            (InScript::Claim(number), Some(script)) => script.claim_places.get(number)?,
            (InScript::Step(number), None) => self.step_places.get(number)?,
            (InScript::Claim(_), None) => return None,
        })
    }

    fn placing(&self, place: &Place) -> Option<Placing> {
        let source = self.sources.get(place.file)?;
        let (line, column) = source.line_and_column(place.span.start);
        Some(Placing { file: place.file, span: place.span.clone(), line, column })
    }
}

/// A place of one of a scenario's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// An index of [`Scenario::sources`].
    pub file: usize,
    /// The bytes.
    pub span: std::ops::Range<usize>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Something of a script that has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InScript {
    /// A step.
    Step(usize),
    /// A claim.
    Claim(usize),
}
