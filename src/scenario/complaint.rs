//! What is wrong with a scenario, before it is known what its files are called.

use super::tree::Place;
use crate::diagnostic::Diagnostic;

/// A complaint about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) place: Place,
    pub(super) title: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

/// A file of a scenario: itself, or one with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As people know it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Complaint {
    pub(super) fn diagnostic(self, sources: &[Source]) -> Diagnostic {
        let source = &sources[self.place.file];
        Diagnostic {
            source: source.name.clone(),
            text: source.text.clone(),
            span: self.place.span,
            title: self.title,
            label: self.label,
            help: self.help,
        }
    }
}

impl Source {
    /// The bytes from a place to the end of its line; line and column count from 1.
    #[must_use]
    pub fn rest_of_line(&self, line: usize, column: usize) -> std::ops::Range<usize> {
        let begins = |line: usize| match line {
            0 | 1 => 0,
            _ => self.text.match_indices('\n').nth(line - 2).map_or(self.text.len(), |(at, _)| at + 1),
        };
        let (from, text) = (begins(line), self.text[begins(line)..].lines().next().unwrap_or_default());
        let start = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        from + start..from + text.trim_end().len().max(start)
    }

    /// The line and the column of a byte, both from 1; the column counts characters.
    #[must_use]
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}
