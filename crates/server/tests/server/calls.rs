//! One-to-one calls: rings everywhere, the first answer has it, what is said comes through.

#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up fails where it stands"
)]

use std::collections::VecDeque;
use std::time::Duration;

use parlor_net::{Connection, Event};
use parlor_sip::{
    ClientTransactionId, DialogId, Event as Sip, Method, Name, NameAddr, Request, RequestDraft, Response,
    ResponseDraft, ServerTransactionId, StatusCode, Target, Uri,
};

use crate::world::{DOMAIN, World, pass, user};

const DEADLINE: Duration = Duration::from_secs(20);
const OFFER: &str = "v=0\r\nm=message 5060 sip null\r\n";

/// A user's client that answers nothing by itself.
struct Phone {
    connection: Connection,
    address: String,
    epid: &'static str,
    /// Events that came while something was sent.
    kept: VecDeque<Sip>,
}

impl Phone {
    /// Signed in as `name`.
    async fn new(world: &World, name: &str, epid: &'static str) -> Self {
        let mut phone = Self {
            connection: world.user_connection(name).await,
            address: user(name).to_string(),
            epid,
            kept: VecDeque::new(),
        };
        assert_eq!(phone.register(None).await, StatusCode::OK);
        phone
    }

    async fn register(&mut self, expires: Option<&str>) -> StatusCode {
        let target = self.target(&format!("sip:{DOMAIN}"));
        let mut draft =
            RequestDraft::new(Method::REGISTER).header(Name::Contact, "<sip:127.0.0.1:5060;transport=tls>");
        if let Some(expires) = expires {
            draft = draft.header(Name::Expires, expires);
        }
        let now = self.connection.now();
        let sent = self.connection.agent().request(now, &target, draft);
        self.answer(sent).await.status()
    }

    fn target(&self, called: &str) -> Target {
        let from: Uri = self.address.parse().unwrap();
        let to: Uri = called.parse().unwrap();
        Target::new(NameAddr::new(from).with_param("epid", Some(self.epid)), to)
    }

    async fn call(&mut self, name: &str) -> (DialogId, ClientTransactionId) {
        self.call_at(user(name).as_str()).await
    }

    async fn call_at(&mut self, uri: &str) -> (DialogId, ClientTransactionId) {
        let target = self.target(uri);
        let draft = RequestDraft::new(Method::INVITE)
            .header("Ms-Text-Format", "text/plain; charset=UTF-8;ms-body=aGVsbG8=")
            .header(Name::Contact, "<sip:127.0.0.1:5060;transport=tls>")
            .body("application/sdp", OFFER);
        let now = self.connection.now();
        let call = self.connection.agent().invite(now, &target, draft);
        self.flush().await;
        call
    }

    async fn say(
        &mut self,
        dialog: DialogId,
        method: Method,
        media: &str,
        text: &'static str,
    ) -> ClientTransactionId {
        let now = self.connection.now();
        let draft = RequestDraft::new(method).body(media, text);
        let sent = self
            .connection
            .agent()
            .request_in_dialog(now, dialog, draft)
            .unwrap();
        self.flush().await;
        sent
    }

    async fn respond(&mut self, transaction: ServerTransactionId, status: StatusCode) {
        self.connection.agent().respond(transaction, status).unwrap();
        self.flush().await;
    }

    async fn pick_up(&mut self, transaction: ServerTransactionId) -> DialogId {
        let now = self.connection.now();
        let contact: Uri = self.address.parse().unwrap();
        let draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Supported, "ms-text-format, timer")
            .body("application/sdp", OFFER);
        let dialog = self
            .connection
            .agent()
            .accept(now, transaction, draft, &contact)
            .unwrap();
        self.flush().await;
        dialog
    }

    async fn hang_up(&mut self, dialog: DialogId) -> ClientTransactionId {
        let now = self.connection.now();
        let sent = self.connection.agent().bye(now, dialog).unwrap();
        self.flush().await;
        sent
    }

    /// A connection sends when it is asked for its next event.
    async fn flush(&mut self) {
        while let Ok(event) = tokio::time::timeout(Duration::from_millis(20), self.connection.next()).await {
            let Event::Sip(event) = event else {
                panic!("{}: unexpected {event:?}", self.address)
            };
            self.kept.push_back(event);
        }
    }

    async fn event(&mut self) -> Sip {
        if let Some(event) = self.kept.pop_front() {
            return event;
        }
        match tokio::time::timeout(DEADLINE, self.connection.next()).await {
            Ok(Event::Sip(event)) => event,
            other => panic!("{}: unexpected {other:?}", self.address),
        }
    }

    /// The next request that is no ACK.
    async fn request(&mut self) -> (ServerTransactionId, Request) {
        loop {
            if let Sip::Request {
                transaction: Some(transaction),
                request,
                ..
            } = self.event().await
            {
                return (transaction, request);
            }
        }
    }

    /// The final answer to a request.
    async fn answer(&mut self, sent: ClientTransactionId) -> Response {
        loop {
            if let Sip::Response {
                transaction,
                response,
                ..
            } = self.event().await
                && transaction == sent
                && response.status().is_final()
            {
                return response;
            }
        }
    }

    async fn ended(&mut self) {
        while !matches!(
            self.event().await,
            Sip::DialogEnded { .. } | Sip::Cancelled { .. }
        ) {}
    }
}

#[tokio::test]
async fn what_two_users_say_and_type_comes_through() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut bob = Phone::new(&world, "bob", "bbbb").await;
    let (dialog, sent) = alice.call("bob").await;

    let (invite, request) = bob.request().await;
    let from = request.from().unwrap();
    assert_eq!(
        (from.uri.aor(), from.epid()),
        (user("alice").to_string(), Some("aaaa"))
    );
    assert!(
        request
            .headers()
            .get_other("ms-text-format")
            .unwrap()
            .contains("aGVsbG8=")
    );
    let bobs = bob.pick_up(invite).await;
    let answered = alice.answer(sent).await;
    assert_eq!(answered.status(), StatusCode::OK);
    assert!(answered.supports("ms-text-format"));

    let said = alice
        .say(
            dialog,
            Method::MESSAGE,
            "text/plain; charset=UTF-8",
            "are you there?",
        )
        .await;
    let (message, request) = bob.request().await;
    assert_eq!(
        (request.method(), &request.body()[..]),
        (&Method::MESSAGE, &b"are you there?"[..])
    );
    bob.respond(message, StatusCode::OK).await;
    assert_eq!(alice.answer(said).await.status(), StatusCode::OK);

    let typed = bob
        .say(
            bobs,
            Method::INFO,
            "application/xml",
            "<KeyboardActivity><status status=\"type\" /></KeyboardActivity>",
        )
        .await;
    let (typing, request) = alice.request().await;
    assert!(request.content_type().unwrap().is("application/xml"));
    alice.respond(typing, StatusCode::OK).await;
    assert_eq!(bob.answer(typed).await.status(), StatusCode::OK);

    // What the other client refuses is refused.
    let said = alice.say(dialog, Method::MESSAGE, "text/rtf", "{}").await;
    let (message, _) = bob.request().await;
    bob.respond(message, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    assert_eq!(
        alice.answer(said).await.status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );

    bob.hang_up(bobs).await;
    alice.ended().await;
}

#[tokio::test]
async fn every_endpoint_rings_and_the_first_answer_has_the_call() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut desk = Phone::new(&world, "bob", "b001").await;
    let mut lap = Phone::new(&world, "bob", "b002").await;
    let (_, sent) = alice.call("bob").await;
    let (_at_desk, _) = desk.request().await;
    let (at_lap, _) = lap.request().await;
    lap.pick_up(at_lap).await;
    let answered = alice.answer(sent).await;
    assert_eq!(answered.status(), StatusCode::OK);
    // The other one stops ringing.
    desk.ended().await;
}

#[tokio::test]
async fn a_call_is_refused_only_when_every_endpoint_refused_it() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut desk = Phone::new(&world, "bob", "b001").await;
    let lap = Phone::new(&world, "bob", "b002").await;
    let (_, sent) = alice.call("bob").await;
    let (at_desk, _) = desk.request().await;
    desk.respond(at_desk, StatusCode::BUSY_HERE).await;
    // The other one goes without a word.
    drop(lap);
    assert_eq!(alice.answer(sent).await.status().code() / 100, 4);
}

#[tokio::test]
async fn who_gives_up_stops_the_ringing() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut bob = Phone::new(&world, "bob", "bbbb").await;
    let (dialog, sent) = alice.call("bob").await;
    bob.request().await;
    alice.hang_up(dialog).await;
    assert_eq!(alice.answer(sent).await.status(), StatusCode::REQUEST_TERMINATED);
    bob.ended().await;
}

#[tokio::test]
async fn nobody_is_called_who_is_not_signed_in_or_not_known() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let (_, sent) = alice.call("bob").await;
    assert_eq!(
        alice.answer(sent).await.status(),
        StatusCode::TEMPORARILY_UNAVAILABLE
    );
    let (_, sent) = alice.call("nobody").await;
    assert_eq!(alice.answer(sent).await.status(), StatusCode::NOT_FOUND);
    let mut bob = Phone::new(&world, "bob", "bbbb").await;
    assert_eq!(bob.register(Some("0")).await, StatusCode::OK);
    let (_, sent) = alice.call("bob").await;
    assert_eq!(
        alice.answer(sent).await.status(),
        StatusCode::TEMPORARILY_UNAVAILABLE
    );
}

#[tokio::test]
async fn a_gruu_rings_at_one_endpoint_only() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut desk = Phone::new(&world, "bob", "b001").await;
    let mut mobile = Phone::new(&world, "bob", "b002").await;
    let (_, sent) = alice
        .call_at("sip:bob@example.com;opaque=user:epid:b002;gruu")
        .await;
    let (invite, _) = mobile.request().await;
    mobile.respond(invite, StatusCode::BUSY_HERE).await;
    // The answer of the one endpoint is the answer: no other one is asked.
    assert_eq!(alice.answer(sent).await.status(), StatusCode::BUSY_HERE);
    desk.flush().await;
    assert!(desk.kept.is_empty());
    let (_, sent) = alice
        .call_at("sip:bob@example.com;opaque=user:epid:b003;gruu")
        .await;
    assert_eq!(
        alice.answer(sent).await.status(),
        StatusCode::TEMPORARILY_UNAVAILABLE
    );
}

#[tokio::test]
async fn a_call_ends_with_the_registration_of_one_side() {
    let world = World::start().await;
    let mut alice = Phone::new(&world, "alice", "aaaa").await;
    let mut bob = Phone::new(&world, "bob", "bbbb").await;
    let (_, sent) = alice.call("bob").await;
    let (invite, _) = bob.request().await;
    bob.pick_up(invite).await;
    assert_eq!(alice.answer(sent).await.status(), StatusCode::OK);
    // The ACK must go out before the time goes by.
    alice.flush().await;
    bob.flush().await;
    pass(Duration::from_secs(400)).await;
    assert_eq!(alice.register(None).await, StatusCode::OK);
    pass(Duration::from_secs(200)).await;
    bob.ended().await;
    alice.ended().await;
    let (_, sent) = alice.call("bob").await;
    assert_eq!(
        alice.answer(sent).await.status(),
        StatusCode::TEMPORARILY_UNAVAILABLE
    );
}
