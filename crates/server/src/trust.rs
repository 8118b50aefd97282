//! Who a connection may speak as: trusted computers for their applications' users, everybody else for the users their
//! certificate names. Whether those users exist and may chat is left to the directory.

use std::net::IpAddr;
use std::sync::Arc;

use parlor_net::certificates::PeerIdentity;
use parlor_sip::Uri;
use parlor_xccos::SipUri;

use crate::config::{TrustedApplication, TrustedPool, UnprovedUsers};
use crate::diagnostics::Refused;

/// What the certificate and the address of a connection's peer prove.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pools: Vec<(Arc<TrustedPool>, Vec<String>)>,
    users: Vec<SipUri>,
    certified: bool,
    believed: bool,
}

impl Standing {
    /// Compares a peer with the configured pools.
    pub(crate) fn new(
        pools: &[Arc<TrustedPool>],
        identity: Option<&PeerIdentity>,
        peer: IpAddr,
        unproved: UnprovedUsers,
    ) -> Self {
        let believed = unproved == UnprovedUsers::InsecureBelievedOnLoopback && peer.is_loopback();
        let Some(identity) = identity else {
            return Self {
                pools: Vec::new(),
                users: Vec::new(),
                certified: false,
                believed,
            };
        };
        let names = names(identity);
        let pools = pools
            .iter()
            .filter_map(|pool| {
                let computers = computers_of(pool, &names);
                (!computers.is_empty()).then(|| (Arc::clone(pool), computers))
            })
            .collect();
        let users = identity
            .sip_uris
            .iter()
            .filter_map(|uri| uri.parse().ok())
            .collect();
        Self {
            pools,
            users,
            certified: true,
            believed,
        }
    }

    /// A password proved that the peer is this user.
    pub(crate) fn prove(&mut self, user: &SipUri) {
        if !self.users.contains(user) {
            self.users.push(user.clone());
        }
    }

    /// Whether the peer is a trusted computer: it is not throttled as a client is.
    pub(crate) fn is_trusted(&self) -> bool {
        !self.pools.is_empty()
    }

    /// Why somebody who is not believed is not.
    pub(crate) fn refusal(&self) -> Refused {
        if self.certified {
            Refused::NotInCertificate
        } else if !self.users.is_empty() {
            Refused::AnotherAccount
        } else {
            Refused::Unproved
        }
    }

    /// Whether a request of this peer may be from `user`. `contact` is the request's Contact, which a trusted
    /// computer must fill with its GRUU.
    pub(crate) fn may_speak_as(&self, user: &SipUri, contact: Option<&Uri>) -> Result<(), Refused> {
        if self.users.contains(user) || self.believed {
            return Ok(());
        }
        if self.pools.is_empty() {
            return Err(self.refusal());
        }
        let gruu = contact.and_then(Gruu::of).ok_or(Refused::NotAGruu)?;
        let mut reason = Refused::UnknownApplication;
        for (pool, computers) in &self.pools {
            for application in pool
                .applications
                .iter()
                .filter(|application| gruu.names(application))
            {
                if !gruu.belongs_to(computers, application) {
                    reason = Refused::ForeignGruu;
                } else if application.allowed_users.contains(user) {
                    return Ok(());
                } else {
                    reason = Refused::UserNotAllowed;
                }
            }
        }
        Err(reason)
    }
}

fn names(identity: &PeerIdentity) -> Vec<String> {
    identity
        .common_name
        .iter()
        .chain(&identity.dns_names)
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

/// Computers of `pool` that a certificate with `names` stands for. All computers of a pool share one certificate whose
/// subject is the pool (facts E6), so the pool's name stands for each of them.
fn computers_of(pool: &TrustedPool, names: &[String]) -> Vec<String> {
    let holds = |name: &str| names.iter().any(|held| held.eq_ignore_ascii_case(name));
    if pool.computers.is_empty() {
        return if holds(&pool.fqdn) {
            vec![pool.fqdn.to_ascii_lowercase()]
        } else {
            Vec::new()
        };
    }
    let whole_pool = holds(&pool.fqdn);
    pool.computers
        .iter()
        .filter(|computer| whole_pool || holds(computer))
        .map(|computer| computer.to_ascii_lowercase())
        .collect()
}

/// `sip:<computer>@<domain>;gruu;opaque=srvr:<application>:<id>`.
struct Gruu<'a> {
    uri: &'a Uri,
    computer: &'a str,
    application: &'a str,
}

impl<'a> Gruu<'a> {
    fn of(uri: &'a Uri) -> Option<Self> {
        let (kind, rest) = uri.opaque()?.split_once(':')?;
        let (application, _id) = rest.split_once(':')?;
        if !uri.is_gruu() || !kind.eq_ignore_ascii_case("srvr") {
            return None;
        }
        Some(Self {
            uri,
            computer: uri.user()?,
            application,
        })
    }

    fn names(&self, application: &TrustedApplication) -> bool {
        let name = application
            .id
            .strip_prefix("urn:application:")
            .unwrap_or(&application.id);
        name.eq_ignore_ascii_case(self.application)
    }

    fn belongs_to(&self, computers: &[String], application: &TrustedApplication) -> bool {
        computers
            .iter()
            .any(|computer| computer.eq_ignore_ascii_case(self.computer))
            && (application.gruus.is_empty() || application.gruus.iter().any(|gruu| self.is(gruu)))
    }

    fn is(&self, configured: &str) -> bool {
        configured.parse::<Uri>().is_ok_and(|configured| {
            configured.aor() == self.uri.aor() && configured.opaque() == self.uri.opaque()
        })
    }
}
