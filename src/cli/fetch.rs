//! `--ice-servers URL`: what an application fetches before its calls, with credentials that soon expire.

use std::time::Duration;

use url::Url;

use super::error::CliError;
use crate::report::one_line;

/// All of it, from the name to the last byte.
const LIMIT: Duration = Duration::from_secs(10);

/// No list of servers is longer.
const MOST: u64 = 1 << 20;

/// So often a server may send us elsewhere.
const REDIRECTIONS: u32 = 3;

/// Whether that is to be fetched, and no file.
pub(super) fn is_url(name: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| name.starts_with(scheme))
}

/// The URL without what may be secret: user, path and query hold tokens.
pub(super) fn shown(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "the URL".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}/...", url.scheme(), url.host_str().unwrap_or_default())
}

/// The body of a GET.
///
/// # Errors
/// A URL that is none (exit code 2); no answer in time, or another status than success (exit code 3).
pub(super) fn fetch(url: &str) -> Result<String, CliError> {
    if Url::parse(url).is_err() {
        return Err(CliError::usage(
            "what --ice-servers names is not a URL",
            "write `https://HOST/PATH`, or the name of a file",
        ));
    }
    let lost = |why: String| {
        let help = "fetch it by other means, and give it as a file, or as - for standard input";
        let title = format!("{} for --ice-servers cannot be fetched: {why}", shown(url));
        CliError::untested(title, Some(help.to_owned()))
    };
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .max_redirects(REDIRECTIONS)
        .http_status_as_error(false)
        .user_agent(concat!("callcheck/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let answer = agent.get(url).header("accept", "application/json").call();
    let mut answer = answer.map_err(|error| lost(reason(&error)))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(lost(format!("the server answers {status}")));
    }
    answer.body_mut().with_config().limit(MOST).read_to_string().map_err(|error| lost(reason(&error)))
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no whole answer in {} s", LIMIT.as_secs()),
        ureq::Error::BodyExceedsLimit(_) => format!("it is longer than {MOST} bytes"),
        ureq::Error::Io(error) => crate::diagnostic::reason(error),
        other => one_line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let url = "https://me:hunter2@example.org:8443/hunter2?token=hunter2";
        assert_eq!(shown(url), "https://example.org:8443/...");
        assert!(is_url(url) && !is_url("servers.json") && !is_url("-"));
    }
}
