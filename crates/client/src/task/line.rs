//! One connection of an endpoint: the requests it sends and, while signing in, the answers it waits for one by one.

use std::sync::Arc;

use bytes::Bytes;
use parlor_net::{CloseCause, Connection, Event as NetEvent};
use parlor_sip::{
    ClientTransactionId, DialogGone, DialogId, Event, Method, Name, NameAddr, Request, RequestDraft,
    Response, ServerTransactionId, StatusCode, Target, Uri,
};
use tokio::time::Instant;

use crate::endpoint::Account;
use crate::error::{EstablishError, SipRefusal};
use crate::platform::PlatformShared;
use crate::task::registration::{self, Registration};

/// XCCOS travels as plain text (facts A5).
pub(crate) const XCCOS_TYPE: &str = "text/plain";

/// A live connection with what was agreed on it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) connection: Connection,
    /// Our address with display name and epid; the agent adds the tag.
    pub(crate) from: NameAddr,
    /// The value of our Contact header.
    pub(crate) contact: String,
    pub(crate) registration: Option<Registration>,
    /// The chat session.
    pub(crate) dialog: Option<DialogId>,
}

impl Line {
    /// Dials the proxy. Registering is the next step, for those who do.
    pub(crate) async fn dial(platform: &PlatformShared, account: &Account) -> Result<Self, EstablishError> {
        let proxy = account.proxy.clone();
        let connection =
            platform
                .dialer
                .dial(proxy.clone())
                .await
                .map_err(|cause| EstablishError::Connect {
                    host: proxy.host,
                    port: proxy.port,
                    cause: Arc::new(cause),
                })?;
        let mut from = NameAddr::new(uri(account.owner.as_str())?);
        if let Some(display) = &account.display_name {
            from = from.with_display(display.clone());
        }
        if account.registration.is_some() {
            from = from.with_param("epid", Some(&account.epid));
        }
        let contact = match &platform.gruu {
            Some(gruu) => format!("<{gruu}>"),
            None => {
                let transport = if connection.peer().is_some() { "tls" } else { "tcp" };
                format!("<sip:{};transport={transport}>", connection.local_addr())
            }
        };
        Ok(Self {
            connection,
            from,
            contact,
            registration: None,
            dialog: None,
        })
    }

    /// A target whose request goes to `request_uri` and is addressed `to`.
    pub(crate) fn target(&self, request_uri: &str, to: &str) -> Result<Target, EstablishError> {
        Ok(Target {
            request_uri: uri(request_uri)?,
            from: self.from.clone(),
            to: NameAddr::new(uri(to)?),
            call_id: None,
        })
    }

    /// A draft with our Contact.
    pub(crate) fn draft(&self, method: Method) -> RequestDraft {
        RequestDraft::new(method).header(Name::Contact, &self.contact)
    }

    pub(crate) fn request(&mut self, target: &Target, draft: RequestDraft) -> ClientTransactionId {
        let now = self.connection.now();
        self.connection.agent().request(now, target, draft)
    }

    /// Sends one XCCOS document in the chat session.
    pub(crate) fn info(&mut self, body: Bytes) -> Result<ClientTransactionId, DialogGone> {
        let dialog = self.dialog.ok_or(DialogGone)?;
        let now = self.connection.now();
        self.connection.agent().info(now, dialog, XCCOS_TYPE, body)
    }

    /// When the registration wants its refresh.
    pub(crate) fn next_refresh(&self) -> Option<Instant> {
        self.registration
            .as_ref()
            .filter(|registration| registration.refreshing.is_none())
            .map(|it| it.refresh_at)
    }

    pub(crate) fn is_refresh(&self, transaction: ClientTransactionId) -> bool {
        self.registration
            .as_ref()
            .is_some_and(|registration| registration.refreshing == Some(transaction))
    }

    /// Sends the refresh of the registration.
    pub(crate) fn refresh(&mut self, account: &Account) -> Result<(), EstablishError> {
        let transaction = registration::send(self, account, account.registration.unwrap_or_default())?;
        if let Some(registration) = &mut self.registration {
            registration.refreshing = Some(transaction);
        }
        Ok(())
    }

    /// Ends the chat session.
    pub(crate) fn bye(&mut self) -> Option<ClientTransactionId> {
        let dialog = self.dialog.take()?;
        let now = self.connection.now();
        self.connection.agent().bye(now, dialog).ok()
    }

    pub(crate) fn respond(&mut self, transaction: Option<ServerTransactionId>, status: StatusCode) {
        if let Some(transaction) = transaction {
            // A transaction that is gone was cancelled or timed out: nobody waits for this answer.
            let _gone = self.connection.agent().respond(transaction, status);
        }
    }

    /// Refuses what a chat client does not serve.
    pub(crate) fn refuse(&mut self, transaction: Option<ServerTransactionId>, request: &Request) {
        let status = match *request.method() {
            Method::NOTIFY | Method::INFO => StatusCode::OK,
            Method::INVITE => StatusCode::NOT_ACCEPTABLE_HERE,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        };
        self.respond(transaction, status);
    }

    /// The next SIP event; the end of the connection is an error.
    pub(crate) async fn event(&mut self) -> Result<Event, EstablishError> {
        loop {
            match self.connection.next().await {
                NetEvent::Sip(event) => return Ok(event),
                NetEvent::Closed(cause) => return Err(EstablishError::ConnectionLost(cause)),
                _ => {}
            }
        }
    }

    /// Waits for the final answer to one request and turns a refusal into an error.
    pub(crate) async fn success(
        &mut self,
        method: &'static str,
        awaited: ClientTransactionId,
    ) -> Result<Response, EstablishError> {
        loop {
            match self.event().await? {
                Event::Response {
                    transaction,
                    response,
                    ..
                } if transaction == awaited => {
                    if !response.status().is_final() {
                        continue;
                    }
                    return match refusal(method, &response) {
                        Some(refusal) => Err(refusal.into()),
                        None => Ok(response),
                    };
                }
                Event::TimedOut { transaction, .. } if transaction == awaited => {
                    return Err(EstablishError::Deadline);
                }
                Event::Request {
                    transaction, request, ..
                } => self.refuse(transaction, &request),
                _ => {}
            }
        }
    }

    /// Closes after a failure; the peer is told nothing beyond the end of the stream.
    pub(crate) async fn close(self, reason: &'static str) {
        self.connection.close(CloseCause::Local(reason)).await;
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }
}

/// What a final answer says against a request; `None` for a success.
pub(crate) fn refusal(method: &'static str, response: &Response) -> Option<SipRefusal> {
    let status = response.status();
    (!status.is_success()).then(|| SipRefusal {
        method,
        status: status.code(),
        reason: response.reason().to_owned(),
        diagnostics: response.headers().get(Name::MsDiagnostics).map(str::to_owned),
    })
}

fn uri(text: &str) -> Result<Uri, EstablishError> {
    text.parse().map_err(|cause| EstablishError::Address {
        address: text.to_owned(),
        cause,
    })
}
