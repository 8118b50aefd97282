//! The `[webhooks]` table: where requests of webhooks come in. The webhooks themselves are settings of bots.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use parlor_host::Webhooks;
use toml::de::DeValue;

use super::TlsFiles;
use super::document::{Form, Section};
use super::form::Address;

/// Where requests of webhooks come in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookSettings {
    pub(crate) listen: SocketAddr,
    /// Certificate and key; without them a proxy on this machine is expected to do TLS.
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) proxies: Vec<IpNet>,
    /// The longest body, in bytes.
    pub(crate) body: usize,
}

pub(super) fn read(root: &Section<'_, '_>) -> Option<WebhookSettings> {
    let section = root.section("webhooks")?;
    let listen = section.required::<Address>("listen");
    let proxies = section.or("proxies", Vec::<Network>::new());
    let body = section.or("body", Body(Webhooks::BODY)).0;
    let tls = section.section("tls").map(|table| {
        let files = TlsFiles {
            certificate: table.path("certificate"),
            key: table.path("key"),
            ..TlsFiles::default()
        };
        for (key, file) in [("certificate", &files.certificate), ("key", &files.key)] {
            if file.is_none() {
                table.problem(key, "is missing: TLS needs a certificate and its key", None);
            }
        }
        table.finish();
        files
    });
    section.finish();
    Some(WebhookSettings {
        listen: listen?.0,
        tls,
        proxies: proxies.into_iter().map(|network| network.0).collect(),
        body,
    })
}

/// A network, or one address.
struct Network(IpNet);

impl Form for Network {
    const ACCEPTED: &'static str = "networks or addresses, for example [\"127.0.0.1\", \"10.0.0.0/8\"]";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network
            .map(Self)
            .map_err(|_| format!("`{text}` is neither a network nor an address"))
    }
}

/// The longest body. Above four megabytes a thousand waiting requests would fill a disk; below a kilobyte no sender is
/// happy.
struct Body(usize);

impl Form for Body {
    const ACCEPTED: &'static str = "a number of bytes from 1024 to 4194304";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match u32::read(value)? {
            number @ 1024..=4_194_304 => Ok(Self(number as usize)),
            number => Err(format!("{number} is not from 1024 to 4194304")),
        }
    }
}
