//! Feeds from web servers: conditional requests, bounded, kept away from private networks.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::address::is_private;
use super::error::{BadRedirect, FeedError};
use super::fetch::{Advice, MAX_BYTES, Raw};
use super::roots::Roots;
use super::{Validators, caching};

/// A connection that takes longer will not bring a feed in time either.
const CONNECT: Duration = Duration::from_secs(10);

/// Chains of http -> https -> www -> new place have three or four.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Longer validators are not stored, in bytes; the next look is unconditional then.
const MAX_VALIDATOR: usize = 1024;

const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

/// Says whether an address is off limits; tests draw the line elsewhere.
pub(super) type Forbidden = fn(IpAddr) -> bool;

/// The two HTTP clients: one that reaches public addresses only, and one that reaches all. Made at first use, so that a
/// machine without certificates can still read files.
#[derive(Debug)]
pub(super) struct Web {
    user_agent: String,
    deadline: Duration,
    forbidden: Forbidden,
    /// Whether the environment's proxies are used for public addresses.
    proxies: bool,
    roots: Roots,
    public: OnceLock<Result<Client, Arc<reqwest::Error>>>,
    all: OnceLock<Result<Client, Arc<reqwest::Error>>>,
}

/// A host that leads where it may not.
#[derive(Debug, thiserror::Error)]
#[error("{host} is in a private network")]
struct PrivateHost {
    host: String,
}

impl Web {
    /// For slow servers 30 seconds are many, and few enough that a hundred of them do not hold up the others.
    pub(super) fn new(user_agent: &str, roots: &Roots) -> Self {
        Self {
            proxies: true,
            roots: roots.clone(),
            ..Self::direct(user_agent, Duration::from_secs(30), is_private)
        }
    }

    pub(super) fn direct(user_agent: &str, deadline: Duration, forbidden: Forbidden) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            deadline,
            forbidden,
            proxies: false,
            roots: Roots::default(),
            public: OnceLock::new(),
            all: OnceLock::new(),
        }
    }

    /// The same, believing these authorities as well.
    #[cfg(test)]
    pub(super) fn trusting(self, roots: Roots) -> Self {
        Self { roots, ..self }
    }

    /// Asks for `url`, within the deadline for all of the answer and the redirects before it.
    pub(super) async fn get(
        &self,
        url: &Url,
        validators: &Validators,
        allow_private: bool,
    ) -> Result<Raw, FeedError> {
        let answer = self.follow(url, validators, allow_private);
        tokio::time::timeout(self.deadline, answer)
            .await
            .unwrap_or(Err(FeedError::Late))
    }

    async fn follow(
        &self,
        url: &Url,
        validators: &Validators,
        allow_private: bool,
    ) -> Result<Raw, FeedError> {
        let client = self.client(allow_private)?;
        let mut path = Path::new(url);
        loop {
            if !allow_private && let Some(PrivateHost { host }) = private_literal(&path.at, self.forbidden) {
                return Err(FeedError::Private { host });
            }
            let request = client.get(path.at.clone()).headers(conditions(validators));
            let response = request.send().await.map_err(classify)?;
            match response.status() {
                StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT => {
                    path.turn(&response, true)?
                }
                StatusCode::FOUND | StatusCode::SEE_OTHER | StatusCode::TEMPORARY_REDIRECT => {
                    path.turn(&response, false)?;
                }
                _ => return answered(response, path.moved_to).await,
            }
        }
    }

    fn client(&self, allow_private: bool) -> Result<&Client, FeedError> {
        let client = if allow_private { &self.all } else { &self.public };
        let made = client.get_or_init(|| self.make(allow_private).map_err(Arc::new));
        made.as_ref()
            .map_err(|problem| FeedError::Client(Arc::clone(problem)))
    }

    fn make(&self, allow_private: bool) -> Result<Client, reqwest::Error> {
        // reqwest takes the process's provider; that another crate has already set one is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(CONNECT.min(self.deadline))
            .timeout(self.deadline);
        builder = builder
            .redirect(Policy::none())
            .tls_certs_merge(self.roots.certificates.iter().cloned());
        // What is near is reached directly.
        if allow_private || !self.proxies {
            builder = builder.no_proxy();
        }
        if !allow_private {
            builder = builder.dns_resolver(Arc::new(PublicResolver {
                forbidden: self.forbidden,
                proxies: if self.proxies { proxy_hosts() } else { Vec::new() },
            }));
        }
        builder.build()
    }
}

/// The way through redirects.
struct Path {
    at: Url,
    turns: usize,
    /// Where permanent redirects alone have led.
    moved_to: Option<Url>,
    for_good: bool,
}

impl Path {
    fn new(url: &Url) -> Self {
        Self {
            at: url.clone(),
            turns: 0,
            moved_to: None,
            for_good: true,
        }
    }

    fn turn(&mut self, response: &Response, permanent: bool) -> Result<(), BadRedirect> {
        self.turns += 1;
        if self.turns > MAX_REDIRECTS {
            return Err(BadRedirect::Many);
        }
        let place = response
            .headers()
            .get(LOCATION)
            .and_then(|place| place.to_str().ok());
        let mut next = place
            .and_then(|place| self.at.join(place).ok())
            .ok_or(BadRedirect::Place)?;
        if !matches!(next.scheme(), "http" | "https") {
            return Err(BadRedirect::Scheme(next.scheme().to_owned()));
        }
        next.set_fragment(None);
        // From https to http anybody on the way may have sent us: followed, but not for good.
        self.for_good &= permanent && (self.at.scheme() == next.scheme() || next.scheme() == "https");
        // An address with a password in it is not kept.
        self.for_good &= next.username().is_empty() && next.password().is_none();
        self.at = next;
        if self.for_good {
            self.moved_to = Some(self.at.clone());
        }
        Ok(())
    }
}

/// What the last server on the way says.
async fn answered(mut response: Response, moved_to: Option<Url>) -> Result<Raw, FeedError> {
    let headers = response.headers();
    let advice = Advice {
        retry_after: caching::retry_after(headers, Utc::now()),
        fresh_for: caching::fresh_for(headers),
        moved_to,
    };
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(Raw::NotModified { advice }),
        StatusCode::GONE => return Err(FeedError::Gone),
        status => {
            return Err(FeedError::Status {
                status: status.as_u16(),
                retry_after: advice.retry_after,
            });
        }
    }
    let validators = Validators {
        etag: validator(headers, ETAG),
        last_modified: validator(headers, LAST_MODIFIED),
    };
    let charset = charset(headers);
    let base = Some(response.url().to_string());
    let bytes = body(&mut response).await?;
    Ok(Raw::Changed {
        validators,
        bytes,
        base,
        charset,
        advice,
    })
}

/// Resolves names to addresses that may be reached. The connection is made to one of these addresses, so that a name
/// cannot lead elsewhere a moment later.
struct PublicResolver {
    forbidden: Forbidden,
    /// Names of the environment's proxies, which commonly are in private networks.
    proxies: Vec<String>,
}

impl reqwest::dns::Resolve for PublicResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let is_proxy = self
            .proxies
            .iter()
            .any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        let forbidden = if is_proxy { |_| false } else { self.forbidden };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let none = found.is_empty();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| !forbidden(address.ip()))
                .collect();
            if allowed.is_empty() && !none {
                return Err(PrivateHost {
                    host: name.as_str().to_owned(),
                }
                .into());
            }
            Ok(Box::new(allowed.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

/// The hosts of `HTTPS_PROXY` and its like, which reqwest reads as well.
fn proxy_hosts() -> Vec<String> {
    [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ]
    .iter()
    .filter_map(|name| std::env::var(name).ok())
    .filter_map(|value| proxy_host(&value))
    .collect()
}

/// The host of a proxy's address, which may lack its scheme.
fn proxy_host(address: &str) -> Option<String> {
    let address = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    Some(Url::parse(&address).ok()?.host_str()?.to_owned())
}

/// The host of `url` when it is an address and forbidden. Names are looked at when they are resolved.
fn private_literal(url: &Url, forbidden: Forbidden) -> Option<PrivateHost> {
    let address: IpAddr = match url.host()? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(_) => return None,
    };
    forbidden(address).then(|| PrivateHost {
        host: address.to_string(),
    })
}

fn conditions(validators: &Validators) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]);
    for (name, value) in [
        (IF_NONE_MATCH, &validators.etag),
        (IF_MODIFIED_SINCE, &validators.last_modified),
    ] {
        if let Some(value) = value
            .as_deref()
            .and_then(|value| HeaderValue::from_str(value).ok())
        {
            headers.insert(name, value);
        }
    }
    headers
}

fn validator(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_VALIDATOR && !value.is_empty()).then(|| value.to_owned())
}

/// The `charset` of `Content-Type`.
fn charset(headers: &HeaderMap) -> Option<String> {
    let content = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let parameter = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim_matches([' ', '"', '\'']).to_owned())
    };
    content.split(';').skip(1).find_map(parameter)
}

async fn body(response: &mut Response) -> Result<Vec<u8>, FeedError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(FeedError::Large);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The error of TLS that an I/O error was made of, however often it was wrapped: `source` of an I/O error leaves out what
/// it was made of.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let found = error.downcast_ref();
    found.or_else(|| tls_error(error.downcast_ref::<io::Error>()?.get_ref()?))
}

fn classify(error: reqwest::Error) -> FeedError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if let Some(PrivateHost { host }) = found.downcast_ref() {
            return FeedError::Private { host: host.clone() };
        }
        if let Some(tls) = tls_error(found) {
            return FeedError::Insecure(tls.clone());
        }
        cause = found.source();
    }
    if error.is_timeout() {
        return FeedError::Late;
    }
    // Without its address: that stands in the configuration, and may hold a token.
    let error = error.without_url();
    if error.is_body() || error.is_decode() {
        FeedError::Broken(error)
    } else {
        FeedError::Unreachable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_known_by_their_hosts() {
        for (address, host) in [
            ("http://proxy.corp.example:3128/", Some("proxy.corp.example")),
            ("proxy.corp.example:3128", Some("proxy.corp.example")),
            ("socks5://me:secret@10.0.0.1:1080", Some("10.0.0.1")),
            ("", None),
        ] {
            assert_eq!(proxy_host(address).as_deref(), host, "{address}");
        }
    }
}
