//! Feeds from web servers: conditional requests, bounded, kept away from private networks.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    RETRY_AFTER,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::Validators;
use super::address::is_private;
use super::error::FeedError;
use super::fetch::{MAX_BYTES, Raw};

/// A connection that takes longer will not bring a feed in time either.
const CONNECT: Duration = Duration::from_secs(10);

/// Chains of http -> https -> www -> new place have three or four.
const MAX_REDIRECTS: usize = 5;

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
    public: OnceLock<Result<Client, Arc<reqwest::Error>>>,
    all: OnceLock<Result<Client, Arc<reqwest::Error>>>,
}

/// A host that leads where it may not.
#[derive(Debug, thiserror::Error)]
#[error("{host} is in a private network")]
struct PrivateHost {
    host: String,
}

/// A redirect that is not followed.
#[derive(Debug, thiserror::Error)]
enum BadRedirect {
    #[error("more than {MAX_REDIRECTS} redirects")]
    Many,
    #[error("a redirect to a `{0}:` address")]
    Scheme(String),
}

impl Web {
    /// For slow servers 30 seconds are many, and few enough that a hundred of them do not hold up the others.
    pub(super) fn new(user_agent: &str) -> Self {
        Self {
            proxies: true,
            ..Self::direct(user_agent, Duration::from_secs(30), is_private)
        }
    }

    pub(super) fn direct(user_agent: &str, deadline: Duration, forbidden: Forbidden) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            deadline,
            forbidden,
            proxies: false,
            public: OnceLock::new(),
            all: OnceLock::new(),
        }
    }

    pub(super) async fn get(
        &self,
        url: &Url,
        validators: &Validators,
        allow_private: bool,
    ) -> Result<Raw, FeedError> {
        let client = self.client(allow_private)?;
        if !allow_private && let Some(PrivateHost { host }) = private_literal(url, self.forbidden) {
            return Err(FeedError::Private { host });
        }
        let request = client.get(url.clone()).headers(conditions(validators));
        let mut response = request.send().await.map_err(classify)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Raw::NotModified { retry_after });
        }
        if status != StatusCode::OK {
            return Err(FeedError::Status {
                status: status.as_u16(),
                retry_after,
            });
        }
        let validators = Validators {
            etag: validator(response.headers(), ETAG),
            last_modified: validator(response.headers(), LAST_MODIFIED),
        };
        let base = Some(response.url().to_string());
        let bytes = body(&mut response).await?;
        Ok(Raw::Changed {
            validators,
            bytes,
            base,
            retry_after,
        })
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
        // What is near is reached directly.
        if allow_private || !self.proxies {
            builder = builder.no_proxy();
        }
        if allow_private {
            return builder
                .redirect(Policy::custom(|attempt| follow(attempt, |_| false)))
                .build();
        }
        let forbidden = self.forbidden;
        builder
            .dns_resolver(Arc::new(PublicResolver {
                forbidden,
                proxies: if self.proxies { proxy_hosts() } else { Vec::new() },
            }))
            .redirect(Policy::custom(move |attempt| follow(attempt, forbidden)))
            .build()
    }
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

fn follow(attempt: Attempt<'_>, forbidden: Forbidden) -> reqwest::redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(BadRedirect::Many);
    }
    if !matches!(attempt.url().scheme(), "http" | "https") {
        let scheme = attempt.url().scheme().to_owned();
        return attempt.error(BadRedirect::Scheme(scheme));
    }
    match private_literal(attempt.url(), forbidden) {
        Some(private) => attempt.error(private),
        None => attempt.follow(),
    }
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

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    (date.to_utc() - Utc::now()).to_std().ok()
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

fn classify(error: reqwest::Error) -> FeedError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if let Some(PrivateHost { host }) = found.downcast_ref() {
            return FeedError::Private { host: host.clone() };
        }
        cause = found.source();
    }
    if error.is_timeout() {
        return FeedError::Late;
    }
    // Without its address: that stands in the configuration, and may hold a token.
    let error = error.without_url();
    if error.is_redirect() {
        FeedError::Redirects(error)
    } else if error.is_body() || error.is_decode() {
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
