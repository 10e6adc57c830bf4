//! `--ice-server` with the user and the credential that follow it, and `--ice-servers`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Deserialize;

use super::args::IceArgs;
use super::error::{CliError, secret_from};
use super::fetch;
use crate::plan::{IceServer, Secret, check_ice_url};

/// All servers: those of `--ice-server` in their order, then those of `--ice-servers`.
pub(super) fn ice_servers(args: &IceArgs, matches: &ArgMatches) -> Result<Vec<IceServer>, CliError> {
    let mut servers = stated_servers(args, matches)?;
    if let Some(path) = &args.ice_servers {
        servers.extend(servers_in(path)?);
    }
    servers.iter().try_for_each(check_server)?;
    Ok(servers)
}

/// The servers of a file or of an `http://` or `https://` URL; `-` is standard input.
pub(super) fn servers_in(path: &Path) -> Result<Vec<IceServer>, CliError> {
    match path.to_str().filter(|name| fetch::is_url(name)) {
        Some(url) => parse_ice_servers(&fetch::shown(url), &fetch::fetch(url)?),
        None => parse_ice_servers(&path.display().to_string(), &read(path)?),
    }
}

/// What the command line says of one server.
enum Part {
    Url(String),
    Username(String),
    Credential(Secret),
}

/// Servers in the order of the command line: a user and a credential belong to the server before them. Where they come
/// from the environment, they belong to every TURN server that has none of its own.
fn stated_servers(args: &IceArgs, matches: &ArgMatches) -> Result<Vec<IceServer>, CliError> {
    let mut parts: BTreeMap<usize, (&str, Part)> = BTreeMap::new();
    let mut common_username = None;
    let mut common_credential = None;
    for (index, url) in places(matches, "ice_server").zip(&args.ice_server) {
        parts.insert(index, ("--ice-server", Part::Url(url.clone())));
    }
    if from_environment(matches, "username") {
        common_username = args.username.last().cloned();
    } else {
        for (index, name) in places(matches, "username").zip(&args.username) {
            parts.insert(index, ("--username", Part::Username(name.clone())));
        }
    }
    if from_environment(matches, "credential") {
        common_credential = args.credential.last().map(Secret::new);
    } else {
        for (index, text) in places(matches, "credential").zip(&args.credential) {
            parts.insert(index, ("--credential", Part::Credential(Secret::new(text))));
        }
    }
    if from_environment(matches, "credential_file") {
        let path = args.credential_file.last();
        let read = path.map(|path| secret_from("--credential-file", path)).transpose()?;
        common_credential = common_credential.or(read);
    } else {
        for (index, path) in places(matches, "credential_file").zip(&args.credential_file) {
            let secret = secret_from("--credential-file", path)?;
            parts.insert(index, ("--credential-file", Part::Credential(secret)));
        }
    }
    let mut servers = assemble(parts)?;
    for server in servers.iter_mut().filter(|server| server.urls[0].starts_with("turn")) {
        server.username = server.username.take().or_else(|| common_username.clone());
        server.credential = server.credential.take().or_else(|| common_credential.clone());
    }
    Ok(servers)
}

fn assemble(parts: BTreeMap<usize, (&str, Part)>) -> Result<Vec<IceServer>, CliError> {
    let mut servers: Vec<IceServer> = Vec::new();
    for (option, part) in parts.into_values() {
        if let Part::Url(url) = part {
            servers.push(IceServer { urls: vec![url], username: None, credential: None });
            continue;
        }
        let Some(server) = servers.last_mut() else {
            return Err(CliError::usage(
                format!("{option} comes before any --ice-server"),
                format!("write {option} after the --ice-server that it belongs to"),
            ));
        };
        let twice = match part {
            Part::Username(name) => server.username.replace(name).is_some(),
            Part::Credential(secret) => server.credential.replace(secret).is_some(),
            Part::Url(_) => false,
        };
        if twice {
            return Err(CliError::usage(
                format!("{option} is stated twice for `{}`", server.urls[0]),
                "write each --ice-server before its own --username and --credential",
            ));
        }
    }
    Ok(servers)
}

fn places<'a>(matches: &'a ArgMatches, id: &str) -> impl Iterator<Item = usize> + 'a {
    matches.indices_of(id).into_iter().flatten()
}

fn from_environment(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::EnvVariable)
}

fn check_server(server: &IceServer) -> Result<(), CliError> {
    let mut turn = false;
    for url in &server.urls {
        turn |= check_ice_url(url).map_err(|error| CliError::usage(error.title, error.help))?;
    }
    let (what, option) = match (&server.username, &server.credential) {
        _ if !turn => return Ok(()),
        (None, _) => ("username", "--username NAME"),
        (_, None) => ("credential", "--credential-file FILE or CALLCHECK_CREDENTIAL"),
        _ => return Ok(()),
    };
    Err(CliError::usage(
        format!("the TURN server `{}` has no {what}", server.urls[0]),
        format!("say it with {option} (W3C webrtc §4.4.1.2 demands both)"),
    ))
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let result = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    result.map_err(|error| CliError::unreadable("--ice-servers", path, &error))?;
    Ok(text)
}

#[derive(Deserialize)]
struct Entry {
    urls: serde_json::Value,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    credential: Option<String>,
}

/// An RTCConfiguration, or its `iceServers` alone. No part of the text is quoted in errors: it holds credentials.
fn parse_ice_servers(name: &str, text: &str) -> Result<Vec<IceServer>, CliError> {
    let wrong = |why: String| {
        CliError::usage(
            format!("`{name}` for --ice-servers is not usable: {why}"),
            "write what RTCPeerConnection gets: `{\"iceServers\": [{\"urls\": \"turn:...\", \"username\": \"...\", \
             \"credential\": \"...\"}]}`",
        )
    };
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| wrong(format!("no JSON at line {} column {}", error.line(), error.column())))?;
    let list = match &value {
        serde_json::Value::Array(list) => Some(list),
        serde_json::Value::Object(members) if members.contains_key("urls") => {
            return Err(wrong("it is one server alone; put it into an array".into()));
        }
        other => other.get("iceServers").and_then(serde_json::Value::as_array),
    };
    let list =
        list.ok_or_else(|| wrong("it is neither an array of servers nor an `iceServers` object".into()))?;
    let servers = list.iter().enumerate().map(|(at, entry)| {
        let read = Entry::deserialize(entry).map_err(|_| misread(entry).to_owned()).and_then(server_of);
        read.map_err(|why| wrong(format!("server {} of the list: {why}", at + 1)))
    });
    servers.collect()
}

/// Why an entry is none. Serde's own words could quote a value, and that may be a credential.
fn misread(entry: &serde_json::Value) -> &'static str {
    match entry.get("urls") {
        _ if !entry.is_object() => "it is no object",
        None if entry.get("url").is_some() => "`urls` is missing; browsers know no `url`",
        None => "`urls` is missing",
        Some(_) => "`username` or `credential` is no text",
    }
}

fn server_of(entry: Entry) -> Result<IceServer, String> {
    let urls = match entry.urls {
        serde_json::Value::String(url) => vec![url],
        list => serde_json::from_value(list).map_err(|_| "`urls` is neither a text nor a list of texts")?,
    };
    if urls.is_empty() {
        return Err("`urls` is empty".to_owned());
    }
    Ok(IceServer { urls, username: entry.username, credential: entry.credential.map(Secret::new) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<IceServer>, CliError> {
        parse_ice_servers("servers.json", text)
    }

    #[test]
    fn an_object_and_an_array_say_the_same() {
        let server =
            r#"{"urls": ["stun:a", "turn:b"], "username": "u", "credential": "hunter2", "other": 1}"#;
        let array = parsed(&format!("[{server}]")).unwrap();
        assert_eq!(array, parsed(&format!("{{\"iceServers\": [{server}]}}")).unwrap());
        assert_eq!(array[0].urls, ["stun:a", "turn:b"]);
        assert_eq!(array[0].credential.as_ref().unwrap().reveal(), "hunter2");
    }

    #[test]
    fn wrong_json_is_refused_without_quoting_it() {
        for text in [
            "",
            "hunter2",
            "[\"hunter2\"]",
            "{\"iceServers\": \"hunter2\"}",
            "[{\"urls\": {\"hunter2\": 1}}]",
            "[{\"urls\": []}]",
            "[{\"url\": \"turn:hunter2\"}]",
            "{\"urls\": \"turn:hunter2\"}",
            "[{\"urls\": \"turn:a\", \"credential\": [\"hunter2\"]}]",
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.contains("--ice-servers is not usable"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = parsed("[{\"urls\": \"turn:a\"}, {\"url\": \"turn:b\"}]").unwrap_err().to_string();
        assert!(error.contains("server 2 of the list: `urls` is missing; browsers know no `url`"), "{error}");
    }
}
