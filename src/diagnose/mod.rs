//! Why a call is not as it should be: findings with evidence, from a plan and facts, or from facts alone. Pure.
//!
//! `catalogue` holds the words of every failure mode (a person can edit `catalogue.json`), `finding` what is found,
//! `thresholds` when a rule speaks, `context` what was wanted, `view` what the rules look at, and `rounds` the offers
//! with their answers. The rules of each layer stand in a file or folder of its name. `order` decides what is told:
//! the first broken layer wins, and the specific stands before the general.
//!
//! A rule that lacks evidence stays silent; what would settle it is in [`Findings::open`].

mod app;
mod catalogue;
mod context;
mod data;
mod dialect;
mod dtls;
mod finding;
mod glare;
mod ice;
mod media;
mod on_purpose;
mod order;
mod rounds;
mod rtp;
mod sdp;
mod signaling;
mod teardown;
mod thresholds;
mod turn;
mod view;

#[cfg(test)]
mod tests;

use crate::facts::Facts;

pub use catalogue::{Entry, Layer, entries, entry};
pub use context::Context;
pub use finding::{Confidence, Finding, Findings, Open, Severity};
pub use thresholds::Thresholds;

use finding::Found;
use view::View;

/// What is wrong with the call, and why. Linear in the number of events behind `facts`.
///
/// `ended` says that the call is over, so that what did not come will not come any more. While the call runs, the same
/// facts may lead to more findings later, but a certain one stays.
#[must_use]
pub fn diagnose(context: &Context, facts: &Facts, ended: bool) -> Findings {
    let view = View::new(context, facts, ended);
    let mut found = Found::default();
    signaling::look(&view, &mut found);
    sdp::look(&view, &mut found);
    glare::look(&view, &mut found);
    turn::look(&view, &mut found);
    ice::look(&view, &mut found);
    dtls::look(&view, &mut found);
    rtp::look(&view, &mut found);
    media::look(&view, &mut found);
    data::look(&view, &mut found);
    app::look(&view, &mut found);
    teardown::look(&view, &mut found);
    // Whether it mattered shows by what the others miss.
    dialect::look(&view, &mut found);
    order::told(&view, found)
}

/// Until when a call should stay up, in microseconds of its timeline, because a track that is wanted of the other side
/// is missing and another offer may still bring it. None where nothing is missing.
#[must_use]
pub fn follow_up_until(context: &Context, facts: &Facts) -> Option<u64> {
    sdp::follow_up_until(&View::new(context, facts, false))
}
