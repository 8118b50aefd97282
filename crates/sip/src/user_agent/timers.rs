//! What happens when time passes: requests without an answer, INVITEs without an ACK, sessions without a refresh.

use super::UserAgent;
use crate::client_transactions::{ClientTransaction, Purpose};
use crate::session::SessionDue;
use crate::{Dialog, DialogEnd, DialogId, DialogState, Event, StatusCode};
use std::time::Instant;

impl UserAgent {
    /// Runs one due timer: `None` when none is due, `Some(None)` when one was and the owner need not know.
    pub(super) fn run_timer(&mut self, now: Instant) -> Option<Option<Event>> {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return None;
        }
        if let Some(transaction) = self.client.expire(now) {
            return Some(self.on_no_answer(&transaction));
        }
        if let Some(transaction) = self.server.expired(now) {
            // The owner forgot it. The dialog, if any, shall not suffer: a 408 would end it.
            let _ = self.respond(transaction, StatusCode::SERVER_TIME_OUT);
            return Some(None);
        }
        let unacknowledged = self
            .dialogs
            .iter()
            .find(|dialog| dialog.ack_due.is_some_and(|due| due <= now));
        if let Some(id) = unacknowledged.map(Dialog::id) {
            return Some(self.give_up(now, id, DialogEnd::NoAck));
        }
        let (id, due) = self.dialogs.iter_mut().find_map(|dialog| {
            let due = dialog
                .session
                .as_mut()
                .and_then(|session| session.take_due(now))?;
            Some((dialog.id, due))
        })?;
        Some(match due {
            SessionDue::Expire => self.give_up(now, id, DialogEnd::SessionExpired),
            SessionDue::Refresh => {
                self.refresh(now, id);
                None
            }
        })
    }

    /// Ends a dialog that the peer seems to have lost, with a BYE in case it has not.
    fn give_up(&mut self, now: Instant, id: DialogId, cause: DialogEnd) -> Option<Event> {
        self.hang_up(now, id);
        Some(Event::DialogEnded { dialog: id, cause })
    }

    /// No answer within 32 s counts as a 408 (RFC 3261 section 8.1.3.1) and so ends an established dialog.
    fn on_no_answer(&mut self, transaction: &ClientTransaction) -> Option<Event> {
        let dialog = transaction.dialog.and_then(|id| self.dialogs.remove(id));
        let was_established = dialog.is_some_and(|dialog| dialog.state != DialogState::Calling);
        let ended = transaction.dialog.filter(|_| was_established);
        let ended = ended.map(|dialog| Event::DialogEnded {
            dialog,
            cause: DialogEnd::NoAnswer,
        });
        if transaction.purpose == Purpose::Refresh {
            return ended;
        }
        if transaction.purpose == Purpose::Quiet {
            return None;
        }
        self.events.extend(ended);
        Some(Event::TimedOut {
            transaction: transaction.id,
            dialog: transaction.dialog,
        })
    }
}
