//! Descriptions as a model would make them.

use crate::jsep::{
    Direction, LocalDescription, LocalMsid, LocalSection, SdpType, SectionMedia, TransceiverId,
};

/// An offer with these m-sections, each a mid and a kind: `audio`, `video`, `data`, or anything else.
pub(super) fn offer_of(sections: &[(&str, &str)], direction: Direction) -> LocalDescription {
    let sections = (0..).zip(sections).map(|(id, (mid, kind))| section(id, mid, kind, direction)).collect();
    LocalDescription { sdp_type: SdpType::Offer, sections, ice_restart: false }
}

/// The answer that takes all of it.
pub(super) fn answer_to(offer: &LocalDescription) -> LocalDescription {
    let mut answer = LocalDescription { sdp_type: SdpType::Answer, ..offer.clone() };
    for section in &mut answer.sections {
        turn(section, section.direction.reversed());
    }
    answer
}

/// Gives a section that direction, and the msid that belongs to it.
pub(super) fn turn(section: &mut LocalSection, direction: Direction) {
    section.direction = direction;
    let track = format!("track-{}", section.mid);
    let msid = LocalMsid { streams: vec!["stream".to_owned()], track };
    section.msid = (direction.sends() && matches!(section.media, SectionMedia::Track(_))).then_some(msid);
}

/// Port 0.
pub(super) fn reject(section: &mut LocalSection) {
    section.rejected = true;
    turn(section, Direction::Inactive);
}

fn section(id: u32, mid: &str, kind: &str, direction: Direction) -> LocalSection {
    let media = match (kind, kind.parse()) {
        (_, Ok(kind)) => SectionMedia::Track(kind),
        ("data", _) => SectionMedia::Data,
        _ => SectionMedia::Unknown { media: kind.to_owned(), protocol: "UDP/TLS/RTP/SAVPF".to_owned() },
    };
    let data = media == SectionMedia::Data;
    let mut section = LocalSection {
        mid: mid.to_owned(),
        transceiver: matches!(media, SectionMedia::Track(_)).then_some(TransceiverId(id)),
        rejected: matches!(media, SectionMedia::Unknown { .. }),
        media,
        direction: Direction::Inactive,
        msid: None,
    };
    turn(&mut section, if data { Direction::Sendrecv } else { direction });
    section
}
