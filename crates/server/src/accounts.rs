//! Who signs in with a password: the accounts in memory, and the one way to change a password. Checking a proof is left
//! to `parlor_auth`, counting wrong ones to `throttle`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use parlor_auth::{Verifier, VerifierKind, account_name};
use parlor_rooms::{Account, Credential, Store, StoreError};
use parlor_xccos::SipUri;

use crate::config::SignIn;

/// The longest password; far above what anybody types, far below what costs time.
pub(crate) const MAX_PASSWORD: usize = 256;
/// The longest account name, as long as an address may be.
pub(crate) const MAX_ACCOUNT_NAME: usize = 256;

/// Every account.
#[derive(Debug)]
pub(crate) struct Accounts {
    current: RwLock<Table>,
    /// Held by whoever changes an account, until it is stored and believed.
    writer: tokio::sync::Mutex<()>,
    store: Arc<dyn Store>,
    domain: String,
    schemes: SignIn,
}

#[derive(Debug, Default)]
struct Table {
    by_user: HashMap<SipUri, Arc<Entry>>,
    by_name: HashMap<String, Arc<Entry>>,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) user: SipUri,
    /// In lower case.
    pub(crate) name: String,
    verifiers: Vec<Verifier>,
}

impl Entry {
    /// What a scheme checks against.
    pub(crate) fn verifier(&self, kind: VerifierKind) -> Option<&Verifier> {
        self.verifiers.iter().find(|verifier| verifier.kind() == kind)
    }
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("a password has 1 to {MAX_PASSWORD} characters, none of them a control character")]
    Password,
    #[error(
        "an account name has 1 to {MAX_ACCOUNT_NAME} characters, no spaces, quotes, colons, \\, / or control characters"
    )]
    Name,
    #[error("another user signs in with the name {0:?}")]
    NameTaken(String),
    #[error("every scheme that checks passwords is switched off")]
    NoScheme,
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Loads the accounts. What is kept for a scheme that is switched off is removed from the store.
    pub(crate) async fn load(
        store: Arc<dyn Store>,
        domain: &str,
        schemes: SignIn,
    ) -> Result<Self, StoreError> {
        let mut table = Table::default();
        for mut account in store.accounts().await? {
            let before = account.credentials.len();
            account
                .credentials
                .retain(|credential| is_on(schemes, &credential.scheme));
            if account.credentials.len() < before {
                tracing::warn!(user = %account.user, "forgetting the password for a scheme that is switched off");
                store.put_account(account.clone()).await?;
            }
            table.put(Entry::from(account));
        }
        Ok(Self {
            current: RwLock::new(table),
            writer: tokio::sync::Mutex::new(()),
            store,
            domain: domain.to_owned(),
            schemes,
        })
    }

    /// Whether anybody can sign in with a password.
    pub(crate) fn is_empty(&self) -> bool {
        self.read().by_user.is_empty()
    }

    /// The account of a user.
    pub(crate) fn of(&self, user: &SipUri) -> Option<Arc<Entry>> {
        self.read().by_user.get(user).cloned()
    }

    /// The account that somebody means who types `name`, and `domain` before it if at all (real-client 1.1).
    pub(crate) fn find(&self, name: &str, domain: &str) -> Option<Arc<Entry>> {
        if !domain.is_empty() && !self.is_own(domain) {
            return None;
        }
        let name = account_name(name);
        let table = self.read();
        let by_address = |address: &str| {
            let user: SipUri = format!("sip:{address}").parse().ok()?;
            table.by_user.get(&user)
        };
        let found = table.by_name.get(&name).or_else(|| {
            if name.contains('@') {
                by_address(&name)
            } else {
                by_address(&format!("{name}@{}", self.domain))
            }
        });
        found.cloned()
    }

    /// The domain, or the short name of it that Windows users type.
    fn is_own(&self, domain: &str) -> bool {
        domain.eq_ignore_ascii_case(&self.domain) || domain.eq_ignore_ascii_case(&self.short_domain())
    }

    /// `EXAMPLE` for `example.com`.
    pub(crate) fn short_domain(&self) -> String {
        self.domain
            .split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
    }

    /// Sets a password; `name` is what the user signs in with, the address unless said otherwise now or before.
    ///
    /// Not cancel safe: run it in a task of its own, or memory may fall behind the store.
    pub(crate) async fn set_password(
        &self,
        user: &SipUri,
        name: Option<&str>,
        password: &str,
    ) -> Result<(), PasswordError> {
        let _writer = self.writer.lock().await;
        let name = match (name, self.of(user)) {
            (Some(name), _) => account_name(name),
            (None, Some(entry)) => entry.name.clone(),
            (None, None) => account_name(address(user)),
        };
        check_name(&name)?;
        check_password(password)?;
        let entry = Entry {
            verifiers: self.verifiers(&name, password),
            user: user.clone(),
            name,
        };
        if entry.verifiers.is_empty() {
            return Err(PasswordError::NoScheme);
        }
        match self.store.put_account(Account::from(&entry)).await {
            Err(StoreError::Conflict) => return Err(PasswordError::NameTaken(entry.name)),
            stored => stored?,
        }
        self.current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .put(entry);
        Ok(())
    }

    /// Forgets the account of a user who is gone from the directory, and from the store with it.
    pub(crate) fn forget(&self, user: &SipUri) {
        self.current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(user);
    }

    /// One per scheme that is switched on, and no more.
    fn verifiers(&self, name: &str, password: &str) -> Vec<Verifier> {
        let SignIn { digest, ntlm } = self.schemes;
        let digest = digest.then(|| Verifier::digest_sha256(name, &self.domain, password));
        let ntlm = ntlm.then(|| Verifier::nt_hash(password));
        digest.into_iter().chain(ntlm).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn put(&mut self, entry: Entry) {
        self.remove(&entry.user);
        let entry = Arc::new(entry);
        self.by_name.insert(entry.name.clone(), Arc::clone(&entry));
        self.by_user.insert(entry.user.clone(), entry);
    }

    fn remove(&mut self, user: &SipUri) {
        if let Some(old) = self.by_user.remove(user) {
            self.by_name.remove(&old.name);
        }
    }
}

impl From<Account> for Entry {
    fn from(account: Account) -> Self {
        let verifier = |credential: &Credential| {
            let kind = credential.scheme.parse().ok()?;
            Verifier::from_hex(kind, &credential.secret).ok()
        };
        Self {
            verifiers: account.credentials.iter().filter_map(verifier).collect(),
            user: account.user,
            name: account.name,
        }
    }
}

impl From<&Entry> for Account {
    fn from(entry: &Entry) -> Self {
        let credential = |verifier: &Verifier| Credential {
            scheme: verifier.kind().as_str().to_owned(),
            secret: verifier.to_hex().to_string(),
        };
        Self {
            user: entry.user.clone(),
            name: entry.name.clone(),
            credentials: entry.verifiers.iter().map(credential).collect(),
        }
    }
}

fn is_on(schemes: SignIn, scheme: &str) -> bool {
    match scheme.parse() {
        Ok(VerifierKind::DigestSha256) => schemes.digest,
        Ok(VerifierKind::NtHash) => schemes.ntlm,
        _ => false,
    }
}

/// `alice@example.com` for `sip:alice@example.com`.
fn address(user: &SipUri) -> &str {
    let text = user.as_str();
    text.split_once(':').map_or(text, |(_, address)| address)
}

fn check_name(name: &str) -> Result<(), PasswordError> {
    let fits = (1..=MAX_ACCOUNT_NAME).contains(&name.chars().count());
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\' | '/' | ':');
    if fits && !name.contains(odd) {
        Ok(())
    } else {
        Err(PasswordError::Name)
    }
}

fn check_password(password: &str) -> Result<(), PasswordError> {
    let fits = (1..=MAX_PASSWORD).contains(&password.chars().count());
    if fits && !password.contains(char::is_control) {
        Ok(())
    } else {
        Err(PasswordError::Password)
    }
}

#[cfg(test)]
mod tests {
    use parlor_rooms::MemoryStore;

    use super::*;

    const BOTH: SignIn = SignIn {
        digest: true,
        ntlm: true,
    };

    fn alice() -> SipUri {
        "sip:alice@example.com".parse().unwrap()
    }

    async fn accounts(store: &MemoryStore, schemes: SignIn) -> Accounts {
        Accounts::load(Arc::new(store.clone()), "example.com", schemes)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_user_is_found_by_what_windows_users_type() {
        let accounts = accounts(&MemoryStore::new(), BOTH).await;
        accounts.set_password(&alice(), None, "Secret123").await.unwrap();
        for (name, domain) in [
            ("alice@example.com", ""),
            ("Alice@Example.com", ""),
            ("alice", ""),
            ("alice", "EXAMPLE"),
            ("alice", "example.com"),
        ] {
            assert!(accounts.find(name, domain).is_some(), "{name} {domain}");
        }
        assert!(accounts.find("alice", "OTHER").is_none());
        assert!(accounts.find("bob", "").is_none());
    }

    #[tokio::test]
    async fn an_account_need_not_be_named_like_the_address() {
        let accounts = accounts(&MemoryStore::new(), BOTH).await;
        accounts
            .set_password(&alice(), Some("a.liddell"), "Secret123")
            .await
            .unwrap();
        assert_eq!(accounts.find("A.Liddell", "").unwrap().user, alice());
        let bob: SipUri = "sip:bob@example.com".parse().unwrap();
        let taken = accounts
            .set_password(&bob, Some("a.liddell"), "x")
            .await
            .unwrap_err();
        assert_eq!(
            taken.to_string(),
            "another user signs in with the name \"a.liddell\""
        );
    }

    #[tokio::test]
    async fn nothing_is_kept_for_a_scheme_that_is_switched_off() {
        let store = MemoryStore::new();
        let both = accounts(&store, BOTH).await;
        both.set_password(&alice(), None, "Secret123").await.unwrap();
        assert_eq!(store.accounts().await.unwrap()[0].credentials.len(), 2);

        let digest = accounts(
            &store,
            SignIn {
                digest: true,
                ntlm: false,
            },
        )
        .await;
        let kept = store.accounts().await.unwrap();
        assert_eq!(kept[0].credentials.len(), 1);
        assert_eq!(kept[0].credentials[0].scheme, "digest-sha-256");
        assert!(
            digest
                .of(&alice())
                .unwrap()
                .verifier(VerifierKind::NtHash)
                .is_none()
        );
        digest.set_password(&alice(), None, "Secret456").await.unwrap();
        assert_eq!(store.accounts().await.unwrap()[0].credentials.len(), 1);
    }

    #[tokio::test]
    async fn odd_passwords_and_names_are_refused() {
        let accounts = accounts(&MemoryStore::new(), BOTH).await;
        for (name, password) in [
            (None, ""),
            (None, "a\nb"),
            (Some(""), "x"),
            (Some("a b"), "x"),
            (Some("D\\a"), "x"),
        ] {
            assert!(
                accounts.set_password(&alice(), name, password).await.is_err(),
                "{name:?}"
            );
        }
    }
}
