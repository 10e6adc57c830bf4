//! `--send`: which tracks, and where their media comes from.

use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::diagnostic::nearest;
use crate::jsep::MediaKind;
use crate::plan::{SendPlan, SourcePlan};

const FORMS: &str = "write `audio=tone`, `video=bars`, `audio=FILE.opus`, `video=FILE.ivf` or `none`";

/// The tracks to send, in the order given; a tone and bars if nothing was said.
pub(super) fn send_plan(values: &[String]) -> Result<Vec<SendPlan>, CliError> {
    if values.is_empty() {
        return Ok(vec![
            SendPlan { kind: MediaKind::Audio, source: SourcePlan::Tone },
            SendPlan { kind: MediaKind::Video, source: SourcePlan::Bars },
        ]);
    }
    if values.iter().any(|value| value == "none") {
        return if values.len() == 1 {
            Ok(Vec::new())
        } else {
            Err(CliError::usage("`--send none` contradicts the other --send", "leave one of them out"))
        };
    }
    let mut tracks: Vec<SendPlan> = Vec::new();
    for value in values {
        let track = send_track(value)?;
        if tracks.iter().any(|other| other.kind == track.kind) {
            return Err(CliError::usage(
                format!("--send names {} twice", track.kind),
                "a call sends one track of each kind; leave one of them out",
            ));
        }
        tracks.push(track);
    }
    Ok(tracks)
}

fn send_track(value: &str) -> Result<SendPlan, CliError> {
    let wrong = |title: String| CliError::usage(title, FORMS);
    let Some((kind, source)) = value.split_once('=') else {
        return Err(wrong(format!("`--send {value}` does not say which kind and which source")));
    };
    let kind = match kind {
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        _ => return Err(wrong(format!("`{kind}` in `--send {value}` is not a kind of media"))),
    };
    let source = match (kind, source) {
        (MediaKind::Audio, "tone") => SourcePlan::Tone,
        (MediaKind::Video, "bars") => SourcePlan::Bars,
        (_, "") => return Err(wrong(format!("`--send {value}` names no source"))),
        (MediaKind::Audio, "bars") => {
            return Err(wrong("`bars` is a picture and cannot be audio".to_owned()));
        }
        (MediaKind::Video, "tone") => return Err(wrong("`tone` is a sound and cannot be video".to_owned())),
        (_, "none") => return Err(wrong(format!("leave {kind} out instead of `{value}`"))),
        (_, path) if looks_like_a_file(path) => SourcePlan::File(PathBuf::from(path)),
        (_, word) => return Err(unknown_source(kind, word)),
    };
    Ok(SendPlan { kind, source })
}

/// A word without a dot or a slash is a source; `./word` is a file.
fn looks_like_a_file(text: &str) -> bool {
    text.contains(['.', '/', '\\']) || Path::new(text).exists()
}

fn unknown_source(kind: MediaKind, word: &str) -> CliError {
    let ours = match kind {
        MediaKind::Audio => "tone",
        MediaKind::Video => "bars",
    };
    let help = match nearest(word, [ours]) {
        Some(near) => {
            format!("did you mean `{kind}={near}`? A file is written with its path, as in `{kind}=./{word}`")
        }
        None => FORMS.to_owned(),
    };
    CliError::usage(format!("`{word}` is not a source of {kind}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> Result<Vec<SendPlan>, CliError> {
        send_plan(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_said_sends_both_kinds_and_none_sends_nothing() {
        assert_eq!(sent(&[]).unwrap().len(), 2);
        assert_eq!(sent(&["none"]).unwrap(), []);
    }

    #[test]
    fn the_order_of_the_tracks_is_kept() {
        let tracks = sent(&["video=some/clip.ivf", "audio=tone"]).unwrap();
        assert_eq!(tracks[0].source, SourcePlan::File("some/clip.ivf".into()));
        assert_eq!(tracks[1].kind, MediaKind::Audio);
    }
}
