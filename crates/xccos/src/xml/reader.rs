//! Pull reader with hard limits: element by element, attributes by local name in any case, text across entity references.

use std::borrow::Cow;

use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::characters::{REPLACEMENT, any, is_allowed, replace_forbidden};

/// Largest document in bytes: a story of 64 KiB grows fivefold when every character is escaped and may bring RTF; a
/// search result of 999 rooms and a long history page also stay below it. The SIP side usually allows less.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// Deepest nesting; the vocabulary needs 7.
pub const MAX_DEPTH: usize = 24;

/// Most attributes of one element; the vocabulary needs 12.
pub const MAX_ATTRIBUTES: usize = 32;

/// Why a document cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// More than [`MAX_ATTRIBUTES`] attributes.
    #[error("element with more than 32 attributes")]
    Attributes,
    /// More than [`MAX_DEPTH`] levels.
    #[error("elements nested deeper than 24")]
    Depth,
    /// A document type declaration: nothing good comes of it.
    #[error("document type declaration")]
    DocType,
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("document larger than 1 MiB")]
    Size,
    /// Not UTF-8.
    #[error("document is not UTF-8")]
    Encoding,
    /// Not well-formed, cut off, or with something after the root element.
    #[error("document is not well-formed near byte {offset}")]
    Malformed {
        /// About where, in bytes from the start.
        offset: u64,
    },
    /// An attribute without quotes, value or name.
    #[error("attribute is not well-formed")]
    Attribute,
    /// An entity or character reference that XML does not define.
    #[error("undefined entity")]
    Entity,
}

/// Reads a document from its root inwards.
pub(crate) struct Reader<'a> {
    events: quick_xml::Reader<&'a [u8]>,
    depth: usize,
    /// The element just opened was written `<a/>`: its end comes without an event.
    empty: bool,
}

impl<'a> Reader<'a> {
    /// Starts on a document.
    pub(crate) fn new(document: &'a [u8]) -> Result<Self, XmlError> {
        if document.len() > MAX_DOCUMENT {
            return Err(XmlError::Size);
        }
        let text = std::str::from_utf8(document).map_err(|_| XmlError::Encoding)?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Ok(Self {
            events: quick_xml::Reader::from_str(text),
            depth: 0,
            empty: false,
        })
    }

    /// Opens the root element.
    pub(crate) fn root(&mut self) -> Result<BytesStart<'a>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(tag) => return self.open(tag, false),
                Event::Empty(tag) => return self.open(tag, true),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Calls `visit` for each child of the element opened last and closes that element. What `visit` leaves unread of a
    /// child is skipped. Text between children means nothing in this vocabulary and is skipped too.
    ///
    /// When `visit` fails, an outer `children` may go on: it skips to its own level.
    pub(crate) fn children<E: From<XmlError>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, &BytesStart<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let level = self.depth;
        while let Some(tag) = self.child()? {
            visit(self, &tag)?;
            while self.depth > level {
                self.step_out()?;
            }
        }
        Ok(())
    }

    /// The text directly in the element opened last, which is closed; entities resolved, elements inside skipped.
    ///
    /// Line ends are taken as they are, unlike XML section 2.11 says: the vocabulary separates lines by CR LF and real
    /// clients send them raw, so a normalising reader could not give back what was posted.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let level = self.depth;
        let mut text = Cow::Borrowed("");
        if self.close_if_empty() {
            return Ok(text);
        }
        loop {
            match self.event()? {
                Event::Text(piece) => append(&mut text, piece.into_inner()),
                Event::CData(piece) => append(&mut text, piece.into_inner()),
                Event::GeneralRef(reference) => owned(&mut text).push(Self::resolve(&reference)?),
                Event::Start(tag) => {
                    self.open(tag, false)?;
                    while self.depth > level {
                        self.step_out()?;
                    }
                }
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(replace_forbidden(text));
                }
                Event::DocType(_) => return Err(XmlError::DocType),
                Event::Decl(_) | Event::Eof => return Err(self.malformed()),
            }
        }
    }

    /// Makes sure that nothing follows the root element.
    pub(crate) fn finish(&mut self) -> Result<(), XmlError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::PI(_) | Event::Comment(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.malformed()),
            }
        }
    }

    /// The next child element, or `None` with the parent closed.
    fn child(&mut self) -> Result<Option<BytesStart<'a>>, XmlError> {
        if self.close_if_empty() {
            return Ok(None);
        }
        loop {
            match self.event()? {
                Event::Start(tag) => return self.open(tag, false).map(Some),
                Event::Empty(tag) => return self.open(tag, true).map(Some),
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(None);
                }
                Event::Eof | Event::Decl(_) => return Err(self.malformed()),
                _ => {}
            }
        }
    }

    /// Reads on until the number of open elements is one less, or one more.
    fn step_out(&mut self) -> Result<(), XmlError> {
        self.child().map(|_| ())
    }

    fn open(&mut self, tag: BytesStart<'a>, empty: bool) -> Result<BytesStart<'a>, XmlError> {
        if self.depth == MAX_DEPTH {
            return Err(XmlError::Depth);
        }
        self.depth += 1;
        self.empty = empty;
        Ok(tag)
    }

    fn close_if_empty(&mut self) -> bool {
        let empty = std::mem::take(&mut self.empty);
        if empty {
            self.depth -= 1;
        }
        empty
    }

    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        match self.events.read_event() {
            Ok(Event::DocType(_)) => Err(XmlError::DocType),
            Ok(event) => Ok(event),
            Err(_) => Err(self.malformed()),
        }
    }

    fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlError> {
        let character = match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(character),
            Ok(None) => resolve_xml_entity(reference).and_then(|text| text.chars().next()),
            Err(_) => None,
        };
        let character = character.ok_or(XmlError::Entity)?;
        Ok(if is_allowed(character) {
            character
        } else {
            REPLACEMENT
        })
    }

    fn malformed(&self) -> XmlError {
        XmlError::Malformed {
            offset: self.events.error_position().max(self.events.buffer_position()),
        }
    }
}

fn append<'a>(text: &mut Cow<'a, str>, piece: Cow<'a, str>) {
    if text.is_empty() {
        *text = piece;
    } else {
        owned(text).push_str(&piece);
    }
}

/// Makes the text one that grows. A reference has been met, so more pieces follow: room for a usual post spares most
/// texts from growing again.
fn owned<'t>(text: &'t mut Cow<'_, str>) -> &'t mut String {
    if let Cow::Borrowed(borrowed) = *text {
        let mut grown = String::with_capacity(borrowed.len() + 256);
        grown.push_str(borrowed);
        *text = Cow::Owned(grown);
    }
    text.to_mut()
}

/// The attributes of one element, found by local name in any case; of two with one name the first counts.
///
/// Prefixes are ignored, except that `xmlns:*`, `xsi:*` and `xml:*` are never taken for attributes of the vocabulary.
pub(crate) struct Attributes<'t> {
    items: [(&'t str, &'t str); MAX_ATTRIBUTES],
    len: usize,
}

impl<'t> Attributes<'t> {
    /// Collects the attributes of an element.
    pub(crate) fn of(tag: &'t BytesStart<'_>) -> Result<Self, XmlError> {
        let mut attributes = Self {
            items: [("", ""); MAX_ATTRIBUTES],
            len: 0,
        };
        // The reader's own check for repeated names compares each with each; ours takes the first.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| XmlError::Attribute)?;
            let name = attribute.key.0;
            let name = match name.bytes().position(|byte| byte == b':') {
                Some(colon) if matches!(&name[..colon], "xmlns" | "xsi" | "xml") => continue,
                Some(colon) => &name[colon + 1..],
                None => name,
            };
            // Attributes of an element in memory are always slices of it.
            let Cow::Borrowed(value) = attribute.value else {
                continue;
            };
            let slot = attributes
                .items
                .get_mut(attributes.len)
                .ok_or(XmlError::Attributes)?;
            *slot = (name, value);
            attributes.len += 1;
        }
        Ok(attributes)
    }

    /// The value of an attribute, references resolved; white space inside becomes spaces (XML section 3.3.3).
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'t, str>>, XmlError> {
        let items = &self.items[..self.len];
        let Some(&(_, raw)) = items.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        if !any(raw.as_bytes(), |byte| {
            (byte < b' ') | (byte == b'&') | (byte == 0xEF)
        }) {
            return Ok(Some(Cow::Borrowed(raw)));
        }
        let spaced = raw.replace(['\t', '\n', '\r'], " ");
        let value = unescape(&spaced).map_err(|_| XmlError::Entity)?.into_owned();
        Ok(Some(replace_forbidden(Cow::Owned(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(document: &str) -> Result<String, XmlError> {
        let mut reader = Reader::new(document.as_bytes())?;
        reader.root()?;
        let text = reader.text()?.into_owned();
        reader.finish()?;
        Ok(text)
    }

    fn attribute_of(document: &str, name: &str) -> Result<Option<String>, XmlError> {
        let mut reader = Reader::new(document.as_bytes())?;
        let tag = reader.root()?;
        Ok(Attributes::of(&tag)?.text(name)?.map(Cow::into_owned))
    }

    #[test]
    fn text_keeps_every_piece_around_entities_and_elements() {
        assert_eq!(
            text_of("<a>x &amp; y&#x20AC;&lt;<b>no<c/></b>z<![CDATA[<&]]></a>").unwrap(),
            "x & y€<z<&"
        );
        assert_eq!(text_of("<a>&amp;amp;</a>").unwrap(), "&amp;");
        assert_eq!(text_of("<a/>").unwrap(), "");
        assert_eq!(
            text_of("<a> kept \r\n as it is </a>").unwrap(),
            " kept \r\n as it is "
        );
    }

    #[test]
    fn control_characters_come_in_as_replacement() {
        assert_eq!(
            text_of("<a>\u{1}&#1;\u{B}b\t</a>").unwrap(),
            "\u{FFFD}\u{FFFD}\u{FFFD}b\t"
        );
        assert_eq!(
            attribute_of("<a v='\u{2}x&#2;'/>", "v").unwrap().unwrap(),
            "\u{FFFD}x\u{FFFD}"
        );
    }

    #[test]
    fn document_types_and_unknown_entities_are_refused() {
        assert_eq!(
            text_of("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap_err(),
            XmlError::DocType
        );
        assert_eq!(text_of("<a>&b;</a>").unwrap_err(), XmlError::Entity);
        assert_eq!(text_of("<a>&#0;</a>").unwrap_err(), XmlError::Entity);
        assert_eq!(attribute_of("<a v='&b;'/>", "v").unwrap_err(), XmlError::Entity);
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for document in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<a>x & y</a>",
            "<a",
            "<a><!-- </a>",
        ] {
            assert!(
                matches!(text_of(document), Err(XmlError::Malformed { .. })),
                "{document:?}"
            );
        }
        assert_eq!(attribute_of("<a v=1/>", "v").unwrap_err(), XmlError::Attribute);
        assert_eq!(Reader::new(b"<a>\xFF</a>").err(), Some(XmlError::Encoding));
    }

    #[test]
    fn limits_hold() {
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert_eq!(text_of(&deep(MAX_DEPTH)), Ok(String::new()));
        assert_eq!(text_of(&deep(MAX_DEPTH + 1)), Err(XmlError::Depth));

        let wide = |count: usize| {
            let attributes: String = (0..count).map(|n| format!(" a{n}='v'")).collect();
            format!("<a{attributes}/>")
        };
        assert_eq!(attribute_of(&wide(MAX_ATTRIBUTES), "a31").unwrap().unwrap(), "v");
        assert_eq!(
            attribute_of(&wide(MAX_ATTRIBUTES + 1), "a0"),
            Err(XmlError::Attributes)
        );

        let large = |bytes: usize| format!("<a>{}</a>", " ".repeat(bytes - 7));
        assert!(text_of(&large(MAX_DOCUMENT)).is_ok());
        assert_eq!(text_of(&large(MAX_DOCUMENT + 1)), Err(XmlError::Size));
    }

    #[test]
    fn attributes_are_found_by_local_name_in_any_case() {
        let document = "<a xmlns:id='u' xsi:id='t' p:ID='one' id='two' w=' a\n&amp;\tb '/>";
        assert_eq!(attribute_of(document, "id").unwrap().unwrap(), "one");
        assert_eq!(attribute_of(document, "W").unwrap().unwrap(), " a & b ");
        assert_eq!(attribute_of(document, "none").unwrap(), None);
    }

    #[test]
    fn unread_children_are_skipped() {
        let mut reader = Reader::new(b"<a><b><c><d/></c>t</b><e/>t<f>g</f></a>").unwrap();
        reader.root().unwrap();
        let mut seen = Vec::new();
        reader
            .children::<XmlError>(|reader, tag| {
                seen.push(tag.local_name().as_ref().to_owned());
                if seen.len() == 3 {
                    assert_eq!(reader.text()?, "g");
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, ["b", "e", "f"]);
        reader.finish().unwrap();
    }
}
