//! The parts of a SIP message that an NTLM signature covers, as plain strings.

/// What [`Association`](crate::ntlm::Association) signs of one message. An absent part is an empty string.
///
/// URIs are the text between `<` and `>`, tags the value of `;tag=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedFields {
    /// `Call-ID`.
    pub call_id: String,
    /// Number of `CSeq`.
    pub cseq: u32,
    /// Method of `CSeq`.
    pub method: String,
    /// URI of `From`.
    pub from_uri: String,
    /// Tag of `From`.
    pub from_tag: String,
    /// URI of `To`.
    pub to_uri: String,
    /// Tag of `To`; empty in the first request.
    pub to_tag: String,
    /// `sip:` URI of `P-Asserted-Identity` or `P-Preferred-Identity`.
    pub pai_sip: String,
    /// `tel:` URI of the same.
    pub pai_tel: String,
    /// Value of `Expires`.
    pub expires: String,
    /// Status code, of responses only.
    pub status: Option<u16>,
}

impl SignedFields {
    /// Whether a part holds one of the marks between parts, so that two messages could have one signature.
    pub(crate) fn is_ambiguous(&self) -> bool {
        [
            &self.call_id,
            &self.method,
            &self.from_uri,
            &self.from_tag,
            &self.to_uri,
            &self.to_tag,
            &self.pai_sip,
            &self.pai_tel,
            &self.expires,
        ]
        .into_iter()
        .any(|part| part.contains(['<', '>']))
    }
}
