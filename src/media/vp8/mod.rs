//! VP8 without an encoder: frames of flat macroblocks ([`Mosaic`]), the picture drawn with them ([`picture`]), and the
//! RTP payload descriptor ([`payload`]).

pub(super) mod mosaic;
pub(super) mod payload;
pub(super) mod picture;

pub(super) use mosaic::Mosaic;

/// Whether a VP8 frame is a key frame (RFC 6386 §9.1); none for no bytes.
pub(super) fn is_key_frame(frame: &[u8]) -> Option<bool> {
    frame.first().map(|byte| byte & 1 == 0)
}
