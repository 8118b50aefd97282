//! What the stories share: a client with a chat session, and the rooms and messages they speak of.

use parlor_client::{
    ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, ClientPlatformSettings, ClientTransport,
    Dialer, PersistentChatEndpoint, Platform, Proxy, RoomEvents, RoomSession, Tuning,
};
use parlor_xccos::{
    JoinedRoom, MessageId, Participant, Post, ReplyData, Rights, RoomId, RoomInfo, RoomUri, SipUri, Timestamp,
};

use crate::peer::{Peer, Service};

pub(crate) const ME: &str = "sip:newsbot@example.com";
pub(crate) const BOB: &str = "sip:bob@example.com";
pub(crate) const CHAT: &str = "sip:chat@example.com";

pub(crate) fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

pub(crate) fn room(number: u8, name: &str) -> RoomInfo {
    RoomInfo::new(
        RoomUri::new("example.com", RoomId::from_bytes([number; 16])).unwrap(),
        name,
    )
}

pub(crate) fn me() -> Participant {
    Participant::new(uri(ME), Rights::MEMBER)
}

pub(crate) fn joined(info: RoomInfo) -> ReplyData {
    ReplyData::Joined {
        rooms: vec![JoinedRoom {
            info,
            participants: vec![me()],
        }],
        failed: Vec::new(),
    }
}

pub(crate) fn history(room: &RoomUri, posts: Vec<Post>) -> ReplyData {
    ReplyData::History {
        room: room.clone(),
        posts,
        total: None,
        exceeded: false,
    }
}

/// Bob's message number `id`.
pub(crate) fn message(room: &RoomUri, id: i64) -> Post {
    let mut post = Post::new(
        room.clone(),
        uri(BOB),
        Timestamp::from_millis(1_700_000_000_000 + id),
        format!("message {id}"),
    );
    post.id = Some(MessageId(id));
    post
}

/// What the server shows everybody, the author included, once it has stored a post.
pub(crate) fn stored(mut post: Post, id: i64) -> Post {
    post.id = Some(MessageId(id));
    post.timestamp = Timestamp::from_millis(1_700_000_000_000 + id);
    post
}

pub(crate) fn tuning() -> Tuning {
    Tuning {
        seed: Some(1),
        ..Tuning::default()
    }
}

pub(crate) fn platform(dialer: Dialer, tuning: Tuning) -> Platform {
    let settings = ClientPlatformSettings {
        user_agent: "test/1.0".to_owned(),
        transport: ClientTransport::Tcp,
    };
    Platform::with_dialer(settings, tuning, dialer).unwrap()
}

pub(crate) fn endpoint(platform: &Platform) -> ApplicationEndpoint {
    let settings = ApplicationEndpointSettings::new(uri(ME), Proxy::new("chat.example.com", 5061));
    ApplicationEndpoint::new(platform, settings)
}

pub(crate) fn known_chat() -> ChatSettings {
    ChatSettings {
        uri: Some(uri(CHAT)),
        lookup: false,
    }
}

/// A client with a chat session, and the server's end of it.
pub(crate) struct Scene {
    pub(crate) endpoint: ApplicationEndpoint,
    pub(crate) chat: PersistentChatEndpoint,
    pub(crate) service: Service,
    pub(crate) peer: Peer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::tuned(tuning()).await
    }

    pub(crate) async fn tuned(tuning: Tuning) -> Self {
        let (dialer, mut service) = Service::new();
        let endpoint = endpoint(&platform(dialer, tuning));
        endpoint.establish().await.unwrap();
        let opening = tokio::spawn({
            let endpoint = endpoint.clone();
            async move { PersistentChatEndpoint::establish(&endpoint, known_chat()).await }
        });
        let peer = service.chat().await;
        Self {
            endpoint,
            chat: opening.await.unwrap().unwrap(),
            service,
            peer,
        }
    }

    /// Joins a room whose last message is `last`.
    pub(crate) async fn join(&mut self, info: &RoomInfo, last: i64) -> (RoomSession, RoomEvents) {
        let joining = tokio::spawn({
            let (chat, uri) = (self.chat.clone(), info.uri.clone());
            async move { chat.join(uri).await }
        });
        self.peer.grant_join(info.clone(), last).await;
        joining.await.unwrap().unwrap()
    }
}
