//! What users publish, who sees it, and contact lists.

use parlor_sip::{Method, Name, Request, RequestDraft, StatusCode};

use crate::world::{Member, World, user};

pub(crate) const PUBLISH: &str = "application/msrtc-category-publish+xml";
const BATCH: &str = "<batchSub xmlns=\"u\" uri=\"sip:alice@example.com\" name=\"\"><action name=\"subscribe\" id=\"1\">\
                     <adhocList><resource uri=\"sip:bob@example.com\"/><resource uri=\"sip:nobody@example.com\"/>\
                     </adhocList><categoryList><category name=\"state\"/></categoryList></action></batchSub>";

pub(crate) fn state(version: u32, availability: u32) -> String {
    format!(
        "<publish xmlns=\"u\"><publications uri=\"sip:bob@example.com\"><publication categoryName=\"state\" \
         instance=\"7\" container=\"2\" version=\"{version}\" expireType=\"endpoint\"><state xmlns=\"s\" \
         xmlns:xsi=\"x\" xsi:type=\"machineState\"><availability>{availability}</availability></state></publication>\
         </publications></publish>"
    )
}

pub(crate) async fn member(world: &World, name: &str) -> Member {
    let mut member = Member::new(world.user_connection(name).await, user(name), None);
    assert_eq!(member.register().await.status(), StatusCode::OK);
    member
}

pub(crate) async fn heard(member: &mut Member) -> Request {
    loop {
        if let parlor_sip::Event::Request { request, .. } = member.event().await {
            return request;
        }
    }
}

/// What separates the parts of a batch.
fn boundary(response: &parlor_sip::Response) -> String {
    let media_type = response.headers().get(Name::ContentType).unwrap_or_default();
    media_type
        .split("boundary=")
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

pub(crate) fn text(body: &[u8]) -> String {
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
    assert!(
        first.contains(&format!("\r\n\r\n--{}--\r\n", boundary(&accepted))),
        "{first}"
    );

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

    let sign_off = RequestDraft::new(Method::REGISTER).header(Name::Expires, "0");
    assert_eq!(
        bob.request(crate::world::DOMAIN, sign_off).await.status(),
        StatusCode::OK
    );
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
        told.contains("<addedContact uri=\"sip:bob@example.com\" name=\"Bob\""),
        "{told}"
    );
}

#[tokio::test]
async fn a_client_shows_its_own_state_all_in_all() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "vnd-microsoft-roaming-self")
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify");
    let first = bob.request("bob@example.com", subscribe).await;
    assert!(!text(first.body()).contains("aggregateState"));
    let service = RequestDraft::new(Method::SERVICE).body(PUBLISH, state(0, 6500));
    let published = bob.request("bob@example.com", service).await;
    let aggregate = "container=\"2\" version=\"1\" expireType=\"static\">\
                     <state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\" \
                     xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"aggregateState\">\
                     <availability>6500</availability></state>";
    assert!(
        text(published.body()).contains(aggregate),
        "{}",
        text(published.body())
    );
    // The publisher is told as the user's other clients are.
    let told = text(heard(&mut bob).await.body());
    assert!(
        told.contains(aggregate) && told.contains("machineState"),
        "{told}"
    );
}

#[tokio::test]
async fn a_bot_is_available_while_it_talks_though_it_never_registers() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify");
    let accepted = alice.request("newsbot@example.com", subscribe).await;
    assert!(text(accepted.body()).contains("<availability>18000<"));
    let mut bot = world.bot("newsbot").await;
    assert!(text(heard(&mut alice).await.body()).contains("<availability>3500<"));
    // The connection stays, the bot does not.
    bot.bye().await;
    assert!(text(heard(&mut alice).await.body()).contains("<availability>18000<"));
    assert_eq!(bot.invite("pchat").await, StatusCode::OK);
    assert!(text(heard(&mut alice).await.body()).contains("<availability>3500<"));
    drop(bot);
    assert!(text(heard(&mut alice).await.body()).contains("<availability>18000<"));
}

#[tokio::test]
async fn a_client_that_adds_a_contact_first_is_not_shown_an_empty_list() {
    let world = World::start().await;
    let subscribe = || {
        RequestDraft::new(Method::SUBSCRIBE)
            .header(Name::Event, "vnd-microsoft-roaming-contacts")
            .header(Name::Supported, "ms-piggyback-first-notify")
            .header(Name::ProxyRequire, "ms-benotify")
    };
    let soap = |command: &str| {
        let body = format!("<s:Envelope xmlns:s=\"e\" xmlns:m=\"w\"><s:Body>{command}</s:Body></s:Envelope>");
        RequestDraft::new(Method::SERVICE).body("application/SOAP+xml", body)
    };
    let mut desk = member(&world, "alice").await;
    let mut lap = member(&world, "alice").await;
    for client in [&mut desk, &mut lap] {
        let accepted = client.request("alice@example.com", subscribe()).await;
        assert_eq!((accepted.status(), accepted.body().len()), (StatusCode::OK, 0));
    }
    // What pidgin-sipe does first; the contact follows the answer.
    let group = soap("<m:addGroup><m:name>~</m:name><m:deltaNum>0</m:deltaNum></m:addGroup>");
    let added = desk.request("alice@example.com", group).await;
    assert!(text(added.body()).contains("<m:groupID>1</m:groupID>"));
    // The desk's time was up before that of the other client.
    let list = text(heard(&mut lap).await.body());
    assert!(list.starts_with("<contactList deltaNum=\"1\">"), "{list}");
    let set = "<m:setContact><m:URI>sip:bob@example.com</m:URI><m:groups>1</m:groups><m:deltaNum>1</m:deltaNum>\
               </m:setContact>";
    let sent = desk.send_request("alice@example.com", soap(set));
    let told = text(heard(&mut desk).await.body());
    assert!(
        told.starts_with("<contactDelta deltaNum=\"2\" prevDeltaNum=\"1\">"),
        "{told}"
    );
    assert_eq!(desk.answer(sent).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_look_at_somebody_ends_no_subscription() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let subscribe = |expires: &str| {
        RequestDraft::new(Method::SUBSCRIBE)
            .header(Name::Event, "presence")
            .header(Name::Expires, expires)
            .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify")
    };
    for (expires, state) in [("600", "active;expires=600"), ("0", "terminated;expires=0")] {
        let accepted = alice.request("bob@example.com", subscribe(expires)).await;
        assert_eq!(accepted.headers().get(Name::SubscriptionState), Some(state));
    }
    let mut bob = member(&world, "bob").await;
    let service = RequestDraft::new(Method::SERVICE).body(PUBLISH, state(0, 3500));
    bob.request("bob@example.com", service).await;
    assert!(text(heard(&mut alice).await.body()).contains("<availability>3500<"));
}

#[tokio::test]
async fn nobody_speaks_for_another_in_a_batch() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let mut bob = member(&world, "bob").await;
    let subscribe = || {
        RequestDraft::new(Method::SUBSCRIBE)
            .header(Name::Event, "presence")
            .header(Name::Supported, "ms-piggyback-first-notify")
            .body(
                "application/msrtc-adrl-categorylist+xml",
                BATCH.replace("state", "note"),
            )
    };
    let before = boundary(&alice.request("alice@example.com", subscribe()).await);
    let forged = format!(
        "<publish xmlns=\"u\"><publications><publication categoryName=\"note\" instance=\"0\" container=\"200\">\
         <note xmlns=\"n\">\r\n\r\n--{before}\r\n\r\nforged</note></publication></publications></publish>"
    );
    let service = RequestDraft::new(Method::SERVICE).body(PUBLISH, forged);
    assert_eq!(
        bob.request("bob@example.com", service).await.status(),
        StatusCode::OK
    );
    let batch = alice.request("alice@example.com", subscribe()).await;
    let parts = text(batch.body());
    assert!(parts.contains("forged"), "{parts}");
    // The list, bob's part, and the end.
    let boundary = boundary(&batch);
    assert_eq!(parts.matches(&format!("--{boundary}")).count(), 3, "{parts}");
    assert!(boundary.len() > 20 && boundary != before);
}
