//! The `[server]` table.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use parlor_server::{
    Config, Limits, Password, Seed, SeedCategory, SeedPost, SeedRoom, SeedUser, SignIn, TrustedApplication,
    TrustedPool,
};
use parlor_xccos::{Behavior, Privacy, SipUri};
use toml::de::DeValue;

use super::document::{Form, Section};
use super::form::{Listen, Port, Transport};
use super::{TlsFiles, tls_files};

/// The server's settings; its listeners get their TLS when the certificates are loaded.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    /// Everything but listeners and the control socket.
    pub(crate) config: Config,
    pub(crate) listen: Vec<Listener>,
    /// Names and addresses of the development certificate; the first is what clients check.
    pub(crate) names: Vec<String>,
    pub(crate) tls: TlsFiles,
    pub(crate) accept_server_auth_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

pub(super) fn read(section: &Section<'_, '_>, sign_in: SignIn) -> Option<ServerSettings> {
    let domain: Option<String> = section.required("domain");
    let chat_uri = section.located::<SipUri>("chat_uri");
    let listen = section.required_located::<Vec<Listen>>("listen");
    let names = section.or("names", vec!["localhost".to_owned()]);
    let mut tls = TlsFiles::default();
    let mut accept_server_auth_only = true;
    if let Some(table) = section.section("tls") {
        tls = tls_files(&table);
        accept_server_auth_only = table.or("accept_server_auth_only", true);
        table.finish();
    }
    if let Some(listen) = listen.as_ref().filter(|listen| listen.value.is_empty()) {
        section.problem_with(listen, "names no address to listen on", None);
    }
    let domain = domain.unwrap_or_default();
    let fallback = format!(
        "sip:pchat@{}",
        if domain.is_empty() { "invalid" } else { &domain }
    );
    let chat = match &chat_uri {
        Some(uri) => uri.value.clone(),
        None => fallback.parse().ok()?,
    };
    let mut config = Config::new(domain, chat);
    config.legacy_masks = section.or("legacy_masks", false);
    config.session_expires = section.or("session_expires", config.session_expires);
    config.registration_expires = section.or("registration_expires", config.registration_expires);
    for (key, time) in [
        ("session_expires", config.session_expires),
        ("registration_expires", config.registration_expires),
    ] {
        if time < Duration::from_secs(90) {
            // RFC 4028 section 4: no session interval below 90 s.
            section.problem(key, "must be at least 90s", None);
        }
    }
    config.registration_grace = section.or("registration_grace", config.registration_grace);
    if let Some(table) = section.section("limits") {
        config.limits = limits(&table);
        table.finish();
    }
    config.trusted_pools = section
        .sections("trusted_pool")
        .iter()
        .filter_map(trusted_pool)
        .collect();
    config.sign_in = sign_in;
    config.seed = seed(section);
    section.finish();
    let listen = listen.map(|located| located.value).unwrap_or_default();
    let listen = listen
        .into_iter()
        .map(|l| Listener {
            transport: l.transport,
            address: l.address,
        })
        .collect();
    Some(ServerSettings {
        config,
        listen,
        names,
        tls,
        accept_server_auth_only,
    })
}

/// The `[sign_in]` table.
pub(super) fn sign_in(root: &Section<'_, '_>) -> SignIn {
    let mut sign_in = SignIn::default();
    if let Some(table) = root.section("sign_in") {
        sign_in.digest = table.or("digest", sign_in.digest);
        sign_in.ntlm = table.or("ntlm", sign_in.ntlm);
        table.finish();
    }
    sign_in
}

fn limits(table: &Section<'_, '_>) -> Limits {
    let defaults = Limits::default();
    let number = |key: &'static str, default: usize, least: u32, most: u32| {
        let Some(value) = table.located::<u32>(key) else {
            return default;
        };
        if value.value < least || value.value > most {
            table.problem_with(
                &value,
                format!("{} is not from {least} to {most}", value.value),
                None,
            );
        }
        value.value as usize
    };
    Limits {
        // The SIP body cap is 64 KiB per post; RTF and escaping need room of their own.
        message_bytes: number("message_bytes", defaults.message_bytes, 1, 65_536),
        story_bytes: number("story_bytes", defaults.story_bytes, 1, 65_536),
        // facts 1.8: DefaultChatHistory is settable from 1 to 500.
        backchat: number("backchat", defaults.backchat, 1, 500),
        search: number("search", defaults.search, 1, 10_000),
        participants: number("participants", defaults.participants, 1, 20_000),
        connections: number("connections", defaults.connections, 1, 1_000_000),
        connections_per_peer: number(
            "connections_per_peer",
            defaults.connections_per_peer,
            1,
            1_000_000,
        ),
        ..defaults
    }
}

fn trusted_pool(pool: &Section<'_, '_>) -> Option<TrustedPool> {
    let fqdn: Option<String> = pool.required("fqdn");
    let computers = pool.or("computers", Vec::<String>::new());
    let applications: Vec<_> = pool
        .sections("application")
        .iter()
        .filter_map(application)
        .collect();
    if applications.is_empty() && !pool.has("application") {
        pool.problem(
            "application",
            "the pool has no application",
            Some("add [[server.trusted_pool.application]]".to_owned()),
        );
    }
    pool.finish();
    Some(TrustedPool {
        fqdn: fqdn?,
        computers,
        applications,
    })
}

fn application(section: &Section<'_, '_>) -> Option<TrustedApplication> {
    let id: Option<ApplicationId> = section.required("id");
    let port: Option<Port> = section.required("port");
    let gruus = section.or("gruus", Vec::<String>::new());
    let users: Option<Vec<SipUri>> = section.required("users");
    section.finish();
    // A wrong port is reported already; the application still counts where others refer to it.
    let port = port.map_or(0, |port| port.0);
    Some(TrustedApplication {
        id: id?.0,
        port,
        gruus,
        allowed_users: users?,
    })
}

/// `urn:application:<name>` (facts E6).
#[derive(Debug, Clone)]
pub(super) struct ApplicationId(pub(super) String);

impl Form for ApplicationId {
    const ACCEPTED: &'static str = "\"urn:application:NAME\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        match text.strip_prefix("urn:application:") {
            Some(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text))
            }
            _ => Err(format!("`{text}` is not an application id")),
        }
    }
}

fn seed(section: &Section<'_, '_>) -> Seed {
    let users: Vec<_> = section.sections("user").iter().filter_map(user).collect();
    let categories: Vec<_> = section.sections("category").iter().filter_map(category).collect();
    let known: Vec<&str> = categories.iter().map(|category| category.name.as_str()).collect();
    let rooms = section
        .sections("room")
        .iter()
        .filter_map(|table| room(table, &known))
        .collect();
    Seed {
        categories,
        rooms,
        users,
    }
}

fn user(table: &Section<'_, '_>) -> Option<SeedUser> {
    let uri: Option<SipUri> = table.required("uri");
    let name: Option<String> = table.optional("name");
    let contact = table.or("contact", false);
    let password: Option<String> = table.optional("password");
    table.finish();
    let uri = uri?;
    let display_name = name.unwrap_or_else(|| uri.user().to_owned());
    Some(SeedUser {
        uri,
        display_name,
        contact,
        password: password.map(Password),
    })
}

fn category(table: &Section<'_, '_>) -> Option<SeedCategory> {
    let name: Option<String> = table.required("name");
    let category = SeedCategory {
        name: String::new(),
        description: table.or("description", String::new()),
        allowed: table.or("allowed", Vec::new()),
        denied: table.or("denied", Vec::new()),
        creators: table.or("creators", Vec::new()),
    };
    table.finish();
    Some(SeedCategory {
        name: name?,
        ..category
    })
}

fn room(table: &Section<'_, '_>, categories: &[&str]) -> Option<SeedRoom> {
    let name: Option<String> = table.required("name");
    let category = table.located::<String>("category");
    if let Some(named) = &category
        && !categories.contains(&named.value.as_str())
    {
        let help = super::nearest(&named.value, categories).map(|near| format!("did you mean `{near}`?"));
        table.problem_with(
            named,
            format!("no [[server.category]] is named `{}`", named.value),
            help,
        );
    }
    let privacy = table.or("privacy", PrivacyForm(Privacy::Closed)).0;
    let auditorium = table.or("auditorium", false);
    let members: Vec<SipUri> = table.or("members", Vec::new());
    let managers: Vec<SipUri> = table.or("managers", Vec::new());
    let presenters: Vec<SipUri> = table.or("presenters", Vec::new());
    if !presenters.is_empty() && !auditorium {
        table.problem(
            "presenters",
            "only an auditorium has presenters",
            Some("add `auditorium = true`".to_owned()),
        );
    }
    let member_set: BTreeSet<_> = members.iter().collect();
    if privacy == Privacy::Open && !members.is_empty() {
        table.problem(
            "members",
            "an open room has no list of members: whoever is in the category's scope may join",
            None,
        );
    } else if privacy != Privacy::Open
        && let Some(stranger) = presenters.iter().find(|uri| !member_set.contains(uri))
    {
        table.problem(
            "presenters",
            format!("{stranger} presents and is not a member"),
            None,
        );
    }
    let room = SeedRoom {
        name: String::new(),
        description: table.or("description", String::new()),
        category: category.map(|located| located.value),
        privacy,
        behavior: if auditorium {
            Behavior::Auditorium
        } else {
            Behavior::Normal
        },
        members,
        managers,
        presenters,
        posts: table.sections("post").iter().filter_map(post).collect(),
    };
    table.finish();
    Some(SeedRoom { name: name?, ..room })
}

fn post(table: &Section<'_, '_>) -> Option<SeedPost> {
    let author: Option<SipUri> = table.required("author");
    let text: Option<String> = table.required("text");
    table.finish();
    Some(SeedPost {
        author: author?,
        text: text?,
    })
}

struct PrivacyForm(Privacy);

impl Form for PrivacyForm {
    const ACCEPTED: &'static str = "\"open\", \"closed\" or \"secret\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("open") => Ok(Self(Privacy::Open)),
            Some("closed") => Ok(Self(Privacy::Closed)),
            Some("secret") => Ok(Self(Privacy::Secret)),
            Some(other) => Err(format!("`{other}` is not a privacy")),
            None => Err("is not text".to_owned()),
        }
    }
}
