//! Rules about media that comes: key frames, decoding, stillness, loss, time.

use std::time::Duration;

use super::finding::{Draft, Found, Severity};
use super::rtp::receiving;
use super::view::{View, seconds};
use crate::facts::{InboundMedia, MidFacts};
use crate::jsep::{IceState, MediaKind, Role};

/// Key frame requests that are worth a finding: so many, and so many in a second.
const STORM: (u64, f64) = (20, 2.0);

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    if !view.dtls_was_up() || view.context.descriptions_only {
        return;
    }
    echo(view, found);
    for (kind, mid, since) in receiving(view, view.facts.own) {
        let Some(facts) = view.own().mids.get(&mid) else { continue };
        let Some((at_us, sample)) = &facts.last_sample else { continue };
        if sample.packets == 0 {
            continue;
        }
        if view.context.wanted(view.facts.own, kind) == Some(false) {
            continue;
        }
        let stream = Stream { view, kind, mid: &mid, since, facts, at_us: *at_us, sample };
        let stopped = stream.stopped(found);
        if kind == MediaKind::Video {
            stream.key_frames(found);
            if !stopped {
                stream.frame_rate(found);
            }
        }
        stream.decoding(found);
        stream.content(found);
        stream.loss(found);
        stream.time(found);
    }
    skew(view, found);
    storm(view, found);
}

/// What comes in on one m-section.
struct Stream<'a> {
    view: &'a View<'a>,
    kind: MediaKind,
    mid: &'a str,
    /// Since when it is negotiated.
    since: u64,
    facts: &'a MidFacts,
    at_us: u64,
    sample: &'a InboundMedia,
}

impl Stream<'_> {
    fn sender(&self) -> Role {
        self.view.facts.own.other()
    }

    fn tell(&self, found: &mut Found, draft: Draft) {
        found.add(draft.of(self.sender()).citing(&self.facts.sample_id));
    }

    /// The time between the first packet and the latest sample.
    fn lasted(&self) -> Duration {
        let first =
            self.facts.first_rtp_us.or_else(|| self.facts.first_sample.as_ref().map(|(at_us, _)| *at_us));
        Duration::from_micros(self.at_us.saturating_sub(first.unwrap_or(self.at_us)))
    }

    /// Nothing new for a while, though the call goes on. True if that was told.
    fn stopped(&self, found: &mut Found) -> bool {
        let limit = self.view.limits().stalled;
        let grew = self.facts.packets_grew_us.unwrap_or(self.since).max(self.since);
        let still = Duration::from_micros(self.at_us.min(self.view.until_us()).saturating_sub(grew));
        let up = self.view.own().states.ice.last().is_some_and(|last| last.state.is_up());
        // Whose sender has gone was not paused.
        let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let left = self.view.other().presence.left.as_ref();
        let gone = left.is_some_and(|left| left.at_us <= grew.saturating_add(limit_us));
        if still < limit || !up || gone {
            return false;
        }
        let id = if self.kind == MediaKind::Video { "media-frozen" } else { "media-paused" };
        let text =
            format!("{} (mid {}) came, and nothing has come for {}", self.kind, self.mid, seconds(still));
        // A muted track, `replaceTrack(null)` and a paused consumer look like this and are meant; a peer whose media is
        // stamped plays all the time.
        let draft = if self.view.other().announces_stamps() {
            Draft::certain(id, text).severity(Severity::Major)
        } else {
            Draft::probable("media-paused", text).or(&["media-frozen"]).severity(Severity::Minor)
        };
        self.tell(found, draft);
        true
    }

    fn key_frames(&self, found: &mut Found) {
        let (Some(keys), sample) = (self.sample.key_frames, self.sample) else { return };
        let requests = sample.key_requests.unwrap_or(0);
        if keys == 0 && sample.packets > 50 && self.lasted() >= self.view.limits().key_frame {
            let asked =
                if requests > 0 { format!(", though we asked {requests} times") } else { String::new() };
            let text = format!(
                "{} packets of video came (mid {}) and no key frame{asked}",
                sample.packets, self.mid
            );
            return self.tell(found, Draft::certain("media-no-keyframe", text));
        }
        // What is lost on the way was not ignored.
        let lossy = sample.packets_lost * 20 > sample.packets;
        if !lossy
            && keys > 0
            && requests >= 3
            && keys < requests / 3
            && self.lasted() >= self.view.limits().frame
        {
            let text =
                format!("we asked for a key frame {requests} times, and {keys} came (mid {})", self.mid);
            self.tell(found, Draft::certain("media-pli-ignored", text));
        }
    }

    /// Only of what was never interrupted: frames of two stretches in the time between them are no rate.
    fn frame_rate(&self, found: &mut Found) {
        let interrupted = self.facts.first_rtp_us.is_some_and(|first| first < self.since)
            || self.view.own().states.ice.iter().any(|reached| reached.state == IceState::Disconnected);
        if interrupted {
            return;
        }
        let lasted = self.lasted().as_secs_f64();
        let rate = self.sample.frames as f64 / lasted;
        if lasted >= 3.0 && self.sample.frames > 0 && rate < self.view.limits().frame_rate {
            let text = format!("{rate:.1} frames in a second came (mid {})", self.mid);
            self.tell(found, Draft::certain("media-low-fps", text));
        }
    }

    fn decoding(&self, found: &mut Found) {
        let sample = self.sample;
        if sample.packets > 200 && sample.frames == 0 && self.lasted() >= self.view.limits().frame {
            let text = format!("{} packets came (mid {}) and never a whole frame", sample.packets, self.mid);
            return self.tell(found, Draft::certain("media-incomplete-frames", text));
        }
        if sample.corrupt > 30 && sample.decoded_frames == 0 && sample.key_frames != Some(0) {
            let text =
                format!("{} frames came whole (mid {}), and none could be decoded", sample.frames, self.mid);
            self.tell(found, Draft::certain("media-undecodable", text));
        }
    }

    fn content(&self, found: &mut Found) {
        let proven = self.facts.proof.is_some();
        if self.sample.black == Some(true) {
            let text = format!("every picture that was decoded is dark (mid {})", self.mid);
            return self.tell(found, Draft::probable("media-black", text).or(&["media-frozen"]));
        }
        if self.kind == MediaKind::Video
            && self.sample.duplicated > 30
            && self.sample.duplicated * 2 > self.sample.frames
        {
            let text = format!(
                "{} of {} frames were the same one again (mid {})",
                self.sample.duplicated, self.sample.frames, self.mid
            );
            return self.tell(found, Draft::certain("media-frozen", text));
        }
        // Silence and a picture that never changes are seldom meant, but nobody can know.
        if self.sample.still == Some(true) && !proven {
            let (id, text) = match self.kind {
                MediaKind::Audio => ("media-silence", "all the audio that was decoded is silent"),
                MediaKind::Video => ("media-frozen", "the picture never changed as far as it was decoded"),
            };
            let draft = Draft::probable(id, format!("{text} (mid {})", self.mid)).severity(Severity::Minor);
            return self
                .tell(found, draft.or(if self.kind == MediaKind::Video { &["media-black"] } else { &[] }));
        }
        if let Some(peak) = self.sample.peak_db
            && peak < -self.view.limits().quiet_db
        {
            let text = format!("the loudest sound is {:.0} dB below full scale (mid {})", -peak, self.mid);
            self.tell(found, Draft::certain("media-audio-too-quiet", text));
        }
    }

    fn loss(&self, found: &mut Found) {
        let (lost, came) = (self.sample.packets_lost, self.sample.packets);
        let (minor, major) = self.view.limits().loss;
        let share = lost as f64 / (lost + came) as f64;
        // Three standard deviations of so many losses: a short call under a fair network loses more by chance.
        let surely = (lost as f64 - 3.0 * (lost as f64).sqrt()) / (lost + came) as f64;
        if came > self.view.limits().loss_packets && surely > minor {
            let other = self.view.other();
            let theirs = other.mids.get(self.mid).and_then(|facts| facts.last_sample.as_ref());
            let back = theirs.map(|(_, sample)| {
                sample.packets_lost as f64 / (sample.packets_lost + sample.packets).max(1) as f64
            });
            let only = match back {
                Some(back) if back < minor / 4.0 => "; the other direction loses next to none",
                _ => "",
            };
            let text = format!(
                "{:.0} % of the {} packets are lost (mid {}){only}",
                share * 100.0,
                self.kind,
                self.mid
            );
            let severity = if surely > major { Severity::Major } else { Severity::Minor };
            // The network's, and nobody's.
            let draft = Draft::certain("media-loss", text).severity(severity);
            found.add(draft.citing(&self.facts.sample_id));
        }
        if self.sample.nacks.is_some_and(|nacks| nacks > 20) && self.sample.recovered == Some(0) {
            let text = format!(
                "{} packets were asked for again (mid {}), and none came",
                self.sample.nacks.unwrap_or(0),
                self.mid
            );
            self.tell(found, Draft::certain("media-nack-ignored", text));
        }
    }

    fn time(&self, found: &mut Found) {
        let limits = self.view.limits();
        if let Some(jitter) = self.sample.jitter_ms
            && jitter > limits.jitter_ms
        {
            let text = format!("the interarrival jitter is {jitter:.0} ms (mid {})", self.mid);
            found.add(Draft::certain("media-jitter", text).citing(&self.facts.sample_id));
        }
        if let Some(latency) = &self.sample.latency
            && latency.count > 50
            && latency.p95_ms - latency.error_ms > limits.latency_ms
        {
            let text =
                format!("95 % of the {} come within {:.0} ms (mid {})", self.kind, latency.p95_ms, self.mid);
            found.add(Draft::certain("media-latency", text).citing(&self.facts.sample_id));
        }
        if let (Some(rate), Some(nominal)) = (self.sample.clock_rate, self.nominal_rate()) {
            let off = (rate / f64::from(nominal) - 1.0).abs();
            let (wrong, drift) = limits.clock;
            let id = match off {
                off if off > wrong => "media-clock-rate",
                off if off > drift && self.lasted() > limits.rtp => "media-clock-drift",
                _ => return,
            };
            let text = format!("the RTP clock runs at {rate:.0} Hz instead of {nominal} (mid {})", self.mid);
            self.tell(found, Draft::certain(id, text));
        }
    }

    /// The clock rate of the first codec that was agreed.
    fn nominal_rate(&self) -> Option<u32> {
        let last = self.view.rounds.complete.last()?;
        last.place(self.mid)?.answered?.codecs.first()?.clock_rate
    }
}

/// Our own stamps, or our own tone.
fn echo(view: &View<'_>, found: &mut Found) {
    for (mid, facts) in &view.own().mids {
        let wrong = facts.wrongs.iter().find(|wrong| wrong.text.contains("echo"));
        if let Some(wrong) = wrong {
            let text = format!("what comes on mid {mid} is {}", wrong.text);
            let draft = Draft::certain("media-self-echo", text).of(view.facts.own.other());
            return found.add(draft.citing([&wrong.id]));
        }
    }
}

/// Audio and video that are not in step, by their stamps.
fn skew(view: &View<'_>, found: &mut Found) {
    let of = |kind: MediaKind| {
        view.own().mids.values().find_map(|facts| {
            let (_, sample) = facts.last_sample.as_ref()?;
            let latency = sample.latency.as_ref().filter(|latency| latency.count > 50)?;
            (facts.kind == Some(kind)).then_some((latency, facts))
        })
    };
    let (Some((audio, heard)), Some((video, seen))) = (of(MediaKind::Audio), of(MediaKind::Video)) else {
        return;
    };
    // The same clock is off for both, so that its error does not count.
    let apart = (audio.p50_ms - video.p50_ms).abs();
    if apart > view.limits().skew_ms {
        let first = if audio.p50_ms < video.p50_ms { "audio" } else { "video" };
        let text = format!("the {first} is {apart:.0} ms ahead");
        let ids = heard.sample_id.iter().chain(&seen.sample_id);
        found.add(Draft::certain("media-av-desync", text).of(view.facts.own.other()).citing(ids));
    }
}

/// The other side asks for key frames again and again.
fn storm(view: &View<'_>, found: &mut Found) {
    let own = view.own();
    let Some(up) = own.timing.dtls else { return };
    let lasted = view.since(up).as_secs_f64().max(1.0);
    let (many, rate) = STORM;
    let asked = own
        .outbound
        .iter()
        .find(|sample| sample.key_requests >= many && sample.key_requests as f64 / lasted >= rate);
    if let Some(sample) = asked {
        let text = format!(
            "the {} asked for a key frame {} times on mid {}",
            own.role.other(),
            sample.key_requests,
            sample.mid
        );
        found.add(Draft::certain("media-pli-storm", text).of(own.role.other()).citing(&own.outbound_id));
    }
}
