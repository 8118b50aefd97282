//! One spelling for each account name.

/// The form in which a name is stored, looked up and hashed: in lower case, as in the UsernameCaseMapped profile
/// (RFC 8265 section 3.3).
///
/// RFC 7616 hashes the name that the client sends, so a server that keeps a hash can accept one spelling only. Whoever
/// builds a [`digest::Client`](crate::digest::Client) for an account of this server gives it this form; the other
/// schemes do not need it, as NTLM folds the case of names itself (MS-NLMP section 3.3.2).
pub fn account_name(typed: &str) -> String {
    typed.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verifier;

    #[test]
    fn a_verifier_fits_every_spelling() {
        let verifier = |typed| Verifier::digest_sha256(&account_name(typed), "example.com", "Secret123");
        assert_eq!(verifier("Alice@Example.com"), verifier("alice@example.COM"));
        assert_eq!(account_name("ÄRGER"), "ärger");
    }
}
