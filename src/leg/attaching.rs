//! How and when the application gets its tracks onto the connection.

use crate::connection::{LocalTrack, TransceiverId, TransceiverInit, W3cError};
use crate::jsep::{Direction, MediaKind, Role};
use crate::media;
use crate::plan::{Attach, AttachAt, Streams};
use crate::timeline::Kind;

use super::{Leg, LegError};

impl Leg {
    /// The application has come to `moment`: if its tracks are due, they are attached.
    pub(super) async fn reach(&mut self, moment: AttachAt) -> Result<(), LegError> {
        if self.attached || moment < self.plan.habits.attach_at {
            return Ok(());
        }
        self.attached = true;
        self.attach().await
    }

    /// The same once the call has begun, when a failure no longer keeps it from starting.
    pub(super) async fn reach_in_call(&mut self, moment: AttachAt) {
        if let Err(error) = self.reach(moment).await {
            self.note(error.to_string());
        }
    }

    async fn attach(&self) -> Result<(), LegError> {
        for (index, planned) in self.plan.send.iter().enumerate() {
            let kind = planned.kind;
            let identity =
                media::Identity { peer: self.number, stream: u8::try_from(index).unwrap_or(u8::MAX) };
            let source = self.faults.open(planned, identity, self.peer)?;
            let track = LocalTrack { id: format!("{}-{kind}-{index}", self.stream()), source };
            self.attach_track(kind, track).await.map_err(|error| LegError::Attach { kind, error })?;
        }
        Ok(())
    }

    async fn attach_track(&self, kind: MediaKind, track: LocalTrack) -> Result<(), W3cError> {
        let habits = &self.plan.habits;
        let given = if habits.streams == Streams::One { vec![self.stream()] } else { Vec::new() };
        let wish = self.plan.wish(kind);
        let connection = &self.connection;
        let attached = match habits.attach {
            Attach::AddTrack => {
                let attached = connection.add_track(track, &given).await?;
                // addTrack means sendrecv; only another wish has to be stated.
                if wish != Direction::Sendrecv {
                    connection.set_direction(attached, wish).await?;
                }
                Some(attached)
            }
            Attach::AddTransceiver => {
                let init = TransceiverInit { direction: wish, streams: given };
                Some(connection.add_transceiver(kind, Some(track), init).await?)
            }
            Attach::Reuse | Attach::ReplaceOnly => {
                let free = self.without_track(kind).await;
                if let Some(free) = free {
                    if habits.attach == Attach::Reuse {
                        connection.set_direction(free, wish).await?;
                    }
                    connection.replace_track(free, Some(track)).await?;
                } else {
                    self.note(format!("no {kind} transceiver is there whose sender could take the track"));
                }
                free
            }
            Attach::None => None,
        };
        if let (Streams::Set, Some(attached)) = (habits.streams, attached) {
            connection.set_streams(attached, &[self.stream()]).await?;
        }
        Ok(())
    }

    /// The first transceiver of that kind whose sender has no track.
    async fn without_track(&self, kind: MediaKind) -> Option<TransceiverId> {
        let rows = self.connection.transceivers().await;
        let mut free = rows.iter().filter(|state| {
            state.row.kind == kind
                && state.sender_track.is_none()
                && state.row.direction != Direction::Stopped
        });
        free.next().map(|state| state.id)
    }

    /// Only an offered m-section can be answered, so the caller asks for each kind that it wants and has no track of.
    pub(super) async fn ask_for_media(&self) -> Result<(), LegError> {
        if self.plan.role == Role::Callee {
            return Ok(());
        }
        let attached = |kind| self.attached && self.plan.send.iter().any(|track| track.kind == kind);
        for &kind in self.plan.receive.iter().filter(|&&kind| !attached(kind)) {
            let direction = self.plan.wish(kind).intersect(Direction::Recvonly);
            let init = TransceiverInit { direction, streams: Vec::new() };
            let added = self.connection.add_transceiver(kind, None, init).await;
            added.map_err(|error| LegError::Attach { kind, error })?;
        }
        Ok(())
    }

    /// The directions that were stated also count for the transceivers that an offer has made; for each of them once,
    /// so that a hold stays a hold.
    pub(super) async fn state_directions(&mut self) {
        if self.plan.habits.directions.is_empty() {
            return;
        }
        for state in self.connection.transceivers().await {
            if self.stated.contains(&state.id) {
                continue;
            }
            self.stated.push(state.id);
            let wish = self.plan.habits.directions.get(&state.row.kind);
            if let Some(&wish) = wish.filter(|&&wish| wish != state.row.direction)
                && state.row.direction != Direction::Stopped
            {
                // The timeline holds the error.
                let _ = self.connection.set_direction(state.id, wish).await;
            }
        }
    }

    /// One stream for all tracks, as with getUserMedia({ audio, video }).
    pub(super) fn stream(&self) -> String {
        format!("{}-{}", self.plan.role, self.number)
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.recorder.record(self.world.now(), Kind::Note(text.into()));
    }
}
