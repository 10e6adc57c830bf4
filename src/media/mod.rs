//! What the two sides send each other: sources that make stamped media (synthetic or from a file), a pump that sends it
//! in real time, and sinks that assemble what comes in, read its stamps, decode samples of it and measure.
//!
//! ```text
//! open() ─► Source ─► pump ─► RTP ─► Sink ─► SinkEvent, InboundMedia
//! ```
//!
//! A [`Stamp`] says who sent a frame, which one it is and when it was made. It travels where decoders do not look
//! (behind the last partition of a VP8 frame, in the padding of an Opus packet), so every frame is read for next to
//! nothing; synthetic media says the same in its picture or pitch, so decoding a few frames proves that what is seen and
//! heard is the stamp's.

mod error;
mod opus;
mod pump;
mod sink;
mod source;
mod stamp;
mod vp8;

pub use error::{MediaError, Problem};
pub use pump::{Outgoing, PacketSink, PumpCounters, clock_rate, pump};
pub use sink::{ClockOffset, Expected, Packet, Sink, SinkEvent};
pub use source::{Bars, Frame, Identity, OpusFile, Source, Tone, VideoFile, open};
pub use stamp::{Barcode, Stamp};
