//! The server as its clients see it: over real TLS on loopback, driven by a small SIP client.

mod administration;
mod calls;
mod chat;
mod failures;
mod health;
mod keeping;
mod membership;
mod ntlm;
mod passwords;
mod presence;
mod registrar;
mod removals;
mod sign_in;
mod subscriptions;
mod world;
