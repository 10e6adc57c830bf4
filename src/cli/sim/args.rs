//! What can be said to `callcheck sim`.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use crate::cli::args::{NetworkArgs, OutputArgs, TimeArgs};
use crate::cli::value::parse_whole;
use crate::plan::parse_duration;
use crate::sim::Latency;

const EXAMPLES: &str = "\
Examples:
  callcheck sim
  callcheck sim --callee '--attach add-transceiver --renegotiate no'
  callcheck sim --network 'delay=40ms,block@3s..6s' --duration 10s \\
    --expect ice=connected
  callcheck sim --seeds 1..1000 --network loss=10%";

const EXIT_CODES: &str = "\
Exit codes:
  0    every expectation of both sides held, with every seed
  1    an expectation failed
  2    the command line or an input file is wrong
  3    something stayed unknown and nothing failed, or a report was unwritable
  130  interrupted";

/// The text under the long help.
pub(in crate::cli) fn notes() -> String {
    format!(
        "{}\n\n{}\n\n{EXAMPLES}\n\n{EXIT_CODES}",
        crate::cli::network::notes(),
        crate::cli::args::ENVIRONMENT
    )
}

/// Both sides of a call.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct SimArgs {
    /// Options of the caller, as for `callcheck call`
    #[arg(
        long,
        env = "CALLCHECK_CALLER",
        hide_env = true,
        value_name = "OPTIONS",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub(super) caller: String,
    /// Options of the callee, as for `callcheck answer`
    #[arg(
        long,
        env = "CALLCHECK_CALLEE",
        hide_env = true,
        value_name = "OPTIONS",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub(super) callee: String,
    /// How long media flows [default: 5s]
    #[arg(long, env = "CALLCHECK_DURATION", hide_env = true, value_name = "TIME", value_parser = parse_duration)]
    pub(super) duration: Option<Duration>,
    /// Time, chance and signals.
    #[command(flatten)]
    pub(super) clock: ClockArgs,
    /// What goes wrong.
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    /// How long to wait for what.
    #[command(flatten)]
    pub(super) times: TimeArgs,
    /// What must come out.
    #[command(flatten)]
    pub(super) verdict: SimVerdictArgs,
    /// Where results go.
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Time, chance and signals.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Simulation")]
pub(in crate::cli) struct ClockArgs {
    /// virtual or real
    ///
    /// virtual: a call takes milliseconds and repeats to the byte. real: real sockets on the loopback interface.
    #[arg(
        long,
        env = "CALLCHECK_CLOCK",
        hide_env = true,
        value_name = "CLOCK",
        default_value = "virtual",
        hide_possible_values = true
    )]
    pub(super) clock: ClockArg,
    /// Where every random choice starts [default: 1; by chance on the real clock]
    #[arg(long, env = "CALLCHECK_SEED", hide_env = true, value_name = "N", allow_negative_numbers = true, value_parser = parse_whole::<u64>)]
    pub(super) seed: Option<u64>,
    /// Play one call for each seed from A to B
    ///
    /// Play one call for each seed from A to B, both included, and tell which do not pass and why.
    #[arg(long, env = "CALLCHECK_SEEDS", hide_env = true, value_name = "A..B", value_parser = parse_seeds)]
    pub(super) seeds: Option<RangeInclusive<u64>>,
    /// Prove the diagnosis: commit every fault, and look for false alarms
    ///
    /// Commit every fault, or those whose names begin with PREFIX, against a good peer, and make good calls of every shape;
    /// print what was found, missed, wrongly named, and alarmed for nothing. The good calls are as many as the seeds.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_PROVE", hide_env = true, value_name = "PREFIX", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(super) prove: Option<String>,
    /// So many seeds at a time [default: the cores]
    #[arg(long, env = "CALLCHECK_JOBS", hide_env = true, value_name = "N", allow_negative_numbers = true, value_parser = parse_jobs)]
    pub(super) jobs: Option<usize>,
    /// How long a signal takes to the other side
    ///
    /// How long a signal takes to the other side: each a time of its own between these two, in order.
    #[arg(long, env = "CALLCHECK_SIGNAL_DELAY", hide_env = true, value_name = "A..B", default_value = "1ms..30ms", value_parser = parse_latency)]
    pub(super) signal_delay: Latency,
}

/// What decides the verdict.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Verdict")]
pub(in crate::cli) struct SimVerdictArgs {
    /// Such as callee.tracks=audio; repeatable
    ///
    /// Such as callee.tracks=audio or loss<1%. Without `caller.` or `callee.` it is expected of both sides. Repeatable.
    #[arg(long, env = "CALLCHECK_EXPECT", hide_env = true, value_name = "EXPR", value_delimiter = '\n')]
    pub(super) expect: Vec<String>,
    /// Demand sendrecv both ways and no findings too
    #[arg(long, env = "CALLCHECK_STRICT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) strict: bool,
}

/// Which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ClockArg {
    /// Simulated.
    Virtual,
    /// The machine's.
    Real,
}

fn parse_seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || "not a range of seeds; write it like `1..1000`".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let to = to.strip_prefix('=').unwrap_or(to);
    let (from, to): (u64, u64) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
    if from > to {
        return Err(format!("there is no seed from {from} to {to}; write the smaller one first"));
    }
    Ok(from..=to)
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=1024).contains(count));
    count.ok_or_else(|| "not a count; write a whole number from 1 to 1024".to_owned())
}

/// `1ms..30ms`, or one time for every signal.
fn parse_latency(text: &str) -> Result<Latency, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    // No time at all is a time here.
    let time = |text: &str| match text {
        "0" | "0s" | "0ms" => Ok(Duration::ZERO),
        text => parse_duration(text),
    };
    let latency = Latency { least: time(least)?, most: time(most)? };
    if latency.least > latency.most {
        return Err("the longer time comes second, such as `1ms..30ms`".to_owned());
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_or_explained() {
        assert_eq!(parse_seeds("1..1000"), Ok(1..=1000));
        assert_eq!(parse_seeds("7..=7"), Ok(7..=7));
        for (text, says) in
            [("5", "like `1..1000`"), ("a..b", "like"), ("9..3", "smaller one first"), ("..", "like")]
        {
            assert!(parse_seeds(text).unwrap_err().contains(says), "{text}");
        }
        let ms = Duration::from_millis;
        assert_eq!(parse_latency("5ms"), Ok(Latency { least: ms(5), most: ms(5) }));
        assert_eq!(parse_latency("0..30ms"), Ok(Latency { least: ms(0), most: ms(30) }));
        assert!(parse_latency("30ms..5ms").unwrap_err().contains("comes second"));
        assert!(parse_latency("5..30ms").unwrap_err().contains("unit"));
        assert!(parse_jobs("0").is_err());
    }
}
