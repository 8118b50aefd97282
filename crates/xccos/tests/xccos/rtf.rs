//! RTF beside the text of a post.

use parlor_xccos::format::{Emoticon, FormattedMessage, rtf};
use proptest::prelude::*;

use crate::samples::room;

#[test]
fn a_message_as_rtf() {
    let mut message = FormattedMessage::story("Ü {1}");
    message
        .append_text("a\\b\r\n\tc\u{1} 😀 ")
        .append_hyperlink("the notes", "https://example.com/{x}")
        .unwrap()
        .append_room_link("News", &room(1))
        .append_emoticon(Emoticon::Cool);
    let rtf = message.to_rtf();
    insta::assert_snapshot!("rtf", rtf);
    assert_eq!(rtf::to_text(&rtf, 1000), "Ü {1}\na\\b\n\tc 😀 the notesNews8-)");
}

#[test]
fn documents_of_a_word_processor() {
    let document = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Calibri;}}{\colortbl ;\red0\green0\blue255;}
{\*\generator Riched20 15.0;}{\info{\author Somebody}}\viewkind4\uc1\pard\f0\fs22 caf\'e9 \'80 \u8364? \u-10179?\u-8704?\par
{\b bold}\line{\field{\*\fldinst{HYPERLINK https://e.x/}}{\fldrslt{\ul link}}}\tab\lquote q\rquote\~{\pict\bin4 }}{}}x\_y\-z\par}";
    assert_eq!(
        rtf::to_text(document, 1000),
        "café € € 😀\nbold\nlink\t‘q’\u{A0}x\u{2011}yz"
    );
}

#[test]
fn fallback_characters_are_passed_over() {
    assert_eq!(
        rtf::to_text(r"{\rtf1\uc2\u228ae{\uc0\u228}\u228\'61\'62c}", 100),
        "äääc"
    );
    assert_eq!(rtf::to_text(r"{\rtf1 \u55357?x}", 100), "x");
}

#[test]
fn what_is_not_rtf_is_empty() {
    for text in ["", "plain", "{plain}", r"\rtf1 x"] {
        assert_eq!(rtf::to_text(text, 100), "");
    }
}

#[test]
fn output_and_nesting_are_bounded() {
    assert_eq!(rtf::to_text(r"{\rtf1 abcäx}", 4), "abc");
    let deep = format!(r"{{\rtf1 a{}b", "{".repeat(100_000));
    assert_eq!(rtf::to_text(&deep, 100), "a");
    let nested = format!(r"{{\rtf1 a{}b", "{".repeat(rtf::MAX_GROUPS - 1));
    assert_eq!(rtf::to_text(&nested, 100), "ab");
}

proptest! {
    #[test]
    fn text_comes_back(text in "([a-z{}\\\\ \t\n]|[äß€日😀\u{2028}]|\\PC){0,40}") {
        let expected = text.trim_end_matches('\n').to_owned();
        prop_assert_eq!(rtf::to_text(&rtf::from_text(&text), usize::MAX), expected);
    }

    #[test]
    fn any_document_is_answered(inside in "(\\\\(u|uc|bin|par|'|\\*|fldinst|[a-z]{1,3})-?[0-9]{0,6} ?|[{}]|[a-zä?]){0,60}", limit in 0usize..80) {
        let text = rtf::to_text(&format!(r"{{\rtf1{inside}"), limit);
        prop_assert!(text.len() <= limit);
    }
}
