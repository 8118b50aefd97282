//! The client's side of the handshake.

use super::association::{Association, Place};
use super::flags;
use super::keys::{self, Key, Sender};
use super::message::{Authenticate, Challenge, MessageError, find_pair, pair};
use super::server::{Version, decode_token};
use crate::fields::SignedFields;
use crate::header::{AuthHeader, Scheme};
use crate::seed::{Seed, Stream};
use crate::verifier::NtHash;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// Signs one user in: [`begin`](Self::begin) with the first 401, [`answer`](Self::answer) with the second.
#[derive(Clone, Debug)]
pub struct Client {
    user: String,
    domain: String,
    hash: NtHash,
}

impl Client {
    /// `user` is a login name with its domain, or a whole address with an empty domain.
    pub fn new(user: &str, domain: &str, password: &str) -> Self {
        Self {
            user: user.into(),
            domain: domain.into(),
            hash: NtHash::from_password(password),
        }
    }

    /// Authorization that asks for a challenge.
    ///
    /// # Errors
    ///
    /// When the offer is not for NTLM.
    pub fn begin(&self, offer: &AuthHeader) -> Result<String, ClientError> {
        let place = read_place(offer)?;
        let header = AuthHeader::new(Scheme::Ntlm)
            .quoted("qop", "auth")
            .quoted("realm", &place.realm)
            .quoted("targetname", &place.target_name)
            .quoted("gssapi-data", "")
            .bare("version", place.version.as_str());
        Ok(header.to_string())
    }

    /// Authorization that answers the challenge on a request with these fields, and the association with which all
    /// further messages are signed and checked.
    ///
    /// # Errors
    ///
    /// When there is no challenge or it asks for less than NTLMv2 with 128-bit session keys.
    pub fn answer(
        &self,
        challenge: &AuthHeader,
        fields: &SignedFields,
        seed: Seed,
    ) -> Result<(String, Association), ClientError> {
        let place = read_place(challenge)?;
        let token = decode_token(challenge.get("gssapi-data").ok_or(ClientError::NoChallenge)?)?;
        let message = Challenge::decode(&token)?;
        let missing = flags::REQUIRED & !message.flags;
        if missing != 0 {
            return Err(MessageError::Flags { missing }.into());
        }
        let mut random = Stream::new(seed);
        let time =
            find_pair(&message.target_info, pair::TIMESTAMP).and_then(|value| value.first_chunk::<8>());
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        // Without a clock of our own: the server's time, or none, which NTLMv2 does not check.
        blob.extend(time.copied().unwrap_or([0; 8]));
        blob.extend(random.draw::<8>());
        blob.extend([0; 4]);
        blob.extend(&message.target_info);
        blob.extend([0; 4]);

        let response_key = keys::response_key(&self.hash, &self.user.to_uppercase(), &self.domain);
        let proof = keys::proof(&response_key, &message.server_challenge, &blob);
        let exported: Key = Zeroizing::new(random.draw());
        let mut encrypted_session_key = *exported;
        keys::rc4(
            &keys::key_exchange_key(&response_key, &proof),
            &mut encrypted_session_key,
        );
        let authenticate = Authenticate {
            flags: message.flags & flags::OFFERED,
            user: self.user.clone(),
            domain: self.domain.clone(),
            workstation: String::new(),
            proof,
            blob,
            encrypted_session_key,
            mic: None,
        };
        let header = AuthHeader::new(Scheme::Ntlm)
            .quoted("qop", "auth")
            .quoted("opaque", &place.opaque)
            .quoted("realm", &place.realm)
            .quoted("targetname", &place.target_name)
            .quoted("gssapi-data", &BASE64_STANDARD.encode(authenticate.encode()))
            .bare("version", place.version.as_str());
        let version = place.version;
        let mut association = Association::new(place, Sender::Client, &exported, random.split());
        let header = match version {
            Version::Four => association.sign_into(header, fields),
            Version::Two | Version::Three => header,
        };
        Ok((header.to_string(), association))
    }
}

fn read_place(header: &AuthHeader) -> Result<Place, ClientError> {
    if header.scheme() != &Scheme::Ntlm {
        return Err(ClientError::Scheme);
    }
    let text = |name: &str| header.get(name).unwrap_or_default().to_owned();
    Ok(Place {
        // A server that says nothing speaks the first version, which is that of 2.
        version: Version::parse(header.get("version").unwrap_or("2")).ok_or(ClientError::Version)?,
        opaque: text("opaque"),
        realm: text("realm"),
        target_name: text("targetname"),
    })
}

/// Why a client cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The offer is for another scheme.
    #[error("server does not offer ntlm")]
    Scheme,
    /// A version that is not known here.
    #[error("server speaks an unknown version of ntlm")]
    Version,
    /// The 401 has no challenge.
    #[error("no challenge")]
    NoChallenge,
    /// The challenge cannot be used.
    #[error("unusable challenge")]
    Message(#[from] MessageError),
}
