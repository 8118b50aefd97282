//! Second step: read a room as it happens, through lost connections and slow reading.
//!
//! ```text
//! cargo run -p parlor-client --example 02_listen -- News
//! ```
//! Stop the server and start it again while this runs: nothing is missed and nothing shown twice.

#![expect(clippy::print_stdout, reason = "an example speaks to the person who runs it")]

use std::error::Error;

use parlor_client::{
    ChatSettings, ClientPlatformSettings, ClientTransport, PersistentChatEndpoint, Platform, Proxy,
    RoomEvent, UserEndpoint, UserEndpointSettings,
};
use parlor_net::certificates::IdentityFiles;
use parlor_net::{ClientTls, ClientTlsSettings};
use parlor_xccos::format::display_text;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let room = std::env::args().nth(1).unwrap_or_else(|| "News".to_owned());
    let tls = ClientTls::load(ClientTlsSettings {
        identity: Some(IdentityFiles {
            certificates: "certs/dev/user-alice@example.com.pem".into(),
            key: "certs/dev/user-alice@example.com-key.pem".into(),
        }),
        roots: "certs/dev/authority.pem".into(),
        server_name: None,
        crl: None,
    })?;
    let platform = Platform::new(ClientPlatformSettings {
        user_agent: "example/1.0".to_owned(),
        transport: ClientTransport::Tls(tls),
    })?;
    let settings = UserEndpointSettings::new("sip:alice@example.com".parse()?, Proxy::new("localhost", 5061));
    let endpoint = UserEndpoint::new(&platform, settings);
    endpoint.establish().await?;
    let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default()).await?;

    let (session, mut events) = chat.join(room).await?;
    for person in session.participants() {
        println!("* {} is here", person.user);
    }
    for post in session.recent_history(5).await? {
        println!("  {}: {}", post.author, display_text(&post.chat));
    }

    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        match event {
            Some(RoomEvent::Post(post)) => println!("  {}: {}", post.author, display_text(&post.chat)),
            Some(RoomEvent::Joined(person)) => println!("* {} came", person.user),
            Some(RoomEvent::Parted(user)) => println!("* {user} left"),
            Some(RoomEvent::Disconnected) => println!("* connection lost, trying again"),
            Some(RoomEvent::Recovered { missed }) => println!("* back, {missed} messages were missed"),
            Some(RoomEvent::Closed(reason)) => {
                println!("* closed: {reason:?}");
                break;
            }
            Some(_) => {}
            None => break,
        }
    }

    endpoint.terminate().await;
    Ok(())
}
