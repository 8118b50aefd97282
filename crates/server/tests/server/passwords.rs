//! Passwords: who gets in with one, what it changes, and what guessing costs.

use parlor_auth::{AuthHeader, Seed, SignedFields, account_name, digest, ntlm};
use parlor_server::Password;
use parlor_sip::{Method, Name, RequestDraft, Response, StatusCode};

use crate::world::{DOMAIN, Member, World, disable, pass, user};

const TLS: usize = 0;
const TCP: usize = 1;

async fn world() -> World {
    World::with(|config| {
        config.sign_in.ntlm = true;
        config.seed.users[0].password = Some(Password("Secret123".to_owned()));
    })
    .await
}

async fn alice(world: &World, listener: usize) -> Member {
    Member::new(world.bare_connection(listener).await, user("alice"), None)
}

fn register() -> RequestDraft {
    RequestDraft::new(Method::REGISTER)
}

fn offers(response: &Response) -> Vec<AuthHeader> {
    let values = response.headers().all(Name::WwwAuthenticate);
    values
        .map(|value| AuthHeader::parse(value).expect("the server's offer can be read"))
        .collect()
}

fn digest_client(password: &str) -> digest::Client {
    digest::Client::new("alice@example.com", password, Seed::new([7; 32]))
}

/// One try with Digest; the answer.
async fn try_digest(member: &mut Member, password: &str) -> Response {
    let challenged = member.register().await;
    assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
    let answer = digest_client(password)
        .answer(&offers(&challenged), "REGISTER", &format!("sip:{DOMAIN}"))
        .expect("Digest is offered");
    member
        .request(
            DOMAIN,
            register().header(Name::Authorization, answer.authorization()),
        )
        .await
}

#[tokio::test]
async fn a_password_opens_a_private_connection() {
    let world = world().await;
    let mut alice = alice(&world, TLS).await;
    let response = try_digest(&mut alice, "Secret123").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get(Name::AuthenticationInfo).is_some());
    assert_eq!(alice.invite("pchat").await, StatusCode::OK);
}

#[tokio::test]
async fn an_account_speaks_for_its_own_user_only() {
    let world = world().await;
    let mut bob = Member::new(world.bare_connection(TLS).await, user("bob"), None);
    let response = try_digest(&mut bob, "Secret123").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn digest_is_not_offered_where_others_can_listen() {
    let world = world().await;
    let offered = |response: Response| -> Vec<String> {
        offers(&response)
            .iter()
            .map(|offer| offer.scheme().to_string())
            .collect()
    };
    assert_eq!(
        offered(alice(&world, TLS).await.register().await),
        ["Digest", "NTLM"]
    );
    assert_eq!(offered(alice(&world, TCP).await.register().await), ["NTLM"]);
}

#[tokio::test]
async fn wrong_passwords_are_challenged_again_and_then_have_to_wait() {
    let world = world().await;
    let mut guesser = alice(&world, TLS).await;
    for _ in 0..5 {
        assert_eq!(
            try_digest(&mut guesser, "guess").await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
    let response = try_digest(&mut guesser, "Secret123").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().get(Name::RetryAfter).is_some());
}

/// Signed in with Digest; what was sent for it.
async fn digest_authorization(alice: &mut Member) -> String {
    let challenged = alice.register().await;
    let answer = digest_client("Secret123")
        .answer(&offers(&challenged), "REGISTER", &format!("sip:{DOMAIN}"))
        .expect("Digest is offered");
    answer.authorization().to_owned()
}

fn is_stale(response: &Response) -> bool {
    let offers = offers(response);
    offers.iter().any(|offer| offer.get("stale") == Some("true"))
}

#[tokio::test]
async fn a_digest_that_was_recorded_opens_nothing() {
    let world = world().await;
    let mut member = alice(&world, TLS).await;
    let authorization = digest_authorization(&mut member).await;
    let register = || register().header(Name::Authorization, authorization.clone());
    assert_eq!(member.request(DOMAIN, register()).await.status(), StatusCode::OK);
    // The count of the nonce is used up here, and the nonce is unknown everywhere else.
    let mut thief = alice(&world, TLS).await;
    for member in [&mut member, &mut thief] {
        let response = member.request(DOMAIN, register()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(is_stale(&response));
    }
}

#[tokio::test]
async fn an_old_nonce_is_called_stale_and_a_new_one_works() {
    let world = world().await;
    let mut member = alice(&world, TLS).await;
    let authorization = digest_authorization(&mut member).await;
    let half = digest::NONCE_LIFETIME / 2;
    pass(half).await;
    assert_eq!(member.register().await.status(), StatusCode::UNAUTHORIZED);
    pass(half).await;
    let late = register().header(Name::Authorization, authorization);
    let response = member.request(DOMAIN, late).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(is_stale(&response));
    // Being late is no wrong password: nothing has to wait.
    assert_eq!(
        try_digest(&mut member, "Secret123").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_digest_for_another_request_is_refused() {
    let world = world().await;
    let mut member = alice(&world, TLS).await;
    let authorization = digest_authorization(&mut member).await;
    let elsewhere = RequestDraft::new(Method::SUBSCRIBE).header(Name::Authorization, authorization);
    let response = member.request("alice@example.com", elsewhere).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(!is_stale(&response));
}

#[tokio::test]
async fn a_name_is_typed_as_one_likes_and_hashed_in_lower_case() {
    let world = world().await;
    for (name, expected) in [
        (account_name("Alice@Example.COM"), StatusCode::OK),
        // RFC 7616 hashes the name as it is sent: nothing that the server keeps can fit another spelling.
        ("Alice@Example.COM".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        let mut member = alice(&world, TLS).await;
        let challenged = member.register().await;
        let answer = digest::Client::new(&name, "Secret123", Seed::new([7; 32]))
            .answer(&offers(&challenged), "REGISTER", &format!("sip:{DOMAIN}"))
            .expect("Digest is offered");
        let register = register().header(Name::Authorization, answer.authorization());
        assert_eq!(
            member.request(DOMAIN, register).await.status(),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_right_password_of_a_disabled_user_opens_nothing() {
    let world = world().await;
    disable(&world, "alice").await;
    let response = try_digest(&mut alice(&world, TLS).await, "Secret123").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_proof_made_for_another_message_is_refused() {
    let world = world().await;
    let mut alice = alice(&world, TCP).await;
    let client = ntlm::Client::new("alice@example.com", "", "Secret123");
    let offer = offers(&alice.register().await).remove(0);
    let begin = register().header(Name::Authorization, client.begin(&offer).unwrap());
    let challenge = offers(&alice.request(DOMAIN, begin).await).remove(0);
    // The proof is for another message than the one that brings it.
    let (proof, _) = client
        .answer(&challenge, &SignedFields::default(), Seed::new([7; 32]))
        .unwrap();
    let response = alice
        .request(DOMAIN, register().header(Name::Authorization, proof))
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(alice.invite("pchat").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    let world = world().await;
    let mut alice = alice(&world, TLS).await;
    assert_eq!(try_digest(&mut alice, "Secret123").await.status(), StatusCode::OK);
    let change = parlor_server::control::SetPassword {
        password: "Another456".to_owned(),
        account: None,
    };
    world
        .control()
        .set_password("sip:alice@example.com", &change)
        .await
        .unwrap();
    loop {
        if let parlor_net::Event::Closed(_) = alice.any_event().await {
            break;
        }
    }
    let mut again = self::alice(&world, TLS).await;
    assert_eq!(
        try_digest(&mut again, "Secret123").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        try_digest(&mut again, "Another456").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_list_of_users_tells_who_has_an_account_and_its_name() {
    let world = World::start().await;
    let change = parlor_server::control::SetPassword {
        password: "Secret123".to_owned(),
        account: Some("A.Liddell".to_owned()),
    };
    let control = world.control();
    let changed = control.set_password("sip:alice@example.com", &change).await;
    assert_eq!(changed.unwrap().account.as_deref(), Some("a.liddell"));
    let users = control.users().await.unwrap();
    let accounts: Vec<&str> = users.iter().filter_map(|user| user.account.as_deref()).collect();
    assert_eq!(accounts, ["a.liddell"]);
}
