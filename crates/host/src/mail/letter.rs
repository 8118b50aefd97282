//! A mail in the form in which it travels (RFC 5322, MIME).
//!
//! The same mail becomes the same bytes each time: what is sent again is recognised as the same.

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use parlor_bot::{Mail, MailAddress, MailError};

/// Headers that keep out-of-office notices from being sent back: RFC 3834, section 5, and Exchange's own.
const MACHINE_MADE: [(&str, &str); 2] = [
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "All"),
];

/// Why a mail has no such form.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LetterError {
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Address(#[from] lettre::address::AddressError),
    #[error(transparent)]
    Form(#[from] lettre::error::Error),
}

/// An address as the library has it.
pub(crate) fn envelope(address: &MailAddress) -> Result<Address, lettre::address::AddressError> {
    Address::new(address.user(), address.domain())
}

fn mailbox(address: &MailAddress) -> Result<Mailbox, lettre::address::AddressError> {
    Ok(Mailbox::new(
        address.name().map(str::to_owned),
        envelope(address)?,
    ))
}

/// The bytes of a mail that was asked for at `at` and is named `key`, which becomes its Message-ID.
pub(crate) fn letter(
    from: &MailAddress,
    to: &MailAddress,
    mail: &Mail,
    key: &str,
    at: DateTime<Utc>,
) -> Result<Vec<u8>, LetterError> {
    // Once more: what is read from a state file may have been written by another version.
    mail.check()?;
    let mut builder = Message::builder()
        .message_id(Some(format!("<{key}@{}>", from.domain())))
        .date(at.into())
        .from(mailbox(from)?)
        .to(mailbox(to)?)
        .subject(mail.subject());
    for (name, value) in MACHINE_MADE {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let text = part(ContentType::TEXT_PLAIN, mail.text());
    let message = match mail.html() {
        None => builder.singlepart(text)?,
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .boundary(format!("=_{key}"))
                .singlepart(text)
                .singlepart(part(ContentType::TEXT_HTML, html)),
        )?,
    };
    Ok(message.formatted())
}

fn part(form: ContentType, text: &str) -> SinglePart {
    SinglePart::builder().header(form).body(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn written(to: &str, mail: &Mail) -> String {
        let from = "Parlor Räume <parlor@example.com>".parse().unwrap();
        let letter = letter(&from, &to.parse().unwrap(), mail, "0a1b2c", at()).unwrap();
        assert!(letter.is_ascii(), "it needs no server with 8BITMIME");
        String::from_utf8(letter).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn a_mail_with_text_and_html_is_written_so() {
        let mail = Mail::new(
            "Neues aus „News“: 3 Beiträge, und damit auch der Betreff länger als eine Zeile ist, noch mehr",
            "Grüße\n.\nfrom the team\n",
        )
        .with_html("<p>Gr\u{fc}\u{df}e</p>");
        insta::assert_snapshot!(written("Müller, Jörg <joerg@example.org>", &mail));
    }

    #[test]
    fn a_mail_of_text_alone_is_written_so() {
        insta::assert_snapshot!(written(
            "ann@example.org",
            &Mail::new("Plain", "Nothing but this.")
        ));
    }

    #[test]
    fn the_same_mail_is_written_the_same_way() {
        let mail = Mail::new("Again", "ü").with_html("<p>ü</p>");
        assert_eq!(
            written("ann@example.org", &mail),
            written("ann@example.org", &mail)
        );
    }

    #[test]
    fn a_stored_mail_with_a_line_break_in_its_subject_is_refused() {
        let mail: Mail =
            serde_json::from_str(r#"{"subject":"a\r\nBcc: eve@example.net","text":"t"}"#).unwrap();
        let address = "ann@example.org".parse().unwrap();
        let refused = letter(&address, &address, &mail, "k", at()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the subject of a mail holds a line break or another control character"
        );
    }
}
