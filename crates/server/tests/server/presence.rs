//! What users publish, who sees it, and contact lists.

use parlor_sip::{Method, Name, Request, RequestDraft, StatusCode};

use crate::world::{Member, World, user};

const PUBLISH: &str = "application/msrtc-category-publish+xml";
const BATCH: &str = "<batchSub xmlns=\"u\" uri=\"sip:alice@example.com\" name=\"\"><action name=\"subscribe\" id=\"1\">\
                     <adhocList><resource uri=\"sip:bob@example.com\"/><resource uri=\"sip:nobody@example.com\"/>\
                     </adhocList><categoryList><category name=\"state\"/></categoryList></action></batchSub>";

fn state(version: u32, availability: u32) -> String {
    format!(
        "<publish xmlns=\"u\"><publications uri=\"sip:bob@example.com\"><publication categoryName=\"state\" \
         instance=\"7\" container=\"2\" version=\"{version}\" expireType=\"endpoint\"><state xmlns=\"s\" \
         xmlns:xsi=\"x\" xsi:type=\"machineState\"><availability>{availability}</availability></state></publication>\
         </publications></publish>"
    )
}

async fn member(world: &World, name: &str) -> Member {
    let mut member = Member::new(world.user_connection(name).await, user(name), None);
    assert_eq!(member.register().await.status(), StatusCode::OK);
    member
}

async fn heard(member: &mut Member) -> Request {
    loop {
        if let parlor_sip::Event::Request { request, .. } = member.event().await {
            return request;
        }
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[tokio::test]
async fn a_watcher_hears_of_every_change_until_the_other_goes() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let mut bob = member(&world, "bob").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify")
        .body("application/msrtc-adrl-categorylist+xml", BATCH);
    let accepted = alice.request("alice@example.com", subscribe).await;
    let first = text(accepted.body());
    assert!(first.contains("<availability>18000<"), "{first}");
    assert!(
        first.contains("state=\"terminated\" reason=\"noresource\""),
        "{first}"
    );
    assert!(first.contains("\r\n\r\n--parlor-presence-part--"), "{first}");

    let publish = |body: String| RequestDraft::new(Method::SERVICE).body(PUBLISH, body);
    let published = bob.request("bob@example.com", publish(state(0, 3500))).await;
    assert!(text(published.body()).contains("version=\"1\""));
    let told = heard(&mut alice).await;
    assert_eq!(told.method(), &Method::BENOTIFY);
    assert_eq!(told.call_id().ok(), accepted.call_id().ok());
    assert!(text(told.body()).contains("<availability>3500<"));

    // A publication made for another version is refused and says which one is there.
    let stale = bob.request("bob@example.com", publish(state(0, 6500))).await;
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    assert!(text(stale.body()).contains("Client.BadCall.WrongDelta"));
    assert!(text(stale.body()).contains("index=\"1\" curVersion=\"1\""));

    drop(bob);
    assert!(text(heard(&mut alice).await.body()).contains("<availability>18000<"));
}

#[tokio::test]
async fn who_is_blocked_sees_nobody_there() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let mut bob = member(&world, "bob").await;
    let block = "<setContainerMembers xmlns=\"u\"><container id=\"32000\" version=\"0\"><member action=\"add\" \
                 type=\"user\" value=\"alice@example.com\"/></container></setContainerMembers>";
    for (media, body) in [
        (PUBLISH, state(0, 3500)),
        ("application/msrtc-setcontainermembers+xml", block.to_owned()),
    ] {
        let service = RequestDraft::new(Method::SERVICE).body(media, body);
        assert_eq!(
            bob.request("bob@example.com", service).await.status(),
            StatusCode::OK
        );
    }
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify");
    let accepted = alice.request("bob@example.com", subscribe).await;
    assert!(text(accepted.body()).contains("<availability>18000<"));
}

#[tokio::test]
async fn a_contact_is_told_to_every_computer_of_the_user() {
    let world = World::start().await;
    let mut desk = member(&world, "alice").await;
    let mut lap = member(&world, "alice").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "vnd-microsoft-roaming-contacts")
        .header(Name::ProxyRequire, "ms-benotify");
    assert_eq!(
        lap.request("alice@example.com", subscribe).await.status(),
        StatusCode::OK
    );
    let set = "<s:Envelope xmlns:s=\"e\" xmlns:m=\"w\"><s:Body><m:setContact><m:displayName>Bob</m:displayName>\
               <m:groups>1</m:groups><m:subscribed>true</m:subscribed><m:URI>sip:bob@example.com</m:URI>\
               <m:deltaNum>1</m:deltaNum></m:setContact></s:Body></s:Envelope>";
    for expected in [StatusCode::OK, StatusCode::CONFLICT] {
        let service = RequestDraft::new(Method::SERVICE).body("application/SOAP+xml", set);
        assert_eq!(
            desk.request("alice@example.com", service).await.status(),
            expected
        );
    }
    let told = text(heard(&mut lap).await.body());
    assert!(
        told.contains("<addedContact uri=\"bob@example.com\" name=\"Bob\""),
        "{told}"
    );
}
