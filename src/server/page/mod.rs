//! The page of the room server: a peer that runs in a browser, for people to try and for a real browser as judge. Plain
//! files without a build step; nothing is loaded from elsewhere.

/// A file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its path on the server.
    pub(super) path: &'static str,
    /// `Content-Type`.
    pub(super) content_type: &'static str,
    /// What it holds.
    pub(super) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file; the page itself comes first.
const FILES: &[File] = &[
    File { path: "/", content_type: "text/html; charset=utf-8", text: include_str!("index.html") },
    File { path: "/page.js", content_type: SCRIPT, text: include_str!("page.js") },
    File { path: "/call.js", content_type: SCRIPT, text: include_str!("call.js") },
    File { path: "/step.js", content_type: SCRIPT, text: include_str!("step.js") },
    File { path: "/media.js", content_type: SCRIPT, text: include_str!("media.js") },
];

/// The file at a path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_that_the_page_imports_is_served() {
        for file in FILES {
            let quoted = file.text.split('"').filter(|text| text.ends_with(".js"));
            for name in quoted {
                let path = format!("/{}", name.trim_start_matches("./"));
                assert!(self::file(&path).is_some(), "{} names {name}", file.path);
            }
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for file in FILES {
            assert!(!file.text.contains("://"), "{} names another server", file.path);
        }
    }
}
