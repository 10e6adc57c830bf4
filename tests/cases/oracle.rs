//! `jsep-oracle.json`: what the answerer did × what was offered, and what followed.

use callcheck::jsep::Direction;
use serde::Deserialize;

/// One row.
#[derive(Debug, Deserialize)]
pub struct OracleRow {
    pub id: String,
    pub offer: Direction,
    /// A to K.
    pub state: char,
    pub assoc_dir: Direction,
    pub answer: Direction,
    pub cur_answerer: Direction,
    pub cur_offerer: Direction,
    pub ontrack_answerer: bool,
    pub track_removed_at_answer: bool,
    pub ontrack_offerer: bool,
    /// `[S]`, `[]...` or `-`.
    pub offerer_streams: String,
    pub rtp_from_answerer: bool,
    pub unassociated: usize,
    pub nn_answerer: bool,
    pub track_ended_by_stop: bool,
}

/// All rows of the file.
pub fn rows() -> Vec<OracleRow> {
    #[derive(Deserialize)]
    struct File {
        rows: Vec<OracleRow>,
    }
    let file: File =
        serde_json::from_str(&super::read("jsep-oracle.json")).expect("the schema of the oracle");
    file.rows
}
