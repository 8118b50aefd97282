//! What both sides share after the handshake: keys, counters and the text that is signed (MS-SIPAE section 3.2).

use super::keys::{Key, Sender, SigningKeys};
use super::server::Version;
use crate::fields::SignedFields;
use crate::header::{AuthHeader, Scheme};
use crate::replay::ReplayWindow;
use crate::seed::{Seed, Stream};
use crate::text::{same, unhex, upper_hex};
use std::fmt;

/// A security association: signs what goes out, checks what comes in. It belongs to the connection on which it was
/// made, and is to be thrown away with it.
pub struct Association {
    version: Version,
    opaque: String,
    realm: String,
    target_name: String,
    own: Sender,
    outgoing: SigningKeys,
    incoming: SigningKeys,
    random: Stream,
    sent: u32,
    received: ReplayWindow,
}

/// The names that bind an association to its place.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) opaque: String,
    pub(super) realm: String,
    pub(super) target_name: String,
}

impl Association {
    pub(super) fn new(place: Place, own: Sender, exported: &Key, seed: Seed) -> Self {
        let peer = match own {
            Sender::Client => Sender::Server,
            Sender::Server => Sender::Client,
        };
        let Place {
            version,
            opaque,
            realm,
            target_name,
        } = place;
        Self {
            version,
            opaque,
            realm,
            target_name,
            own,
            outgoing: SigningKeys::new(exported, own),
            incoming: SigningKeys::new(exported, peer),
            random: Stream::new(seed),
            sent: 0,
            received: ReplayWindow::default(),
        }
    }

    /// What both sides call it in the parameter `opaque`.
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    /// Signs a message: the value of Authentication-Info on the server's side, of Authorization on the client's.
    pub fn sign(&mut self, fields: &SignedFields) -> String {
        self.sign_into(AuthHeader::new(Scheme::Ntlm), fields).to_string()
    }

    /// Signs a message and adds the signature to a value that has other parameters already.
    pub(super) fn sign_into(&mut self, header: AuthHeader, fields: &SignedFields) -> AuthHeader {
        self.sent += 1;
        let (rand, num) = (self.random.token::<4>(), self.sent.to_string());
        let signature = upper_hex(&self.outgoing.mac(self.text(&rand, &num, fields).as_bytes()));
        let names = Names::of(self.own);
        // The order in which the real client writes and was seen to read.
        match self.own {
            Sender::Server => header
                .quoted(names.response, &signature)
                .quoted(names.rand, &rand)
                .quoted(names.num, &num)
                .quoted("opaque", &self.opaque)
                .quoted("qop", "auth")
                .quoted("targetname", &self.target_name)
                .quoted("realm", &self.realm),
            Sender::Client if header.get("opaque").is_some() => header
                .quoted(names.rand, &rand)
                .quoted(names.num, &num)
                .quoted(names.response, &signature),
            Sender::Client => header
                .quoted("qop", "auth")
                .quoted("opaque", &self.opaque)
                .quoted("realm", &self.realm)
                .quoted("targetname", &self.target_name)
                .quoted(names.rand, &rand)
                .quoted(names.num, &num)
                .quoted(names.response, &signature),
        }
    }

    /// Checks the signature of a message that came in, and that it comes for the first time.
    ///
    /// # Errors
    ///
    /// When there is no signature, it is of another association, it does not fit the message, or its counter was
    /// used before. Nothing changes then, so a forged message cannot use up counters.
    pub fn verify(&mut self, header: &AuthHeader, fields: &SignedFields) -> Result<(), SignatureError> {
        let peer = match self.own {
            Sender::Client => Sender::Server,
            Sender::Server => Sender::Client,
        };
        let names = Names::of(peer);
        if header.scheme() != &Scheme::Ntlm {
            return Err(SignatureError::Missing);
        }
        let get = |name| header.get(name).ok_or(SignatureError::Missing);
        let (response, rand, num) = (get(names.response)?, get(names.rand)?, get(names.num)?);
        // `opaque` is random text in any case; realm and target name are part of the signed text.
        if get("opaque")? != self.opaque
            || header.get("realm").is_some_and(|realm| realm != self.realm)
            || header
                .get("targetname")
                .is_some_and(|name| name != self.target_name)
        {
            return Err(SignatureError::Elsewhere);
        }
        let counter: u32 = num.parse().map_err(|_| SignatureError::Malformed)?;
        let response: [u8; 16] = unhex(response).ok_or(SignatureError::Malformed)?;
        if rand.contains(['<', '>']) || fields.is_ambiguous() {
            return Err(SignatureError::Malformed);
        }
        let expected = self.incoming.mac(self.text(rand, num, fields).as_bytes());
        if !same(&response, &expected) {
            return Err(SignatureError::Wrong);
        }
        match self.received.take(counter) {
            true => Ok(()),
            false => Err(SignatureError::Replayed),
        }
    }

    fn text(&self, rand: &str, num: &str, fields: &SignedFields) -> String {
        let cseq = fields.cseq.to_string();
        let status = fields.status.map(|status| status.to_string());
        let mut text = String::with_capacity(256);
        let mut push = |part: &str| {
            text.push('<');
            text.push_str(part);
            text.push('>');
        };
        push("NTLM");
        for part in [
            rand,
            num,
            &self.realm,
            &self.target_name,
            &fields.call_id,
            &cseq,
            &fields.method,
        ] {
            push(part);
        }
        push(&fields.from_uri);
        push(&fields.from_tag);
        if self.version >= Version::Three {
            push(&fields.to_uri);
        }
        push(&fields.to_tag);
        if self.version >= Version::Three {
            push(&fields.pai_sip);
            push(&fields.pai_tel);
        }
        push(&fields.expires);
        if let Some(status) = &status {
            push(status);
        }
        text
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("opaque", &self.opaque)
            .field("own", &self.own)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature.
    #[error("signature is missing")]
    Missing,
    /// It names another association, realm or target.
    #[error("signature is of another association")]
    Elsewhere,
    /// The counter or the signature cannot be read, or the message has `<` or `>` where that would blur what is
    /// signed.
    #[error("signature cannot be read")]
    Malformed,
    /// It does not fit the message.
    #[error("signature is wrong")]
    Wrong,
    /// The counter was used before, or is too old to tell.
    #[error("signature was used before")]
    Replayed,
}

/// What the parameters are called on messages of one side.
struct Names {
    response: &'static str,
    rand: &'static str,
    num: &'static str,
}

impl Names {
    fn of(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self {
                response: "response",
                rand: "crand",
                num: "cnum",
            },
            Sender::Server => Self {
                response: "rspauth",
                rand: "srand",
                num: "snum",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn association(version: Version) -> Association {
        let place = Place {
            version,
            opaque: "467BB1E6".into(),
            realm: "SIP Communications Service".into(),
            target_name: "mock.example.com".into(),
        };
        Association::new(
            place,
            Sender::Client,
            &Zeroizing::new([0x55; 16]),
            Seed::new([1; 32]),
        )
    }

    /// As the real client was seen to build it.
    #[test]
    fn the_signed_text_of_a_subscribe() {
        let fields = SignedFields {
            call_id: "FE0Cx".into(),
            cseq: 1,
            method: "SUBSCRIBE".into(),
            from_uri: "sip:alice@example.com".into(),
            from_tag: "1724421186".into(),
            to_uri: "sip:alice@example.com".into(),
            ..SignedFields::default()
        };
        assert_eq!(
            association(Version::Four).text("08f884f3", "2", &fields),
            "<NTLM><08f884f3><2><SIP Communications Service><mock.example.com><FE0Cx><1><SUBSCRIBE>\
             <sip:alice@example.com><1724421186><sip:alice@example.com><><><><>"
        );
        let answer = SignedFields {
            status: Some(200),
            to_tag: "t".into(),
            expires: "600".into(),
            ..fields
        };
        assert_eq!(
            association(Version::Two).text("08f884f3", "2", &answer),
            "<NTLM><08f884f3><2><SIP Communications Service><mock.example.com><FE0Cx><1><SUBSCRIBE>\
             <sip:alice@example.com><1724421186><t><600><200>"
        );
    }
}
