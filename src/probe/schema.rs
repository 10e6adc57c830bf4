//! The JSON schema of a result, for programs that read it; a copy is committed in `schema/`.

use super::ProbeReport;
use crate::report::schema_of;

/// The schema of [`ProbeReport`], as the committed file holds it.
#[must_use]
pub fn schema() -> String {
    schema_of::<ProbeReport>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::is_committed;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        assert!(is_committed("probe.schema.json", &schema()), "run with UPDATE_SCHEMA=1");
    }
}
