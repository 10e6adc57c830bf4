//! Says why, from files: recorded timelines, the SDP that people paste, dumps of chrome://webrtc-internals. Pure: it is
//! given names and bytes.
//!
//! `input` tells what a file is and reads descriptions, `pasted` finds them in text that is no JSON, `authors` infers
//! who made which, `replay` sets them in models of both browsers and makes a timeline of it, `internals` does so for a
//! dump, `merge` folds timelines on one clock, `lint` complains with line and caret. The findings are those of
//! `diagnose`, as for a live call.

mod authors;
mod error;
mod input;
mod internals;
mod lint;
mod merge;
mod pasted;
mod replay;

#[cfg(test)]
mod tests;

use crate::diagnose::{Context, Findings, Thresholds, diagnose};
use crate::facts::Facts;
use crate::jsep::Direction;
use crate::timeline::TransceiverRow;

pub use error::ExplainError;
pub use input::Input;
pub use lint::{Level, Lint};
pub use replay::{Browser, Fired, Refused, Row};

use authors::Authored;
use input::Content;

/// Everything that files say.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What is known.
    pub facts: Facts,
    /// What was wanted, as far as it is known.
    pub context: Context,
    /// What is wrong, and why.
    pub findings: Findings,
    /// What each browser would have done with the descriptions, caller first; empty where there are none.
    pub browsers: Vec<Browser>,
    /// Complaints about the descriptions, with line and caret.
    pub lints: Vec<Lint>,
    /// What was inferred, and what else is worth saying of the files.
    pub said: Vec<String>,
    /// The call was over where the files end.
    pub ended: bool,
}

/// Reads files and says why. Descriptions stand in the order in which they were sent; timelines are of one call.
///
/// # Errors
/// [`ExplainError`], with the name of the file.
pub fn explain(inputs: &[Input], thresholds: &Thresholds) -> Result<Explanation, ExplainError> {
    if inputs.is_empty() {
        return Err(ExplainError::Nothing);
    }
    let mut said = Vec::new();
    let mut contents = Vec::new();
    for input in inputs {
        contents.push((input, input::read(input, &mut said)?));
    }
    let is_sdp = |content: &Content| matches!(content, Content::Descriptions(_));
    let is_timeline = |content: &Content| matches!(content, Content::Timeline(_));
    if contents.iter().all(|(_, content)| is_sdp(content)) {
        return of_descriptions(contents, thresholds, said);
    }
    if contents.iter().all(|(_, content)| is_timeline(content)) {
        let timelines = contents.into_iter().filter_map(|(input, content)| match content {
            Content::Timeline(timeline) => Some((input.name.clone(), timeline)),
            _ => None,
        });
        let merged = merge::timelines(timelines.collect(), &mut said)?;
        return Ok(of_events(merged, thresholds, said));
    }
    if let [(input, Content::Internals(dump))] = contents.as_slice() {
        let merged = internals::timelines(&input.name, dump, &mut said)?;
        return Ok(of_events(merged, thresholds, said));
    }
    Err(ExplainError::Mixed { names: inputs.iter().map(|input| input.name.clone()).collect() })
}

fn of_descriptions(
    contents: Vec<(&Input, Content)>,
    thresholds: &Thresholds,
    mut said: Vec<String>,
) -> Result<Explanation, ExplainError> {
    let mut found = Vec::new();
    for (input, content) in contents {
        if let Content::Descriptions(list) = content {
            found.extend(list.into_iter().map(|description| (input, description)));
        }
    }
    let authored = authors::infer(found, &mut said)?;
    let played = replay::play(&authored);
    let context = Context { thresholds: thresholds.clone(), ..Context::of_descriptions() };
    Ok(finish(played.facts, context, played.browsers, &authored, said, true))
}

/// Of timelines: what both sides saw, and their descriptions once more in the models.
fn of_events(merged: merge::Merged, thresholds: &Thresholds, said: Vec<String>) -> Explanation {
    let merge::Merged { facts, context } = merged;
    let authored = authors::of_facts(&facts);
    let mut browsers = replay::play(&authored).browsers;
    browsers.iter_mut().for_each(|browser| told(&facts, browser));
    let context = Context { thresholds: thresholds.clone(), ..context };
    let ended = facts.ended.is_some();
    finish(facts, context, browsers, &authored, said, ended)
}

/// Where a side told its transceivers, they stand for those of the model, which knows descriptions alone.
fn told(facts: &Facts, browser: &mut Browser) {
    let Some((_, rows)) = &facts.peer(browser.role).transceivers else { return };
    let row = |row: &TransceiverRow| Row {
        mid: row.mid.clone(),
        kind: row.kind,
        direction: row.direction,
        current: row.current_direction,
    };
    browser.transceivers = rows.iter().map(row).collect();
    browser.offer_due |= rows.iter().any(|row| row.mid.is_none() && row.direction != Direction::Stopped);
}

fn finish(
    facts: Facts,
    context: Context,
    browsers: Vec<Browser>,
    authored: &[Authored],
    said: Vec<String>,
    ended: bool,
) -> Explanation {
    let mut findings = diagnose(&context, &facts, ended);
    authors::doubt(&mut findings, authored);
    let lints = lint::all(authored);
    Explanation { facts, context, findings, browsers, lints, said, ended }
}
