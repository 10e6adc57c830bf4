//! Who is in which room, who is in a call with whom, and who gets which message. Pure: nothing is sent here, it only
//! says what is to be sent to whom.

use std::collections::BTreeMap;

use rand::Rng as _;

use crate::jsep::Role;
use crate::signaling::message::{Body, Envelope, Join, Message, shorten};
use crate::signaling::{ErrorCode, PeerInfo, RoomError};
use crate::world::Rng;

use super::Limits;

/// The longest name of a room or a peer, in bytes.
const NAME_BYTES: usize = 64;

/// A connection of the hub.
pub(super) type ConnectionId = u64;

/// A message and the connection that it goes to.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) to: ConnectionId,
    pub(super) text: String,
}

/// All rooms that have a peer in them.
#[derive(Debug)]
pub(super) struct Rooms {
    rooms: BTreeMap<String, Room>,
    places: BTreeMap<ConnectionId, String>,
    call_ids: Rng,
}

#[derive(Debug, Default)]
struct Room {
    /// In the order in which they came.
    peers: Vec<Peer>,
    last_number: u16,
}

#[derive(Debug)]
struct Peer {
    connection: ConnectionId,
    info: PeerInfo,
    /// How many messages of it were relayed, by its own count where it has one.
    seq: u64,
    /// The call that it is in.
    call: Option<Call>,
}

#[derive(Clone, Debug)]
struct Call {
    id: String,
    partner: ConnectionId,
}

impl Rooms {
    /// No rooms; call ids are drawn from `call_ids`.
    pub(super) fn new(call_ids: Rng) -> Self {
        Self { rooms: BTreeMap::new(), places: BTreeMap::new(), call_ids }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether that connection has joined a room.
    pub(super) fn has(&self, connection: ConnectionId) -> bool {
        self.places.contains_key(&connection)
    }

    /// Lets a connection into a room, and pairs it if somebody waits for its role.
    pub(super) fn join(
        &mut self,
        connection: ConnectionId,
        join: Join,
        limits: &Limits,
    ) -> Result<Vec<Delivery>, RoomError> {
        check_name("room", &join.room)?;
        check_name("name", &join.name)?;
        if self.has(connection) {
            return Err(refuse(ErrorCode::AlreadyJoined, "this connection has joined; open another one"));
        }
        if self.rooms.len() >= limits.rooms && !self.rooms.contains_key(&join.room) {
            let text =
                format!("{} rooms are in use, no more are allowed; wait, or raise the limit", limits.rooms);
            return Err(refuse(ErrorCode::TooManyRooms, text));
        }
        if let Some(room) = self.rooms.get(&join.room) {
            room.admit(&join, limits.peers_per_room.min(Limits::MAX_PEERS))?;
        }
        self.places.insert(connection, join.room.clone());
        let room = self.rooms.entry(join.room.clone()).or_default();
        let mut deliveries = room.enter(connection, join);
        deliveries.extend(room.pair(&mut self.call_ids));
        Ok(deliveries)
    }

    /// Takes a connection out of its room, if it is in one, and gives its partner to somebody who waits.
    pub(super) fn leave(&mut self, connection: ConnectionId, reason: &str) -> Vec<Delivery> {
        let Some(name) = self.places.remove(&connection) else { return Vec::new() };
        let Some(room) = self.rooms.get_mut(&name) else { return Vec::new() };
        let mut deliveries = room.exit(connection, reason);
        deliveries.extend(room.pair(&mut self.call_ids));
        if room.peers.is_empty() {
            self.rooms.remove(&name);
        }
        deliveries
    }

    /// Passes a message on; `now_us` is the room's wall clock.
    pub(super) fn relay(
        &mut self,
        from: ConnectionId,
        message: Message,
        now_us: u64,
    ) -> Result<Vec<Delivery>, RoomError> {
        let room = self.places.get(&from).and_then(|name| self.rooms.get_mut(name));
        let room = room.ok_or_else(|| refuse(ErrorCode::NotJoined, "say `join` first"))?;
        let to = room.addressee(from, &message)?;
        if matches!(message.body, Body::Again) && room.is_past(from, message.envelope.call.as_deref()) {
            // The other side was faster: the call that this one asks for has begun.
            return Ok(Vec::new());
        }
        let again = matches!(message.body, Body::Again);
        let mut deliveries = vec![room.pass_on(from, to, message, now_us)];
        if again && room.partner_of(from) == Some(to) {
            deliveries.extend(room.start_call(from, to, &mut self.call_ids));
        }
        Ok(deliveries)
    }
}

impl Room {
    fn admit(&self, join: &Join, most: usize) -> Result<(), RoomError> {
        if self.peers.iter().any(|peer| peer.info.name == join.name) {
            let text = format!("a peer named `{}` is in the room already; choose another name", join.name);
            return Err(refuse(ErrorCode::NameTaken, text));
        }
        if self.peers.len() >= most {
            let text = format!("the room takes no more than {most} at a time; choose another room");
            return Err(refuse(ErrorCode::RoomFull, text));
        }
        Ok(())
    }

    fn enter(&mut self, connection: ConnectionId, join: Join) -> Vec<Delivery> {
        let info = PeerInfo {
            name: join.name,
            role: join.role,
            number: self.free_number(),
            capabilities: join.capabilities,
        };
        self.last_number = info.number;
        let peers = self.peers.iter().map(|peer| peer.info.clone().into()).collect();
        let welcome = Body::Joined { room: join.room, me: info.clone().into(), peers };
        let mut deliveries = self.to_all(&Body::PeerJoined { peer: info.clone().into() });
        deliveries.insert(0, Delivery { to: connection, text: Message::bare(welcome).to_text() });
        self.peers.push(Peer { connection, info, seq: 0, call: None });
        deliveries
    }

    /// The next number that differs from everybody's modulo [`Limits::MAX_PEERS`]: a number that was somebody's a moment
    /// ago would make old media look like that of the newcomer.
    fn free_number(&self) -> u16 {
        const MODULUS: u16 = Limits::MAX_PEERS as u16;
        let mut number = self.last_number;
        loop {
            number = number.checked_add(1).unwrap_or(1);
            // Ends because the room holds fewer peers than there are residues.
            if self.peers.iter().all(|peer| peer.info.number % MODULUS != number % MODULUS) {
                return number;
            }
        }
    }

    fn exit(&mut self, connection: ConnectionId, reason: &str) -> Vec<Delivery> {
        let Some(index) = self.peers.iter().position(|peer| peer.connection == connection) else {
            return Vec::new();
        };
        let gone = self.peers.remove(index);
        for peer in &mut self.peers {
            if peer.call.as_ref().is_some_and(|call| call.partner == connection) {
                peer.call = None;
            }
        }
        self.to_all(&Body::PeerLeft { name: gone.info.name, reason: reason.to_owned() })
    }

    /// Starts a call for each caller and callee that have none, in the order in which they came.
    fn pair(&mut self, call_ids: &mut Rng) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let (Some(caller), Some(callee)) = (self.waiting(Role::Caller), self.waiting(Role::Callee)) {
            deliveries.extend(self.start_call(caller, callee, call_ids));
        }
        deliveries
    }

    fn waiting(&self, role: Role) -> Option<ConnectionId> {
        let mut peers = self.peers.iter();
        peers.find(|peer| peer.call.is_none() && peer.info.role == Some(role)).map(|peer| peer.connection)
    }

    fn start_call(&mut self, one: ConnectionId, other: ConnectionId, call_ids: &mut Rng) -> Vec<Delivery> {
        let id = format!("{:012x}", call_ids.next_u64() >> 16);
        let mut deliveries = Vec::new();
        for (side, partner) in [(one, other), (other, one)] {
            let Some(info) = self.peer(partner).map(|peer| peer.info.clone()) else { continue };
            let Some(peer) = self.peer_mut(side) else { continue };
            peer.call = Some(Call { id: id.clone(), partner });
            let envelope = Envelope { call: Some(id.clone()), ..Envelope::default() };
            let text = Message::new(envelope, Body::CallStarted { peer: info.into() }).to_text();
            deliveries.push(Delivery { to: side, text });
        }
        deliveries
    }

    fn addressee(&self, from: ConnectionId, message: &Message) -> Result<ConnectionId, RoomError> {
        let said_by_rooms = matches!(
            message.body,
            Body::Joined { .. }
                | Body::PeerJoined { .. }
                | Body::PeerLeft { .. }
                | Body::CallStarted { .. }
                | Body::Error { .. }
        );
        if said_by_rooms {
            let text = format!("`{}` is said by the room, not to it", message.type_name());
            return Err(refuse(ErrorCode::UnknownType, text));
        }
        match &message.envelope.to {
            Some(name) => self.named(from, name),
            None if matches!(message.body, Body::Unknown) => {
                let text = format!(
                    "the room does not know `{}`; name the peer that does in `to`, or send it as `ext`",
                    shorten(message.type_name(), NAME_BYTES)
                );
                Err(refuse(ErrorCode::UnknownType, text))
            }
            None => self.other_one(from),
        }
    }

    fn named(&self, from: ConnectionId, name: &str) -> Result<ConnectionId, RoomError> {
        let found = self.peers.iter().find(|peer| peer.info.name == name && peer.connection != from);
        found.map(|peer| peer.connection).ok_or_else(|| {
            let name = shorten(name, NAME_BYTES);
            refuse(ErrorCode::PeerAbsent, format!("no other peer named `{name}` is in the room"))
        })
    }

    fn other_one(&self, from: ConnectionId) -> Result<ConnectionId, RoomError> {
        if let Some(partner) = self.partner_of(from) {
            return Ok(partner);
        }
        let mut others = self.peers.iter().filter(|peer| peer.connection != from);
        match (others.next(), others.next()) {
            (Some(other), None) => Ok(other.connection),
            (None, _) => Err(refuse(ErrorCode::PeerAbsent, "nobody else is in the room")),
            (Some(_), Some(_)) => Err(refuse(
                ErrorCode::PeerAbsent,
                "you are in no call and several others are in the room; name one in `to`",
            )),
        }
    }

    fn partner_of(&self, connection: ConnectionId) -> Option<ConnectionId> {
        self.peer(connection)?.call.as_ref().map(|call| call.partner)
    }

    /// Whether `call` is not the one that this peer is in now.
    fn is_past(&self, connection: ConnectionId, call: Option<&str>) -> bool {
        let current = self.peer(connection).and_then(|peer| peer.call.as_ref());
        matches!((call, current), (Some(call), Some(current)) if call != current.id)
    }

    fn pass_on(
        &mut self,
        from: ConnectionId,
        to: ConnectionId,
        mut message: Message,
        now_us: u64,
    ) -> Delivery {
        message.envelope.to = self.peer(to).map(|peer| peer.info.name.clone());
        message.envelope.room_at_us = Some(now_us);
        if let Some(sender) = self.peer_mut(from) {
            if !matches!(message.body, Body::Probe { .. } | Body::ProbeReply { .. }) {
                sender.seq = message.envelope.seq.unwrap_or_else(|| sender.seq.saturating_add(1));
                message.envelope.seq = Some(sender.seq);
            }
            message.envelope.from = Some(sender.info.name.clone());
        }
        Delivery { to, text: message.to_relayed_text() }
    }

    fn to_all(&self, body: &Body) -> Vec<Delivery> {
        let text = Message::bare(body.clone()).to_text();
        self.peers.iter().map(|peer| Delivery { to: peer.connection, text: text.clone() }).collect()
    }

    fn peer(&self, connection: ConnectionId) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.connection == connection)
    }

    fn peer_mut(&mut self, connection: ConnectionId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.connection == connection)
    }
}

fn check_name(what: &str, name: &str) -> Result<(), RoomError> {
    if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        let text = format!("`{what}` is 1 to {NAME_BYTES} bytes long and has no control characters");
        return Err(RoomError::bad(text));
    }
    Ok(())
}

fn refuse(code: ErrorCode, message: impl Into<String>) -> RoomError {
    RoomError::new(code, message)
}
