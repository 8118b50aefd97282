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
use crate::task::asking::Prover;
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
    /// An application's Contact is its computer's GRUU, whatever a registrar gives its user.
    pub(crate) keeps_contact: bool,
    pub(crate) registration: Option<Registration>,
    /// Answers challenges; `None` without a password.
    pub(crate) prover: Option<Prover>,
    /// The chat session.
    pub(crate) dialog: Option<DialogId>,
}

impl Line {
    /// Dials the proxy. Registering is the next step, for those who do.
    pub(crate) async fn dial(platform: &PlatformShared, account: &Account) -> Result<Self, EstablishError> {
        if account.credentials.is_some() && !platform.encrypted {
            return Err(EstablishError::PasswordNeedsTls);
        }
        let prover = account.credentials.as_ref().map(Prover::new).transpose()?;
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
            keeps_contact: platform.gruu.is_some(),
            registration: None,
            prover,
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
        let refreshing = self.registration.as_ref().and_then(|it| it.refreshing.as_ref());
        refreshing.is_some_and(|asked| asked.transaction == transaction)
    }

    /// Sends the refresh of the registration.
    pub(crate) fn refresh(&mut self, account: &Account) -> Result<(), EstablishError> {
        let asked = registration::send(self, account, account.registration.unwrap_or_default())?;
        if let Some(registration) = &mut self.registration {
            registration.refreshing = Some(asked);
        }
        Ok(())
    }

    /// A session description as real servers and clients accept it: media is only named, texts travel in the dialog
    /// (facts A3).
    pub(crate) fn description(&self, accepted: &str) -> String {
        let address = self.connection.local_addr().ip();
        let version = if address.is_ipv6() { "IP6" } else { "IP4" };
        format!(
            "v=0\r\no=- 0 0 IN {version} {address}\r\ns=session\r\nc=IN {version} {address}\r\nt=0 0\r\n\
             m=message 5060 sip null\r\na=accept-types:{accepted}\r\n"
        )
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
