//! What a deployment consists of before anything runs: certificates, names, and who may do what.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use parlor_client::{ClientPlatformSettings, ClientTransport, Platform, ServerPlatformSettings};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientCertificate, ClientTls, ClientTlsSettings, ServerTls, ServerTlsSettings};
use parlor_server::{
    Config, ListenerConfig, Seed, SeedCategory, SeedRoom, SeedUser, TrustedApplication, TrustedPool,
    UnprovedUsers,
};
use parlor_xccos::{Behavior, Privacy};
use tempfile::TempDir;

use crate::{tuning, uri};

/// The user that the trusted application may speak as.
pub const BOT: &str = "sip:newsbot@example.com";
/// Another one.
pub const SECOND_BOT: &str = "sip:helper@example.com";
/// A person.
pub const ALICE: &str = "sip:alice@example.com";

const SERVER: &str = "chat.example.com";
const HOST: &str = "bots.example.com";
const APPLICATION: &str = "urn:application:parlor-bots";
const GRUU: &str = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor-bots:AAAAAAAAAAAAAAAAAAAAAAAA";
const USER_AGENT: &str = "test/1.0";

/// A folder with an authority's certificates; it goes with the value.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    tls: ServerTls,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// A site of its own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = DevelopmentAuthority::open(folder.path()).unwrap();
        let subject = Subject::Server {
            names: vec![SERVER.to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        };
        let tls = ServerTls::load(ServerTlsSettings {
            identity: authority.issue("server", &subject).unwrap(),
            client_certificate: ClientCertificate::Optional,
            client_roots: Some(authority.roots()),
            crl: None,
            accept_server_auth_only: true,
        })
        .unwrap();
        Self { folder, tls }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A server with open rooms, the trusted application, [`BOT`] and [`ALICE`]; port 0 for any.
    pub fn server(&self, port: u16, rooms: &[&str]) -> Config {
        let application = TrustedApplication {
            id: APPLICATION.to_owned(),
            port: 6000,
            gruus: vec![GRUU.to_owned()],
            allowed_users: vec![uri(BOT), uri(SECOND_BOT)],
        };
        Config {
            listeners: vec![ListenerConfig {
                addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                tls: Some(self.tls.clone()),
                unproved: UnprovedUsers::Refused,
            }],
            trusted_pools: vec![TrustedPool {
                fqdn: HOST.to_owned(),
                computers: Vec::new(),
                applications: vec![application],
            }],
            seed: Seed {
                categories: vec![SeedCategory {
                    name: "General".to_owned(),
                    ..SeedCategory::default()
                }],
                rooms: rooms.iter().copied().map(room).collect(),
                users: vec![
                    user(BOT, "News bot"),
                    user(SECOND_BOT, "Helper"),
                    user(ALICE, "Alice"),
                ],
            },
            ..Config::new("example.com", uri("sip:chat@example.com"))
        }
    }

    /// The trusted application's platform.
    pub fn application_platform(&self) -> Platform {
        let subject = Subject::Application {
            pool: HOST.to_owned(),
            computers: Vec::new(),
        };
        let settings = ServerPlatformSettings {
            user_agent: USER_AGENT.to_owned(),
            application_id: APPLICATION.to_owned(),
            fqdn: HOST.to_owned(),
            port: 6000,
            gruu: GRUU.to_owned(),
            tls: self.client_tls("host", Some(&subject)),
        };
        Platform::with_tuning(settings, tuning()).unwrap()
    }

    /// The platform of a user whose certificate names `certified`, or who has none.
    pub fn user_platform(&self, certified: Option<&str>) -> Platform {
        let subject = certified.map(|uri| Subject::User { uri: uri.to_owned() });
        let settings = ClientPlatformSettings {
            user_agent: USER_AGENT.to_owned(),
            transport: ClientTransport::Tls(self.client_tls("user", subject.as_ref())),
        };
        Platform::with_tuning(settings, tuning()).unwrap()
    }

    fn client_tls(&self, name: &str, subject: Option<&Subject>) -> ClientTls {
        let authority = DevelopmentAuthority::open(self.folder()).unwrap();
        ClientTls::load(ClientTlsSettings {
            roots: authority.roots(),
            identity: subject.map(|subject| authority.issue(name, subject).unwrap()),
            server_name: Some(SERVER.to_owned()),
            crl: None,
        })
        .unwrap()
    }
}

fn room(name: &str) -> SeedRoom {
    SeedRoom {
        name: name.to_owned(),
        description: String::new(),
        category: None,
        privacy: Privacy::Open,
        behavior: Behavior::Normal,
        members: Vec::new(),
        managers: Vec::new(),
        presenters: Vec::new(),
        posts: Vec::new(),
    }
}

fn user(text: &str, name: &str) -> SeedUser {
    SeedUser {
        uri: uri(text),
        display_name: name.to_owned(),
        contact: false,
        password: None,
    }
}
