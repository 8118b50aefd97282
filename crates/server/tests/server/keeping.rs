//! What users keep: it survives the server, and is answered when it is stored.

use parlor_sip::{Method, Name, RequestDraft, Response, StatusCode};
use parlor_xccos::{Command, ReplyData, RoomUri};

use crate::presence::{PUBLISH, heard, member, state, text};
use crate::world::{Member, World};

const CONTAINERS: &str = "application/msrtc-setcontainermembers+xml";
const SOAP: &str = "application/SOAP+xml";
const SUBSCRIBERS: &str = "application/msrtc-presence-setsubscriber+xml";

fn service(media: &str, body: String) -> RequestDraft {
    RequestDraft::new(Method::SERVICE).body(media, body)
}

fn note(version: u32, text: &str) -> RequestDraft {
    publication(&format!(
        "<publication categoryName=\"note\" instance=\"0\" container=\"200\" version=\"{version}\" \
         expireType=\"static\"><note xmlns=\"n\"><body>{text}</body></note></publication>"
    ))
}

fn publication(publications: &str) -> RequestDraft {
    let body = format!("<publish xmlns=\"u\"><publications>{publications}</publications></publish>");
    service(PUBLISH, body)
}

/// A followed room, as a client publishes it (facts E5).
fn followed(instance: u32, name: &str, room: &RoomUri) -> String {
    format!(
        "<publication categoryName=\"roomSetting\" instance=\"{instance}\" container=\"1\" version=\"0\" \
         expireType=\"static\"><propertyList xmlns=\"http://schemas.microsoft.com/2010/12/sip/propertyList\">\
         <property name=\"url\" type=\"string\"><value>{room}</value></property><property name=\"name\" \
         type=\"string\"><value>{name}</value></property></propertyList></publication>"
    )
}

fn soap(command: &str) -> RequestDraft {
    let body = format!("<s:Envelope xmlns:s=\"e\" xmlns:m=\"w\"><s:Body>{command}</s:Body></s:Envelope>");
    service(SOAP, body)
}

async fn done(member: &mut Member, draft: RequestDraft) -> Response {
    let own = member.user.as_str().trim_start_matches("sip:").to_owned();
    let response = member.request(&own, draft).await;
    assert_eq!(response.status(), StatusCode::OK, "{}", text(response.body()));
    response
}

async fn subscribed(member: &mut Member, event: &str) -> String {
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, event)
        .header(Name::Supported, "ms-piggyback-first-notify, ms-benotify");
    text(done(member, subscribe).await.body())
}

const CONTACTS: &str = "vnd-microsoft-roaming-contacts";
const OWN: &str = "vnd-microsoft-roaming-self";

#[tokio::test]
async fn contacts_publications_and_access_lists_survive_a_restart() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    let group = "<m:addGroup><m:name>Team &amp; friends</m:name><m:deltaNum>1</m:deltaNum></m:addGroup>";
    let contact = "<m:setContact><m:displayName>Alice</m:displayName><m:groups>1 2</m:groups>\
                   <m:subscribed>true</m:subscribed><m:URI>sip:alice@example.com</m:URI><m:deltaNum>2</m:deltaNum>\
                   </m:setContact>";
    let block = "<setContainerMembers xmlns=\"u\"><container id=\"32000\" version=\"0\"><member action=\"add\" \
                 type=\"user\" value=\"carol@example.com\"/></container></setContainerMembers>";
    for draft in [
        soap(group),
        soap(contact),
        service(CONTAINERS, block.to_owned()),
        note(0, "first"),
        note(1, "on holiday"),
        service(PUBLISH, state(0, 3500)),
    ] {
        done(&mut bob, draft).await;
    }

    let world = world.restart().await;
    let mut bob = member(&world, "bob").await;
    assert_eq!(
        subscribed(&mut bob, CONTACTS).await,
        "<contactList deltaNum=\"3\"><group id=\"1\" name=\"~\" externalURI=\"\"/><group id=\"2\" \
         name=\"Team &amp; friends\" externalURI=\"\"/><contact uri=\"alice@example.com\" name=\"Alice\" \
         groups=\"1 2\" subscribed=\"true\" externalURI=\"\"/></contactList>"
    );
    let own = subscribed(&mut bob, OWN).await;
    assert!(
        own.contains(
            "container=\"200\" version=\"2\" expireType=\"static\"><note xmlns=\"n\"><body>on holiday<"
        ),
        "{own}"
    );
    assert!(
        own.contains(
            "<container id=\"32000\" version=\"1\"><member type=\"user\" value=\"carol@example.com\"/>"
        ),
        "{own}"
    );
    // What an endpoint published ended with it.
    assert!(!own.contains("machineState"), "{own}");

    // Versions go on where they were, and who was blocked is blocked.
    let stale = bob.request("bob@example.com", note(0, "stale")).await;
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    assert!(text(stale.body()).contains("curVersion=\"2\""));
    done(&mut bob, note(2, "back")).await;
    for (name, sees) in [("alice", true), ("carol", false)] {
        let mut watcher = member(&world, name).await;
        let subscribe = RequestDraft::new(Method::SUBSCRIBE)
            .header(Name::Event, "presence")
            .header(Name::Supported, "ms-piggyback-first-notify");
        let seen = watcher.request("bob@example.com", subscribe).await;
        assert_eq!(text(seen.body()).contains("<body>back<"), sees, "{name}");
    }
}

#[tokio::test]
async fn what_was_removed_stays_removed() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    let removed = "<publication categoryName=\"note\" instance=\"0\" container=\"200\" version=\"1\" \
                   expireType=\"static\" expires=\"0\"/>";
    // A static publication that becomes one of an endpoint is not kept any longer, either.
    let shorter = "<publication categoryName=\"place\" instance=\"0\" container=\"200\" version=\"1\" \
                   expireType=\"endpoint\"><p/></publication>";
    for draft in [
        note(0, "gone tomorrow"),
        publication(removed),
        publication(
            "<publication categoryName=\"place\" instance=\"0\" container=\"200\"><p/></publication>",
        ),
        publication(shorter),
        soap("<m:setContact><m:URI>sip:alice@example.com</m:URI></m:setContact>"),
        soap("<m:deleteContact><m:URI>sip:alice@example.com</m:URI></m:deleteContact>"),
    ] {
        done(&mut bob, draft).await;
    }
    let world = world.restart().await;
    let mut bob = member(&world, "bob").await;
    let own = subscribed(&mut bob, OWN).await;
    assert!(own.contains("></categories>"), "{own}");
    let contacts = subscribed(&mut bob, CONTACTS).await;
    assert!(contacts.starts_with("<contactList deltaNum=\"3\">"), "{contacts}");
    assert!(!contacts.contains("alice"), "{contacts}");
}

#[tokio::test]
async fn followed_rooms_are_joined_by_one_command_after_a_restart() {
    let world = World::start().await;
    let (lobby, board) = (world.uri("Lobby").await, world.uri("Board").await);
    let mut bob = member(&world, "bob").await;
    let rooms = followed(1, "Lobby", &lobby) + &followed(2, "Board", &board);
    done(&mut bob, publication(&rooms)).await;

    let world = world.restart().await;
    let mut bob = member(&world, "bob").await;
    let own = subscribed(&mut bob, OWN).await;
    let rooms: Vec<RoomUri> = own
        .split("<value>")
        .filter_map(|value| value.split('<').next()?.parse().ok())
        .collect();
    assert_eq!(rooms, [lobby, board], "{own}");
    assert_eq!(bob.invite("pchat").await, StatusCode::OK);
    let reply = bob.command(Command::BatchJoin(rooms.clone())).await;
    let ReplyData::Joined {
        rooms: joined,
        failed,
    } = reply.data
    else {
        panic!("{reply:?}")
    };
    let names: Vec<&str> = joined.iter().map(|room| room.info.name.as_str()).collect();
    assert_eq!((names, failed.len()), (vec!["Lobby", "Board"], 0));
}

#[tokio::test]
async fn a_change_that_cannot_be_stored_is_refused_and_not_made() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    world.store.faults().set_full(true);
    let contact = || {
        soap("<m:setContact><m:URI>sip:alice@example.com</m:URI><m:deltaNum>1</m:deltaNum></m:setContact>")
    };
    for draft in [note(0, "lost"), contact()] {
        let refused = bob.request("bob@example.com", draft).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers().get(Name::RetryAfter), Some("1"));
        let diagnostics = refused.headers().get(Name::MsDiagnostics).unwrap_or_default();
        assert!(diagnostics.contains("could not be stored"), "{diagnostics}");
    }
    // What needs no place goes on.
    done(&mut bob, service(PUBLISH, state(0, 3500))).await;
    assert!(!world.server.status().store.healthy);
    assert!(!subscribed(&mut bob, OWN).await.contains("lost"));

    world.store.faults().set_full(false);
    done(&mut bob, note(0, "kept")).await;
    done(&mut bob, contact()).await;
    assert!(world.server.status().store.healthy);
}

#[tokio::test]
async fn no_session_waits_for_the_store_and_so_many_changes_wait_and_no_more() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    let gate = world.store.faults().hold_appends();
    let sent: Vec<_> = (0..65)
        .map(|version| bob.send_request("bob@example.com", note(version, "again")))
        .collect();
    let [waiting @ .., last] = &sent[..] else {
        panic!("nothing was sent")
    };
    assert_eq!(bob.answer(*last).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    // The first waits, the others behind it; everything else goes on.
    assert_eq!(bob.register().await.status(), StatusCode::OK);
    assert!(!subscribed(&mut bob, OWN).await.contains("again"));
    gate.release();
    for transaction in waiting {
        assert_eq!(bob.answer(*transaction).await.status(), StatusCode::OK);
    }
    assert!(subscribed(&mut bob, OWN).await.contains("version=\"64\""));
}

#[tokio::test]
async fn a_publication_ends_with_its_endpoint_though_it_was_stored_later() {
    let world = World::start().await;
    let mut bob = member(&world, "bob").await;
    let gate = world.store.faults().hold_appends();
    bob.send_request("bob@example.com", note(0, "I am off"));
    let published = bob.send_request("bob@example.com", service(PUBLISH, state(0, 3500)));
    assert_eq!(bob.register().await.status(), StatusCode::OK);
    gate.holds(1).await;
    let sign_off = RequestDraft::new(Method::REGISTER).header(Name::Expires, "0");
    assert_eq!(
        bob.request("example.com", sign_off).await.status(),
        StatusCode::OK
    );
    gate.release();
    assert_eq!(bob.answer(published).await.status(), StatusCode::OK);
    let mut alice = member(&world, "alice").await;
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify");
    let seen = text(alice.request("bob@example.com", subscribe).await.body());
    assert!(
        seen.contains("I am off") && seen.contains("<availability>18000<"),
        "{seen}"
    );
}

#[tokio::test]
async fn who_was_added_as_a_contact_is_told_and_acknowledges_it() {
    let world = World::start().await;
    let mut alice = member(&world, "alice").await;
    let batch = "<batchSub xmlns=\"u\" uri=\"sip:alice@example.com\" name=\"\"><action name=\"subscribe\" id=\"1\">\
                 <adhocList><resource uri=\"sip:bob@example.com\"><context/></resource>\
                 <resource uri=\"sip:carol@example.com\"/></adhocList></action></batchSub>";
    let subscribe = RequestDraft::new(Method::SUBSCRIBE)
        .header(Name::Event, "presence")
        .header(Name::Supported, "ms-piggyback-first-notify")
        .body("application/msrtc-adrl-categorylist+xml", batch);
    done(&mut alice, subscribe).await;
    let entry = "<subscriber user=\"alice@example.com\" displayName=\"alice\" acknowledged=\"false\" \
                 type=\"sameEnterprise\"/>";
    let world = world.restart().await;
    let mut carol = member(&world, "carol").await;
    assert!(!subscribed(&mut carol, OWN).await.contains("<subscriber "));

    let mut bob = member(&world, "bob").await;
    let own = subscribed(&mut bob, OWN).await;
    assert!(own.contains(entry), "{own}");
    let acknowledge = |acknowledged: bool| {
        let body = format!(
            "<setSubscribers xmlns=\"http://schemas.microsoft.com/2006/09/sip/presence-subscribers\">\
             <subscriber user=\"alice@example.com\" acknowledged=\"{acknowledged}\"/></setSubscribers>"
        );
        service(SUBSCRIBERS, body)
    };
    let refused = bob.request("bob@example.com", acknowledge(false)).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    done(&mut bob, acknowledge(true)).await;
    let told = text(heard(&mut bob).await.body());
    assert!(told.contains("presence-subscribers\"></subscribers>"), "{told}");
    let unknown = bob.request("bob@example.com", acknowledge(true)).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}
