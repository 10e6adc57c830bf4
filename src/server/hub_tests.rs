//! The hub on a hand-stepped world.

use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::server::manual::Manual;
use crate::server::queue::Queue;

/// A connection as a test sees it.
struct Client {
    connection: Connection,
    queue: Queue,
}

impl Client {
    fn new(hub: &Hub) -> Self {
        let (connection, queue) = hub.connect();
        Self { connection, queue }
    }

    fn say(&self, message: &Value) {
        self.connection.receive(&message.to_string());
    }

    fn next(&mut self) -> Option<Frame> {
        self.queue.next().now_or_never().flatten()
    }

    /// Every message that has come, as JSON; pings left out, the end as `{"type": "closed", ...}`.
    fn heard(&mut self) -> Vec<Value> {
        let mut heard = Vec::new();
        while let Some(frame) = self.next() {
            match frame {
                Frame::Text(text) => heard.push(serde_json::from_str(&text).unwrap()),
                Frame::Close(reason) => heard.push(json!({"type": "closed", "reason": reason})),
                Frame::Ping => {}
            }
        }
        heard
    }

    fn types(&mut self) -> Vec<String> {
        self.heard().iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The codes of the errors that have come.
    fn codes(&mut self) -> Vec<String> {
        let errors = self.heard().into_iter().filter(|message| message["type"] == "error");
        errors.map(|error| error["code"].as_str().unwrap().to_owned()).collect()
    }
}

fn hub(limits: Limits) -> (Manual, Hub) {
    let world = Manual::new();
    let hub = Hub::new(world.world(), ServerConfig { limits, ..ServerConfig::default() });
    (world, hub)
}

fn joined(hub: &Hub, room: &str, name: &str, role: Option<&str>) -> Client {
    let client = Client::new(hub);
    client.say(&json!({"type": "join", "room": room, "name": name, "role": role}));
    client
}

/// A caller and a callee who have heard of each other and of their call; with the call's id.
fn pair(hub: &Hub, room: &str) -> (Client, Client, String) {
    let mut alice = joined(hub, room, "alice", Some("caller"));
    let mut bob = joined(hub, room, "bob", Some("callee"));
    assert_eq!(alice.types(), ["joined", "peer-joined", "call-started"]);
    let heard = bob.heard();
    assert_eq!(heard[1]["type"], "call-started");
    (alice, bob, heard[1]["call"].as_str().unwrap().to_owned())
}

#[test]
fn two_peers_are_told_of_each_other_and_paired() {
    let (_world, hub) = hub(Limits::default());
    let mut alice = Client::new(&hub);
    alice.say(&json!({"type": "join", "room": "demo", "name": "alice", "role": "caller",
        "capabilities": {"stamps": true}}));
    let mut bob = joined(&hub, "demo", "bob", Some("callee"));
    let (alice, bob) = (alice.heard(), bob.heard());
    assert_eq!(alice[0]["me"]["number"], 1);
    assert_eq!(alice[0]["peers"], json!([]));
    assert_eq!(alice[1]["peer"]["name"], "bob");
    let capabilities = json!({"stamps": true, "end_of_call": false});
    assert_eq!(
        bob[0]["peers"],
        json!([{"name": "alice", "role": "caller", "number": 1, "capabilities": capabilities}])
    );
    assert_eq!(alice[2]["peer"]["name"], "bob");
    assert_eq!(bob[1]["peer"]["name"], "alice");
    assert_eq!(alice[2]["call"], bob[1]["call"]);
}

#[test]
fn a_signal_carries_sender_count_and_times() {
    let (world, hub) = hub(Limits::default());
    let (alice, mut bob, call) = pair(&hub, "demo");
    world.pass(Duration::from_millis(20));
    alice.say(&json!({"type": "offer", "from": "mallory", "seq": 4, "sent_at_us": 17, "call": call,
        "sdp": "v=0", "later": [1]}));
    alice.say(&json!({"type": "done"}));
    let heard = bob.heard();
    let at = 1_800_000_000_020_000_u64;
    assert_eq!(
        heard[0],
        json!({"type": "offer", "from": "alice", "to": "bob", "seq": 4, "sent_at_us": 17,
            "room_at_us": at, "call": call, "sdp": "v=0", "later": [1]})
    );
    assert_eq!(heard[1], json!({"type": "done", "from": "alice", "to": "bob", "seq": 5, "room_at_us": at}));
}

#[test]
fn a_third_peer_waits_for_a_free_partner() {
    let (_world, hub) = hub(Limits::default());
    let (alice, mut bob, first) = pair(&hub, "demo");
    let mut carol = joined(&hub, "demo", "carol", Some("caller"));
    assert_eq!(carol.types(), ["joined"]);
    alice.say(&json!({"type": "leave"}));
    let heard = bob.heard();
    assert_eq!(heard[1], json!({"type": "peer-left", "name": "alice", "reason": "left"}));
    assert_eq!(heard[2]["peer"]["name"], "carol");
    assert_ne!(heard[2]["call"], json!(first));
    assert_eq!(carol.types(), ["peer-left", "call-started"]);
}

#[test]
fn again_starts_one_new_call_even_if_both_ask() {
    let (_world, hub) = hub(Limits::default());
    let (mut alice, mut bob, first) = pair(&hub, "demo");
    alice.say(&json!({"type": "again", "call": first}));
    bob.say(&json!({"type": "again", "call": first}));
    assert_eq!(alice.types(), ["call-started"]);
    let heard = bob.heard();
    assert_eq!(
        (heard.len(), &heard[0]["type"], &heard[1]["type"]),
        (2, &json!("again"), &json!("call-started"))
    );
    assert_ne!(heard[1]["call"], json!(first));
}

#[test]
fn rooms_do_not_hear_each_other() {
    let (_world, hub) = hub(Limits::default());
    let (alice, mut bob, _) = pair(&hub, "one");
    let (_carol, mut dave, _) = pair(&hub, "two");
    alice.say(&json!({"type": "done"}));
    alice.say(&json!({"type": "done", "to": "dave"}));
    assert_eq!(bob.types(), ["done"]);
    assert_eq!(dave.types(), [""; 0]);
    assert_eq!(hub.rooms_in_use(), 2);
}

#[test]
fn every_refusal_has_its_code() {
    let limits = Limits { rooms: 1, peers_per_room: 2, ..Limits::default() };
    let (_world, hub) = hub(limits);
    let (mut alice, bob, _) = pair(&hub, "demo");
    assert_eq!(joined(&hub, "demo", "carol", None).codes(), ["room-full"]);
    assert_eq!(joined(&hub, "demo", "bob", None).codes(), ["name-taken"]);
    assert_eq!(joined(&hub, "other", "carol", None).codes(), ["too-many-rooms"]);
    assert_eq!(joined(&hub, "demo", "", None).codes(), ["bad-message"]);
    assert_eq!(joined(&hub, "demo", &"n".repeat(65), None).codes(), ["bad-message"]);
    let cases = [
        (json!({"type": "join", "room": "demo", "name": "alice"}), "already-joined"),
        (json!({"type": "offer"}), "bad-message"),
        (json!({"type": "done", "to": "zoe"}), "peer-absent"),
        (json!({"type": "done", "to": "alice"}), "peer-absent"),
        (json!({"type": "mute"}), "unknown-type"),
        (json!({"type": "peer-left", "name": "bob", "reason": "", "to": "bob"}), "unknown-type"),
    ];
    for (message, code) in cases {
        alice.say(&message);
        assert_eq!(alice.codes(), [code], "{message}");
    }
    let mut stranger = Client::new(&hub);
    stranger.say(&json!({"type": "done"}));
    assert_eq!(stranger.codes(), ["not-joined"]);
    stranger.connection.receive_binary();
    assert_eq!(stranger.codes(), ["bad-message"]);
    drop(bob);
    assert_eq!(alice.heard(), [json!({"type": "peer-left", "name": "bob", "reason": "connection lost"})]);
    alice.say(&json!({"type": "done"}));
    assert_eq!(alice.codes(), ["peer-absent"]);
}

#[test]
fn the_token_opens_the_room_and_never_comes_back() {
    let world = Manual::new();
    let token = Some(Token::new("open sesame"));
    let hub = Hub::new(world.world(), ServerConfig { token, ..ServerConfig::default() });
    for (token, expected) in [
        (Value::Null, "token-refused"),
        (json!("open barley"), "token-refused"),
        (json!(["open sesame"]), "bad-message"),
        (json!("open sesame"), "joined"),
    ] {
        let mut client = Client::new(&hub);
        client.say(&json!({"type": "join", "room": "demo", "name": "a", "token": token}));
        let heard = client.heard();
        let said = if heard[0]["type"] == "error" { &heard[0]["code"] } else { &heard[0]["type"] };
        assert_eq!((said, heard.len()), (&json!(expected), 1));
        assert!(!heard[0].to_string().contains("open"), "{}", heard[0]);
    }
}

#[test]
fn who_says_too_much_is_closed_and_the_other_goes_on() {
    let limits = Limits { message_bytes: 1000, burst: 10, messages_per_second: 10, ..Limits::default() };
    let (world, hub) = hub(limits);
    let (mut alice, mut bob, _) = pair(&hub, "demo");
    bob.say(&json!({"type": "ext", "data": "x".repeat(1000)}));
    assert_eq!(bob.types(), ["error", "closed"]);
    assert_eq!(alice.heard()[0]["reason"], "sent too large a message");
    let (carol, mut dave, _) = pair(&hub, "other");
    for _ in 0..9 {
        carol.say(&json!({"type": "done"}));
    }
    world.pass(Duration::from_millis(200));
    assert_eq!(dave.types().len(), 9);
    for _ in 0..3 {
        carol.say(&json!({"type": "done"}));
    }
    assert_eq!(dave.types(), ["done", "done", "peer-left"]);
    alice.say(&json!({"type": "done"}));
    assert_eq!(alice.codes(), ["peer-absent"]);
}

#[test]
fn who_does_not_read_is_closed() {
    let (_world, hub) = hub(Limits { queued_bytes: 5_000, ..Limits::default() });
    let (mut alice, mut bob, _) = pair(&hub, "demo");
    for _ in 0..7 {
        alice.say(&json!({"type": "ext", "data": "x".repeat(1000)}));
    }
    assert_eq!(alice.heard()[0]["reason"], "read too slowly");
    assert_eq!(bob.types().last().unwrap(), "closed");
}

#[test]
fn deadlines_close_the_idle_and_the_silent() {
    let (world, hub) = hub(Limits::default());
    let mut idle = Client::new(&hub);
    let (mut alice, mut bob, _) = pair(&hub, "demo");
    world.settle();
    world.pass(Duration::from_secs(4));
    assert_eq!(alice.next(), None);
    world.pass(Duration::from_secs(1));
    assert_eq!(alice.next(), Some(Frame::Ping));
    for _ in 0..11 {
        world.pass(Duration::from_secs(1));
        alice.connection.receive_pong();
    }
    assert_eq!(idle.types(), ["error", "closed"]);
    assert_eq!(bob.codes(), ["no-pong"]);
    let left = json!({"type": "peer-left", "name": "bob", "reason": "no pong"});
    assert_eq!(alice.heard(), [left]);
}

#[test]
fn numbers_differ_modulo_forty_and_are_not_used_again_soon() {
    let (_world, hub) = hub(Limits { peers_per_room: 100, ..Limits::default() });
    let number = |client: &mut Client| client.heard()[0]["me"]["number"].as_u64().unwrap();
    let mut clients: Vec<Client> = (0..40).map(|n| joined(&hub, "demo", &n.to_string(), None)).collect();
    let mut residues: Vec<u64> = clients.iter_mut().map(|client| number(client) % 40).collect();
    residues.sort_unstable();
    residues.dedup();
    assert_eq!(residues.len(), 40);
    assert_eq!(joined(&hub, "demo", "one too many", None).codes(), ["room-full"]);
    clients.remove(6);
    assert_eq!(number(&mut joined(&hub, "demo", "new", None)), 47);
}

#[test]
fn an_empty_hub_is_told() {
    let (world, hub) = hub(Limits::default());
    world.run(hub.empty());
    let (alice, bob, _) = pair(&hub, "demo");
    drop(alice);
    assert!(hub.empty().now_or_never().is_none());
    drop(bob);
    world.run(hub.empty());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\]{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["bob", "alice", "again", "offer", "demo"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_message() -> impl Strategy<Value = Value> {
    let types = vec![
        "join",
        "leave",
        "offer",
        "answer",
        "candidate",
        "end-of-candidates",
        "done",
        "hang-up",
        "report",
        "again",
        "ext",
        "probe",
        "probe-reply",
        "joined",
        "call-started",
        "error",
        "no-such-type",
    ];
    let fields = vec![
        "to",
        "from",
        "seq",
        "sent_at_us",
        "call",
        "sdp",
        "candidate",
        "reason",
        "data",
        "id",
        "room",
        "name",
        "role",
        "capabilities",
        "token",
        "events",
        "epoch_us",
    ];
    let fields = prop::collection::btree_map(prop::sample::select(fields), any_json(), 0..6);
    (prop::sample::select(types), fields).prop_map(|(kind, fields)| {
        let mut message = json!({"type": kind});
        for (name, value) in fields {
            message[name] = value;
        }
        message
    })
}

proptest! {
    #[test]
    fn nothing_that_a_peer_sends_disturbs_another_room(
        texts in prop::collection::vec(".{0,60}", 0..5),
        messages in prop::collection::vec(any_message(), 0..20),
    ) {
        let (_world, hub) = hub(Limits::default());
        let (other_alice, mut other_bob, _) = pair(&hub, "undisturbed");
        let (alice, _bob, _) = pair(&hub, "demo");
        for text in &texts {
            alice.connection.receive(text);
        }
        for message in &messages {
            alice.say(message);
        }
        other_alice.say(&json!({"type": "hang-up"}));
        let heard = other_bob.heard();
        prop_assert_eq!(heard.len(), 1);
        prop_assert_eq!(&heard[0]["type"], "hang-up");
    }
}
