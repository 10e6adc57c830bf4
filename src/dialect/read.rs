//! Reads single values of a dialect's file and collects what is wrong, each with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value as Json;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{MESSAGE, NAMES};
use super::rule::{Member, Pattern, Slot};
use super::template::{Formula, Template, Text};
use crate::diagnostic::{Diagnostic, nearest, one_of};

/// A value of the file with its place.
pub(super) type Node<'t> = Spanned<DeValue<'t>>;

/// Reads one file.
pub(super) struct Reader<'a> {
    source: &'a str,
    text: &'a str,
    /// Names that the file itself makes: variables and captures.
    pub(super) made: BTreeSet<String>,
    complaints: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, text: &'a str) -> Self {
        Self { source, text, made: BTreeSet::new(), complaints: RefCell::default() }
    }

    /// Nothing was wrong so far.
    pub(super) fn is_content(&self) -> bool {
        self.complaints.borrow().is_empty()
    }

    /// What was wrong, in the order of the file.
    pub(super) fn complaints(self) -> Vec<Diagnostic> {
        let mut all = self.complaints.into_inner();
        all.sort_by_key(|complaint| complaint.span.start);
        all
    }

    pub(super) fn complain(
        &self,
        span: Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let end = span.end.min(self.text.len());
        self.complaints.borrow_mut().push(Diagnostic {
            source: self.source.to_owned(),
            text: self.text.to_owned(),
            span: span.start.min(end)..end,
            title: title.into(),
            label: label.into(),
            help,
        });
    }

    /// `file:line` of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.source, self.text[..at.min(self.text.len())].matches('\n').count() + 1)
    }

    /// A word that is none of `known`.
    pub(super) fn unknown(&self, span: Range<usize>, title: String, word: &str, known: &[&str]) {
        self.complain(span, title, "unknown", Some(one_of(word, known)));
    }

    /// Complains about every key that is none of these.
    pub(super) fn only(&self, table: &DeTable<'_>, keys: &[&str], of: &str) {
        for (key, _) in table {
            let word: &str = key.get_ref().as_ref();
            if !keys.contains(&word) {
                self.unknown(key.span(), format!("{of} has no key `{word}`"), word, keys);
            }
        }
    }

    pub(super) fn table<'n, 't>(&self, node: &'n Node<'t>, key: &str) -> Option<&'n DeTable<'t>> {
        match node.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                self.wrong(node, key, "a table", other);
                None
            }
        }
    }

    pub(super) fn wrong(&self, node: &Node<'_>, key: &str, wants: &str, is: &DeValue<'_>) {
        self.complain(node.span(), format!("`{key}` is {wants}"), format!("this is {}", name_of(is)), None);
    }

    pub(super) fn plain<'n>(&self, node: &'n Node<'_>, key: &str) -> Option<&'n str> {
        match node.get_ref() {
            DeValue::String(text) => Some(text),
            other => {
                self.wrong(node, key, "a text, in quotation marks", other);
                None
            }
        }
    }

    pub(super) fn flag(&self, node: &Node<'_>, key: &str) -> Option<bool> {
        match node.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                self.wrong(node, key, "true or false, without quotation marks", other);
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, node: &Node<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.plain(node, key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unknown(node.span(), format!("`{key}` cannot be `{text}`"), text, &names);
        }
        found
    }

    /// A value as JSON, without anything to be filled in.
    pub(super) fn json(&self, node: &Node<'_>) -> Option<Json> {
        Some(match node.get_ref() {
            DeValue::String(text) => Json::String(text.as_ref().to_owned()),
            DeValue::Boolean(flag) => Json::Bool(*flag),
            DeValue::Integer(whole) => {
                match i64::from_str_radix(&whole.as_str().replace('_', ""), whole.radix()) {
                    Ok(whole) => Json::from(whole),
                    Err(_) => return self.none(node, "a number that is too large"),
                }
            }
            DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => Json::from(number),
                _ => return self.none(node, "a number that JSON does not have"),
            },
            DeValue::Array(items) => {
                Json::Array(items.iter().map(|item| self.json(item)).collect::<Option<_>>()?)
            }
            DeValue::Table(table) => {
                let members = table.iter().map(|(key, value)| {
                    let key: &str = key.get_ref().as_ref();
                    Some((key.to_owned(), self.json(value)?))
                });
                Json::Object(members.collect::<Option<_>>()?)
            }
            DeValue::Datetime(_) => return self.none(node, "a date, which JSON does not have"),
        })
    }

    fn none<T>(&self, node: &Node<'_>, what: &str) -> Option<T> {
        let help = "write it as a text, in quotation marks".to_owned();
        self.complain(node.span(), format!("this is {what}"), "not in a message", Some(help));
        None
    }

    /// A text with `{{ }}`, which may use `more` names.
    pub(super) fn text(&self, node: &Node<'_>, key: &str, more: &[&str]) -> Option<Text> {
        let text = self.plain(node, key)?;
        self.text_of(text, &node.span(), more)
    }

    fn text_of(&self, text: &str, span: &Range<usize>, more: &[&str]) -> Option<Text> {
        match Text::parse(text) {
            Ok(parsed) => self.check_names(&parsed.names(), span, more).then_some(parsed),
            Err(fault) => {
                let span = self.inside(span, text, &fault.at);
                let help =
                    "inside `{{ }}` stands an expression such as `peer`, `candidate.sdpMid` or `sdp | json`";
                self.complain(span, "this cannot be filled in", fault.why, Some(help.into()));
                None
            }
        }
    }

    pub(super) fn formula(&self, node: &Node<'_>, key: &str, more: &[&str]) -> Option<Formula> {
        let text = self.plain(node, key)?;
        match Formula::parse(text) {
            Ok(formula) => self.check_names(formula.names(), &node.span(), more).then_some(formula),
            Err(why) => {
                let help =
                    "write a condition without `{{ }}`, such as `msg.to == self and msg.data is defined`";
                self.complain(node.span(), format!("`{key}` is no condition"), why, Some(help.into()));
                None
            }
        }
    }

    /// Whether every name means something.
    fn check_names(&self, names: &[String], span: &Range<usize>, more: &[&str]) -> bool {
        let mut all_known = true;
        for name in names {
            let made = self.made.iter().map(String::as_str);
            let known: Vec<&str> = NAMES.iter().copied().chain(more.iter().copied()).chain(made).collect();
            if known.contains(&name.as_str()) {
                continue;
            }
            all_known = false;
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "capture it in a [[hear]] rule, or set it under [vars]; known here are {}",
                    known.join(", ")
                ),
            };
            let shown = self.text.get(span.clone()).unwrap_or_default();
            let at = shown
                .find(name.as_str())
                .map_or_else(|| span.clone(), |found| span.start + found..span.start + found + name.len());
            self.complain(at, format!("nothing is called `{name}` here"), "undefined", Some(help));
        }
        all_known
    }

    /// The place of some bytes of a text, if the file holds the text as it is.
    fn inside(&self, span: &Range<usize>, text: &str, at: &Range<usize>) -> Range<usize> {
        match self.text.get(span.clone()).and_then(|written| written.find(text)) {
            Some(begin) => span.start + begin + at.start..span.start + begin + at.end,
            None => span.clone(),
        }
    }

    /// A message: a table, a list, JSON in a text, or a text that is no JSON.
    pub(super) fn template(&self, node: &Node<'_>, more: &[&str]) -> Option<Template> {
        match node.get_ref() {
            DeValue::String(text) => match self.json_in(text, node)? {
                Some(json) => self.template_of(&json, &node.span(), more),
                None => self.text_of(text, &node.span(), more).map(Template::Text),
            },
            _ => self.part(node, more),
        }
    }

    /// The JSON that a text holds, if it means to hold some.
    fn json_in(&self, text: &str, node: &Node<'_>) -> Option<Option<Json>> {
        let trimmed = text.trim_start();
        if trimmed.starts_with("{{") || !trimmed.starts_with(['{', '[']) {
            return Some(None);
        }
        match serde_json::from_str(text) {
            Ok(json) => Some(Some(json)),
            Err(error) => {
                let help = "what is filled in stands in quotation marks too, and keeps its type: {\"id\":\"{{self}}\"}";
                self.complain(node.span(), "this is not JSON", error.to_string(), Some(help.into()));
                None
            }
        }
    }

    fn part(&self, node: &Node<'_>, more: &[&str]) -> Option<Template> {
        match node.get_ref() {
            DeValue::String(text) => self.text_of(text, &node.span(), more).map(Template::Text),
            DeValue::Array(items) => {
                items.iter().map(|item| self.part(item, more)).collect::<Option<_>>().map(Template::List)
            }
            DeValue::Table(table) => {
                let members = table.iter().map(|(key, value)| {
                    let key = self.text_of(key.get_ref().as_ref(), &key.span(), more)?;
                    Some((key, self.part(value, more)?))
                });
                members.collect::<Option<_>>().map(Template::Object)
            }
            _ => self.json(node).map(Template::Fixed),
        }
    }

    fn template_of(&self, json: &Json, span: &Range<usize>, more: &[&str]) -> Option<Template> {
        match json {
            Json::String(text) => self.text_of(text, span, more).map(Template::Text),
            Json::Array(items) => {
                let items = items.iter().map(|item| self.template_of(item, span, more));
                items.collect::<Option<_>>().map(Template::List)
            }
            Json::Object(members) => {
                let members = members.iter().map(|(key, value)| {
                    Some((self.text_of(key, span, more)?, self.template_of(value, span, more)?))
                });
                members.collect::<Option<_>>().map(Template::Object)
            }
            other => Some(Template::Fixed(other.clone())),
        }
    }

    /// One message or several: a list of tables or of texts with JSON is several, any other list is one.
    pub(super) fn messages(&self, node: &Node<'_>, more: &[&str]) -> Vec<Template> {
        if let DeValue::Array(items) = node.get_ref() {
            let is_message = |item: &Node<'_>| match item.get_ref() {
                DeValue::Table(_) => true,
                DeValue::String(text) => text.starts_with(['{', '[']) && !text.starts_with("{{"),
                _ => false,
            };
            if items.iter().all(is_message) {
                return items.iter().filter_map(|item| self.template(item, more)).collect();
            }
        }
        self.template(node, more).into_iter().collect()
    }

    /// What a message looks like.
    pub(super) fn pattern(&self, node: &Node<'_>) -> Option<Pattern> {
        match node.get_ref() {
            DeValue::String(text) => match self.json_in(text, node)? {
                Some(json) => self.pattern_of(&json, &node.span()),
                None => self.text_of(text, &node.span(), &[MESSAGE]).map(Pattern::Text),
            },
            DeValue::Array(items) => {
                items.iter().map(|item| self.pattern(item)).collect::<Option<_>>().map(Pattern::List)
            }
            DeValue::Table(table) => {
                let members = table.iter().map(|(key, value)| {
                    Some((self.member(key.get_ref().as_ref(), key.span())?, self.pattern(value)?))
                });
                members.collect::<Option<_>>().map(Pattern::Object)
            }
            _ => self.json(node).map(Pattern::Fixed),
        }
    }

    fn pattern_of(&self, json: &Json, span: &Range<usize>) -> Option<Pattern> {
        match json {
            Json::String(text) => self.text_of(text, span, &[MESSAGE]).map(Pattern::Text),
            Json::Array(items) => {
                items.iter().map(|item| self.pattern_of(item, span)).collect::<Option<_>>().map(Pattern::List)
            }
            Json::Object(members) => {
                let members = members.iter().map(|(key, value)| {
                    Some((self.member(key, span.clone())?, self.pattern_of(value, span)?))
                });
                members.collect::<Option<_>>().map(Pattern::Object)
            }
            other => Some(Pattern::Fixed(other.clone())),
        }
    }

    fn member(&self, key: &str, span: Range<usize>) -> Option<Member> {
        if !key.starts_with('$') {
            return Some(Member::Name(key.to_owned()));
        }
        Some(Member::Path(self.path_of(key, span)?, key.to_owned()))
    }

    /// A path into a message.
    pub(super) fn path(&self, node: &Node<'_>, key: &str) -> Option<JsonPath> {
        let text = self.plain(node, key)?;
        self.path_of(text, node.span())
    }

    fn path_of(&self, text: &str, span: Range<usize>) -> Option<JsonPath> {
        JsonPath::parse(text)
            .map_err(|error| {
                let help = "a path looks like `$.data.sdp`, `$[1].candidate` or `$['to user']`";
                let at = error.position().min(text.len());
                let at = self.inside(&span, text, &(at..text.len().max(at)));
                let at = if at.is_empty() { span } else { at };
                self.complain(
                    at,
                    format!("`{text}` is no path"),
                    "from here on it cannot be read",
                    Some(help.into()),
                );
            })
            .ok()
    }

    /// Where a value is found: a path, or a text.
    pub(super) fn slot(&self, node: &Node<'_>, key: &str, more: &[&str]) -> Option<Slot> {
        let text = self.plain(node, key)?;
        if text.starts_with('$') {
            return Some(Slot::Path(self.path_of(text, node.span())?, text.to_owned()));
        }
        let slot = self.text_of(text, &node.span(), &[&[MESSAGE], more].concat())?;
        if slot.is_fixed() && !FIXED.contains(&key) {
            let help =
                format!("write a path such as `$.{text}`, or an expression such as `{{{{ msg.{text} }}}}`");
            self.complain(
                node.span(),
                format!("`{key}` would always be `{text}`"),
                "this is no path",
                Some(help),
            );
            return None;
        }
        Some(Slot::Text(slot))
    }
}

/// Slots that may well be the same for every message.
const FIXED: &[&str] = &["role", "type", "peer", "mid", "index", "reason", "capture"];

fn name_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
