//! What a server tells monitoring.

use parlor_metrics::Exposition;
use parlor_sip::StatusCode;
use parlor_xccos::ErrorCode;

use crate::world::World;

/// The value of one series; none when it is not told.
fn number(world: &World, series: &str) -> Option<f64> {
    let mut exposition = Exposition::default();
    world.server.health().write(&mut exposition);
    let text = exposition.finish();
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn posts_their_copies_and_refusals_are_counted() {
    let world = World::with(|config| config.limits.message_bytes = 8).await;
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    alice.join(&lobby).await;
    bob.join(&lobby).await;
    alice.post(&lobby, "hello").await;
    bob.next_post().await;
    alice.next_post().await;
    assert_eq!(
        alice.post(&lobby, "too long").await,
        StatusCode::OK,
        "eight bytes are enough for eight"
    );
    bob.next_post().await;
    assert_eq!(
        alice.post(&lobby, "much too long").await,
        StatusCode::REQUEST_ENTITY_TOO_LARGE
    );
    assert_eq!(number(&world, "parlor_server_posts_total"), Some(2.0));
    assert_eq!(number(&world, "parlor_server_deliveries_total"), Some(4.0));
    assert_eq!(number(&world, "parlor_server_fan_out_count"), Some(2.0));
    assert_eq!(number(&world, "parlor_server_fan_out_sum"), Some(4.0));
    assert_eq!(number(&world, "parlor_server_append_seconds_count"), Some(2.0));
    assert_eq!(
        number(&world, "parlor_server_posts_refused_total{reason=\"too_long\"}"),
        Some(1.0)
    );
    assert_eq!(number(&world, "parlor_server_sessions"), Some(2.0));
    assert_eq!(number(&world, "parlor_server_rooms_live"), Some(1.0));
}

#[tokio::test]
async fn a_full_disk_is_told_until_it_has_room_again() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let health = world.server.health();
    assert_eq!(health.trouble(), None);
    world.store.faults().set_full(true);
    let post = parlor_xccos::Post::new(
        lobby.clone(),
        crate::world::user("alice"),
        parlor_xccos::Timestamp::from_millis(0),
        "lost",
    );
    let (_, to) = alice.post_fully(post).await;
    assert_eq!(alice.reply(to).await.error(), Some(ErrorCode::DatabaseConnection));
    assert_eq!(
        health.trouble().as_deref(),
        Some("the store takes no posts: no space left")
    );
    assert_eq!(number(&world, "parlor_server_store_full"), Some(1.0));
    assert_eq!(
        number(&world, "parlor_server_posts_refused_total{reason=\"store\"}"),
        Some(1.0)
    );
    world.store.faults().set_full(false);
    alice.post(&lobby, "kept").await;
    alice.next_post().await;
    assert_eq!(health.trouble(), None);
    assert_eq!(number(&world, "parlor_server_store_full"), Some(0.0));
}

#[tokio::test]
async fn a_request_is_refused_with_a_reason_that_is_counted() {
    let world = World::start().await;
    let mut alice = world.chat("alice").await;
    assert_eq!(alice.invite("nobody").await, StatusCode::NOT_FOUND);
    let told = "parlor_server_requests_refused_total{reason=\"no_such_service\"}";
    let other = "parlor_server_requests_refused_total{reason=\"unknown_user\"}";
    assert!(number(&world, told).or_else(|| number(&world, other)).is_some());
}
