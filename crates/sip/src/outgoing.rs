//! What waits to be written, and the one place where the head of an outgoing message is finished.

use crate::draft::ResponseDraft;
use crate::signing::{Guard, SignedParts};
use crate::text::{push_hex, push_line_text, push_number};
use crate::{Method, Name, Request};
use bytes::Bytes;

/// Messages in the order they go out: heads and bodies as separate pieces.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pieces: Vec<Bytes>,
    /// Signs every message; none as long as no security association stands.
    guard: Option<Box<dyn Guard>>,
}

impl Outgoing {
    /// Queues a message. `head` holds every line but Content-Length.
    pub(crate) fn send(&mut self, mut head: String, body: Bytes) {
        if let Some(guard) = &mut self.guard {
            sign(guard.as_mut(), &mut head);
        }
        self.pieces.push(finish_head(head, body.len()));
        if !body.is_empty() {
            self.pieces.push(body);
        }
    }

    pub(crate) fn secure(&mut self, guard: Box<dyn Guard>) {
        self.guard = Some(guard);
    }

    pub(crate) fn guard(&mut self) -> Option<&mut dyn Guard> {
        match &mut self.guard {
            Some(guard) => Some(guard.as_mut()),
            None => None,
        }
    }

    /// Queues bytes that are no message.
    pub(crate) fn send_raw(&mut self, bytes: &'static [u8]) {
        self.pieces.push(Bytes::from_static(bytes));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn take(&mut self, out: &mut impl Extend<Bytes>) {
        out.extend(self.pieces.drain(..));
        if self.pieces.capacity() > KEPT_PIECES {
            self.pieces = Vec::new();
        }
    }
}

/// An idle connection keeps room for two messages and no more.
const KEPT_PIECES: usize = 4;

/// Adds the signature when all lines it covers stand. Provisional responses go unsigned: nobody acts on them.
fn sign(guard: &mut dyn Guard, head: &mut String) {
    let parts = SignedParts::of_head(head);
    if parts.status.is_some_and(|status| status < 200) {
        return;
    }
    let value = guard.sign(&parts);
    head.extend([Name::AuthenticationInfo.as_str(), ": "]);
    push_line_text(head, &value);
    head.push_str("\r\n");
}

/// Finishes a head. Every message of this crate passes here once, when all of its other lines stand.
pub(crate) fn finish_head(mut head: String, body_length: usize) -> Bytes {
    head.push_str("Content-Length: ");
    push_number(&mut head, body_length);
    head.push_str("\r\n\r\n");
    Bytes::from(head)
}

/// What an outgoing request says in its head, apart from branch, sequence number and additions.
#[derive(Clone, Copy)]
pub(crate) struct Outline<'a> {
    pub(crate) method: &'a Method,
    pub(crate) request_uri: &'a str,
    /// `SIP/2.0/TLS host:port;branch=z9hG4bK`
    pub(crate) via: &'a str,
    /// Whole `Route` lines.
    pub(crate) routes: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) contact: Option<&'a str>,
    pub(crate) user_agent: &'a str,
}

/// Room for a head without reallocation; real ones are 350 to 700 bytes.
pub(crate) const USUAL_HEAD: usize = 768;

impl Outline<'_> {
    /// The whole head but for additions and Content-Length.
    pub(crate) fn head(&self, branch: u64, cseq: u32) -> String {
        let mut head = String::with_capacity(USUAL_HEAD);
        self.write_before_branch(&mut head);
        push_hex(&mut head, branch);
        self.write_before_cseq(&mut head);
        push_number(&mut head, cseq as usize);
        self.write_after_cseq(&mut head);
        head
    }

    pub(crate) fn write_before_branch(&self, head: &mut String) {
        let pieces = [
            self.method.as_str(),
            " ",
            self.request_uri,
            " SIP/2.0\r\nVia: ",
            self.via,
        ];
        head.extend(pieces);
    }

    pub(crate) fn write_before_cseq(&self, head: &mut String) {
        head.extend([
            "\r\nMax-Forwards: 70\r\n",
            self.routes,
            "From: ",
            self.from,
            "\r\nTo: ",
            self.to,
        ]);
        head.extend(["\r\nCall-ID: ", self.call_id, "\r\nCSeq: "]);
    }

    pub(crate) fn write_after_cseq(&self, head: &mut String) {
        head.extend([" ", self.method.as_str(), "\r\n"]);
        if let Some(contact) = self.contact {
            head.extend(["Contact: ", contact, "\r\n"]);
        }
        if !self.user_agent.is_empty() {
            head.extend(["User-Agent: ", self.user_agent, "\r\n"]);
        }
    }
}

/// The lines a response copies from its request, in their order (RFC 3261 section 8.2.6.2); a To tag is added when
/// the request has none. Lines the request lacks are left out.
pub(crate) fn echo(request: &Request, to_tag: &str) -> String {
    let headers = request.headers();
    let mut echo = String::with_capacity(USUAL_HEAD / 2);
    for via in headers.all(Name::Via) {
        echo.extend(["Via: ", via, "\r\n"]);
    }
    if matches!(*request.method(), Method::INVITE | Method::SUBSCRIBE) {
        for route in headers.all(Name::RecordRoute) {
            echo.extend(["Record-Route: ", route, "\r\n"]);
        }
    }
    for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
        let Some(value) = headers.get(name) else { continue };
        echo.extend([name.as_str(), ": ", value]);
        if name == Name::To && crate::name_addr::tag_of(value).is_none() {
            echo.extend([";tag=", to_tag]);
        }
        echo.push_str("\r\n");
    }
    echo
}

/// The head of a response but for Content-Length.
pub(crate) fn response_head(
    draft: &ResponseDraft,
    echo: &str,
    contact: Option<&str>,
    server: &str,
) -> String {
    let mut head = String::with_capacity(echo.len() + USUAL_HEAD / 2);
    head.push_str("SIP/2.0 ");
    push_number(&mut head, usize::from(draft.status().code()));
    head.extend([" ", draft.reason_phrase(), "\r\n", echo]);
    if let Some(contact) = contact {
        head.extend(["Contact: ", contact, "\r\n"]);
    }
    if !server.is_empty() && draft.additions.get(Name::Server).is_none() {
        head.extend(["Server: ", server, "\r\n"]);
    }
    draft.additions.write(&mut head);
    head
}
