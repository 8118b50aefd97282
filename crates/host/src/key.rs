//! The name of a post: the same for the same instance, cause and position, whoever computes it and when.

use sha2::{Digest, Sha256};

/// Bytes of the hash that are kept: 192 bits do not collide, and 48 hex digits stay below the 64 that a key may have.
const KEPT: usize = 24;

/// The post key of the `ordinal`-th post that `instance` made because of `cause`.
///
/// Two hosts, or one host before and after a crash, that handle the same event give its posts the same keys; the
/// server shows a key once.
pub(crate) fn post_key(instance: &str, cause: &str, ordinal: u32) -> String {
    let mut hash = Sha256::new();
    for part in [instance, cause] {
        // With its length in front no two pairs of texts run together to the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(ordinal.to_be_bytes());
    hash.finalize()
        .iter()
        .take(KEPT)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::post_key;
    use parlor_xccos::PostKey;

    #[test]
    fn a_key_is_fixed_for_ever_because_servers_have_stored_it() {
        assert_eq!(
            post_key("news", "feed:heise:42", 0),
            "7ade6788d232a6e619595adb400688152e61bc63f4d1c26e"
        );
    }

    #[test]
    fn a_key_differs_with_each_of_its_causes_and_is_one_that_servers_take() {
        let keys = [
            post_key("news", "a", 0),
            post_key("news", "a", 1),
            post_key("news", "b", 0),
            post_key("new", "sa", 0),
            post_key("newsa", "", 0),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(key.parse::<PostKey>().is_ok());
            assert!(!keys[index + 1..].contains(key));
        }
    }
}
