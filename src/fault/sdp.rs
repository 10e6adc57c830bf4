//! Faults of descriptions: what an application, or what edits its SDP, gets wrong. The first part is what the
//! application does with its tracks, the second what stands in the text.

use std::time::Duration;

use super::Fault;
use super::mistake::Mistake::{At, Describe, Habit, Receive, Send};
use super::mistake::{ANSWER, Again, EVERY, FIRST_ANSWER, LATER, LATER_OFFER, Mistake, OFFER};
use super::signals::{Act as MoreActs, Deed, Of};
use super::text::edit_lines;
use crate::jsep::{Direction, MediaKind, Role, SdpType};
use crate::plan::{Act, Attach, AttachAt, Later, LegPlan, Streams};
use crate::timeline::Signal;

const CALLEE: Option<Role> = Some(Role::Callee);
const CALLER: Option<Role> = Some(Role::Caller);

/// A fault of one edit.
const fn edits(
    id: &'static str,
    by: Option<Role>,
    does: &'static str,
    mistakes: fn(Duration) -> Vec<Mistake>,
) -> Fault {
    Fault { id, by, time: None, does, mistakes }
}

fn all(plan: &mut LegPlan, direction: Direction) {
    plan.habits.directions = MediaKind::ALL.iter().map(|kind| (*kind, direction)).collect();
}

/// The application makes a second offer two seconds into the call, and goes back with a third.
fn hold_and_resume(plan: &mut LegPlan) {
    let second = Duration::from_secs(1);
    plan.habits.later.push(Later { after: second * 2, act: Act::Hold });
    plan.habits.later.push(Later { after: second * 3, act: Act::Resume });
}

pub(super) const FAULTS: &[Fault] = &[
    edits(
        "sdp-addtransceiver-unassociated",
        CALLEE,
        "adds its tracks with addTransceiver before it sets the offer, and never offers itself",
        |_| {
            vec![Habit(|plan| {
                plan.habits.attach = Attach::AddTransceiver;
                plan.habits.attach_at = AttachAt::BeforeOffer;
                plan.habits.renegotiate = false;
            })]
        },
    ),
    edits("sdp-answer-without-track", CALLEE, "answers without a track", |_| {
        vec![Habit(|plan| plan.habits.attach = Attach::None)]
    }),
    edits(
        "sdp-track-added-after-answer",
        CALLEE,
        "adds its tracks after its answer and never offers",
        |_| {
            vec![Habit(|plan| {
                plan.habits.attach_at = AttachAt::AfterAnswer;
                plan.habits.renegotiate = false;
            })]
        },
    ),
    edits("sdp-second-offer-ignored", None, "ignores every offer but the first", |_| {
        vec![Receive(Of::Descriptions(LATER_OFFER), Deed::Ignore)]
    }),
    edits("sdp-answer-inactive", CALLEE, "answers inactive", |_| {
        vec![Habit(|plan| all(plan, Direction::Inactive))]
    }),
    edits("sdp-answer-sendonly", CALLEE, "answers sendonly", |_| {
        vec![Habit(|plan| all(plan, Direction::Sendonly))]
    }),
    edits("sdp-offer-recvonly", CALLER, "offers recvonly, although it has tracks", |_| {
        vec![Habit(|plan| all(plan, Direction::Recvonly))]
    }),
    edits("sdp-offer-no-media", CALLER, "offers no m-section", |_| {
        vec![Habit(|plan| {
            plan.send.clear();
            plan.receive.clear();
        })]
    }),
    edits("sdp-kind-missing", CALLER, "offers audio only", |_| {
        vec![Habit(|plan| {
            plan.send.retain(|track| track.kind == MediaKind::Audio);
            plan.receive.retain(|kind| *kind == MediaKind::Audio);
        })]
    }),
    edits("sdp-direction-illegal", CALLEE, "answers sendrecv, whatever was offered", |_| {
        vec![Describe(ANSWER, |text| text.direct("sendrecv"))]
    }),
    edits("sdp-mline-rejected", CALLEE, "rejects video", |_| {
        vec![Describe(ANSWER, |text| {
            if let Some(section) = text.section("video") {
                edit_lines(section, "m=video ", |rest| format!("0{}", &rest[rest.find(' ').unwrap_or(0)..]));
            }
        })]
    }),
    edits("sdp-no-common-codec", CALLER, "offers codecs that nobody has", |_| {
        vec![Describe(OFFER, |text| {
            text.edit("a=rtpmap:", |rest| {
                let (number, codec) = rest.split_once(' ').unwrap_or((rest, ""));
                let rate = codec.split_once('/').map_or("90000", |(_, rate)| rate);
                format!("{number} FOO{number}/{rate}")
            });
        })]
    }),
    edits("sdp-bundle-pt-collision", CALLER, "uses one payload type for sound and picture", |_| {
        vec![Describe(OFFER, |text| {
            let audio = text.section("audio").and_then(|section| first_format(section));
            if let (Some(audio), Some(video)) = (audio, text.section("video"))
                && let Some(first) = first_format(video)
            {
                renumber(video, |number| if number == first { audio } else { number });
            }
        })]
    }),
    edits("sdp-extmap-collision", None, "gives two header extensions one id", |_| {
        vec![Describe(EVERY, |text| {
            for section in &mut text.sections {
                edit_lines(section, "a=extmap:", |rest| {
                    format!("4{}", &rest[rest.find([' ', '/']).unwrap_or(0)..])
                });
            }
            if let Some(section) = text.sections.first_mut() {
                for uri in
                    ["urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:toffset"]
                {
                    section.push(format!("a=extmap:4 {uri}"));
                }
            }
        })]
    }),
    edits("sdp-mline-count", CALLEE, "leaves the last m-section out of its answer", |_| {
        vec![Describe(ANSWER, |text| drop(text.sections.pop()))]
    }),
    edits("sdp-mline-order", CALLEE, "answers the m-sections in another order", |_| {
        vec![Describe(ANSWER, |text| text.sections.reverse())]
    }),
    edits("sdp-mline-dropped", None, "drops an m-section in a later offer", |_| {
        vec![Habit(hold_and_resume), Describe(LATER_OFFER, |text| drop(text.sections.pop()))]
    }),
    edits("sdp-mid-mismatch", CALLEE, "answers with mids of its own", |_| {
        vec![Describe(ANSWER, |text| {
            text.edit("a=mid:", |mid| format!("m{mid}"));
            text.edit("a=group:BUNDLE ", |mids| {
                mids.split(' ').map(|mid| format!("m{mid}")).collect::<Vec<_>>().join(" ")
            });
        })]
    }),
    edits("sdp-mid-changed", None, "changes its mids in a later offer", |_| {
        vec![
            Habit(hold_and_resume),
            Describe(LATER_OFFER, |text| {
                text.edit("a=mid:", |mid| format!("n{mid}"));
                text.edit("a=group:BUNDLE ", |mids| {
                    mids.split(' ').map(|mid| format!("n{mid}")).collect::<Vec<_>>().join(" ")
                });
            }),
        ]
    }),
    edits("sdp-mline-growth", None, "adds an m-section that nobody uses with each offer", |_| {
        let second = Duration::from_secs(1);
        vec![At(second, MoreActs::AddTransceiver, Again { times: 5, every: second })]
    }),
    edits("sdp-pt-mapping", None, "gives a payload type to another codec in a later offer", |_| {
        vec![
            Habit(hold_and_resume),
            Describe(LATER_OFFER, |text| {
                if let Some(video) = text.section("video")
                    && let Some(first) = first_format(video).filter(|first| *first != 104)
                {
                    renumber(video, |number| if number == first { 104 } else { number });
                    edit_lines(video, "m=video ", |rest| format!("{rest} {first}"));
                    video.push(format!("a=rtpmap:{first} H264/90000"));
                }
            }),
        ]
    }),
    edits("sdp-mid-ext-missing", CALLER, "sends two pictures that nothing tells apart", |_| {
        vec![
            Habit(|plan| {
                let video = plan.send.iter().find(|track| track.kind == MediaKind::Video).cloned();
                plan.send.extend(video);
            }),
            Describe(EVERY, |text| {
                text.drop("a=ssrc");
                for section in &mut text.sections {
                    section.retain(|line| !(line.starts_with("a=extmap:") && line.ends_with("sdes:mid")));
                }
            }),
        ]
    }),
    edits("sdp-bundle-absent", CALLEE, "has no BUNDLE group", |_| {
        vec![Describe(EVERY, |text| text.drop("a=group:BUNDLE"))]
    }),
    edits(
        "sdp-bundle-shrunk",
        None,
        "takes an m-section out of the BUNDLE group in a later description",
        |_| {
            vec![
                Habit(hold_and_resume),
                Describe(LATER, |text| {
                    text.edit("a=group:BUNDLE ", |mids| {
                        mids.rsplit_once(' ').map_or(mids, |(first, _)| first).to_owned()
                    });
                }),
            ]
        },
    ),
    edits("sdp-rtcp-mux-missing", None, "leaves a=rtcp-mux out", |_| {
        vec![Describe(EVERY, |text| text.drop("a=rtcp-mux"))]
    }),
    edits("sdp-fingerprint-missing", None, "leaves its fingerprint out", |_| {
        vec![Describe(EVERY, |text| text.drop("a=fingerprint:"))]
    }),
    edits("sdp-setup-invalid", CALLEE, "answers a=setup:actpass", |_| {
        vec![Describe(ANSWER, |text| text.edit("a=setup:", |_| "actpass".to_owned()))]
    }),
    edits("sdp-setup-flipped", None, "changes its DTLS role in the middle of the call", |_| {
        vec![
            Habit(hold_and_resume),
            Describe(LATER, |text| {
                text.edit("a=setup:", |role| if role == "active" { "passive" } else { "active" }.to_owned());
            }),
        ]
    }),
    edits("sdp-ice-credentials", None, "leaves its ICE credentials out", |_| {
        vec![Describe(EVERY, |text| {
            text.drop("a=ice-ufrag:");
            text.drop("a=ice-pwd:");
        })]
    }),
    edits("sdp-non-trickle-empty", None, "sends no candidates and does not say that they follow", |_| {
        vec![
            Describe(EVERY, |text| {
                text.drop("a=candidate:");
                text.drop("a=ice-options:");
            }),
            Send(Of::Candidates, Deed::Lose),
            Send(Of::End, Deed::Lose),
            super::ice::all_blocked(true),
            super::ice::all_blocked(false),
        ]
    }),
    edits("sdp-msid-absent", None, "puts its tracks in no stream", |_| {
        vec![Habit(|plan| plan.habits.streams = Streams::None)]
    }),
    edits("sdp-streams-split", None, "puts sound and picture in different streams", |_| {
        vec![Describe(EVERY, |text| {
            if let Some(video) = text.section("video") {
                edit_lines(video, "a=msid:", |rest| format!("other{rest}"));
            }
        })]
    }),
    edits("sdp-plan-b", CALLER, "offers in the manner of Plan B", |_| {
        vec![Describe(OFFER, |text| {
            for section in &mut text.sections {
                section.retain(|line| !line.starts_with("a=msid:"));
                for number in 1..=2 {
                    section.push(format!("a=ssrc:{number}0{number} cname:x"));
                    section.push(format!("a=ssrc:{number}0{number} msid:stream{number} track{number}"));
                }
            }
        })]
    }),
    edits("sdp-rtx-apt-dangling", None, "offers retransmission of a payload type that is not there", |_| {
        vec![Describe(EVERY, |text| {
            if let Some(video) = text.section("video") {
                edit_lines(video, "m=video ", |rest| format!("{rest} 115"));
                video.push("a=rtpmap:115 rtx/90000".to_owned());
                video.push("a=fmtp:115 apt=77".to_owned());
            }
        })]
    }),
    edits("sdp-feedback-missing", CALLEE, "takes no feedback about pictures", |_| {
        vec![Describe(EVERY, |text| text.drop("a=rtcp-fb:"))]
    }),
    edits("sdp-proto-mismatch", CALLER, "offers RTP without DTLS", |_| {
        vec![Describe(OFFER, |text| {
            for section in &mut text.sections {
                edit_lines(section, "m=", |rest| rest.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"));
            }
        })]
    }),
    edits("sdp-bandwidth-zero", None, "allows no bits per second", |_| {
        vec![Describe(EVERY, |text| {
            for section in &mut text.sections {
                let after_connection = section.len().min(2);
                section.insert(after_connection, "b=AS:0".to_owned());
            }
        })]
    }),
    Fault {
        id: "sdp-hold-not-resumed",
        by: None,
        time: Some(("so long after the answer", Duration::from_secs(2))),
        does: "holds the call and never resumes it",
        mistakes: |_| {
            vec![Habit(|plan| {
                plan.habits.later = vec![Later { after: Duration::from_secs(2), act: Act::Hold }];
            })]
        },
    },
    edits("sdp-version-not-bumped", None, "changes its description without a new version", |_| {
        vec![
            Habit(hold_and_resume),
            Describe(EVERY, |text| {
                edit_lines(&mut text.session, "o=", |rest| {
                    let words: Vec<&str> = rest.split(' ').collect();
                    let word = |(index, word): (usize, &&str)| if index == 2 { "7" } else { word }.to_owned();
                    words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
                });
            }),
        ]
    }),
    edits("sdp-pranswer-never-final", CALLEE, "answers provisionally and never finally", |_| {
        vec![Send(
            Of::Descriptions(FIRST_ANSWER),
            Deed::Edit(|signal| {
                if let Signal::Description { sdp_type, .. } = signal {
                    *sdp_type = SdpType::Pranswer;
                }
            }),
        )]
    }),
    edits("sdp-simulcast-mismatch", CALLER, "offers simulcast to a peer that takes one encoding", |_| {
        vec![Describe(OFFER, |text| {
            if let Some(video) = text.section("video") {
                for rid in ["h", "m", "l"] {
                    video.push(format!("a=rid:{rid} send"));
                }
                video.push("a=simulcast:send h;m;l".to_owned());
            }
        })]
    }),
];

fn first_format(section: &[String]) -> Option<u16> {
    section.first()?.split(' ').nth(3)?.parse().ok()
}

/// Gives the payload types of a section other numbers, wherever they stand.
fn renumber(section: &mut [String], number: impl Fn(u16) -> u16) {
    let new = |word: &str| word.parse().map_or_else(|_| word.to_owned(), |old| number(old).to_string());
    if let Some(first) = section.first_mut() {
        let words = first.split(' ').enumerate();
        *first = words
            .map(|(index, word)| if index >= 3 { new(word) } else { word.to_owned() })
            .collect::<Vec<_>>()
            .join(" ");
    }
    for prefix in ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"] {
        edit_lines(section, prefix, |rest| {
            let (head, tail) = rest.split_once(' ').unwrap_or((rest, ""));
            let tail = match tail.strip_prefix("apt=") {
                Some(of) => format!("apt={}", new(of)),
                None => tail.to_owned(),
            };
            format!("{} {tail}", new(head))
        });
    }
}
