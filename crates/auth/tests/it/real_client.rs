//! What the unmodified pidgin-sipe 1.25.0 (Debian 12) sent to a server with the seed of these tests; recorded once.

use crate::{header, seed};
use parlor_auth::ntlm::{Refusal, Server, Settings, SignatureError, Step};
use parlor_auth::{NtHash, SignedFields};
use std::time::Instant;

/// Seed of the server at the recording: challenge and opaque follow from it.
const SEED: u8 = 3;

const AUTHORIZATION: &str = "NTLM qop=\"auth\", opaque=\"64052659\", realm=\"SIP Communications Service\", \
    targetname=\"chat.example.com\", gssapi-data=\"TlRMTVNTUAADAAAAGAAYAG4AAACQAJAAhgAAAAAAAABIAAAAIgAiAEgAAAAEAAQAagAAABAAEAAWAQAAVYKYYgUBKAoAAAAPYQBsAGkAYwBlAEAAZQB4AGEAbQBwAGwAZQAuAGMAbwBtAFYATQBM+xWGfIUHPmrilrFMUoy6yWtj94BAhQbhmqPLDCsomnrEw69X2hmMAQEAAAAAAAAAADZ6ZXndAclrY/eAQIUGAAAAAAIADgBFAFgAQQBNAFAATABFAAEACABDAEgAQQBUAAQAFgBlAHgAYQBtAHAAbABlAC4AYwBvAG0AAwAgAGMAaABhAHQALgBlAHgAYQBtAHAAbABlAC4AYwBvAG0AAAAAAAAAAAB1+EbaTuUe/hmnHHbrHl2i\", version=4, crand=\"95d93dfb\", cnum=\"1\", \
    response=\"010000002415C1EB0857EF1D64000000\"";

const SUBSCRIBE_AUTHORIZATION: &str = "NTLM qop=\"auth\", opaque=\"64052659\", \
    realm=\"SIP Communications Service\", targetname=\"chat.example.com\", crand=\"f612e52d\", cnum=\"2\", \
    response=\"01000000E7AADA27B344411064000000\"";

fn server() -> (Server, Instant) {
    let settings = Settings::new("SIP Communications Service", "chat.example.com", "EXAMPLE");
    let (mut server, now) = (Server::new(settings, seed(SEED)), Instant::now());
    let begin = "NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"chat.example.com\", \
        gssapi-data=\"\", version=4";
    let Step::Challenge(_) = server.step(now, &header(begin)).unwrap() else {
        panic!("an empty token asks for a challenge");
    };
    (server, now)
}

fn register() -> SignedFields {
    SignedFields {
        call_id: "4E86gA0C8a8083iA7C5m4185tC76DbE92Cx2BE0x".into(),
        cseq: 3,
        method: "REGISTER".into(),
        from_uri: "sip:alice@example.com".into(),
        from_tag: "3797940315".into(),
        to_uri: "sip:alice@example.com".into(),
        ..SignedFields::default()
    }
}

#[test]
fn its_proof_and_its_signatures_are_believed_once() {
    let (mut server, now) = server();
    let Step::Check(proof) = server.step(now, &header(AUTHORIZATION)).unwrap() else {
        panic!("an answer is to be checked");
    };
    assert_eq!((proof.user(), proof.domain()), ("alice@example.com", ""));
    let mut association = proof
        .check(Some(&NtHash::from_password("Secret123")), &register())
        .unwrap();

    let subscribe = SignedFields {
        call_id: "D761gB518a4A49iBC98m20BDtACCEb2E16x3907x".into(),
        cseq: 1,
        method: "SUBSCRIBE".into(),
        from_tag: "1362759614".into(),
        ..register()
    };
    let authorization = header(SUBSCRIBE_AUTHORIZATION);
    assert_eq!(
        association.verify(&authorization, &register()),
        Err(SignatureError::Wrong)
    );
    assert_eq!(association.verify(&authorization, &subscribe), Ok(()));
    assert_eq!(
        association.verify(&authorization, &subscribe),
        Err(SignatureError::Replayed)
    );
}

#[test]
fn its_proof_needs_its_password() {
    let (mut server, now) = server();
    let Step::Check(proof) = server.step(now, &header(AUTHORIZATION)).unwrap() else {
        panic!("an answer is to be checked");
    };
    let refusal = proof
        .check(Some(&NtHash::from_password("Secret124")), &register())
        .unwrap_err();
    assert_eq!(refusal, Refusal::WrongPassword);
}
