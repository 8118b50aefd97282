//! Parts to RTF 1.9: one font, bold titles, links as fields; everything else is text.

use std::fmt::Write;

use crate::format::MessagePart;

const HEAD: &str = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil Segoe UI;}}\uc1\pard\f0\fs20 ";

/// Text as RTF.
pub fn from_text(text: &str) -> String {
    document(|out| write_text(out, text))
}

/// Parts of a message as RTF.
pub fn from_parts(parts: &[MessagePart]) -> String {
    document(|out| {
        for part in parts {
            match part {
                MessagePart::StoryTitle(title) => {
                    out.push_str(r"{\b ");
                    write_text(out, title);
                    out.push_str(r"}\par ");
                }
                MessagePart::Hyperlink { text, target } => write_link(out, text, target.as_str()),
                MessagePart::RoomLink { name, room } => write_link(out, name, &room.to_string()),
                MessagePart::FileLink(link) => write_link(out, &part.display_text(), link.target.as_str()),
                MessagePart::Text(_) | MessagePart::Emoticon(_) => write_text(out, &part.display_text()),
            }
        }
    })
}

fn document(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::from(HEAD);
    write(&mut out);
    out.push_str(r"\par}");
    out
}

/// Targets hold no quotes and no backslashes, so that the field instruction cannot be left.
fn write_link(out: &mut String, label: &str, target: &str) {
    out.push_str(r#"{\field{\*\fldinst{HYPERLINK ""#);
    write_text(out, target);
    out.push_str(r#""}}{\fldrslt{\ul "#);
    write_text(out, label);
    out.push_str("}}}");
}

/// ASCII as it is, the rest as UTF-16 units with `?` for readers that know no Unicode; controls go.
fn write_text(out: &mut String, text: &str) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' | '{' | '}' => out.extend(['\\', character]),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push_str(r"\line "),
            '\t' => out.push_str(r"\tab "),
            ' '..='~' => out.push(character),
            _ if character.is_control() => {}
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // The number is signed; writing to a String cannot fail.
                    let _ = write!(out, r"\u{}?", *unit as i16);
                }
            }
        }
    }
}
