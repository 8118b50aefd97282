//! From nothing to a chat session: dialling, registering, provisioning, INVITE, server information.

use std::time::Duration;

use parlor_client::{
    ChatSettings, EndpointState, EstablishError, PersistentChatEndpoint, Proxy, UserEndpoint,
    UserEndpointSettings,
};
use parlor_sip::{Method, Name, ResponseDraft, StatusCode};
use parlor_xccos::{Command, ReplyData, ServerInfo};
use tokio::time::Instant;

use crate::peer::{Peer, Service};
use crate::scene::{CHAT, ME, Scene, endpoint, known_chat, platform, tuning, uri};

const PROVISIONING: &str = r#"<provisionGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification"><provisionGroup name="persistentChatConfiguration"><propertyEntryList><property name="DefaultPersistentChatPoolUri">sip:chat@example.com</property></propertyEntryList></provisionGroup></provisionGroupList>"#;
const PROVISIONING_TYPE: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";

fn user(settings: impl FnOnce(&mut UserEndpointSettings), service: parlor_client::Dialer) -> UserEndpoint {
    let mut user = UserEndpointSettings::new(uri(ME), Proxy::new("chat.example.com", 5061));
    settings(&mut user);
    UserEndpoint::new(&platform(service, tuning()), user)
}

#[tokio::test(start_paused = true)]
async fn an_application_is_established_once_it_is_connected_and_learns_the_limits_with_its_chat_session() {
    let (dialer, mut service) = Service::new();
    let endpoint = endpoint(&platform(dialer, tuning()));
    assert_eq!(endpoint.state(), EndpointState::Idle);
    endpoint.establish().await.unwrap();
    assert_eq!(endpoint.state(), EndpointState::Established);

    let opening = tokio::spawn({
        let endpoint = endpoint.clone();
        async move { PersistentChatEndpoint::establish(&endpoint, known_chat()).await }
    });
    let mut peer = service.connection().await;
    let invite = peer.accept().await;
    assert_eq!(invite.uri_text(), CHAT);
    assert_eq!(invite.from().unwrap().uri.as_str(), ME);
    let asked = peer.command().await;
    assert!(
        matches!(&asked.command, Command::ServerInfo { domain, .. } if domain == "example.com"),
        "{asked:?}"
    );
    let info = ServerInfo {
        message_size_limit: Some(512),
        ..ServerInfo::default()
    };
    peer.reply(&asked, ReplyData::ServerInfo(info)).await;
    let chat = opening.await.unwrap().unwrap();
    assert_eq!(chat.server_info().message_size_limit, Some(512));
}

#[tokio::test(start_paused = true)]
async fn a_user_registers_refreshes_in_time_and_deregisters_at_the_end() {
    let (dialer, mut service) = Service::new();
    let user = user(
        |settings| settings.registration = Duration::from_secs(300),
        dialer,
    );
    let establishing = tokio::spawn({
        let user = user.clone();
        async move { user.establish().await }
    });
    let mut peer = service.connection().await;
    let (transaction, _, register) = peer.request(Method::REGISTER).await;
    assert_eq!(register.uri_text(), "sip:example.com");
    assert_eq!(register.expires().unwrap(), Some(300));
    assert!(register.from().unwrap().epid().is_some());
    let call_id = register.call_id().unwrap().to_owned();
    let gruu = "sip:newsbot@example.com;opaque=user:epid:1;gruu";
    let draft = ResponseDraft::new(StatusCode::OK)
        .header(Name::Contact, format!("<sip:1.2.3.4:5061>;gruu=\"{gruu}\""))
        .header(Name::Expires, "120");
    peer.respond(transaction, draft).await;
    establishing.await.unwrap().unwrap();

    let before = Instant::now();
    let (transaction, _, refresh) = peer.request(Method::REGISTER).await;
    assert!((Duration::from_secs(60)..Duration::from_secs(120)).contains(&before.elapsed()));
    assert_eq!(refresh.call_id().unwrap(), call_id);
    assert_eq!(
        refresh.headers().get(Name::Contact),
        Some(format!("<{gruu}>").as_str())
    );
    peer.respond(
        transaction,
        ResponseDraft::new(StatusCode::OK).header(Name::Expires, "120"),
    )
    .await;

    let leaving = tokio::spawn(async move { user.terminate().await });
    let (transaction, _, farewell) = peer.request(Method::REGISTER).await;
    assert_eq!(farewell.expires().unwrap(), Some(0));
    peer.respond(transaction, StatusCode::OK).await;
    assert!(peer.is_closed().await);
    leaving.await.unwrap();
}

async fn provisioned(answer: impl AsyncFnOnce(&mut Peer)) -> Result<PersistentChatEndpoint, EstablishError> {
    let (dialer, mut service) = Service::new();
    let endpoint = endpoint(&platform(dialer, tuning()));
    endpoint.establish().await.unwrap();
    let opening =
        tokio::spawn(
            async move { PersistentChatEndpoint::establish(&endpoint, ChatSettings::default()).await },
        );
    let mut peer = service.connection().await;
    answer(&mut peer).await;
    opening.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_address_of_the_service_is_provisioned_when_the_settings_name_none() {
    provisioned(async |peer| {
        let (transaction, _, subscribe) = peer.request(Method::SUBSCRIBE).await;
        assert_eq!(subscribe.uri_text(), ME);
        assert!(String::from_utf8_lossy(subscribe.body()).contains("persistentChatConfiguration"));
        let draft = ResponseDraft::new(StatusCode::OK).body(PROVISIONING_TYPE, PROVISIONING);
        peer.respond(transaction, draft).await;
        peer.open_chat().await;
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn provisioning_may_come_in_a_notification_after_the_answer() {
    provisioned(async |peer| {
        let (transaction, _, _) = peer.request(Method::SUBSCRIBE).await;
        peer.respond(transaction, StatusCode::OK).await;
        peer.notify(ME, PROVISIONING_TYPE, PROVISIONING).await;
        peer.open_chat().await;
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_provisions_no_chat_is_said_so() {
    let error = provisioned(async |peer| {
        let (transaction, _, _) = peer.request(Method::SUBSCRIBE).await;
        let draft = ResponseDraft::new(StatusCode::OK).body(PROVISIONING_TYPE, "<provisionGroupList/>");
        peer.respond(transaction, draft).await;
    })
    .await
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server provisions no persistent chat address: name one in the settings"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lookup_service_is_asked_where_chat_is() {
    let (dialer, mut service) = Service::new();
    let endpoint = endpoint(&platform(dialer, tuning()));
    endpoint.establish().await.unwrap();
    let settings = ChatSettings {
        uri: Some(uri("sip:ocschat@example.com")),
        lookup: false,
    };
    let opening = tokio::spawn(async move { PersistentChatEndpoint::establish(&endpoint, settings).await });
    let mut peer = service.connection().await;
    assert_eq!(peer.accept().await.uri_text(), "sip:ocschat@example.com");
    let asked = peer.command().await;
    assert_eq!(asked.command, Command::RequestUri);
    peer.reply(&asked, ReplyData::Uri(uri(CHAT))).await;
    assert_eq!(peer.accept().await.uri_text(), CHAT);
    let asked = peer.command().await;
    peer.reply(&asked, ReplyData::ServerInfo(ServerInfo::default()))
        .await;
    opening.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_reported_with_its_diagnostics_and_the_endpoint_may_try_again() {
    let (dialer, mut service) = Service::new();
    let user = user(|_| (), dialer);
    for _ in 0..2 {
        let establishing = tokio::spawn({
            let user = user.clone();
            async move { user.establish().await }
        });
        let mut peer = service.connection().await;
        let (transaction, _, _) = peer.request(Method::REGISTER).await;
        let draft = ResponseDraft::new(StatusCode::FORBIDDEN).header(
            Name::MsDiagnostics,
            "4004;reason=\"not enabled\";source=\"fe.example.com\"",
        );
        peer.respond(transaction, draft).await;
        let error = establishing.await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "REGISTER was answered with 403 Forbidden (4004;reason=\"not enabled\";source=\"fe.example.com\")"
        );
        assert_eq!(user.state(), EndpointState::Idle);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_ends_in_a_deadline() {
    let (dialer, mut service) = Service::new();
    let user = user(|_| (), dialer);
    let started = Instant::now();
    let establishing = tokio::spawn(async move { user.establish().await });
    let mut peer = service.connection().await;
    let _unanswered = peer.request(Method::REGISTER).await;
    assert!(matches!(
        establishing.await.unwrap(),
        Err(EstablishError::Deadline)
    ));
    assert_eq!(started.elapsed().as_secs(), tuning().establish.as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_could_not_connect_is_idle_and_says_why() {
    let (dialer, service) = Service::new();
    service.refuse(1);
    let endpoint = endpoint(&platform(dialer, tuning()));
    let error = endpoint.establish().await.unwrap_err();
    assert_eq!(error.to_string(), "no connection to chat.example.com:5061");
    assert_eq!(endpoint.state(), EndpointState::Idle);
    endpoint.establish().await.unwrap();
    assert_eq!(endpoint.state(), EndpointState::Established);
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_starts_over_with_a_new_registration() {
    let (dialer, mut service) = Service::new();
    let user = user(|_| (), dialer);
    let establishing = tokio::spawn({
        let user = user.clone();
        async move { user.establish().await }
    });
    let mut peer = service.connection().await;
    let (transaction, _, _) = peer.request(Method::REGISTER).await;
    peer.respond(transaction, StatusCode::OK).await;
    establishing.await.unwrap().unwrap();
    let (transaction, _, _) = peer.request(Method::REGISTER).await;
    peer.respond(transaction, StatusCode::FORBIDDEN).await;
    assert!(peer.is_closed().await);
    assert_eq!(user.state(), EndpointState::Recovering);
    let cause = user.status().cause.unwrap();
    assert_eq!(cause.to_string(), "REGISTER was answered with 403 Forbidden");

    let mut peer = service.connection().await;
    let (transaction, _, _) = peer.request(Method::REGISTER).await;
    peer.respond(transaction, StatusCode::OK).await;
    let mut states = user.states();
    states
        .wait_for(|status| status.state == EndpointState::Established)
        .await
        .unwrap();
    assert!(user.status().cause.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_barred_meanwhile_does_not_try_again_for_ever() {
    let (dialer, mut service) = Service::new();
    let user = user(|_| (), dialer);
    let establishing = tokio::spawn({
        let user = user.clone();
        async move { user.establish().await }
    });
    let mut peer = service.connection().await;
    let (transaction, _, _) = peer.request(Method::REGISTER).await;
    peer.respond(transaction, StatusCode::OK).await;
    establishing.await.unwrap().unwrap();
    drop(peer);

    let mut peer = service.connection().await;
    let (transaction, _, _) = peer.request(Method::REGISTER).await;
    peer.respond(transaction, StatusCode::FORBIDDEN).await;
    let mut states = user.states();
    let ended = states
        .wait_for(|status| status.state == EndpointState::Terminated)
        .await
        .unwrap();
    let cause = ended.cause.as_ref().unwrap();
    assert_eq!(cause.to_string(), "REGISTER was answered with 403 Forbidden");
}

#[tokio::test(start_paused = true)]
async fn a_second_chat_session_on_one_endpoint_is_refused() {
    let scene = Scene::new().await;
    let second = PersistentChatEndpoint::establish(&scene.endpoint, known_chat()).await;
    assert!(matches!(
        second,
        Err(EstablishError::State(EndpointState::Established))
    ));
}
