//! Whole messages in the log.

use std::io;
use std::sync::{Arc, Mutex};

use parlor_net::Event;
use parlor_sip::{Event as Sip, ResponseDraft, StatusCode};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::connection::still_open;
use crate::support::{in_memory, settings, write};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_is_logged_whole_with_its_secrets_masked() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_max_level(Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (mut connection, mut peer) = in_memory(settings());
    let request = concat!(
        "\r\n\r\n",
        "REGISTER sip:example.com SIP/2.0\r\n",
        "Via: SIP/2.0/tls 192.0.2.7:38128;branch=z9hG4bK1\r\n",
        "From: <sip:alice@example.com>;tag=a1;epid=cf0b98dadeb9\r\n",
        "To: <sip:alice@example.com>\r\n",
        "CSeq: 2 REGISTER\r\n",
        "Call-ID: c1\r\n",
        "Authorization: NTLM qop=\"auth\", opaque=\"5D6A\", gssapi-data=\"SECRET\"\r\n",
        "Content-Length: 6\r\n",
        "\r\n",
        "<body>",
    );
    for part in [&request[..100], &request[100..]] {
        write(&mut peer, part).await;
        if let Ok(event) = tokio::time::timeout(std::time::Duration::from_millis(1), connection.next()).await
        {
            let Event::Sip(Sip::Request {
                transaction: Some(transaction),
                ..
            }) = event
            else {
                panic!("{event:?}")
            };
            let draft = ResponseDraft::new(StatusCode::UNAUTHORIZED).header(
                "WWW-Authenticate",
                "NTLM realm=\"SIP Communications Service\", gssapi-data=\"SECRET\"",
            );
            connection.agent().respond(transaction, draft).unwrap();
        }
    }
    still_open(&mut connection).await;
    drop(peer);
    assert!(matches!(connection.next().await, Event::Closed(_)));
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(directions(&log), ["opened", "received", "sent", "closed"]);
    let shown: String = log.lines().filter_map(shown).collect();
    insta::assert_snapshot!(shown);
}

/// What happened to the connection, in order.
fn directions(log: &str) -> Vec<String> {
    let direction = |line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        Some(line["fields"]["direction"].as_str()?.to_owned())
    };
    log.lines().filter_map(direction).collect()
}

/// One line of the log without what changes from run to run.
fn shown(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    if line["target"] != "parlor_net::sip" {
        return None;
    }
    let (fields, level) = (&line["fields"], line["level"].as_str()?);
    assert!(fields["connection"].is_u64());
    let message = fields["message"].as_str()?.replace('\r', "");
    let message = match message.find(";tag=").filter(|_| fields["direction"] == "sent") {
        Some(_) => stable_tag(&message),
        None => message,
    };
    Some(format!(
        "-- {level} {} {}\n{message}\n",
        fields["direction"].as_str()?,
        fields["peer"].as_str()?
    ))
}

/// The To tag of an answer is random.
fn stable_tag(message: &str) -> String {
    let lines = message.lines().map(|line| match line.split_once(";tag=") {
        Some((to, _)) if line.starts_with("To:") => format!("{to};tag=..."),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
