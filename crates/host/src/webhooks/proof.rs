//! Whether a sender knows the secret. No comparison takes a time that tells how much of it was right.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parlor_bot::{Secret, Signature};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Signatures of one header that are looked at: senders that change their key sign with two.
const SIGNATURES: usize = 4;

/// Why a sender is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unproved {
    #[error("no signature")]
    Missing,
    #[error("the signature is not of the form that this webhook expects")]
    Unreadable,
    #[error("the signature is too old, or the clocks differ")]
    Stale,
    #[error("the signature is wrong")]
    Wrong,
}

/// Whether the proof is over the body: others can be checked before it is read.
pub(super) fn covers_body(signature: &Signature) -> bool {
    matches!(signature, Signature::Hmac { .. } | Signature::Timestamped { .. })
}

/// Checks what a sender presented: the header that the signature names, or the last part of the address.
pub(super) fn check(
    signature: &Signature,
    secrets: &[Secret],
    presented: Option<&[u8]>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Unproved> {
    let presented = presented.filter(|presented| !presented.is_empty());
    let presented = presented.ok_or(Unproved::Missing)?;
    let known = match signature {
        Signature::Hmac { .. } => {
            let digits = strip(presented, b"sha256=").unwrap_or(presented);
            let given = digest(digits).ok_or(Unproved::Unreadable)?;
            signed(secrets, &[body], &[given])
        }
        Signature::Timestamped { tolerance, .. } => {
            let stamped = Stamped::read(presented).ok_or(Unproved::Unreadable)?;
            let age = now.timestamp().abs_diff(stamped.seconds);
            if age > tolerance.as_secs() {
                return Err(Unproved::Stale);
            }
            signed(secrets, &[stamped.text, b".", body], &stamped.signatures)
        }
        Signature::Bearer => {
            let token = strip(presented, b"bearer ").ok_or(Unproved::Unreadable)?;
            named(secrets, token.trim_ascii())
        }
        Signature::Token { .. } | Signature::Path => named(secrets, presented),
        // A way that this host does not know yet proves nothing.
        _ => return Err(Unproved::Unreadable),
    };
    if known { Ok(()) } else { Err(Unproved::Wrong) }
}

/// `t=SECONDS,v1=DIGITS,v1=DIGITS`; other parts are left alone.
#[derive(Debug)]
struct Stamped<'h> {
    seconds: i64,
    /// The time as it was written: that is what was signed.
    text: &'h [u8],
    signatures: Vec<[u8; 32]>,
}

impl<'h> Stamped<'h> {
    fn read(header: &'h [u8]) -> Option<Self> {
        let (mut time, mut signatures) = (None, Vec::new());
        for part in header.split(|byte| *byte == b',') {
            let part = part.trim_ascii();
            if let Some(text) = part.strip_prefix(b"t=") {
                let seconds = std::str::from_utf8(text).ok()?.parse().ok()?;
                time = Some((seconds, text));
            } else if let Some(digits) = part.strip_prefix(b"v1=") {
                if signatures.len() == SIGNATURES {
                    return None;
                }
                signatures.push(digest(digits)?);
            }
        }
        let (seconds, text) = time?;
        (!signatures.is_empty()).then_some(Self {
            seconds,
            text,
            signatures,
        })
    }
}

/// Whether one of the signatures was made with one of the secrets. All are compared, also after one was right.
fn signed(secrets: &[Secret], parts: &[&[u8]], signatures: &[[u8; 32]]) -> bool {
    let mut right = subtle::Choice::from(0);
    for secret in secrets {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else {
            continue;
        };
        parts.iter().for_each(|part| mac.update(part));
        let expected = mac.finalize().into_bytes();
        for given in signatures {
            right |= expected.as_slice().ct_eq(given);
        }
    }
    right.into()
}

/// Whether it is one of the secrets. Digests are compared, so that lengths tell nothing either.
fn named(secrets: &[Secret], token: &[u8]) -> bool {
    let given = Sha256::digest(token);
    let mut right = subtle::Choice::from(0);
    for secret in secrets {
        right |= Sha256::digest(secret.bytes()).as_slice().ct_eq(given.as_slice());
    }
    right.into()
}

/// What follows `prefix`, upper and lower case being the same.
fn strip<'b>(bytes: &'b [u8], prefix: &[u8]) -> Option<&'b [u8]> {
    let (head, rest) = bytes.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// 32 bytes in 64 hexadecimal digits.
fn digest(digits: &[u8]) -> Option<[u8; 32]> {
    let digits = digits.trim_ascii();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        };
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// GitHub's own example, "Validating webhook deliveries": secret, body and signature.
    const GITHUB: (&[u8], &[u8], &str) = (
        b"It's a Secret to Everybody",
        b"Hello, World!",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );

    fn hex(secret: &[u8], parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        let bytes = mac.finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn checked(signature: &str, secrets: &[&[u8]], presented: &str, body: &[u8]) -> Result<(), Unproved> {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::from(*secret)).collect();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        check(
            &signature.parse().unwrap(),
            &secrets,
            Some(presented.as_bytes()),
            body,
            now,
        )
    }

    #[test]
    fn a_body_is_believed_with_its_signature_only() {
        let (secret, body, signature) = GITHUB;
        assert_eq!(checked("github", &[secret], signature, body), Ok(()));
        assert_eq!(
            checked("github", &[b"new", secret], signature, body),
            Ok(()),
            "while one replaces the other"
        );
        assert_eq!(
            checked("github", &[secret], &signature.to_uppercase(), body),
            Ok(())
        );
        let plain = signature.trim_start_matches("sha256=");
        assert_eq!(checked("hmac(X-S)", &[secret], plain, body), Ok(()));
        for (presented, body, reason) in [
            (signature, &b"Hello, World?"[..], Unproved::Wrong),
            ("", body, Unproved::Missing),
            ("sha256=", body, Unproved::Unreadable),
            ("sha256=zz", body, Unproved::Unreadable),
            (&signature[..signature.len() - 2], body, Unproved::Unreadable),
            (&format!("{signature}00"), body, Unproved::Unreadable),
        ] {
            assert_eq!(
                checked("github", &[secret], presented, body),
                Err(reason),
                "{presented}"
            );
        }
        assert_eq!(
            checked("github", &[b"other"], signature, body),
            Err(Unproved::Wrong)
        );
        assert_eq!(checked("github", &[], signature, body), Err(Unproved::Wrong));
    }

    #[test]
    fn a_timestamp_is_signed_and_has_to_be_young() {
        let body = b"{}";
        let header = |seconds: i64| {
            let digits = hex(b"whsec", &[seconds.to_string().as_bytes(), b".", body]);
            format!("t={seconds},v0=x, v1={},v1={digits}", "0".repeat(64))
        };
        assert_eq!(
            checked("stripe", &[b"whsec"], &header(1_700_000_000), body),
            Ok(())
        );
        assert_eq!(
            checked("stripe", &[b"whsec"], &header(1_699_999_700), body),
            Ok(())
        );
        assert_eq!(
            checked("stripe", &[b"whsec"], &header(1_699_999_699), body),
            Err(Unproved::Stale)
        );
        assert_eq!(
            checked("stripe", &[b"whsec"], &header(1_700_000_301), body),
            Err(Unproved::Stale)
        );
        let moved = header(1_699_999_000).replace("t=1699999000", "t=1700000000");
        assert_eq!(checked("stripe", &[b"whsec"], &moved, body), Err(Unproved::Wrong));
        let many = format!(
            "t=1700000000{}",
            format!(",v1={}", "0".repeat(64)).repeat(SIGNATURES + 1)
        );
        for unreadable in ["t=1700000000", "v1=00", "t=x,v1=00", "t=1700000000,v1=00", &many] {
            assert_eq!(
                checked("stripe", &[b"whsec"], unreadable, body),
                Err(Unproved::Unreadable),
                "{unreadable}"
            );
        }
    }

    #[test]
    fn tokens_are_the_secret_itself() {
        for (signature, presented, result) in [
            ("gitlab", "secret", Ok(())),
            ("gitlab", "secrets", Err(Unproved::Wrong)),
            ("gitlab", "Secret", Err(Unproved::Wrong)),
            ("path", "secret", Ok(())),
            ("bearer", "Bearer secret", Ok(())),
            ("bearer", "bearer  secret", Ok(())),
            ("bearer", "Basic secret", Err(Unproved::Unreadable)),
            ("bearer", "Bearer", Err(Unproved::Unreadable)),
            ("bearer", "Bearer secre", Err(Unproved::Wrong)),
        ] {
            assert_eq!(
                checked(signature, &[b"secret"], presented, b"x"),
                result,
                "{signature}: {presented}"
            );
        }
        assert_eq!(checked("gitlab", &[b"old", b"secret"], "old", b"x"), Ok(()));
    }

    proptest! {
        #[test]
        fn whatever_is_presented_is_refused_or_right(presented in "\\PC{0,200}", body in any::<Vec<u8>>()) {
            for signature in ["github", "gitlab", "stripe", "bearer", "path"] {
                let result = checked(signature, &[b"a secret of some length"], &presented, &body);
                prop_assert!(result.is_err(), "{signature}");
            }
        }

        #[test]
        fn what_is_signed_is_believed_and_no_other_body(
            secret in prop::collection::vec(any::<u8>(), 1..80),
            body in any::<Vec<u8>>(),
            other in any::<Vec<u8>>(),
            seconds in 1_699_999_700_i64..1_700_000_301,
        ) {
            let plain = format!("sha256={}", hex(&secret, &[&body]));
            prop_assert_eq!(checked("github", &[&secret], &plain, &body), Ok(()));
            let stamped = hex(&secret, &[seconds.to_string().as_bytes(), b".", &body]);
            let stamped = format!("t={seconds},v1={stamped}");
            prop_assert_eq!(checked("stripe", &[&secret], &stamped, &body), Ok(()));
            if other != body {
                prop_assert_eq!(checked("github", &[&secret], &plain, &other), Err(Unproved::Wrong));
                prop_assert_eq!(checked("stripe", &[&secret], &stamped, &other), Err(Unproved::Wrong));
            }
        }

        #[test]
        fn a_stamp_reads_as_it_was_written(seconds in any::<i64>(), noise in "[a-z0-9=, ]{0,40}") {
            let zeros = "0".repeat(64);
            let header = format!("t={seconds},v1={zeros}");
            let read = Stamped::read(header.as_bytes()).unwrap();
            prop_assert_eq!((read.seconds, read.signatures.len()), (seconds, 1));
            // Whatever stands around: read or not, never a panic.
            let _ = Stamped::read(format!("{noise},{header}").as_bytes());
            let _ = Stamped::read(noise.as_bytes());
        }
    }
}
