//! Candidates: the peer's on their way in, and the start of gathering ours.

use std::sync::Arc;

use webrtc::peer_connection::RTCIceCandidateInit;

use super::rounds::Stage;
use super::translate::{IceTarget, Remote};
use super::{Engine, EngineError, transport};
use crate::world::spawn;

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
        let fits_now = current.map(fits);
        let waits = match (self.negotiation.pending_remote.as_ref(), fits_now) {
            (Some(pending), fits_now) => match (fits(pending), fits_now) {
                // An offer without new credentials describes the transport that is there.
                (Ok(()), fits_now) => fits_now.is_none() || self.restarts(pending),
                (Err(_), Some(Ok(()))) => false,
                (Err(error), _) => return Err(error),
            },
            (None, Some(fits_now)) => {
                fits_now?;
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
        // Where every m-section is rejected there is no transport to check it with.
        if self.rounds.stage != Stage::Established {
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

    /// Reports that gathering began, and sets the deadline that the engine does not have.
    pub(super) fn begin_gathering(&self) {
        let (events, generation) = self.shared.gathering().begin();
        self.shared.emit_all(events);
        let Some(ufrag) = generation else { return };
        let (shared, patience) = (Arc::downgrade(&self.shared), self.gathering_timeout);
        let sleep = self.shared.world.sleep(patience);
        let deadline = async move {
            sleep.await;
            let Some(shared) = shared.upgrade() else { return };
            let events = shared.gathering().give_up(&ufrag);
            shared.emit_all(events.into_iter().map(|event| shared.as_silence(event)));
        };
        self.shared.own(spawn(&*self.shared.world, deadline));
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
