//! The statistics of a dump as samples of media: a series of values for each member, from its `startTime` to its `endTime`.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::timeline::{InboundMedia, Kind, OutboundMedia};

/// So many samples are taken of a dump, however long it is: enough to see when something stops.
const MOST: usize = 120;

/// A report is taken once in a second; two may fail before a stream is known to be gone.
const GONE_MS: f64 = 3e3;

/// Samples of all RTP streams in order, each with its time in milliseconds since 1970-01-01 UTC; the last one at the
/// end of the statistics. The log tells changes only: rates and durations can be seen here alone.
pub(super) fn samples(stats: &Value) -> Vec<(f64, Kind)> {
    let Some(stats) = stats.as_object() else { return Vec::new() };
    let ends = stats.values().filter_map(|entry| moment(&entry["endTime"]));
    let Some(end) = ends.reduce(f64::max) else { return Vec::new() };
    let streams: Vec<Stream<'_>> = stats
        .iter()
        .filter_map(|(key, entry)| Stream::read(stats, key.strip_suffix("-mid")?, entry))
        .collect();
    let Some(start) = streams.iter().map(|stream| stream.start).reduce(f64::min) else { return Vec::new() };
    let seconds = ((end - start) / 1e3).max(0.0) as usize;
    let steps = seconds.clamp(2, MOST - 1);
    let times = (0..=steps).map(|step| start + (end - start).max(0.0) * step as f64 / steps as f64);
    times.map(|time| (time, sample(&streams, time, end))).collect()
}

fn sample(streams: &[Stream<'_>], time: f64, end: f64) -> Kind {
    let (mut inbound, mut outbound) = (Vec::new(), Vec::new());
    for stream in streams.iter().filter(|stream| stream.is_there(time, end)) {
        if stream.comes { inbound.push(stream.inbound(time)) } else { outbound.push(stream.outbound(time)) }
    }
    Kind::Media { outbound, inbound }
}

/// An `inbound-rtp` or `outbound-rtp`.
struct Stream<'a> {
    comes: bool,
    mid: String,
    kind: Option<crate::jsep::MediaKind>,
    series: BTreeMap<&'a str, Series>,
    start: f64,
    end: f64,
}

/// The values of a member, evenly between two times.
struct Series {
    start: f64,
    end: f64,
    values: Vec<Value>,
}

impl<'a> Stream<'a> {
    fn read(stats: &'a serde_json::Map<String, Value>, id: &str, of_mid: &Value) -> Option<Self> {
        const MEMBERS: &[&str] = &[
            "mid",
            "kind",
            "packetsReceived",
            "packetsLost",
            "bytesReceived",
            "framesReceived",
            "framesDecoded",
            "freezeCount",
            "keyFramesDecoded",
            "pliCount",
            "packetsSent",
            "bytesSent",
            "framesSent",
            "nackCount",
        ];
        let comes = match of_mid["statsType"].as_str()? {
            "inbound-rtp" => true,
            "outbound-rtp" => false,
            _ => return None,
        };
        let read = |name: &&'a str| Some((*name, Series::read(stats.get(&format!("{id}-{name}"))?)?));
        let series: BTreeMap<&str, Series> = MEMBERS.iter().filter_map(read).collect();
        let text = |name: &str| series.get(name)?.values.last()?.as_str().map(str::to_owned);
        Some(Self {
            comes,
            mid: text("mid")?,
            kind: text("kind").and_then(|word| word.parse().ok()),
            start: series.values().map(|series| series.start).reduce(f64::min)?,
            end: series.values().map(|series| series.end).reduce(f64::max)?,
            series,
        })
    }

    /// A stream whose report is gone counts no more: it says nothing of what comes, neither that it stopped. One that was
    /// there to the end is in the last sample as well.
    fn is_there(&self, time: f64, end: f64) -> bool {
        self.start <= time && (time <= self.end || end - self.end <= GONE_MS)
    }

    fn number(&self, name: &str, time: f64) -> Option<u64> {
        Some(self.series.get(name)?.at(time)?.as_f64()? as u64)
    }

    fn inbound(&self, time: f64) -> InboundMedia {
        let number = |name| self.number(name, time).unwrap_or(0);
        InboundMedia {
            mid: self.mid.clone(),
            kind: self.kind,
            packets: number("packetsReceived"),
            packets_lost: number("packetsLost"),
            bytes: number("bytesReceived"),
            frames: number("framesReceived").max(number("framesDecoded")),
            decoded_frames: number("framesDecoded"),
            freezes: number("freezeCount"),
            key_frames: self.number("keyFramesDecoded", time),
            key_requests: self.number("pliCount", time),
            ..InboundMedia::default()
        }
    }

    fn outbound(&self, time: f64) -> OutboundMedia {
        let number = |name| self.number(name, time).unwrap_or(0);
        OutboundMedia {
            mid: self.mid.clone(),
            kind: self.kind,
            packets: number("packetsSent"),
            bytes: number("bytesSent"),
            frames: number("framesSent"),
            key_requests: number("pliCount"),
            nacks: number("nackCount"),
            ..OutboundMedia::default()
        }
    }
}

impl Series {
    fn read(entry: &Value) -> Option<Self> {
        let values: Vec<Value> = serde_json::from_str(entry["values"].as_str()?).ok()?;
        let end = moment(&entry["endTime"]);
        let (start, end) = (moment(&entry["startTime"]).or(end)?, end?);
        (!values.is_empty()).then_some(Self { start, end, values })
    }

    /// The latest value at that time; none before the first.
    fn at(&self, time: f64) -> Option<&Value> {
        if time < self.start {
            return None;
        }
        let last = self.values.len() - 1;
        let passed = (time - self.start) / (self.end - self.start).max(1.0) * last as f64;
        // A moment early or late is the same report.
        self.values.get(((passed + 1e-6) as usize).min(last))
    }
}

fn moment(time: &Value) -> Option<f64> {
    let time = humantime::parse_rfc3339_weak(time.as_str()?).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: u64, end: u64, values: &str) -> Value {
        let at = |seconds: u64| format!("2023-11-14T22:13:{seconds:02}.000Z");
        serde_json::json!({ "startTime": at(start), "endTime": at(end), "statsType": "inbound-rtp", "values": values })
    }

    fn counted(stats: &Value) -> Vec<(u64, Vec<(String, u64)>)> {
        let taken = samples(stats);
        let first = taken.first().map_or(0.0, |(time, _)| *time);
        let of = |(time, kind): &(f64, Kind)| {
            let Kind::Media { inbound, .. } = kind else { panic!("{kind:?}") };
            let packets = inbound.iter().map(|media| (media.mid.clone(), media.packets)).collect();
            (((time - first) / 1e3).round() as u64, packets)
        };
        taken.iter().map(of).collect()
    }

    #[test]
    fn what_stops_is_seen_to_stop() {
        let stats = serde_json::json!({
            "IT1-mid": entry(0, 4, "[\"0\",\"0\",\"0\",\"0\",\"0\"]"),
            "IT1-packetsReceived": entry(0, 4, "[0,50,100,100,100]"),
        });
        let packets: Vec<(u64, u64)> =
            counted(&stats).into_iter().map(|(at, list)| (at, list[0].1)).collect();
        assert_eq!(packets, [(0, 0), (1, 50), (2, 100), (3, 100), (4, 100)]);
    }

    #[test]
    fn a_stream_that_is_gone_counts_no_more() {
        let stats = serde_json::json!({
            "IT1-mid": entry(0, 2, "[\"0\",\"0\",\"0\"]"),
            "IT1-packetsReceived": entry(0, 2, "[0,50,100]"),
            "IT2-mid": entry(5, 10, "[\"0\",\"0\"]"),
            "IT2-packetsReceived": entry(5, 10, "[0,80]"),
            "T-x": entry(0, 10, "[1]"),
        });
        let of_mid: Vec<usize> = counted(&stats).iter().map(|(_, list)| list.len()).collect();
        assert_eq!(of_mid, [1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(samples(&serde_json::json!({})).len(), 0);
    }

    #[test]
    fn a_long_dump_has_no_more_samples_than_that() {
        let hour = serde_json::json!({
            "startTime": "2023-11-14T22:13:00Z", "endTime": "2023-11-14T23:13:00Z",
            "statsType": "outbound-rtp", "values": "[\"0\"]"
        });
        assert_eq!(samples(&serde_json::json!({ "OT1-mid": hour })).len(), MOST);
    }
}
