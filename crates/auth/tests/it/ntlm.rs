//! The handshake and the signatures after it.

use crate::{header, seed};
use parlor_auth::ntlm::{
    Association, CHALLENGE_LIFETIME, Client, MAX_CHALLENGES, MessageError, Proof, Refusal, Server, Settings,
    SignatureError, Step, Version,
};
use parlor_auth::{NtHash, SignedFields};
use std::time::{Duration, Instant};

fn server(version: Version) -> Server {
    let settings = Settings::new("SIP Communications Service", "chat.example.com", "EXAMPLE");
    Server::new(settings.version(version), seed(1))
}

fn register(cseq: u32) -> SignedFields {
    SignedFields {
        call_id: "89CDg2597a4D36i940Em40BEt03F0b3F97x09D5x".into(),
        cseq,
        method: "REGISTER".into(),
        from_uri: "sip:alice@example.com".into(),
        from_tag: "1724421186".into(),
        to_uri: "sip:alice@example.com".into(),
        ..SignedFields::default()
    }
}

/// The handshake up to what the server must check.
fn handshake(server: &mut Server, client: &Client, now: Instant) -> (Box<Proof>, Association) {
    let begin = client.begin(&header(&server.offer())).unwrap();
    let Step::Challenge(challenge) = server.step(now, &header(&begin)).unwrap() else {
        panic!("an empty token asks for a challenge");
    };
    let (answer, association) = client.answer(&header(&challenge), &register(3), seed(2)).unwrap();
    let Step::Check(proof) = server.step(now, &header(&answer)).unwrap() else {
        panic!("an answer is to be checked");
    };
    (proof, association)
}

fn associated(version: Version) -> (Association, Association) {
    let client = Client::new("alice@example.com", "", "Secret123");
    let (proof, association) = handshake(&mut server(version), &client, Instant::now());
    let hash = NtHash::from_password("Secret123");
    (proof.check(Some(&hash), &register(3)).unwrap(), association)
}

#[test]
fn alice_signs_in_and_both_sides_sign_from_then_on() {
    for version in [Version::Two, Version::Three, Version::Four] {
        let (mut server, mut client) = associated(version);
        assert_eq!(server.opaque(), client.opaque());
        let welcome = SignedFields {
            status: Some(200),
            expires: "600".into(),
            to_tag: "s1".into(),
            ..register(3)
        };
        client.verify(&header(&server.sign(&welcome)), &welcome).unwrap();
        for cseq in 4..40 {
            let info = SignedFields {
                method: "INFO".into(),
                ..register(cseq)
            };
            server.verify(&header(&client.sign(&info)), &info).unwrap();
            client.verify(&header(&server.sign(&info)), &info).unwrap();
        }
    }
}

#[test]
fn the_account_is_found_by_what_was_typed() {
    let client = Client::new("alice", "EXAMPLE", "Secret123");
    let (proof, _) = handshake(&mut server(Version::Four), &client, Instant::now());
    assert_eq!((proof.user(), proof.domain()), ("alice", "EXAMPLE"));
    assert!(
        proof
            .check(Some(&NtHash::from_password("Secret123")), &register(3))
            .is_ok()
    );
}

#[test]
fn a_name_beyond_ascii_counts_in_capitals_of_both_kinds() {
    let client = Client::new("jürgen", "", "Gehèim");
    let (proof, _) = handshake(&mut server(Version::Four), &client, Instant::now());
    assert!(
        proof
            .check(Some(&NtHash::from_password("Gehèim")), &register(3))
            .is_ok()
    );
}

#[test]
fn a_wrong_password_and_no_account_look_the_same() {
    let client = Client::new("alice@example.com", "", "secret123");
    let hash = NtHash::from_password("Secret123");
    for hash in [Some(&hash), None] {
        let (proof, _) = handshake(&mut server(Version::Four), &client, Instant::now());
        let refusal = proof.check(hash, &register(3)).unwrap_err();
        assert!(refusal.is_wrong_password());
        assert_eq!(refusal.to_string(), "wrong user or password");
    }
}

#[test]
fn an_answer_is_good_once_and_not_for_long_and_not_elsewhere() {
    let client = Client::new("alice", "", "Secret123");
    let now = Instant::now();
    let mut server = server(Version::Four);
    let challenge = |server: &mut Server, now| {
        let begin = client.begin(&header(&server.offer())).unwrap();
        let Step::Challenge(challenge) = server.step(now, &header(&begin)).unwrap() else {
            unreachable!()
        };
        header(
            &client
                .answer(&header(&challenge), &register(3), seed(3))
                .unwrap()
                .0,
        )
    };
    let answer = challenge(&mut server, now);
    assert!(server.step(now, &answer).is_ok());
    assert_eq!(
        server.step(now, &answer).unwrap_err(),
        Refusal::UnknownChallenge,
        "replayed"
    );

    let late = challenge(&mut server, now);
    assert_eq!(
        server.step(now + CHALLENGE_LIFETIME, &late).unwrap_err(),
        Refusal::UnknownChallenge,
        "late"
    );

    let moved = challenge(&mut server, now);
    let settings = Settings::new("SIP Communications Service", "chat.example.com", "EXAMPLE");
    let mut other = Server::new(settings, seed(9));
    assert_eq!(
        other.step(now, &moved).unwrap_err(),
        Refusal::UnknownChallenge,
        "another connection"
    );

    let oldest = challenge(&mut server, now);
    for _ in 0..MAX_CHALLENGES {
        challenge(&mut server, now + Duration::from_secs(1));
    }
    assert_eq!(
        server.step(now, &oldest).unwrap_err(),
        Refusal::UnknownChallenge,
        "made room"
    );
}

#[test]
fn a_register_that_was_changed_on_its_way_is_refused() {
    let client = Client::new("alice", "", "Secret123");
    let hash = NtHash::from_password("Secret123");
    let (proof, _) = handshake(&mut server(Version::Four), &client, Instant::now());
    let changed = SignedFields {
        to_uri: "sip:mallory@example.com".into(),
        ..register(3)
    };
    let refusal = proof.check(Some(&hash), &changed).unwrap_err();
    assert_eq!(refusal, Refusal::Signature(SignatureError::Wrong));
    assert!(!refusal.is_wrong_password());
}

#[test]
fn each_signed_part_counts() {
    let (mut server, mut client) = associated(Version::Four);
    let fields = SignedFields {
        expires: "600".into(),
        to_tag: "t".into(),
        ..register(7)
    };
    let other = |change: fn(&mut SignedFields)| {
        let mut fields = fields.clone();
        change(&mut fields);
        fields
    };
    let value = header(&client.sign(&fields));
    for changed in [
        other(|fields| fields.call_id.push('x')),
        other(|fields| fields.cseq += 1),
        other(|fields| fields.method = "BYE".into()),
        other(|fields| fields.from_uri.push('x')),
        other(|fields| fields.from_tag.push('x')),
        other(|fields| fields.to_uri.push('x')),
        other(|fields| fields.to_tag.push('x')),
        other(|fields| fields.pai_sip = "sip:root@example.com".into()),
        other(|fields| fields.pai_tel = "tel:1".into()),
        other(|fields| fields.expires.clear()),
        other(|fields| fields.status = Some(200)),
    ] {
        assert_eq!(
            server.verify(&value, &changed),
            Err(SignatureError::Wrong),
            "{changed:?}"
        );
    }
    let blurred = other(|fields| fields.to_tag = "t><".into());
    assert_eq!(server.verify(&value, &blurred), Err(SignatureError::Malformed));
    assert_eq!(server.verify(&value, &fields), Ok(()), "forgeries use nothing up");
    assert_eq!(server.verify(&value, &fields), Err(SignatureError::Replayed));
}

#[test]
fn a_signature_must_be_there_and_be_of_this_association_and_direction() {
    let (mut server, mut client) = associated(Version::Four);
    let (mut stranger, _) = {
        let settings = Settings::new("SIP Communications Service", "chat.example.com", "EXAMPLE");
        let mut other = Server::new(settings, seed(8));
        let (proof, client) = handshake(&mut other, &Client::new("alice", "", "Secret123"), Instant::now());
        (client, proof)
    };
    let fields = register(4);
    let verify = |server: &mut Association, value: &str| server.verify(&header(value), &fields);
    assert_eq!(
        verify(&mut server, "NTLM qop=\"auth\""),
        Err(SignatureError::Missing)
    );
    assert_eq!(
        verify(&mut server, "Digest qop=auth"),
        Err(SignatureError::Missing)
    );
    assert_eq!(
        verify(&mut server, &stranger.sign(&fields)),
        Err(SignatureError::Elsewhere)
    );
    let reflected = server.sign(&fields);
    assert_eq!(verify(&mut server, &reflected), Err(SignatureError::Missing));
    let renamed = reflected
        .replace("rspauth", "response")
        .replace("srand", "crand")
        .replace("snum", "cnum");
    assert_eq!(
        verify(&mut server, &renamed),
        Err(SignatureError::Wrong),
        "keys differ by direction"
    );
    let good = client.sign(&fields);
    let short = good.replace("response=\"01", "response=\"");
    assert_eq!(verify(&mut server, &short), Err(SignatureError::Malformed));
    assert_eq!(
        verify(&mut server, &good.to_string().replace("cnum=\"2\"", "cnum=\"x\"")),
        Err(SignatureError::Malformed)
    );
    assert_eq!(verify(&mut server, &good), Ok(()));
}

#[test]
fn the_server_refuses_what_is_no_handshake() {
    let mut server = server(Version::Four);
    let now = Instant::now();
    let mut refusal = |value: &str| server.step(now, &header(value)).unwrap_err();
    assert_eq!(refusal("Digest gssapi-data=\"\""), Refusal::Scheme);
    assert_eq!(
        refusal("NTLM realm=\"other\", gssapi-data=\"\""),
        Refusal::Elsewhere
    );
    assert_eq!(
        refusal("NTLM targetname=\"other\", gssapi-data=\"\""),
        Refusal::Elsewhere
    );
    assert_eq!(refusal("NTLM gssapi-data=\"\", version=3"), Refusal::Version);
    assert_eq!(refusal("NTLM qop=\"auth\""), Refusal::NoToken);
    assert_eq!(
        refusal("NTLM gssapi-data=\"###\""),
        Refusal::Message(MessageError::Base64)
    );
    assert_eq!(
        refusal("NTLM gssapi-data=\"TlRMTVNTUAADAAAA\""),
        Refusal::UnknownChallenge
    );
    let long = "A".repeat(12 * 1024);
    assert_eq!(
        refusal(&format!("NTLM gssapi-data=\"{long}\"")),
        Refusal::Message(MessageError::TooLong)
    );
}

#[test]
fn the_headers_are_those_the_real_client_was_tried_with() {
    let mut server = server(Version::Four);
    assert_eq!(
        server.offer(),
        "NTLM realm=\"SIP Communications Service\", targetname=\"chat.example.com\", version=4"
    );
    let Step::Challenge(challenge) = server
        .step(Instant::now(), &header("NTLM gssapi-data=\"\""))
        .unwrap()
    else {
        panic!("an empty token asks for a challenge");
    };
    assert!(
        challenge.starts_with(&format!("{}, opaque=\"", server.offer())),
        "{challenge}"
    );
    let (mut server, mut client) = associated(Version::Four);
    let shape = |value: &str| {
        let names = value
            .split(", ")
            .map(|parameter| parameter.split('=').next().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        shape(&server.sign(&register(3))),
        "NTLM rspauth srand snum opaque qop targetname realm"
    );
    assert_eq!(
        shape(&client.sign(&register(3))),
        "NTLM qop opaque realm targetname crand cnum response"
    );
    let signature = server.sign(&register(3));
    let signature = header(&signature).get("rspauth").unwrap().to_owned();
    assert!(
        signature.starts_with("01000000") && signature.ends_with("64000000"),
        "{signature}"
    );
    assert!(
        !signature.contains(|c: char| c.is_ascii_lowercase()),
        "{signature}"
    );
}

#[test]
fn nothing_secret_is_shown() {
    let client = Client::new("alice", "", "Secret123");
    let (proof, association) = handshake(&mut server(Version::Four), &client, Instant::now());
    let shown = format!("{client:?} {proof:?} {association:?} {:?}", seed(7));
    assert!(!shown.contains("Secret123") && !shown.contains("7, 7"), "{shown}");
    assert!(shown.contains("NtHash(..)"), "{shown}");
}
