//! One line of a publish request ([MS-PRES]).

use super::publication::{Key, State};
use crate::xml::Element;

/// Bytes of one publication's body; contact cards with everything in them stay below.
const MAX_BODY: usize = 16 * 1024;
/// The longest category name.
const MAX_CATEGORY: usize = 64;

/// What is to become of one publication.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(super) key: Key,
    /// The version the client believes to be there; 0 for none.
    pub(super) version: u32,
    pub(super) lifetime: Lifetime,
    pub(super) removes: bool,
    pub(super) body: String,
    pub(super) state: Option<State>,
}

/// How long a publication lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    Static,
    User,
    /// A time runs out at the latest with the endpoint.
    Endpoint,
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
        for child in element.children() {
            if !child.stands_alone() {
                return None;
            }
            child.write(&mut body);
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
            lifetime: match element.attribute("expireType") {
                Some("static") | None => Lifetime::Static,
                Some("user") => Lifetime::User,
                Some(_) => Lifetime::Endpoint,
            },
            removes: element.attribute("expires") == Some("0"),
            body,
            state: State::among(category, element.children()),
        })
    }

    /// The version that a client finds afterwards; 0 would mean that nothing is there.
    pub(super) fn next_version(&self) -> u32 {
        self.version.wrapping_add(1).max(1)
    }
}
