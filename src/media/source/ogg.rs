//! Audio from a file: Opus in Ogg (RFC 7845).

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ogg::PacketReader;
use ropus::{Channels, DecodeMode, Decoder};

use super::clock::MediaClock;
use super::{Frame, Identity, Source, read_file};
use crate::jsep::MediaKind;
use crate::media::error::Problem;
use crate::media::opus::{self, MAX_SAMPLES, SAMPLE_RATE};
use crate::media::{MediaError, Stamp};

const NEEDED: &str = "Opus in Ogg";
/// How many packets are decoded before the call.
const TRIED: usize = 250;

/// A file, looped, stamped in the padding of each packet.
///
/// Time is the sum of the packets' own durations, as RTP wants it (RFC 7587 §4.1); DTX packets go out without a stamp.
#[derive(Debug)]
pub struct OpusFile {
    identity: Identity,
    recording: Arc<Recording>,
    clock: MediaClock,
    position: usize,
    frame: u32,
}

/// What is in the file; shared by all that send it.
#[derive(Debug)]
struct Recording {
    name: String,
    channels: u8,
    /// Each with its duration in samples.
    packets: Vec<(Bytes, u32)>,
}

impl OpusFile {
    /// Reads and checks the whole file; the first packets are decoded.
    ///
    /// # Errors
    /// [`MediaError::File`], for whatever is wrong with the file.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, MediaError> {
        let recording = read_file(path)
            .and_then(|bytes| Recording::read(&bytes, super::file_name(path)))
            .map_err(|problem| MediaError::file(path, MediaKind::Audio, problem))?;
        Ok(Self::of(Arc::new(recording), identity))
    }

    /// Another sender of the same file, which starts at its beginning; the file stays in memory once.
    #[must_use]
    pub fn another(&self, identity: Identity) -> Self {
        Self::of(Arc::clone(&self.recording), identity)
    }

    fn of(recording: Arc<Recording>, identity: Identity) -> Self {
        let clock = MediaClock::new(1, SAMPLE_RATE, SAMPLE_RATE);
        Self { identity, recording, clock, position: 0, frame: 0 }
    }
}

impl Source for OpusFile {
    fn kind(&self) -> MediaKind {
        MediaKind::Audio
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn next_due(&self) -> Duration {
        self.clock.time()
    }

    fn next(&mut self, wall_us: u64) -> Frame {
        let (packet, samples) = &self.recording.packets[self.position];
        let timestamp = self.clock.ticks();
        self.clock.advance(u64::from(*samples));
        self.position = (self.position + 1) % self.recording.packets.len();
        if packet.len() <= opus::DTX_LENGTH {
            // Without a stamp it takes no frame number, or the receiver would count it as lost.
            return Frame::new(vec![packet.clone()], timestamp, true);
        }
        let Identity { peer, stream } = self.identity;
        let stamp = Stamp { peer, stream, frame: self.frame, wall_us, synthetic: false };
        self.frame = self.frame.wrapping_add(1);
        Frame::new(vec![opus::stamped(packet, &stamp)], timestamp, true)
    }

    fn request_key_frame(&mut self) {}

    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.clock.skip_to(media_time, u64::from(self.recording.packets[self.position].1))
    }

    fn description(&self) -> String {
        let Recording { name, channels, packets } = self.recording.as_ref();
        let sound = if *channels == 1 { "mono" } else { "stereo" };
        format!("Opus from {name}, {sound}, {} packets", packets.len())
    }
}

impl Recording {
    fn read(bytes: &[u8], name: String) -> Result<Self, Problem> {
        if !bytes.starts_with(b"OggS") {
            return Err(Problem::Format { found: super::container(bytes), needed: NEEDED });
        }
        let (packets, ended) = read_packets(bytes)?;
        let mut packets = packets.into_iter();
        let head = packets.next().ok_or_else(|| Problem::Truncated("its first page".to_owned()))?;
        let channels = read_head(&head)?;
        if !packets.next().is_some_and(|tags| tags.starts_with(b"OpusTags")) {
            return Err(Problem::Truncated("its headers".to_owned()));
        }
        let packets = packets.enumerate().map(|(i, packet)| with_duration(i, packet)).collect::<Result<Vec<_>, _>>()?;
        if packets.is_empty() {
            return Err(Problem::NoFrames("packets"));
        }
        if !ended {
            return Err(Problem::Truncated(format!("the page behind packet {}", packets.len())));
        }
        let recording = Self { name, channels, packets };
        recording.try_decoding()?;
        Ok(recording)
    }

    fn try_decoding(&self) -> Result<(), Problem> {
        let corrupt = |text: String| Problem::Corrupt(text);
        let mut decoder = Decoder::new(SAMPLE_RATE, Channels::Mono)
            .map_err(|error| corrupt(format!("the decoder does not start ({error})")))?;
        let mut pcm = vec![0.0; MAX_SAMPLES as usize];
        for (i, (packet, _)) in self.packets.iter().take(TRIED).enumerate() {
            decoder
                .decode_float(packet, &mut pcm, DecodeMode::Normal)
                .map_err(|error| corrupt(format!("packet {} does not decode ({error})", i + 1)))?;
        }
        Ok(())
    }
}

/// All packets of the first stream, and whether the last page says that it is the last.
fn read_packets(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Problem> {
    let mut reader = PacketReader::new(Cursor::new(bytes));
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut ended = false;
    let mut serial = None;
    loop {
        let packet = match reader.read_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok((packets, ended)),
            Err(ogg::OggReadError::ReadError(_)) => {
                return Err(Problem::Truncated(format!("the page behind packet {}", packets.len())));
            }
            Err(error) => {
                return Err(Problem::Corrupt(format!("its pages are broken behind packet {} ({error})", packets.len())));
            }
        };
        if *serial.get_or_insert(packet.stream_serial()) != packet.stream_serial() {
            return Err(Problem::Corrupt("it holds more than one stream".to_owned()));
        }
        ended = packet.last_in_stream();
        packets.push(packet.data);
    }
}

/// The number of channels, by the identification header (RFC 7845 §5.1).
fn read_head(head: &[u8]) -> Result<u8, Problem> {
    if !head.starts_with(b"OpusHead") {
        return Err(Problem::Codec { found: codec(head).to_owned(), needed: NEEDED });
    }
    match (head.get(8), head.get(9), head.get(18)) {
        (Some(version), Some(&channels @ 1..=2), Some(0)) if version >> 4 == 0 => Ok(channels),
        (Some(_), Some(channels), Some(_)) => Err(Problem::Codec {
            found: format!("Opus with {channels} channels, which RTP cannot carry,"),
            needed: "Opus with one or two channels",
        }),
        _ => Err(Problem::Truncated("its first header".to_owned())),
    }
}

fn codec(head: &[u8]) -> &'static str {
    let known: [(&[u8], &str); 4] =
        [(b"\x01vorbis", "Vorbis"), (b"\x80theora", "Theora"), (b"\x7fFLAC", "FLAC"), (b"Speex   ", "Speex")];
    known.iter().find(|(magic, _)| head.starts_with(magic)).map_or("an unknown codec", |(_, name)| name)
}

fn with_duration(index: usize, packet: Vec<u8>) -> Result<(Bytes, u32), Problem> {
    let samples = opus::samples(&packet)
        .ok_or_else(|| Problem::Corrupt(format!("packet {} is not Opus", index + 1)))?;
    Ok((Bytes::from(packet), samples))
}

#[cfg(test)]
pub(super) mod tests {
    use ogg::{PacketWriteEndInfo, PacketWriter};
    use proptest::prelude::*;

    use super::*;
    use crate::media::source::Tone;

    const IDENTITY: Identity = Identity { peer: 9, stream: 4 };

    /// A recording of `packets`, ended as it should be.
    pub(in crate::media) fn recording(packets: &[Vec<u8>], channels: u8) -> Vec<u8> {
        let mut head = b"OpusHead\x01".to_vec();
        head.extend([channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0]);
        let mut bytes = Vec::new();
        let mut writer = PacketWriter::new(&mut bytes);
        writer.write_packet(head, 1, PacketWriteEndInfo::EndPage, 0).unwrap();
        writer.write_packet(&b"OpusTags\0\0\0\0\0\0\0\0"[..], 1, PacketWriteEndInfo::EndPage, 0).unwrap();
        for (i, packet) in packets.iter().enumerate() {
            let end = match i + 1 {
                n if n == packets.len() => PacketWriteEndInfo::EndStream,
                n if n % 25 == 0 => PacketWriteEndInfo::EndPage,
                _ => PacketWriteEndInfo::NormalPacket,
            };
            writer.write_packet(packet.clone(), 1, end, (i as u64 + 1) * 960).unwrap();
        }
        bytes
    }

    /// Packets of a tone, without stamps.
    pub(in crate::media) fn tone_packets(count: usize) -> Vec<Vec<u8>> {
        let mut tone = Tone::new(Identity { peer: 5, stream: 0 }).unwrap();
        // Code 3 with padding comes back to what the encoder made by dropping header and padding.
        (0..count)
            .map(|_| {
                let packet = tone.next(0).payloads.remove(0);
                let mut plain = vec![packet[0] & !3];
                plain.extend_from_slice(&packet[3..packet.len() - Stamp::LEN - 1]);
                plain
            })
            .collect()
    }

    fn file(bytes: &[u8]) -> OpusFile {
        OpusFile::of(Arc::new(Recording::read(bytes, "a.opus".to_owned()).unwrap()), IDENTITY)
    }

    #[test]
    fn loops_do_not_drift() {
        let mut file = file(&recording(&tone_packets(103), 1));
        assert_eq!(file.description(), "Opus from a.opus, mono, 103 packets");
        for i in 0..60_000_u32 {
            assert_eq!(file.next_due(), Duration::from_millis(20) * i);
            let frame = file.next(5);
            assert_eq!(frame.timestamp, i * 960);
            let expected = Stamp { peer: 9, stream: 4, frame: i, wall_us: 5, synthetic: false };
            assert_eq!(opus::stamp(&frame.payloads[0]), Some(expected));
        }
    }

    #[test]
    fn dtx_packets_take_time_but_no_stamp_and_no_number() {
        let mut packets = tone_packets(3);
        packets[1].truncate(1);
        let mut file = file(&recording(&packets, 1));
        let stamps: Vec<_> =
            (0..6).map(|_| opus::stamp(&file.next(0).payloads[0]).map(|stamp| stamp.frame)).collect();
        assert_eq!(stamps, [Some(0), None, Some(1), Some(2), None, Some(3)]);
        assert_eq!(file.next_due(), Duration::from_millis(120));
    }

    #[test]
    fn several_senders_share_one_copy() {
        let mut first = file(&recording(&tone_packets(10), 2));
        first.next(0);
        let mut second = first.another(Identity { peer: 2, stream: 0 });
        assert!(Arc::ptr_eq(&first.recording, &second.recording));
        assert_eq!(second.next(0).timestamp, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn spoilt_files_never_panic(cut in 1..3000_usize, at in 0..3000_usize, with: u8) {
            let mut bytes = recording(&tone_packets(30), 1);
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
            let _ = Recording::read(&bytes, String::new());
        }
    }
}
