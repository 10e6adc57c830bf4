//! What `open` refuses, in the words that a user reads.

use std::path::PathBuf;

use tempfile::TempDir;

use super::ivf::tests::clip;
use super::ogg::tests::{recording, tone_packets};
use super::*;

const IDENTITY: Identity = Identity { peer: 1, stream: 0 };

/// The text of the refusal, with the folder taken out.
fn refusal(kind: MediaKind, name: &str, content: Option<&[u8]>) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    if let Some(content) = content {
        std::fs::write(&path, content).unwrap();
    }
    let plan = SendPlan { kind, source: SourcePlan::File(path) };
    let error = open(&plan, IDENTITY).err().expect("the file is refused");
    format!("{name}: {error}").replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn video_files_that_cannot_be_sent_are_refused() {
    let good = clip(10, 30, &[0]);
    let no_key = {
        let first = u32::from_le_bytes(good[32..36].try_into().unwrap()) as usize;
        [&good[..32], &good[44 + first..]].concat()
    };
    let mut vp9 = good.clone();
    vp9[8..12].copy_from_slice(b"VP90");
    let mut no_time = good.clone();
    no_time[16..20].fill(0);
    let mut spoilt = good.clone();
    // The size of the first partition, in the frame tag.
    spoilt[45..47].fill(0xff);
    let mut still = good.clone();
    let second = 44 + u32::from_le_bytes(good[32..36].try_into().unwrap()) as usize;
    still[second + 4] = 0;
    let cases: [(&str, Option<&[u8]>); 12] = [
        ("missing.ivf", None),
        ("empty.ivf", Some(b"")),
        ("text.ivf", Some(b"hello")),
        ("clip.webm", Some(b"\x1a\x45\xdf\xa3rest")),
        ("clip.mp4", Some(b"\0\0\0\x18ftypisom")),
        ("vp9.ivf", Some(&vp9)),
        ("header.ivf", Some(&good[..20])),
        ("no-frames.ivf", Some(&good[..32])),
        ("cut.ivf", Some(&good[..good.len() - 1])),
        ("no-key.ivf", Some(&no_key)),
        ("no-time.ivf", Some(&no_time)),
        ("spoilt.ivf", Some(&spoilt)),
    ];
    let mut texts: Vec<String> =
        cases.iter().map(|(name, content)| refusal(MediaKind::Video, name, *content)).collect();
    texts.push(refusal(MediaKind::Video, "still.ivf", Some(&still)));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn audio_files_that_cannot_be_sent_are_refused() {
    let good = recording(&tone_packets(30), 1);
    let surround = recording(&tone_packets(3), 6);
    let nothing = recording(&[], 1);
    let foreign = recording(&[vec![3, 0]], 1);
    let vorbis = {
        let mut bytes = Vec::new();
        ::ogg::PacketWriter::new(&mut bytes)
            .write_packet(&b"\x01vorbis..."[..], 1, ::ogg::PacketWriteEndInfo::EndStream, 0)
            .unwrap();
        bytes
    };
    let last_page = good.windows(4).rposition(|four| four == b"OggS").unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let large = recording(&[vec![31 << 3; 1190]], 1);
    let cases: [(&str, Option<&[u8]>); 11] = [
        ("large.opus", Some(&large)),
        ("missing.opus", None),
        ("empty.opus", Some(b"")),
        ("sound.wav", Some(b"RIFF\0\0\0\0WAVEfmt ")),
        ("vorbis.ogg", Some(&vorbis)),
        ("surround.opus", Some(&surround)),
        ("nothing.opus", Some(&nothing)),
        ("foreign.opus", Some(&foreign)),
        ("cut.opus", Some(&good[..good.len() - 10])),
        ("last-page-missing.opus", Some(&good[..last_page])),
        ("flipped.opus", Some(&flipped)),
    ];
    let texts: Vec<String> =
        cases.iter().map(|(name, content)| refusal(MediaKind::Audio, name, *content)).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_synthetic_source_of_the_other_kind_is_refused() {
    let text = |kind, source| open(&SendPlan { kind, source }, IDENTITY).err().unwrap().to_string();
    let texts = [text(MediaKind::Audio, SourcePlan::Bars), text(MediaKind::Video, SourcePlan::Tone)];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_can_be_sent_is_described() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, content: Vec<u8>| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let clip = SourcePlan::File(write("clip.ivf", clip(10, 30, &[0])));
    let sound = SourcePlan::File(write("sound.opus", recording(&tone_packets(30), 2)));
    let describe = |kind, source| open(&SendPlan { kind, source }, IDENTITY).unwrap().description();
    let texts = [
        describe(MediaKind::Video, SourcePlan::Bars),
        describe(MediaKind::Audio, SourcePlan::Tone),
        describe(MediaKind::Video, clip),
        describe(MediaKind::Audio, sound),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}
