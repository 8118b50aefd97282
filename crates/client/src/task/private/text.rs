//! What a message of another client says: its text out of whatever form the client chose.

use std::borrow::Cow;

use parlor_sip::ContentType;
use parlor_xccos::format::rtf;

use crate::private::limits;

/// Parts of a multipart body that are looked at; clients send the same text in two or three forms.
const PARTS: usize = 8;
/// A multipart inside a multipart is a picture beside the text; deeper ones are not opened.
const DEPTH: usize = 2;

/// What a body is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    /// A notice, such as "is typing", or an empty text.
    Nothing,
    /// A form that is not read here.
    Unknown,
}

/// What is accepted, for the session description: the form that is best to read first.
pub(super) const ACCEPTED: &str =
    "text/plain multipart/alternative multipart/related text/html text/rtf application/im-iscomposing+xml";

/// Reads a body.
pub(super) fn read(kind: Option<ContentType<'_>>, body: &[u8]) -> Said {
    match kind {
        Some(kind) => part(&kind, body, 0),
        None if body.is_empty() => Said::Nothing,
        None => Said::Unknown,
    }
}

fn part(kind: &ContentType<'_>, body: &[u8], depth: usize) -> Said {
    if kind.is("text/plain") {
        return said(&String::from_utf8_lossy(body));
    }
    if kind.is("text/html") {
        return said(&without_markup(&String::from_utf8_lossy(body)));
    }
    if kind.is("text/rtf") || kind.is("application/rtf") {
        return said(&rtf::to_text(&String::from_utf8_lossy(body), limits::TEXT));
    }
    if kind.is("multipart/alternative") || kind.is("multipart/related") || kind.is("multipart/mixed") {
        return match kind.param("boundary") {
            Some(boundary) if depth < DEPTH => best(body, boundary, depth),
            _ => Said::Unknown,
        };
    }
    let notice = [
        "application/im-iscomposing+xml",
        "application/xml",
        "text/x-msmsgscontrol",
    ];
    if notice.iter().any(|media| kind.is(media)) {
        return Said::Nothing;
    }
    Said::Unknown
}

fn said(text: &str) -> Said {
    match text.trim() {
        "" => Said::Nothing,
        text => Said::Text(text.to_owned()),
    }
}

/// The plain one of several forms, else the first that says something.
fn best(body: &[u8], boundary: &str, depth: usize) -> Said {
    let body = String::from_utf8_lossy(body);
    let marker = format!("--{boundary}");
    let mut found = Said::Unknown;
    for piece in body.split(marker.as_str()).skip(1).take(PARTS) {
        let Some((kind, content)) = split_part(piece) else {
            continue;
        };
        let Some(kind) = ContentType::parse(kind) else {
            continue;
        };
        let read = part(&kind, content.as_bytes(), depth + 1);
        match read {
            Said::Text(text) if kind.is("text/plain") => return Said::Text(text),
            Said::Text(text) if !matches!(found, Said::Text(_)) => found = Said::Text(text),
            Said::Nothing if found == Said::Unknown => found = Said::Nothing,
            _ => {}
        }
    }
    found
}

/// The media type and the content of a part; the last piece is only `--`.
fn split_part(piece: &str) -> Option<(&str, &str)> {
    let (head, content) = piece
        .split_once("\r\n\r\n")
        .or_else(|| piece.split_once("\n\n"))?;
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-type")
            .then(|| value.trim())
    });
    Some((kind.unwrap_or("text/plain"), content))
}

/// The text of HTML as chat clients write it: flat, a few fonts and line ends. Linear in its length, which is why no
/// layout library reads what strangers send.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('>') else {
            rest = "";
            break;
        };
        let tag = rest[at + 1..at + end].to_ascii_lowercase();
        let name = tag
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '/')
            .next()
            .unwrap_or_default();
        rest = &rest[at + end + 1..];
        match name {
            "br" | "br/" | "/p" | "/div" | "/li" | "/tr" => text.push('\n'),
            // What stands in these is no text.
            "head" | "style" | "script" | "title" => {
                let close = format!("</{name}");
                let from = rest.to_ascii_lowercase().find(&close).unwrap_or(rest.len());
                rest = &rest[from..];
            }
            _ => {}
        }
    }
    text.push_str(rest);
    let resolve = |entity: &str| match entity {
        "nbsp" => Some(" "),
        entity => quick_xml::escape::resolve_predefined_entity(entity),
    };
    quick_xml::escape::unescape_with(&text, resolve)
        .map(Cow::into_owned)
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{Said, read};
    use parlor_sip::ContentType;

    fn text(kind: &str, body: &str) -> Said {
        read(ContentType::parse(kind), body.as_bytes())
    }

    #[test]
    fn every_form_of_a_text_is_read_and_notices_say_nothing() {
        let hello = || Said::Text("Hello & <all>".to_owned());
        assert_eq!(
            text("text/plain; charset=UTF-8;msgr=WABYAA", "Hello & <all>\r\n"),
            hello()
        );
        let html = "<html><head><style>b {}</style></head><body><FONT face=\"Segoe UI\">Hello &amp; &lt;all&gt;</FONT></body></html>";
        assert_eq!(text("text/html", html), hello());
        assert_eq!(
            text("text/rtf", r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}Hello & <all>\par}"),
            hello()
        );
        let parts = format!(
            "--b1\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b1\r\ncontent-type: text/plain; charset=utf-8\r\n\r\nHello & <all>\r\n\r\n--b1--\r\n"
        );
        assert_eq!(text("multipart/alternative; boundary=\"b1\"", &parts), hello());
        for (kind, body) in [
            ("application/im-iscomposing+xml", "<isComposing/>"),
            ("application/xml", "<KeyboardActivity/>"),
            ("text/plain", " \r\n"),
        ] {
            assert_eq!(text(kind, body), Said::Nothing, "{kind}");
        }
        assert_eq!(
            text("text/x-msmsgsinvite", "Invitation-Command: INVITE"),
            Said::Unknown
        );
        assert_eq!(text("multipart/alternative", "no boundary"), Said::Unknown);
    }

    #[test]
    fn html_lines_stay_lines_and_broken_html_is_no_trouble() {
        assert_eq!(
            text("text/html", "one<br>two<div>three</div>&nope"),
            Said::Text("one\ntwothree\n&nope".to_owned())
        );
        assert_eq!(text("text/html", "said <b"), Said::Text("said".to_owned()));
        assert_eq!(text("text/html", "<style>no end"), Said::Nothing);
        let deep = "<b>".repeat(10_000);
        assert_eq!(text("text/html", &deep), Said::Nothing);
    }

    #[test]
    fn parts_inside_parts_are_opened_so_deep_and_no_deeper() {
        let inner = |boundary: &str, kind: &str, body: &str| {
            format!("--{boundary}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--{boundary}--")
        };
        let one = inner("a", "text/plain", "hi");
        let two = inner("b", "multipart/alternative; boundary=a", &one);
        let three = inner("c", "multipart/alternative; boundary=b", &two);
        assert_eq!(
            text("multipart/related; boundary=b", &two),
            Said::Text("hi".to_owned())
        );
        assert_eq!(text("multipart/related; boundary=c", &three), Said::Unknown);
    }
}
