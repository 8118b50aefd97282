//! What a refusal means: for this mail, for this recipient, or for all mail.

use std::time::Duration;

use super::conversation::{Refusal, Stage};

/// A mail that its recipient's server has put off for so long is given up: RFC 5321, section 4.5.4.1, asks for four to five
/// days.
const GIVE_UP: Duration = Duration::from_secs(5 * 24 * 3600);
/// What servers answer to a mail that is larger than they take (RFC 1870, section 6.1).
const TOO_LARGE: u16 = 552;
/// Attempts after which it is the mail that makes the server break off.
const BROKEN_OFF: u32 = 3;
/// A server that ends the conversation by itself (RFC 5321, section 3.8).
pub(super) const CLOSING: u16 = 421;

/// What became of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has it; its words.
    Delivered(String),
    /// The server does not take it for this recipient now.
    PutOff(String),
    /// The server is away, or does not take anything from this host.
    ServerAway(String),
    Dead(String),
}

impl Outcome {
    /// What a refusal means for a mail that was asked for so long ago, after so many attempts that failed.
    pub(super) fn of(refusal: &Refusal, age: Duration, attempts: u32) -> Self {
        let reason = refusal.to_string();
        let about_mail = matches!(refusal.stage, Stage::Recipient | Stage::Data | Stage::Message);
        let Some(code) = refusal.code.filter(|code| *code != CLOSING) else {
            // A server that breaks off at the same mail again and again would never come to the others.
            return match about_mail && attempts >= BROKEN_OFF {
                true if age >= GIVE_UP => Self::Dead(format!("put off for five days: {reason}")),
                true => Self::PutOff(reason),
                false => Self::ServerAway(reason),
            };
        };
        match refusal.stage {
            // It does not like this host or its sender: no mail would fare better.
            Stage::Connect | Stage::Tls | Stage::SignIn => Self::ServerAway(reason),
            Stage::Sender if code != TOO_LARGE => Self::ServerAway(reason),
            _ if code >= 500 => Self::Dead(reason),
            _ if age >= GIVE_UP => Self::Dead(format!("put off for five days: {reason}")),
            _ => Self::PutOff(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Duration = Duration::ZERO;

    fn refused(stage: Stage, code: Option<u16>, age: Duration) -> Outcome {
        let words = String::new();
        Outcome::of(&Refusal { stage, code, words }, age, 0)
    }

    #[test]
    fn a_mail_at_which_the_server_breaks_off_again_and_again_does_not_hold_up_the_others() {
        for code in [None, Some(CLOSING)] {
            let broken_off = |stage, age, attempts| {
                let words = String::new();
                Outcome::of(&Refusal { stage, code, words }, age, attempts)
            };
            let at_mail = |age, attempts| broken_off(Stage::Message, age, attempts);
            assert!(matches!(at_mail(FRESH, BROKEN_OFF - 1), Outcome::ServerAway(_)));
            assert!(matches!(at_mail(FRESH, BROKEN_OFF), Outcome::PutOff(_)));
            assert!(matches!(at_mail(GIVE_UP, BROKEN_OFF), Outcome::Dead(_)));
            let at_all = broken_off(Stage::SignIn, GIVE_UP, BROKEN_OFF);
            assert!(
                matches!(at_all, Outcome::ServerAway(_)),
                "no mail would fare better"
            );
        }
    }

    #[test]
    fn what_is_the_servers_trouble_waits_and_what_is_the_mails_is_given_up() {
        for (stage, code) in [
            (Stage::Connect, None),
            (Stage::Connect, Some(554)),
            (Stage::Tls, None),
            (Stage::SignIn, Some(535)),
            (Stage::Sender, Some(550)),
            (Stage::Recipient, Some(421)),
            (Stage::Message, None),
        ] {
            let away = refused(stage, code, GIVE_UP);
            assert!(matches!(away, Outcome::ServerAway(_)), "{stage:?} {code:?}");
        }
        for (stage, code) in [
            (Stage::Sender, Some(552)),
            (Stage::Recipient, Some(550)),
            (Stage::Data, Some(554)),
            (Stage::Message, Some(550)),
        ] {
            let dead = refused(stage, code, FRESH);
            assert!(matches!(dead, Outcome::Dead(_)), "{stage:?} {code:?}");
        }
    }

    #[test]
    fn who_is_put_off_is_tried_for_five_days() {
        let day = Duration::from_secs(24 * 3600);
        let put_off = refused(Stage::Recipient, Some(450), 4 * day);
        assert_eq!(put_off, Outcome::PutOff("recipient: ".to_owned()));
        let dead = refused(Stage::Recipient, Some(450), 5 * day);
        assert_eq!(
            dead,
            Outcome::Dead("put off for five days: recipient: ".to_owned())
        );
    }
}
