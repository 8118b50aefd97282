//! The forms that values take in configuration files: text, numbers, durations, addresses, URIs.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use parlor_xccos::SipUri;
use toml::de::DeValue;

use super::document::Form;

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("is {} {}", article(value.type_str()), value.type_str()))
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}

impl Form for String {
    const ACCEPTED: &'static str = "text in quotes";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl Form for bool {
    const ACCEPTED: &'static str = "true or false";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("is {} {}", article(value.type_str()), value.type_str()))
    }
}

impl Form for u32 {
    const ACCEPTED: &'static str = "a whole number from 0 to 4294967295";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = value
            .as_integer()
            .ok_or_else(|| format!("is {} {}", article(value.type_str()), value.type_str()))?;
        Self::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_err(|_| format!("{} is out of range", number.as_str()))
    }
}

/// A TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port(pub(crate) u16);

impl Form for Port {
    const ACCEPTED: &'static str = "a port from 1 to 65535";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = u32::read(value)?;
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => Err(format!("{number} is not a port")),
        }
    }
}

impl<T: Form> Form for Vec<T> {
    const ACCEPTED: &'static str = T::ACCEPTED;

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let items = value
            .as_array()
            .ok_or_else(|| "is not a list; write [\"…\", \"…\"]".to_owned())?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| T::read(item.get_ref()).map_err(|why| format!("entry {}: {why}", index + 1)))
            .collect()
    }
}

impl Form for Duration {
    const ACCEPTED: &'static str = "a number with a unit: \"500ms\", \"30s\", \"5m\", \"2h\", \"1d\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        parse_duration(text(value)?)
    }
}

/// Reads `30s`, `5 m`, `2h`, `1d` or `500ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` does not start with a whole number"))?;
    let milliseconds_per_unit = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err(format!("`{text}` has no unit")),
        other => return Err(format!("`{other}` is not a unit of time")),
    };
    number
        .checked_mul(milliseconds_per_unit)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` is too long"))
}

impl Form for SipUri {
    const ACCEPTED: &'static str = "a SIP URI, \"sip:user@domain\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse().map_err(|error| format!("`{text}`: {error}"))
    }
}

/// How a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tls,
    Tcp,
}

/// `tls:127.0.0.1:5061` or `tcp:[::1]:5060`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

impl Form for Listen {
    const ACCEPTED: &'static str =
        "\"tls:ADDRESS:PORT\" or \"tcp:ADDRESS:PORT\", for example \"tls:0.0.0.0:5061\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let (transport, address) = text
            .split_once(':')
            .ok_or_else(|| format!("`{text}` has no transport"))?;
        let transport = match transport {
            "tls" => Transport::Tls,
            "tcp" => Transport::Tcp,
            other => return Err(format!("`{other}` is not a transport")),
        };
        let address = resolve(address).ok_or_else(|| format!("`{address}` is not an address with a port"))?;
        Ok(Self { transport, address })
    }
}

/// An address with a port, without a transport.
pub(super) struct Address(pub(super) SocketAddr);

impl Form for Address {
    const ACCEPTED: &'static str = "\"ADDRESS:PORT\", for example \"127.0.0.1:9464\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let address = resolve(text).ok_or_else(|| format!("`{text}` is not an address with a port"))?;
        Ok(Self(address))
    }
}

fn resolve(address: &str) -> Option<SocketAddr> {
    // `localhost` is the one name worth accepting for listeners; others belong to the resolver at run time.
    address.parse().ok().or_else(|| {
        let local = address.strip_prefix("localhost:")?;
        ("127.0.0.1", local.parse::<u16>().ok()?)
            .to_socket_addrs()
            .ok()?
            .next()
    })
}

/// A host name or address with a port, resolved when it is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::str::FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` has no port"))?;
        let port = port.parse().map_err(|_| format!("`{port}` is not a port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(format!("`{text}` has no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl Form for HostPort {
    const ACCEPTED: &'static str = "\"HOST:PORT\", for example \"pool.example.com:5061\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value)?.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("5 m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5"), Err("`5` has no unit".to_owned()));
        assert_eq!(parse_duration("5w"), Err("`w` is not a unit of time".to_owned()));
        assert_eq!(
            parse_duration("x"),
            Err("`x` does not start with a whole number".to_owned())
        );
        assert!(parse_duration("99999999999999999999d").is_err());
    }

    #[test]
    fn host_and_port_keep_ipv6_hosts_whole() {
        assert_eq!(
            "[::1]:5061".parse(),
            Ok(HostPort {
                host: "::1".to_owned(),
                port: 5061
            })
        );
        assert!("pool.example.com".parse::<HostPort>().is_err());
        assert!(":5061".parse::<HostPort>().is_err());
    }
}
