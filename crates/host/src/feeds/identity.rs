//! What an item is known by: its id, else its link, else what it says, or what a subscription names instead.

use parlor_bot::{FeedItem, IdentityField};
use sha2::{Digest, Sha256};
use url::Url;

/// Longer identities are replaced by their hash, in bytes.
pub(super) const MAX_ID: usize = 256;

/// Parameters that name the way a reader came, not the page. A trailing `*` stands for any ending.
const TRACKING: [&str; 24] = [
    "utm_*",
    "mtm_*",
    "pk_*",
    "piwik_*",
    "hsa_*",
    "_hs*",
    "mc_cid",
    "mc_eid",
    "fbclid",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "msclkid",
    "yclid",
    "twclid",
    "ttclid",
    "igshid",
    "igsh",
    "s_cid",
    "at_medium",
    "at_campaign",
    "xtor",
];

/// What the item is known by to a subscription that names these fields; without any, or when it has none of them, by its
/// id, else its link, else its title, else its text.
pub(super) fn identity(fields: &[IdentityField], item: &FeedItem) -> String {
    let values: Vec<_> = fields.iter().map(|field| value(*field, item)).collect();
    match values.as_slice() {
        [Some(only)] => bounded(only),
        some if some.iter().any(Option::is_some) => {
            hash(some.iter().map(|value| value.as_deref().unwrap_or_default()))
        }
        _ => usual(item),
    }
}

fn usual(item: &FeedItem) -> String {
    if let Some(known) = value(IdentityField::Guid, item).or_else(|| value(IdentityField::Link, item)) {
        return bounded(&known);
    }
    match value(IdentityField::Title, item) {
        Some(title) => hash([title.as_str()]),
        None => hash([
            item.summary.as_str(),
            &value(IdentityField::Published, item).unwrap_or_default(),
        ]),
    }
}

fn value(field: IdentityField, item: &FeedItem) -> Option<String> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    match field {
        IdentityField::Guid => text(item.guid.as_deref()?).map(|guid| untracked(&guid)),
        IdentityField::Link => item.link.as_deref().map(untracked),
        IdentityField::Title => text(&item.title),
        IdentityField::Published => item.published.map(|time| time.to_rfc3339()),
        IdentityField::Author => text(item.author.as_deref()?),
        IdentityField::Summary => text(&item.summary),
        _ => None,
    }
}

/// A web address without tracking parameters and fragment of tracking; anything else as it is.
pub(super) fn untracked(text: &str) -> String {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    if url.fragment().is_some_and(is_tracking) {
        url.set_fragment(None);
    }
    let Some(query) = url.query() else {
        return url.into();
    };
    // As written: decoding and encoding again would change addresses that have nothing to hide.
    let kept: Vec<_> = query.split('&').filter(|pair| !is_tracking(pair)).collect();
    let kept = kept.join("&");
    url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
    url.into()
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    TRACKING.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *known,
    })
}

/// An id as it is, or its hash when it is long or not one to be shown.
pub(super) fn bounded(id: &str) -> String {
    if id.len() <= MAX_ID && !id.contains(char::is_control) {
        id.to_owned()
    } else {
        hash([id])
    }
}

/// Sixteen bytes of SHA-256 over texts, each ended by a zero byte.
pub(crate) fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize()[..16]
        .iter()
        .fold("hash:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> FeedItem {
        FeedItem {
            guid: Some("https://example.com/?p=7&utm_source=rss".to_owned()),
            link: Some("https://example.com/seven?utm_medium=feed&a=%20b&fbclid=x#part".to_owned()),
            title: "Seven".to_owned(),
            published: Some("2026-11-21T09:00:00Z".parse().unwrap()),
            ..FeedItem::default()
        }
    }

    #[test]
    fn tracking_parameters_do_not_count() {
        for (text, expected) in [
            ("https://example.com/a?utm_source=x", "https://example.com/a"),
            (
                "https://example.com/a?UTM_Source=x&id=1&gclid=2",
                "https://example.com/a?id=1",
            ),
            (
                "https://example.com/a?id=1+2&b=%C3%A9",
                "https://example.com/a?id=1+2&b=%C3%A9",
            ),
            ("https://example.com/a#xtor=RSS-1", "https://example.com/a"),
            ("https://example.com/a#part", "https://example.com/a#part"),
            (
                "https://example.com/a?reference=1&pk=2",
                "https://example.com/a?reference=1&pk=2",
            ),
            (
                "tag:example.com,2026:?utm_source=x",
                "tag:example.com,2026:?utm_source=x",
            ),
            ("http://", "http://"),
        ] {
            assert_eq!(untracked(text), expected);
        }
    }

    #[test]
    fn an_item_is_known_by_what_the_subscription_names() {
        use IdentityField::{Author, Guid, Link, Published, Title};
        let id = |fields: &[IdentityField]| identity(fields, &item());
        assert_eq!(id(&[]), "https://example.com/?p=7");
        assert_eq!(id(&[Guid]), id(&[]));
        assert_eq!(id(&[Link]), "https://example.com/seven?a=%20b#part");
        assert_eq!(id(&[Title]), "Seven");
        assert!(id(&[Title, Published]).starts_with("hash:"));
        assert_ne!(id(&[Title, Published]), id(&[Published, Title]));
        assert_eq!(id(&[Author]), id(&[]), "it has none of these");
        let moved = FeedItem {
            guid: None,
            link: None,
            ..item()
        };
        assert_ne!(identity(&[Title, Link], &moved), id(&[Title, Link]));
        assert_eq!(identity(&[], &moved), hash(["Seven"]));
        let long = FeedItem {
            guid: Some("x".repeat(MAX_ID + 1)),
            ..item()
        };
        assert!(identity(&[Guid], &long).len() < 40);
    }
}
