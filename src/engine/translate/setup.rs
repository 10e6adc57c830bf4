//! Who is DTLS client: decided by the first answer, and kept (RFC 8842 §5.5).

use super::Context;
use crate::jsep::SdpType;

/// Our role once it is established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct SetupRole(Option<Role>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Active,
    Passive,
}

impl SetupRole {
    /// After an answer was applied; `theirs` is its setup if it is the peer's, `ours` if it is ours. A role that is
    /// established stays.
    pub(in crate::engine) fn after(self, theirs: Option<&str>, ours: Option<&str>) -> Self {
        let read = |setup: &str| match setup {
            "active" => Some(Role::Active),
            "passive" => Some(Role::Passive),
            _ => None,
        };
        let reversed = |role| if role == Role::Active { Role::Passive } else { Role::Active };
        let now = ours.and_then(read).or_else(|| theirs.and_then(read).map(reversed));
        Self(self.0.or(now))
    }
}

/// The engine answers every offer with `active`. When we are the DTLS server, browsers refuse that.
pub(super) fn keep_role(lines: &mut [String], context: &Context) {
    let Some(role) =
        context.role.0.filter(|_| matches!(context.sdp_type, SdpType::Answer | SdpType::Pranswer))
    else {
        return;
    };
    let kept = if role == Role::Active { "a=setup:active" } else { "a=setup:passive" };
    for line in lines.iter_mut().filter(|line| line.starts_with("a=setup:")) {
        kept.clone_into(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_decides_and_nothing_changes_it() {
        let none = SetupRole::default();
        assert_eq!(none.after(Some("actpass"), None), none);
        let cases = [
            (Some("active"), None, Role::Passive),
            (Some("passive"), None, Role::Active),
            (None, Some("active"), Role::Active),
            (None, Some("passive"), Role::Passive),
        ];
        for (theirs, ours, expected) in cases {
            let role = none.after(theirs, ours);
            assert_eq!(role, SetupRole(Some(expected)), "{theirs:?} {ours:?}");
            assert_eq!(role.after(Some("active"), None), role);
            assert_eq!(role.after(Some("passive"), None), role);
        }
    }
}
