//! Third step: a trusted application that answers a keyword, without the bot framework.
//!
//! ```text
//! cargo run --release -- serve        # in another terminal
//! cargo run --release -- cert dev
//! cargo run -p parlor-client --example 03_bot_by_hand -- News
//! ```
//! What the framework adds to this: a cursor that survives a restart, one transaction for state and answers, schedules
//! and feeds, several bots in one process, supervision. Here a keyword said while the program is off is not answered.

#![expect(clippy::print_stderr, reason = "an example speaks to the person who runs it")]

use std::error::Error;

use parlor_client::{
    ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, Message, PersistentChatEndpoint,
    Platform, Proxy, RoomEvent, ServerPlatformSettings,
};
use parlor_net::certificates::IdentityFiles;
use parlor_net::{ClientTls, ClientTlsSettings};
use parlor_xccos::PostKey;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let room = std::env::args().nth(1).unwrap_or_else(|| "News".to_owned());

    // A server platform states which trusted application this is; its certificate proves the host name.
    let tls = ClientTls::load(ClientTlsSettings {
        identity: Some(IdentityFiles {
            certificates: "certs/dev/host.pem".into(),
            key: "certs/dev/host-key.pem".into(),
        }),
        roots: "certs/dev/authority.pem".into(),
        server_name: None,
        crl: None,
    })?;
    let platform = Platform::new(ServerPlatformSettings {
        user_agent: "example/1.0".to_owned(),
        application_id: "urn:application:parlor".to_owned(),
        fqdn: "bots.example.com".to_owned(),
        port: 6000,
        gruu: "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:Q2xvY2tBbmROZXdz".to_owned(),
        tls,
    })?;

    // An application endpoint speaks as a user and is not challenged: the server trusts the certificate.
    let owner: parlor_xccos::SipUri = "sip:newsbot@example.com".parse()?;
    let settings = ApplicationEndpointSettings::new(owner.clone(), Proxy::new("localhost", 5061));
    let endpoint = ApplicationEndpoint::new(&platform, settings);
    endpoint.establish().await?;
    let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default()).await?;
    let (session, mut events) = chat.join(room).await?;

    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        let Some(event) = event else { break };
        let RoomEvent::Post(post) = event else { continue };
        // Its own answer comes back as a message too; answering it would never end.
        if post.author == owner || !post.chat.to_lowercase().contains("ping") {
            continue;
        }
        let Some(id) = post.id else { continue };
        // The key is made from the cause, so that this answer appears once, whatever happens on the way.
        let key: PostKey = format!("ping-{}-{id}", session.uri().room()).parse()?;
        if let Err(error) = session.post(Message::text("pong").with_key(key)).await {
            eprintln!("no answer to message {id}: {error}");
        }
    }

    // Finish what is on the way, then sign out.
    endpoint.drain().await;
    endpoint.terminate().await;
    Ok(())
}
