//! The server under measurement: certificates and configuration as in production, SQLite in a temporary folder.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientCertificate, ServerTls, ServerTlsSettings};
use parlor_server::{Config, ListenerConfig, SeedRoom, SeedUser, UnprovedUsers};
use parlor_store::SqliteStore;
use parlor_xccos::{Behavior, Privacy};

use crate::{MEMBERS, ROOMS, room_name, user};

/// Issues every certificate, so that neither process measures that.
pub(crate) fn prepare(folder: &Path) {
    let authority = DevelopmentAuthority::open(&folder.join("certs")).unwrap();
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    authority
        .issue(
            "server",
            &Subject::Server {
                names: vec!["localhost".to_owned()],
                addresses,
            },
        )
        .unwrap();
    for room in 0..ROOMS {
        for member in 0..MEMBERS {
            let uri = user(room, member);
            authority
                .issue(&format!("member{member}-{room}"), &Subject::User { uri })
                .unwrap();
        }
    }
}

/// Serves until standard input ends; prints the address it listens on.
pub(crate) fn run(folder: &Path, threads: &str) {
    let threads: usize = threads.parse().unwrap();
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().unwrap().block_on(async {
        let store = SqliteStore::open(&folder.join("chat.db"), parlor_store::Options::default()).unwrap();
        let server = parlor_server::start(config(folder), Arc::new(store))
            .await
            .unwrap();
        println!("{}", server.addresses()[0]);
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()))
            .await
            .unwrap()
            .unwrap();
        server.shutdown().await;
    });
}

fn config(folder: &Path) -> Config {
    let authority = DevelopmentAuthority::open(&folder.join("certs")).unwrap();
    let mut config = Config::new("example.com", "sip:pchat@example.com".parse().unwrap());
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let identity = authority
        .issue(
            "server",
            &Subject::Server {
                names: vec!["localhost".to_owned()],
                addresses,
            },
        )
        .unwrap();
    let tls = ServerTls::load(ServerTlsSettings {
        identity,
        client_certificate: ClientCertificate::Required,
        client_roots: Some(authority.roots()),
        crl: None,
        accept_server_auth_only: true,
    });
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.listeners = vec![ListenerConfig {
        addr,
        tls: Some(tls.unwrap()),
        unproved: UnprovedUsers::Refused,
    }];
    for room in 0..ROOMS {
        config.seed.rooms.push(SeedRoom {
            posts: Vec::new(),
            name: room_name(room),
            description: String::new(),
            category: None,
            privacy: Privacy::Open,
            behavior: Behavior::Normal,
            members: Vec::new(),
            managers: Vec::new(),
            presenters: Vec::new(),
        });
        for member in 0..MEMBERS {
            let uri = user(room, member).parse().unwrap();
            config.seed.users.push(SeedUser {
                password: None,
                uri,
                display_name: format!("Member {member}"),
                contact: false,
            });
        }
    }
    config
}
