//! Passwords: the challenges of one connection, and what a proof that fits does to it.
//!
//! After NTLM a security association stands and the connection's messages are signed both ways, which is what plain TCP
//! needs. Digest proves the user once for the whole connection, as a client certificate does, and is offered over TLS
//! only. Kerberos would be a third offer here.

use std::net::IpAddr;
use std::sync::Arc;

use parlor_auth::ntlm::{self, Association};
use parlor_auth::{AuthHeader, Scheme, Seed, SignedFields, VerifierKind, account_name, digest};
use parlor_sip::{
    Guard, Message, Method, Name, Request, ResponseDraft, ServerTransactionId, SignedParts, StatusCode,
    Verdict,
};
use parlor_xccos::SipUri;

use super::Session;
use crate::accounts::{Accounts, Entry};
use crate::diagnostics::Refused;
use crate::service::Service;

/// What real servers call their realm; clients show it to nobody.
const NTLM_REALM: &str = "SIP Communications Service";

/// The schemes that a connection offers, and the account that was proved with one of them.
#[derive(Debug)]
pub(super) struct Authentication {
    ntlm: Option<ntlm::Server>,
    digest: Option<digest::Server>,
    peer: IpAddr,
    proved: Option<Proved>,
}

#[derive(Debug)]
struct Proved {
    account: Arc<Entry>,
    /// Messages are signed from now on.
    signed: bool,
}

/// What to do with a request.
#[derive(Debug)]
enum Outcome {
    /// Nothing more to prove; the answer may carry this Authentication-Info.
    Goes(Option<String>),
    Challenge(StatusCode, Vec<String>),
    Refuse(Refused),
    /// Too many wrong passwords; again in so many seconds.
    Wait(u64),
}

impl Authentication {
    /// `is_private` says that nobody can listen: what could be used to guess a password is not offered otherwise.
    pub(super) fn new(service: &Service, peer: IpAddr, is_private: bool) -> Self {
        let schemes = service.config.sign_in;
        let domain = &service.config.domain;
        let ntlm = schemes.ntlm.then(seed).flatten().map(|seed| {
            let settings = ntlm::Settings::new(NTLM_REALM, domain, &service.accounts.short_domain());
            ntlm::Server::new(settings, seed)
        });
        let digest = (schemes.digest && is_private)
            .then(seed)
            .flatten()
            .map(|seed| digest::Server::new(digest::Settings::new(domain), seed));
        Self {
            ntlm,
            digest,
            peer: peer.to_canonical(),
            proved: None,
        }
    }

    /// The account that was proved on this connection.
    pub(super) fn user(&self) -> Option<&SipUri> {
        self.proved.as_ref().map(|proved| &proved.account.user)
    }

    /// Whether the password is another one since then, or the account is gone.
    pub(super) fn is_outdated(&self, accounts: &Accounts) -> bool {
        self.proved.as_ref().is_some_and(|proved| {
            let current = accounts.of(&proved.account.user);
            !current.is_some_and(|current| Arc::ptr_eq(&current, &proved.account))
        })
    }

    fn is_signed(&self) -> bool {
        self.proved.as_ref().is_some_and(|proved| proved.signed)
    }
}

impl Session {
    /// Whether a REGISTER may be looked at; otherwise it is answered already. The line, if any, belongs into the 200.
    pub(super) fn admit_register(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
    ) -> Option<Option<String>> {
        let outcome = self.judge_register(request);
        self.act(transaction, outcome)
    }

    /// The same for any other request: it may bring Digest credentials, and is challenged when nothing else proves
    /// the sender. A client that knows NTLM registers first.
    pub(super) fn admit(&mut self, transaction: ServerTransactionId, request: &Request) -> bool {
        if self.authentication.proved.is_some() {
            return true;
        }
        let outcome = match credentials(request) {
            Some(header) if *header.scheme() == Scheme::Digest => self.judge_digest(request, &header),
            None if self.authentication.digest.is_some() && !self.is_proved(request) => self.challenge(false),
            _ => return true,
        };
        self.act(transaction, outcome).is_some()
    }

    fn act(&mut self, transaction: ServerTransactionId, outcome: Outcome) -> Option<Option<String>> {
        match outcome {
            Outcome::Goes(info) => return Some(info),
            Outcome::Refuse(refused) => self.refuse(transaction, refused),
            Outcome::Wait(seconds) => {
                let wait = Refused::TooManyWrongPasswords;
                self.service.counters.refusals.request(wait);
                let draft = ResponseDraft::new(StatusCode::SERVICE_UNAVAILABLE)
                    .header(Name::RetryAfter, seconds.to_string())
                    .header(Name::MsDiagnostics, wait.header(&self.service.config.domain));
                self.respond(transaction, draft);
            }
            Outcome::Challenge(status, offers) => {
                let draft = ResponseDraft::new(status);
                let draft = offers
                    .iter()
                    .fold(draft, |draft, offer| draft.header(Name::WwwAuthenticate, offer));
                self.respond(transaction, draft);
            }
        }
        None
    }

    fn judge_register(&mut self, request: &Request) -> Outcome {
        match credentials(request) {
            Some(header) if *header.scheme() == Scheme::Ntlm => {
                // Without a token it is a signature, and a wrong one did not come here.
                if header.get("gssapi-data").is_none() && self.authentication.is_signed() {
                    return Outcome::Goes(None);
                }
                self.judge_ntlm(request, &header)
            }
            Some(header) if *header.scheme() == Scheme::Digest => self.judge_digest(request, &header),
            _ if self.authentication.is_signed() || !self.is_proved(request) => {
                self.challenge(is_register(request))
            }
            _ => Outcome::Goes(None),
        }
    }

    /// Whether the certificate, the address, or an earlier Digest proves the sender.
    fn is_proved(&mut self, request: &Request) -> bool {
        !matches!(
            self.speaker(request),
            Err(Refused::Unproved | Refused::NotInCertificate)
        )
    }

    fn judge_ntlm(&mut self, request: &Request, header: &AuthHeader) -> Outcome {
        let now = self.connection.now();
        let Some(server) = &mut self.authentication.ntlm else {
            return self.challenge(is_register(request));
        };
        let proof = match server.step(now, header) {
            Ok(ntlm::Step::Challenge(challenge)) => {
                return Outcome::Challenge(StatusCode::UNAUTHORIZED, vec![challenge]);
            }
            Ok(ntlm::Step::Check(proof)) => proof,
            Err(refusal) => {
                tracing::info!(%refusal, peer = %self.authentication.peer, "NTLM credentials refused");
                return self.challenge(is_register(request));
            }
        };
        let entry = self.service.accounts.find(proof.user(), proof.domain());
        let name = entry
            .as_ref()
            .map_or_else(|| proof.user().to_owned(), |entry| entry.name.clone());
        if let Some(wait) = self.throttled(&name) {
            return wait;
        }
        let hash = entry
            .as_ref()
            .and_then(|entry| entry.verifier(VerifierKind::NtHash)?.as_nt_hash());
        match (
            proof.check(hash.as_ref(), &fields(&SignedParts::of_request(request))),
            entry,
        ) {
            (Ok(association), Some(entry)) => self.prove(&entry, Some(association)),
            (Ok(_), None) => self.wrong_password(request, &name),
            (Err(refusal), _) if refusal.is_wrong_password() => self.wrong_password(request, &name),
            (Err(refusal), _) => {
                tracing::info!(%refusal, peer = %self.authentication.peer, "NTLM credentials refused");
                self.challenge(is_register(request))
            }
        }
    }

    fn judge_digest(&mut self, request: &Request, header: &AuthHeader) -> Outcome {
        let now = self.connection.now();
        let Some(server) = &mut self.authentication.digest else {
            return self.challenge(is_register(request));
        };
        let proof = match server.step(now, request.method().as_str(), request.uri_text(), header) {
            Ok(proof) => proof,
            Err(refusal) if refusal.is_stale() => {
                return Outcome::Challenge(StatusCode::UNAUTHORIZED, server.stale_offers(now));
            }
            Err(refusal) => {
                tracing::info!(%refusal, peer = %self.authentication.peer, "Digest credentials refused");
                return self.challenge(is_register(request));
            }
        };
        let entry = self.service.accounts.find(proof.username(), "");
        let name = entry
            .as_ref()
            .map_or_else(|| account_name(proof.username()), |entry| entry.name.clone());
        if let Some(wait) = self.throttled(&name) {
            return wait;
        }
        let verifier = entry.as_ref().and_then(|entry| entry.verifier(proof.kind()));
        match (proof.check(verifier), &entry) {
            (Ok(info), Some(entry)) => match self.prove(entry, None) {
                Outcome::Goes(_) => Outcome::Goes(Some(info)),
                other => other,
            },
            _ => {
                if proof.username() != name {
                    tracing::info!(
                        typed = proof.username(),
                        account = name,
                        "Digest can only be checked for the name as it is stored"
                    );
                }
                self.wrong_password(request, &name)
            }
        }
    }

    /// The password was right. A connection is one account's: what was done on it stays that account's.
    fn prove(&mut self, entry: &Arc<Entry>, association: Option<Association>) -> Outcome {
        self.service.throttle.right(&entry.name);
        if self.authentication.user().is_some_and(|user| *user != entry.user) {
            return Outcome::Refuse(Refused::AnotherAccount);
        }
        tracing::info!(user = %entry.user, account = %entry.name, signed = association.is_some(), "password accepted");
        self.standing.prove(&entry.user);
        self.authentication.proved = Some(Proved {
            account: Arc::clone(entry),
            signed: association.is_some() || self.authentication.is_signed(),
        });
        if let Some(association) = association {
            self.connection.agent().secure(Box::new(Signed(association)));
        }
        Outcome::Goes(None)
    }

    fn throttled(&self, account: &str) -> Option<Outcome> {
        let wait = self
            .service
            .throttle
            .wait(self.connection.now(), account, self.authentication.peer)?;
        tracing::warn!(account, peer = %self.authentication.peer, ?wait, "too many wrong passwords");
        Some(Outcome::Wait(wait.as_secs() + 1))
    }

    fn wrong_password(&mut self, request: &Request, account: &str) -> Outcome {
        tracing::warn!(account, peer = %self.authentication.peer, "wrong password");
        self.service
            .throttle
            .wrong(self.connection.now(), account, self.authentication.peer);
        self.challenge(is_register(request))
    }

    /// NTLM is offered to a REGISTER only: to a 401 for another request its client answers with the same request, for
    /// ever (real-client 1.2). Every offer on a line of its own, the one that is safest first. Without any account there is nothing to offer,
    /// and the reason is said instead.
    fn challenge(&mut self, with_ntlm: bool) -> Outcome {
        let now = self.connection.now();
        let Authentication { ntlm, digest, .. } = &mut self.authentication;
        let mut offers = Vec::new();
        if !self.service.accounts.is_empty() {
            offers.extend(digest.iter_mut().flat_map(|digest| digest.offers(now)));
            let ntlm = ntlm.iter().filter(|_| with_ntlm);
            offers.extend(ntlm.map(ntlm::Server::offer));
        }
        if offers.is_empty() {
            Outcome::Refuse(self.standing.refusal())
        } else {
            Outcome::Challenge(StatusCode::UNAUTHORIZED, offers)
        }
    }
}

fn is_register(request: &Request) -> bool {
    *request.method() == Method::REGISTER
}

/// The credentials of a request. What cannot be read counts as none.
fn credentials(request: &Request) -> Option<AuthHeader> {
    AuthHeader::parse(request.headers().get(Name::Authorization)?).ok()
}

fn seed() -> Option<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(Seed::new(bytes))
}

/// A security association at work.
#[derive(Debug)]
struct Signed(Association);

impl Guard for Signed {
    fn sign(&mut self, parts: &SignedParts<'_>) -> String {
        self.0.sign(&fields(parts))
    }

    fn check(&mut self, message: &Message, parts: &SignedParts<'_>) -> Verdict {
        let header = message
            .headers()
            .get(Name::Authorization)
            .and_then(|value| AuthHeader::parse(value).ok());
        // A client that signs in again begins without a signature; the answer is a challenge, so it proves itself.
        if let Message::Request(request) = message
            && *request.method() == Method::REGISTER
            && header
                .as_ref()
                .is_none_or(|header| header.get("gssapi-data").is_some())
        {
            return Verdict::Pass;
        }
        let Some(header) = header else {
            tracing::warn!("a message without a signature was refused");
            return Verdict::Refuse;
        };
        match self.0.verify(&header, &fields(parts)) {
            Ok(()) => Verdict::Pass,
            Err(error) => {
                tracing::warn!(%error, "a message with a wrong signature was refused");
                Verdict::Refuse
            }
        }
    }
}

fn fields(parts: &SignedParts<'_>) -> SignedFields {
    SignedFields {
        call_id: parts.call_id.to_owned(),
        cseq: parts.cseq,
        method: parts.method.to_owned(),
        from_uri: parts.from_uri.to_owned(),
        from_tag: parts.from_tag.to_owned(),
        to_uri: parts.to_uri.to_owned(),
        to_tag: parts.to_tag.to_owned(),
        pai_sip: parts.asserted_sip.to_owned(),
        pai_tel: parts.asserted_tel.to_owned(),
        expires: parts.expires.to_owned(),
        status: parts.status,
    }
}
