use rand::SeedableRng;
use rtc::crypto::default_provider;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::Message;

use super::super::exchange::{CREATE_PERMISSION, answer_of, message};
use super::*;
use crate::engine::stun::ERROR_CODE;
use crate::stun::attribute::RELAYED;

const SUCCESS: u16 = RESPONSE;

fn session() -> Session {
    Session::new("secret".to_owned(), Rng::seed_from_u64(1))
}

/// A request as the engine signs it; what it is signed with does not matter.
fn signed(kind: u16, id: u8, more: &[(u16, &[u8])]) -> Vec<u8> {
    let all =
        [&[(USERNAME, &b"me"[..]), (REALM, b"test"), (NONCE, b"n1"), (0x0008, &[0; 20])], more].concat();
    message(kind, id, &all)
}

fn error(of: &[u8], code: u16, more: &[(u16, &[u8])]) -> Vec<u8> {
    let value = [0, 0, u8::try_from(code / 100).unwrap(), u8::try_from(code % 100).unwrap()];
    answer_of(of, ERROR, &[&[(ERROR_CODE, &value[..])], more].concat())
}

#[track_caller]
fn sent(ours: Ours) -> Vec<u8> {
    match ours {
        Ours::Send { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn is_ours(request: &[u8]) -> bool {
    let mut read = Message { raw: request.to_vec(), ..Message::default() };
    read.decode().unwrap();
    let key = key_of(request, "secret").unwrap();
    MessageIntegrity::check(&mut read, &key, default_provider().unwrap().crypto()).is_ok()
}

fn nonce_of(request: &[u8]) -> &[u8] {
    Stun::of(request).unwrap().attribute(NONCE).unwrap()
}

/// The session after its allocation, whose nonce is `n1`.
fn allocated() -> Session {
    let mut session = session();
    let anonymous = sent(session.ours(message(ALLOCATE, 1, &[]), false));
    let challenge = error(&anonymous, 401, &[(REALM, b"test"), (NONCE, b"n1")]);
    let told = session.theirs(challenge.clone());
    assert_eq!(told, Theirs { back: Some(challenge), ..Theirs::default() });
    let request = sent(session.ours(signed(ALLOCATE, 2, &[]), false));
    assert!(is_ours(&request) && !session.holds());
    let success = answer_of(&request, SUCCESS, &[]);
    assert_eq!(session.theirs(success.clone()).back, Some(success));
    assert!(session.holds());
    session
}

#[test]
fn a_stale_nonce_is_renewed_and_the_engine_does_not_notice() {
    for method in [REFRESH, CREATE_PERMISSION, 0x0009] {
        let mut session = allocated();
        let asked = signed(method, 3, &[(0x000d, &[0, 0, 0, 20])]);
        let first = sent(session.ours(asked.clone(), false));
        let told = session.theirs(error(&first, 438, &[(REALM, b"test"), (NONCE, b"n2")]));
        let again = told.again.unwrap();
        assert_eq!((told.back, told.refusal, nonce_of(&again)), (None, None, &b"n2"[..]));
        assert!(is_ours(&again) && transaction(&again) != transaction(&asked));
        // Over UDP the engine repeats itself; what goes out is what the server wants.
        assert_eq!(sent(session.ours(asked.clone(), false)), again);
        assert_eq!(session.ours(asked.clone(), true), Ours::Drop);
        let told = session.theirs(answer_of(&again, SUCCESS, &[]));
        assert_eq!(transaction(&told.back.unwrap()), transaction(&asked));
        // From here on the engine's nonce is replaced before it could be refused.
        let next = sent(session.ours(signed(REFRESH, 4, &[]), false));
        assert_eq!((nonce_of(&next), transaction(&next)), (&b"n2"[..], [4; 12]));
        assert!(is_ours(&next));
    }
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_told() {
    let mut session = allocated();
    let mut request = sent(session.ours(signed(REFRESH, 3, &[]), false));
    for _ in 0..MOST_TRIES {
        request = session.theirs(error(&request, 438, &[(NONCE, b"n")])).again.unwrap();
    }
    let told = session.theirs(error(&request, 438, &[(NONCE, b"n")]));
    assert_eq!((told.refusal.unwrap().code, transaction(&told.back.unwrap())), (438, [3; 12]));
    // One that names no new one cannot be helped either.
    let request = sent(session.ours(signed(REFRESH, 4, &[]), false));
    assert_eq!(session.theirs(error(&request, 438, &[])).refusal.unwrap().code, 438);
}

#[test]
fn a_server_without_ipv4_is_asked_for_ipv6_once() {
    let mut session = session();
    let request = sent(session.ours(signed(ALLOCATE, 2, &[]), false));
    let again = session.theirs(error(&request, 440, &[])).again.unwrap();
    assert_eq!(Stun::of(&again).unwrap().attribute(WANTS_IPV6.0), Some(&WANTS_IPV6.1[..]));
    assert!(is_ours(&again));
    let told = session.theirs(error(&again, 440, &[]));
    assert_eq!((told.again, told.refusal.unwrap().code), (None, 440));
}

#[test]
fn who_refuses_before_asking_for_credentials_is_told_and_the_engine_gives_up() {
    for (code, more) in
        [(300, None), (401, None), (401, Some((NONCE, &b"n"[..]))), (403, None), (486, None), (500, None)]
    {
        let mut session = session();
        let anonymous = sent(session.ours(message(ALLOCATE, 1, &[]), false));
        let told = session.theirs(error(&anonymous, code, more.as_slice()));
        assert_eq!(told.refusal.map(|refusal| refusal.code), Some(code));
        let challenge = told.back.unwrap();
        assert_eq!(Stun::of(&challenge).unwrap().error(), Some(401));
        assert_eq!(transaction(&challenge), [1; 12]);
        let Ours::Answer(end) = session.ours(signed(ALLOCATE, 2, &[]), false) else { panic!("{code}") };
        assert_eq!(Stun::of(&end).unwrap().error(), Some(500));
    }
}

#[test]
fn a_server_that_wants_no_credentials_is_used() {
    let mut session = session();
    let anonymous = sent(session.ours(message(ALLOCATE, 1, &[]), false));
    let relayed = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    let told = session.theirs(answer_of(&anonymous, SUCCESS, &[(RELAYED, &relayed)]));
    assert_eq!(told.refusal, None);
    assert_eq!(Stun::of(&told.back.unwrap()).unwrap().error(), Some(401));
    let Ours::Answer(success) = session.ours(signed(ALLOCATE, 2, &[]), false) else { panic!() };
    assert_eq!(response(&success), Some(ALLOCATE | SUCCESS));
    assert_eq!(
        (transaction(&success), Stun::of(&success).unwrap().attribute(RELAYED)),
        ([2; 12], Some(&relayed[..]))
    );
}

#[test]
fn every_refusal_of_a_signed_request_is_told() {
    for code in [400, 401, 403, 420, 437, 441, 442, 486, 500, 508] {
        let mut session = session();
        let request = sent(session.ours(signed(ALLOCATE, 2, &[]), false));
        let told = session.theirs(error(&request, code, &[]));
        let refusal = told.refusal.unwrap();
        assert_eq!((refusal.code, refusal.authenticated, told.again), (code, true, None));
        assert_eq!(Stun::of(&told.back.unwrap()).unwrap().error(), Some(code));
        assert!(!session.holds());
    }
}

#[test]
fn an_allocation_is_held_until_it_is_given_back() {
    let mut session = allocated();
    let release = session.release().unwrap();
    assert!(is_ours(&release) && Stun::of(&release).unwrap().kind() == REFRESH);
    assert_eq!(nonce_of(&release), b"n1");
    let again = session.theirs(error(&release, 438, &[(NONCE, b"n2")])).again.unwrap();
    assert_eq!(
        (nonce_of(&again), Stun::of(&again).unwrap().attribute(LIFETIME)),
        (&b"n2"[..], Some(&[0; 4][..]))
    );
    assert!(session.holds());
    session.theirs(answer_of(&again, SUCCESS, &[]));
    assert!(!session.holds() && session.release().is_none());
    // The engine may have been quicker, or the server may have forgotten it.
    let mut session = allocated();
    let request = sent(session.ours(signed(REFRESH, 3, &[(LIFETIME, &[0; 4])]), false));
    session.theirs(answer_of(&request, SUCCESS, &[]));
    assert!(!session.holds());
    let mut session = allocated();
    let release = session.release().unwrap();
    session.theirs(error(&release, 437, &[]));
    assert!(!session.holds());
    // A refresh that keeps it keeps it.
    let mut session = allocated();
    let request = sent(session.ours(signed(REFRESH, 3, &[(LIFETIME, &[0, 0, 2, 88])]), false));
    session.theirs(answer_of(&request, SUCCESS, &[]));
    assert!(session.holds());
}

#[test]
fn what_is_no_transaction_passes_as_it_is() {
    let mut session = allocated();
    let data = vec![0x40, 0, 0, 4, 1, 2, 3, 4];
    assert_eq!(sent(session.ours(data.clone(), true)), data);
    for theirs in [data, message(0x0017, 9, &[]), b"hello".to_vec(), Vec::new(), vec![1, 1, 0, 0]] {
        assert_eq!(session.theirs(theirs.clone()), Theirs { back: Some(theirs), ..Theirs::default() });
    }
}
