//! One publication: a category instance in a container, with its version and its lifetime.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::escape::escape;

use crate::mailbox::Mailbox;
use crate::xml::Element;

/// Bytes of one publication's body; contact cards with everything in them stay below.
const MAX_BODY: usize = 16 * 1024;
/// The longest category name.
const MAX_CATEGORY: usize = 64;

/// What names a publication.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) category: String,
    pub(crate) container: u32,
    pub(crate) instance: u32,
}

#[derive(Debug)]
pub(super) struct Publication {
    pub(super) version: u32,
    pub(super) time: String,
    pub(super) expire: Expire,
    /// The XML inside.
    pub(super) body: String,
    pub(super) state: Option<State>,
}

/// When a publication ends by itself.
#[derive(Debug)]
pub(super) enum Expire {
    /// Never.
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

impl State {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind
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
}

/// One line of a publish request.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) key: Key,
    /// The version the client believes to be there; 0 for none.
    pub(crate) version: u32,
    expire_type: String,
    removes: bool,
    body: String,
    state: Option<State>,
}

impl Operation {
    /// Reads `publish/publications/publication`; `None` when something is missing or too large.
    pub(crate) fn read_all(request: &Element) -> Option<Vec<Self>> {
        let publications = request.child("publications")?;
        publications.all("publication").map(Self::read).collect()
    }

    fn read(element: &Element) -> Option<Self> {
        let number = |name| element.attribute(name).unwrap_or("0").trim().parse::<u32>().ok();
        let category = element.attribute("categoryName")?;
        if category.is_empty() || category.len() > MAX_CATEGORY {
            return None;
        }
        let mut body = String::new();
        let mut state = None;
        for child in element.children() {
            if !child.stands_alone() {
                return None;
            }
            child.write(&mut body);
            if category == "state" && child.local() == "state" {
                state = State::read(child);
            }
        }
        if body.len() > MAX_BODY {
            return None;
        }
        Some(Self {
            key: Key {
                category: category.to_owned(),
                container: number("container")?,
                instance: number("instance")?,
            },
            version: number("version")?,
            expire_type: element.attribute("expireType").unwrap_or("static").to_owned(),
            removes: element.attribute("expires") == Some("0"),
            body,
            state,
        })
    }

    pub(super) fn apply(self, publications: &mut BTreeMap<Key, Publication>, by: &Mailbox, time: &str) {
        if self.removes {
            publications.remove(&self.key);
            return;
        }
        let expire = match self.expire_type.as_str() {
            "static" => Expire::Static,
            "user" => Expire::User,
            // A time runs out at the latest with the endpoint.
            _ => Expire::Endpoint(by.clone()),
        };
        publications.insert(
            self.key,
            Publication {
                version: self.version.wrapping_add(1).max(1),
                time: time.to_owned(),
                expire,
                body: self.body,
                state: self.state,
            },
        );
    }
}

impl Publication {
    pub(super) fn write(&self, key: &Key, out: &mut String) {
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
