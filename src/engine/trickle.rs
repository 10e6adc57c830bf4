//! Candidates of the peer.

use webrtc::peer_connection::RTCIceCandidateInit;

use super::translate::{IceTarget, Remote};
use super::{Engine, EngineError, transport};

impl Engine {
    /// Adds a candidate of the peer. An empty text is the end of its candidates. One that belongs to an offer that is
    /// not answered yet waits for the answer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`] without a remote description, [`EngineError::UnknownMid`],
    /// [`EngineError::UnknownUfrag`], [`EngineError::Candidate`], [`EngineError::Closed`].
    pub async fn add_candidate(
        &mut self,
        candidate: &str,
        mid: Option<&str>,
        index: Option<u16>,
        ufrag: Option<&str>,
    ) -> Result<(), EngineError> {
        // The engine takes candidates of any m-section and of any generation.
        let fits = |remote: &Remote| IceTarget::of(remote).check(mid, index, ufrag);
        let current = self.negotiation.current_remote();
        let waits = match (&self.negotiation.pending_remote, current) {
            (Some(pending), current) => match fits(pending) {
                // An offer without new credentials describes the transport that is there.
                Ok(()) => current.is_none_or(|current| fits(current).is_err()),
                Err(_) if current.is_some_and(|current| fits(current).is_ok()) => false,
                Err(error) => return Err(error),
            },
            (None, Some(current)) => {
                fits(current)?;
                false
            }
            (None, None) => {
                return Err(EngineError::InvalidState("there is no remote description yet".to_owned()));
            }
        };
        let text = candidate.trim().trim_start_matches("a=");
        if text.trim_start_matches("candidate:").is_empty() || text == "end-of-candidates" {
            return Ok(());
        }
        if waits {
            if !text.contains(" typ ") {
                return Err(EngineError::Candidate(format!("not a candidate: {text:?}")));
            }
            self.negotiation.queue.push(text.to_owned());
            return Ok(());
        }
        self.take_candidate(text).await
    }

    /// Hands over the candidates of a description that the engine knows now, and those that waited for it. One that the
    /// engine does not understand is left out, as a browser does with those of a description (RFC 8839 §5.1).
    pub(super) async fn feed(&mut self, of_description: Vec<String>) {
        let waited = std::mem::take(&mut self.negotiation.queue);
        let mut fed: Vec<String> = Vec::new();
        for candidate in of_description.into_iter().chain(waited) {
            if !fed.contains(&candidate) {
                let _ = self.take_candidate(&candidate).await;
                fed.push(candidate);
            }
        }
    }

    async fn take_candidate(&self, text: &str) -> Result<(), EngineError> {
        if transport::knows_as_peer_reflexive(&*self.connection, text).await {
            return Ok(());
        }
        let init = RTCIceCandidateInit { candidate: text.to_owned(), ..RTCIceCandidateInit::default() };
        self.connection
            .add_ice_candidate(init)
            .await
            .map_err(|error| EngineError::Candidate(error.to_string()))?;
        // The engine queues a check for it and wakes nobody.
        self.shared.pace.kick();
        Ok(())
    }
}
