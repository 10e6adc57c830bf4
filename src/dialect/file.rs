//! The file of a dialect: TOML → [`Dialect`], or everything that is wrong with it.

use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::keys::{self, ITEM, MESSAGE, names_of};
use super::read::{Node, Reader};
use super::rule::{Meaning, Pattern, Rule, Slots};
use super::say::Say;
use super::{Connect, Dialect, Hold, Variable};
use crate::diagnostic::{Diagnostic, hide_lines};
use crate::jsep::Role;
use crate::plan::parse_duration;

impl Dialect {
    /// Reads the text of the file that people know as `source`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn parse(name: &str, source: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                // A secret's default may be anywhere in it.
                let mut shown = text.to_owned();
                hide_lines("default", &mut shown);
                let reader = Reader::new(source, &shown);
                let help = "https://toml.io/en/v1.0.0 has the whole language on a page".to_owned();
                let span = error.span().unwrap_or(0..0);
                reader.complain(span, "this is not TOML", error.message().trim(), Some(help));
                return Err(reader.complaints());
            }
        };
        let table = table.into_inner();
        let shown = without_secrets(&table, text);
        let mut reader = Reader::new(source, &shown);
        reader.only(&table, keys::FILE, "a dialect");
        let variables = variables(&reader, &table);
        reader.made = variables.iter().map(|variable| variable.name.clone()).collect();
        reader.made.extend(captured(&table));
        let room = room(&reader, &table);
        let mut say = say(&reader, &table);
        say.keepalive = room.keepalive_messages;
        let about = table.get("about").and_then(|node| reader.plain(node, "about")).unwrap_or_default();
        let dialect = Self {
            name: name.to_owned(),
            about: about.to_owned(),
            variables,
            keepalive: room.keepalive,
            only_caller_reoffers: room.only_caller_reoffers,
            connect: connect(&reader, &table),
            unpack: room.unpack,
            hold: room.hold,
            say,
            rules: rules(&reader, &table),
        };
        // What a wrong line leaves out is not missing.
        if reader.is_content() {
            dialect.check(&reader);
        }
        let complaints = reader.complaints();
        if complaints.is_empty() { Ok(dialect) } else { Err(complaints) }
    }

    /// What makes sense line by line and not as a whole.
    fn check(&self, reader: &Reader<'_>) {
        let whole = 0..0;
        // A room may be made for one side alone: what a server offers, or what it answers.
        let roles = [Role::Caller, Role::Callee];
        if roles.iter().all(|role| !self.lacks(*role).is_empty()) {
            for lack in roles.into_iter().flat_map(|role| self.lacks(role)) {
                reader.complain(whole.clone(), lack.told(), "not here", Some(lack.help()));
            }
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let mut above = self.rules[..at].iter();
            let shadow =
                above.find(|above| !above.more && above.condition.is_none() && above.when.covers(&rule.when));
            if let Some(above) = shadow {
                let help = "put it above that rule, or say with `when` or `if` what differs".to_owned();
                let title = "this rule can never match";
                let label = format!("the rule at {} takes every message that this one would", above.place);
                reader.complain(rule.span.clone(), title, label, Some(help));
            }
        }
    }
}

/// The text with secrets written over, so that a complaint that shows their line does not show them. No byte moves.
fn without_secrets(file: &DeTable<'_>, text: &str) -> String {
    let mut shown = text.to_owned();
    let Some(DeValue::Table(variables)) = file.get("vars").map(toml::Spanned::get_ref) else { return shown };
    for (_, node) in variables {
        if let DeValue::Table(table) = node.get_ref()
            && table.contains_key("secret")
            && let Some(default) = table.get("default")
        {
            let span = default.span();
            shown.replace_range(span.clone(), &"*".repeat(span.len()));
        }
    }
    shown
}

fn variables(reader: &Reader<'_>, file: &DeTable<'_>) -> Vec<Variable> {
    let Some(table) = file.get("vars").and_then(|node| reader.table(node, "vars")) else { return Vec::new() };
    let mut variables = Vec::new();
    for (key, node) in table {
        let name: &str = key.get_ref().as_ref();
        if !is_free(reader, name, key.span(), &[]) {
            continue;
        }
        let (default, secret);
        if let DeValue::Table(table) = node.get_ref() {
            reader.only(table, keys::VARIABLE, &format!("`{name}`"));
            default = table.get("default").and_then(|node| reader.json(node));
            secret = table.get("secret").and_then(|node| reader.flag(node, "secret")).unwrap_or_default();
            if secret && let Some(node) = table.get("default") {
                let help = "leave it out; callcheck asks for it".to_owned();
                reader.complain(node.span(), "a secret stands in no file", "not here", Some(help));
            }
        } else {
            (default, secret) = (reader.json(node), false);
        }
        variables.push(Variable { name: name.to_owned(), default, secret });
    }
    variables
}

/// Whether the file may give that name a meaning. `allowed` are names with a meaning that it may change.
fn is_free(reader: &Reader<'_>, name: &str, span: Range<usize>, allowed: &[&str]) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
        let help = "use letters, digits and `_`".to_owned();
        reader.complain(span, format!("`{name}` cannot stand in `{{{{ }}}}`"), "no name", Some(help));
        return false;
    }
    let is_taken = keys::NAMES.contains(&name) || [MESSAGE, ITEM].contains(&name);
    if is_taken && !allowed.contains(&name) {
        let help = "choose another name".to_owned();
        reader.complain(span, format!("`{name}` means something already"), "taken", Some(help));
        return false;
    }
    true
}

/// The names that rules capture, before the rules themselves are read.
fn captured(file: &DeTable<'_>) -> Vec<String> {
    let Some(DeValue::Array(rules)) = file.get("hear").map(toml::Spanned::get_ref) else { return Vec::new() };
    let mut names = Vec::new();
    for rule in rules {
        if let DeValue::Table(rule) = rule.get_ref()
            && let Some(DeValue::Table(capture)) = rule.get("capture").map(toml::Spanned::get_ref)
        {
            names.extend(capture.keys().map(|key| key.get_ref().as_ref().to_owned()));
        }
    }
    names
}

fn connect(reader: &Reader<'_>, file: &DeTable<'_>) -> Connect {
    let Some(table) = file.get("connect").and_then(|node| reader.table(node, "connect")) else {
        return Connect::default();
    };
    reader.only(table, keys::CONNECT, "[connect]");
    let pairs = |key: &str| {
        let table = table.get(key).and_then(|node| reader.table(node, key));
        let pairs = table.into_iter().flatten().filter_map(|(name, node)| {
            let name: &str = name.get_ref().as_ref();
            Some((name.to_owned(), reader.text(node, name, &[])?))
        });
        pairs.collect()
    };
    Connect {
        subprotocols: items(table.get("subprotocol"))
            .iter()
            .filter_map(|node| reader.text(node, "subprotocol", &[]))
            .collect(),
        path: table.get("path").and_then(|node| reader.text(node, "path", &[])),
        query: pairs("query"),
        headers: pairs("headers"),
    }
}

/// The items of a list; a single value is a list of one.
fn items<'n, 't>(node: Option<&'n Node<'t>>) -> Vec<&'n Node<'t>> {
    match node.map(toml::Spanned::get_ref) {
        Some(DeValue::Array(items)) => items.iter().collect(),
        _ => node.into_iter().collect(),
    }
}

#[derive(Default)]
struct RoomPart {
    unpack: Vec<serde_json_path::JsonPath>,
    hold: Hold,
    only_caller_reoffers: bool,
    keepalive: Option<Duration>,
    keepalive_messages: Vec<super::Template>,
}

fn room(reader: &Reader<'_>, file: &DeTable<'_>) -> RoomPart {
    let mut room = RoomPart::default();
    let Some(table) = file.get("room").and_then(|node| reader.table(node, "room")) else { return room };
    reader.only(table, keys::ROOM, "[room]");
    room.unpack = items(table.get("unpack")).iter().filter_map(|node| reader.path(node, "unpack")).collect();
    let holds =
        [("as-made", Hold::No), ("after-description", Hold::Description), ("after-answer", Hold::Answer)];
    let hold = table.get("candidates").and_then(|node| reader.word(node, "candidates", &holds));
    room.hold = hold.unwrap_or_default();
    let who = [("either", false), ("caller", true)];
    let reoffer = table.get("reoffer").and_then(|node| reader.word(node, "reoffer", &who));
    room.only_caller_reoffers = reoffer.unwrap_or_default();
    if let Some(node) = table.get("keepalive")
        && let Some(keepalive) = reader.table(node, "keepalive")
    {
        reader.only(keepalive, keys::KEEPALIVE, "`keepalive`");
        room.keepalive = keepalive.get("every").and_then(|node| every(reader, node));
        room.keepalive_messages =
            keepalive.get("send").map(|node| reader.messages(node, &[])).unwrap_or_default();
        if !keepalive.contains_key("every") || !keepalive.contains_key("send") {
            let help = "write `keepalive = { every = \"30s\", send = { type = \"ping\" } }`".to_owned();
            reader.complain(
                node.span(),
                "`keepalive` needs `every` and `send`",
                "one is missing",
                Some(help),
            );
        }
    }
    room
}

fn every(reader: &Reader<'_>, node: &Node<'_>) -> Option<Duration> {
    let text = reader.plain(node, "every")?;
    match parse_duration(text) {
        Ok(every) if every >= Duration::from_millis(100) => Some(every),
        Ok(_) => {
            reader.complain(node.span(), "`every` is too short", "at least 100ms", None);
            None
        }
        Err(why) => {
            reader.complain(node.span(), "`every` is a time, and this is none", why, None);
            None
        }
    }
}

fn say(reader: &Reader<'_>, file: &DeTable<'_>) -> Say {
    let Some(table) = file.get("say").and_then(|node| reader.table(node, "say")) else {
        return Say::default();
    };
    reader.only(table, keys::SAY, "[say]");
    let said = |key: &str| {
        let read = table.get(key).map(|node| {
            let messages = reader.messages(node, names_of(key));
            check_use(reader, key, &messages, node);
            messages
        });
        read.unwrap_or_default()
    };
    Say {
        join: said("join"),
        offer: said("offer"),
        answer: said("answer"),
        candidate: said("candidate"),
        end_of_candidates: said("end-of-candidates"),
        hang_up: said("hang-up"),
        leave: said("leave"),
        keepalive: Vec::new(),
    }
}

/// A message that does not hold what it is for.
fn check_use(reader: &Reader<'_>, key: &str, messages: &[super::Template], node: &Node<'_>) {
    let must = match key {
        "offer" | "answer" => "sdp",
        "candidate" => "candidate",
        _ => return,
    };
    let used = messages.iter().flat_map(super::Template::texts).flat_map(super::Text::names);
    if !messages.is_empty() && !used.into_iter().any(|name| name == must) {
        let help = format!("put `{{{{ {must} }}}}` where it belongs");
        let title = format!("`{key}` does not use `{must}`");
        reader.complain(node.span(), title, "every one would be the same", Some(help));
    }
}

fn rules(reader: &Reader<'_>, file: &DeTable<'_>) -> Vec<Rule> {
    let Some(node) = file.get("hear") else { return Vec::new() };
    let DeValue::Array(items) = node.get_ref() else {
        let help = "write each rule under a heading `[[hear]]` of its own".to_owned();
        reader.complain(node.span(), "`hear` is a list of rules", "not a list", Some(help));
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(reader, item)).collect()
}

fn rule(reader: &Reader<'_>, node: &Node<'_>) -> Option<Rule> {
    let table = reader.table(node, "hear")?;
    reader.only(table, &keys::rule(), "a rule");
    let span =
        table.iter().next().map_or_else(|| node.span(), |(key, value)| key.span().start..value.span().end);
    let signal = table.get("signal");
    let meaning = signal.and_then(|node| reader.word(node, "signal", Meaning::WORDS));
    let when = match table.get("when") {
        Some(node) => reader.pattern(node)?,
        None => Pattern::Object(Vec::new()),
    };
    let each = table.get("each").map(|node| reader.slot(node, "each", &[]));
    let each = match each {
        Some(None) => return None,
        Some(slot) => slot,
        None => None,
    };
    let known = if each.is_some() { &[ITEM][..] } else { &[] };
    let mut slots = Slots::default();
    for (key, node) in table {
        let word: &str = key.get_ref().as_ref();
        let Some(slot) = slots.of(word) else { continue };
        *slot = reader.slot(node, word, known);
        let reads = meaning.map_or(&[][..], Meaning::reads);
        if signal.is_some() && !["from", "to", "role"].contains(&word) && !reads.contains(&word) {
            let said = signal.and_then(|node| node.get_ref().as_str()).unwrap_or_default();
            let title = format!("`{said}` does not read `{word}`");
            let known = if reads.is_empty() { "nothing more".to_owned() } else { reads.join(", ") };
            reader.complain(key.span(), title, "no use", Some(format!("it reads {known}")));
        }
    }
    let capture = table.get("capture").and_then(|node| reader.table(node, "capture"));
    let capture = capture.into_iter().flatten().filter_map(|(key, node)| {
        let name: &str = key.get_ref().as_ref();
        let is_free = is_free(reader, name, key.span(), keys::CAPTURED);
        is_free.then(|| Some((name.to_owned(), reader.slot(node, "capture", &[])?))).flatten()
    });
    let capture: Vec<_> = capture.collect();
    let reply = table.get("send").map(|node| reader.messages(node, &[MESSAGE])).unwrap_or_default();
    let condition = table.get("if").map(|node| reader.formula(node, "if", &[MESSAGE]));
    let condition = match condition {
        Some(None) => return None,
        Some(formula) => formula,
        None => None,
    };
    if let Some(needs) = meaning.and_then(Meaning::needs)
        && !table.contains_key(needs)
    {
        let help = format!("say where it stands, such as `{needs} = \"$.{needs}\"`");
        reader.complain(span.clone(), format!("this rule needs `{needs}`"), "missing here", Some(help));
    }
    if let Some(node) = table.get("each")
        && reader.is_content()
        && !slots.use_name(ITEM)
    {
        let help = "take from each what it tells, such as `peer = \"{{ item.id }}\"`".to_owned();
        reader.complain(node.span(), "`each` is of no use", "nothing uses `item`", Some(help));
    }
    if signal.is_none() && capture.is_empty() && reply.is_empty() && slots.role.is_none() {
        let help = "add `signal = \"ignore\"` if that is meant".to_owned();
        reader.complain(span.clone(), "this rule does nothing", "no signal, capture or send", Some(help));
    }
    Some(Rule {
        place: reader.place(span.start),
        span,
        when,
        condition,
        meaning,
        each,
        slots,
        capture,
        reply,
        more: table.get("more").and_then(|node| reader.flag(node, "more")).unwrap_or_default(),
    })
}
