//! One identity signed in to the chat service. Recovering a lost connection is the SDK's task; this one signs in, again
//! and again if need be, says how it goes, and signs out.

use std::convert::Infallible;

use parlor_client::{
    ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, EndpointState, EstablishError,
    LocalEndpoint, PersistentChatEndpoint, PrivateMessages, Proxy, UserEndpoint, UserEndpointSettings,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{ChatService, EndpointConfig, SignIn};
use crate::events::HostEvent;
use crate::ground::{Ground, pause, reason};
use crate::reception::Reception;

/// One identity.
#[derive(Debug)]
pub(crate) struct EndpointTask {
    pub(crate) ground: Ground,
    pub(crate) endpoint: EndpointConfig,
    pub(crate) service: ChatService,
    /// The rooms' way to the chat service; `None` while there is none.
    pub(crate) chat: watch::Sender<Option<PersistentChatEndpoint>>,
    /// The courier's way to people; `None` while there is none.
    pub(crate) local: watch::Sender<Option<LocalEndpoint>>,
    pub(crate) reception: Reception,
    /// Sign out and end.
    pub(crate) leave: CancellationToken,
}

impl EndpointTask {
    /// Signs in and stays signed in until told to leave.
    pub(crate) async fn run(self) {
        let mut backoff = self.ground.backoff();
        while !self.leave.is_cancelled() {
            let local = self.open();
            // Before the sign-in, so that nothing is missed after it.
            let messages = match self.reception.is_open() {
                true => Some(local.private_messages().await),
                false => None,
            };
            let reason = tokio::select! {
                biased;
                () = self.leave.cancelled() => None,
                result = self.sign_in(&local) => match result {
                    Ok(chat) => {
                        backoff.reset();
                        self.chat.send_replace(Some(chat));
                        self.local.send_replace(Some(local.clone()));
                        tokio::select! {
                            biased;
                            reason = self.watch(&local) => reason,
                            never = self.receive(&local, messages) => match never {},
                        }
                    }
                    Err(error) => Some(reason(&error)),
                },
            };
            self.chat.send_replace(None);
            self.local.send_replace(None);
            if let Some(reason) = reason {
                self.note("idle", Some(reason.clone()));
                self.ground.announcer.tell(HostEvent::SignInFailed {
                    user: self.endpoint.user.clone(),
                    reason,
                });
                local.terminate().await;
                pause(&self.leave, backoff.wait()).await;
            } else {
                self.note("terminating", None);
                local.terminate().await;
                self.note("terminated", None);
            }
        }
    }

    /// Takes private messages in, then waits for the end of the endpoint.
    async fn receive(&self, local: &LocalEndpoint, messages: Option<PrivateMessages>) -> Infallible {
        let messages = match messages {
            Some(messages) => messages,
            None => {
                self.reception.opened().await;
                local.private_messages().await
            }
        };
        self.reception.serve(messages).await;
        std::future::pending().await
    }

    fn open(&self) -> LocalEndpoint {
        let proxy = Proxy::new(self.service.host.clone(), self.service.port);
        let owner = self.endpoint.user.clone();
        match self.endpoint.sign_in {
            SignIn::Application => {
                let mut settings = ApplicationEndpointSettings::new(owner, proxy);
                settings.display_name.clone_from(&self.endpoint.display_name);
                settings.use_registration = self.endpoint.register;
                (*ApplicationEndpoint::new(&self.endpoint.platform, settings)).clone()
            }
            SignIn::User => {
                let mut settings = UserEndpointSettings::new(owner, proxy);
                settings.display_name.clone_from(&self.endpoint.display_name);
                (*UserEndpoint::new(&self.endpoint.platform, settings)).clone()
            }
        }
    }

    async fn sign_in(&self, local: &LocalEndpoint) -> Result<PersistentChatEndpoint, EstablishError> {
        self.note("establishing", None);
        local.establish().await?;
        let settings = ChatSettings {
            uri: self.service.chat.clone(),
            ..ChatSettings::default()
        };
        let chat = PersistentChatEndpoint::establish(local, settings).await?;
        self.announce_signed_in();
        Ok(chat)
    }

    /// Says how it goes; returns when the endpoint has ended, with the reason, or when it is told to leave.
    async fn watch(&self, local: &LocalEndpoint) -> Option<String> {
        let mut states = local.states();
        let mut known = EndpointState::Established;
        loop {
            let status = states.borrow_and_update().clone();
            let cause = status.cause.as_deref().map(|error| reason(error));
            match status.state {
                EndpointState::Established if known != EndpointState::Established => {
                    self.announce_signed_in()
                }
                EndpointState::Recovering => {
                    self.note("recovering", cause.clone());
                    if known != EndpointState::Recovering {
                        let user = self.endpoint.user.clone();
                        self.ground
                            .announcer
                            .tell(HostEvent::Recovering { user, reason: cause });
                    }
                }
                EndpointState::Terminated | EndpointState::Idle => {
                    return Some(cause.unwrap_or_else(|| "the endpoint has ended".to_owned()));
                }
                _ => {}
            }
            known = status.state;
            tokio::select! {
                biased;
                () = self.leave.cancelled() => return None,
                changed = states.changed() => if changed.is_err() {
                    return Some("the endpoint has ended".to_owned());
                },
            }
        }
    }

    fn announce_signed_in(&self) {
        self.note("established", None);
        self.ground.announcer.tell(HostEvent::SignedIn {
            user: self.endpoint.user.clone(),
        });
    }

    fn note(&self, state: &str, error: Option<String>) {
        self.ground.board.endpoint(&self.endpoint.user, |line| {
            state.clone_into(&mut line.state);
            line.last_error = error;
        });
    }
}
