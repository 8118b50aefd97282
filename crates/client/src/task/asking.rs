//! Requests outside of dialogs that the server may challenge: they are sent again with Digest credentials (RFC 7616)
//! when the account has a password, and a password that was refused is not tried again.

use parlor_auth::{AuthHeader, Seed, account_name, digest};
use parlor_sip::{
    ClientTransactionId, DialogId, Event, Method, Name, RequestDraft, Response, StatusCode, Target,
};

use crate::credentials::Credentials;
use crate::error::EstablishError;
use crate::task::line::{Line, refusal};

/// Challenges answered for one request: the first, and two whose nonce had run out meanwhile. A server that asks more
/// often would be asked for ever.
const MAX_CHALLENGES: u32 = 3;

/// A request under way, with what is needed to send it again.
#[derive(Debug)]
pub(crate) struct Asked {
    method: &'static str,
    target: Target,
    draft: RequestDraft,
    pub(crate) transaction: ClientTransactionId,
    /// The dialog that an INVITE opens.
    pub(crate) dialog: Option<DialogId>,
    challenges: u32,
    expected: Option<digest::Answer>,
}

/// What an answer to a request means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The final answer is still to come; the request may have been sent again.
    Waiting,
    /// A 2xx.
    Granted,
}

/// The one who answers challenges on one connection; nonces belong to it.
#[derive(Debug)]
pub(crate) struct Prover {
    name: String,
    digest: digest::Client,
}

impl Prover {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, EstablishError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| EstablishError::Randomness)?;
        Ok(Self {
            name: credentials.name().to_owned(),
            // The server keeps one hash, for one spelling.
            digest: digest::Client::new(
                &account_name(credentials.name()),
                credentials.password(),
                Seed::new(seed),
            ),
        })
    }
}

impl Line {
    /// Sends a request. One that proves who we are says so at once when the server's nonce is known.
    pub(crate) fn ask(&mut self, method: &'static str, target: Target, draft: RequestDraft) -> Asked {
        let again = match &mut self.prover {
            Some(prover) if *draft.method() == Method::REGISTER => {
                prover.digest.again(method, target.request_uri.as_str())
            }
            _ => None,
        };
        let sent = match &again {
            Some(answer) => draft.clone().header(Name::Authorization, answer.authorization()),
            None => draft.clone(),
        };
        let (transaction, dialog) = self.send(&target, sent);
        Asked {
            method,
            target,
            draft,
            transaction,
            dialog,
            challenges: 0,
            expected: again,
        }
    }

    /// Takes an answer to `asked`. A challenge is answered; a refusal is an error.
    pub(crate) fn hear(&mut self, asked: &mut Asked, response: &Response) -> Result<Heard, EstablishError> {
        if !response.status().is_final() {
            return Ok(Heard::Waiting);
        }
        let proxy = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        if (proxy || response.status() == StatusCode::UNAUTHORIZED) && self.prover.is_some() {
            self.answer_challenge(asked, response, proxy)?;
            return Ok(Heard::Waiting);
        }
        if let Some(refusal) = refusal(asked.method, response) {
            return Err(refusal.into());
        }
        let info = response.headers().get(Name::AuthenticationInfo);
        match (&asked.expected, info) {
            // Only who knows the password can say this; a server need not say it.
            (Some(expected), Some(info)) if !expected.is_confirmed_by(info) => {
                Err(EstablishError::ServerUnproved)
            }
            _ => Ok(Heard::Granted),
        }
    }

    fn answer_challenge(
        &mut self,
        asked: &mut Asked,
        response: &Response,
        proxy: bool,
    ) -> Result<(), EstablishError> {
        let Some(prover) = &mut self.prover else {
            return Ok(());
        };
        let (question, answer) = if proxy {
            (Name::ProxyAuthenticate, Name::ProxyAuthorization)
        } else {
            (Name::WwwAuthenticate, Name::Authorization)
        };
        let offers: Vec<_> = response
            .headers()
            .all(question)
            .filter_map(|offer| AuthHeader::parse(offer).ok())
            .collect();
        let stale = offers.iter().any(|offer| {
            offer
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
        });
        asked.challenges += 1;
        if (asked.expected.is_some() && !stale) || asked.challenges > MAX_CHALLENGES {
            return Err(EstablishError::WrongPassword {
                name: prover.name.clone(),
            });
        }
        let uri = asked.target.request_uri.as_str();
        let proof = prover
            .digest
            .answer(&offers, asked.method, uri)
            .map_err(|_| EstablishError::NoCommonScheme)?;
        let draft = asked.draft.clone().header(answer, proof.authorization());
        asked.expected = Some(proof);
        (asked.transaction, asked.dialog) = self.send(&asked.target, draft);
        Ok(())
    }

    fn send(&mut self, target: &Target, draft: RequestDraft) -> (ClientTransactionId, Option<DialogId>) {
        let now = self.connection.now();
        if *draft.method() == Method::INVITE {
            let (dialog, transaction) = self.connection.agent().invite(now, target, draft);
            (transaction, Some(dialog))
        } else {
            (self.connection.agent().request(now, target, draft), None)
        }
    }

    /// Waits for the final answer to one request and turns a refusal into an error.
    pub(crate) async fn success(&mut self, mut asked: Asked) -> Result<(Response, Asked), EstablishError> {
        loop {
            match self.event().await? {
                Event::Response {
                    transaction,
                    response,
                    ..
                } if transaction == asked.transaction => match self.hear(&mut asked, &response)? {
                    Heard::Granted => return Ok((response, asked)),
                    Heard::Waiting => {}
                },
                Event::TimedOut { transaction, .. } if transaction == asked.transaction => {
                    return Err(EstablishError::Deadline);
                }
                Event::Request {
                    transaction, request, ..
                } => self.refuse(transaction, &request),
                _ => {}
            }
        }
    }
}
