//! What users publish ([MS-PRES]): a category instance in a container, with its version and its lifetime.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use parlor_rooms::DocumentChange;
use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::change::Fault;
use super::kept;
use super::operation::{Lifetime, Operation};
use crate::mailbox::Mailbox;
use crate::xml::Element;

/// Publications of one user at once; a client makes about thirty, and one for each followed room.
const MAX_PUBLICATIONS: usize = 512;
/// Bytes of all bodies of one user. Each watcher is sent what it may see of them after each change, the user's own
/// clients all of it; a real client's are together some ten thousand.
const MAX_BYTES: usize = 256 << 10;

/// The publications of one user.
#[derive(Debug, Default)]
pub(super) struct Publications(BTreeMap<Key, Publication>);

/// What names a publication.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) category: String,
    pub(super) container: u32,
    pub(super) instance: u32,
}

#[derive(Debug)]
struct Publication {
    version: u32,
    time: String,
    expire: Expire,
    /// The XML inside.
    body: String,
    state: Option<State>,
}

/// When a publication ends by itself.
#[derive(Debug)]
enum Expire {
    /// Never; it survives the server.
    Static,
    /// With the last endpoint of the user.
    User,
    /// With the endpoint that made it.
    Endpoint(Mailbox),
}

/// What a body of the category `state` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    kind: String,
    pub(super) availability: u32,
    pub(super) activity: Option<String>,
}

/// The part of a static publication that is stored; its key is in the document's name.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<B> {
    version: u32,
    time: String,
    body: B,
}

impl Publications {
    /// What of the operations is to be stored, if all of them can be done.
    pub(super) fn planned(&self, operations: &[Operation], time: &str) -> Result<Vec<DocumentChange>, Fault> {
        let wrong: Vec<(usize, u32)> = operations
            .iter()
            .enumerate()
            .filter_map(|(index, operation)| {
                let current = self
                    .0
                    .get(&operation.key)
                    .map_or(0, |publication| publication.version);
                (current != operation.version).then_some((index + 1, current))
            })
            .collect();
        if !wrong.is_empty() {
            return Err(Fault::WrongVersions(wrong));
        }
        let added = operations.iter().filter(|operation| operation.version == 0);
        if self.0.len() + added.count() > MAX_PUBLICATIONS {
            return Err(Fault::TooMany);
        }
        let added: usize = operations.iter().map(|operation| operation.body.len()).sum();
        let replaced: BTreeSet<&Key> = operations.iter().map(|operation| &operation.key).collect();
        let left = self.0.iter().filter(|(key, _)| !replaced.contains(key));
        let left: usize = left.map(|(_, publication)| publication.body.len()).sum();
        if left + added > MAX_BYTES {
            return Err(Fault::TooMany);
        }
        let changes = operations.iter().filter_map(|operation| {
            let name = operation.key.document();
            if !operation.removes && operation.lifetime == Lifetime::Static {
                let kept = Kept {
                    version: operation.next_version(),
                    time: time.to_owned(),
                    body: &operation.body,
                };
                return Some(kept::put(name, &kept));
            }
            let before = self.0.get(&operation.key)?;
            matches!(before.expire, Expire::Static).then(|| kept::remove(name))
        });
        Ok(changes.collect())
    }

    /// Does what was planned. What is to end with an endpoint of `by` is not begun when that is gone already.
    pub(super) fn apply(&mut self, operations: Vec<Operation>, by: &Mailbox, is_here: bool, time: &str) {
        for operation in operations {
            let expire = match operation.lifetime {
                Lifetime::Static => Expire::Static,
                Lifetime::User => Expire::User,
                Lifetime::Endpoint => Expire::Endpoint(by.clone()),
            };
            let ended = !is_here && !matches!(expire, Expire::Static);
            if operation.removes || ended {
                self.0.remove(&operation.key);
                continue;
            }
            let publication = Publication {
                version: operation.next_version(),
                time: time.to_owned(),
                expire,
                body: operation.body,
                state: operation.state,
            };
            self.0.insert(operation.key, publication);
        }
    }

    /// An endpoint is gone, `last` when it was the user's last; whether anything ended with it.
    pub(super) fn endpoint_gone(&mut self, mailbox: &Mailbox, last: bool) -> bool {
        let before = self.0.len();
        self.0.retain(|_, publication| match &publication.expire {
            Expire::Endpoint(owner) => !owner.is(mailbox),
            Expire::User => !last,
            Expire::Static => true,
        });
        before != self.0.len()
    }

    /// An endpoint goes on over another connection.
    pub(super) fn endpoint_moved(&mut self, from: &Mailbox, to: &Mailbox) {
        for publication in self.0.values_mut() {
            if let Expire::Endpoint(owner) = &mut publication.expire
                && owner.is(from)
            {
                *owner = to.clone();
            }
        }
    }

    /// Everything of the wanted categories.
    pub(super) fn write(&self, wanted: impl Fn(&str) -> bool, out: &mut String) {
        for (key, publication) in self.0.iter().filter(|(key, _)| wanted(&key.category)) {
            publication.write(key, out);
        }
    }

    /// What stands in one container, if there is something in it and its category is wanted.
    pub(super) fn write_container(&self, container: u32, wanted: impl Fn(&str) -> bool, out: &mut String) {
        let shown = self.0.iter().filter(|(key, publication)| {
            key.container == container && !publication.body.is_empty() && wanted(&key.category)
        });
        for (key, publication) in shown {
            publication.write(key, out);
        }
    }

    /// The states in a container.
    pub(super) fn states(&self, container: u32) -> impl Iterator<Item = &State> {
        let there = self.0.iter().filter(move |(key, _)| key.container == container);
        there.filter_map(|(_, publication)| publication.state.as_ref())
    }

    pub(super) fn recall(&mut self, name: &str, content: &str) -> Option<()> {
        let key = Key::of_document(name)?;
        let Kept { version, time, body }: Kept<String> = kept::value(content)?;
        let whole = Element::parse(format!("<kept>{body}</kept>").as_bytes())?;
        let publication = Publication {
            version,
            time,
            expire: Expire::Static,
            body,
            state: State::among(&key.category, whole.children()),
        };
        self.0.insert(key, publication);
        Some(())
    }
}

impl Key {
    fn document(&self) -> String {
        let Self {
            category,
            container,
            instance,
        } = self;
        format!("publication/{container}/{instance}/{category}")
    }

    fn of_document(name: &str) -> Option<Self> {
        let (container, rest) = name.split_once('/')?;
        let (instance, category) = rest.split_once('/')?;
        Some(Self {
            category: category.to_owned(),
            container: container.parse().ok()?,
            instance: instance.parse().ok()?,
        })
    }
}

impl Publication {
    fn write(&self, key: &Key, out: &mut String) {
        let expire = match self.expire {
            Expire::Static => "static",
            Expire::User => "user",
            Expire::Endpoint(_) => "endpoint",
        };
        let _ = write!(
            out,
            "<category name=\"{}\" instance=\"{}\" publishTime=\"{}\" container=\"{}\" version=\"{}\" \
             expireType=\"{expire}\">{}</category>",
            escape(key.category.as_str()),
            key.instance,
            self.time,
            key.container,
            self.version,
            self.body
        );
    }
}

impl State {
    /// What a publication of a category says, if that is `state`.
    pub(super) fn among<'a>(category: &str, mut children: impl Iterator<Item = &'a Element>) -> Option<Self> {
        if category != "state" {
            return None;
        }
        Self::read(children.find(|child| child.local() == "state")?)
    }

    fn read(body: &Element) -> Option<Self> {
        let kind = body.attribute("type").unwrap_or_default();
        let token = body
            .child("activity")
            .and_then(|activity| activity.attribute("token"));
        Some(Self {
            kind: kind.rsplit(':').next().unwrap_or_default().to_owned(),
            availability: body.child("availability")?.text().parse().ok()?,
            activity: token.map(str::to_owned),
        })
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(publications: &str) -> Vec<Operation> {
        let text = format!("<publish><publications>{publications}</publications></publish>");
        Operation::read_all(&Element::parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_stored_publication_is_the_same_again() {
        let planned = operations(
            "<publication categoryName='state' instance='7' container='2' version='0' expireType='static'>\
             <state xmlns='s' type='userState'><availability>6500</availability></state></publication>\
             <publication categoryName='odd/name' instance='0' container='200' version='0'><x a='&lt;'>&amp;</x>\
             </publication><publication categoryName='note' instance='0' container='2' version='0' \
             expireType='endpoint'/>",
        );
        let documents = Publications::default().planned(&planned, "now").unwrap();
        assert_eq!(documents.len(), 2);
        let mut after = Publications::default();
        for document in documents {
            let DocumentChange::Put { name, content } = document else {
                panic!("{document:?}")
            };
            let name = name.strip_prefix("publication/").unwrap();
            after.recall(name, &content).unwrap();
        }
        let mut out = String::new();
        after.write(|_| true, &mut out);
        assert_eq!(
            out,
            "<category name=\"odd/name\" instance=\"0\" publishTime=\"now\" container=\"200\" version=\"1\" \
             expireType=\"static\"><x a=\"&lt;\">&amp;</x></category><category name=\"state\" instance=\"7\" \
             publishTime=\"now\" container=\"2\" version=\"1\" expireType=\"static\"><state xmlns=\"s\" \
             type=\"userState\"><availability>6500</availability></state></category>"
        );
        assert_eq!(after.states(2).next().map(|state| state.availability), Some(6500));
    }

    #[test]
    fn a_user_publishes_so_much_and_no_more() {
        let many: String = (0..=MAX_PUBLICATIONS)
            .map(|n| format!("<publication categoryName='note' instance='{n}' container='2'/>"))
            .collect();
        let planned = operations(&many);
        let none = Publications::default();
        assert_eq!(none.planned(&planned, "now").err(), Some(Fault::TooMany));
        assert!(none.planned(&planned[1..], "now").is_ok());
    }

    #[test]
    fn what_is_published_is_limited_in_bytes() {
        let body = "x".repeat(15_000);
        let note = |instance: usize, version: u32| {
            format!(
                "<publication categoryName='note' instance='{instance}' container='2' version='{version}'>\
                 <n>{body}</n></publication>"
            )
        };
        let number = MAX_BYTES / (body.len() + 7);
        let full = operations(&(0..number).map(|n| note(n, 0)).collect::<String>());
        let mut there = Publications::default();
        for document in there.planned(&full, "now").unwrap() {
            let DocumentChange::Put { name, content } = document else {
                panic!("{document:?}")
            };
            there
                .recall(name.strip_prefix("publication/").unwrap(), &content)
                .unwrap();
        }
        let more = operations(&note(number, 0));
        assert_eq!(there.planned(&more, "now").err(), Some(Fault::TooMany));
        assert!(
            there.planned(&operations(&note(0, 1)), "now").is_ok(),
            "instead of another"
        );
    }
}
