//! Requests of ours that wait for an answer: on a reliable transport a name, a purpose and one timer.

use crate::{ClientTransactionId, DialogId, Method};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// 64 * T1 (RFC 3261 timers B and F).
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(32);
/// What an INVITE may take once it was answered provisionally (RFC 3261 timer C: more than three minutes).
pub(crate) const INVITE_TIMEOUT: Duration = Duration::from_secs(181);

/// Who wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The owner.
    Request,
    /// The owner, unless it is a 2xx.
    QuietInfo,
    /// The owner; the final answer is acknowledged.
    Invite,
    /// Nobody: a BYE of the agent's own.
    Quiet,
    /// The session timer.
    Refresh,
}

/// A request that waits for its final answer.
#[derive(Debug)]
pub(crate) struct ClientTransaction {
    pub(crate) id: ClientTransactionId,
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    pub(crate) dialog: Option<DialogId>,
    pub(crate) call_id: Arc<str>,
    pub(crate) cseq: u32,
    pub(crate) deadline: Instant,
}

/// The requests of one agent that wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct ClientTransactions {
    /// In the order of their ids and, since all have the same timeout, of their deadlines.
    ordinary: VecDeque<ClientTransaction>,
    /// INVITEs, whose deadline moves.
    invites: Vec<ClientTransaction>,
}

impl ClientTransactions {
    pub(crate) fn len(&self) -> usize {
        self.ordinary.len() + self.invites.len()
    }

    pub(crate) fn insert(&mut self, transaction: ClientTransaction) {
        if transaction.purpose == Purpose::Invite {
            self.invites.push(transaction);
        } else {
            self.ordinary.push_back(transaction);
        }
    }

    /// Finds the request an answer belongs to by the id its branch carries.
    pub(crate) fn find(
        &self,
        id: ClientTransactionId,
        method: &Method,
        cseq: u32,
    ) -> Option<&ClientTransaction> {
        let ordinary = self
            .ordinary
            .binary_search_by_key(&id, |transaction| transaction.id);
        let found = match ordinary {
            Ok(at) => self.ordinary.get(at),
            Err(_) => self.invites.iter().find(|transaction| transaction.id == id),
        };
        found.filter(|transaction| transaction.cseq == cseq && transaction.method == *method)
    }

    /// Finds the request an answer without our branch belongs to.
    pub(crate) fn find_by_call(
        &self,
        call_id: &str,
        method: &Method,
        cseq: u32,
    ) -> Option<&ClientTransaction> {
        self.ordinary.iter().chain(&self.invites).find(|transaction| {
            transaction.cseq == cseq && transaction.method == *method && *transaction.call_id == *call_id
        })
    }

    pub(crate) fn invite_mut(&mut self, id: ClientTransactionId) -> Option<&mut ClientTransaction> {
        self.invites.iter_mut().find(|transaction| transaction.id == id)
    }

    /// The INVITE of a dialog that has no final answer yet.
    pub(crate) fn invite_of(&self, dialog: DialogId) -> Option<&ClientTransaction> {
        // A re-INVITE that refreshes a session is an ordinary request here.
        let mut invites = self.invites.iter().chain(&self.ordinary);
        invites.find(|transaction| transaction.dialog == Some(dialog) && transaction.method == Method::INVITE)
    }

    pub(crate) fn remove(&mut self, id: ClientTransactionId) -> Option<ClientTransaction> {
        if let Ok(at) = self
            .ordinary
            .binary_search_by_key(&id, |transaction| transaction.id)
        {
            let removed = self.ordinary.remove(at);
            if self.ordinary.is_empty() && self.ordinary.capacity() > KEPT_ENTRIES {
                self.ordinary = VecDeque::new();
            }
            return removed;
        }
        let at = self.invites.iter().position(|transaction| transaction.id == id)?;
        Some(self.invites.swap_remove(at))
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let invites = self.invites.iter().map(|transaction| transaction.deadline);
        self.ordinary
            .front()
            .map(|transaction| transaction.deadline)
            .into_iter()
            .chain(invites)
            .min()
    }

    /// Takes one request whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<ClientTransaction> {
        if self
            .ordinary
            .front()
            .is_some_and(|transaction| transaction.deadline <= now)
        {
            return self.ordinary.pop_front();
        }
        let at = self
            .invites
            .iter()
            .position(|transaction| transaction.deadline <= now)?;
        Some(self.invites.swap_remove(at))
    }
}

/// An idle connection keeps room for so many requests and no more.
const KEPT_ENTRIES: usize = 4;
