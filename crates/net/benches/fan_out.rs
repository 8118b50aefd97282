//! What a delivery costs the sending process and what an idle connection weighs: one post to many TLS connections,
//! each of which answers; the receivers are another process.
//!
//! `cargo bench -p parlor-net --bench fan_out -- [connections] [rounds]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that measures and prints, or fails"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parlor_net::certificates::{DevelopmentAuthority, IdentityFiles, Subject};
use parlor_net::{
    Admission, ClientCertificate, ClientTls, ClientTlsSettings, ConnectSettings, ConnectionSettings, Event,
    KeepAlivePolicy, Limits, ListenSettings, Listener, Outbound, Outbox, ServerTls, ServerTlsSettings,
    connect,
};
use parlor_sip::{
    AgentSettings, DialogId, Event as Sip, Method, RequestDraft, ResponseDraft, StatusCode, Target,
    Transport, Uri,
};
use tokio::sync::{Notify, mpsc};

/// A post of some length in its envelope.
const BODY: usize = 600;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let [folder, port, count] = arguments.as_slice() {
        runtime.block_on(receive(
            Path::new(folder),
            port.parse().unwrap(),
            count.parse().unwrap(),
        ));
        return;
    }
    let number = |index: usize, default| arguments.get(index).map_or(default, |text| text.parse().unwrap());
    runtime.block_on(send(number(0, 500), number(1, 2_000)));
}

fn settings() -> ConnectionSettings {
    ConnectionSettings {
        agent: AgentSettings::new("", Transport::Tls, "bench"),
        limits: Limits {
            connections_per_peer: usize::MAX,
            ..Limits::default()
        },
        keep_alive: KeepAlivePolicy::Silent,
    }
}

async fn send(connections: usize, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(folder.path()).unwrap();
    let server = Subject::Server {
        names: vec!["localhost".into()],
        addresses: vec![],
    };
    let identity = authority.issue("server", &server).unwrap();
    let application = Subject::Application {
        pool: "bots.example.com".into(),
        computers: vec![],
    };
    authority.issue("application", &application).unwrap();
    let tls = ServerTls::load(ServerTlsSettings {
        identity,
        client_certificate: ClientCertificate::Required,
        client_roots: Some(authority.roots()),
        crl: None,
        accept_server_auth_only: false,
    });
    let connection = settings();
    let admission = Admission::new(&connection.limits);
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(ListenSettings {
        address,
        tls: Some(tls.unwrap()),
        connection,
        admission,
    })
    .await
    .unwrap();
    let empty = resident();
    let mut receivers = Command::new(std::env::current_exe().unwrap())
        .args([
            folder.path().to_str().unwrap(),
            &listener.local_addr().port().to_string(),
            &connections.to_string(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answered = Arc::new((AtomicUsize::new(0), Notify::new()));
    let (joined, mut joins) = mpsc::channel(connections);
    let started = (Instant::now(), cpu());
    for _ in 0..connections {
        let incoming = listener.accept().await.unwrap();
        tokio::spawn(serve(incoming, joined.clone(), answered.clone()));
    }
    let mut members = Vec::new();
    while members.len() < connections {
        members.push(joins.recv().await.unwrap());
    }
    println!(
        "{connections} handshakes and joins: {:.0} us of CPU each",
        per(started.1, connections)
    );
    // Says so when all its connections stand.
    let mut line = String::new();
    BufReader::new(receivers.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!(
        "idle connection with a dialog: {:.1} KB resident",
        (resident() - empty) / connections as f64
    );
    let before = (Instant::now(), cpu());
    deliver(&members, rounds, &answered).await;
    let deliveries = connections * rounds;
    println!(
        "{deliveries} deliveries, one at a time per connection: {:.2} us of CPU each, {:.0}/s",
        per(before.1, deliveries),
        deliveries as f64 / before.0.elapsed().as_secs_f64()
    );
    println!(
        "afterwards: {:.1} KB resident per connection",
        (resident() - empty) / connections as f64
    );
    receivers.kill().unwrap();
    receivers.wait().unwrap();
}

async fn serve(
    incoming: parlor_net::Incoming,
    joined: mpsc::Sender<(Outbox, DialogId)>,
    answered: Arc<(AtomicUsize, Notify)>,
) {
    let mut connection = incoming.establish().await.unwrap();
    loop {
        match connection.next().await {
            Event::Sip(Sip::Request {
                transaction: Some(transaction),
                request,
                ..
            }) if *request.method() == Method::INVITE => {
                let (now, contact) = (connection.now(), "sip:chat@example.com".parse().unwrap());
                let draft = ResponseDraft::new(StatusCode::OK);
                let dialog = connection
                    .agent()
                    .accept(now, transaction, draft, &contact)
                    .unwrap();
                joined.send((connection.outbox(), dialog)).await.unwrap();
            }
            Event::Sip(Sip::Response { .. }) => {
                answered.0.fetch_add(1, Ordering::Relaxed);
                answered.1.notify_one();
            }
            Event::Closed(cause) => panic!("{cause}"),
            _ => {}
        }
    }
}

/// A round is sent when the last one has been answered.
async fn deliver(members: &[(Outbox, DialogId)], rounds: usize, answered: &(AtomicUsize, Notify)) {
    for round in 1..=rounds {
        let body = Bytes::from(vec![b'x'; BODY]);
        for (outbox, dialog) in members {
            outbox
                .try_push(Outbound::Info {
                    dialog: *dialog,
                    body: body.clone(),
                })
                .unwrap();
        }
        while answered.0.load(Ordering::Relaxed) < round * members.len() {
            answered.1.notified().await;
        }
    }
}

/// The other process: joins and answers.
async fn receive(folder: &Path, port: u16, connections: usize) {
    let identity = IdentityFiles {
        certificates: folder.join("application.pem"),
        key: folder.join("application-key.pem"),
    };
    let tls = ClientTlsSettings {
        roots: folder.join("authority.pem"),
        identity: Some(identity),
        server_name: Some("localhost".into()),
        crl: None,
    };
    let tls = ClientTls::load(tls).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    let standing = Arc::new(AtomicUsize::new(0));
    for _ in 0..connections {
        let settings = ConnectSettings {
            host: "127.0.0.1".into(),
            port,
            tls: Some(tls.clone()),
            timeout: Duration::from_secs(20),
            connection: settings(),
        };
        let mut connection = connect(settings).await.unwrap();
        let standing = standing.clone();
        tasks.spawn(async move {
            let chat: Uri = "sip:chat@example.com".parse().unwrap();
            let alice: Uri = "sip:alice@example.com".parse().unwrap();
            let now = connection.now();
            connection
                .agent()
                .invite(now, &Target::new(alice, chat), RequestDraft::new(Method::INVITE));
            loop {
                match connection.next().await {
                    Event::Sip(Sip::Response { .. })
                        if standing.fetch_add(1, Ordering::Relaxed) + 1 == connections =>
                    {
                        println!("standing");
                    }
                    Event::Sip(Sip::Request {
                        transaction: Some(transaction),
                        ..
                    }) => {
                        connection
                            .agent()
                            .respond(transaction, ResponseDraft::new(StatusCode::OK))
                            .unwrap();
                    }
                    Event::Closed(_) => return,
                    _ => {}
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // USER_HZ is 100 on every Linux.
    Duration::from_millis(ticks * 10)
}

/// Microseconds of CPU since `before`, each.
fn per(before: Duration, count: usize) -> f64 {
    (cpu() - before).as_secs_f64() * 1e6 / count as f64
}

/// Resident memory of this process in KB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
