//! Schemas against the files in `schema/`.

/// Whether `schema/` holds this. `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
pub(crate) fn is_committed(name: &str, schema: &str) -> bool {
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema).unwrap();
    }
    std::fs::read_to_string(&path).unwrap() == schema
}
