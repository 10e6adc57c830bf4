//! Judges a call: what was demanded by the plan, against what is known. Three-valued: what was not measured is
//! unknown, never passed. Pure: the same plan and facts always give the same verdicts.

mod demand;
mod judge;
mod measure;
mod media;
mod states;
mod verdict;

pub use demand::{Check, Demand, Origin, expectations};
pub use judge::{findings, judge, was_found};
pub use verdict::{Settles, Status, Verdict, awaited};

#[cfg(test)]
pub(crate) mod testplan;
#[cfg(test)]
mod tests;
