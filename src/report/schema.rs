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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::is_committed;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        assert!(is_committed("callcheck.schema.json", &schema()), "run with UPDATE_SCHEMA=1");
    }
}
