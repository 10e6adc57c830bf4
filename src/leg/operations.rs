//! The W3C operations on a connection, as plans and scripts name them: transceivers and senders by their place in
//! getTransceivers() and getSenders() at that moment, streams by labels of the side.

use crate::connection::{Connection, LocalTrack, TransceiverId, TransceiverInit, W3cError};
use crate::jsep::{Direction, ErrorName, SdpType, Side};
use crate::plan::Operation;

/// Does an operation that concerns this connection alone; those that concern both sides or none do nothing here. `stream`
/// is the stream that a label stands for, `track` is the new track of those that need one.
///
/// # Errors
/// As the W3C rejects it; `TypeError` where there is no such transceiver, sender or track.
pub(super) async fn operate(
    connection: &Connection,
    stream: &(dyn Fn(&str) -> String + Sync),
    operation: &Operation,
    track: Option<LocalTrack>,
) -> Result<(), W3cError> {
    let labels = |streams: &[String]| -> Vec<String> { streams.iter().map(|label| stream(label)).collect() };
    match operation {
        Operation::AddTrack { streams, .. } => {
            let track = track.ok_or_else(no_track)?;
            connection.add_track(track, &labels(streams)).await.map(drop)
        }
        Operation::AddTransceiver { kind, direction, streams, .. } => {
            let direction = direction.unwrap_or(Direction::Sendrecv);
            let init = TransceiverInit { direction, streams: labels(streams) };
            connection.add_transceiver(*kind, track, init).await.map(drop)
        }
        Operation::SetDirection { transceiver, direction } => {
            let id = transceiver_at(connection, *transceiver).await?;
            connection.set_direction(id, *direction).await
        }
        Operation::ReplaceTrack { transceiver, .. } => {
            let id = transceiver_at(connection, *transceiver).await?;
            connection.replace_track(id, track).await
        }
        Operation::SetStreams { transceiver, streams } => {
            let id = transceiver_at(connection, *transceiver).await?;
            connection.set_streams(id, &labels(streams)).await
        }
        Operation::RemoveTrack { sender } => {
            let id = sender_at(connection, *sender).await?;
            connection.remove_track(id).await
        }
        Operation::Stop { transceiver } => {
            let id = transceiver_at(connection, *transceiver).await?;
            connection.stop(id).await
        }
        Operation::CreateDataChannel => connection.create_data_channel("script").await,
        Operation::RestartIce => connection.restart_ice().await,
        Operation::Rollback { side: Side::Local } => {
            connection.set_local_description(SdpType::Rollback, String::new()).await
        }
        Operation::Rollback { side: Side::Remote } => {
            connection.set_remote_description(SdpType::Rollback, String::new()).await
        }
        Operation::Close => {
            connection.close_in_place().await;
            Ok(())
        }
        Operation::SetLocalOffer
        | Operation::Deliver
        | Operation::Offer
        | Operation::CreateAnswer
        | Operation::ApplyKeptAnswer
        | Operation::Answer
        | Operation::Negotiate
        | Operation::EditNextSdp { .. }
        | Operation::Wait(_)
        | Operation::WaitIceConnected
        | Operation::Checkpoint => Ok(()),
    }
}

async fn transceiver_at(connection: &Connection, index: usize) -> Result<TransceiverId, W3cError> {
    let states = connection.transceivers().await;
    let found = states.get(index).map(|state| state.id);
    found.ok_or_else(|| W3cError::new(ErrorName::TypeError, format!("there is no transceiver {index}")))
}

/// The transceiver of the sender that getSenders() lists there: without those of stopped transceivers (W3C webrtc §5.1).
async fn sender_at(connection: &Connection, index: usize) -> Result<TransceiverId, W3cError> {
    let states = connection.transceivers().await;
    let mut live = states.iter().filter(|one| one.row.current_direction != Some(Direction::Stopped));
    let found = live.nth(index).map(|state| state.id);
    found.ok_or_else(|| W3cError::new(ErrorName::TypeError, format!("there is no sender {index}")))
}

fn no_track() -> W3cError {
    W3cError::new(ErrorName::TypeError, "the operation needs a track")
}
