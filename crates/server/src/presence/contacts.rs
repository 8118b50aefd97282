//! A contact list with its groups ([MS-SIP] 2.2.4): every change counts up one number, and a command made for another
//! number is refused.

mod commands;

use std::collections::BTreeMap;
use std::fmt::Write;

use parlor_rooms::DocumentChange;
use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::kept;

pub(super) use commands::Changed;

/// The group every list has; it cannot be removed.
const FIRST_GROUP: u32 = 1;

/// The contact list of one user.
#[derive(Debug, Clone)]
pub(super) struct Contacts {
    delta: u32,
    groups: BTreeMap<u32, Group>,
    /// By address without `sip:`.
    contacts: BTreeMap<String, Contact>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Group {
    name: String,
    external: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Contact {
    name: String,
    groups: Vec<u32>,
    subscribed: bool,
    external: String,
}

/// What is stored of the list besides its entries.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    delta: u32,
}

impl Default for Contacts {
    fn default() -> Self {
        let first = Group {
            name: "~".to_owned(),
            external: String::new(),
        };
        Self {
            delta: 1,
            groups: BTreeMap::from([(FIRST_GROUP, first)]),
            contacts: BTreeMap::new(),
        }
    }
}

impl Contacts {
    /// Whether nothing was ever changed.
    pub(super) fn is_new(&self) -> bool {
        self.delta == 1
    }

    /// The whole list. Addresses stand in it without `sip:`, unlike in a delta (real-client 3.2).
    pub(super) fn document(&self) -> String {
        let mut out = format!("<contactList deltaNum=\"{}\">", self.delta);
        for (id, group) in &self.groups {
            group.write("group", *id, &mut out);
        }
        for (address, contact) in &self.contacts {
            contact.write("contact", address, &mut out);
        }
        out.push_str("</contactList>");
        out
    }

    pub(super) fn recall(&mut self, kind: &str, name: &str, content: &str) -> Option<()> {
        match kind {
            "contact" => {
                self.contacts.insert(name.to_owned(), kept::value(content)?);
            }
            "group" => {
                self.groups.insert(name.parse().ok()?, kept::value(content)?);
            }
            _ => self.delta = kept::value::<Kept>(content)?.delta,
        }
        Some(())
    }

    fn kept(&self) -> DocumentChange {
        kept::put("contacts".to_owned(), &Kept { delta: self.delta })
    }
}

impl Group {
    fn write(&self, element: &str, id: u32, out: &mut String) {
        let _ = write!(
            out,
            "<{element} id=\"{id}\" name=\"{}\" externalURI=\"{}\"/>",
            escape(self.name.as_str()),
            escape(self.external.as_str())
        );
    }

    fn kept(&self, id: u32) -> DocumentChange {
        kept::put(group_document(id), self)
    }
}

impl Contact {
    fn write(&self, element: &str, uri: &str, out: &mut String) {
        let groups: Vec<String> = self.groups.iter().map(u32::to_string).collect();
        let _ = write!(
            out,
            "<{element} uri=\"{}\" name=\"{}\" groups=\"{}\" subscribed=\"{}\" externalURI=\"{}\"/>",
            escape(uri),
            escape(self.name.as_str()),
            groups.join(" "),
            self.subscribed,
            escape(self.external.as_str())
        );
    }

    fn kept(&self, address: &str) -> DocumentChange {
        kept::put(contact_document(address), self)
    }
}

fn group_document(id: u32) -> String {
    format!("group/{id}")
}

fn contact_document(address: &str) -> String {
    format!("contact/{address}")
}
