//! Small XML documents of clients as trees: presence publications, contact-list commands. What is kept of them is written
//! anew, so that only well-formed text reaches other clients. XCCOS has a reader of its own.

use quick_xml::escape::{escape, resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting; contact cards need 8.
const MAX_DEPTH: usize = 24;
/// Elements and texts of one document; a batch subscription to a thousand users needs two for each.
const MAX_NODES: usize = 8_192;

/// An element with everything in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Reads a document; `None` when it is not well-formed, has a document type or is too large.
    pub(crate) fn parse(document: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(document).ok()?;
        let mut events = quick_xml::Reader::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(text));
        let mut open: Vec<Self> = Vec::new();
        let mut nodes = 0;
        loop {
            nodes += 1;
            if nodes > MAX_NODES {
                return None;
            }
            let closed = match events.read_event().ok()? {
                Event::Start(tag) => {
                    if open.len() >= MAX_DEPTH {
                        return None;
                    }
                    open.push(Self::of(&tag)?);
                    continue;
                }
                Event::Empty(tag) => Self::of(&tag)?,
                Event::End(_) => open.pop()?,
                Event::Text(piece) => {
                    match open.last_mut() {
                        Some(element) => element.say(&piece.into_inner()),
                        None if piece.trim_ascii().is_empty() => {}
                        None => return None,
                    }
                    continue;
                }
                Event::CData(piece) => {
                    open.last_mut()?.say(&piece.into_inner());
                    continue;
                }
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref().ok()? {
                        Some(character) => character.to_string(),
                        None => resolve_xml_entity(&reference)?.to_owned(),
                    };
                    open.last_mut()?.say(&character);
                    continue;
                }
                Event::DocType(_) | Event::Eof => return None,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(Node::Element(closed)),
                // What follows the root is not looked at.
                None => return Some(closed),
            }
        }
    }

    fn of(tag: &BytesStart<'_>) -> Option<Self> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = unescape(&attribute.value).ok()?;
            if !is_name(attribute.key.as_ref()) || !value.chars().all(is_allowed) {
                return None;
            }
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        is_name(tag.name().as_ref()).then(|| Self {
            name: tag.name().as_ref().to_owned(),
            attributes,
            children: Vec::new(),
        })
    }

    fn say(&mut self, text: &str) {
        let text = text.chars().filter(|character| is_allowed(*character));
        if let Some(Node::Text(before)) = self.children.last_mut() {
            before.extend(text);
        } else {
            self.children.push(Node::Text(text.collect()));
        }
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &str {
        local(&self.name)
    }

    /// An attribute by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| local(key) == name)?;
        Some(&found.1)
    }

    /// The child elements.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The children of one name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children().filter(move |child| child.local() == name)
    }

    /// The first child of one name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children().find(|child| child.local() == name)
    }

    /// The text directly inside, without white space around it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.children {
            if let Node::Text(piece) = node {
                text.push_str(piece);
            }
        }
        text.trim().to_owned()
    }

    /// Whether every prefix in use is declared inside, so that the element means the same anywhere.
    pub(crate) fn stands_alone(&self) -> bool {
        self.declares(&mut vec!["xml".to_owned(), "xmlns".to_owned()])
    }

    fn declares(&self, known: &mut Vec<String>) -> bool {
        let before = known.len();
        let declared = self
            .attributes
            .iter()
            .filter_map(|(key, _)| key.strip_prefix("xmlns:"));
        known.extend(declared.map(str::to_owned));
        let fits = |name: &str| match name.split_once(':') {
            Some((prefix, _)) => known.iter().any(|other| other == prefix),
            None => true,
        };
        let good = fits(&self.name) && self.attributes.iter().all(|(key, _)| fits(key));
        let good = good && self.children().all(|child| child.declares(known));
        known.truncate(before);
        good
    }

    /// Appends the element as text.
    pub(crate) fn write(&self, out: &mut String) {
        out.extend(["<", &self.name]);
        for (key, value) in &self.attributes {
            out.extend([" ", key, "=\"", &escape(value.as_str()), "\""]);
        }
        if self.children.is_empty() {
            return out.push_str("/>");
        }
        out.push('>');
        for node in &self.children {
            match node {
                Node::Element(element) => element.write(out),
                Node::Text(text) => out.push_str(&escape(text.as_str())),
            }
        }
        out.extend(["</", &self.name, ">"]);
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Whether it can name an element or an attribute, with a prefix or without. The parser takes anything for a name; every
/// vocabulary that comes here has its names in ASCII.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    }
}

/// Whether XML 1.0 can hold the character (section 2.2).
fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Option<String> {
        let mut out = String::new();
        Element::parse(text.as_bytes())?.write(&mut out);
        Some(out)
    }

    #[test]
    fn what_is_kept_is_written_well_formed() {
        assert_eq!(
            rewritten("<?xml version='1.0'?><a b='\"&lt;'>x &amp; <![CDATA[<y>]]>&#65;<c/></a>").unwrap(),
            "<a b=\"&quot;&lt;\">x &amp; &lt;y&gt;A<c/></a>"
        );
    }

    #[test]
    fn what_is_not_well_formed_or_dangerous_is_not_read() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<!DOCTYPE a []><a/>",
            "<a>&lol;</a>",
            "x<a/>",
            // Found by fuzzing: what the parser takes for a name.
            "<\t/>",
            "<1/>",
            "<a=b/>",
            "<a:b:c/>",
            "<a :='x'/>",
            "<a b\"c='x'/>",
        ] {
            assert_eq!(rewritten(text), None, "{text}");
        }
        assert_eq!(rewritten(&"<a>".repeat(100)), None);
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_NODES));
        assert_eq!(rewritten(&many), None);
    }

    #[test]
    fn an_element_that_borrows_a_prefix_does_not_stand_alone() {
        let document = |text: &str| Element::parse(text.as_bytes()).unwrap();
        assert!(document("<s xmlns:x='u' x:type='t'><x:y/></s>").stands_alone());
        assert!(!document("<s x:type='t'/>").stands_alone());
        assert!(!document("<s><y xmlns:x='u'/><x:z/></s>").stands_alone());
    }
}
