//! First step: sign in with a user's certificate, join one room, say one thing, leave.
//!
//! ```text
//! cargo run --release -- serve                                          # in another terminal
//! cargo run --release -- cert dev --user sip:alice@example.com
//! cargo run -p parlor-client --example 01_post -- News "good morning"
//! ```

#![expect(clippy::print_stdout, reason = "an example speaks to the person who runs it")]

use std::error::Error;

use parlor_client::{
    ChatSettings, ClientPlatformSettings, ClientTransport, Message, PersistentChatEndpoint, Platform, Proxy,
    UserEndpoint, UserEndpointSettings,
};
use parlor_net::certificates::IdentityFiles;
use parlor_net::{ClientTls, ClientTlsSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let room = arguments.next().unwrap_or_else(|| "News".to_owned());
    let text = arguments
        .next()
        .unwrap_or_else(|| "hello from the SDK".to_owned());

    // The platform: which authorities we believe, and the certificate that says who we are.
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

    // The endpoint: a user at a server. Establishing connects and registers.
    let settings = UserEndpointSettings::new("sip:alice@example.com".parse()?, Proxy::new("localhost", 5061));
    let endpoint = UserEndpoint::new(&platform, settings);
    endpoint.establish().await?;

    // The chat endpoint: a session with the chat service, whose address the server provisions.
    let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default()).await?;

    // Posting needs a joined room. The call returns when the server has stored the message.
    let (session, _events) = chat.join(room).await?;
    let posted = session.post(Message::text(text)).await?;
    if let Some(id) = posted.id {
        println!("message {id} in {}", session.info().name);
    }

    endpoint.terminate().await;
    Ok(())
}
