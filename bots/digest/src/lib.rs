//! Sends what is said in rooms by mail: at set times, or a moment after it was said.
//!
//! ```toml
//! [settings]
//! zone = "Europe/Berlin"
//!
//! [[settings.digests]]
//! name = "every morning"
//! to = ["Ann Example <ann@example.com>"]
//! cron = "0 8 * * MON-FRI"
//!
//! [[settings.digests]]
//! name = "alarms"
//! to = ["oncall@example.com"]
//! when = "instant"
//! alerts = true
//! ```

mod collected;
mod digest;
mod letter;
mod settings;

pub use letter::{PostVariables, RoomVariables, Variables};
pub use settings::{DigestSettings, Settings, When};

use std::collections::BTreeSet;

use collected::Collected;
use digest::Digest;
use parlor_bot::prelude::*;
use parlor_bot::settings::Timings;
use parlor_bot::{MAX_MAILS_PER_EVENT, MailAddress};

/// Posts that all digests of one bot may keep together. A post takes up to three kilobytes, and a bot remembers a
/// megabyte.
const MAX_KEPT: usize = 300;

/// The bot.
#[derive(Debug)]
pub struct Digests {
    digests: Vec<Digest>,
}

impl Bot for Digests {
    const KIND: &'static str = "digest";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let mut timings = Timings::new(settings.zone, &settings.except, setup);
        let mut problems = timings.check();
        let (mut names, mut digests) = (BTreeSet::new(), Vec::new());
        for (path, entry) in settings.digests.read("digests") {
            let made = entry.and_then(|entry| {
                if !names.insert(entry.name.clone()) {
                    let problem = format!("`{}` is the name of an earlier digest", entry.name);
                    return Err(SetupError::setting(format!("{path}.name"), problem));
                }
                Digest::new(entry, &mut timings, &path, setup)
            });
            match made {
                Ok(made) => digests.push(made),
                Err(problem) => problems.push(problem),
            }
        }
        let kept: usize = digests.iter().map(|digest| digest.limit).sum();
        if kept > MAX_KEPT {
            let problem =
                format!("the digests keep {kept} posts together; the limit is {MAX_KEPT}: lower `limit`");
            problems.push(SetupError::setting("digests", problem));
        }
        SetupError::all(problems)?;
        Ok(Self { digests })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Sends what is said in rooms by mail.");
        bot.mail_to(Self::recipients);
        bot.started("Takes changed settings into account.", Self::begin);
        bot.messages("Keeps posts for the digests that want them.", Self::collect);
        bot.schedules(
            "Sends the digest that is due.",
            Self::schedules,
            Self::send_scheduled,
        );
        bot.woken("Sends what was said a moment ago.", Self::send_instant);
    }
}

impl Digests {
    fn recipients(&self) -> Vec<MailAddress> {
        self.digests.iter().flat_map(|digest| digest.to.clone()).collect()
    }

    fn schedules(&self) -> Vec<ScheduleSpec> {
        self.digests
            .iter()
            .filter_map(|digest| digest.schedule.clone())
            .collect()
    }

    /// Forgets what was kept for digests that are gone, and gives those a time that have become instant.
    async fn begin(&self, context: &mut Context, (): ()) -> Result<(), BotError> {
        let known: Vec<_> = self.digests.iter().map(|digest| digest.name.as_str()).collect();
        let mut forgotten = 0;
        for name in Collected::names(context) {
            if !known.contains(&name.as_str()) {
                let collected = Collected::of(&name, context)?;
                forgotten += collected.total();
                collected.forget(context);
            }
        }
        for digest in self.digests.iter().filter(|digest| digest.within.is_some()) {
            let mut collected = Collected::of(&digest.name, context)?;
            if collected.total() > 0 {
                digest.set_time(&mut collected, context)?;
                collected.keep(context)?;
            }
        }
        match forgotten {
            0 => Ok(()),
            posts => context.skip(format!(
                "posts of digests that are not configured any more: {posts}"
            )),
        }
    }

    async fn collect(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
        for digest in self.digests.iter().filter(|digest| digest.wants(said)) {
            let mut collected = Collected::of(&digest.name, context)?;
            collected.add(said, digest.limit, context)?;
            if digest.within.is_some() {
                digest.set_time(&mut collected, context)?;
            }
            collected.keep(context)?;
        }
        Ok(())
    }

    async fn send_scheduled(&self, context: &mut Context, fired: &ScheduleFired) -> Result<(), BotError> {
        let mut digests = self.digests.iter();
        let Some(digest) = digests.find(|digest| digest.schedule.is_some() && digest.name == fired.id) else {
            return context.skip(format!("`{}` is not configured any more", fired.id));
        };
        let collected = Collected::of(&digest.name, context)?;
        if collected.total() == 0 {
            return context.skip("nothing was said");
        }
        digest.send(collected, context)
    }

    async fn send_instant(&self, context: &mut Context, _: DateTime<Utc>) -> Result<(), BotError> {
        let mut mails = 0;
        for digest in self.digests.iter().filter(|digest| digest.within.is_some()) {
            let collected = Collected::of(&digest.name, context)?;
            let Some(due) = collected.due() else { continue };
            if due > context.now() {
                context.wake_at(due)?;
                continue;
            }
            mails += digest.to.len();
            if mails > MAX_MAILS_PER_EVENT {
                // At once again; this time those before it are not due any more.
                context.wake_at(due)?;
            } else {
                digest.send(collected, context)?;
            }
        }
        Ok(())
    }
}
