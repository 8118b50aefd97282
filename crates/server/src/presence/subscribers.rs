//! Who added a user as a contact and is to be told of ([MS-PRES] 2.2.2.6, 3.6.5.1): an entry comes with a subscription
//! that has a context, is shown to the user's clients, and goes when one of them acknowledges it.

use std::collections::BTreeMap;
use std::fmt::Write;

use parlor_rooms::DocumentChange;
use parlor_xccos::SipUri;
use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::change::Fault;
use super::kept;

/// Entries that wait for the user; beyond that nobody is told of any more.
const MAX_SUBSCRIBERS: usize = 512;

/// Those who wait to be acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscribers(BTreeMap<SipUri, Subscriber>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Subscriber {
    name: String,
}

impl Subscribers {
    /// The list with one more; none when the subscriber is there already or there is no place.
    pub(super) fn with(&self, user: &SipUri, name: String) -> Option<(Self, DocumentChange)> {
        if self.0.contains_key(user) || self.0.len() >= MAX_SUBSCRIBERS {
            return None;
        }
        let subscriber = Subscriber { name };
        let document = kept::put(format!("subscriber/{user}"), &subscriber);
        let mut after = self.clone();
        after.0.insert(user.clone(), subscriber);
        Some((after, document))
    }

    /// The list without one who is acknowledged.
    pub(super) fn without(&self, user: &SipUri) -> Result<(Self, DocumentChange), Fault> {
        let mut after = self.clone();
        after.0.remove(user).ok_or(Fault::Unreadable)?;
        Ok((after, kept::remove(format!("subscriber/{user}"))))
    }

    pub(super) fn write(&self, user: &SipUri, out: &mut String) {
        out.push_str("<subscribers xmlns=\"http://schemas.microsoft.com/2006/09/sip/presence-subscribers\">");
        for (subscriber, Subscriber { name }) in &self.0 {
            let address = subscriber
                .as_str()
                .strip_prefix("sip:")
                .unwrap_or(subscriber.as_str());
            let kind = if subscriber.host() == user.host() {
                "sameEnterprise"
            } else {
                "federated"
            };
            let _ = write!(
                out,
                "<subscriber user=\"{}\" displayName=\"{}\" acknowledged=\"false\" type=\"{kind}\"/>",
                escape(address),
                escape(name.as_str())
            );
        }
        out.push_str("</subscribers>");
    }

    pub(super) fn recall(&mut self, user: &str, content: &str) -> Option<()> {
        self.0.insert(user.parse().ok()?, kept::value(content)?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_nobody_is_told_of() {
        let mut list = Subscribers::default();
        let user = |n: usize| format!("sip:u{n}@example.com").parse::<SipUri>().unwrap();
        for n in 0..MAX_SUBSCRIBERS {
            list = list.with(&user(n), String::new()).unwrap().0;
        }
        assert!(list.with(&user(MAX_SUBSCRIBERS), String::new()).is_none());
        let (list, _) = list.without(&user(0)).unwrap();
        assert!(list.with(&user(MAX_SUBSCRIBERS), String::new()).is_some());
        assert!(list.with(&user(1), String::new()).is_none(), "is told of already");
        assert_eq!(list.without(&user(0)).err(), Some(Fault::Unreadable));
    }
}
