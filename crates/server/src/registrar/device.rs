//! What tells one endpoint of a user from the others: the epid that Microsoft clients put into every From, the
//! `+sip.instance` of their Contact (RFC 5626), or nothing but the connection.

use parlor_sip::{NameAddr, Request, Uri};

/// The longest epid ([MS-SIPRE] 2.2.1 has 16) or instance; `"<urn:uuid:…>"` has 49.
const MAX_NAME: usize = 96;

/// The names an endpoint gives itself. They stay the same when it comes back over another connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Device {
    epid: Option<String>,
    instance: Option<String>,
}

/// A name that would not survive in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("epid and +sip.instance have at most {MAX_NAME} letters, digits and any of - . _ : < >")]
pub(crate) struct DeviceError;

impl Device {
    /// The endpoint that sent a REGISTER.
    pub(crate) fn of(request: &Request, contact: Option<&NameAddr>) -> Result<Self, DeviceError> {
        let from = request.from().ok();
        let epid = from.as_ref().and_then(NameAddr::epid);
        let instance = contact.and_then(|contact| contact.params.get("+sip.instance"));
        Self::new(epid, instance)
    }

    pub(super) fn new(epid: Option<&str>, instance: Option<&str>) -> Result<Self, DeviceError> {
        let name = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
            Some(text) if !is_plain(text) => Err(DeviceError),
            // Names are compared without case, as UUIDs are (RFC 4122 section 3).
            text => Ok(text.map(str::to_ascii_lowercase)),
        };
        Ok(Self {
            epid: name(epid)?,
            instance: name(instance)?,
        })
    }

    /// Whether both are the same endpoint by name. Endpoints without names are told apart by their connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        same(&self.epid, &other.epid) || same(&self.instance, &other.instance)
    }

    pub(super) fn has_name(&self) -> bool {
        self.epid.is_some() || self.instance.is_some()
    }

    /// `opaque` of the GRUU: `user:epid:…` as real servers write it (protocol E1), for other clients the instance.
    pub(crate) fn opaque(&self) -> Option<String> {
        if let Some(epid) = &self.epid {
            return Some(format!("user:epid:{epid}"));
        }
        let instance = self.instance.as_deref()?;
        Some(format!("user:instance:{}", instance.trim_matches(['<', '>'])))
    }

    /// Whether a GRUU leads to this endpoint.
    pub(crate) fn has_gruu(&self, gruu: &Uri) -> bool {
        let opaque = gruu.opaque().map(str::to_ascii_lowercase);
        opaque.is_some() && opaque == self.opaque()
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:<>".contains(&byte);
    text.len() <= MAX_NAME && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(epid: Option<&str>, instance: Option<&str>) -> Device {
        Device::new(epid, instance).unwrap()
    }

    #[test]
    fn an_endpoint_is_known_by_either_name() {
        let desk = device(Some("AB12"), Some("<urn:uuid:1>"));
        assert!(desk.is(&device(Some("ab12"), None)));
        assert!(desk.is(&device(None, Some("<URN:UUID:1>"))));
        assert!(!desk.is(&device(Some("cd34"), None)));
        assert!(!device(None, None).is(&device(None, None)));
    }

    #[test]
    fn a_gruu_leads_to_its_endpoint_only() {
        let gruu = |text: &str| text.parse::<Uri>().unwrap();
        let desk = device(Some("ab12"), None);
        assert!(desk.has_gruu(&gruu("sip:alice@example.com;opaque=user:epid:AB12;gruu")));
        assert!(!desk.has_gruu(&gruu("sip:alice@example.com;opaque=user:epid:cd34;gruu")));
        assert!(!device(None, None).has_gruu(&gruu("sip:alice@example.com;gruu")));
        let phone = device(None, Some("<urn:uuid:1>"));
        assert_eq!(phone.opaque().as_deref(), Some("user:instance:urn:uuid:1"));
    }

    #[test]
    fn odd_names_are_refused() {
        let long = "a".repeat(MAX_NAME + 1);
        for name in ["a;b", "a b", "ä", "a\"", long.as_str()] {
            assert_eq!(Device::new(Some(name), None), Err(DeviceError), "{name}");
            assert_eq!(Device::new(None, Some(name)), Err(DeviceError), "{name}");
        }
        assert_eq!(Device::new(Some(""), None), Ok(Device::default()));
    }
}
