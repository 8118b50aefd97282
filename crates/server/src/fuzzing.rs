//! The way of a fuzzer to what reads the bodies of SERVICE and SUBSCRIBE; not part of any other build.

use parlor_rooms::{Document, DocumentChange};

use crate::presence::{Change, Operation, Presence};
use crate::xml::Element;

/// Reads a body as each request would and makes the changes that it asks for.
///
/// # Panics
/// When what is written of it is not read the same again, or what was stored does not come back as it was.
pub fn body(document: &[u8]) {
    let Some(first) = Element::parse(document) else {
        return;
    };
    let again = |element: &Element| {
        let mut written = String::new();
        element.write(&mut written);
        let read = Element::parse(written.as_bytes());
        // An escaped character counts for itself, so that a document at the limit can get beyond it.
        assert!(read.is_some() || written.contains('&'), "{written}");
        read
    };
    let Some(second) = again(&first) else { return };
    if let Some(third) = again(&second) {
        assert_eq!(second, third);
    }
    first.stands_alone();
    Operation::read_all(&first);
    changes(&first);
}

/// The document as a contact-list command and as an access list.
fn changes(document: &Element) {
    let user = "sip:alice@example.com".parse().expect("an address");
    let presence = Presence::default();
    let mut kept = Vec::new();
    for change in [
        Change::Contacts(document.clone()),
        Change::Containers(document.clone()),
    ] {
        let Ok(mut plan) = presence.plan(&user, change) else {
            continue;
        };
        for change in std::mem::take(&mut plan.documents) {
            let user = user.clone();
            match change {
                DocumentChange::Put { name, content } => {
                    kept.retain(|before: &Document| before.name != name);
                    kept.push(Document { user, name, content });
                }
                DocumentChange::Remove { name } => kept.retain(|before| before.name != name),
            }
        }
        presence.adopt(&user, plan);
    }
    let recalled = Presence::recalled(&kept);
    assert_eq!(recalled.contacts(&user), presence.contacts(&user));
    assert_eq!(recalled.own_document(&user), presence.own_document(&user));
}
