//! Requests of the peer that wait for an answer of ours.
//!
//! On a reliable transport a request is over with its final answer; what is kept until then is the part of the
//! answer that only the request knows.

use crate::client_transactions::{ANSWER_TIMEOUT, INVITE_TIMEOUT};
use crate::name_addr::Parts;
use crate::outgoing::echo;
use crate::params::find_param;
use crate::text::is_uri_like;
use crate::{HeaderError, Method, Name, Request, ServerTransactionId};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

/// What tells one request from another on this connection.
///
/// RFC 3261 section 17.2.3 asks for the branch, which real clients leave out; Call-ID, CSeq and From tag always
/// belong to it, so that a reused branch does no harm either. A hash will do: it only has to tell apart the few
/// requests that wait at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

/// What the agent reads of every request before anything else.
#[derive(Clone, Copy)]
pub(crate) struct Basics<'a> {
    pub(crate) call_id: &'a str,
    pub(crate) cseq: u32,
    pub(crate) from_tag: Option<&'a str>,
    pub(crate) to_tag: Option<&'a str>,
    branch: Option<&'a str>,
}

impl<'a> Basics<'a> {
    /// Reads the headers no request may lack (RFC 3261 section 8.1.1).
    pub(crate) fn read(request: &'a Request) -> Result<Self, HeaderError> {
        let branch = request.via()?.branch();
        let call_id = request.call_id()?;
        let cseq = request.cseq()?;
        if cseq.method != *request.method() {
            return Err(HeaderError::Malformed(Name::CSeq));
        }
        let tag = |name| {
            let value = request.headers().get(name).ok_or(HeaderError::Missing(name))?;
            let parts = Parts::split(value).map_err(|_| HeaderError::Malformed(name))?;
            if !is_uri_like(parts.uri) {
                return Err(HeaderError::Malformed(name));
            }
            Ok(find_param(parts.params, "tag").filter(|tag| !tag.is_empty()))
        };
        Ok(Self {
            call_id,
            cseq: cseq.number,
            from_tag: tag(Name::From)?,
            to_tag: tag(Name::To)?,
            branch,
        })
    }

    /// The key of the request with these basics and this method.
    pub(crate) fn key(&self, method: &Method) -> Key {
        let mut hasher = DefaultHasher::new();
        (self.branch, self.call_id, self.cseq, self.from_tag, method).hash(&mut hasher);
        Key(hasher.finish())
    }
}

/// A request that waits for its final answer.
#[derive(Debug)]
pub(crate) struct ServerTransaction {
    pub(crate) id: ServerTransactionId,
    pub(crate) key: Key,
    /// The lines every answer copies from the request.
    pub(crate) echo: Box<str>,
    /// The To tag of every answer.
    pub(crate) to_tag: Box<str>,
    /// The request itself when it may open a dialog.
    pub(crate) invite: Option<Box<Request>>,
    pub(crate) deadline: Instant,
}

impl ServerTransaction {
    pub(crate) fn new(
        id: ServerTransactionId,
        key: Key,
        request: &Request,
        to_tag: String,
        now: Instant,
    ) -> Self {
        let is_invite = *request.method() == Method::INVITE;
        Self {
            id,
            key,
            echo: echo(request, &to_tag).into(),
            to_tag: to_tag.into(),
            invite: is_invite.then(|| Box::new(request.clone())),
            deadline: now + if is_invite { INVITE_TIMEOUT } else { ANSWER_TIMEOUT },
        }
    }
}

/// The requests of one peer that wait for an answer; a few, so a list is the right map.
#[derive(Debug, Default)]
pub(crate) struct ServerTransactions {
    waiting: Vec<ServerTransaction>,
}

impl ServerTransactions {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn insert(&mut self, transaction: ServerTransaction) {
        self.waiting.push(transaction);
    }

    pub(crate) fn find(&self, id: ServerTransactionId) -> Option<&ServerTransaction> {
        self.waiting.iter().find(|transaction| transaction.id == id)
    }

    pub(crate) fn find_key(&self, key: Key) -> Option<&ServerTransaction> {
        self.waiting.iter().find(|transaction| transaction.key == key)
    }

    pub(crate) fn remove(&mut self, id: ServerTransactionId) -> Option<ServerTransaction> {
        let at = self.waiting.iter().position(|transaction| transaction.id == id)?;
        let removed = self.waiting.swap_remove(at);
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT_ENTRIES {
            self.waiting = Vec::new();
        }
        Some(removed)
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|transaction| transaction.deadline).min()
    }

    /// A request whose time is over.
    pub(crate) fn expired(&self, now: Instant) -> Option<ServerTransactionId> {
        self.waiting
            .iter()
            .find(|transaction| transaction.deadline <= now)
            .map(|transaction| transaction.id)
    }
}

/// An idle connection keeps room for so many requests and no more.
const KEPT_ENTRIES: usize = 4;
