//! Faults of what is in the media.

use std::time::Duration;

use super::Fault;
use super::mistake::Mistake::{self, At, Source};
use super::mistake::{Again, ONCE};
use super::signals::Act;
use super::sources::SourceMistake;
use crate::jsep::MediaKind;

const VIDEO: Option<MediaKind> = Some(MediaKind::Video);
const AUDIO: Option<MediaKind> = Some(MediaKind::Audio);
const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn wrong(id: &'static str, does: &'static str, mistakes: fn(Duration) -> Vec<Mistake>) -> Fault {
    Fault { id, by: None, time: None, does, mistakes }
}

pub(super) const FAULTS: &[Fault] = &[
    wrong("media-no-keyframe", "never sends a key frame", |_| {
        vec![Source(VIDEO, SourceMistake::NoKeyFrames)]
    }),
    wrong("media-undecodable", "sends pictures that no decoder takes", |_| {
        vec![Source(VIDEO, SourceMistake::Garbage)]
    }),
    Fault {
        id: "media-frozen",
        by: None,
        time: Some(("so long after it began", ms(2_000))),
        does: "sends the same picture for ever",
        mistakes: |_| vec![Source(VIDEO, SourceMistake::Still)],
    },
    wrong("media-black", "sends black pictures", |_| vec![Source(VIDEO, SourceMistake::Nothing)]),
    wrong("media-silence", "sends silence", |_| vec![Source(AUDIO, SourceMistake::Nothing)]),
    Fault {
        id: "media-paused",
        by: None,
        time: Some(("so long after the answer", ms(2_000))),
        does: "stops sending in the middle of the call",
        mistakes: |time| vec![At(time, Act::StopMedia, ONCE)],
    },
    wrong("media-audio-too-quiet", "sends its sound 60 dB too quiet", |_| {
        vec![Source(AUDIO, SourceMistake::Quiet)]
    }),
    wrong("media-incomplete-frames", "never marks where a picture begins", |_| {
        vec![Source(VIDEO, SourceMistake::NeverBegins)]
    }),
    wrong("media-pli-storm", "asks for a key frame five times a second", |_| {
        vec![At(ms(500), Act::RequestKeyFrame, Again { times: 50, every: ms(200) })]
    }),
    wrong("media-pli-ignored", "makes no key frame when it is asked for one", |_| {
        vec![Source(VIDEO, SourceMistake::Deaf)]
    }),
    Fault {
        id: "media-jitter",
        by: None,
        time: Some(("by so much", ms(150))),
        does: "sends every second packet late",
        mistakes: |time| vec![Source(None, SourceMistake::Uneven(time))],
    },
    wrong("media-self-echo", "sends the other side's media back", |_| {
        vec![Source(None, SourceMistake::Echo)]
    }),
    wrong("media-clock-rate", "counts RTP time at half the rate", |_| {
        vec![Source(None, SourceMistake::Clock(0.5))]
    }),
    wrong("media-clock-drift", "has a clock that is one percent fast", |_| {
        vec![Source(None, SourceMistake::Pace(1.01))]
    }),
    Fault {
        id: "media-av-desync",
        by: None,
        time: Some(("by so much", ms(1_500))),
        does: "sends its pictures later than its sound",
        mistakes: |time| vec![Source(VIDEO, SourceMistake::Old(time))],
    },
    Fault {
        id: "media-latency",
        by: None,
        time: Some(("by so much", ms(1_200))),
        does: "sends what is long over",
        mistakes: |time| vec![Source(None, SourceMistake::Old(time))],
    },
    wrong("media-low-fps", "sends three pictures a second", |_| {
        vec![Source(VIDEO, SourceMistake::OneOf(10))]
    }),
];
