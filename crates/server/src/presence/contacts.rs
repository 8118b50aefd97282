//! A contact list with its groups, and the commands that change it ([MS-SIP] 2.2.4): every change counts up one number,
//! and a command made for another number is refused.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::escape::escape;

use crate::xml::Element;

/// Contacts of one user; the original's limit.
const MAX_CONTACTS: usize = 1_000;
/// Groups of one user; the original's limit.
const MAX_GROUPS: usize = 64;
/// Bytes of a name, an address or an external address.
const MAX_TEXT: usize = 1_024;
/// The group every list has; it cannot be removed.
const FIRST_GROUP: u32 = 1;

#[derive(Debug)]
pub(super) struct Contacts {
    delta: u32,
    groups: BTreeMap<u32, Group>,
    contacts: BTreeMap<String, Contact>,
}

#[derive(Debug)]
struct Group {
    name: String,
    external: String,
}

#[derive(Debug)]
struct Contact {
    name: String,
    groups: Vec<u32>,
    subscribed: bool,
    external: String,
}

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactsFault {
    /// The list has this number now.
    WrongDelta(u32),
    /// No such command, or something is missing.
    Unreadable,
    /// No such contact or group.
    Unknown,
    /// The list is as long as it may be.
    TooMany,
}

/// What a command did.
pub(super) struct Changed {
    /// For everybody who watches the list; none when nothing changed.
    pub(super) delta: Option<String>,
    /// For the client that sent it.
    pub(super) answer: Option<String>,
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

    pub(super) fn document(&self) -> String {
        let mut out = format!("<contactList deltaNum=\"{}\">", self.delta);
        for (id, group) in &self.groups {
            group.write("group", *id, &mut out);
        }
        for (uri, contact) in &self.contacts {
            contact.write("contact", uri, &mut out);
        }
        out.push_str("</contactList>");
        out
    }

    /// Applies a command; all of it or nothing.
    pub(super) fn apply(&mut self, command: &Element) -> Result<Changed, ContactsFault> {
        let text = |name: &str| {
            let text = command.child(name).map(Element::text).unwrap_or_default();
            if text.len() > MAX_TEXT {
                Err(ContactsFault::TooMany)
            } else {
                Ok(text)
            }
        };
        // A client that has not read the list yet says 0; it adds to it without knowing what is there.
        if let Ok(delta) = text("deltaNum")?.parse::<u32>()
            && delta != 0
            && delta != self.delta
        {
            return Err(ContactsFault::WrongDelta(self.delta));
        }
        let group_id = || {
            text("groupID")?
                .parse::<u32>()
                .map_err(|_| ContactsFault::Unreadable)
        };
        let uri = || {
            let uri = text("URI")?.to_ascii_lowercase();
            let uri = uri.strip_prefix("sip:").unwrap_or(&uri).to_owned();
            if uri.is_empty() {
                Err(ContactsFault::Unreadable)
            } else {
                Ok(uri)
            }
        };
        let mut change = String::new();
        let mut answer = None;
        match command.local() {
            "setContact" => {
                let uri = uri()?;
                if self.contacts.len() >= MAX_CONTACTS && !self.contacts.contains_key(&uri) {
                    return Err(ContactsFault::TooMany);
                }
                let groups = text("groups")?;
                let mut groups: Vec<u32> = groups
                    .split_whitespace()
                    .filter_map(|id| id.parse().ok())
                    .filter(|id| self.groups.contains_key(id))
                    .collect();
                if groups.is_empty() {
                    groups.push(FIRST_GROUP);
                }
                groups.dedup();
                let contact = Contact {
                    name: text("displayName")?,
                    groups,
                    subscribed: text("subscribed")? != "false",
                    external: text("externalURI")?,
                };
                let name = if self.contacts.contains_key(&uri) {
                    "modifiedContact"
                } else {
                    "addedContact"
                };
                contact.write(name, &uri, &mut change);
                self.contacts.insert(uri, contact);
            }
            "deleteContact" => {
                let uri = uri()?;
                self.contacts.remove(&uri).ok_or(ContactsFault::Unknown)?;
                let _ = write!(change, "<deletedContact uri=\"{}\"/>", escape(uri.as_str()));
            }
            "addGroup" => {
                let name = text("name")?;
                if let Some((id, _)) = self.groups.iter().find(|(_, group)| group.name == name) {
                    return Ok(Changed {
                        delta: None,
                        answer: Some(group_added(*id)),
                    });
                }
                if self.groups.len() >= MAX_GROUPS {
                    return Err(ContactsFault::TooMany);
                }
                let id = self
                    .groups
                    .keys()
                    .next_back()
                    .map_or(FIRST_GROUP, |last| last.saturating_add(1));
                let group = Group {
                    name,
                    external: text("externalURI")?,
                };
                group.write("addedGroup", id, &mut change);
                self.groups.insert(id, group);
                answer = Some(group_added(id));
            }
            "modifyGroup" => {
                let id = group_id()?;
                let (name, external) = (text("name")?, text("externalURI")?);
                let group = self.groups.get_mut(&id).ok_or(ContactsFault::Unknown)?;
                *group = Group { name, external };
                group.write("modifiedGroup", id, &mut change);
            }
            "deleteGroup" => {
                let id = group_id()?;
                if id == FIRST_GROUP || self.groups.remove(&id).is_none() {
                    return Err(ContactsFault::Unknown);
                }
                for contact in self.contacts.values_mut() {
                    contact.groups.retain(|group| *group != id);
                    if contact.groups.is_empty() {
                        contact.groups.push(FIRST_GROUP);
                    }
                }
                let _ = write!(change, "<deletedGroup id=\"{id}\"/>");
            }
            _ => return Err(ContactsFault::Unreadable),
        }
        let before = self.delta;
        self.delta = self.delta.wrapping_add(1).max(1);
        Ok(Changed {
            delta: Some(format!(
                "<contactDelta deltaNum=\"{}\" prevDeltaNum=\"{before}\">{change}</contactDelta>",
                self.delta
            )),
            answer,
        })
    }
}

/// The answer to `addGroup`: the number of the group.
fn group_added(id: u32) -> String {
    format!(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>\
         <m:addGroup xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\"><m:groupID>{id}</m:groupID>\
         </m:addGroup></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Element {
        Element::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_change_counts_and_tells_only_what_changed() {
        let mut list = Contacts::default();
        let set = "<m:setContact xmlns:m='u'><m:displayName>B&amp;b</m:displayName><m:groups>1 </m:groups>\
                   <m:subscribed>true</m:subscribed><m:URI>sip:bob@example.com</m:URI><m:deltaNum>1</m:deltaNum>\
                   </m:setContact>";
        let changed = list.apply(&command(set)).unwrap();
        assert_eq!(
            changed.delta.unwrap(),
            "<contactDelta deltaNum=\"2\" prevDeltaNum=\"1\"><addedContact uri=\"bob@example.com\" name=\"B&amp;b\" \
             groups=\"1\" subscribed=\"true\" externalURI=\"\"/></contactDelta>"
        );
        assert_eq!(
            list.apply(&command(set)).err(),
            Some(ContactsFault::WrongDelta(2))
        );
        let group = list
            .apply(&command(
                "<addGroup><name>Team</name><deltaNum>2</deltaNum></addGroup>",
            ))
            .unwrap();
        assert!(group.answer.unwrap().contains("<m:groupID>2</m:groupID>"));
        list.apply(&command(
            "<deleteGroup><groupID>2</groupID><deltaNum>3</deltaNum></deleteGroup>",
        ))
        .unwrap();
        let gone = "<deleteContact><URI>sip:bob@example.com</URI><deltaNum>4</deltaNum></deleteContact>";
        assert!(
            list.apply(&command(gone))
                .unwrap()
                .delta
                .unwrap()
                .contains("<deletedContact uri=\"bob@example.com\"/>")
        );
        assert_eq!(
            list.document(),
            "<contactList deltaNum=\"5\"><group id=\"1\" name=\"~\" externalURI=\"\"/></contactList>"
        );
    }

    #[test]
    fn a_command_that_makes_no_sense_changes_nothing() {
        let mut list = Contacts::default();
        for (text, fault) in [
            ("<dance/>", ContactsFault::Unreadable),
            ("<setContact/>", ContactsFault::Unreadable),
            (
                "<deleteContact><URI>sip:x@y</URI></deleteContact>",
                ContactsFault::Unknown,
            ),
            (
                "<deleteGroup><groupID>1</groupID></deleteGroup>",
                ContactsFault::Unknown,
            ),
            (
                "<modifyGroup><groupID>9</groupID></modifyGroup>",
                ContactsFault::Unknown,
            ),
        ] {
            assert_eq!(list.apply(&command(text)).err(), Some(fault), "{text}");
        }
        assert!(list.document().contains("deltaNum=\"1\""));
    }
}
