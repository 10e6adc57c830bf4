//! What goes wrong on the network on purpose: `loss=5%,delay=30ms,block@5s..8s`, read and checked.

use std::ops::Range;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::duration::LONGEST;
use super::expectation::{Fault, list, trimmed};
use super::value::{BITRATE_UNITS, DURATION_UNITS, split};
use crate::diagnostic::{Diagnostic, nearest};
use crate::jsep::Role;

/// How long a packet that is overtaken is held back, unless `reorder-by` says otherwise: longer than a frame of sound
/// (20 ms) and a frame of pictures (33 ms) take to follow.
const REORDER_BY: Duration = Duration::from_millis(50);
/// How much may wait for a slow link, unless `queue` says otherwise.
const QUEUE: Duration = Duration::from_millis(200);

/// What happens to what each side sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NetworkPlan {
    /// To what the caller sends.
    pub caller: Impairment,
    /// To what the callee sends.
    pub callee: Impairment,
}

impl NetworkPlan {
    /// What happens to what that side sends.
    #[must_use]
    pub fn of(&self, role: Role) -> &Impairment {
        match role {
            Role::Caller => &self.caller,
            Role::Callee => &self.callee,
        }
    }

    /// Nothing happens at all.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.caller.is_nothing() && self.callee.is_nothing()
    }
}

/// What happens to the datagrams of one direction. Written down as it was stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impairment {
    text: String,
    stated: Vec<Stated>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stated {
    knob: Knob,
    during: Range<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Knob {
    Delay(Duration),
    Jitter(Duration),
    Loss(f64),
    Burst(f64),
    Reorder(f64),
    ReorderBy(Duration),
    Duplicate(f64),
    Rate(f64),
    Queue(Duration),
    Mtu(usize),
    Block,
    Dtls,
}

/// What is in force at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Every datagram takes this much longer.
    pub delay: Duration,
    /// And up to this much more, each by chance; their order is kept.
    pub jitter: Duration,
    /// This share of the datagrams is lost, 0..1.
    pub loss: f64,
    /// So many in a row are lost on average; 1 is loss without memory. Two states, as Gilbert has them: between bursts
    /// nothing is lost.
    pub burst: f64,
    /// This share is held back by `reorder_by`, so that later ones overtake, 0..1.
    pub reorder: f64,
    /// How long.
    pub reorder_by: Duration,
    /// This share comes twice, 0..1.
    pub duplicate: f64,
    /// Bits per second that get through, headers of IP and UDP included; none is as many as come.
    pub rate: Option<f64>,
    /// What would wait longer than this for the rate is lost.
    pub queue: Duration,
    /// Larger datagrams than this, in bytes with the headers of IP and UDP, are lost; none is any size.
    pub mtu: Option<usize>,
    /// Nothing gets through.
    pub block: bool,
    /// DTLS records can be lost, come twice and be overtaken like the rest. Spared otherwise: the engine's handshake can
    /// die of it.
    pub dtls: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: 1.0,
            reorder: 0.0,
            reorder_by: REORDER_BY,
            duplicate: 0.0,
            rate: None,
            queue: QUEUE,
            mtu: None,
            block: false,
            dtls: false,
        }
    }
}

/// Every key, an example, and what it means; in the order of the documentation.
pub const KNOBS: &[(&str, &str, &str)] = &[
    ("delay", "delay=30ms", "every datagram takes this much longer"),
    ("jitter", "jitter=10ms", "and up to this much more; the order is kept"),
    ("loss", "loss=5%", "this share is lost; DTLS records are spared"),
    ("burst", "burst=4", "so many in a row are lost on average"),
    ("reorder", "reorder=2%", "this share is overtaken by what follows"),
    ("reorder-by", "reorder-by=50ms", "by being held back so long"),
    ("duplicate", "duplicate=1%", "this share comes twice"),
    ("rate", "rate=500kbps", "no more than this gets through"),
    ("queue", "queue=200ms", "what would wait longer for the rate is lost"),
    ("mtu", "mtu=1200", "larger datagrams are lost, in bytes"),
    ("block", "block@5s..8s", "nothing gets through"),
    ("dtls", "dtls", "DTLS records are not spared"),
];

impl Impairment {
    /// Reads `key=value@from..until, ...`; `none` is nothing. `option` is where it comes from, such as `--network`.
    ///
    /// # Errors
    /// A complaint with the caret under the part that is wrong, and how to mend it.
    #[expect(clippy::result_large_err, reason = "read a few times per run, and a complaint ends it")]
    pub fn parse(text: &str, option: &str) -> Result<Self, Diagnostic> {
        let complain = |fault: Fault| Diagnostic {
            source: option.to_owned(),
            text: text.to_owned(),
            span: fault.span,
            title: fault.title,
            label: fault.label,
            help: fault.help,
        };
        if matches!(text.trim(), "" | "none") {
            return Ok(Self::default());
        }
        let stated = split(text, 0..text.len(), ',')
            .map(|item| stated(text, item))
            .collect::<Result<Vec<_>, _>>()
            .map_err(complain)?;
        Ok(Self { text: text.to_owned(), stated })
    }

    /// Nothing ever happens.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.stated.is_empty()
    }

    /// What is in force at `at`, counted from the beginning; of two statements about the same the later one counts.
    #[must_use]
    pub fn at(&self, at: Duration) -> Conditions {
        let mut now = Conditions::default();
        for stated in self.stated.iter().filter(|stated| stated.during.contains(&at)) {
            match stated.knob {
                Knob::Delay(delay) => now.delay = delay,
                Knob::Jitter(jitter) => now.jitter = jitter,
                Knob::Loss(loss) => now.loss = loss,
                Knob::Burst(burst) => now.burst = burst,
                Knob::Reorder(share) => now.reorder = share,
                Knob::ReorderBy(by) => now.reorder_by = by,
                Knob::Duplicate(share) => now.duplicate = share,
                Knob::Rate(rate) => now.rate = Some(rate),
                Knob::Queue(queue) => now.queue = queue,
                Knob::Mtu(mtu) => now.mtu = Some(mtu),
                Knob::Block => now.block = true,
                Knob::Dtls => now.dtls = true,
            }
        }
        now
    }

    /// Until when what is in force at `at` stays so.
    #[must_use]
    pub fn until(&self, at: Duration) -> Duration {
        let edges = self.stated.iter().flat_map(|stated| [stated.during.start, stated.during.end]);
        edges.filter(|edge| *edge > at).min().unwrap_or(Duration::MAX)
    }
}

impl Serialize for Impairment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn stated(text: &str, item: Range<usize>) -> Result<Stated, Fault> {
    let at = text[item.clone()].find('@').map(|at| item.start + at);
    let during = match at {
        Some(at) => window(text, at + 1..item.end)?,
        None => Duration::ZERO..Duration::MAX,
    };
    let setting = trimmed(text, item.start..at.unwrap_or(item.end));
    let equals = text[setting.clone()].find('=').map(|at| setting.start + at);
    let key = trimmed(text, setting.start..equals.unwrap_or(setting.end));
    let value = equals.map(|equals| trimmed(text, equals + 1..setting.end));
    Ok(Stated { knob: knob(text, key, value)?, during })
}

fn knob(text: &str, key: Range<usize>, value: Option<Range<usize>>) -> Result<Knob, Fault> {
    let written = &text[key.clone()];
    let Some((name, example, _)) = KNOBS.iter().find(|(name, ..)| *name == written) else {
        let names = KNOBS.iter().map(|(name, ..)| *name);
        let help = nearest(written, names.clone()).map(|near| format!("did you mean `{near}`?"));
        return Err(Fault {
            span: key,
            title: format!("`{written}` is nothing that can happen to datagrams"),
            label: "no such key".to_owned(),
            help: Some(help.unwrap_or_else(|| format!("the keys are {}", list(names)))),
        });
    };
    let reader = Reader { text, name, example };
    if matches!(*name, "block" | "dtls") {
        return match value {
            None if *name == "block" => Ok(Knob::Block),
            None => Ok(Knob::Dtls),
            Some(value) => Err(reader.fault(value, format!("`{name}` takes no value"), "leave this out")),
        };
    }
    let Some(value) = value else {
        return Err(reader.fault(key, format!("`{name}` needs a value"), "and has none"));
    };
    Ok(match *name {
        "delay" => Knob::Delay(reader.duration(value)?),
        "jitter" => Knob::Jitter(reader.duration(value)?),
        "loss" => Knob::Loss(reader.share(value)?),
        "burst" => Knob::Burst(reader.at_least_one(value)?),
        "reorder" => Knob::Reorder(reader.share(value)?),
        "reorder-by" => Knob::ReorderBy(reader.duration(value)?),
        "duplicate" => Knob::Duplicate(reader.share(value)?),
        "rate" => Knob::Rate(reader.rate(value)?),
        "queue" => Knob::Queue(reader.duration(value)?),
        _ => Knob::Mtu(reader.bytes(value)?),
    })
}

/// `5s..8s`, `5s..` or `..8s`.
fn window(text: &str, span: Range<usize>) -> Result<Range<Duration>, Fault> {
    let reader = Reader { text, name: "@", example: "loss=20%@5s..8s" };
    let Some(dots) = text[span.clone()].find("..").map(|at| span.start + at) else {
        return Err(reader.fault(
            span,
            "a time is a range from the beginning of the call".to_owned(),
            "no `..` in it",
        ));
    };
    let edge = |span: Range<usize>, open: Duration| match text[span.clone()].is_empty() {
        true => Ok(open),
        false => reader.duration(span),
    };
    let from = edge(trimmed(text, span.start..dots), Duration::ZERO)?;
    let until = edge(trimmed(text, dots + 2..span.end), Duration::MAX)?;
    if from >= until {
        return Err(reader.fault(
            span,
            "a time must end after it begins".to_owned(),
            "ends before it begins",
        ));
    }
    Ok(from..until)
}

/// Reads the value of one key.
struct Reader<'a> {
    text: &'a str,
    name: &'a str,
    example: &'a str,
}

impl Reader<'_> {
    fn duration(&self, span: Range<usize>) -> Result<Duration, Fault> {
        let ms = self.measure(span.clone(), DURATION_UNITS)?;
        let duration = Duration::try_from_secs_f64(ms / 1e3).ok().filter(|duration| *duration <= LONGEST);
        let long = || self.fault(span, format!("`{}` is too long", self.name), "longer than a week");
        duration.ok_or_else(long)
    }

    fn rate(&self, span: Range<usize>) -> Result<f64, Fault> {
        let rate = self.measure(span.clone(), BITRATE_UNITS)?;
        if rate < 1.0 {
            return Err(self.fault(span, "a rate must let something through".to_owned(), "use `block`"));
        }
        Ok(rate)
    }

    fn share(&self, span: Range<usize>) -> Result<f64, Fault> {
        let share = self.measure(span.clone(), &[("%", 0.01), ("", 1.0)])?;
        if &self.text[span.clone()] == "1" {
            let title = format!("`{}=1` may mean 1% or everything", self.name);
            return Err(self.fault(span, title, "write `1%` or `100%`"));
        }
        if share > 1.0 {
            return Err(self.fault(span, "a share is at most 100%".to_owned(), "more than everything"));
        }
        Ok(share)
    }

    fn at_least_one(&self, span: Range<usize>) -> Result<f64, Fault> {
        let count = self.measure(span.clone(), &[("", 1.0)])?;
        if count < 1.0 {
            return Err(self.fault(span, "a burst is one packet at least".to_owned(), "less than one"));
        }
        Ok(count)
    }

    fn bytes(&self, span: Range<usize>) -> Result<usize, Fault> {
        let count = self.measure(span.clone(), &[("", 1.0)])?;
        if count.fract() != 0.0 || !(1.0..=65_535.0).contains(&count) {
            return Err(self.fault(span, "an MTU is 1 to 65535 bytes".to_owned(), "not such a number"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just now")]
        Ok(count as usize)
    }

    /// A number with one of these units, each with its factor.
    fn measure(&self, span: Range<usize>, units: &[(&str, f64)]) -> Result<f64, Fault> {
        let written = &self.text[span.clone()];
        let length = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
        let number = written[..length].parse().ok().filter(|number: &f64| number.is_finite());
        let unit = written[length..].trim();
        match (number, units.iter().find(|(name, _)| *name == unit)) {
            (Some(number), Some((_, factor))) => Ok(number * factor),
            (None, _) => Err(self.fault(span, format!("`{}` needs a number", self.name), "not a number")),
            (Some(_), None) => {
                let names = units.iter().map(|(name, _)| if name.is_empty() { "none" } else { *name });
                let label = format!("the units are {}", list(names));
                Err(self.fault(span, format!("`{}` has a wrong unit", self.name), &label))
            }
        }
    }

    fn fault(&self, span: Range<usize>, title: String, label: &str) -> Fault {
        Fault { span, title, label: label.to_owned(), help: Some(format!("such as `{}`", self.example)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Impairment {
        Impairment::parse(text, "--network").unwrap()
    }

    #[test]
    fn every_example_of_the_table_can_be_read_and_does_something() {
        for (name, example, _) in KNOBS {
            let impairment = read(example);
            let seconds = (0..10).map(Duration::from_secs);
            let changes = seconds.filter(|at| impairment.at(*at) != Conditions::default()).count();
            // These two examples are the defaults, written out.
            assert_eq!(changes > 0, !matches!(*name, "reorder-by" | "queue"), "{example}");
        }
    }

    #[test]
    fn settings_hold_during_their_time_and_the_later_one_counts() {
        let impairment = read("delay=30ms, loss=5%, loss=0.5@5s..8s, block@..1s");
        let at = |ms| impairment.at(Duration::from_millis(ms));
        assert!(at(0).block && !at(1000).block);
        assert_eq!((at(4999).loss, at(5000).loss, at(7999).loss, at(8000).loss), (0.05, 0.5, 0.5, 0.05));
        assert_eq!(at(9000).delay, Duration::from_millis(30));
        let until = |ms| impairment.until(Duration::from_millis(ms));
        assert_eq!(until(0), Duration::from_secs(1));
        assert_eq!(until(1000), Duration::from_secs(5));
        assert_eq!(until(8000), Duration::MAX);
    }

    #[test]
    fn complaints_name_the_part_and_the_remedy() {
        let cases = [
            "los=5%",
            "delay=99999999999999999999s",
            "rain=5%",
            "loss",
            "loss=5ms",
            "loss=150%",
            "loss=1",
            "delay=30",
            "burst=0",
            "rate=0kbps",
            "mtu=1.5",
            "block=yes",
            "loss=5%@5s",
            "loss=5%@8s..5s",
            "delay=30ms,,loss=1%",
        ];
        let complaints: Vec<String> = cases
            .iter()
            .map(|text| match Impairment::parse(text, "--network") {
                Ok(read) => panic!("{text} was read as {read:?}"),
                Err(diagnostic) => diagnostic.render(false),
            })
            .collect();
        insta::assert_snapshot!(complaints.join("\n\n"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_makes_it_panic(text in "[a-z0-9=%@., -]{0,40}|\\PC{0,20}") {
            let _ = Impairment::parse(&text, "--network");
        }
    }
}
