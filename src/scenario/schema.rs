//! The JSON schema of scenario files, for editors: made of the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{Form, Key, SCENARIO, STEP};
use crate::plan::SUBJECTS;

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut root = table(SCENARIO);
    root.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".into(), json!("callcheck scenario"));
    Value::Object(root)
}

fn table(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let mut map = Map::new();
    map.insert("type".into(), json!("object"));
    map.insert("properties".into(), Value::Object(properties));
    map.insert("additionalProperties".into(), json!(false));
    map
}

fn described(key: &Key) -> Value {
    let mut form = form(&key.form);
    form.insert("description".into(), json!(key.means));
    Value::Object(form)
}

fn form(form: &Form) -> Map<String, Value> {
    // A variable may stand for anything but a table.
    let variable = json!({ "type": "string", "pattern": "\\$\\{.+\\}" });
    let object = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    match form {
        Form::Text => object(json!({ "type": "string" })),
        Form::Flag => object(json!({ "anyOf": [{ "type": "boolean" }, variable] })),
        Form::Time => object(json!({ "type": "string" })),
        Form::Count => object(json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, variable] })),
        Form::Words(words) => object(json!({ "anyOf": [{ "enum": words }, variable] })),
        Form::Texts | Form::Times => object(json!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        })),
        Form::Table(keys) => table(keys),
        Form::Open => object(json!({ "type": "object" })),
        Form::Expect => expect(),
        Form::Steps => object(json!({ "type": "array", "items": Value::Object(table(STEP)) })),
        Form::Any => Map::new(),
    }
}

fn expect() -> Map<String, Value> {
    let value = json!({ "type": ["string", "number", "array"] });
    let mut own: Map<String, Value> = Map::new();
    for subject in SUBJECTS {
        let mut described = value.clone();
        described["description"] = json!(format!("{}, such as {}", subject.meaning, subject.example));
        own.insert(subject.name.to_owned(), described);
    }
    let side = json!({ "type": "object" });
    let mut properties = own;
    properties.insert(
        "defaults".to_owned(),
        json!({ "type": "boolean", "description": "false: demand nothing but what is stated" }),
    );
    for name in ["caller", "callee", "both"] {
        properties.insert(name.to_owned(), side.clone());
    }
    let mut map = Map::new();
    map.insert("type".into(), json!("object"));
    map.insert("properties".into(), Value::Object(properties));
    map
}
