//! The users of this connection: what is withdrawn when they leave, and when the connection ends.

use std::time::Duration;

use parlor_sip::DialogId;
use parlor_xccos::SipUri;

use super::Session;
use crate::registrar::Why;

/// Users signed in by one connection; a host carries one per bot.
const MAX_USERS: usize = 1_024;

impl Session {
    /// Notes that there is something to withdraw for the user when this connection ends; false beyond the limit.
    pub(super) fn remember(&mut self, user: &SipUri) -> bool {
        let known = self.users.contains(user);
        if !known && self.users.len() < MAX_USERS {
            self.users.push(user.clone());
        }
        known || self.users.contains(user)
    }

    /// A binding of the user at this connection ended, whoever ended it: what the user does here ends with it.
    pub(super) fn on_signed_out(&mut self, user: &SipUri, why: Why) {
        if self.service.registrar.is_at(user, &self.mailbox) {
            // Came back in the meantime.
            return;
        }
        self.users.retain(|other| other != user);
        let person = !self.standing.is_trusted();
        if person && matches!(why, Why::Replaced | Why::Barred) {
            tracing::info!(%user, ?why, "the connection ends with its registration");
            return self.end_for_good();
        }
        self.end_chats(user);
        if person && self.users.is_empty() {
            self.end_calls();
        }
    }

    /// Chat dialogs of a user, also lost ones.
    fn end_chats(&mut self, user: &SipUri) {
        self.lost.retain(|chat| chat.user != *user);
        let of_user = |chat: &crate::dispatch::ChatDialog| chat.user == *user;
        let dialogs: Vec<DialogId> = self
            .dialogs
            .iter()
            .filter(|(_, chat)| of_user(chat))
            .map(|(dialog, _)| *dialog)
            .collect();
        let now = self.connection.now();
        for dialog in dialogs {
            self.dialogs.remove(&dialog);
            let _ = self.connection.agent().bye(now, dialog);
        }
    }

    fn end_calls(&mut self) {
        let now = self.connection.now();
        for dialog in self.calls.hang_up() {
            let _ = self.connection.agent().bye(now, dialog);
        }
    }

    /// Says goodbye and closes; there is no grace time, as nobody is expected back.
    pub(super) fn end_for_good(&mut self) {
        self.for_good = true;
        self.end();
    }

    /// The connection is over.
    pub(super) fn sign_off_all(&mut self) {
        self.calls.hang_up();
        self.unsubscribe_all();
        let grace = if self.for_good {
            Duration::ZERO
        } else {
            self.service.config.registration_grace
        };
        for user in std::mem::take(&mut self.users) {
            self.service.line_closed(&user, &self.mailbox, grace);
        }
    }

    /// The directory or an account changed: who may not be here any more goes, with everything that was opened.
    pub(super) fn recheck_users(&mut self) {
        if self.authentication.is_outdated(&self.service.accounts) {
            tracing::info!("the password was changed: the connection ends");
            return self.end_for_good();
        }
        let directory = self.service.directory.read();
        let is_gone = |user: &&SipUri| directory.user(user).is_none_or(|user| user.disabled);
        let may_not_chat = |user: &&SipUri| !directory.user(user).is_some_and(|user| user.is_active());
        let chats = self.dialogs.values().chain(&self.lost).map(|chat| &chat.user);
        let here = self.users.iter().chain(self.authentication.user());
        let mut gone: Vec<SipUri> = here
            .filter(is_gone)
            .chain(chats.filter(may_not_chat))
            .cloned()
            .collect();
        drop(directory);
        gone.sort_unstable();
        gone.dedup();
        for user in gone {
            tracing::info!(%user, "the user may not be here any more");
            if !self.standing.is_trusted() {
                return self.end_for_good();
            }
            self.users.retain(|other| *other != user);
            self.service.line_closed(&user, &self.mailbox, Duration::ZERO);
            self.end_chats(&user);
        }
    }
}
