//! Which servers, and who we are there.

use std::time::{Duration, SystemTime};

use super::args::TurnArgs;
use crate::cli::error::{CliError, secret_from};
use crate::cli::ice;
use crate::plan::{IceServer, Secret, parse_ice_url};
use crate::stun::Credentials;
use crate::turn::{Target, rest};

/// How long a credential that we make is valid.
const LIFETIME: Duration = Duration::from_secs(600);

/// The servers of the command line, then those of `--ice-servers`.
///
/// # Errors
/// A URL, a file or a credential that cannot be used; exit code 2.
pub(super) fn targets(args: &TurnArgs, now: SystemTime) -> Result<Vec<Target>, CliError> {
    let credentials = credentials(args, now)?;
    let mut targets = Vec::new();
    for name in &args.urls {
        targets.push(target(name, credentials.as_ref())?);
    }
    if let Some(path) = &args.ice_servers {
        for IceServer { urls, username, credential } in ice::servers_in(path)? {
            let own =
                username.zip(credential).map(|(username, credential)| Credentials { username, credential });
            for name in &urls {
                targets.push(target(name, own.as_ref().or(credentials.as_ref()))?);
            }
        }
    }
    Ok(targets)
}

fn target(name: &str, credentials: Option<&Credentials>) -> Result<Target, CliError> {
    let url = parse_ice_url(name).map_err(|error| CliError::usage(error.title, error.help))?;
    let credentials = credentials.filter(|_| url.turn).cloned();
    Ok(Target { name: name.to_owned(), url, credentials })
}

fn credentials(args: &TurnArgs, now: SystemTime) -> Result<Option<Credentials>, CliError> {
    let secret = match (&args.turn_secret, &args.turn_secret_file) {
        (Some(text), _) => Some(Secret::new(text)),
        (None, Some(path)) => Some(secret_from("--turn-secret-file", path)?),
        (None, None) => None,
    };
    if let Some(secret) = secret {
        if secret.reveal().is_empty() {
            return Err(CliError::usage(
                "--turn-secret is empty",
                "give the `static-auth-secret` of the server",
            ));
        }
        let made = rest(&secret, args.username.as_deref(), LIFETIME, now);
        return made.map(Some).ok_or_else(|| CliError::untested("no credential could be made", None));
    }
    let credential = match (&args.credential, &args.credential_file) {
        (Some(text), _) => Some(Secret::new(text)),
        (None, Some(path)) => Some(secret_from("--credential-file", path)?),
        (None, None) => None,
    };
    match (&args.username, credential) {
        (Some(username), Some(credential)) => {
            Ok(Some(Credentials { username: username.clone(), credential }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(CliError::usage(
            "--username has no credential",
            "say it with --credential-file FILE or CALLCHECK_CREDENTIAL, or make one with --turn-secret",
        )),
        (None, Some(_)) => Err(CliError::usage("the credential has no user", "say it with --username NAME")),
    }
}
