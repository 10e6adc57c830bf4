//! Who is DTLS client: decided by the first answer, and kept (RFC 8842 §5.5).

use super::{Remote, answers};
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
    /// After an answer was applied; `setup` is what it says, `ours` whether it is ours. A role that is established
    /// stays.
    pub(in crate::engine) fn after(self, setup: Option<&str>, ours: bool) -> Self {
        let said = match setup {
            Some("active") => Role::Active,
            Some("passive") => Role::Passive,
            _ => return self,
        };
        let reversed = if said == Role::Active { Role::Passive } else { Role::Active };
        Self(self.0.or(Some(if ours { said } else { reversed })))
    }

    /// `a=setup` of a description of ours. The engine answers as the DTLS client, except to an ICE-lite peer.
    pub(in crate::engine) fn attribute(self, sdp_type: SdpType, offer: Option<&Remote>) -> &'static str {
        if !answers(sdp_type) {
            return "actpass";
        }
        let first = if offer.is_some_and(|offer| offer.ice_lite) { Role::Passive } else { Role::Active };
        match self.0.unwrap_or(first) {
            Role::Active => "active",
            Role::Passive => "passive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_decides_and_nothing_changes_it() {
        let none = SetupRole::default();
        assert_eq!(none.after(Some("actpass"), false), none);
        let cases = [
            (Some("active"), false, "passive"),
            (Some("passive"), false, "active"),
            (Some("active"), true, "active"),
            (Some("passive"), true, "passive"),
        ];
        for (setup, ours, expected) in cases {
            let role = none.after(setup, ours);
            assert_eq!(role.attribute(SdpType::Answer, None), expected, "{setup:?} {ours:?}");
            assert_eq!(role.attribute(SdpType::Offer, None), "actpass");
            assert_eq!(role.after(Some("active"), false), role);
            assert_eq!(role.after(Some("passive"), false), role);
        }
        assert_eq!(none.attribute(SdpType::Pranswer, None), "active");
    }
}
