//! VP8 in RTP payloads (RFC 7741).

use bytes::Bytes;
use rtc_rtp::codec::vp8::Vp8Payloader;
use rtc_rtp::packetizer::Payloader;

/// The longest RTP payload: what fits into 1280 bytes beside IPv6, UDP, SRTP, RTP extensions and a TURN header.
pub(in crate::media) const MAX_PAYLOAD: usize = 1200;

/// Cuts frames into payloads, each with a descriptor that names the picture.
#[derive(Debug)]
pub(in crate::media) struct Payloads(Vp8Payloader);

impl Payloads {
    pub(in crate::media) fn new() -> Self {
        let mut payloader = Vp8Payloader::default();
        payloader.enable_picture_id = true;
        Self(payloader)
    }

    pub(in crate::media) fn cut(&mut self, frame: Vec<u8>) -> Vec<Bytes> {
        self.0.payload(MAX_PAYLOAD, &Bytes::from(frame)).expect("payloads are longer than a descriptor")
    }
}

/// What a receiver needs of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::media) struct Part {
    /// The first byte of a frame follows.
    pub(in crate::media) begins_frame: bool,
    /// The part of the frame.
    pub(in crate::media) data: Bytes,
}

/// Takes the descriptor off; none if it is cut off or nothing follows.
///
/// Unlike rtc-rtp's depacketizer this one accepts payloads shorter than four bytes, which a frame's last packet may be.
pub(in crate::media) fn part(payload: &Bytes) -> Option<Part> {
    let first = *payload.first()?;
    let begins_frame = first & 0x10 != 0 && first & 0x07 == 0;
    let mut length = 1;
    if first & 0x80 != 0 {
        let extensions = *payload.get(1)?;
        length = 2;
        if extensions & 0x80 != 0 {
            let long = payload.get(length)? & 0x80 != 0;
            length += if long { 2 } else { 1 };
        }
        length += usize::from(extensions & 0x40 != 0);
        length += usize::from(extensions & 0x30 != 0);
    }
    (length < payload.len()).then(|| Part { begins_frame, data: payload.slice(length..) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn descriptors_of_every_shape_are_taken_off() {
        for (payload, begins_frame) in [
            (&[0x10, 7][..], true),
            (&[0x00, 7], false),
            (&[0x11, 7], false),
            (&[0x90, 0x80, 0x05, 7], true),
            (&[0x90, 0x80, 0x81, 0x05, 7], true),
            (&[0x90, 0xe0, 0x81, 0x05, 1, 2, 7], true),
            (&[0x80, 0x30, 2, 7], false),
        ] {
            let part = part(&Bytes::copy_from_slice(payload)).unwrap();
            assert_eq!((part.begins_frame, &part.data[..]), (begins_frame, &[7][..]), "{payload:?}");
        }
    }

    #[test]
    fn a_descriptor_without_data_is_refused() {
        for payload in [&[][..], &[0x10], &[0x90], &[0x90, 0x80], &[0x90, 0x80, 0x80], &[0x90, 0xf0, 1, 1]] {
            assert_eq!(part(&Bytes::copy_from_slice(payload)), None, "{payload:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_joins_again(frame in proptest::collection::vec(any::<u8>(), 1..5000)) {
            let mut payloads = Payloads::new();
            for _ in 0..200 {
                payloads.cut(vec![0]);
            }
            let cut = payloads.cut(frame.clone());
            prop_assert!(cut.iter().all(|payload| payload.len() <= MAX_PAYLOAD));
            let parts: Vec<Part> = cut.iter().map(|payload| part(payload).unwrap()).collect();
            prop_assert!(parts.iter().enumerate().all(|(i, part)| part.begins_frame == (i == 0)));
            prop_assert_eq!(parts.iter().flat_map(|part| part.data.to_vec()).collect::<Vec<_>>(), frame);
        }

        #[test]
        fn garbage_never_panics(payload in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Some(part) = part(&Bytes::from(payload.clone())) {
                prop_assert!(payload.ends_with(&part.data));
            }
        }
    }
}
