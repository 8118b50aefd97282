//! What operators may ask for in their room: who has strikes, and to forget those of somebody.
//!
//! They are read here and not declared as commands: a post that begins with a command's name must not escape moderation
//! in other rooms.

use parlor_bot::SipUri;
use parlor_bot::prelude::*;
use parlor_bot::settings::Span;

use crate::strikes::Strikes;

/// How many people are listed: a message that is read at a glance.
const LISTED: usize = 20;

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    /// `!strikes`
    List,
    /// `!strikes PERSON`
    Show(SipUri),
    /// `!forgive PERSON`
    Forgive(SipUri),
}

/// Answers a post of the operators' room, if it asks for something.
pub(crate) fn answer(text: &str, forget_after: Span, context: &mut Context) -> Result<(), BotError> {
    let answer = match Order::read(text) {
        None => return Ok(()),
        Some(Err(problem)) => problem,
        Some(Ok(Order::List)) => list(forget_after, context)?,
        Some(Ok(Order::Show(person))) => show(&person, forget_after, context)?,
        Some(Ok(Order::Forgive(person))) => {
            if Strikes::forget(&person, context) {
                format!("The strikes of {person} are forgotten.")
            } else {
                format!("{person} has no strikes.")
            }
        }
    };
    context.reply(answer)
}

impl Order {
    /// None for what is no order; a sentence for one that cannot be read.
    fn read(text: &str) -> Option<Result<Self, String>> {
        let mut words = text.split_whitespace();
        let (name, person, more) = (words.next()?, words.next(), words.next());
        let order: fn(SipUri) -> Self = match name {
            "!strikes" if person.is_none() => return Some(Ok(Self::List)),
            "!strikes" => Self::Show,
            "!forgive" => Self::Forgive,
            _ => return None,
        };
        let usage = || format!("Write `{name}` and an address, as in `{name} alice@example.com`.");
        let (Some(person), None) = (person, more) else {
            return Some(Err(usage()));
        };
        let whole = if person.contains(':') {
            person.to_owned()
        } else {
            format!("sip:{person}")
        };
        Some(whole.parse().map(order).map_err(|_| usage()))
    }
}

fn list(forget_after: Span, context: &Context) -> Result<String, BotError> {
    let mut known = Strikes::all(forget_after, context)?;
    if known.is_empty() {
        return Ok("Nobody has strikes.".to_owned());
    }
    known.sort_by_key(|(person, strikes)| (std::cmp::Reverse(strikes.count()), person.clone()));
    let mut lines: Vec<_> = known
        .iter()
        .take(LISTED)
        .map(|(person, strikes)| line(person, strikes))
        .collect();
    if known.len() > LISTED {
        lines.push(format!("and {} more", known.len() - LISTED));
    }
    Ok(lines.join("\n"))
}

fn show(person: &SipUri, forget_after: Span, context: &Context) -> Result<String, BotError> {
    let strikes = Strikes::of(person, forget_after, context)?;
    Ok(if strikes.count() == 0 {
        format!("{person} has no strikes.")
    } else {
        line(person.as_str(), &strikes)
    })
}

fn line(person: &str, strikes: &Strikes) -> String {
    let last = strikes
        .last()
        .map(|last| format!(", the last {}", last.format("%Y-%m-%d %H:%M UTC")));
    format!("{person}: {}{}", strikes.count(), last.unwrap_or_default())
}
