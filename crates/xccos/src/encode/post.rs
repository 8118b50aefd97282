//! `grpchat`, and the same as a `msg` of a history.

use crate::Post;
use crate::dialect::attribute;
use crate::encode::write_room_uri;
use crate::xml::Writer;

/// Bytes a post will take about.
pub(super) fn size_hint(post: &Post) -> usize {
    256 + post.chat.len() + post.chat.len() / 8 + post.rtf.as_ref().map_or(0, |rtf| rtf.len() + rtf.len() / 8)
}

/// `<grpchat …>…</grpchat>`.
pub(super) fn write_post(out: &mut Writer, seq: u32, post: &Post) {
    out.start("grpchat");
    out.attribute("id", "grpchat");
    out.number("seqid", seq);
    write_content(out, post);
    out.end("grpchat");
}

/// `<msg id="grpchat" …>…</msg>`: a post of a history.
pub(super) fn write_msg(out: &mut Writer, post: &Post) {
    out.start("msg");
    out.attribute("id", "grpchat");
    write_content(out, post);
    out.end("msg");
}

/// `chanUri`, `author` and `ts`.
fn write_post_attributes(out: &mut Writer, post: &Post) {
    write_room_uri(out, "chanUri", &post.room);
    out.attribute("author", post.author.as_str());
    out.attribute_of("ts", &[post.timestamp.text().as_bytes()]);
}

fn write_content(out: &mut Writer, post: &Post) {
    write_post_attributes(out, post);
    attribute::write_of_post(out, post);
    out.inside();
    out.element("chat", &post.chat);
    if let Some(rtf) = &post.rtf {
        out.element(attribute::RTF, rtf);
    }
}
