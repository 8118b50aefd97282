//! The steps from nothing to a chat session, one after the other: dial, register, provisioning, INVITE, server
//! information (facts A8). Joining rooms is the session's.

use parlor_sip::{Event, Method, Name, RequestDraft, StatusCode};
use parlor_xccos::{
    Command as ChatCommand, EnvelopeId, InfoMask, Primitive, ReplyData, ServerInfo, SipUri, encode,
};

use crate::chat::ChatSettings;
use crate::endpoint::Account;
use crate::error::{ChatRefusal, EstablishError};
use crate::platform::PlatformShared;
use crate::provisioning;
use crate::task::asking::Heard;
use crate::task::line::{Line, refusal};
use crate::task::registration;

/// More envelopes than one sign-in sends.
const SIGN_IN_ENVELOPES: u64 = 16;

/// The user part of an address that is asked with `requri` where chat is (facts A2).
const LOOKUP_USER: &str = "ocschat";

/// Dials, registers where asked to, and opens the chat session where there was one.
pub(crate) async fn sign_in(
    platform: &PlatformShared,
    account: &Account,
    chat: Option<&ChatSettings>,
    envelopes: &mut Envelopes,
) -> Result<(Line, Option<ServerInfo>), EstablishError> {
    let deadline = platform.tuning.establish;
    let steps = async {
        let mut line = Line::dial(platform, account).await?;
        registration::register(&mut line, account).await?;
        let info = match chat {
            Some(settings) => Some(open_chat(&mut line, account, settings, envelopes).await?),
            None => None,
        };
        Ok((line, info))
    };
    tokio::time::timeout(deadline, steps)
        .await
        .unwrap_or(Err(EstablishError::Deadline))
}

/// Opens the chat session on a connection: provisioning unless the address is known, INVITE, getserverinfo.
pub(crate) async fn open_chat(
    line: &mut Line,
    account: &Account,
    settings: &ChatSettings,
    envelopes: &mut Envelopes,
) -> Result<ServerInfo, EstablishError> {
    let mut uri = match &settings.uri {
        Some(uri) => uri.clone(),
        None => provisioned_uri(line, account).await?,
    };
    if settings.lookup || uri.user() == LOOKUP_USER {
        invite(line, &uri).await?;
        let ReplyData::Uri(channel_server) = ask(line, envelopes, ChatCommand::RequestUri).await? else {
            return Err(EstablishError::Unintelligible("requri"));
        };
        line.bye();
        uri = channel_server;
    }
    invite(line, &uri).await?;
    let command = ChatCommand::ServerInfo {
        domain: account.owner.host().to_owned(),
        mask: InfoMask::default(),
    };
    match ask(line, envelopes, command).await? {
        ReplyData::ServerInfo(info) => Ok(info),
        _ => Err(EstablishError::Unintelligible("getserverinfo")),
    }
}

/// Asks the server for `DefaultPersistentChatPoolUri`. The answer comes in the 200 or in a notification after it.
async fn provisioned_uri(line: &mut Line, account: &Account) -> Result<SipUri, EstablishError> {
    let owner = account.owner.as_str();
    let target = line.target(owner, owner)?;
    let draft = line
        .draft(Method::SUBSCRIBE)
        .header(Name::Event, provisioning::EVENT)
        .header(Name::Accept, provisioning::CONTENT_TYPE)
        .header(Name::Supported, "ms-benotify, ms-piggyback-first-notify")
        .header(Name::Expires, "0")
        .body(provisioning::CONTENT_TYPE, provisioning::BODY);
    let mut asked = line.ask("SUBSCRIBE", target, draft);
    loop {
        let document = match line.event().await? {
            Event::Response {
                transaction,
                response,
                ..
            } if transaction == asked.transaction => match line.hear(&mut asked, &response)? {
                Heard::Granted => response.body().clone(),
                Heard::Waiting => continue,
            },
            Event::Request {
                transaction, request, ..
            } => {
                line.refuse(transaction, &request);
                match *request.method() {
                    Method::NOTIFY | Method::BENOTIFY => request.body().clone(),
                    _ => continue,
                }
            }
            Event::TimedOut { transaction, .. } if transaction == asked.transaction => {
                return Err(EstablishError::Deadline);
            }
            _ => continue,
        };
        if !document.is_empty() {
            return provisioning::chat_uri(&document).ok_or(EstablishError::NotProvisioned);
        }
    }
}

/// Opens a dialog with a chat service.
async fn invite(line: &mut Line, uri: &SipUri) -> Result<(), EstablishError> {
    let target = line.target(uri.as_str(), uri.as_str())?;
    let draft: RequestDraft = line
        .draft(Method::INVITE)
        .header(Name::Supported, "ms-sender")
        .body("application/sdp", line.description("text/plain"));
    let asked = line.ask("INVITE", target, draft);
    let (_, asked) = line.success(asked).await?;
    line.dialog = asked.dialog;
    Ok(())
}

/// One command and its reply, before any room is joined.
async fn ask(
    line: &mut Line,
    envelopes: &mut Envelopes,
    command: ChatCommand,
) -> Result<ReplyData, EstablishError> {
    let envelope = envelopes.next();
    let sent = line
        .info(encode::command(envelope, &command))
        .map_err(|_| EstablishError::Unintelligible("INVITE"))?;
    loop {
        match line.event().await? {
            Event::Response {
                transaction,
                response,
                ..
            } if transaction == sent && response.status().is_final() => {
                if let Some(refusal) = refusal("INFO", &response) {
                    return Err(refusal.into());
                }
            }
            Event::Request {
                transaction,
                dialog,
                request,
            } if dialog == line.dialog && *request.method() == Method::INFO => {
                line.respond(transaction, StatusCode::OK);
                let Ok(document) = parlor_xccos::decode(request.body()) else {
                    continue;
                };
                for item in document.items {
                    if let Primitive::Reply(reply) = item
                        && reply.to.envelope == envelope
                    {
                        return match ChatRefusal::of(&reply) {
                            Some(refusal) => Err(refusal.into()),
                            None => Ok(reply.data),
                        };
                    }
                }
            }
            Event::Request {
                transaction, request, ..
            } => line.refuse(transaction, &request),
            Event::DialogEnded { dialog, cause } if line.dialog == Some(dialog) => {
                return Err(EstablishError::SessionEnded(cause));
            }
            Event::TimedOut { transaction, .. } if transaction == sent => {
                return Err(EstablishError::Deadline);
            }
            _ => {}
        }
    }
}

/// Numbers our envelopes: from a random 32-bit start, one more each time (facts A6).
#[derive(Debug, Clone)]
pub(crate) struct Envelopes(u64);

impl Envelopes {
    pub(crate) fn starting_at(start: u32) -> Self {
        Self(u64::from(start))
    }

    /// A range of its own for a sign-in, far from what the session goes on to use.
    pub(crate) fn fork(&mut self) -> Self {
        self.0 += SIGN_IN_ENVELOPES;
        Self(self.0 - SIGN_IN_ENVELOPES)
    }

    pub(crate) fn next(&mut self) -> EnvelopeId {
        self.0 += 1;
        EnvelopeId::from(self.0)
    }
}
