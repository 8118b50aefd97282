//! A password: challenges are answered, a wrong one is not tried twice, and none goes where somebody may listen.

use std::time::Instant;

use parlor_auth::{AuthHeader, Seed, Verifier, digest};
use parlor_client::{
    ClientPlatformSettings, ClientTransport, Credentials, Dialer, EndpointState, EstablishError, Platform,
    Proxy, UserEndpoint, UserEndpointSettings,
};
use parlor_net::certificates::DevelopmentAuthority;
use parlor_net::{ClientTls, ClientTlsSettings};
use parlor_sip::{Method, Name, Request, ResponseDraft, ServerTransactionId, StatusCode};
use tokio::task::JoinHandle;

use crate::peer::{Peer, Service};
use crate::scene::{ME, platform, tuning, uri};

const REALM: &str = "example.com";
const NAME: &str = "newsbot@example.com";

/// A user with a password on a platform that says it is encrypted; the scripted connections are pipes all the same.
fn user(dialer: Dialer) -> UserEndpoint {
    let folder = tempfile::tempdir().unwrap();
    let tls = ClientTls::load(ClientTlsSettings {
        roots: DevelopmentAuthority::open(folder.path()).unwrap().roots(),
        identity: None,
        server_name: None,
        crl: None,
    })
    .unwrap();
    let settings = ClientPlatformSettings {
        user_agent: "test/1.0".to_owned(),
        transport: ClientTransport::Tls(tls),
    };
    with_password(&Platform::with_dialer(settings, tuning(), dialer).unwrap())
}

fn with_password(platform: &Platform) -> UserEndpoint {
    let mut settings = UserEndpointSettings::new(uri(ME), Proxy::new("chat.example.com", 5061));
    settings.credentials = Some(Credentials::new(NAME, "Secret123"));
    UserEndpoint::new(platform, settings)
}

fn establishing(user: &UserEndpoint) -> JoinHandle<Result<(), EstablishError>> {
    let user = user.clone();
    tokio::spawn(async move { user.establish().await })
}

/// The registrar's side of Digest.
struct Registrar {
    digest: digest::Server,
    verifier: Verifier,
}

impl Registrar {
    fn new(password: &str) -> Self {
        Self {
            digest: digest::Server::new(digest::Settings::new(REALM), Seed::new([7; 32])),
            verifier: Verifier::digest_sha256(NAME, REALM, password),
        }
    }

    fn challenge(&mut self, stale: bool) -> ResponseDraft {
        let offers = if stale {
            self.digest.stale_offers(Instant::now())
        } else {
            self.digest.offers(Instant::now())
        };
        // Other schemes may stand beside it.
        let draft = ResponseDraft::new(StatusCode::UNAUTHORIZED).header(
            Name::WwwAuthenticate,
            "NTLM realm=\"SIP Communications Service\", version=4",
        );
        offers
            .iter()
            .fold(draft, |draft, offer| draft.header(Name::WwwAuthenticate, offer))
    }

    /// The Authentication-Info for a request that proves the password.
    fn check(&mut self, request: &Request) -> String {
        let header = AuthHeader::parse(request.headers().get(Name::Authorization).unwrap()).unwrap();
        let method = request.method().as_str();
        let proof = self
            .digest
            .step(Instant::now(), method, request.uri_text(), &header);
        proof.unwrap().check(Some(&self.verifier)).unwrap()
    }

    /// Answers a REGISTER that proves the password.
    async fn grant(
        &mut self,
        peer: &mut Peer,
        (transaction, request): (Option<ServerTransactionId>, Request),
    ) {
        let info = self.check(&request);
        let draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::AuthenticationInfo, info)
            .header(Name::Expires, "120");
        peer.respond(transaction, draft).await;
    }
}

async fn register(peer: &mut Peer) -> (Option<ServerTransactionId>, Request) {
    let (transaction, _, request) = peer.request(Method::REGISTER).await;
    (transaction, request)
}

#[tokio::test(start_paused = true)]
async fn a_challenge_is_answered_and_each_refresh_proves_the_password_again() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("Secret123"));
    let signing_in = establishing(&user);
    let mut peer = service.connection().await;
    let (transaction, first) = register(&mut peer).await;
    assert_eq!(first.headers().get(Name::Authorization), None);
    peer.respond(transaction, registrar.challenge(false)).await;
    let answer = register(&mut peer).await;
    registrar.grant(&mut peer, answer).await;
    signing_in.await.unwrap().unwrap();

    let refresh = register(&mut peer).await;
    let credentials = refresh.1.headers().get(Name::Authorization).unwrap();
    assert!(credentials.contains("nc=00000002"), "{credentials}");
    registrar.grant(&mut peer, refresh).await;

    // The nonce has run out: the server says so, and is answered.
    let (transaction, _) = register(&mut peer).await;
    peer.respond(transaction, registrar.challenge(true)).await;
    let again = register(&mut peer).await;
    registrar.grant(&mut peer, again).await;
    assert_eq!(user.state(), EndpointState::Established);
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_proves_the_password_on_the_new_connection() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("Secret123"));
    let signing_in = establishing(&user);
    for round in 0..2 {
        let mut peer = service.connection().await;
        let (transaction, _) = register(&mut peer).await;
        peer.respond(transaction, registrar.challenge(false)).await;
        let answer = register(&mut peer).await;
        registrar.grant(&mut peer, answer).await;
        if round == 0 {
            peer.crash().await;
        } else {
            let mut states = user.states();
            states
                .wait_for(|status| status.state == EndpointState::Established)
                .await
                .unwrap();
        }
    }
    signing_in.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_said_once_and_the_endpoint_may_be_given_another() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("another"));
    let signing_in = establishing(&user);
    let mut peer = service.connection().await;
    for _ in 0..2 {
        let (transaction, _) = register(&mut peer).await;
        peer.respond(transaction, registrar.challenge(false)).await;
    }
    let error = signing_in.await.unwrap().unwrap_err();
    assert!(error.is_permanent());
    assert_eq!(
        error.to_string(),
        "the server does not accept the password of `newsbot@example.com`"
    );
    assert_eq!(user.state(), EndpointState::Idle);
    assert!(!format!("{user:?} {error:?}").contains("Secret123"));
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_changed_meanwhile_ends_the_endpoint_instead_of_locking_the_account() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("Secret123"));
    let signing_in = establishing(&user);
    let mut peer = service.connection().await;
    let (transaction, _) = register(&mut peer).await;
    peer.respond(transaction, registrar.challenge(false)).await;
    let answer = register(&mut peer).await;
    registrar.grant(&mut peer, answer).await;
    signing_in.await.unwrap().unwrap();
    peer.crash().await;

    let mut peer = service.connection().await;
    for _ in 0..2 {
        let (transaction, _) = register(&mut peer).await;
        peer.respond(transaction, registrar.challenge(false)).await;
    }
    let mut states = user.states();
    let ended = states
        .wait_for(|status| status.state == EndpointState::Terminated)
        .await
        .unwrap()
        .clone();
    assert!(matches!(
        ended.cause.as_deref(),
        Some(EstablishError::WrongPassword { name }) if name == NAME
    ));
    assert_eq!(service.dialled.lock().unwrap().len(), 2, "no further attempt");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_challenges_for_ever_is_left() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("Secret123"));
    let signing_in = establishing(&user);
    let mut peer = service.connection().await;
    for _ in 0..4 {
        let (transaction, _) = register(&mut peer).await;
        peer.respond(transaction, registrar.challenge(true)).await;
    }
    assert!(matches!(
        signing_in.await.unwrap(),
        Err(EstablishError::WrongPassword { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_offers_other_schemes_only_is_said_so() {
    let (dialer, mut service) = Service::new();
    let signing_in = establishing(&user(dialer));
    let mut peer = service.connection().await;
    let (transaction, _) = register(&mut peer).await;
    let draft = ResponseDraft::new(StatusCode::UNAUTHORIZED)
        .header(
            Name::WwwAuthenticate,
            "NTLM realm=\"SIP Communications Service\", version=4",
        )
        .header(
            Name::WwwAuthenticate,
            "Digest realm=\"example.com\", nonce=\"1\", qop=\"auth\", algorithm=MD5",
        );
    peer.respond(transaction, draft).await;
    let error = signing_in.await.unwrap().unwrap_err();
    assert!(matches!(error, EstablishError::NoCommonScheme), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_pretends_to_know_the_password_is_left() {
    let (dialer, mut service) = Service::new();
    let signing_in = establishing(&user(dialer));
    let (mut peer, mut registrar) = (service.connection().await, Registrar::new("Secret123"));
    let (transaction, _) = register(&mut peer).await;
    peer.respond(transaction, registrar.challenge(false)).await;
    let (transaction, _) = register(&mut peer).await;
    let draft =
        ResponseDraft::new(StatusCode::OK).header(Name::AuthenticationInfo, "rspauth=\"00\", qop=auth");
    peer.respond(transaction, draft).await;
    let error = signing_in.await.unwrap().unwrap_err();
    assert!(matches!(error, EstablishError::ServerUnproved), "{error}");
}

#[tokio::test(start_paused = true)]
async fn other_requests_are_proved_where_the_server_asks_for_it() {
    let (dialer, mut service) = Service::new();
    let (user, mut registrar) = (user(dialer), Registrar::new("Secret123"));
    let signing_in = establishing(&user);
    let mut peer = service.connection().await;
    let (transaction, _) = register(&mut peer).await;
    peer.respond(transaction, StatusCode::OK).await;
    signing_in.await.unwrap().unwrap();

    let opening = tokio::spawn({
        let user = user.clone();
        async move { parlor_client::PersistentChatEndpoint::establish(&user, crate::scene::known_chat()).await }
    });
    let (transaction, _, _) = peer.request(Method::INVITE).await;
    peer.respond(transaction, registrar.challenge(false)).await;
    let invite = peer.open_chat().await;
    registrar.check(&invite);
    opening.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_password_never_goes_over_plain_tcp() {
    let (dialer, service) = Service::new();
    let user = with_password(&platform(dialer, tuning()));
    let error = user.establish().await.unwrap_err();
    assert_eq!(error.to_string(), "a password is used over TLS only");
    assert!(service.dialled.lock().unwrap().is_empty());
    assert_eq!(user.state(), EndpointState::Idle);
}
