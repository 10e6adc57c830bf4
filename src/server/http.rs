//! The HTTP/1.1 side of the port: what a GET is told, who may open a WebSocket, and everything else refused.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use url::Url;

use super::page;
use crate::signaling::message::SUBPROTOCOL;

/// How the server says what it is, in the first line of its page; also how a second server finds out who has the port.
pub(super) const GREETING: &str = "callcheck room server";

/// Where the room is; a WebSocket may be opened at `/` as well.
const ROOM_PATH: &str = "/room";

/// Nothing but what this server serves; the page holds its own style.
const POLICY: &str = "default-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Where a request leaves its upgrade for the one who serves the WebSocket.
pub(super) type UpgradeSlot = Arc<Mutex<Option<OnUpgrade>>>;

type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(super) fn answer<B>(mut request: Request<B>, allowed_origins: &[String], slot: &UpgradeSlot) -> Answer {
    if !origin_allowed(request.headers(), allowed_origins) {
        return text(
            StatusCode::FORBIDDEN,
            "pages of this origin may not use this room; start the server with --allow-origin\n",
        );
    }
    let path = request.uri().path();
    let file = page::file(path);
    if path != ROOM_PATH && file.is_none() {
        return text(StatusCode::NOT_FOUND, "there is nothing here; the room is at /room\n");
    }
    if request.method() != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is understood here\n");
    }
    let upgrades = request.headers().contains_key(UPGRADE) && (path == "/" || path == ROOM_PATH);
    match file {
        _ if upgrades => upgrade(&mut request, slot),
        Some(file) => serve(file),
        None => upgrade_required(),
    }
}

fn serve(file: &page::File) -> Answer {
    let mut response = text(StatusCode::OK, file.text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn upgrade<B>(request: &mut Request<B>, slot: &UpgradeSlot) -> Answer {
    let protocols = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let protocols: Vec<&str> = protocols
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .collect();
    if !protocols.is_empty() && !protocols.contains(&SUBPROTOCOL) {
        let speaks = format!("this room speaks the subprotocol {SUBPROTOCOL} and no other\n");
        return text(StatusCode::BAD_REQUEST, &speaks);
    }
    let Ok(mut response) = create_response_with_body(request, Full::default) else {
        return upgrade_required();
    };
    if !protocols.is_empty() {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(hyper::upgrade::on(request));
    response
}

fn upgrade_required() -> Answer {
    let mut response =
        text(StatusCode::UPGRADE_REQUIRED, "the room is joined over WebSocket (RFC 6455), version 13\n");
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    let version = HeaderName::from_static("sec-websocket-version");
    response.headers_mut().insert(version, HeaderValue::from_static("13"));
    response
}

fn text(status: StatusCode, body: &str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    // One request, one connection: idle ones cost.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Whether the page that makes this request may: programs have no origin, and pages of this server are its own. Its
/// own only counts where the host is an address or `localhost`: a name could be anybody's that points here (DNS
/// rebinding).
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let listed = |entry: &String| entry == "*" || entry.trim_end_matches('/').eq_ignore_ascii_case(origin);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    allowed.iter().any(listed) || is_own(origin, host)
}

fn is_own(origin: &str, host: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let Some(name) = origin.host_str() else { return false };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let Ok(own) = Url::parse(&format!("{}://{host}", origin.scheme())) else { return false };
    (address || name == "localhost") && own.origin() == origin.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:2255");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let allowed = ["https://app.example.org".to_owned()];
        answer(request.body(()).unwrap(), &allowed, &UpgradeSlot::default()).status().as_u16()
    }

    const UPGRADE_HEADERS: [(&str, &str); 4] = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn every_path_and_method_has_its_answer() {
        let cases = [
            ("GET", "/", 200),
            ("GET", "/room", 426),
            ("GET", "/rooms", 404),
            ("POST", "/room", 405),
            ("GET", "/page.js", 200),
        ];
        for (method, path, expected) in cases {
            assert_eq!(status(method, path, &[]), expected, "{method} {path}");
        }
        assert_eq!(status("GET", "/room", &UPGRADE_HEADERS), 101);
        assert_eq!(status("GET", "/", &UPGRADE_HEADERS), 101);
        assert_eq!(status("GET", "/page.js", &UPGRADE_HEADERS), 200, "a file is no room");
        assert_eq!(status("GET", "/room", &UPGRADE_HEADERS[..3]), 426);
    }

    #[test]
    fn the_page_says_at_once_whose_port_this_is() {
        let first_line = page::file("/").unwrap().text.lines().next().unwrap();
        assert!(first_line.contains(GREETING), "{first_line}");
    }

    #[test]
    fn a_foreign_origin_is_refused_everywhere() {
        let cases = [
            ("https://evil.example", 403),
            ("null", 403),
            ("http://127.0.0.1", 403),
            ("http://127.0.0.1:9999", 403),
            ("http://127.0.0.1:2255", 101),
            ("https://app.example.org", 101),
            ("https://app.example.org.evil.example", 403),
        ];
        for (origin, expected) in cases {
            let mut headers = UPGRADE_HEADERS.to_vec();
            headers.push(("origin", origin));
            assert_eq!(status("GET", "/room", &headers), expected, "{origin}");
        }
        assert_eq!(status("GET", "/", &[("origin", "https://evil.example")]), 403);
    }

    #[test]
    fn a_name_that_points_here_does_not_make_its_pages_ours() {
        assert!(is_own("http://localhost:2255", "localhost:2255"));
        assert!(is_own("http://[::1]:2255", "[::1]:2255"));
        assert!(!is_own("http://evil.example:2255", "evil.example:2255"));
    }

    #[test]
    fn another_subprotocol_is_refused() {
        for (protocols, expected) in [("json", 400), ("json, callcheck.v1", 101), ("callcheck.v1", 101)] {
            let mut headers = UPGRADE_HEADERS.to_vec();
            headers.push(("sec-websocket-protocol", protocols));
            assert_eq!(status("GET", "/room", &headers), expected, "{protocols}");
        }
    }
}
