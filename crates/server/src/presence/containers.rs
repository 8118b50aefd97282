//! Who may see what ([MS-PRES]): a container has members, and a publication is for those of one container.

use std::collections::BTreeMap;
use std::fmt::Write;

use parlor_rooms::DocumentChange;
use parlor_xccos::SipUri;
use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::change::Fault;
use super::kept;
use crate::xml::Element;

/// Whom the container of the blocked holds ([MS-PRES]).
pub(super) const BLOCKED: u32 = 32_000;
/// The container of colleagues: what members of the same organisation see unless told otherwise.
const COLLEAGUES: u32 = 200;

/// Containers of one user; the original's clients use seven.
const MAX_CONTAINERS: usize = 64;
/// Members of all containers of one user.
const MAX_MEMBERS: usize = 1_024;
/// Bytes of an address or a domain.
const MAX_VALUE: usize = SipUri::MAX_LEN;

/// The containers of one user.
#[derive(Debug, Clone, Default)]
pub(super) struct Containers(BTreeMap<u32, Container>);

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Container {
    version: u32,
    members: Vec<Member>,
}

/// Who is in a container: `user`, `domain`, `sameEnterprise`, ...
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    kind: String,
    value: String,
}

impl Containers {
    /// The containers after a `setContainerMembers` request, and what of them is to be stored; all of it or nothing.
    pub(super) fn changed(&self, request: &Element) -> Result<(Self, Vec<DocumentChange>), Fault> {
        let mut wrong = Vec::new();
        for (index, container) in request.all("container").enumerate() {
            let id = number(container, "id").unwrap_or_default();
            let current = self.0.get(&id).map_or(0, |container| container.version);
            if number(container, "version").is_some_and(|version| version != current) {
                wrong.push((index + 1, current));
            }
        }
        if !wrong.is_empty() {
            return Err(Fault::WrongVersions(wrong));
        }
        let mut after = self.clone();
        let mut documents = Vec::new();
        for element in request.all("container") {
            let Some(id) = number(element, "id") else { continue };
            let container = after.0.entry(id).or_default();
            container.version = container.version.wrapping_add(1);
            for member in element.all("member") {
                container.change(member)?;
            }
            documents.push(kept::put(format!("container/{id}"), container));
        }
        let members: usize = after.0.values().map(|container| container.members.len()).sum();
        if members > MAX_MEMBERS || after.0.len() > MAX_CONTAINERS {
            return Err(Fault::TooMany);
        }
        Ok((after, documents))
    }

    /// The container whose contents `watcher` sees: a user by name goes before a domain, a domain before everybody.
    pub(super) fn of(&self, user: &SipUri, watcher: &SipUri) -> u32 {
        let address = watcher.as_str().strip_prefix("sip:").unwrap_or(watcher.as_str());
        let same = watcher.host() == user.host();
        let rank = |member: &Member| match member.kind.as_str() {
            "user" if member.value == address => 3,
            "domain" if member.value == watcher.host() => 2,
            "sameEnterprise" if same => 1,
            "everyone" => 1,
            _ => 0,
        };
        let found = self
            .0
            .iter()
            .flat_map(|(id, container)| container.members.iter().map(move |member| (rank(member), *id)))
            .filter(|(rank, _)| *rank > 0)
            .max();
        found.map_or(if same { COLLEAGUES } else { 0 }, |(_, id)| id)
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push_str("<containers xmlns=\"http://schemas.microsoft.com/2006/09/sip/containers\">");
        for (id, container) in &self.0 {
            let _ = write!(out, "<container id=\"{id}\" version=\"{}\">", container.version);
            for Member { kind, value } in &container.members {
                let _ = write!(out, "<member type=\"{}\"", escape(kind.as_str()));
                if !value.is_empty() {
                    let _ = write!(out, " value=\"{}\"", escape(value.as_str()));
                }
                out.push_str("/>");
            }
            out.push_str("</container>");
        }
        out.push_str("</containers>");
    }

    pub(super) fn recall(&mut self, id: &str, content: &str) -> Option<()> {
        self.0.insert(id.parse().ok()?, kept::value(content)?);
        Some(())
    }
}

impl Container {
    fn change(&mut self, element: &Element) -> Result<(), Fault> {
        let changed = Member {
            kind: element.attribute("type").unwrap_or_default().to_owned(),
            value: element
                .attribute("value")
                .unwrap_or_default()
                .to_ascii_lowercase(),
        };
        if changed.kind.len() > MAX_VALUE || changed.value.len() > MAX_VALUE {
            return Err(Fault::TooMany);
        }
        self.members.retain(|other| *other != changed);
        if element.attribute("action") != Some("remove") {
            self.members.push(changed);
        }
        Ok(())
    }
}

fn number(element: &Element, name: &str) -> Option<u32> {
    element.attribute(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(members: &str) -> Element {
        let text =
            format!("<setContainerMembers><container id='100'>{members}</container></setContainerMembers>");
        Element::parse(text.as_bytes()).unwrap()
    }

    fn member(value: &str) -> String {
        format!("<member action='add' type='user' value='{value}'/>")
    }

    #[test]
    fn members_values_and_containers_have_limits() {
        let many: String = (0..MAX_MEMBERS).map(|n| member(&n.to_string())).collect();
        let (full, documents) = Containers::default().changed(&request(&many)).unwrap();
        assert_eq!(documents.len(), 1);
        assert_eq!(
            full.changed(&request(&member("one more"))).err(),
            Some(Fault::TooMany)
        );
        // Who is there already does not count twice.
        assert!(full.changed(&request(&member("7"))).is_ok());
        let long = "x".repeat(MAX_VALUE + 1);
        assert_eq!(
            Containers::default().changed(&request(&member(&long))).err(),
            Some(Fault::TooMany)
        );
        let containers: String = (0..=MAX_CONTAINERS)
            .map(|id| format!("<container id='{id}'/>"))
            .collect();
        let document = Element::parse(format!("<s>{containers}</s>").as_bytes()).unwrap();
        assert_eq!(
            Containers::default().changed(&document).err(),
            Some(Fault::TooMany)
        );
    }

    #[test]
    fn a_stored_container_is_the_same_again() {
        let (before, documents) = Containers::default()
            .changed(&request(
                "<member type='user' value='B@example.com'/><member type='sameEnterprise'/>",
            ))
            .unwrap();
        let mut after = Containers::default();
        for document in documents {
            let DocumentChange::Put { name, content } = document else {
                panic!("{document:?}")
            };
            after
                .recall(name.strip_prefix("container/").unwrap(), &content)
                .unwrap();
        }
        let written = |containers: &Containers| {
            let mut out = String::new();
            containers.write(&mut out);
            out
        };
        assert_eq!(written(&after), written(&before));
        assert!(
            written(&after)
                .contains("id=\"100\" version=\"1\"><member type=\"user\" value=\"b@example.com\"/>")
        );
    }
}
