//! The JSON schema of a result, for programs that read it.

use super::model::TurnReport;

/// The schema of [`TurnReport`], as the committed file holds it.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(TurnReport);
    // Invariant: a schema is plain JSON.
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/turn.schema.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == schema(), "schema/turn.schema.json is out of date; run with UPDATE_SCHEMA=1");
    }
}
