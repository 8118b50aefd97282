//! A command that waits for its reply, wherever it is worked on. Each gets exactly one, also when its worker dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_xccos::{CommandName, CommandRef, ErrorCode, Reply, ReplyData};

use crate::wire::{Endpoint, Wire};

/// Replies one connection still waits for.
#[derive(Debug, Default)]
pub(crate) struct Pending(AtomicUsize);

impl Pending {
    /// How many replies are outstanding.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The duty to answer one command.
#[derive(Debug)]
pub(crate) struct Ticket {
    name: CommandName,
    to: CommandRef,
    endpoint: Endpoint,
    wire: Arc<Wire>,
    pending: Arc<Pending>,
    settled: bool,
}

impl Ticket {
    pub(crate) fn new(
        name: CommandName,
        to: CommandRef,
        endpoint: Endpoint,
        wire: Arc<Wire>,
        pending: Arc<Pending>,
    ) -> Self {
        pending.0.fetch_add(1, Ordering::Relaxed);
        Self {
            name,
            to,
            endpoint,
            wire,
            pending,
            settled: false,
        }
    }

    /// Answers with success.
    pub(crate) fn reply(self, data: ReplyData) {
        let reply = Reply::ok(self.name.clone(), self.to, data);
        self.send(&reply);
    }

    /// Answers with a part of the success; the rest follows.
    pub(crate) fn partly(&self, data: ReplyData) {
        self.endpoint
            .deliver(self.wire.reply(&Reply::ok(self.name.clone(), self.to, data)));
    }

    /// Answers with an error; `detail` stands after the token, where clients show it.
    pub(crate) fn fail(self, error: ErrorCode, detail: Option<&dyn std::fmt::Display>) {
        let mut reply = Reply::failed(self.name.clone(), self.to, error);
        if let Some(detail) = detail {
            reply.text = format!("{}: {detail}", error.token());
        }
        self.send(&reply);
    }

    /// Nothing is to be said: a post that was taken is answered by its echo.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    fn send(mut self, reply: &Reply) {
        self.settled = true;
        self.endpoint.deliver(self.wire.reply(reply));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pending.0.fetch_sub(1, Ordering::Relaxed);
        if !self.settled {
            let reply = Reply::failed(self.name.clone(), self.to, ErrorCode::ServerError);
            self.endpoint.deliver(self.wire.reply(&reply));
        }
    }
}
