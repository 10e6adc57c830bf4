//! SDP as lines that can be changed: what is wrong here is meant to be.

/// A description as its session part and its m-sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) session: Vec<String>,
    pub(super) sections: Vec<Vec<String>>,
}

impl Text {
    pub(super) fn of(sdp: &str) -> Self {
        let mut text = Self { session: Vec::new(), sections: Vec::new() };
        for line in sdp.lines() {
            if line.starts_with("m=") {
                text.sections.push(Vec::new());
            }
            text.sections.last_mut().unwrap_or(&mut text.session).push(line.to_owned());
        }
        text
    }

    pub(super) fn sdp(&self) -> String {
        let lines = self.session.iter().chain(self.sections.iter().flatten());
        lines.map(|line| format!("{line}\r\n")).collect()
    }

    /// Takes out every line that begins with `prefix`.
    pub(super) fn drop(&mut self, prefix: &str) {
        for part in self.parts() {
            part.retain(|line| !line.starts_with(prefix));
        }
    }

    /// Changes every line that begins with `prefix`; `edit` sees what follows.
    pub(super) fn edit(&mut self, prefix: &str, edit: impl Fn(&str) -> String) {
        for part in self.parts() {
            edit_lines(part, prefix, &edit);
        }
    }

    /// The first section of that kind.
    pub(super) fn section(&mut self, kind: &str) -> Option<&mut Vec<String>> {
        let begins = format!("m={kind} ");
        self.sections.iter_mut().find(|lines| lines.first().is_some_and(|line| line.starts_with(&begins)))
    }

    /// The direction of every section that has one.
    pub(super) fn direct(&mut self, direction: &str) {
        for word in ["sendrecv", "sendonly", "recvonly", "inactive"] {
            for line in self.sections.iter_mut().flatten() {
                if *line == format!("a={word}") {
                    *line = format!("a=\u{0}{direction}");
                }
            }
        }
        for line in self.sections.iter_mut().flatten() {
            *line = line.replace('\u{0}', "");
        }
    }

    fn parts(&mut self) -> impl Iterator<Item = &mut Vec<String>> {
        std::iter::once(&mut self.session).chain(self.sections.iter_mut())
    }
}

/// Changes every line that begins with `prefix`; `edit` sees what follows.
pub(super) fn edit_lines(lines: &mut [String], prefix: &str, edit: impl Fn(&str) -> String) {
    for line in lines {
        if let Some(rest) = line.strip_prefix(prefix) {
            *line = format!("{prefix}{}", edit(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 x 111\r\na=mid:0\r\na=sendrecv\r\nm=video 9 x 96\r\na=mid:1\r\na=recvonly\r\n";

    #[test]
    fn a_text_that_nobody_edits_is_the_same() {
        assert_eq!(Text::of(SDP).sdp(), SDP);
    }

    #[test]
    fn lines_go_and_change_where_they_stand() {
        let mut text = Text::of(SDP);
        text.drop("a=group:");
        text.edit("a=mid:", |mid| format!("x{mid}"));
        text.direct("inactive");
        let sdp = text.sdp();
        assert!(
            sdp.contains("a=mid:x0\r\na=inactive\r\n") && sdp.contains("a=mid:x1\r\na=inactive"),
            "{sdp}"
        );
        assert!(!sdp.contains("group"), "{sdp}");
        assert_eq!(text.section("video").unwrap()[0], "m=video 9 x 96");
    }
}
