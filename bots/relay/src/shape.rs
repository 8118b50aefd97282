//! What a request becomes that no template of the operator's speaks for: kinds that many programs send.

mod alerts;
mod forge;
mod slack;

use parlor_bot::WebhookRequest;
use serde_json::Value;

/// A post in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) title: Option<String>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) link: Option<String>,
    pub(crate) alert: bool,
}

/// A part of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Link { text: String, target: String },
}

impl Draft {
    /// With this text and nothing else.
    pub(crate) fn text(text: String) -> Self {
        let pieces = Some(text).filter(|text| !text.is_empty()).map(Piece::Text);
        Self {
            pieces: pieces.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What fits the request; none when nothing does.
pub(crate) fn draft(request: &WebhookRequest) -> Option<Draft> {
    forge::draft(request)
        .or_else(|| alerts::draft(&request.body))
        .or_else(|| slack::draft(&request.body))
}

/// A text of the body; none when it is empty or not there.
fn text<'b>(body: &'b Value, pointer: &str) -> Option<&'b str> {
    let text = body.pointer(pointer)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// The first of these texts that is there.
fn first<'b>(body: &'b Value, pointers: &[&str]) -> Option<&'b str> {
    pointers.iter().find_map(|pointer| text(body, pointer))
}

/// The first line of a text.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}
