//! What the parameters of a codec say, with the values that stand where nothing is written.

use super::Codec;

impl Codec {
    /// Its payload type means nothing without an `a=rtpmap` (RFC 3551 §6, RFC 5761 §4).
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        matches!(self.payload_type, 35..=63 | 96..=127)
    }

    /// The value of a parameter of `a=fmtp`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.fmtp.as_deref()?.split(';').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The packetization mode of H.264 (RFC 6184 §8.1).
    #[must_use]
    pub fn packetization_mode(&self) -> &str {
        self.parameter("packetization-mode").unwrap_or("0")
    }

    /// The profile of H.264 by its name and without its level (RFC 6184 §8.1), or the number of that of VP9 (RFC 9628 §6);
    /// none for other codecs, and for an id that cannot be read.
    #[must_use]
    pub fn profile(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        if name.eq_ignore_ascii_case("VP9") {
            return Some(self.parameter("profile-id").unwrap_or("0").to_owned());
        }
        if !name.eq_ignore_ascii_case("H264") {
            return None;
        }
        // Without the parameter it is baseline at level 1.
        let id = self.parameter("profile-level-id").unwrap_or("42000a");
        let idc = u8::from_str_radix(id.get(0..2)?, 16).ok()?;
        let iop = u8::from_str_radix(id.get(2..4)?, 16).ok()?;
        Some(h264(idc, iop))
    }
}

/// RFC 6184 §8.1, table 5: several ids name the same profile.
fn h264(idc: u8, iop: u8) -> String {
    match (idc, iop) {
        (0x42, iop) if iop & 0x40 != 0 => "constrained baseline".into(),
        (0x4d, iop) if iop & 0x80 != 0 => "constrained baseline".into(),
        (0x58, iop) if iop & 0xc0 == 0xc0 => "constrained baseline".into(),
        (0x42, _) => "baseline".into(),
        (0x58, iop) if iop & 0x80 != 0 => "baseline".into(),
        (0x4d, _) => "main".into(),
        (0x64, 0x0c) => "constrained high".into(),
        (0x64, _) => "high".into(),
        (idc, iop) => format!("{idc:02x}{iop:02x}"),
    }
}
