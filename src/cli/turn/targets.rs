//! Which servers, and who we are there.

use std::time::{Duration, SystemTime};

use super::args::TurnArgs;
use crate::cli::error::{CliError, secret_from};
use crate::cli::ice;
use crate::plan::{IceServer, Secret, parse_ice_url};
use crate::stun::Credentials;
use crate::turn::{Target, rest};

/// How long a credential that we make is valid, beside the time that is asked for.
const LIFETIME: Duration = Duration::from_secs(600);

/// The servers, and what is needed to ask them again.
pub(super) struct Targets {
    pub(super) list: Vec<Target>,
    /// Which of them have the credential that we make.
    made: Vec<usize>,
    recipe: Option<Recipe>,
    /// What is worth knowing with `-v`.
    pub(super) note: Option<&'static str>,
}

/// A credential that is made from the secret of a server, and soon expires.
struct Recipe {
    secret: Secret,
    user: Option<String>,
    lifetime: Duration,
}

impl Targets {
    /// Makes anew what expires.
    ///
    /// # Errors
    /// No credential can be made; exit code 3.
    pub(super) fn renew(&mut self, now: SystemTime) -> Result<(), CliError> {
        let Some(recipe) = &self.recipe else { return Ok(()) };
        let fresh = recipe.make(now)?;
        for index in &self.made {
            self.list[*index].credentials = Some(fresh.clone());
        }
        Ok(())
    }
}

impl Recipe {
    fn make(&self, now: SystemTime) -> Result<Credentials, CliError> {
        let made = rest(&self.secret, self.user.as_deref(), self.lifetime, now);
        made.ok_or_else(|| CliError::untested("no credential could be made", None))
    }
}

/// The servers of the command line, then those of `--ice-servers`.
///
/// # Errors
/// A URL, a file or a credential that cannot be used; exit code 2.
pub(super) fn targets(args: &TurnArgs, now: SystemTime) -> Result<Targets, CliError> {
    let recipe = recipe(args)?;
    let file = args.ice_servers.as_deref().map(ice::servers_in).transpose()?.unwrap_or_default();
    let has_own = |server: &IceServer| server.username.is_some() && server.credential.is_some();
    let is_own = args.urls.is_empty() && file.iter().all(has_own);
    let (common, note) = match &recipe {
        _ if is_own && (args.username.is_some() || has_credential(args)) => (None, Some(UNUSED)),
        Some(recipe) => (Some(recipe.make(now)?), None),
        None => (stated(args)?, None),
    };
    let (mut list, mut made) = (Vec::new(), Vec::new());
    let mut add = |name: &str, own: Option<&Credentials>| {
        let target = target(name, own.or(common.as_ref()))?;
        if recipe.is_some() && own.is_none() && target.credentials.is_some() {
            made.push(list.len());
        }
        list.push(target);
        Ok::<_, CliError>(())
    };
    args.urls.iter().try_for_each(|name| add(name, None))?;
    for IceServer { urls, username, credential } in file {
        let own = username.zip(credential).map(|(username, credential)| Credentials { username, credential });
        urls.iter().try_for_each(|name| add(name, own.as_ref()))?;
    }
    if list.is_empty() {
        let help = "name a server, such as `turn:turn.example.org`";
        return Err(CliError::usage("--ice-servers names no server", help));
    }
    Ok(Targets { list, made, recipe, note })
}

/// Said where a user or a credential, often of the environment, is of no use.
const UNUSED: &str =
    "every server of --ice-servers has a user and a credential of its own; the one stated is not used";

const fn has_credential(args: &TurnArgs) -> bool {
    args.credential.is_some() || args.credential_file.is_some()
}

fn target(name: &str, credentials: Option<&Credentials>) -> Result<Target, CliError> {
    let url = parse_ice_url(name).map_err(|error| CliError::usage(error.title, error.help))?;
    let credentials = credentials.filter(|_| url.turn).cloned();
    Ok(Target { name: name.to_owned(), url, credentials })
}

fn recipe(args: &TurnArgs) -> Result<Option<Recipe>, CliError> {
    let secret = match (&args.turn_secret, &args.turn_secret_file) {
        (Some(text), _) => Secret::new(text),
        (None, Some(path)) => secret_from("--turn-secret-file", path)?,
        (None, None) => return Ok(None),
    };
    if secret.reveal().is_empty() {
        return Err(CliError::usage("--turn-secret is empty", "give the `static-auth-secret` of the server"));
    }
    // It must outlive what is asked for.
    let lifetime = LIFETIME + args.hold.unwrap_or_default() + args.duration.unwrap_or_default();
    Ok(Some(Recipe { secret, user: args.username.clone(), lifetime }))
}

/// User and credential as they were stated.
fn stated(args: &TurnArgs) -> Result<Option<Credentials>, CliError> {
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

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn args(words: &[&str]) -> TurnArgs {
        let matches =
            TurnArgs::augment_args(Command::new("turn")).get_matches_from([&["turn"], words].concat());
        TurnArgs::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn users_of_the_file_win_and_a_credential_that_nobody_needs_is_no_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ice.json");
        let json = r#"[{"urls": ["turn:a", "stun:b"], "username": "own", "credential": "hunter2"}]"#;
        std::fs::write(&file, json).unwrap();
        let path = file.display().to_string();
        let words = ["--ice-servers", &path, "--credential", "other"];
        let found = targets(&args(&words), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(found.list[0].credentials.as_ref().unwrap().username, "own");
        assert_eq!(found.note, Some(UNUSED));
        // Of a URL beside it the credential has no user.
        assert!(targets(&args(&[&["turn:c"], &words[..]].concat()), SystemTime::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_credential_that_expires_is_made_anew() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let words = ["turn:a", "stun:b", "--turn-secret", "s3cret", "--username", "joe", "--hold", "20m"];
        let mut targets = targets(&args(&words), start).unwrap();
        let user = |targets: &Targets, index: usize| {
            targets.list[index].credentials.as_ref().map(|user| user.username.clone())
        };
        // It outlives what is asked for.
        assert_eq!(user(&targets, 0).unwrap(), "1790001800:joe");
        targets.renew(start + Duration::from_secs(3600)).unwrap();
        assert_eq!(user(&targets, 0).unwrap(), "1790005400:joe");
        assert_eq!(user(&targets, 1), None);
    }
}
