//! Who gets in, as whom, and what the others are told.

use parlor_net::certificates::Subject;
use parlor_server::UnprovedUsers;
use parlor_sip::{Method, Name, RequestDraft, StatusCode};

use crate::world::{DOMAIN, GRUU, Member, World, user};

fn diagnostics(response: &parlor_sip::Response) -> String {
    response
        .headers()
        .get(Name::MsDiagnostics)
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_user_signs_in_with_a_certificate() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    let response = alice.register().await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.expires(), Ok(Some(600)));
    assert!(response.supported().any(|tag| tag == "msrtc-event-categories"));
    let events = response.headers().get(Name::AllowEvents).unwrap();
    assert!(events.starts_with("vnd-microsoft-provisioning-v2,"), "{events}");
    let contact = response.headers().get(Name::Contact).unwrap();
    assert!(
        contact.contains(&format!(
            "gruu=\"sip:alice@example.com;opaque=user:epid:{};gruu\"",
            alice.epid
        )),
        "{contact}"
    );
}

#[tokio::test]
async fn provisioning_tells_where_chat_is() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "vnd-microsoft-provisioning-v2")
        .header(Name::Expires, "0")
        .header(Name::Supported, "ms-piggyback-first-notify");
    let response = alice.request("alice@example.com", subscribe).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get_other("ms-piggyback-cseq"), Some("1"));
    assert_eq!(
        response.headers().get(Name::SubscriptionState),
        Some("terminated;expires=0")
    );
    let document = String::from_utf8_lossy(response.body()).into_owned();
    assert!(document.contains(">sip:pchat@example.com<"), "{document}");
}

#[tokio::test]
async fn provisioning_comes_as_benotify_to_those_who_do_not_piggyback() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "vnd-microsoft-provisioning-v2")
        .header(Name::ProxyRequire, "ms-benotify");
    let response = alice.request("alice@example.com", subscribe).await;
    assert!(response.body().is_empty());
    loop {
        if let parlor_sip::Event::Request {
            transaction, request, ..
        } = alice.event().await
        {
            assert_eq!((request.method(), transaction), (&Method::BENOTIFY, None));
            assert_eq!(request.call_id(), response.call_id());
            assert!(String::from_utf8_lossy(request.body()).contains("EnablePersistentChat"));
            return;
        }
    }
}

#[tokio::test]
async fn other_requests_get_a_correct_answer() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    let dance = RequestDraft::new(Method::SUBSCRIBE).header(Name::Event, "dance");
    assert_eq!(
        alice.request("bob@example.com", dance).await.status(),
        StatusCode::BAD_EVENT
    );
    let service = RequestDraft::new(Method::SERVICE);
    assert_eq!(
        alice.request("alice@example.com", service).await.status(),
        StatusCode::OK
    );
    let message = RequestDraft::new(Method::MESSAGE);
    assert_eq!(
        alice.request("bob@example.com", message).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    let other = RequestDraft::new(Method::from_token("DANCE").unwrap());
    assert_eq!(
        alice.request("bob@example.com", other).await.status(),
        StatusCode::NOT_IMPLEMENTED
    );
}

#[tokio::test]
async fn nobody_is_believed_without_proof() {
    let world = World::start().await;
    for listener in [0, 1] {
        let mut stranger = Member::new(world.bare_connection(listener).await, user("alice"), None);
        let response = stranger.register().await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(
            diagnostics(&response).contains("proves no identity"),
            "{}",
            diagnostics(&response)
        );
        assert_eq!(stranger.invite("pchat").await, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_certificate_speaks_for_its_own_user_only() {
    let world = World::start().await;
    let mut liar = Member::new(world.user_connection("alice").await, user("bob"), None);
    let response = liar.invite_fully("pchat").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        diagnostics(&response).contains("does not name the user"),
        "{}",
        diagnostics(&response)
    );
}

#[tokio::test]
async fn who_is_not_in_the_directory_is_not_found() {
    let world = World::start().await;
    let mut mallory = Member::new(world.user_connection("mallory").await, user("mallory"), None);
    assert_eq!(mallory.invite("pchat").await, StatusCode::NOT_FOUND);
    let mut ghost = Member::new(world.application_connection().await, user("ghost"), Some(GRUU));
    assert_eq!(ghost.invite("pchat").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_trusted_application_speaks_as_the_users_it_is_allowed() {
    let world = World::start().await;
    let mut bot = Member::new(world.application_connection().await, user("newsbot"), Some(GRUU));
    let response = bot.invite_fully("pchat").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.session_expires().unwrap().is_some());
    let mut other = Member::new(world.application_connection().await, user("alice"), Some(GRUU));
    let response = other.invite_fully("pchat").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        diagnostics(&response).contains("may not speak as the user"),
        "{}",
        diagnostics(&response)
    );
}

#[tokio::test]
async fn a_gruu_must_be_the_applications_own() {
    let world = World::start().await;
    let cases = [
        ("sip:newsbot@example.com", "not the GRUU"),
        (
            "sip:host1.example.com@example.com;gruu;opaque=srvr:other:x",
            "names an application that is not",
        ),
        (
            "sip:host2.example.com@example.com;gruu;opaque=srvr:parlor-bots:x",
            "belongs to another computer",
        ),
        (
            "sip:host1.example.com@example.com;gruu;opaque=srvr:parlor-bots:x",
            "belongs to another computer",
        ),
    ];
    for (contact, reason) in cases {
        let mut bot = Member::new(
            world.application_connection().await,
            user("newsbot"),
            Some(contact),
        );
        let response = bot.invite_fully("pchat").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(
            diagnostics(&response).contains(reason),
            "{}",
            diagnostics(&response)
        );
    }
}

#[tokio::test]
async fn a_computer_outside_the_pool_is_not_trusted() {
    let world = World::start().await;
    let subject = Subject::Application {
        pool: "evil.example.com".to_owned(),
        computers: Vec::new(),
    };
    let connection = world.connection("evil", &subject).await;
    let mut bot = Member::new(connection, user("newsbot"), Some(GRUU));
    assert_eq!(bot.invite("pchat").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_contact_object_may_register_and_is_refused_for_chat() {
    let world = World::start().await;
    let mut phone = Member::new(world.application_connection().await, user("phone"), Some(GRUU));
    assert_eq!(phone.register().await.status(), StatusCode::OK);
    let response = phone.invite_fully("pchat").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        diagnostics(&response).contains("contact objects"),
        "{}",
        diagnostics(&response)
    );
}

#[tokio::test]
async fn chat_answers_under_its_address_and_the_legacy_one() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    assert_eq!(alice.invite("ocschat").await, StatusCode::OK);
    assert_eq!(alice.invite("nothing").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_user_has_a_limited_number_of_dialogs() {
    let world = World::with(|config| config.limits.user_dialogs = 2).await;
    let mut alice = world.chat("alice").await;
    assert_eq!(alice.invite("pchat").await, StatusCode::OK);
    let response = alice.invite_fully("pchat").await;
    assert_eq!(response.status(), StatusCode::BUSY_HERE);
    assert!(
        diagnostics(&response).contains("too many"),
        "{}",
        diagnostics(&response)
    );
}

#[tokio::test]
async fn an_asserted_identity_counts_from_a_trusted_computer_only() {
    let world = World::start().await;
    let asserted =
        || RequestDraft::new(Method::REGISTER).header(Name::PAssertedIdentity, "<sip:newsbot@example.com>");
    let mut bot = Member::new(world.application_connection().await, user("alice"), Some(GRUU));
    assert_eq!(bot.request(DOMAIN, asserted()).await.status(), StatusCode::OK);
    let mut liar = Member::new(world.user_connection("alice").await, user("newsbot"), None);
    let alice =
        RequestDraft::new(Method::REGISTER).header(Name::PAssertedIdentity, "<sip:alice@example.com>");
    assert_eq!(liar.request(DOMAIN, alice).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_listener_for_tests_believes_loopback() {
    let world = World::with(|config| {
        config.listeners[1].unproved = UnprovedUsers::InsecureBelievedOnLoopback;
    })
    .await;
    let mut alice = Member::new(world.bare_connection(1).await, user("alice"), None);
    assert_eq!(alice.register().await.status(), StatusCode::OK);
    assert_eq!(alice.invite("pchat").await, StatusCode::OK);
    // The other listener of the same server does not.
    let mut stranger = Member::new(world.bare_connection(0).await, user("alice"), None);
    assert_eq!(stranger.invite("pchat").await, StatusCode::FORBIDDEN);
}
