//! To whom an instance may send mail, and who is woken for it.

use std::sync::Arc;

use parlor_bot::MailAddress;
use tokio::sync::Notify;

use crate::mail::MailConfig;

/// Where mails wait, and to whom they may go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mailing {
    pub(crate) bell: Arc<Notify>,
    /// None without a mail server.
    pub(crate) server: Option<Arc<MailConfig>>,
    /// Those that the bot has taken from its settings.
    pub(crate) declared: Vec<MailAddress>,
}

impl Mailing {
    /// Why nothing may be sent to somebody, if so.
    pub(super) fn objection(&self, to: &MailAddress) -> Option<String> {
        match &self.server {
            None => Some("there is no [host.mail] to send mail with".to_owned()),
            Some(server) if self.declared.contains(to) || server.allows(to) => None,
            Some(_) => Some(format!(
                "{} is neither in this bot's settings nor in `allow` of [host.mail]",
                to.address()
            )),
        }
    }
}
