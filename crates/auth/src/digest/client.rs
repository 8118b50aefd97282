//! The client's side: one password, the best offer, counted uses of its nonce.

use super::algorithm::{Algorithm, Covered};
use crate::header::{AuthHeader, Scheme};
use crate::seed::{Seed, Stream};
use crate::text::same;
use std::fmt;
use zeroize::Zeroizing;

/// Answers a server's offers for one user.
pub struct Client {
    username: String,
    password: Zeroizing<String>,
    md5: bool,
    random: Stream,
    session: Option<Session>,
}

struct Session {
    algorithm: Algorithm,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    ha1: Zeroizing<Vec<u8>>,
    count: u32,
}

impl Client {
    /// A client that answers offers of SHA-256.
    pub fn new(username: &str, password: &str, seed: Seed) -> Self {
        Self {
            username: username.into(),
            password: Zeroizing::new(password.into()),
            md5: false,
            random: Stream::new(seed),
            session: None,
        }
    }

    /// Whether an offer of MD5 is answered when there is no better one.
    #[must_use]
    pub fn md5(self, md5: bool) -> Self {
        Self { md5, ..self }
    }

    /// Answers a 401 or 407 for a request that is sent again.
    ///
    /// # Errors
    ///
    /// When no offer can be answered.
    pub fn answer(&mut self, offers: &[AuthHeader], method: &str, uri: &str) -> Result<Answer, ClientError> {
        let usable = offers
            .iter()
            .filter_map(|offer| Some((self.usable(offer)?, offer)));
        let (algorithm, offer) = usable
            .max_by_key(|(algorithm, _)| *algorithm)
            .ok_or(ClientError::NoOffer)?;
        let text = |name: &str| offer.get(name).unwrap_or_default().to_owned();
        let realm = text("realm");
        let session = Session {
            algorithm,
            ha1: algorithm.ha1(&self.username, &realm, &self.password),
            realm,
            nonce: text("nonce"),
            opaque: offer.get("opaque").map(str::to_owned),
            count: 0,
        };
        Ok(self.use_session(session, method, uri))
    }

    /// Credentials for a further request under the nonce of the last answer; none before there was one.
    pub fn again(&mut self, method: &str, uri: &str) -> Option<Answer> {
        let session = self.session.take().filter(|session| session.count < u32::MAX)?;
        Some(self.use_session(session, method, uri))
    }

    fn usable(&self, offer: &AuthHeader) -> Option<Algorithm> {
        let auth = |qop: &str| {
            qop.split(',')
                .any(|quality| quality.trim().eq_ignore_ascii_case("auth"))
        };
        let named = offer.scheme() == &Scheme::Digest && offer.get("nonce").is_some();
        let algorithm = Algorithm::parse(offer.get("algorithm"))?;
        let allowed = self.md5 || algorithm != Algorithm::Md5;
        (named && allowed && offer.get("qop").is_some_and(auth)).then_some(algorithm)
    }

    fn use_session(&mut self, mut session: Session, method: &str, uri: &str) -> Answer {
        session.count += 1;
        let (nc, cnonce) = (format!("{:08x}", session.count), self.random.token::<16>());
        let covered = Covered {
            nonce: &session.nonce,
            nc: &nc,
            cnonce: &cnonce,
            uri,
        };
        let header = AuthHeader::new(Scheme::Digest)
            .quoted("username", &self.username)
            .quoted("realm", &session.realm)
            .quoted("nonce", &session.nonce)
            .quoted("uri", uri)
            .quoted(
                "response",
                &session.algorithm.response(&session.ha1, method, &covered),
            )
            .bare("algorithm", session.algorithm.as_str())
            .quoted("cnonce", &cnonce)
            .bare("qop", "auth")
            .bare("nc", &nc);
        let header = match &session.opaque {
            Some(opaque) => header.quoted("opaque", opaque),
            None => header,
        };
        let answer = Answer {
            authorization: header.to_string(),
            expected: session.algorithm.response(&session.ha1, "", &covered),
        };
        self.session = Some(session);
        answer
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Credentials for one request, and what a server that knows the password will say to them.
pub struct Answer {
    authorization: String,
    expected: String,
}

impl Answer {
    /// The value of Authorization or Proxy-Authorization.
    pub fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Whether this value of Authentication-Info proves that the server knows the password too.
    pub fn is_confirmed_by(&self, info: &str) -> bool {
        let Ok(info) = AuthHeader::parse_info(info) else {
            return false;
        };
        info.get("rspauth")
            .is_some_and(|said| same(said.as_bytes(), self.expected.as_bytes()))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(..)")
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Neither SHA-256 nor, where allowed, MD5 with qop=auth.
    #[error("server offers no digest that can be answered")]
    NoOffer,
}
