//! What a user agent tells its owner.

use crate::{ClientTransactionId, DialogId, Request, Response, ServerTransactionId};

/// Something the owner of a user agent must hear about.
#[derive(Debug)]
pub enum Event {
    /// A request of the peer that the agent did not answer by itself.
    Request {
        /// Where to send the answer; `None` for ACK and BENOTIFY, which have none.
        transaction: Option<ServerTransactionId>,
        /// The dialog it belongs to, if it belongs to one of this agent.
        dialog: Option<DialogId>,
        /// The request.
        request: Request,
    },
    /// The peer cancelled its INVITE before it was answered; 487 and the 200 to the CANCEL are queued already.
    Cancelled {
        /// The INVITE; it can no longer be answered.
        transaction: ServerTransactionId,
    },
    /// An answer to a request of this agent, provisional ones included; an ACK is queued already.
    Response {
        /// The request it answers.
        transaction: ClientTransactionId,
        /// The dialog of the request. The dialog of an INVITE is gone when this is not a 2xx.
        dialog: Option<DialogId>,
        /// The answer.
        response: Response,
    },
    /// No final answer came in time (RFC 3261 timers B and F).
    TimedOut {
        /// The request.
        transaction: ClientTransactionId,
        /// The dialog of the request; a [`Event::DialogEnded`] follows if it was established.
        dialog: Option<DialogId>,
    },
    /// An established dialog is over; its id is no longer valid.
    DialogEnded {
        /// The dialog.
        dialog: DialogId,
        /// Why.
        cause: DialogEnd,
    },
    /// The peer sent a keep-alive. Nothing is sent back unless the owner asks for it (pidgin-sipe stalls on a pong).
    KeepAlive(KeepAlive),
}

/// Why a dialog ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialogEnd {
    /// The peer sent BYE.
    Bye,
    /// Nobody refreshed the session in time (RFC 4028); a BYE is queued.
    SessionExpired,
    /// The peer answered a request in the dialog with this code (408, 481 or 487).
    Gone(u16),
    /// The peer did not answer a request in the dialog at all.
    NoAnswer,
    /// The peer never acknowledged the 200 to its INVITE (timer H); a BYE is queued.
    NoAck,
}

/// A bare CRLF keep-alive (RFC 5626 section 4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// CRLF CRLF, sent by the side that opened the connection.
    Ping,
    /// CRLF, the answer.
    Pong,
}
