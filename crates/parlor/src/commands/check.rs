//! `parlor check`: everything that can be known to be wrong before starting.

use std::time::SystemTime;

use parlor_bot::SecretError;
use parlor_net::certificates::{CertificateReport, Expectations};
use serde_json::json;

use super::run::feed_roots;
use super::{cert, hook};
use crate::bots;
use crate::cli::{Global, exit};
use crate::config::{self, ConfigError, Settings, TlsFiles};
use crate::failure::Failure;
use crate::terminal::{BAD, FAINT, GOOD, json_document, line, styled};

/// What is wrong with one set of certificate files.
enum Checked {
    Report(Box<CertificateReport>),
    Unusable(String),
    /// Worth knowing, and right for all that can be known here.
    Remark(String),
    /// The development authority issues it at the first start.
    Issued,
}

pub(crate) fn run(global: &Global) -> Result<(), Failure> {
    let settings = match config::load(&global.config, &bots::Kinds::asking()) {
        Ok(settings) => settings,
        Err(ConfigError::Wrong(problems)) if global.json => {
            json_document(&json!({ "file": problems.file, "problems": problems.list, "certificates": [] }));
            return Err(Failure::new(problems.to_string()).with_code(exit::CONFIGURATION));
        }
        Err(error) => return Err(error.into()),
    };
    let certificates = certificates(&settings);
    let bad = certificates.iter().filter(|(_, checked)| is_bad(checked)).count();
    if global.json {
        print_json(global, &certificates);
    } else {
        print(global, &settings, &certificates, bad == 0);
    }
    if bad > 0 {
        let failure = Failure::new(format!(
            "{} with what the configuration names",
            counted(bad, "problem")
        ));
        return Err(failure.with_code(exit::CONFIGURATION));
    }
    Ok(())
}

fn is_bad(checked: &Checked) -> bool {
    match checked {
        Checked::Report(report) => report.has_errors(),
        Checked::Unusable(_) => true,
        Checked::Issued | Checked::Remark(_) => false,
    }
}

fn certificates(settings: &Settings) -> Vec<(&'static str, Checked)> {
    let mut list = Vec::new();
    if let Some(server) = &settings.server {
        let names = [];
        list.push(("server", inspect(&server.tls, &names, true, false)));
    }
    if let Some(files) = settings
        .webhooks
        .as_ref()
        .and_then(|webhooks| webhooks.tls.as_ref())
    {
        list.push(("webhooks", inspect(files, &[], true, false)));
    }
    if let Some(host) = &settings.host {
        list.push((
            "host",
            inspect(&host.tls, std::slice::from_ref(&host.fqdn), false, true),
        ));
        if let Err(error) = feed_roots(host) {
            list.push(("feeds", Checked::Unusable(crate::failure::chain(&error))));
        }
        list.extend(
            webhooks(settings)
                .into_iter()
                .map(|checked| ("webhooks", checked)),
        );
    }
    list
}

/// What is wrong with webhooks beyond the settings of one bot: the listener, names, secrets.
fn webhooks(settings: &Settings) -> Vec<Checked> {
    let hooks = match hook::all(settings) {
        Ok(hooks) => hooks,
        Err(failure) => return vec![Checked::Unusable(failure.message().to_owned())],
    };
    let mut found = Vec::new();
    for (at, (instance, spec)) in hooks.iter().enumerate() {
        let (bot, name) = (&instance.id, &spec.name);
        let mut unusable =
            |problem: String| found.push(Checked::Unusable(format!("`{name}` of {bot}: {problem}")));
        if settings.webhooks.is_none() {
            unusable("it has nowhere to come in, there is no [webhooks] with `listen`".to_owned());
        }
        if let Some((other, _)) = hooks[..at].iter().find(|(_, other)| other.name == *name) {
            unusable(format!("{} has a webhook of this name too", other.id));
        }
        for secret in &spec.secrets {
            match secret.read(parlor_host::SHORTEST_SECRET) {
                Ok(_) => {}
                // The host's environment is its own.
                Err(unset @ SecretError::Unset(_)) => {
                    found.push(Checked::Remark(format!("`{name}` of {bot}: here {unset}")));
                }
                Err(error) => {
                    let problem = crate::failure::chain(&error);
                    found.push(Checked::Unusable(format!("`{name}` of {bot}: {problem}")));
                }
            }
        }
    }
    found
}

fn inspect(files: &TlsFiles, names: &[String], for_server: bool, for_client: bool) -> Checked {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else {
        return Checked::Issued;
    };
    let expectations = Expectations {
        key: Some(key),
        roots: files.roots.as_deref(),
        crl: files.crl.as_deref(),
        names,
        for_server,
        for_client,
    };
    match parlor_net::certificates::inspect(certificate, &expectations, SystemTime::now()) {
        Ok(report) => Checked::Report(Box::new(report)),
        Err(error) => Checked::Unusable(crate::failure::chain(&error)),
    }
}

fn print(global: &Global, settings: &Settings, certificates: &[(&str, Checked)], is_right: bool) {
    let verdict = if is_right {
        styled(GOOD, "right")
    } else {
        styled(BAD, "wrong")
    };
    line(format_args!("{verdict} {}", global.config.display()));
    if let Some(server) = &settings.server {
        let seed = &server.config.seed;
        line(format_args!(
            "  server  {}, {}, {}, {}",
            server.config.domain,
            counted(seed.rooms.len(), "room"),
            counted(seed.users.len(), "user"),
            counted(server.config.trusted_pools.len(), "trusted pool")
        ));
    }
    if let Some(host) = &settings.host {
        let bots: Vec<_> = host
            .instances
            .iter()
            .map(|bot| format!("{} ({})", bot.id, bot.kind))
            .collect();
        line(format_args!(
            "  host    {}, bots: {}",
            host.application,
            if bots.is_empty() {
                "none".to_owned()
            } else {
                bots.join(", ")
            }
        ));
    }
    if let Some(mail) = settings.host.as_ref().and_then(|host| host.mail.as_ref()) {
        line(format_args!(
            "  mail    {}:{}, from {}",
            mail.host, mail.port, mail.from
        ));
    }
    for (name, checked) in certificates {
        match checked {
            Checked::Report(report) => cert::print(report),
            Checked::Unusable(error) => line(format_args!("{name}: {error}")),
            Checked::Remark(remark) => line(styled(FAINT, format_args!("  {name}: {remark}"))),
            Checked::Issued => {
                let folder = settings.development.display();
                line(styled(
                    FAINT,
                    format_args!("  {name}: development certificate, issued at the first start in {folder}"),
                ));
            }
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

fn print_json(global: &Global, certificates: &[(&str, Checked)]) {
    let list: Vec<_> = certificates
        .iter()
        .map(|(name, checked)| match checked {
            Checked::Report(report) => json!({ "of": name, "report": cert::to_json(report) }),
            Checked::Unusable(error) => json!({ "of": name, "error": error }),
            Checked::Remark(remark) => json!({ "of": name, "remark": remark }),
            Checked::Issued => json!({ "of": name, "development": true }),
        })
        .collect();
    json_document(&json!({ "file": global.config, "problems": [], "certificates": list }));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::BotSettings;

    /// Every example, so a bot must be made here with all that the host gives it, the right to remove messages too.
    #[test]
    fn nothing_is_wrong_with_the_example_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        let mut checked = 0;
        for entry in std::fs::read_dir(folder).expect("the folder of examples") {
            let file = entry.expect("a file").path();
            if file.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let settings = config::load(&file, &bots::Kinds::believing()).expect("a right file");
            for wrong in webhooks(&settings).iter().filter(|found| is_bad(found)) {
                let Checked::Unusable(problem) = wrong else {
                    continue;
                };
                panic!("{}: {problem}", file.display());
            }
            checked += 1;
        }
        assert!(checked > 3, "{checked} files were checked");
    }

    #[test]
    fn a_problem_of_a_setting_does_not_repeat_its_path() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/moderator.toml");
        let settings = config::load(&file, &bots::Kinds::believing()).expect("a right file");
        let mut instance = settings.host.expect("a host").instances.remove(0);
        instance.can_remove = false;
        let problems = bots::Kinds::believing().check(&instance);
        assert_eq!(problems[0].path, "remove");
        assert!(
            problems[0].message.starts_with("nothing can be removed"),
            "{}",
            problems[0].message
        );
    }
}
