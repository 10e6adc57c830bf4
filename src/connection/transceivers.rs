//! The transceivers as the application sees them: its wishes, what was negotiated, and whether `ontrack` has fired.
//! The engine's own table differs (it overwrites wishes), so this one is the truth and the engine is told.

use crate::engine::{EngineTransceiver, SenderId, TransceiverId};
use crate::jsep::{Direction, MediaKind, MediaSection, SdpFacts, Side, fired_direction, ontrack};
use crate::timeline::TransceiverRow;

/// One RTCRtpTransceiver (W3C webrtc §5.4).
#[derive(Clone, Debug)]
pub(super) struct Transceiver {
    pub(super) mid: Option<String>,
    pub(super) kind: MediaKind,
    /// The application's wish.
    pub(super) direction: Direction,
    pub(super) current_direction: Option<Direction>,
    pub(super) sender: Option<SenderId>,
    /// `[[FiredDirection]]`.
    fired: Option<Direction>,
    engine: TransceiverId,
}

/// All of them, in W3C order.
#[derive(Debug, Default)]
pub(super) struct Transceivers(Vec<Transceiver>);

/// A remote description brings a track (W3C webrtc §4.4.1.5, "process the addition of a remote track").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewTrack {
    pub(super) mid: String,
    pub(super) kind: MediaKind,
    pub(super) streams: Vec<String>,
}

impl Transceivers {
    /// Takes over what the engine has made, associated and rolled back. `new` is the wish of those that are new here:
    /// recvonly when a remote offer has made them (RFC 9429 §5.10).
    pub(super) fn sync(&mut self, engine: &[EngineTransceiver], new: Direction) {
        self.0.retain(|known| engine.iter().any(|row| row.id == known.engine));
        for row in engine {
            let Some(known) = self.0.iter_mut().find(|known| known.engine == row.id) else {
                self.0.push(Transceiver {
                    mid: row.mid.clone(),
                    kind: row.kind,
                    direction: new,
                    current_direction: None,
                    sender: row.sender,
                    fired: None,
                    engine: row.id,
                });
                continue;
            };
            known.mid.clone_from(&row.mid);
            if known.sender.is_none() && row.sender.is_some() {
                // addTrack has taken over a transceiver that only received (W3C webrtc §5.1, addTrack step 7).
                known.direction = Direction::new(true, known.direction.receives());
            }
            known.sender = row.sender;
        }
    }

    /// getTransceivers().
    pub(super) fn rows(&self) -> Vec<TransceiverRow> {
        let row = |transceiver: &Transceiver| TransceiverRow {
            mid: transceiver.mid.clone(),
            kind: transceiver.kind,
            direction: transceiver.direction,
            current_direction: transceiver.current_direction,
        };
        self.0.iter().map(row).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Transceiver> {
        self.0.iter()
    }

    /// The m-section of a sender, once associated.
    pub(super) fn mid_of(&self, sender: SenderId) -> Option<&str> {
        self.0.iter().find(|transceiver| transceiver.sender == Some(sender))?.mid.as_deref()
    }

    /// What the application wishes of each, for the engine to offer.
    pub(super) fn wishes(&self) -> Vec<(TransceiverId, Direction)> {
        self.0.iter().map(|transceiver| (transceiver.engine, transceiver.direction)).collect()
    }

    /// What an answer may say of each offered m-section: the wish ∩ what was offered (RFC 9429 §5.3.1).
    pub(super) fn answers(&self, offer: &SdpFacts) -> Vec<(String, Direction)> {
        let answer = |section: &MediaSection| {
            let mid = section.mid.clone()?;
            let wish = self.0.iter().find(|known| known.mid.as_ref() == Some(&mid))?.direction;
            Some((mid, wish.intersect(section.effective_direction().reversed())))
        };
        offer.sections.iter().filter_map(answer).collect()
    }

    /// An answer is set: its directions are the current ones.
    pub(super) fn answered(&mut self, side: Side, answer: &SdpFacts) {
        for section in &answer.sections {
            let Some(transceiver) = self.of_section(section) else { continue };
            let direction = section.effective_direction();
            transceiver.current_direction = Some(match side {
                Side::Local => direction,
                Side::Remote => direction.reversed(),
            });
        }
    }

    /// A remote description is set: which tracks it brings. `offer` is our own one if this is an answer.
    pub(super) fn fire(&mut self, remote: &SdpFacts, offer: Option<&SdpFacts>) -> Vec<NewTrack> {
        let mut tracks = Vec::new();
        for section in &remote.sections {
            let Some(transceiver) = self.of_section(section) else { continue };
            let mid = transceiver.mid.clone().unwrap_or_default();
            let offered = offer.and_then(|offer| offer.section(&mid)).map(MediaSection::effective_direction);
            if let Some(event) = ontrack(transceiver.fired, offered, section) {
                tracks.push(NewTrack { mid, kind: transceiver.kind, streams: event.streams });
            }
            transceiver.fired = Some(fired_direction(offered, section));
        }
        tracks
    }

    fn of_section(&mut self, section: &MediaSection) -> Option<&mut Transceiver> {
        let mid = section.mid.as_ref()?;
        self.0.iter_mut().find(|transceiver| transceiver.mid.as_ref() == Some(mid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Recvonly, Sendonly, Sendrecv};

    fn row(id: usize, kind: MediaKind, mid: Option<&str>, sender: Option<usize>) -> EngineTransceiver {
        EngineTransceiver {
            id: TransceiverId(id),
            mid: mid.map(str::to_owned),
            kind,
            direction: Sendrecv,
            current_direction: None,
            sender: sender.map(SenderId),
        }
    }

    fn sdp(sections: &[(&str, Direction)]) -> SdpFacts {
        let mut text = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n".to_owned();
        for (mid, direction) in sections {
            text += &format!("m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:{mid}\na={direction}\na=msid:s t\n");
        }
        SdpFacts::parse(&text)
    }

    #[test]
    fn what_a_remote_offer_makes_is_recvonly_until_a_track_is_added() {
        let mut transceivers = Transceivers::default();
        transceivers.sync(&[row(0, MediaKind::Audio, Some("0"), None)], Recvonly);
        assert_eq!(transceivers.answers(&sdp(&[("0", Sendrecv)])), [("0".to_owned(), Recvonly)]);
        transceivers.sync(&[row(0, MediaKind::Audio, Some("0"), Some(0))], Sendrecv);
        assert_eq!(transceivers.answers(&sdp(&[("0", Sendrecv)])), [("0".to_owned(), Sendrecv)]);
        assert_eq!(transceivers.answers(&sdp(&[("0", Sendonly)])), [("0".to_owned(), Recvonly)]);
    }

    #[test]
    fn an_answer_that_only_receives_brings_no_track() {
        let mut transceivers = Transceivers::default();
        transceivers.sync(&[row(0, MediaKind::Audio, Some("0"), Some(0))], Sendrecv);
        let (offer, answer) = (sdp(&[("0", Sendrecv)]), sdp(&[("0", Recvonly)]));
        assert_eq!(transceivers.fire(&answer, Some(&offer)), []);
        transceivers.answered(Side::Remote, &answer);
        assert_eq!(transceivers.rows()[0].direction, Sendrecv, "the wish stays");
        assert_eq!(transceivers.rows()[0].current_direction, Some(Sendonly));
    }

    #[test]
    fn a_rolled_back_offer_takes_its_transceivers_with_it() {
        let mut transceivers = Transceivers::default();
        transceivers.sync(&[row(0, MediaKind::Audio, None, Some(0))], Sendrecv);
        transceivers.sync(
            &[row(0, MediaKind::Audio, None, Some(0)), row(1, MediaKind::Video, Some("1"), None)],
            Recvonly,
        );
        transceivers.sync(&[row(0, MediaKind::Audio, None, Some(0))], Sendrecv);
        assert_eq!(transceivers.rows().len(), 1);
    }
}
