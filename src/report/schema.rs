//! JSON schemas of results; a copy of each is committed in `schema/`.

use schemars::JsonSchema;

use super::model::Report;

/// The schema of [`Report`], as the committed file holds it.
#[must_use]
pub fn schema() -> String {
    schema_of::<Report>()
}

/// The schema of a kind of result, as its committed file holds it.
#[must_use]
pub(crate) fn schema_of<T: JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    // Invariant: a schema is plain JSON.
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON") + "\n"
}

/// Whether `schema/` holds this. `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
#[cfg(test)]
pub(crate) fn is_committed(name: &str, schema: &str) -> bool {
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema).unwrap();
    }
    std::fs::read_to_string(&path).unwrap() == schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        assert!(is_committed("callcheck.schema.json", &schema()), "run with UPDATE_SCHEMA=1");
    }
}
