//! NTLM as a client of the Lync generation does it: a handshake in three steps, then every message signed both ways.
//! The client here writes its own bytes, so that it can also do what it must not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_auth::ntlm::{Association, Client as Prover};
use parlor_auth::{AuthHeader, Seed, SignedFields};
use parlor_server::Password;
use parlor_sip::{Frame, Framer, Limits, Message, Name, Request, Response, SignedParts, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::world::{World, disable, user};

const TLS: usize = 0;
const TCP: usize = 1;
const DEADLINE: Duration = Duration::from_secs(20);
const SECRET: &str = "Secret123";
const TAG: &str = "1724421186";

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

async fn world() -> World {
    World::with(|config| {
        config.sign_in.ntlm = true;
        for user in &mut config.seed.users {
            user.password = (!user.contact).then(|| Password(SECRET.to_owned()));
        }
    })
    .await
}

/// One connection of somebody who calls himself `name`.
struct Client {
    stream: Box<dyn Stream>,
    framer: Framer,
    name: &'static str,
    call_id: String,
    cseq: u32,
    association: Option<Association>,
}

/// What of a request the client writes.
#[derive(Clone)]
struct Sending {
    method: &'static str,
    uri: String,
    /// Header lines with their ends.
    extra: &'static str,
    fields: SignedFields,
}

impl Client {
    async fn connect(world: &World, listener: usize, name: &'static str) -> Self {
        let address: SocketAddr = world.server.addresses()[listener];
        let plain = TcpStream::connect(address).await.expect("the server listens");
        let stream: Box<dyn Stream> = if listener == TLS {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(world.roots()).expect("roots") {
                roots.add(certificate.expect("a certificate")).expect("a root");
            }
            let config = ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::from(address.ip());
            let tls = TlsConnector::from(Arc::new(config));
            Box::new(tls.connect(name, plain).await.expect("a handshake"))
        } else {
            Box::new(plain)
        };
        Self {
            stream,
            framer: Framer::new(Limits::default()),
            name,
            call_id: format!("89CDg2597a4D36i940Em{name}"),
            cseq: 0,
            association: None,
        }
    }

    /// The next request, not yet signed.
    fn request(&mut self, method: &'static str, extra: &'static str) -> Sending {
        self.cseq += 1;
        let own = user(self.name).to_string();
        let uri = if method == "REGISTER" {
            "sip:example.com"
        } else {
            &own
        };
        let expires = extra
            .lines()
            .find_map(|line| line.strip_prefix("Expires: "))
            .unwrap_or_default();
        Sending {
            method,
            uri: uri.to_owned(),
            extra,
            fields: SignedFields {
                call_id: self.call_id.clone(),
                cseq: self.cseq,
                method: method.to_owned(),
                from_uri: own.clone(),
                from_tag: TAG.to_owned(),
                to_uri: own,
                expires: expires.to_owned(),
                ..SignedFields::default()
            },
        }
    }

    fn register(&mut self) -> Sending {
        self.request("REGISTER", "")
    }

    /// Without a branch in Via, as the real client writes it (real-client 2).
    async fn write(&mut self, sending: &Sending, authorization: Option<&str>) {
        let Sending {
            method,
            uri,
            extra,
            fields,
        } = sending;
        let authorization =
            authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/tcp 127.0.0.1:38128\r\nMax-Forwards: 70\r\n\
             From: <{}>;tag={};epid=cf0b98dadeb9\r\nTo: <{}>\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n\
             Contact: <sip:127.0.0.1:38128>\r\n{extra}Content-Length: 0\r\n{authorization}\r\n",
            fields.from_uri, fields.from_tag, fields.to_uri, fields.call_id, fields.cseq
        );
        self.stream
            .write_all(text.as_bytes())
            .await
            .expect("a connection");
    }

    async fn message(&mut self) -> Message {
        loop {
            match self.framer.next_frame().expect("SIP") {
                Some(Frame::Message(message)) => return message,
                Some(_) => {}
                None => {
                    let read = self.stream.read_buf(self.framer.buffer());
                    let read = tokio::time::timeout(DEADLINE, read).await;
                    let read = read.expect("an answer").expect("a connection");
                    assert!(read > 0, "{}: the server closed the connection", self.name);
                }
            }
        }
    }

    async fn response(&mut self) -> Response {
        loop {
            if let Message::Response(response) = self.message().await
                && response.status().is_final()
            {
                return response;
            }
        }
    }

    async fn exchange(&mut self, sending: &Sending, authorization: Option<&str>) -> Response {
        self.write(sending, authorization).await;
        self.response().await
    }

    /// Signs a request and sends it; whatever comes back must be signed too.
    async fn signed(&mut self, sending: &Sending) -> Response {
        let signature = self.sign(sending);
        let response = self.exchange(sending, Some(&signature)).await;
        self.verify(&Message::Response(response.clone()));
        response
    }

    fn sign(&mut self, sending: &Sending) -> String {
        self.association
            .as_mut()
            .expect("signed in")
            .sign(&sending.fields)
    }

    /// The signature of the server fits, and was never used before.
    fn verify(&mut self, message: &Message) {
        let header = match message {
            Message::Request(request) => request.headers().get(Name::AuthenticationInfo),
            Message::Response(response) => response.headers().get(Name::AuthenticationInfo),
        };
        let header = AuthHeader::parse(header.expect("a signature")).expect("a readable one");
        let fields = fields(&SignedParts::of(message));
        let association = self.association.as_mut().expect("signed in");
        association.verify(&header, &fields).expect("a right signature");
        assert!(association.verify(&header, &fields).is_err(), "a replay is seen");
    }

    /// The first two steps: the challenge, or what was said instead.
    async fn challenge(&mut self, prover: &Prover) -> Result<AuthHeader, Response> {
        let first = self.register();
        let response = self.exchange(&first, None).await;
        let Some(offer) = offer(&response) else {
            return Err(response);
        };
        let second = self.register();
        let begin = prover.begin(&offer).expect("an offer of NTLM");
        let response = self.exchange(&second, Some(&begin)).await;
        offer_of_401(&response).ok_or(response)
    }

    /// All three steps.
    async fn sign_in_as(&mut self, account: &str, domain: &str, password: &str) -> Response {
        let prover = Prover::new(account, domain, password);
        let challenge = match self.challenge(&prover).await {
            Ok(challenge) => challenge,
            Err(response) => return response,
        };
        let third = self.register();
        let (proof, association) = prover
            .answer(&challenge, &third.fields, Seed::new([7; 32]))
            .expect("a challenge");
        let response = self.exchange(&third, Some(&proof)).await;
        if response.status() == StatusCode::OK {
            self.association = Some(association);
            self.verify(&Message::Response(response.clone()));
        }
        response
    }

    async fn sign_in(&mut self, password: &str) -> StatusCode {
        let account = format!("{}@example.com", self.name);
        self.sign_in_as(&account, "", password).await.status()
    }
}

fn offer(response: &Response) -> Option<AuthHeader> {
    let offers = response.headers().all(Name::WwwAuthenticate);
    offers
        .filter_map(|value| AuthHeader::parse(value).ok())
        .find(|offer| offer.scheme().to_string() == "NTLM")
}

fn offer_of_401(response: &Response) -> Option<AuthHeader> {
    offer(response).filter(|offer| offer.get("gssapi-data").is_some())
}

fn fields(parts: &SignedParts<'_>) -> SignedFields {
    SignedFields {
        call_id: parts.call_id.to_owned(),
        cseq: parts.cseq,
        method: parts.method.to_owned(),
        from_uri: parts.from_uri.to_owned(),
        from_tag: parts.from_tag.to_owned(),
        to_uri: parts.to_uri.to_owned(),
        to_tag: parts.to_tag.to_owned(),
        expires: parts.expires.to_owned(),
        status: parts.status,
        ..SignedFields::default()
    }
}

const PROVISIONING: &str =
    "Event: vnd-microsoft-provisioning-v2\r\nExpires: 0\r\nProxy-Require: ms-benotify\r\n";

#[tokio::test]
async fn a_sign_in_leads_to_messages_that_are_signed_both_ways() {
    let world = world().await;
    for listener in [TLS, TCP] {
        let mut alice = Client::connect(&world, listener, "alice").await;
        assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
        let subscribe = alice.request("SUBSCRIBE", PROVISIONING);
        assert_eq!(alice.signed(&subscribe).await.status(), StatusCode::OK);
        // What the server sends of its own is signed as well.
        let notification = alice.message().await;
        assert!(matches!(&notification, Message::Request(Request { .. })));
        alice.verify(&notification);
        // A refresh is no new sign-in.
        let refresh = alice.register();
        assert_eq!(alice.signed(&refresh).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn every_way_to_type_the_name_that_windows_users_know_signs_in() {
    let world = world().await;
    for (account, domain) in [
        ("alice", "EXAMPLE"),
        ("Alice", "example.com"),
        ("ALICE@Example.com", ""),
    ] {
        let mut alice = Client::connect(&world, TCP, "alice").await;
        let response = alice.sign_in_as(account, domain, SECRET).await;
        assert_eq!(response.status(), StatusCode::OK, "{domain}\\{account}");
    }
    let mut alice = Client::connect(&world, TCP, "alice").await;
    let elsewhere = alice.sign_in_as("alice", "OTHER", SECRET).await;
    assert_eq!(elsewhere.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_message_without_a_signature_or_with_a_wrong_one_is_refused() {
    let world = world().await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);

    let missing = alice.request("SUBSCRIBE", PROVISIONING);
    let response = alice.exchange(&missing, None).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);

    let forged = alice.request("SUBSCRIBE", PROVISIONING);
    let signature = alice.sign(&forged);
    // A digit in the middle of the code; before it stands a version that is always the same.
    let at = signature.find("response=\"").expect("a signature") + "response=\"".len() + 12;
    let digit = if &signature[at..=at] == "0" { "1" } else { "0" };
    let mut forgery = signature.clone();
    forgery.replace_range(at..=at, digit);
    assert_ne!(forgery, signature);
    let response = alice.exchange(&forged, Some(&forgery)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);

    // Neither used up anything, and the connection goes on.
    let right = alice.request("SUBSCRIBE", PROVISIONING);
    assert_eq!(alice.signed(&right).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_signature_counts_for_its_own_message_only() {
    let world = world().await;
    let changes: [fn(&mut Sending); 4] = [
        |sending| sending.fields.cseq += 1,
        |sending| sending.fields.from_tag = "2".to_owned(),
        |sending| sending.fields.to_uri = user("bob").to_string(),
        |sending| sending.extra = "Event: presence\r\nExpires: 600\r\n",
    ];
    for change in changes {
        let mut alice = Client::connect(&world, TCP, "alice").await;
        assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
        let mut sending = alice.request("SUBSCRIBE", PROVISIONING);
        let signature = alice.sign(&sending);
        change(&mut sending);
        let response = alice.exchange(&sending, Some(&signature)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{}", sending.extra);
    }
}

#[tokio::test]
async fn a_message_is_taken_once() {
    let world = world().await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
    let refresh = alice.register();
    let signature = alice.sign(&refresh);
    let first = alice.exchange(&refresh, Some(&signature)).await;
    assert_eq!(first.status(), StatusCode::OK);
    let again = alice.exchange(&refresh, Some(&signature)).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    // A recorded sign-in is of no use either, here or on another connection.
    let mut thief = Client::connect(&world, TCP, "alice").await;
    let recorded = thief.exchange(&refresh, Some(&signature)).await;
    assert_eq!(recorded.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_recorded_handshake_opens_nothing() {
    let world = world().await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    let prover = Prover::new("alice@example.com", "", SECRET);
    let challenge = alice.challenge(&prover).await.expect("a challenge");
    let third = alice.register();
    let (proof, _) = prover
        .answer(&challenge, &third.fields, Seed::new([7; 32]))
        .expect("a challenge");
    assert_eq!(
        alice.exchange(&third, Some(&proof)).await.status(),
        StatusCode::OK
    );
    // The challenge is used up, and another connection never made it.
    assert_eq!(
        alice.exchange(&third, Some(&proof)).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let mut thief = Client::connect(&world, TCP, "alice").await;
    assert_eq!(
        thief.exchange(&third, Some(&proof)).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_client_may_sign_in_again_and_only_its_last_signatures_count() {
    let world = world().await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
    let mut before = alice.association.take();
    assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
    std::mem::swap(&mut before, &mut alice.association);
    let old = alice.register();
    let signature = alice.sign(&old);
    assert_eq!(
        alice.exchange(&old, Some(&signature)).await.status(),
        StatusCode::FORBIDDEN
    );
    alice.association = before;
    let new = alice.register();
    assert_eq!(alice.signed(&new).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_connection_stays_that_of_its_first_account() {
    let world = world().await;
    let mut client = Client::connect(&world, TCP, "alice").await;
    assert_eq!(client.sign_in(SECRET).await, StatusCode::OK);
    client.name = "bob";
    let response = client.sign_in_as("bob@example.com", "", SECRET).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wrong_passwords_are_told_at_once_and_then_cost_time() {
    let world = world().await;
    for _ in 0..5 {
        let mut guesser = Client::connect(&world, TCP, "alice").await;
        let response = guesser.sign_in_as("alice@example.com", "", "guess").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        // A fresh offer, not a challenge: the real client takes it as "wrong password" (real-client 1.1).
        assert!(offer(&response).is_some() && offer_of_401(&response).is_none());
    }
    let mut alice = Client::connect(&world, TCP, "alice").await;
    let response = alice.sign_in_as("alice@example.com", "", SECRET).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let wait = response.headers().get(Name::RetryAfter);
    assert!(matches!(wait, Some("1" | "2")), "{wait:?}");
    // Others sign in, and so does she when the time is over.
    let mut bob = Client::connect(&world, TCP, "bob").await;
    assert_eq!(bob.sign_in(SECRET).await, StatusCode::OK);
    crate::world::pass(Duration::from_secs(2)).await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    assert_eq!(alice.sign_in(SECRET).await, StatusCode::OK);
}

#[tokio::test]
async fn an_account_of_a_disabled_user_opens_nothing() {
    let world = world().await;
    disable(&world, "alice").await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    let response = alice.sign_in_as("alice@example.com", "", SECRET).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let reason = response.headers().get(Name::MsDiagnostics).unwrap_or_default();
    assert!(reason.contains("disabled"), "{reason}");
}

#[tokio::test]
async fn ntlm_that_is_switched_off_is_neither_offered_nor_taken() {
    let world = World::with(|config| {
        config.seed.users[0].password = Some(Password(SECRET.to_owned()));
    })
    .await;
    let begin = "NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"example.com\", \
                 gssapi-data=\"\", version=4";
    for (listener, expected) in [(TLS, StatusCode::UNAUTHORIZED), (TCP, StatusCode::FORBIDDEN)] {
        let mut alice = Client::connect(&world, listener, "alice").await;
        for authorization in [None, Some(begin)] {
            let sending = alice.register();
            let response = alice.exchange(&sending, authorization).await;
            assert_eq!(response.status(), expected);
            assert!(offer(&response).is_none());
        }
    }
}

#[tokio::test]
async fn nothing_is_believed_on_plain_tcp_before_the_proof() {
    let world = world().await;
    let mut alice = Client::connect(&world, TCP, "alice").await;
    for method in ["SUBSCRIBE", "INVITE"] {
        let sending = alice.request(method, "");
        let response = alice.exchange(&sending, None).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method}");
    }
    // Digest is not taken where others can listen, not even when a client sends it unasked.
    let register = alice.register();
    let digest = "Digest username=\"alice@example.com\", realm=\"example.com\", nonce=\"x\", uri=\"sip:example.com\", \
                  response=\"00\", algorithm=SHA-256, cnonce=\"y\", qop=auth, nc=00000001";
    let response = alice.exchange(&register, Some(digest)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let offers: Vec<&str> = response.headers().all(Name::WwwAuthenticate).collect();
    assert!(offers.len() == 1 && offers[0].starts_with("NTLM "), "{offers:?}");
}
