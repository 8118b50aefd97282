//! CHALLENGE and AUTHENTICATE on the wire (MS-NLMP section 2.2.1), and the pairs of names inside of them.

use super::flags;
use crate::text::{from_utf16, utf16};
use std::fmt;

/// Longest NTLM message that is read: names of 256 characters in all places stay below 3 kB.
pub const MAX_MESSAGE: usize = 8 * 1024;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Fixed part of an AUTHENTICATE without version and MIC.
const AUTHENTICATE_HEAD: usize = 64;
/// Where the MIC stands when there is one.
const MIC: std::ops::Range<usize> = 72..88;
/// Fixed part of a CHALLENGE with its version.
const CHALLENGE_HEAD: usize = 56;
/// Proof, then the fixed part of the client's blob (section 2.2.2.7).
const RESPONSE_HEAD: usize = 16 + 28;
/// What the version field says: 6.1 build 7601, revision 15. The real client does not look at it.
const PRODUCT_VERSION: [u8; 8] = [6, 1, 0xb1, 0x1d, 0, 0, 0, 15];

/// Ids of the pairs (section 2.2.2.1).
pub(super) mod pair {
    pub(in crate::ntlm) const END: u16 = 0;
    pub(in crate::ntlm) const NETBIOS_COMPUTER: u16 = 1;
    pub(in crate::ntlm) const NETBIOS_DOMAIN: u16 = 2;
    pub(in crate::ntlm) const DNS_COMPUTER: u16 = 3;
    pub(in crate::ntlm) const DNS_DOMAIN: u16 = 4;
    pub(in crate::ntlm) const FLAGS: u16 = 6;
    pub(in crate::ntlm) const TIMESTAMP: u16 = 7;
}

/// Bit of [`pair::FLAGS`]: the AUTHENTICATE has a MIC.
const HAS_MIC: u32 = 2;

/// Why bytes are not the NTLM message that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The text is no base64.
    #[error("not base64")]
    Base64,
    /// Longer than [`MAX_MESSAGE`].
    #[error("longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// It ends inside of a field, or a field points outside.
    #[error("cut short")]
    Truncated,
    /// It does not begin as an NTLM message of the expected type does.
    #[error("not the expected kind of ntlm message")]
    Kind,
    /// A name is not UTF-16.
    #[error("a name is not utf-16")]
    Name,
    /// A flag that is needed is missing.
    #[error("flags {missing:#010x} are missing")]
    Flags {
        /// The missing ones.
        missing: u32,
    },
    /// No user name or no answer: an anonymous sign-in.
    #[error("anonymous")]
    Anonymous,
    /// An answer of NTLM version 1.
    #[error("not ntlm version 2")]
    NotVersion2,
    /// The encrypted session key has not 16 bytes.
    #[error("no session key")]
    SessionKey,
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) flags: u32,
    pub(super) server_challenge: [u8; 8],
    pub(super) target_name: String,
    /// Pairs with their end.
    pub(super) target_info: Vec<u8>,
}

impl Challenge {
    pub(super) fn encode(&self) -> Vec<u8> {
        let name = utf16(&self.target_name);
        let mut message = Vec::with_capacity(CHALLENGE_HEAD + name.len() + self.target_info.len());
        message.extend(SIGNATURE);
        message.extend(2u32.to_le_bytes());
        push_field(&mut message, name.len(), CHALLENGE_HEAD);
        message.extend(self.flags.to_le_bytes());
        message.extend(self.server_challenge);
        message.extend([0; 8]);
        push_field(&mut message, self.target_info.len(), CHALLENGE_HEAD + name.len());
        message.extend(PRODUCT_VERSION);
        message.extend(&*name);
        message.extend(&self.target_info);
        message
    }

    pub(super) fn decode(message: &[u8]) -> Result<Self, MessageError> {
        let reader = Reader::new(message, 2)?;
        Ok(Self {
            flags: reader.u32(20)?,
            server_challenge: reader.array(24)?,
            target_name: from_utf16(reader.field(12)?).ok_or(MessageError::Name)?,
            target_info: reader.field(40)?.to_vec(),
        })
    }
}

/// What the client answers.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Authenticate {
    pub(super) flags: u32,
    pub(super) user: String,
    pub(super) domain: String,
    pub(super) workstation: String,
    pub(super) proof: [u8; 16],
    pub(super) blob: Vec<u8>,
    pub(super) encrypted_session_key: [u8; 16],
    pub(super) mic: Option<[u8; 16]>,
}

impl Authenticate {
    pub(super) fn encode(&self) -> Vec<u8> {
        // A MIC needs the others' bytes: room is left for it, whoever knows the challenge fills it in.
        let room: &[u8] = if self.mic.is_some() { &[0; 16] } else { &[] };
        let head = AUTHENTICATE_HEAD + PRODUCT_VERSION.len() + room.len();
        let response = [&self.proof[..], &self.blob].concat();
        let (domain, user, workstation) = (utf16(&self.domain), utf16(&self.user), utf16(&self.workstation));
        // The LM answer is not looked at with NTLMv2; some readers want its 24 bytes.
        let lm_response = [0; 24];
        let parts: [&[u8]; 6] = [
            &lm_response,
            &response,
            &domain,
            &user,
            &workstation,
            &self.encrypted_session_key,
        ];
        let mut message = Vec::from(SIGNATURE);
        message.extend(3u32.to_le_bytes());
        let mut offset = head;
        for part in parts {
            push_field(&mut message, part.len(), offset);
            offset += part.len();
        }
        message.extend(self.flags.to_le_bytes());
        message.extend(PRODUCT_VERSION);
        message.extend(room);
        message.extend(parts.concat());
        message
    }

    pub(super) fn decode(message: &[u8]) -> Result<Self, MessageError> {
        let reader = Reader::new(message, 3)?;
        let flags = reader.u32(60)?;
        let missing = flags::REQUIRED & !flags;
        if missing != 0 {
            return Err(MessageError::Flags { missing });
        }
        let response = reader.field(20)?;
        let name = |at| from_utf16(reader.field(at)?).ok_or(MessageError::Name);
        let (domain, user, workstation) = (name(28)?, name(36)?, name(44)?);
        if user.is_empty() || response.is_empty() {
            return Err(MessageError::Anonymous);
        }
        // Type and highest type 1, RFC style: a version 1 answer has 24 bytes of cipher text here.
        if response.len() < RESPONSE_HEAD || response[16..18] != [1, 1] {
            return Err(MessageError::NotVersion2);
        }
        let (proof, blob) = response.split_at(16);
        let claims = find_pair(&blob[28..], pair::FLAGS).and_then(|value| value.first_chunk().copied());
        let has_mic = claims.is_some_and(|claims| u32::from_le_bytes(claims) & HAS_MIC != 0);
        Ok(Self {
            flags,
            user,
            domain,
            workstation,
            proof: proof.try_into().map_err(|_| MessageError::Truncated)?,
            blob: blob.to_vec(),
            encrypted_session_key: reader
                .field(52)?
                .try_into()
                .map_err(|_| MessageError::SessionKey)?,
            mic: if has_mic {
                Some(reader.array(MIC.start)?)
            } else {
                None
            },
        })
    }

    /// The message with nothing in the place of its MIC, as the MIC is computed.
    pub(super) fn without_mic(message: &[u8]) -> Vec<u8> {
        let mut message = message.to_vec();
        if let Some(mic) = message.get_mut(MIC) {
            mic.fill(0);
        }
        message
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate")
            .field("user", &self.user)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// Whether this is a NEGOTIATE, which some clients send where SIP asks for nothing.
pub(super) fn is_negotiate(message: &[u8]) -> bool {
    Reader::new(message, 1).is_ok()
}

pub(super) fn push_pair(info: &mut Vec<u8>, id: u16, value: &[u8]) {
    let Ok(length) = u16::try_from(value.len()) else {
        return;
    };
    info.extend(id.to_le_bytes());
    info.extend(length.to_le_bytes());
    info.extend(value);
}

/// The first pair of an id. What cannot be read ends the list.
pub(super) fn find_pair(mut info: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (id, rest) = info.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        match u16::from_le_bytes(*id) {
            id if id == wanted => return Some(value),
            pair::END => return None,
            _ => info = rest,
        }
    }
}

fn push_field(message: &mut Vec<u8>, length: usize, offset: usize) {
    // Our own names are bounded by the settings; a length that does not fit would be a field of nothing.
    let length = u16::try_from(length).unwrap_or(0).to_le_bytes();
    message.extend(length);
    message.extend(length);
    message.extend(u32::try_from(offset).unwrap_or(0).to_le_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(message: &'a [u8], kind: u32) -> Result<Self, MessageError> {
        if message.len() > MAX_MESSAGE {
            return Err(MessageError::TooLong);
        }
        let reader = Self(message);
        match reader.array::<8>(0)? == *SIGNATURE && reader.u32(8)? == kind {
            true => Ok(reader),
            false => Err(MessageError::Kind),
        }
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], MessageError> {
        let bytes = self.0.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or(MessageError::Truncated)
    }

    fn u32(&self, at: usize) -> Result<u32, MessageError> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// Length, room and offset, eight bytes, that point to the field's own bytes.
    fn field(&self, at: usize) -> Result<&'a [u8], MessageError> {
        let length = usize::from(u16::from_le_bytes(self.array(at)?));
        if length == 0 {
            return Ok(&[]);
        }
        let offset = usize::try_from(self.u32(at + 4)?).map_err(|_| MessageError::Truncated)?;
        let end = offset.checked_add(length).ok_or(MessageError::Truncated)?;
        self.0.get(offset..end).ok_or(MessageError::Truncated)
    }
}
