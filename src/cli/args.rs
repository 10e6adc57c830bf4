//! What can be said on the command line. Nothing is judged here beyond what clap can see; `plan` does that.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::dialect::{DialectArgs, DialectCommand};
use super::explain::ExplainArgs;
use super::fault::FaultArgs;
use super::habits::HabitArgs;
use super::init::InitArgs;
use super::probe::ProbeArgs;
use super::run::{ImportArgs, RunArgs};
use super::sim::SimArgs;
use super::turn::TurnArgs;
use super::value::{parse_count, parse_listen, parse_whole};
use crate::plan::{DEFAULT_ROOM_URL, parse_duration};

const EXIT_CODES: &str = "\
Exit codes:
  0    every expectation held
  1    a call was attempted and an expectation failed, or held only on a retry
  2    the command line or an input file is wrong
  3    could not test: nobody joined, room unreachable, port taken, report
       unwritable, or something stayed unknown and nothing failed
  130  interrupted";

const EXAMPLES: &str = "\
Examples:
  In one terminal:  callcheck answer demo
  In another one:   callcheck call demo

  Call an app's room and expect its audio only, as JSON:
    callcheck call room7 --signal wss://rooms.example.org --json \\
      --expect tracks=audio

  Through a TURN server only; the credential comes from the environment:
    CALLCHECK_CREDENTIAL=... callcheck call demo --ice-policy relay \\
      --ice-server turn:turn.example.org --username me";

pub(super) const ENVIRONMENT: &str = "\
Every option has an environment name: --ice-server is CALLCHECK_ICE_SERVER.
The option wins over the environment.";

/// The text under the long help of `call` and `answer`.
fn call_notes() -> String {
    format!("{}\n\n{ENVIRONMENT}\n\n{EXAMPLES}\n\n{EXIT_CODES}", super::network::notes())
}

const SERVE_NOTES: &str = "\
Examples:
  callcheck serve
  callcheck serve --listen 0.0.0.0:2255 --token-file /run/secrets/room
  callcheck serve --allow-origin https://app.example.org

Exit codes:
  0  stopped by an interrupt or SIGTERM
  2  the command line is wrong
  3  the port is taken or cannot be used";

/// Makes a WebRTC call and says whether it came out right.
#[derive(Clone, Debug, Parser)]
#[command(name = "callcheck", version, max_term_width = 80, disable_help_subcommand = true)]
#[command(after_help = "Try `callcheck answer demo` in one terminal and `callcheck call demo` in another.")]
#[command(after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
    /// How much to say.
    #[command(flatten)]
    pub(super) noise: Noise,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Join a room as caller, make a call and judge it.
    #[command(after_long_help = call_notes())]
    Call(CallArgs),
    /// Join a room as callee, answer a call and judge it.
    #[command(after_long_help = call_notes())]
    Answer(CallArgs),
    /// Run the room server where two sides meet.
    #[command(after_long_help = SERVE_NOTES)]
    Serve(ServeArgs),
    /// Say why, from recorded timelines, SDP files or a webrtc-internals dump.
    #[command(after_long_help = super::explain::NOTES)]
    Explain(ExplainArgs),
    /// Play both sides in one process, on simulated time, with one seed or many.
    #[command(after_long_help = super::sim::notes())]
    Sim(SimArgs),
    /// Run scenario files: calls written down.
    #[command(after_long_help = super::run::NOTES)]
    Run(RunArgs),
    /// Probe TURN servers step by step, over every transport.
    #[command(after_long_help = super::turn::NOTES)]
    Turn(TurnArgs),
    /// Write a first scenario and a CI workflow.
    Init(InitArgs),
    /// Dialects: how rooms speak that are not callcheck's.
    #[command(subcommand, after_long_help = super::dialect::NOTES)]
    Dialect(DialectCommand),
    /// Make scenarios of recorded browser cases.
    #[command(hide = true)]
    Import(ImportArgs),
    /// Print the JSON schema of what callcheck reads and writes.
    Schema(SchemaArgs),
}

/// One side of a call.
#[derive(Clone, Debug, Args)]
pub(super) struct CallArgs {
    /// The room where the two sides meet.
    #[arg(value_name = "ROOM")]
    pub(super) room: String,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) signaling: SignalingArgs,
    /// How the room speaks.
    #[command(flatten)]
    pub(super) dialect: DialectArgs,
    /// What is sent.
    #[command(flatten)]
    pub(super) media: MediaArgs,
    /// How the application behaves.
    #[command(flatten)]
    pub(super) habits: HabitArgs,
    /// What it does wrong.
    #[command(flatten)]
    pub(super) fault: FaultArgs,
    /// How the network is used.
    #[command(flatten)]
    pub(super) ice: IceArgs,
    /// How long to wait for what.
    #[command(flatten)]
    pub(super) times: TimeArgs,
    /// What must come out.
    #[command(flatten)]
    pub(super) verdict: VerdictArgs,
    /// Whether the app is probed.
    #[command(flatten)]
    pub(super) probe: ProbeArgs,
    /// Where results go.
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Where the room is and who we are in it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Room")]
pub(super) struct SignalingArgs {
    /// Room server; without it we host
    ///
    /// The room server to join. Without it the two sides meet at port 2255 of this machine, and the process that comes
    /// first hosts the room.
    #[arg(long, env = "CALLCHECK_SIGNAL", hide_env = true, value_name = "URL")]
    pub(super) signal: Option<String>,
    /// Our name in the room [default: the role]
    #[arg(long, hide_short_help = true, env = "CALLCHECK_NAME", hide_env = true, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What the room asks of those who join
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_TOKEN",
        hide_env = true,
        hide_env_values = true,
        value_name = "TEXT"
    )]
    pub(super) token: Option<String>,
    /// Read the token from a file
    #[arg(long, hide_short_help = true, env = "CALLCHECK_TOKEN_FILE", hide_env = true, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    // Tests meet at a port of their own, so that they can run side by side; nobody else needs it.
    #[arg(long, env = "CALLCHECK_DEFAULT_ROOM_URL", hide = true, default_value = DEFAULT_ROOM_URL)]
    /// Where two terminals meet without `--signal`.
    pub(super) default_room_url: String,
}

/// What is sent, and for how long.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Media")]
pub(super) struct MediaArgs {
    /// audio=tone, video=bars or a FILE; none
    ///
    /// Repeatable: audio=tone, video=bars, audio=FILE.opus, video=FILE.ivf, or none. Without it a tone and bars are sent.
    #[arg(long, env = "CALLCHECK_SEND", hide_env = true, value_name = "KIND=SOURCE", value_delimiter = '\n')]
    pub(super) send: Vec<String>,
    /// Open a data channel too
    #[arg(long, hide_short_help = true, env = "CALLCHECK_DATA", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) data: bool,
    /// How long media flows
    ///
    /// How long media flows once it is verified. By default 5s for call; answer follows the caller.
    #[arg(long, env = "CALLCHECK_DURATION", hide_env = true, value_name = "TIME", value_parser = parse_duration)]
    pub(super) duration: Option<Duration>,
}

/// Servers, candidates and interfaces.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct IceArgs {
    /// STUN or TURN server; repeatable
    #[arg(long, env = "CALLCHECK_ICE_SERVER", hide_env = true, value_name = "URL", value_delimiter = '\n')]
    pub(super) ice_server: Vec<String>,
    /// User of the --ice-server before it
    #[arg(long, env = "CALLCHECK_USERNAME", hide_env = true, value_name = "NAME")]
    pub(super) username: Vec<String>,
    /// Credential of the --ice-server before it
    #[arg(long, env = "CALLCHECK_CREDENTIAL", hide_env = true, hide_env_values = true, value_name = "TEXT")]
    pub(super) credential: Vec<String>,
    /// Read that credential from a file
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_CREDENTIAL_FILE",
        hide_env = true,
        value_name = "FILE"
    )]
    pub(super) credential_file: Vec<PathBuf>,
    /// The iceServers JSON: a file, a URL, or -
    ///
    /// What RTCPeerConnection gets: the configuration or its iceServers alone. - reads standard input; http:// and https://
    /// URLs are fetched.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_ICE_SERVERS",
        hide_env = true,
        value_name = "FILE|URL"
    )]
    pub(super) ice_servers: Option<PathBuf>,
    /// Trust certificates of this PEM file too
    ///
    /// Authorities, besides the public ones, that may vouch for the room (wss://) and for TURN servers over TLS and DTLS; or
    /// their certificates themselves.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_CA", hide_env = true, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Trust every certificate of the room and of TURN servers
    #[arg(long, hide_short_help = true, env = "CALLCHECK_INSECURE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) insecure: bool,
    /// all or relay
    #[arg(
        long,
        env = "CALLCHECK_ICE_POLICY",
        hide_env = true,
        value_name = "POLICY",
        default_value = "all",
        hide_possible_values = true
    )]
    pub(super) ice_policy: IcePolicyArg,
    /// Trickle candidates: yes or no [default: yes]
    ///
    /// Send candidates as they are found: yes or no.
    #[arg(
        long,
        env = "CALLCHECK_TRICKLE",
        hide_env = true,
        value_name = "YES|NO",
        default_value = "yes",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(super) trickle: YesNo,
    /// Local address to use; repeatable [default: every interface]
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_BIND",
        hide_env = true,
        value_name = "IP",
        value_delimiter = '\n'
    )]
    pub(super) bind: Vec<String>,
    /// What goes wrong on purpose.
    #[command(flatten)]
    pub(super) network: NetworkArgs,
}

/// What goes wrong on the network on purpose.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArgs {
    /// Bad on purpose, such as loss=5%,delay=30ms
    ///
    /// What happens on purpose to the datagrams of both directions, as `key=value` with commas. `@FROM..UNTIL` after a
    /// setting limits its time, counted from the first socket of the call, such as block@5s..8s.
    #[arg(long, env = "CALLCHECK_NETWORK", hide_env = true, value_name = "WHAT")]
    pub(super) network: Option<String>,
    /// The same for what the caller sends alone
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_NETWORK_CALLER",
        hide_env = true,
        value_name = "WHAT"
    )]
    pub(super) network_caller: Option<String>,
    /// The same for what the callee sends alone
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_NETWORK_CALLEE",
        hide_env = true,
        value_name = "WHAT"
    )]
    pub(super) network_callee: Option<String>,
}

/// Deadlines.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Deadlines")]
pub(super) struct TimeArgs {
    /// For the other side to join
    #[arg(long, env = "CALLCHECK_WAIT", hide_env = true, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub(super) wait: Duration,
    /// From both present to the answer
    #[arg(long, hide_short_help = true, env = "CALLCHECK_ANSWER_TIMEOUT", hide_env = true, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub(super) answer_timeout: Duration,
    /// From the answer to verified media
    #[arg(long, env = "CALLCHECK_TIMEOUT", hide_env = true, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub(super) timeout: Duration,
    /// From an answer without a track to another offer
    ///
    /// How long the call stays up for another offer when an expected track is missing.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_FOLLOW_UP", hide_env = true, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub(super) follow_up: Duration,
}

/// What decides the verdict.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Verdict")]
pub(super) struct VerdictArgs {
    /// Such as tracks=audio or loss<1%; repeatable
    #[arg(long, env = "CALLCHECK_EXPECT", hide_env = true, value_name = "EXPR", value_delimiter = '\n')]
    pub(super) expect: Vec<String>,
    /// Demand sendrecv both ways and no findings too
    #[arg(long, env = "CALLCHECK_STRICT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) strict: bool,
    /// Offer once more when a track is missing
    ///
    /// When an expected track is missing and no other offer comes, offer once more: that tells a track that came too
    /// late from one that never came. What it brings is evidence, and does not count as received.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_PROBE_REOFFER", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) probe_reoffer: bool,
    /// Try again up to N times
    ///
    /// Make a call that did not pass again, N times at most.
    #[arg(long, env = "CALLCHECK_RETRY", hide_env = true, value_name = "N", allow_negative_numbers = true, default_value = "0", hide_default_value = true, value_parser = parse_count)]
    pub(super) retry: u32,
    /// A pass on a retry is a pass
    #[arg(long, hide_short_help = true, env = "CALLCHECK_FLAKY_OK", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) flaky_ok: bool,
    /// Where every random choice starts
    #[arg(long, hide_short_help = true, env = "CALLCHECK_SEED", hide_env = true, value_name = "N", allow_negative_numbers = true, value_parser = parse_whole::<u64>)]
    pub(super) seed: Option<u64>,
}

/// Where results go.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Print the result as JSON on standard output
    #[arg(long, env = "CALLCHECK_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// Write the result as JSON; - is standard output
    #[arg(long, env = "CALLCHECK_REPORT_JSON", hide_env = true, value_name = "FILE")]
    pub(super) report_json: Option<PathBuf>,
    /// Write the timeline as it happens, as JSON lines
    #[arg(long, env = "CALLCHECK_RECORD", hide_env = true, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
}

/// How much is said, and in which colours.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Noise {
    /// Print the verdict only
    #[arg(short, long, global = true, env = "CALLCHECK_QUIET", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
    /// Print each event; -vv also the engine's log
    #[arg(short, long, global = true, env = "CALLCHECK_VERBOSE", hide_env = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// auto, always or never
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "CALLCHECK_COLOR",
        hide_env = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub(super) color: ColorArg,
}

/// The room server.
#[derive(Clone, Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "CALLCHECK_LISTEN", hide_env = true, value_name = "IP:PORT", default_value = "127.0.0.1:2255", value_parser = parse_listen)]
    pub(super) listen: SocketAddr,
    /// What those who join must know
    #[arg(long, env = "CALLCHECK_TOKEN", hide_env = true, hide_env_values = true, value_name = "TEXT")]
    pub(super) token: Option<String>,
    /// Read the token from a file
    #[arg(long, hide_short_help = true, env = "CALLCHECK_TOKEN_FILE", hide_env = true, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Web page that may join, such as https://app.example.org; repeatable
    #[arg(
        long,
        env = "CALLCHECK_ALLOW_ORIGIN",
        hide_env = true,
        value_name = "ORIGIN",
        value_delimiter = '\n'
    )]
    pub(super) allow_origin: Vec<String>,
    /// What peers may cost.
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// What peers may cost the server and each other.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Rooms at a time
    #[arg(long, value_parser = parse_whole::<usize>, allow_negative_numbers = true, env = "CALLCHECK_MAX_ROOMS", hide_env = true, value_name = "N", default_value_t = 1_000)]
    pub(super) max_rooms: usize,
    /// Peers in one room
    #[arg(long, value_parser = parse_whole::<usize>, allow_negative_numbers = true, env = "CALLCHECK_MAX_PEERS", hide_env = true, value_name = "N", default_value_t = 16)]
    pub(super) max_peers: usize,
    /// Largest message in bytes
    #[arg(long, value_parser = parse_whole::<usize>, allow_negative_numbers = true, env = "CALLCHECK_MAX_MESSAGE", hide_env = true, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(super) max_message: usize,
    /// Messages a second from one peer in the long run
    #[arg(long, value_parser = parse_whole::<u32>, allow_negative_numbers = true, env = "CALLCHECK_MAX_RATE", hide_env = true, value_name = "N", default_value_t = 200)]
    pub(super) max_rate: u32,
}

/// Which schema.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct SchemaArgs {
    /// report (--json), turn (turn --json), probe (--probe --json), timeline (a line of --record) or scenario (a file)
    #[arg(value_name = "NAME", default_value = "report", hide_possible_values = true)]
    pub(super) name: SchemaName,
}

/// The documents that callcheck writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaName {
    /// What `--json` and `--report-json` write.
    Report,
    /// What `turn --json` writes.
    Turn,
    /// What `--probe --json` writes.
    Probe,
    /// A line of `--record`.
    Timeline,
    /// A scenario file.
    Scenario,
}

/// RTCIceTransportPolicy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum IcePolicyArg {
    /// Every candidate.
    All,
    /// Relayed ones only.
    Relay,
}

/// Yes or no, written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum YesNo {
    /// It shall be so.
    Yes,
    /// It shall not.
    No,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// If people read it on a terminal.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}
