//! What one connection may listen to, and when it does not listen any more.

use parlor_sip::{Method, Name, RequestDraft, Response, StatusCode};

use crate::presence::{PUBLISH, member};
use crate::world::{Member, World, disable, user};

/// A new one each time, as every call has a Call-ID of its own.
async fn watch_bob(watcher: &mut Member, expires: &str) -> Response {
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Expires, expires)
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify");
    watcher.bare_request("bob@example.com", subscribe).await
}

fn note(instance: usize, bytes: usize) -> RequestDraft {
    let note = "x".repeat(bytes);
    let body = format!(
        "<publish><publications><publication categoryName=\"note\" instance=\"{instance}\" container=\"200\" \
         version=\"0\" expireType=\"endpoint\"><n>{note}</n></publication></publications></publish>"
    );
    RequestDraft::new(Method::SERVICE).body(PUBLISH, body)
}

#[tokio::test]
async fn a_connection_has_a_limited_number_of_subscriptions() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    for _ in 0..1_024 {
        assert_eq!(watch_bob(&mut alice, "600").await.status(), StatusCode::OK);
    }
    let refused = watch_bob(&mut alice, "600").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let reason = refused.headers().get(Name::MsDiagnostics).unwrap_or_default();
    assert!(reason.contains("too many subscriptions"), "{reason}");
    // A look takes no place.
    assert_eq!(watch_bob(&mut alice, "0").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_is_told_more_than_can_wait_loses_the_connection() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let mut bob = member(&world, "bob").await;
    for instance in 0..10 {
        let published = bob.request("bob@example.com", note(instance, 15_000)).await;
        assert_eq!(published.status(), StatusCode::OK);
    }
    // All of them are told at once: 40 times 150 kB.
    for _ in 0..40 {
        watch_bob(&mut alice, "600").await;
    }
    let published = bob.request("bob@example.com", note(10, 1)).await;
    assert_eq!(published.status(), StatusCode::OK);
    alice.closed().await;
    // Whoever published is not to blame.
    let published = bob.request("bob@example.com", note(11, 1)).await;
    assert_eq!(published.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_is_disabled_does_not_listen_on_without_having_registered() {
    let world = World::start().await;
    let mut alice = Member::new(world.user_connection("alice").await, user("alice"), None);
    assert_eq!(watch_bob(&mut alice, "600").await.status(), StatusCode::OK);
    disable(&world, "alice").await;
    alice.closed().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_refused() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    for list in ["<batchSub>", "<batchSub/>", "no list"] {
        let subscribe = RequestDraft::new(Method::SUBSCRIBE)
            .header(Name::Event, "presence")
            .body("application/msrtc-adrl-categorylist+xml", list);
        let refused = alice.request("alice@example.com", subscribe).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{list}");
    }
}
