//! `jsep-oracle.json`: what the answerer did × what was offered, and what followed.

use callcheck::jsep::Direction;
use serde::Deserialize;

/// One row.
#[derive(Debug, Deserialize)]
pub(crate) struct OracleRow {
    pub(crate) id: String,
    pub(crate) offer: Direction,
    /// A to K.
    pub(crate) state: char,
    pub(crate) assoc_dir: Direction,
    pub(crate) answer: Direction,
    pub(crate) cur_answerer: Direction,
    pub(crate) cur_offerer: Direction,
    pub(crate) ontrack_answerer: bool,
    pub(crate) track_removed_at_answer: bool,
    pub(crate) ontrack_offerer: bool,
    /// `[S]`, `[]...` or `-`.
    pub(crate) offerer_streams: String,
    pub(crate) rtp_from_answerer: bool,
    pub(crate) unassociated: usize,
    pub(crate) nn_answerer: bool,
    pub(crate) track_ended_by_stop: bool,
}

/// All rows of the file.
pub(crate) fn rows() -> Vec<OracleRow> {
    #[derive(Deserialize)]
    struct File {
        rows: Vec<OracleRow>,
    }
    let file: File = serde_json::from_str(&super::read(super::data("jsep-oracle.json")))
        .expect("the schema of the oracle");
    file.rows
}
