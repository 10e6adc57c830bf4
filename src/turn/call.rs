//! What a real call through a server adds to its report. The call itself is made elsewhere: the prober knows no engine.

use std::time::Duration;

use super::model::{Cause, ServerReport, Status, Step, StepName, Verdict};
use super::step::milliseconds;

/// How a call came out that was relayed on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// It connected after so long, and its media was proven.
    Well(Duration),
    /// It did not come right, in words.
    Badly(String),
    /// It could not be made, which is nobody's fault.
    Not(String),
}

/// Why no call is made through a server whose path did not pass.
const NOT_PASSED: &str = "no call was made: the path has not passed by itself";

/// Writes it down as the last step of the first path that the URL names.
pub fn add_call(server: &mut ServerReport, called: Option<Called>) {
    let Some(path) = server.paths.iter_mut().find(|path| path.required) else { return };
    let called = called.unwrap_or_else(|| Called::Not(NOT_PASSED.to_owned()));
    let blank =
        Step { step: StepName::Engine, status: Status::Ok, ms: None, code: None, reason: None, cause: None };
    let step = match called {
        Called::Well(took) => {
            let reason = Some("a call between two peers of the engine, relayed on both sides".to_owned());
            Step { ms: Some(milliseconds(took)), reason, ..blank }
        }
        Called::Badly(reason) => {
            let (status, cause) = (Status::Failed, Some(Cause::Call));
            path.verdict = Verdict::Failed;
            Step { status, reason: Some(reason), cause, ..blank }
        }
        Called::Not(reason) => Step { status: Status::Skipped, reason: Some(reason), ..blank },
    };
    path.steps.push(step);
    let required = server.paths.iter().filter(|path| path.required);
    server.verdict = Verdict::worst(required.map(|path| path.verdict));
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Row, blank};
    use super::*;
    use crate::plan::IceTransport;

    fn added(called: Option<Called>) -> ServerReport {
        let address = ([192, 0, 2, 1], 3478).into();
        let mut path = blank(Row { transport: IceTransport::Udp, address, required: true, demanded: false });
        path.verdict = Verdict::Passed;
        let (findings, notes) = (Vec::new(), Vec::new());
        let (url, paths, verdict) = ("turn:a".to_owned(), vec![path], Verdict::Passed);
        let mut server = ServerReport { url, verdict, paths, nat: None, nat_behavior: None, findings, notes };
        add_call(&mut server, called);
        server
    }

    #[test]
    fn a_call_that_fails_is_a_failure_and_one_that_was_not_made_is_none() {
        let well = added(Some(Called::Well(Duration::from_millis(250))));
        let step = well.paths[0].step(StepName::Engine).unwrap();
        assert_eq!((well.verdict, step.ms), (Verdict::Passed, Some(250.0)));
        assert_eq!(added(Some(Called::Badly("no media".into()))).verdict, Verdict::Failed);
        for not in [None, Some(Called::Not("no socket".into()))] {
            let server = added(not);
            assert_eq!(server.verdict, Verdict::Passed);
            assert_eq!(server.paths[0].step(StepName::Engine).unwrap().status, Status::Skipped);
        }
    }
}
