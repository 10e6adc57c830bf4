//! The options of `callcheck turn`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::outside::OutsideArgs;
use crate::cli::value::parse_listen;
use crate::plan::parse_duration;

/// The text under the long help.
pub(in crate::cli) const NOTES: &str = "\
Examples:
  CALLCHECK_CREDENTIAL=... callcheck turn turn:turn.example.org --username me
  callcheck turn turns:turn.example.org --turn-secret-file secret
  callcheck turn --ice-servers https://example.org/ice --json

  Where UDP is blocked, with a second machine that plays the peer outside:
    there:  callcheck turn --outside lab --signal wss://rooms.example.org
    here:   callcheck turn turns:turn.example.org --username me \\
              --outside lab --signal wss://rooms.example.org

What can be expected:
  udp=ok, tls=failed             a transport: udp, tcp, tls or dtls
  allocate=ok, tcp.binding=ok    a step of every named path, or of a transport
  'time.allocate<200ms'          a step of the slowest path that the URL names
  'cert.days>14'                 the days that a certificate is still valid
  'load.loss<2%'                 packets lost there and back, with --duration
  finding=none, finding=turn-401

Every path that the URLs name must be well, but for what is stated about it:
udp=failed takes the place of that for paths over UDP, udp.echo=ok for what was
not measured there, allocate=failed where nothing else failed, and finding=ID
for the paths that show it.

Exit codes:
  0  every expectation held: those stated, and that data is relayed both ways
     over every path of which none speaks
  1  something failed; a server that does not answer has failed
  2  the command line or a file is wrong
  3  something could not be tested and nothing failed, or a report was
     unwritable";

/// Servers to probe, and how.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct TurnArgs {
    /// turn:, turns:, stun: or stuns: URLs
    ///
    /// RFC 7064 and RFC 7065: `turn:HOST` is UDP, `turn:HOST?transport=tcp` TCP, `turns:HOST` TLS,
    /// `turns:HOST?transport=udp` DTLS. What the URL names must work; the other transports are explored and reported.
    #[arg(value_name = "URL", required_unless_present_any = ["ice_servers", "outside"])]
    pub(super) urls: Vec<String>,
    /// User of the URLs
    #[arg(long, env = "CALLCHECK_USERNAME", hide_env = true, value_name = "NAME")]
    pub(super) username: Option<String>,
    /// Credential of that user
    #[arg(long, env = "CALLCHECK_CREDENTIAL", hide_env = true, hide_env_values = true, value_name = "TEXT")]
    pub(super) credential: Option<String>,
    /// Read that credential from a file
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_CREDENTIAL_FILE",
        hide_env = true,
        value_name = "FILE",
        conflicts_with = "credential"
    )]
    pub(super) credential_file: Option<PathBuf>,
    /// Make a credential from this shared secret
    ///
    /// As servers with `use-auth-secret` take it: the user is `TIME:NAME`, the credential base64(HMAC-SHA1(secret, user)),
    /// valid for ten minutes.
    #[arg(
        long,
        env = "CALLCHECK_TURN_SECRET",
        hide_env = true,
        hide_env_values = true,
        value_name = "TEXT",
        conflicts_with_all = ["credential", "credential_file"]
    )]
    pub(super) turn_secret: Option<String>,
    /// Read that secret from a file
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_TURN_SECRET_FILE",
        hide_env = true,
        value_name = "FILE",
        conflicts_with_all = ["turn_secret", "credential", "credential_file"]
    )]
    pub(super) turn_secret_file: Option<PathBuf>,
    /// The iceServers JSON: a file, a URL, or -
    ///
    /// What RTCPeerConnection gets: the configuration or its iceServers alone, with users and credentials of their own. -
    /// reads standard input; http:// and https:// URLs are fetched.
    #[arg(long, env = "CALLCHECK_ICE_SERVERS", hide_env = true, value_name = "FILE|URL")]
    pub(super) ice_servers: Option<PathBuf>,
    /// Something that must be so; repeatable
    #[arg(
        long,
        env = "CALLCHECK_EXPECT",
        hide_env = true,
        value_name = "EXPECTATION",
        value_delimiter = '\n'
    )]
    pub(super) expect: Vec<String>,
    /// Also trust the authorities in this PEM file
    #[arg(long, env = "CALLCHECK_CA", hide_env = true, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Go on with certificates that are not trusted
    #[arg(long, env = "CALLCHECK_INSECURE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) insecure: bool,
    /// Explore TLS and TCP on port 443 too
    #[arg(long, env = "CALLCHECK_ALSO_443", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) also_443: bool,
    /// Send at the rate of media for so long
    #[arg(long, env = "CALLCHECK_DURATION", hide_env = true, value_name = "TIME", value_parser = parse_duration)]
    pub(super) duration: Option<Duration>,
    /// Hold the allocation for so long, and renew it
    ///
    /// Choose a time beyond the lifetime of nonce and allocation (usually 600 s) to see both renewed.
    #[arg(long, env = "CALLCHECK_HOLD", hide_env = true, value_name = "TIME", value_parser = parse_duration)]
    pub(super) hold: Option<Duration>,
    /// Ask this name server instead of the system
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_RESOLVER",
        hide_env = true,
        value_name = "IP:PORT",
        value_parser = parse_listen
    )]
    pub(super) resolver: Option<SocketAddr>,
    /// Try whether it relays to inner addresses
    #[arg(long, env = "CALLCHECK_AUDIT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) audit: bool,
    /// Make a call through each server that passed
    ///
    /// Between two peers of callcheck's own engine, relayed on both sides, with media that is proven.
    #[arg(
        long,
        env = "CALLCHECK_ENGINE",
        hide_env = true,
        value_parser = FalseyValueParser::new(),
        conflicts_with = "watch"
    )]
    pub(super) engine: bool,
    /// Probe again and again, with such a pause
    ///
    /// The first result is told as usual, then a line for each change, until Ctrl-C.
    #[arg(
        long,
        env = "CALLCHECK_WATCH",
        hide_env = true,
        value_name = "TIME",
        value_parser = parse_duration,
        conflicts_with_all = ["json", "report_json", "report_junit", "report_markdown"]
    )]
    pub(super) watch: Option<Duration>,
    /// Serve metrics for Prometheus, with --watch
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_METRICS",
        hide_env = true,
        value_name = "IP:PORT",
        value_parser = parse_listen,
        requires = "watch"
    )]
    pub(super) metrics: Option<SocketAddr>,
    /// Who plays the outside
    #[command(flatten)]
    pub(super) outside: OutsideArgs,
    /// Print the result as JSON on standard output
    #[arg(long, env = "CALLCHECK_JSON", hide_env = true, value_parser = FalseyValueParser::new(), help_heading = "Output")]
    pub(super) json: bool,
    /// Write the result as JSON; - is standard output
    #[arg(
        long,
        env = "CALLCHECK_REPORT_JSON",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_json: Option<PathBuf>,
    /// Write the result as JUnit XML
    #[arg(
        long,
        env = "CALLCHECK_REPORT_JUNIT",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_junit: Option<PathBuf>,
    /// Write a summary as Markdown
    #[arg(
        long,
        env = "CALLCHECK_REPORT_MARKDOWN",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_markdown: Option<PathBuf>,
}
