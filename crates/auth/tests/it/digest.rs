//! Digest between a server and a client.

use crate::{header, seed};
use parlor_auth::digest::{Client, ClientError, MAX_NONCES, NONCE_LIFETIME, Refusal, Server, Settings};
use parlor_auth::{AuthHeader, Verifier, VerifierKind};
use std::time::Instant;

const URI: &str = "sip:example.com";

fn server(md5: bool) -> Server {
    Server::new(Settings::new("example.com").md5(md5), seed(1))
}

fn client() -> Client {
    Client::new("alice@example.com", "Secret123", seed(2))
}

fn verifier() -> Verifier {
    Verifier::digest_sha256("alice@example.com", "example.com", "Secret123")
}

fn read(offers: &[String]) -> Vec<AuthHeader> {
    offers.iter().map(|offer| header(offer)).collect()
}

#[test]
fn alice_proves_her_password_and_the_server_proves_that_it_knows_it() {
    let (mut server, mut client, now) = (server(false), client(), Instant::now());
    let offers = read(&server.offers(now));
    let answer = client.answer(&offers, "REGISTER", URI).unwrap();
    let proof = server
        .step(now, "REGISTER", URI, &header(answer.authorization()))
        .unwrap();
    assert_eq!(proof.username(), "alice@example.com");
    assert_eq!(proof.kind(), VerifierKind::DigestSha256);
    let info = proof.check(Some(&verifier())).unwrap();
    assert!(answer.is_confirmed_by(&info), "{info}");
    assert!(!answer.is_confirmed_by("rspauth=\"00\"") && !answer.is_confirmed_by("nextnonce=\"1\""));

    // The same nonce serves the next request, counted.
    let again = client.again("SUBSCRIBE", URI).unwrap();
    assert!(again.authorization().contains("nc=00000002"));
    let proof = server
        .step(now, "SUBSCRIBE", URI, &header(again.authorization()))
        .unwrap();
    assert!(again.is_confirmed_by(&proof.check(Some(&verifier())).unwrap()));
    assert!(!answer.is_confirmed_by(&proof.check(Some(&verifier())).unwrap()));
}

#[test]
fn an_answer_is_good_once() {
    let (mut server, mut client, now) = (server(false), client(), Instant::now());
    let answer = client
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let value = header(answer.authorization());
    assert!(server.step(now, "REGISTER", URI, &value).is_ok());
    let refusal = server.step(now, "REGISTER", URI, &value).unwrap_err();
    assert_eq!(refusal, Refusal::Replayed);
    assert!(refusal.is_stale(), "a new nonce helps");
    assert!(server.stale_offers(now)[0].contains("stale=true"));
}

#[test]
fn a_nonce_ends_makes_room_and_is_unknown_elsewhere() {
    let now = Instant::now();
    let (mut server, mut client) = (server(false), client());
    let answer = client
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let value = header(answer.authorization());
    let later = now + NONCE_LIFETIME;
    assert_eq!(
        server.step(later, "REGISTER", URI, &value).unwrap_err(),
        Refusal::UnknownNonce
    );

    let answer = client
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let value = header(answer.authorization());
    let mut other = Server::new(Settings::new("example.com"), seed(9));
    assert_eq!(
        other.step(now, "REGISTER", URI, &value).unwrap_err(),
        Refusal::UnknownNonce
    );
    for _ in 0..MAX_NONCES {
        server.offers(now);
    }
    assert_eq!(
        server.step(now, "REGISTER", URI, &value).unwrap_err(),
        Refusal::UnknownNonce
    );
}

#[test]
fn a_wrong_password_no_account_and_the_wrong_verifier_look_the_same() {
    let (mut server, now) = (server(false), Instant::now());
    let mut client = Client::new("alice@example.com", "secret123", seed(3));
    let answer = client
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let proof = server
        .step(now, "REGISTER", URI, &header(answer.authorization()))
        .unwrap();
    let md5 = Verifier::digest_md5("alice@example.com", "example.com", "secret123");
    for verifier in [Some(&verifier()), Some(&md5), None] {
        let refusal = proof.check(verifier).unwrap_err();
        assert!(refusal.is_wrong_password() && !refusal.is_stale());
    }
}

#[test]
fn md5_is_let_in_only_where_it_is_switched_on() {
    let now = Instant::now();
    let (mut strict, mut lenient) = (server(false), server(true));
    assert_eq!(strict.offers(now).len(), 1);
    let offers = read(&lenient.offers(now));
    assert_eq!(offers.len(), 2);
    assert_eq!(offers[0].get("algorithm"), Some("SHA-256"));

    let only_md5 = &offers[1..];
    assert_eq!(
        client().answer(only_md5, "REGISTER", URI).unwrap_err(),
        ClientError::NoOffer
    );
    let answer = client().md5(true).answer(only_md5, "REGISTER", URI).unwrap();
    let value = header(answer.authorization());
    assert_eq!(
        strict.step(now, "REGISTER", URI, &value).unwrap_err(),
        Refusal::Algorithm
    );
    let proof = lenient.step(now, "REGISTER", URI, &value).unwrap();
    let verifier = Verifier::digest_md5("alice@example.com", "example.com", "Secret123");
    assert!(answer.is_confirmed_by(&proof.check(Some(&verifier)).unwrap()));

    let best = client().md5(true).answer(&offers, "REGISTER", URI).unwrap();
    assert!(
        best.authorization().contains("algorithm=SHA-256"),
        "the better one is taken"
    );
}

#[test]
fn the_real_clients_null_uri_is_let_in_with_md5_only() {
    let now = Instant::now();
    for (md5, only, fits) in [(true, 1, true), (true, 0, false)] {
        let mut server = server(md5);
        let offers = read(&server.offers(now));
        let answer = client()
            .md5(true)
            .answer(&offers[only..=only], "REGISTER", "(null)")
            .unwrap();
        let step = server.step(now, "REGISTER", URI, &header(answer.authorization()));
        assert_eq!(
            step.map(|_| ()).map_err(|refusal| refusal == Refusal::Uri),
            if fits { Ok(()) } else { Err(true) }
        );
    }
}

#[test]
fn an_answer_for_another_request_is_refused() {
    let (mut server, now) = (server(false), Instant::now());
    let answer = client()
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let value = header(answer.authorization());
    assert_eq!(
        server
            .step(now, "REGISTER", "sip:other.example", &value)
            .unwrap_err(),
        Refusal::Uri
    );
    let proof = server.step(now, "INVITE", URI, &value).unwrap();
    assert!(
        proof.check(Some(&verifier())).unwrap_err().is_wrong_password(),
        "the method is part of it"
    );
}

#[test]
fn what_is_incomplete_is_told() {
    let (mut server, now) = (server(false), Instant::now());
    let answer = client()
        .answer(&read(&server.offers(now)), "REGISTER", URI)
        .unwrap();
    let good = answer.authorization();
    let mut refusal = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        server
            .step(now, "REGISTER", URI, &header(&good.replace(from, to)))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal("Digest ", "NTLM "), "not digest");
    assert_eq!(
        refusal("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        "algorithm was not offered"
    );
    assert_eq!(refusal("algorithm=SHA-256, ", ""), "algorithm was not offered");
    assert_eq!(
        refusal("realm=\"example.com\"", "realm=\"other\""),
        "credentials are for another realm"
    );
    assert_eq!(refusal("qop=auth", "qop=auth-int"), "qop is not auth");
    assert_eq!(refusal(", qop=auth", ""), "qop is missing");
    assert_eq!(refusal("nc=00000001", "nc=1"), "nonce count is not eight digits");
    assert_eq!(
        refusal("nc=00000001", "nc=00000000"),
        "nonce count was used before"
    );
    assert_eq!(
        refusal("username=\"alice@example.com\"", "username=\"\""),
        "username is missing"
    );
    assert_eq!(refusal("nonce=\"", "nonce=\"0"), "unknown or expired nonce");
}
