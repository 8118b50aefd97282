//! The server's side: nonces, offers, proofs.

use super::algorithm::{Algorithm, Covered};
use crate::header::{AuthHeader, Scheme};
use crate::replay::ReplayWindow;
use crate::seed::{Seed, Stream};
use crate::text::{same, unhex_u32};
use crate::verifier::{Verifier, VerifierKind};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a nonce is good: longer than a refresh of a registration takes to come (at most ten minutes).
pub const NONCE_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Nonces of one connection at a time; the oldest makes room. A client uses one.
pub const MAX_NONCES: usize = 8;

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    realm: String,
    md5: bool,
}

impl Settings {
    /// SHA-256 only. Verifiers are bound to the realm: another realm makes all of them useless.
    pub fn new(realm: &str) -> Self {
        Self {
            realm: realm.into(),
            md5: false,
        }
    }

    /// Whether MD5 is accepted too, with the broken `uri="(null)"` of the one client that needs it.
    #[must_use]
    pub fn md5(self, md5: bool) -> Self {
        Self { md5, ..self }
    }

    fn offers(&self, algorithm: Algorithm) -> bool {
        self.md5 || algorithm != Algorithm::Md5
    }
}

/// The nonces of one connection.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    random: Stream,
    nonces: VecDeque<Nonce>,
}

struct Nonce {
    text: String,
    expires: Instant,
    counts: ReplayWindow,
}

impl Server {
    /// A server for one connection.
    pub fn new(settings: Settings, seed: Seed) -> Self {
        Self {
            settings,
            random: Stream::new(seed),
            nonces: VecDeque::new(),
        }
    }

    /// Values of WWW-Authenticate or Proxy-Authenticate, one header line each, best first. Each call makes a nonce.
    pub fn offers(&mut self, now: Instant) -> Vec<String> {
        self.fresh_offers(now, false)
    }

    /// The same after a [stale](Refusal::is_stale) nonce: the client may try again without asking its user.
    pub fn stale_offers(&mut self, now: Instant) -> Vec<String> {
        self.fresh_offers(now, true)
    }

    fn fresh_offers(&mut self, now: Instant, stale: bool) -> Vec<String> {
        self.forget_expired(now);
        let nonce = self.random.token::<16>();
        let offers = [Algorithm::Sha256, Algorithm::Md5]
            .into_iter()
            .filter(|algorithm| self.settings.offers(*algorithm));
        let offers = offers.map(|algorithm| {
            let header = AuthHeader::new(Scheme::Digest)
                .quoted("realm", &self.settings.realm)
                .quoted("nonce", &nonce)
                .quoted("qop", "auth")
                .bare("algorithm", algorithm.as_str())
                .bare("charset", "UTF-8");
            let header = if stale {
                header.bare("stale", "true")
            } else {
                header
            };
            header.to_string()
        });
        let offers = offers.collect();
        if self.nonces.len() == MAX_NONCES {
            self.nonces.pop_front();
        }
        self.nonces.push_back(Nonce {
            text: nonce,
            expires: now + NONCE_LIFETIME,
            counts: ReplayWindow::default(),
        });
        offers
    }

    fn forget_expired(&mut self, now: Instant) {
        self.nonces.retain(|nonce| nonce.expires > now);
    }

    /// Takes the Authorization or Proxy-Authorization of a request. `request_uri` is that of the request line.
    ///
    /// # Errors
    ///
    /// When it cannot be used. A nonce count is used up by this call, whatever comes of it.
    pub fn step(
        &mut self,
        now: Instant,
        method: &str,
        request_uri: &str,
        authorization: &AuthHeader,
    ) -> Result<Proof, Refusal> {
        self.forget_expired(now);
        if authorization.scheme() != &Scheme::Digest {
            return Err(Refusal::Scheme);
        }
        let get = |name: &'static str| authorization.get(name).ok_or(Refusal::Missing { name });
        let algorithm = Algorithm::parse(authorization.get("algorithm"))
            .filter(|algorithm| self.settings.offers(*algorithm))
            .ok_or(Refusal::Algorithm)?;
        if get("realm")? != self.settings.realm {
            return Err(Refusal::Realm);
        }
        if !get("qop")?.eq_ignore_ascii_case("auth") {
            return Err(Refusal::Quality);
        }
        let uri = get("uri")?;
        // The real client writes a null pointer there; only where its algorithm is let in.
        if uri != request_uri && !(uri == "(null)" && algorithm == Algorithm::Md5) {
            return Err(Refusal::Uri);
        }
        let (username, nonce, nc) = (get("username")?, get("nonce")?, get("nc")?);
        let (cnonce, response) = (get("cnonce")?, get("response")?);
        if cnonce.is_empty() || username.is_empty() {
            return Err(Refusal::Missing {
                name: if cnonce.is_empty() { "cnonce" } else { "username" },
            });
        }
        let count = unhex_u32(nc).ok_or(Refusal::Count)?;
        let known = self
            .nonces
            .iter_mut()
            .find(|known| known.text == nonce)
            .ok_or(Refusal::UnknownNonce)?;
        if !known.counts.take(count) {
            return Err(Refusal::Replayed);
        }
        Ok(Proof {
            algorithm,
            method: method.into(),
            username: username.into(),
            uri: uri.into(),
            nonce: nonce.into(),
            nc: nc.into(),
            cnonce: cnonce.into(),
            response: response.into(),
        })
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonce")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What a client claims and how it proves it; to be checked against the account's verifier.
pub struct Proof {
    algorithm: Algorithm,
    method: String,
    username: String,
    uri: String,
    nonce: String,
    nc: String,
    cnonce: String,
    response: String,
}

impl Proof {
    /// The name as typed; the verifier must have been made with exactly this one.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Which verifier of the account is needed.
    pub fn kind(&self) -> VerifierKind {
        self.algorithm.verifier_kind()
    }

    /// Checks the proof. Without a verifier the same work is done, so that time does not tell which accounts there
    /// are. Returns the value of Authentication-Info, which proves to the client that the server knows the password
    /// too.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongPassword`] when it does not fit, or the verifier is none or of another kind.
    pub fn check(&self, verifier: Option<&Verifier>) -> Result<String, Refusal> {
        let verifier = verifier.filter(|verifier| verifier.kind() == self.kind());
        let ha1 = verifier.map_or(&[0; 32][..], Verifier::secret);
        let covered = Covered {
            nonce: &self.nonce,
            nc: &self.nc,
            cnonce: &self.cnonce,
            uri: &self.uri,
        };
        let expected = self.algorithm.response(ha1, &self.method, &covered);
        let fits = same(expected.as_bytes(), self.response.to_ascii_lowercase().as_bytes());
        if !fits || verifier.is_none() {
            return Err(Refusal::WrongPassword);
        }
        let info = AuthHeader::new(Scheme::Digest)
            .quoted("rspauth", &self.algorithm.response(ha1, "", &covered))
            .quoted("cnonce", &self.cnonce)
            .bare("nc", &self.nc)
            .bare("qop", "auth");
        Ok(info.parameters_only())
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("algorithm", &self.algorithm)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Why credentials are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another scheme than Digest.
    #[error("not digest")]
    Scheme,
    /// A parameter is missing or empty.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// An algorithm that was not offered.
    #[error("algorithm was not offered")]
    Algorithm,
    /// Made for another realm.
    #[error("credentials are for another realm")]
    Realm,
    /// Another qop than `auth`.
    #[error("qop is not auth")]
    Quality,
    /// Made for another request.
    #[error("uri is not that of the request")]
    Uri,
    /// `nc` is not eight hexadecimal digits.
    #[error("nonce count is not eight digits")]
    Count,
    /// Never made on this connection, or expired.
    #[error("unknown or expired nonce")]
    UnknownNonce,
    /// This count of the nonce was used before.
    #[error("nonce count was used before")]
    Replayed,
    /// No such account or not its password.
    #[error("wrong user or password")]
    WrongPassword,
}

impl Refusal {
    /// Whether it counts as a guess at a password.
    pub fn is_wrong_password(&self) -> bool {
        matches!(self, Self::WrongPassword)
    }

    /// Whether a new nonce would help.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::UnknownNonce | Self::Replayed)
    }
}
