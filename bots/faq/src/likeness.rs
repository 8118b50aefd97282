//! When two texts ask the same: they share most of their words.

use std::collections::BTreeSet;

/// The words of a text, without case and signs.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Something that was said, to be compared with questions.
#[derive(Debug)]
pub(crate) struct Asked(BTreeSet<String>);

impl Asked {
    pub(crate) fn new(text: &str) -> Self {
        Self(words(text).collect())
    }

    /// Of all different words in both texts, how many are in both, in percent, rounded down. Order does not count.
    pub(crate) fn percent_like(&self, question: &str) -> usize {
        let other: BTreeSet<String> = words(question).collect();
        let shared = self.0.intersection(&other).count();
        let all = self.0.len() + other.len() - shared;
        (shared * 100).checked_div(all).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn likeness_is_the_share_of_common_words() {
        for (said, question, percent) in [
            ("How do I get VPN?", "how do i get vpn", 100),
            ("VPN: how do I get?", "how do I get VPN", 100),
            ("how do I get a VPN", "how do I get VPN", 83),
            ("how do I get tea", "how do I get VPN", 66),
            ("good morning", "how do I get VPN", 0),
            ("???", "!!!", 0),
            ("WO IST DIE KÜCHE", "Wo ist die Küche?", 100),
        ] {
            assert_eq!(Asked::new(said).percent_like(question), percent, "{said}");
        }
    }
}
