//! The dialects that come with callcheck.

/// A dialect with recorded conversations.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
    /// Names and texts of its transcripts.
    pub transcripts: &'static [(&'static str, &'static str)],
}

/// Names a dialect's files.
macro_rules! shipped {
    ($name:literal: $($transcript:literal),+) => {
        Shipped {
            name: $name,
            text: include_str!(concat!("../../dialects/", $name, ".toml")),
            transcripts: &[$((
                concat!($name, ".", $transcript, ".transcript"),
                include_str!(concat!("../../dialects/", $name, ".", $transcript, ".transcript")),
            )),+],
        }
    };
}

/// All of them, by name.
pub const SHIPPED: &[Shipped] = &[
    shipped!("ayame": "caller", "callee"),
    shipped!("callcheck": "caller", "callee"),
    shipped!("go2rtc": "caller", "callee"),
    shipped!("mdn-chat": "caller", "callee"),
    shipped!("relay": "caller", "callee"),
    shipped!("simple-peer": "caller", "callee"),
];

impl Shipped {
    /// The one of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SHIPPED.iter().find(|shipped| shipped.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dialect::{Dialect, check};

    fn read(shipped: &Shipped) -> Arc<Dialect> {
        let source = format!("dialects/{}.toml", shipped.name);
        Arc::new(Dialect::parse(shipped.name, &source, shipped.text).unwrap_or_else(|complaints| {
            panic!("{}", complaints.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n"))
        }))
    }

    #[test]
    fn every_shipped_dialect_speaks_as_it_was_recorded() {
        for shipped in SHIPPED {
            let dialect = read(shipped);
            assert!(!dialect.about.is_empty(), "{}", shipped.name);
            for (name, text) in shipped.transcripts {
                let checked = check(&dialect, name, text);
                let complaints: Vec<String> =
                    checked.complaints.iter().map(|one| one.render(false)).collect();
                assert!(complaints.is_empty(), "{}", complaints.join("\n"));
                let count = |ours: bool| checked.lines.iter().filter(|line| line.ours == ours).count();
                assert!(count(true) >= 2 && count(false) >= 2, "{name} is no conversation");
            }
        }
    }

    #[test]
    fn a_shipped_dialect_that_has_lost_a_rule_fails_its_transcripts() {
        for shipped in SHIPPED {
            let dialect = read(shipped);
            for at in 0..dialect.rules.len() {
                let mut broken = Dialect::parse(shipped.name, "x.toml", shipped.text).unwrap();
                let rule = broken.rules.remove(at);
                let broken = Arc::new(broken);
                let mut replays = shipped.transcripts.iter().map(|(name, text)| check(&broken, name, text));
                let noticed = replays.any(|checked| !checked.complaints.is_empty());
                assert!(noticed, "{}: nothing misses the rule at {}", shipped.name, rule.place);
            }
        }
    }
}
