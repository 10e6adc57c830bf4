//! How the application on our side behaves: what can be said of it, and what that means together.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use humantime::format_duration;

use super::args::YesNo;
use super::error::CliError;
use crate::diagnostic::nearest;
use crate::jsep::{Association, Direction, MediaKind, Role};
use crate::plan::{Act, Attach, AttachAt, Clash, Habits, Later, Streams, parse_duration};

/// What the application does with its connection.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Application")]
pub(super) struct HabitArgs {
    /// How tracks are attached, such as add-transceiver
    ///
    /// How tracks get onto the connection: add-track; add-transceiver; reuse (direction, setStreams and replaceTrack on
    /// the transceivers that are there); replace-only (replaceTrack alone); none.
    #[arg(
        long,
        env = "CALLCHECK_ATTACH",
        hide_env = true,
        value_name = "HOW",
        default_value = "add-track",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(super) attach: AttachArg,
    /// When: before-offer, after-offer, ...
    ///
    /// When they are attached: before-offer; after-offer (once the first offer is set); after-create-answer;
    /// after-answer. By default after-offer for reuse and replace-only, else before-offer.
    #[arg(
        long,
        env = "CALLCHECK_ATTACH_AT",
        hide_env = true,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(super) attach_at: Option<AttachAtArg>,
    /// none, one or set
    ///
    /// Which stream the tracks are in: none; one, given to addTrack or addTransceiver; set, given to setStreams before
    /// the answer. By default set for reuse, else one.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_STREAMS",
        hide_env = true,
        value_name = "WHICH",
        hide_possible_values = true
    )]
    pub(super) streams: Option<StreamsArg>,
    /// jsep or by-kind
    ///
    /// How an offered m-section finds a transceiver: jsep, only one that addTrack made, as browsers do; by-kind, any of
    /// that kind, as pion and aiortc do.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_ASSOCIATION",
        hide_env = true,
        value_name = "POLICY",
        default_value = "jsep",
        hide_possible_values = true
    )]
    pub(super) association: AssociationArg,
    /// Act on negotiationneeded: yes or no
    #[arg(
        long,
        env = "CALLCHECK_RENEGOTIATE",
        hide_env = true,
        value_name = "YES|NO",
        default_value = "yes",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(super) renegotiate: YesNo,
    /// Take our offer back on glare: yes or no
    ///
    /// The role in perfect negotiation. Where both sides offer at once, the polite one takes its offer back. By default
    /// the callee is polite and the caller is not.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_POLITE",
        hide_env = true,
        value_name = "YES|NO",
        hide_possible_values = true
    )]
    pub(super) polite: Option<YesNo>,
    /// Direction of a kind, such as audio=sendonly; repeatable
    ///
    /// The direction that the application wishes for its transceivers of a kind: sendrecv, sendonly, recvonly or
    /// inactive, such as audio=sendonly. Repeatable.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_DIRECTION",
        hide_env = true,
        value_name = "KIND=DIRECTION",
        value_delimiter = '\n'
    )]
    pub(super) direction: Vec<String>,
    /// Hold the call, so long after the answer
    ///
    /// Hold the call so long after the first answer: every transceiver becomes inactive. Repeatable.
    #[arg(long, env = "CALLCHECK_HOLD", hide_env = true, value_name = "TIME", value_delimiter = '\n', value_parser = parse_duration)]
    pub(super) hold: Vec<Duration>,
    /// Resume it, so long after the answer
    ///
    /// Resume the held call so long after the first answer. Repeatable.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_RESUME", hide_env = true, value_name = "TIME", value_delimiter = '\n', value_parser = parse_duration)]
    pub(super) resume: Vec<Duration>,
    /// Restart ICE, so long after the answer
    ///
    /// Restart ICE so long after the first answer. Repeatable.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_RESTART_ICE", hide_env = true, value_name = "TIME", value_delimiter = '\n', value_parser = parse_duration)]
    pub(super) restart_ice: Vec<Duration>,
}

/// [`Attach`], as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AttachArg {
    /// addTrack.
    AddTrack,
    /// addTransceiver.
    AddTransceiver,
    /// direction, setStreams and replaceTrack.
    Reuse,
    /// replaceTrack.
    ReplaceOnly,
    /// Nothing.
    None,
}

/// [`AttachAt`], as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AttachAtArg {
    /// Before the first offer.
    BeforeOffer,
    /// Once it is set.
    AfterOffer,
    /// Once the answer is made.
    AfterCreateAnswer,
    /// Once the answer is set.
    AfterAnswer,
}

/// [`Streams`], as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StreamsArg {
    /// In none.
    None,
    /// In one.
    One,
    /// In one, by setStreams.
    Set,
}

/// [`Association`], as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AssociationArg {
    /// As browsers do.
    Jsep,
    /// As pion does.
    ByKind,
}

/// The habits that the command line describes.
///
/// # Errors
/// Whatever contradicts itself; exit code 2.
pub(super) fn habits(role: Role, args: &HabitArgs) -> Result<Habits, CliError> {
    let attach = attach(args.attach);
    let reuses = matches!(attach, Attach::Reuse | Attach::ReplaceOnly);
    let attach_at = match args.attach_at.map(attach_at) {
        Some(AttachAt::BeforeOffer) if reuses => return Err(nothing_to_reuse(role, args.attach)),
        Some(stated) => stated,
        None if reuses => AttachAt::AfterOffer,
        None => AttachAt::BeforeOffer,
    };
    let streams = match args.streams {
        Some(StreamsArg::None) => Streams::None,
        Some(StreamsArg::One) => Streams::One,
        Some(StreamsArg::Set) => Streams::Set,
        None if attach == Attach::Reuse => Streams::Set,
        None => Streams::One,
    };
    let good = Habits::good(role);
    Ok(Habits {
        attach,
        attach_at,
        streams,
        association: match args.association {
            AssociationArg::Jsep => Association::Jsep,
            AssociationArg::ByKind => Association::ByKind,
        },
        renegotiate: args.renegotiate == YesNo::Yes,
        polite: args.polite.map_or(good.polite, |polite| polite == YesNo::Yes),
        directions: directions(&args.direction)?,
        later: later(args)?,
    })
}

fn attach(stated: AttachArg) -> Attach {
    match stated {
        AttachArg::AddTrack => Attach::AddTrack,
        AttachArg::AddTransceiver => Attach::AddTransceiver,
        AttachArg::Reuse => Attach::Reuse,
        AttachArg::ReplaceOnly => Attach::ReplaceOnly,
        AttachArg::None => Attach::None,
    }
}

fn attach_at(stated: AttachAtArg) -> AttachAt {
    match stated {
        AttachAtArg::BeforeOffer => AttachAt::BeforeOffer,
        AttachAtArg::AfterOffer => AttachAt::AfterOffer,
        AttachAtArg::AfterCreateAnswer => AttachAt::AfterCreateAnswer,
        AttachAtArg::AfterAnswer => AttachAt::AfterAnswer,
    }
}

fn nothing_to_reuse(role: Role, stated: AttachArg) -> CliError {
    let name = stated.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    CliError::usage(
        format!("the {role} has no transceiver for --attach {name} before the first offer"),
        "say `--attach-at after-offer` or later, or attach with `--attach add-track`",
    )
}

fn directions(values: &[String]) -> Result<BTreeMap<MediaKind, Direction>, CliError> {
    let mut directions = BTreeMap::new();
    for value in values {
        let (kind, direction) = direction(value)?;
        if directions.insert(kind, direction).is_some() {
            return Err(CliError::usage(
                format!("--direction names {kind} twice"),
                "leave one of them out; it counts for every transceiver of that kind",
            ));
        }
    }
    Ok(directions)
}

fn direction(value: &str) -> Result<(MediaKind, Direction), CliError> {
    const FORMS: &str = "write a kind and a direction, such as `audio=sendonly`; the directions are `sendrecv`, \
                         `sendonly`, `recvonly` and `inactive`";
    let Some((kind, word)) = value.split_once('=') else {
        return Err(CliError::usage(format!("`--direction {value}` does not say which kind"), FORMS));
    };
    let Ok(kind) = kind.parse::<MediaKind>() else {
        return Err(CliError::usage(
            format!("`{kind}` in `--direction {value}` is not a kind of media"),
            FORMS,
        ));
    };
    match word.parse::<Direction>() {
        Ok(Direction::Stopped) => Err(CliError::usage(
            format!("`--direction {value}` cannot be wished for: a transceiver stops for good"),
            format!("write `{kind}=inactive` for a transceiver that neither sends nor receives"),
        )),
        Ok(direction) => Ok((kind, direction)),
        Err(_) => {
            let words: Vec<&str> = Direction::ALL.iter().map(|direction| direction.as_str()).collect();
            let help = match nearest(word, words.iter().copied()) {
                Some(near) => format!("did you mean `{kind}={near}`?"),
                None => FORMS.to_owned(),
            };
            Err(CliError::usage(format!("`{word}` in `--direction {value}` is not a direction"), help))
        }
    }
}

/// What happens later, in order of time; of one time, in the order of the specification of [`Act`].
fn later(args: &HabitArgs) -> Result<Vec<Later>, CliError> {
    let all = |times: &[Duration], act: Act| -> Vec<Later> {
        times.iter().map(|&after| Later { after, act }).collect()
    };
    let mut later = all(&args.hold, Act::Hold);
    later.extend(all(&args.resume, Act::Resume));
    later.extend(all(&args.restart_ice, Act::RestartIce));
    later.sort_by_key(|later| later.after);
    let Some((index, clash)) = Later::clash(&later) else { return Ok(later) };
    let after = format_duration(later[index].after);
    Err(match clash {
        Clash::HeldSince(since) => CliError::usage(
            format!("--hold {after} comes while the call is held since {}", format_duration(since)),
            "say a --resume between them",
        ),
        Clash::NotHeld => CliError::usage(
            format!("--resume {after} comes while the call is not held"),
            "say a --hold with a shorter time before it",
        ),
    })
}
