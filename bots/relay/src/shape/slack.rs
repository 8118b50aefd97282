//! What is sent to incoming webhooks of Slack, Mattermost and Rocket.Chat: a `text`, and attachments beside it.
//!
//! Links are written `<https://example.com|text>`, and `&amp;`, `&lt;` and `&gt;` stand for their signs.

use serde_json::Value;

use super::{Draft, Piece, text};

/// Attachments that are shown.
const ATTACHMENTS: usize = 10;

pub(super) fn draft(body: &Value) -> Option<Draft> {
    let mut pieces = text(body, "/text").map(marked).unwrap_or_default();
    let attachments = body["attachments"].as_array().map_or(&[][..], Vec::as_slice);
    for attachment in attachments.iter().take(ATTACHMENTS) {
        for piece in attached(attachment) {
            if !pieces.is_empty() {
                pieces.push(Piece::Text("\n".to_owned()));
            }
            pieces.extend(piece);
        }
    }
    (!pieces.is_empty()).then(|| Draft {
        pieces,
        ..Draft::default()
    })
}

/// The lines of an attachment; its fallback when it has none.
fn attached(attachment: &Value) -> Vec<Vec<Piece>> {
    let title = text(attachment, "/title").map(|title| match text(attachment, "/title_link") {
        Some(target) => vec![Piece::Link {
            text: unescaped(title),
            target: target.to_owned(),
        }],
        None => marked(title),
    });
    let said = text(attachment, "/pretext").into_iter().map(marked).chain(title);
    let lines: Vec<_> = said.chain(text(attachment, "/text").map(marked)).collect();
    if lines.is_empty() {
        return text(attachment, "/fallback").map(marked).into_iter().collect();
    }
    lines
}

/// Text with links in angle brackets.
fn marked(text: &str) -> Vec<Piece> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        plain.push_str(before);
        // A link holds no bracket: looking no further keeps a text full of them cheap.
        let end = from[1..].find(['<', '>']).map(|at| at + 1);
        let end = end.filter(|end| from[*end..].starts_with('>'));
        match end.and_then(|end| Some((link(&from[1..end])?, end))) {
            Some((link, end)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(unescaped(&std::mem::take(&mut plain))));
                }
                pieces.push(link);
                rest = &from[end + 1..];
            }
            None => {
                plain.push('<');
                rest = &from[1..];
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(unescaped(&plain)));
    }
    pieces
}

/// What stands in angle brackets, when it is a link.
fn link(inside: &str) -> Option<Piece> {
    let (target, shown) = inside.split_once('|').unwrap_or((inside, inside));
    let is_link = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme));
    is_link.then(|| Piece::Link {
        text: unescaped(shown),
        target: unescaped(target),
    })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
