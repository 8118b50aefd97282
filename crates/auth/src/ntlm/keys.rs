//! The arithmetic of NTLMv2: from a hash of the password to a signature (MS-NLMP sections 3.3.2 and 3.4).

use crate::text::utf16;
use crate::verifier::NtHash;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};
use zeroize::Zeroizing;

/// A secret of sixteen bytes.
pub(super) type Key = Zeroizing<[u8; 16]>;

/// Sixteen bytes of signature: version, encrypted checksum, sequence number.
pub(super) type Signature = [u8; 16];

/// SIP counts messages in `cnum` and `snum`; the sequence number inside of the signature is always this one.
const SEQUENCE: [u8; 4] = 100u32.to_le_bytes();

pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn md5(parts: &[&[u8]]) -> Key {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    Zeroizing::new(hasher.finalize().into())
}

pub(super) fn rc4(key: &[u8; 16], data: &mut [u8]) {
    Rc4::new_from_slice(key)
        .expect("RC4 takes keys of 16 bytes")
        .apply_keystream(data);
}

/// NTOWFv2: the user name counts in capitals, the domain as typed.
pub(super) fn response_key(hash: &NtHash, capital_user: &str, domain: &str) -> Key {
    Zeroizing::new(hmac_md5(&*hash.0, &[&utf16(capital_user), &utf16(domain)]))
}

/// NTProofStr over the challenge of the server and the client's own blob.
pub(super) fn proof(response_key: &Key, server_challenge: &[u8; 8], blob: &[u8]) -> [u8; 16] {
    hmac_md5(&**response_key, &[server_challenge, blob])
}

/// SessionBaseKey, which in NTLMv2 also encrypts the exchanged key.
pub(super) fn key_exchange_key(response_key: &Key, proof: &[u8; 16]) -> Key {
    Zeroizing::new(hmac_md5(&**response_key, &[proof]))
}

/// Who sends what a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// The two keys of one direction.
#[derive(Clone)]
pub(super) struct SigningKeys {
    sign: Key,
    seal: Key,
}

impl SigningKeys {
    /// SIGNKEY and SEALKEY for extended session security with 128 bits.
    pub(super) fn new(exported: &Key, sender: Sender) -> Self {
        let (sign, seal): (&[u8], &[u8]) = match sender {
            Sender::Client => (
                b"session key to client-to-server signing key magic constant\0",
                b"session key to client-to-server sealing key magic constant\0",
            ),
            Sender::Server => (
                b"session key to server-to-client signing key magic constant\0",
                b"session key to server-to-client sealing key magic constant\0",
            ),
        };
        Self {
            sign: md5(&[&**exported, sign]),
            seal: md5(&[&**exported, seal]),
        }
    }

    /// MAC of a datagram: the cipher starts afresh for each message, from the sealing key and the sequence number.
    pub(super) fn mac(&self, text: &[u8]) -> Signature {
        let mut checksum = hmac_md5(&*self.sign, &[&SEQUENCE, text]);
        rc4(&md5(&[&*self.seal, &SEQUENCE]), &mut checksum[..8]);
        let mut signature = [0; 16];
        signature[0] = 1;
        signature[4..12].copy_from_slice(&checksum[..8]);
        signature[12..].copy_from_slice(&SEQUENCE);
        signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    // MS-NLMP section 4.2: User, Password, Domain; challenges 0123456789abcdef and aa..; time 0; session key 55..
    const SERVER_CHALLENGE: [u8; 8] = 0x0123_4567_89ab_cdef_u64.to_be_bytes();

    fn blob() -> Vec<u8> {
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        blob.extend([0xaa; 8]);
        blob.extend([0; 4]);
        blob.extend([2, 0, 12, 0]);
        blob.extend(&*utf16("Domain"));
        blob.extend([1, 0, 12, 0]);
        blob.extend(&*utf16("Server"));
        blob.extend([0; 8]);
        blob
    }

    #[test]
    fn the_values_of_section_4_2_4() {
        let response_key = response_key(&NtHash::from_password("Password"), "USER", "Domain");
        assert_eq!(hex(&*response_key), "0c868a403bfd7a93a3001ef22ef02e3f");
        let proof = proof(&response_key, &SERVER_CHALLENGE, &blob());
        assert_eq!(hex(&proof), "68cd0ab851e51c96aabc927bebef6a1c");
        let key = key_exchange_key(&response_key, &proof);
        assert_eq!(hex(&*key), "8de40ccadbc14a82f15cb0ad0de95ca3");
        let mut exchanged = [0x55; 16];
        rc4(&key, &mut exchanged);
        assert_eq!(hex(&exchanged), "c5dad2544fc9799094ce1ce90bc9d03e");
    }

    #[test]
    fn the_keys_and_the_checksum_of_section_4_2_4_4() {
        let keys = SigningKeys::new(&Zeroizing::new([0x55; 16]), Sender::Client);
        assert_eq!(hex(&*keys.sign), "4788dc861b4782f35d43fd98fe1a2d39");
        assert_eq!(hex(&*keys.seal), "59f600973cc4960a25480a7c196e4c58");
        // There the cipher runs on from the sealed text to its checksum, and the sequence number is 0.
        let plaintext = utf16("Plaintext");
        let mut sealed = plaintext.to_vec();
        sealed.extend(&hmac_md5(&*keys.sign, &[&[0; 4], &plaintext])[..8]);
        rc4(&keys.seal, &mut sealed);
        assert_eq!(hex(&sealed[..18]), "54e50165bf1936dc996020c1811b0f06fb5f");
        assert_eq!(hex(&sealed[18..]), "7fb38ec5c55d4976");
    }
}
