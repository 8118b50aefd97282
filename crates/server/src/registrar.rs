//! Where each user can be reached: what REGISTER binds to an address, for how long, and what ends with it
//! (RFC 3261 section 10.3). The rules are a state machine without clock or sockets; this file lets presence, calls and
//! sessions follow it. Proving who registers is left to the session.

mod clock;
mod device;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parlor_xccos::SipUri;
use tokio::sync::Notify;

use crate::mailbox::{Mail, Mailbox};
use crate::service::Service;

pub(crate) use clock::end_in_time;
pub(crate) use device::Device;
pub(crate) use table::{Binding, Ended, Full, Registration, Why};
use table::{Limits, Table};

/// The bindings of all users.
#[derive(Debug)]
pub(crate) struct Registrar {
    table: Mutex<Table<Mailbox>>,
    /// Rung when something ends earlier than everything before.
    sooner: Notify,
}

impl Default for Registrar {
    fn default() -> Self {
        Self {
            table: Mutex::new(Table::new(Limits::default())),
            sooner: Notify::new(),
        }
    }
}

impl Registrar {
    /// Where a user is signed in, also where the connection is lost for the moment.
    pub(crate) fn of(&self, user: &SipUri) -> Vec<Binding<Mailbox>> {
        self.lock().of(user).to_vec()
    }

    /// Whether the user is signed in over this connection.
    pub(crate) fn is_at(&self, user: &SipUri, line: &Mailbox) -> bool {
        self.lock().of(user).iter().any(|binding| binding.line == *line)
    }

    /// Held for a look or a change and what presence makes of it, so that nobody sees one without the other.
    /// Lock order: this one, then those of presence and of mailboxes.
    fn lock(&self) -> MutexGuard<'_, Table<Mailbox>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Binds an endpoint, or refreshes it.
    pub(crate) fn sign_in(&self, user: &SipUri, registration: Registration<Mailbox>) -> Result<(), Full> {
        let now = now();
        let mut table = self.registrar.lock();
        let before = table.next_end();
        let line = registration.line.clone();
        let ended = table.register(now, user, registration)?;
        let sooner = table.next_end() < before || before.is_none();
        for ended in &ended {
            if ended.why == Why::Replaced && ended.last_here {
                self.presence.endpoint_moved(user, &ended.line, &line);
            }
        }
        self.follow(ended);
        drop(table);
        if sooner {
            self.registrar.sooner.notify_one();
        }
        Ok(())
    }

    /// One endpoint leaves.
    pub(crate) fn sign_off(&self, user: &SipUri, line: &Mailbox, device: &Device) {
        let mut table = self.registrar.lock();
        let ended = table.leave(user, line, device);
        self.follow(ended);
    }

    /// Every endpoint of a user leaves, or has to.
    pub(crate) fn sign_off_everywhere(&self, user: &SipUri, why: Why) {
        let mut table = self.registrar.lock();
        let ended = table.leave_all(user, why);
        self.follow(ended);
    }

    /// A connection is over that spoke for the user: without `grace`, for good.
    pub(crate) fn line_closed(&self, user: &SipUri, line: &Mailbox, grace: Duration) {
        let mut table = self.registrar.lock();
        if !table.of(user).iter().any(|binding| binding.line == *line) {
            // Published without having registered.
            let last = table.of(user).is_empty();
            self.presence.endpoint_gone(user, line, last);
            return;
        }
        let before = table.next_end();
        let ended = table.lose(now(), user, line, grace);
        let sooner = table.next_end() < before;
        self.follow(ended);
        drop(table);
        if sooner {
            self.registrar.sooner.notify_one();
        }
    }

    /// Ends what ran out; says when the next does.
    fn end_due(&self) -> Option<Instant> {
        let mut table = self.registrar.lock();
        let ended = table.expire(now());
        self.follow(ended);
        table.next_end()
    }

    /// Presence and the session follow what ended. Called under the registrar's lock.
    fn follow(&self, ended: Vec<Ended<Mailbox>>) {
        for Ended {
            user,
            line,
            why,
            last,
            last_here,
        } in ended
        {
            tracing::info!(%user, ?why, last, "registration ended");
            if last_here {
                self.presence.endpoint_gone(&user, &line, last);
                line.post(Mail::SignedOut(user, why));
            }
        }
    }
}

/// The runtime's clock, which tests can turn.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
