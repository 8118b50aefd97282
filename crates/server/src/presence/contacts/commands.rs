//! The commands that change a contact list, and what each tells: its sender, the user's other clients, and the store.

use std::fmt::Write;

use parlor_rooms::DocumentChange;
use parlor_xccos::SipUri;
use quick_xml::escape::escape;

use super::{Contact, Contacts, FIRST_GROUP, Group, contact_document, group_document};
use crate::presence::change::Fault;
use crate::presence::kept;
use crate::xml::Element;

/// Contacts of one user; the original's limit.
const MAX_CONTACTS: usize = 1_000;
/// Groups of one user; the original's limit.
const MAX_GROUPS: usize = 64;
/// Bytes of a name or an external address.
const MAX_TEXT: usize = 1_024;

/// What a command did.
#[derive(Debug, Default)]
pub(in crate::presence) struct Changed {
    /// For everybody who watches the list; none when nothing changed.
    pub(in crate::presence) delta: Option<String>,
    /// For the client that sent it.
    pub(in crate::presence) answer: Option<String>,
    /// For the store.
    pub(in crate::presence) documents: Vec<DocumentChange>,
}

/// The elements of a `contactDelta`, in the order [MS-SIP] 3.7 wants them, and what is to be stored.
#[derive(Debug, Default)]
struct Delta {
    changed: String,
    deleted: String,
    documents: Vec<DocumentChange>,
}

impl Contacts {
    /// Applies a command; all of it or nothing.
    pub(in crate::presence) fn apply(&mut self, command: &Element) -> Result<Changed, Fault> {
        // A client that has not read the list yet says 0; it adds to it without knowing what is there.
        let known = match text(command, "deltaNum")?.as_str() {
            "" => 0,
            number => number.parse::<u32>().map_err(|_| Fault::Unreadable)?,
        };
        if known != 0 && known != self.delta {
            return Err(Fault::WrongVersions(vec![(1, self.delta)]));
        }
        let mut delta = Delta::default();
        let mut answer = None;
        match command.local() {
            "setContact" => self.set_contact(command, &mut delta)?,
            "deleteContact" => self.delete_contact(command, &mut delta)?,
            "addGroup" => {
                let name = text(command, "name")?;
                if let Some((id, _)) = self.groups.iter().find(|(_, group)| group.name == name) {
                    return Ok(Changed {
                        answer: Some(group_added(*id)),
                        ..Changed::default()
                    });
                }
                answer = Some(group_added(self.add_group(name, command, &mut delta)?));
            }
            "modifyGroup" => self.modify_group(command, &mut delta)?,
            "deleteGroup" => self.delete_group(command, &mut delta)?,
            _ => return Err(Fault::Unreadable),
        }
        let before = self.delta;
        self.delta = self.delta.wrapping_add(1).max(2);
        delta.documents.push(self.kept());
        Ok(Changed {
            delta: Some(format!(
                "<contactDelta deltaNum=\"{}\" prevDeltaNum=\"{before}\">{}{}</contactDelta>",
                self.delta, delta.changed, delta.deleted
            )),
            answer,
            documents: delta.documents,
        })
    }

    fn set_contact(&mut self, command: &Element, delta: &mut Delta) -> Result<(), Fault> {
        let address = address(command)?;
        let known = self.contacts.contains_key(&address);
        if self.contacts.len() >= MAX_CONTACTS && !known {
            return Err(Fault::TooMany);
        }
        let mut groups: Vec<u32> = text(command, "groups")?
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .filter(|id| self.groups.contains_key(id))
            .collect();
        if groups.is_empty() {
            groups.push(FIRST_GROUP);
        }
        groups.sort_unstable();
        groups.dedup();
        let contact = Contact {
            name: text(command, "displayName")?,
            groups,
            subscribed: text(command, "subscribed")? != "false",
            external: text(command, "externalURI")?,
        };
        let element = if known { "modifiedContact" } else { "addedContact" };
        delta.contact(element, &address, &contact);
        self.contacts.insert(address, contact);
        Ok(())
    }

    fn delete_contact(&mut self, command: &Element, delta: &mut Delta) -> Result<(), Fault> {
        let address = address(command)?;
        self.contacts.remove(&address).ok_or(Fault::Unknown)?;
        let _ = write!(
            delta.deleted,
            "<deletedContact uri=\"sip:{}\"/>",
            escape(address.as_str())
        );
        delta.documents.push(kept::remove(contact_document(&address)));
        Ok(())
    }

    fn add_group(&mut self, name: String, command: &Element, delta: &mut Delta) -> Result<u32, Fault> {
        if self.groups.len() >= MAX_GROUPS {
            return Err(Fault::TooMany);
        }
        let last = self.groups.keys().next_back().copied().unwrap_or_default();
        let id = last.checked_add(1).ok_or(Fault::TooMany)?;
        let group = Group {
            name,
            external: text(command, "externalURI")?,
        };
        delta.group("addedGroup", id, &group);
        self.groups.insert(id, group);
        Ok(id)
    }

    fn modify_group(&mut self, command: &Element, delta: &mut Delta) -> Result<(), Fault> {
        let id = group_id(command)?;
        let (name, external) = (text(command, "name")?, text(command, "externalURI")?);
        let group = self.groups.get_mut(&id).ok_or(Fault::Unknown)?;
        *group = Group { name, external };
        delta.group("modifiedGroup", id, group);
        Ok(())
    }

    fn delete_group(&mut self, command: &Element, delta: &mut Delta) -> Result<(), Fault> {
        let id = group_id(command)?;
        if id == FIRST_GROUP || self.groups.remove(&id).is_none() {
            return Err(Fault::Unknown);
        }
        for (address, contact) in &mut self.contacts {
            if !contact.groups.contains(&id) {
                continue;
            }
            contact.groups.retain(|group| *group != id);
            if contact.groups.is_empty() {
                contact.groups.push(FIRST_GROUP);
            }
            delta.contact("modifiedContact", address, contact);
        }
        let _ = write!(delta.deleted, "<deletedGroup id=\"{id}\"/>");
        delta.documents.push(kept::remove(group_document(id)));
        Ok(())
    }
}

impl Delta {
    /// A client finds the contact by its whole address (seen with pidgin-sipe 1.25, which makes a second contact of an
    /// address without `sip:`).
    fn contact(&mut self, element: &str, address: &str, contact: &Contact) {
        contact.write(element, &format!("sip:{address}"), &mut self.changed);
        self.documents.push(contact.kept(address));
    }

    fn group(&mut self, element: &str, id: u32, group: &Group) {
        group.write(element, id, &mut self.changed);
        self.documents.push(group.kept(id));
    }
}

fn text(command: &Element, name: &str) -> Result<String, Fault> {
    let text = command.child(name).map(Element::text).unwrap_or_default();
    if text.len() > MAX_TEXT {
        Err(Fault::TooMany)
    } else {
        Ok(text)
    }
}

fn group_id(command: &Element) -> Result<u32, Fault> {
    text(command, "groupID")?.parse().map_err(|_| Fault::Unreadable)
}

/// Without `sip:`.
fn address(command: &Element) -> Result<String, Fault> {
    let uri = text(command, "URI")?.to_ascii_lowercase();
    let address = uri.strip_prefix("sip:").unwrap_or(&uri);
    if address.is_empty() || address.len() > SipUri::MAX_LEN {
        return Err(Fault::Unreadable);
    }
    Ok(address.to_owned())
}

/// The answer to `addGroup`: the number of the group.
fn group_added(id: u32) -> String {
    format!(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>\
         <m:addGroup xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\"><m:groupID>{id}</m:groupID>\
         </m:addGroup></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

#[cfg(test)]
mod tests;
