//! The server's side of the handshake: offer, challenge, proof.

use super::association::{Association, Place, SignatureError};
use super::flags;
use super::keys::{self, Key, Sender};
use super::message::{self, Authenticate, Challenge, MAX_MESSAGE, MessageError, pair, push_pair};
use crate::fields::SignedFields;
use crate::header::{AuthHeader, Scheme};
use crate::seed::{Seed, Stream};
use crate::text::{same, upper_hex, utf16};
use crate::verifier::NtHash;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a challenge may wait for its answer: the client answers at once, a user does not type in between.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(60);
/// Challenges of one connection that may wait at a time; the oldest makes room. A client has one, two while it
/// authenticates again.
pub const MAX_CHALLENGES: usize = 4;

/// The version of the signed text (MS-SIPAE): which fields it has, and whether the last REGISTER is signed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Without the URI of To and without asserted identities.
    Two,
    /// All fields.
    Three,
    /// All fields, and the REGISTER that brings the proof is signed.
    Four,
}

impl Version {
    /// The number on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Two => "2",
            Self::Three => "3",
            Self::Four => "4",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Two, Self::Three, Self::Four]
            .into_iter()
            .find(|version| version.as_str() == text)
    }
}

/// Names under which a server offers NTLM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    realm: String,
    target_name: String,
    netbios_domain: String,
    version: Version,
}

impl Settings {
    /// `realm` is shown to the client, `target_name` is the server's host name, `netbios_domain` the short name of
    /// the domain in capitals, as `EXAMPLE`. Names are cut at 255 characters, as those of DNS are.
    pub fn new(realm: &str, target_name: &str, netbios_domain: &str) -> Self {
        let cut = |name: &str| name.chars().take(255).collect();
        Self {
            realm: cut(realm),
            target_name: cut(target_name),
            netbios_domain: cut(netbios_domain),
            version: Version::Four,
        }
    }

    /// Another version than 4; for clients that know no better.
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    fn target_info(&self) -> Vec<u8> {
        let (host, domain) = self
            .target_name
            .split_once('.')
            .unwrap_or((&self.target_name, ""));
        let mut info = Vec::new();
        push_pair(&mut info, pair::NETBIOS_DOMAIN, &utf16(&self.netbios_domain));
        push_pair(&mut info, pair::NETBIOS_COMPUTER, &utf16(&host.to_uppercase()));
        push_pair(&mut info, pair::DNS_DOMAIN, &utf16(domain));
        push_pair(&mut info, pair::DNS_COMPUTER, &utf16(&self.target_name));
        push_pair(&mut info, pair::END, &[]);
        info
    }
}

/// What to do with a request that carries NTLM credentials.
#[derive(Debug)]
pub enum Step {
    /// Answer 401 with this WWW-Authenticate.
    Challenge(String),
    /// Look the account up and [check](Proof::check) what the client proves.
    Check(Box<Proof>),
}

/// The handshakes of one connection.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    random: Stream,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    opaque: String,
    server_challenge: [u8; 8],
    message: Vec<u8>,
    expires: Instant,
}

impl Server {
    /// A server for one connection.
    pub fn new(settings: Settings, seed: Seed) -> Self {
        Self {
            settings,
            random: Stream::new(seed),
            waiting: VecDeque::new(),
        }
    }

    /// WWW-Authenticate of the 401 to a request without credentials, or with ones that were refused.
    pub fn offer(&self) -> String {
        self.offer_header().to_string()
    }

    fn offer_header(&self) -> AuthHeader {
        AuthHeader::new(Scheme::Ntlm)
            .quoted("realm", &self.settings.realm)
            .quoted("targetname", &self.settings.target_name)
            .bare("version", self.settings.version.as_str())
    }

    /// Takes the Authorization of a request.
    ///
    /// # Errors
    ///
    /// When it cannot be used; answer 401 with the [`offer`](Self::offer). A challenge that was answered is gone
    /// in any case, so each guess at a password costs a challenge.
    pub fn step(&mut self, now: Instant, authorization: &AuthHeader) -> Result<Step, Refusal> {
        self.waiting.retain(|waiting| waiting.expires > now);
        if authorization.scheme() != &Scheme::Ntlm {
            return Err(Refusal::Scheme);
        }
        let differs = |name: &str, own: &str| authorization.get(name).is_some_and(|other| other != own);
        if differs("realm", &self.settings.realm) || differs("targetname", &self.settings.target_name) {
            return Err(Refusal::Elsewhere);
        }
        if differs("version", self.settings.version.as_str()) {
            return Err(Refusal::Version);
        }
        let token = authorization.get("gssapi-data").ok_or(Refusal::NoToken)?;
        let token = decode_token(token)?;
        if token.is_empty() || message::is_negotiate(&token) {
            return Ok(Step::Challenge(self.challenge(now)));
        }
        let opaque = authorization.get("opaque").ok_or(Refusal::UnknownChallenge)?;
        let at = self.waiting.iter().position(|waiting| waiting.opaque == opaque);
        let waiting = at
            .and_then(|at| self.waiting.remove(at))
            .ok_or(Refusal::UnknownChallenge)?;
        let authenticate = Authenticate::decode(&token)?;
        Ok(Step::Check(Box::new(Proof {
            place: Place {
                version: self.settings.version,
                opaque: waiting.opaque.clone(),
                realm: self.settings.realm.clone(),
                target_name: self.settings.target_name.clone(),
            },
            waiting,
            authenticate,
            token,
            authorization: authorization.clone(),
            seed: self.random.split(),
        })))
    }

    fn challenge(&mut self, now: Instant) -> String {
        let challenge = Challenge {
            flags: flags::OFFERED,
            server_challenge: self.random.draw(),
            target_name: self.settings.netbios_domain.clone(),
            target_info: self.settings.target_info(),
        };
        let waiting = Waiting {
            opaque: upper_hex(&self.random.draw::<4>()),
            server_challenge: challenge.server_challenge,
            message: challenge.encode(),
            expires: now + CHALLENGE_LIFETIME,
        };
        let header = self
            .offer_header()
            .quoted("opaque", &waiting.opaque)
            .quoted("gssapi-data", &BASE64_STANDARD.encode(&waiting.message));
        if self.waiting.len() == MAX_CHALLENGES {
            self.waiting.pop_front();
        }
        self.waiting.push_back(waiting);
        header.to_string()
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("opaque", &self.opaque)
            .finish_non_exhaustive()
    }
}

pub(super) fn decode_token(text: &str) -> Result<Vec<u8>, MessageError> {
    // Base64 makes four characters of three bytes.
    if text.len() / 4 * 3 > MAX_MESSAGE {
        return Err(MessageError::TooLong);
    }
    BASE64_STANDARD.decode(text).map_err(|_| MessageError::Base64)
}

/// What a client claims and how it proves it; to be checked against the account's NT hash.
pub struct Proof {
    place: Place,
    waiting: Waiting,
    authenticate: Authenticate,
    token: Vec<u8>,
    authorization: AuthHeader,
    seed: Seed,
}

impl Proof {
    /// The user as typed: a login name, or a whole sign-in address when [`domain`](Self::domain) is empty.
    pub fn user(&self) -> &str {
        &self.authenticate.user
    }

    /// The domain as typed, possibly empty.
    pub fn domain(&self) -> &str {
        &self.authenticate.domain
    }

    /// Checks the proof against the hash of the account, and the signature of the REGISTER that brought it. Without
    /// an account the same work is done, so that time does not tell which accounts there are.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongPassword`] when the proof does not fit or there is no account; others when the message was
    /// tampered with.
    pub fn check(self, hash: Option<&NtHash>, fields: &SignedFields) -> Result<Association, Refusal> {
        let key = self.key_exchange_key(hash).ok_or(Refusal::WrongPassword)?;
        let mut exported: Key = Zeroizing::new(self.authenticate.encrypted_session_key);
        keys::rc4(&key, &mut *exported);
        if let Some(mic) = self.authenticate.mic {
            // There is no NEGOTIATE in a connectionless handshake (MS-NLMP section 3.1.5.1.2).
            let expected = keys::hmac_md5(
                &*exported,
                &[&self.waiting.message, &Authenticate::without_mic(&self.token)],
            );
            if !same(&mic, &expected) {
                return Err(Refusal::Tampered);
            }
        }
        let signed = self.authorization.get("response").is_some() || self.place.version >= Version::Four;
        let mut association = Association::new(self.place, Sender::Server, &exported, self.seed);
        if signed {
            association.verify(&self.authorization, fields)?;
        }
        Ok(association)
    }

    fn key_exchange_key(&self, hash: Option<&NtHash>) -> Option<Key> {
        let Authenticate {
            user,
            domain,
            proof,
            blob,
            ..
        } = &self.authenticate;
        let nobody = NtHash(Zeroizing::new([0; 16]));
        // The real client capitalises ASCII only, others capitalise all letters.
        let matching = [user.to_ascii_uppercase(), user.to_uppercase()]
            .into_iter()
            .find_map(|user| {
                let response_key = keys::response_key(hash.unwrap_or(&nobody), &user, domain);
                let expected = keys::proof(&response_key, &self.waiting.server_challenge, blob);
                same(proof, &expected).then(|| keys::key_exchange_key(&response_key, proof))
            });
        hash.and(matching)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("authenticate", &self.authenticate)
            .finish_non_exhaustive()
    }
}

/// Why credentials are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another scheme than NTLM.
    #[error("not ntlm")]
    Scheme,
    /// Made for another realm or target.
    #[error("credentials are for another realm or target")]
    Elsewhere,
    /// Another version than the one offered.
    #[error("another version than the one offered")]
    Version,
    /// No `gssapi-data`: a signature, not a handshake.
    #[error("no handshake message")]
    NoToken,
    /// Never made on this connection, answered already, or expired.
    #[error("unknown or expired challenge")]
    UnknownChallenge,
    /// The NTLM message cannot be used.
    #[error("unusable ntlm message")]
    Message(#[from] MessageError),
    /// No such account or not its password.
    #[error("wrong user or password")]
    WrongPassword,
    /// The handshake was changed on its way.
    #[error("handshake was tampered with")]
    Tampered,
    /// The signature of the REGISTER is missing or wrong.
    #[error("signature of the handshake is refused")]
    Signature(#[from] SignatureError),
}

impl Refusal {
    /// Whether it counts as a guess at a password.
    pub fn is_wrong_password(&self) -> bool {
        matches!(self, Self::WrongPassword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients of Windows add a MIC and say so among the pairs; the real client of these days does not.
    #[test]
    fn a_mic_that_is_announced_must_fit() {
        let hash = NtHash::from_password("Secret123");
        let check = |spoil: bool| {
            let settings = Settings::new("realm", "chat.example.com", "EXAMPLE").version(Version::Three);
            let (mut server, now) = (Server::new(settings, Seed::new([1; 32])), some_moment());
            server.challenge(now);
            let waiting = &server.waiting[0];

            let mut blob = vec![0; 28];
            blob[..2].copy_from_slice(&[1, 1]);
            push_pair(&mut blob, pair::FLAGS, &2u32.to_le_bytes());
            push_pair(&mut blob, pair::END, &[]);
            let response_key = keys::response_key(&hash, "ALICE", "");
            let proof = keys::proof(&response_key, &waiting.server_challenge, &blob);
            let exported: Key = Zeroizing::new([7; 16]);
            let mut encrypted_session_key = *exported;
            keys::rc4(
                &keys::key_exchange_key(&response_key, &proof),
                &mut encrypted_session_key,
            );
            let mut token = Authenticate {
                flags: flags::OFFERED,
                user: "alice".into(),
                domain: String::new(),
                workstation: String::new(),
                proof,
                blob,
                encrypted_session_key,
                mic: Some([0; 16]),
            }
            .encode();
            let mic = keys::hmac_md5(&*exported, &[&waiting.message, &token]);
            token[72..88].copy_from_slice(&mic);
            token[72] ^= u8::from(spoil);
            let header = AuthHeader::new(Scheme::Ntlm)
                .quoted("opaque", &waiting.opaque)
                .quoted("gssapi-data", &BASE64_STANDARD.encode(&token));
            match server.step(now, &header).unwrap() {
                Step::Check(proof) => proof.check(Some(&hash), &SignedFields::default()).map(|_| ()),
                Step::Challenge(_) => panic!("an answer is to be checked"),
            }
        };
        assert_eq!(check(false), Ok(()));
        assert_eq!(check(true), Err(Refusal::Tampered));
    }

    #[expect(clippy::disallowed_methods, reason = "some moment to start from")]
    fn some_moment() -> Instant {
        Instant::now()
    }
}
