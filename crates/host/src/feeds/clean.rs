//! HTML out of feeds: made harmless, and made text.
//!
//! ammonia goes first, because html2text keeps `javascript:` links; what is too long or too deep for html2text (20,000
//! nested elements take it over a second) loses its tags by plain scanning instead.

use std::collections::HashSet;
use std::sync::LazyLock;

/// HTML is read up to this length, in bytes: many times a summary, and cheap.
const MAX_INPUT: usize = 64 * 1024;

/// Elements nested deeper than this are not laid out.
const MAX_DEPTH: usize = 100;

/// Lines are not wrapped: clients do that. Large enough for any paragraph.
const WIDTH: usize = 100_000;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(None);
    cleaner
});

/// For the text: without links, which html2text would put into brackets.
static TEXT_CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner.rm_tags(["a"]);
    cleaner
});

/// Tags that titles come with; anything else between angle brackets is meant literally (`Vec<T>`).
const TITLE_TAGS: [&str; 14] = [
    "a", "b", "br", "code", "em", "font", "i", "p", "q", "small", "span", "strong", "sub", "sup",
];

/// Harmless HTML, and the same as text.
pub(super) fn html(source: &str) -> (String, String) {
    let source = &source[..source.floor_char_boundary(MAX_INPUT)];
    let safe = CLEANER.clean(source).to_string();
    let text = TEXT_CLEANER.clean(source).to_string();
    let text = if depth(&text) > MAX_DEPTH {
        without_tags(&text)
    } else {
        laid_out(&text)
    };
    (safe, tidy(&text))
}

/// Text that may be HTML, as feeds put it into titles.
pub(super) fn line(source: &str) -> String {
    let text = if has_title_tags(source) {
        html(source).1
    } else if source.contains('&') {
        html(&source.replace('<', "&lt;")).1
    } else {
        source.to_owned()
    };
    text.split_whitespace()
        .map(printable)
        .collect::<Vec<_>>()
        .join(" ")
}

fn has_title_tags(source: &str) -> bool {
    source.split('<').skip(1).any(|after| {
        let name = after.strip_prefix('/').unwrap_or(after);
        let name = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        after.contains('>') && TITLE_TAGS.contains(&name.to_ascii_lowercase().as_str())
    })
}

/// Text: control characters removed, lines trimmed, no more than one empty line in a row.
pub(super) fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line
            .split_whitespace()
            .map(printable)
            .collect::<Vec<_>>()
            .join(" ");
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !tidied.is_empty() {
            tidied.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        tidied.push_str(&line);
        empty = 0;
    }
    tidied
}

fn printable(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).collect()
}

/// How deep elements are nested, at most; elements without end tag count as open, which only errs to the safe side.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let bytes = html.as_bytes();
    for (at, _) in html.match_indices('<') {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(c) if c.is_ascii_alphabetic() && !is_void(&html[at + 1..]) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn is_void(tag: &str) -> bool {
    let name = tag
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    matches!(name, "br" | "hr" | "img" | "wbr" | "col" | "area")
}

fn laid_out(html: &str) -> String {
    html2text::config::plain_no_decorate()
        .allow_width_overflow()
        .no_table_borders()
        .link_footnotes(false)
        .string_from_read(html.as_bytes(), WIDTH)
        .unwrap_or_else(|_| without_tags(html))
}

/// The text between tags; ammonia has left no `<` elsewhere.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for (at, piece) in html.split('<').enumerate() {
        let piece = if at == 0 {
            piece
        } else {
            piece.split_once('>').map_or("", |(_, after)| after)
        };
        text.push_str(piece);
        text.push(' ');
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_harmless_html_and_text() {
        let (safe, text) = html(
            "<p onclick=x()>Hello <b>world</b> &amp; all</p><script>alert(1)</script>\
             <p><a href='javascript:x()'>bad</a> <a href='https://example.com/'>good</a></p>\
             <ul><li>one<li>two</ul>",
        );
        assert!(!safe.contains("script") && !safe.contains("onclick"), "{safe}");
        assert!(safe.contains("https://example.com/"));
        assert_eq!(text, "Hello world & all\n\nbad good\n* one\n* two");
    }

    #[test]
    fn titles_are_one_plain_line() {
        for (source, expected) in [
            ("A &amp; B", "A & B"),
            ("<b>Bold</b>\n move", "Bold move"),
            ("1 < 2", "1 < 2"),
            ("Vec<T> &amp; you", "Vec<T> & you"),
            ("a <b>b</b> <script>c</script>", "a b"),
            ("a\u{0}b\u{7}", "ab"),
            ("Tom & Jerry", "Tom & Jerry"),
        ] {
            assert_eq!(line(source), expected);
        }
    }

    #[test]
    fn deep_and_long_html_is_read_without_layout() {
        let deep = format!("{}core{}", "<div>".repeat(5000), "</div>".repeat(5000));
        assert_eq!(html(&deep).1, "core");
        for tag in ["<b>", "<i>", "<ul><li>", "<table><tr><td>", "<blockquote>"] {
            let endless = format!("{}core", tag.repeat(MAX_INPUT / tag.len() - 4));
            assert!(html(&endless).1.contains("core"), "{tag}");
        }
        let long = format!("<p>{}</p>", "wörter ".repeat(40_000));
        assert!(html(&long).1.len() <= MAX_INPUT);
    }
}
