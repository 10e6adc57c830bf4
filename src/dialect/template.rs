//! Texts with `{{ name }}` in them, and JSON made of such texts. What is filled in becomes a value of the JSON and never a
//! piece of its text, so nothing that a room sends can break a message of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, Value};
use serde::Serialize;
use serde_json::Value as Json;

/// What names mean.
pub(super) type Names = BTreeMap<String, Value>;

/// A text whose `{{ }}` are filled in when it is used.
pub(super) struct Text {
    /// As it was written.
    pub(super) source: String,
    parts: Vec<Part>,
}

enum Part {
    Plain(String),
    Value(Formula),
}

/// An expression of minijinja.
pub(super) struct Formula {
    source: String,
    /// Those that it uses, sorted.
    names: Vec<String>,
    compiled: Expression<'static, 'static>,
}

/// Why a text is none, and which bytes of it are wrong.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Range<usize>,
    pub(super) why: String,
}

/// JSON with texts for leaves and keys.
#[derive(Debug)]
pub(super) enum Template {
    Text(Text),
    Fixed(Json),
    List(Vec<Self>),
    Object(Vec<(Text, Self)>),
}

/// Everything that expressions can do. Static, because compiled expressions borrow it.
fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        // A condition asks for members of what may be absent; what a message lacks is found where it is filled in.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.add_filter("json", |value: Value| {
            serde_json::to_string(&value).map_err(|error| fault(error.to_string()))
        });
        environment.add_filter("base64", |text: String| STANDARD.encode(text));
        environment.add_filter("unbase64", |text: String| {
            from_base64(&text).ok_or_else(|| fault("this is no text in base64"))
        });
        environment.add_filter("parse", |text: String| match parsed(&text) {
            Some(json) => Ok(valued(json)),
            None => Err(fault("this is neither JSON nor JSON in base64")),
        });
        environment
    })
}

fn fault(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why.into())
}

/// Data as expressions know it.
pub(super) fn valued(data: impl Serialize) -> Value {
    Value::from(Serde(data))
}

/// The JSON that a text holds, in base64 or not.
pub(super) fn parsed(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&from_base64(text)?).ok())
}

/// What a text holds inside: JSON that is no text itself, in base64 or not, or a text in base64.
pub(super) fn inside(text: &str) -> Option<Json> {
    parsed(text).filter(|json| !json.is_string()).or_else(|| from_base64(text).map(Json::String))
}

fn from_base64(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

impl Formula {
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let source = source.trim().to_owned();
        let compiled =
            environment().compile_expression_owned(source.clone()).map_err(|error| words(&error))?;
        // Filters and tests that do not exist would only show when they are needed.
        if let Err(error) = compiled.eval(Value::from_pairs(Vec::<(String, Value)>::new()))
            && matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
            )
        {
            return Err(words(&error));
        }
        let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
        names.sort();
        Ok(Self { source, names, compiled })
    }

    /// The names that it uses, sorted.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Without a value of that name it has none either.
    fn needs(&self, name: &str) -> bool {
        let names = self.names();
        let has_value = |with: bool| {
            let known = names.iter().filter(|known| with || *known != name);
            let known: Vec<(String, Value)> = known.map(|known| (known.clone(), Value::from("x"))).collect();
            self.compiled.eval(Value::from_pairs(known)).is_ok_and(|value| !value.is_undefined())
        };
        names.iter().any(|known| known == name) && has_value(true) && !has_value(false)
    }

    pub(super) fn holds(&self, names: &Value) -> Result<bool, String> {
        self.compiled.eval(names.clone()).map(|value| value.is_true()).map_err(|error| words(&error))
    }

    fn value(&self, names: &Value) -> Result<Json, String> {
        let value = self.compiled.eval(names.clone()).map_err(|error| words(&error))?;
        if lacks(&value, DEEPEST) {
            return Err(format!("`{}` has no value", self.source));
        }
        serde_json::to_value(&value).map_err(|error| error.to_string())
    }
}

/// No value nests deeper.
const DEEPEST: u8 = 8;

/// Whether it has no value, or a list in it has an item without one: as JSON that would be null, which means something.
fn lacks(value: &Value, depth: u8) -> bool {
    match value.kind() {
        ValueKind::Undefined => true,
        ValueKind::Seq | ValueKind::Iterable if depth > 0 => {
            value.try_iter().is_ok_and(|mut items| items.any(|item| lacks(&item, depth - 1)))
        }
        _ => false,
    }
}

fn words(error: &Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

impl Text {
    pub(super) fn parse(source: &str) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(begin) = source[at..].find("{{").map(|found| at + found) {
            if begin > at {
                parts.push(Part::Plain(source[at..begin].to_owned()));
            }
            let (formula, end) = formula(source, begin)?;
            parts.push(Part::Value(formula));
            at = end;
        }
        if at < source.len() {
            parts.push(Part::Plain(source[at..].to_owned()));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for part in &self.parts {
            if let Part::Value(formula) = part {
                names.extend_from_slice(formula.names());
            }
        }
        names
    }

    /// It cannot be filled in without a value of that name.
    pub(super) fn needs(&self, name: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Value(formula) if formula.needs(name)))
    }

    /// Nothing is to be filled in.
    pub(super) fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Plain(_)))
    }

    /// A text that is one `{{ }}` and nothing else keeps the type of its value; any other one is a text.
    pub(super) fn value(&self, names: &Value) -> Result<Json, String> {
        match &self.parts[..] {
            [Part::Value(formula)] => formula.value(names),
            _ => self.text(names).map(Json::String),
        }
    }

    pub(super) fn text(&self, names: &Value) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Value(formula) => match formula.value(names)? {
                    Json::Null => return Err(format!("`{}` is null, and stands in a text", formula.source)),
                    value => text.push_str(&as_text(&value)),
                },
            }
        }
        Ok(text)
    }
}

/// The expression that begins with the `{{` at `begin`, and where what follows it begins.
fn formula(source: &str, begin: usize) -> Result<(Formula, usize), Fault> {
    let inside = begin + 2;
    let mut first_fault = None;
    // An object in an expression may end with `}}` too: the first end that makes sense is the end.
    for (found, _) in source[inside..].match_indices("}}") {
        match Formula::parse(&source[inside..inside + found]) {
            Ok(formula) => return Ok((formula, inside + found + 2)),
            Err(why) => {
                first_fault.get_or_insert(Fault { at: begin..inside + found + 2, why });
            }
        }
    }
    let open = || Fault { at: begin..source.len(), why: "no `}}` follows".to_owned() };
    Err(first_fault.unwrap_or_else(open))
}

impl Template {
    /// Every text of it.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Text(text) => vec![text],
            Self::Fixed(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Object(entries) => {
                entries.iter().flat_map(|(key, value)| [vec![key], value.texts()].concat()).collect()
            }
        }
    }

    /// What is said with it differs with that name.
    pub(super) fn uses(&self, name: &str) -> bool {
        let uses = |part: &Part| matches!(part, Part::Value(formula) if formula.names.iter().any(|used| used == name));
        self.texts().iter().any(|text| text.parts.iter().any(uses))
    }

    pub(super) fn value(&self, names: &Value) -> Result<Json, String> {
        Ok(match self {
            Self::Text(text) => text.value(names)?,
            Self::Fixed(value) => value.clone(),
            Self::List(items) => {
                Json::Array(items.iter().map(|item| item.value(names)).collect::<Result<_, _>>()?)
            }
            Self::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.text(names)?, value.value(names)?)));
                Json::Object(entries.collect::<Result<_, String>>()?)
            }
        })
    }

    /// The text of a message: a text alone is sent as it is, anything else as JSON.
    pub(super) fn message(&self, names: &Value) -> Result<String, String> {
        match self {
            Self::Text(text) => text.text(names),
            other => other.value(names).map(|value| value.to_string()),
        }
    }
}

/// A value as it stands in a text.
pub(super) fn as_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn names(values: Json) -> Value {
        valued(values)
    }

    fn value(text: &str, values: Json) -> Result<Json, String> {
        Text::parse(text).unwrap().value(&names(values))
    }

    #[test]
    fn a_value_keeps_its_type_unless_it_stands_in_a_text() {
        let values = json!({ "null": null, "id": 7, "peer": "b\"ob\n", "init": { "sdpMid": null } });
        for (text, expected) in [
            ("{{ id }}", json!(7)),
            ("room-{{id}}!", json!("room-7!")),
            ("{{peer}}", json!("b\"ob\n")),
            ("{{init}}", json!({ "sdpMid": null })),
            ("{{ init.sdpMid }}", json!(null)),
            ("{{init | json}}", json!("{\"sdpMid\":null}")),
            ("{{ init | json | base64 }}", json!("eyJzZHBNaWQiOm51bGx9")),
            ("{{ {'a': {'b': id}} }}", json!({ "a": { "b": 7 } })),
            ("{{ '7' | int }}", json!(7)),
            ("{{ 'caller' if id == 7 else 'callee' }}", json!("caller")),
            ("{{ null }}", json!(null)),
            ("a } b", json!("a } b")),
            ("", json!("")),
        ] {
            assert_eq!(value(text, values.clone()), Ok(expected), "{text}");
        }
        assert_eq!(value("{{ nobody }}", values.clone()), Err("`nobody` has no value".into()));
        assert!(value("x{{ init.sdpMid }}", values).unwrap_err().contains("is null"));
    }

    #[test]
    fn what_is_no_expression_is_told_with_its_place() {
        for (text, at) in [("ab{{ x", 2..6), ("{{ x y }}", 0..9), ("{{ x | moo }}", 0..13), ("{{}}", 0..4)] {
            assert_eq!(Text::parse(text).unwrap_err().at, at, "{text}");
        }
        assert_eq!(Text::parse("{{ a }}-{{ b.c | json }}").unwrap().names(), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn no_text_unwinds(text in "[{} a-z|.'\"]{0,40}") {
            let _ = Text::parse(&text).map(|text| text.value(&names(json!({ "a": 1 }))));
        }

        #[test]
        fn nothing_that_is_filled_in_breaks_the_json(word in "\\PC{0,40}") {
            let template = Template::Object(vec![
                (Text::parse("a").unwrap(), Template::Text(Text::parse("{{word}}").unwrap())),
                (Text::parse("b").unwrap(), Template::Text(Text::parse("{{word|json}}").unwrap())),
            ]);
            let text = template.message(&names(json!({ "word": word }))).unwrap();
            let back: Json = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back["a"].as_str(), Some(&*word));
            let inner: Json = serde_json::from_str(back["b"].as_str().unwrap()).unwrap();
            prop_assert_eq!(inner.as_str(), Some(&*word));
        }
    }
}
