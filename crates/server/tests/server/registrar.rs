//! Who is signed in where, for how long, and what ends with it. The clock is turned, not waited for.

use std::time::Duration;

use parlor_server::{SeedUser, UnprovedUsers};
use parlor_sip::{Event, Method, Name, NameAddr, Request, RequestDraft, Response, StatusCode};

use crate::world::{DOMAIN, GRUU, Member, World, disable, pass, user};

const GRACE: Duration = Duration::from_secs(75);

async fn signed_in(world: &World, name: &str) -> Member {
    let mut member = Member::new(world.user_connection(name).await, user(name), None);
    assert_eq!(member.register().await.status(), StatusCode::OK);
    member
}

fn register(expires: &str) -> RequestDraft {
    RequestDraft::new(Method::REGISTER).header(Name::Expires, expires)
}

fn reason(response: &Response) -> &str {
    response.headers().get(Name::MsDiagnostics).unwrap_or_default()
}

fn contacts(response: &Response) -> Vec<NameAddr> {
    let values = response.headers().all(Name::Contact);
    values
        .map(|value| value.parse().expect("a Contact that can be read"))
        .collect()
}

/// What the next notification says about bob.
async fn availability(watcher: &mut Member) -> String {
    loop {
        if let Event::Request { request, .. } = watcher.event().await {
            return availability_in(&request);
        }
    }
}

fn availability_in(request: &Request) -> String {
    let text = String::from_utf8_lossy(request.body());
    let (_, rest) = text.split_once("<availability>").expect("a state");
    rest.split('<').next().unwrap_or_default().to_owned()
}

async fn watch_bob(world: &World) -> Member {
    let mut watcher = signed_in(world, "alice").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify");
    let accepted = watcher.request("bob@example.com", subscribe).await;
    assert_eq!(accepted.status(), StatusCode::OK);
    watcher
}

async fn publish(bob: &mut Member, version: u32, availability: u32) {
    let body = format!(
        "<publish xmlns=\"u\"><publications uri=\"sip:bob@example.com\"><publication categoryName=\"state\" \
         instance=\"7\" container=\"2\" version=\"{version}\" expireType=\"endpoint\"><state xmlns=\"s\" \
         xmlns:xsi=\"x\" xsi:type=\"machineState\"><availability>{availability}</availability></state></publication>\
         </publications></publish>"
    );
    let service = RequestDraft::new(Method::SERVICE).body("application/msrtc-category-publish+xml", body);
    let published = bob.request("bob@example.com", service).await;
    assert_eq!(published.status(), StatusCode::OK);
}

/// Waits until the server knows that connections are gone.
async fn connections(world: &World, left: usize) {
    for _ in 0..2_000 {
        if world.server.status().connections == left {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("still {} connections", world.server.status().connections);
}

#[tokio::test]
async fn who_comes_back_in_time_was_never_away_for_those_who_watch() {
    let world = World::start().await;
    let mut watcher = watch_bob(&world).await;
    let mut bob = signed_in(&world, "bob").await;
    publish(&mut bob, 0, 3500).await;
    assert_eq!(availability(&mut watcher).await, "3500");

    let mut back = bob.again(world.user_connection("bob").await);
    drop(bob);
    connections(&world, 2).await;
    assert_eq!(back.register().await.status(), StatusCode::OK);
    pass(GRACE * 2).await;
    // What was published over the old connection is there and the next thing that is heard is the next change.
    publish(&mut back, 1, 6500).await;
    assert_eq!(availability(&mut watcher).await, "6500");
    // It belongs to the new connection now.
    assert_eq!(back.request(DOMAIN, register("0")).await.status(), StatusCode::OK);
    assert_eq!(availability(&mut watcher).await, "18000");
}

#[tokio::test]
async fn who_does_not_come_back_is_gone_after_the_grace_time() {
    let world = World::start().await;
    let mut watcher = watch_bob(&world).await;
    let mut bob = signed_in(&world, "bob").await;
    publish(&mut bob, 0, 3500).await;
    assert_eq!(availability(&mut watcher).await, "3500");
    drop(bob);
    connections(&world, 1).await;
    // Nobody can be called where nobody hears.
    assert_eq!(watcher.invite("bob").await, StatusCode::TEMPORARILY_UNAVAILABLE);
    pass(GRACE - Duration::from_secs(5)).await;
    let status = watcher
        .request(DOMAIN, RequestDraft::new(Method::REGISTER))
        .await
        .status();
    assert_eq!(status, StatusCode::OK);
    pass(Duration::from_secs(5)).await;
    assert_eq!(availability(&mut watcher).await, "18000");
}

#[tokio::test]
async fn a_registration_that_nobody_refreshes_ends_with_everything_it_opened() {
    let world = World::start().await;
    let mut watcher = watch_bob(&world).await;
    let mut bob = signed_in(&world, "bob").await;
    publish(&mut bob, 0, 3500).await;
    assert_eq!(availability(&mut watcher).await, "3500");
    assert_eq!(bob.invite("pchat").await, StatusCode::OK);
    pass(Duration::from_secs(400)).await;
    assert_eq!(watcher.register().await.status(), StatusCode::OK);
    pass(Duration::from_secs(200)).await;
    assert_eq!(availability(&mut watcher).await, "18000");
    assert_eq!(bob.dialog_end().await, parlor_sip::DialogEnd::Bye);
    assert_eq!(watcher.invite("bob").await, StatusCode::TEMPORARILY_UNAVAILABLE);
    // The connection is still good for another registration.
    assert_eq!(bob.register().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_same_endpoint_over_a_new_connection_closes_the_old_one() {
    let world = World::start().await;
    let mut old = signed_in(&world, "alice").await;
    let mut other = signed_in(&world, "alice").await;
    let mut new = old.again(world.user_connection("alice").await);
    let response = new.register().await;
    assert_eq!(contacts(&response).len(), 2);
    old.closed().await;
    assert_eq!(other.register().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_names_every_endpoint_and_the_own_one_first() {
    let world = World::start().await;
    let desk = signed_in(&world, "alice").await;
    let mut phone = signed_in(&world, "alice").await;
    let query = RequestDraft::new(Method::REGISTER);
    let response = phone.bare_request(DOMAIN, query).await;
    assert_eq!(response.status(), StatusCode::OK);
    let contacts = contacts(&response);
    let gruu = |of: &Member| format!("sip:alice@example.com;opaque=user:epid:{};gruu", of.epid);
    let gruus: Vec<_> = contacts
        .iter()
        .filter_map(|contact| contact.params.get("gruu"))
        .collect();
    assert_eq!(gruus, [gruu(&phone), gruu(&desk)]);
    assert!(
        contacts
            .iter()
            .all(|contact| contact.params.get("expires") == Some("600"))
    );
}

#[tokio::test]
async fn a_star_signs_off_everywhere_and_only_that() {
    let world = World::start().await;
    let mut desk = signed_in(&world, "alice").await;
    let mut phone = signed_in(&world, "alice").await;
    let star = |expires| register(expires).header(Name::Contact, "*");
    let refused = phone.bare_request(DOMAIN, star("600")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(
        reason(&refused).contains("* with Expires: 0"),
        "{}",
        reason(&refused)
    );
    assert_eq!(desk.invite("pchat").await, StatusCode::OK);
    let response = phone.bare_request(DOMAIN, star("0")).await;
    assert_eq!(
        (response.status(), contacts(&response).len()),
        (StatusCode::OK, 0)
    );
    assert_eq!(desk.dialog_end().await, parlor_sip::DialogEnd::Bye);
}

#[tokio::test]
async fn what_cannot_be_bound_is_refused_with_its_reason() {
    let world = World::start().await;
    let mut alice = signed_in(&world, "alice").await;
    let brief = alice.request(DOMAIN, register("5")).await;
    assert_eq!(brief.status(), StatusCode::INTERVAL_TOO_BRIEF);
    assert_eq!(brief.headers().get(Name::MinExpires), Some("30"));
    let long = format!("<sip:127.0.0.1:5060;ms-opaque={}>", "a".repeat(1_100));
    for contact in [
        long.as_str(),
        "<sip:192.0.2.1>, <sip:192.0.2.2>",
        "<sip:192.0.2.1",
    ] {
        let draft = register("600").header(Name::Contact, contact);
        let refused = alice.bare_request(DOMAIN, draft).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{contact}");
    }
    // The Contact's own time goes before Expires.
    let own = register("600").header(Name::Contact, "<sip:127.0.0.1:5060>;expires=60");
    let granted = alice.bare_request(DOMAIN, own).await;
    assert_eq!(granted.expires(), Ok(Some(60)));
    alice.epid = "a;b".to_owned();
    let odd = alice.register().await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST, "{}", reason(&odd));
}

#[tokio::test]
async fn a_user_has_a_limited_number_of_endpoints() {
    let world = World::start().await;
    let mut alice = signed_in(&world, "alice").await;
    for number in 1..16 {
        alice.epid = format!("{number:012x}");
        assert_eq!(alice.register().await.status(), StatusCode::OK);
    }
    alice.epid = "ffffffffffff".to_owned();
    let refused = alice.register().await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        reason(&refused).contains("too many endpoints"),
        "{}",
        reason(&refused)
    );
}

#[tokio::test]
async fn a_connection_carries_a_limited_number_of_users() {
    let limit = 1_024;
    let world = World::with(|config| {
        config.listeners[1].unproved = UnprovedUsers::InsecureBelievedOnLoopback;
        let template = config.seed.users[0].clone();
        config.seed.users.extend((0..=limit).map(|number| SeedUser {
            uri: user(&format!("user{number}")),
            ..template.clone()
        }));
    })
    .await;
    let mut host = Member::new(world.bare_connection(1).await, user("user0"), None);
    for number in 0..limit {
        host.user = user(&format!("user{number}"));
        assert_eq!(host.register().await.status(), StatusCode::OK);
    }
    host.user = user(&format!("user{limit}"));
    let refused = host.register().await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        reason(&refused).contains("too many users"),
        "{}",
        reason(&refused)
    );
    // Nor is anybody else told of anything.
    let subscribe = RequestDraft::new(Method::SUBSCRIBE).header(Name::Event, "vnd-microsoft-roaming-self");
    let refused = host.request(&format!("user{limit}@{DOMAIN}"), subscribe).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        reason(&refused).contains("too many users"),
        "{}",
        reason(&refused)
    );
}

#[tokio::test]
async fn who_is_disabled_loses_the_connection_and_those_who_watch_hear_it_at_once() {
    let world = World::start().await;
    let mut watcher = watch_bob(&world).await;
    let mut bob = signed_in(&world, "bob").await;
    publish(&mut bob, 0, 3500).await;
    assert_eq!(availability(&mut watcher).await, "3500");
    disable(&world, "bob").await;
    bob.closed().await;
    assert_eq!(availability(&mut watcher).await, "18000");
    let mut again = bob.again(world.user_connection("bob").await);
    let refused = again.register().await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    // What a person with a real client reads.
    assert_eq!(
        refused.headers().get_other("ms-diagnostics-public"),
        Some("60021;reason=\"the user is disabled\"")
    );
    assert!(reason(&refused).contains("disabled"), "{}", reason(&refused));
}

#[tokio::test]
async fn who_is_disabled_while_the_connection_is_lost_does_not_wait_for_the_grace_time() {
    let world = World::start().await;
    let mut watcher = watch_bob(&world).await;
    let mut bob = signed_in(&world, "bob").await;
    publish(&mut bob, 0, 3500).await;
    assert_eq!(availability(&mut watcher).await, "3500");
    drop(bob);
    connections(&world, 1).await;
    disable(&world, "bob").await;
    assert_eq!(availability(&mut watcher).await, "18000");
}

#[tokio::test]
async fn an_application_goes_on_without_the_user_who_was_disabled() {
    let world = World::start().await;
    let mut bot = Member::new(world.application_connection().await, user("newsbot"), Some(GRUU));
    assert_eq!(bot.register().await.status(), StatusCode::OK);
    assert_eq!(bot.invite("pchat").await, StatusCode::OK);
    disable(&world, "newsbot").await;
    assert_eq!(bot.dialog_end().await, parlor_sip::DialogEnd::Bye);
    assert_eq!(bot.register().await.status(), StatusCode::FORBIDDEN);
    bot.user = user("phone");
    assert_eq!(bot.register().await.status(), StatusCode::OK);
}
