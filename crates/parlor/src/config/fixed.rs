//! Which changes of a configuration a running process cannot take up.
//!
//! Every struct is taken apart in full, so that a new key does not compile until it is decided what a reload does with
//! it.

use super::{HostSettings, LogSettings, ServerSettings, Settings};

/// The keys that differ and need a restart, of the parts that run.
pub(crate) fn needs_restart(old: &Settings, new: &Settings, has_server: bool, has_host: bool) -> Vec<String> {
    let Settings {
        data,
        development,
        log,
        metrics,
        webhooks,
        watch,
        server,
        host,
    } = old;
    let LogSettings { filter, format } = log;
    let mut keys = Keys::default();
    keys.compare("data", data, &new.data);
    keys.compare("certificates.development", development, &new.development);
    keys.compare("log.filter", filter, &new.log.filter);
    keys.compare("log.format", format, &new.log.format);
    keys.compare("metrics", metrics, &new.metrics);
    keys.compare("reload", watch, &new.watch);
    if has_host {
        keys.compare("webhooks", webhooks, &new.webhooks);
    }
    if let Some(old) = server.as_ref().filter(|_| has_server) {
        match &new.server {
            Some(new) => keys.compare_server(old, new),
            None => keys.add("server"),
        }
    }
    if let Some(old) = host.as_ref().filter(|_| has_host) {
        match &new.host {
            Some(new) => keys.compare_host(old, new),
            None => keys.add("host"),
        }
    }
    keys.0
}

#[derive(Default)]
struct Keys(Vec<String>);

impl Keys {
    fn add(&mut self, key: &str) {
        self.0.push(key.to_owned());
    }

    fn compare<T: PartialEq + ?Sized>(&mut self, key: &str, old: &T, new: &T) {
        if old != new {
            self.add(key);
        }
    }

    fn compare_server(&mut self, old: &ServerSettings, new: &ServerSettings) {
        let ServerSettings {
            config,
            listen,
            names,
            tls,
            accept_server_auth_only,
        } = old;
        self.compare("server.listen", listen, &new.listen);
        self.compare("server.names", names, &new.names);
        self.compare("server.tls", tls, &new.tls);
        self.compare(
            "server.tls.accept_server_auth_only",
            accept_server_auth_only,
            &new.accept_server_auth_only,
        );
        let parlor_server::Config {
            domain,
            chat_uri,
            display_name: _,
            listeners: _,
            trusted_pools: _,
            limits,
            legacy_masks,
            session_expires,
            registration_expires,
            registration_grace,
            sign_in,
            post_keys: _,
            control_socket: _,
            reloads: _,
            seed: _,
        } = config;
        let new = &new.config;
        self.compare("server.domain", domain, &new.domain);
        self.compare("server.chat_uri", chat_uri, &new.chat_uri);
        self.compare("server.limits", limits, &new.limits);
        self.compare("server.legacy_masks", legacy_masks, &new.legacy_masks);
        self.compare("server.session_expires", session_expires, &new.session_expires);
        self.compare(
            "server.registration_expires",
            registration_expires,
            &new.registration_expires,
        );
        self.compare(
            "server.registration_grace",
            registration_grace,
            &new.registration_grace,
        );
        self.compare("sign_in", sign_in, &new.sign_in);
    }

    fn compare_host(&mut self, old: &HostSettings, new: &HostSettings) {
        let HostSettings {
            application,
            fqdn,
            pool,
            port,
            gruu,
            server,
            server_name,
            chat_uri,
            register,
            tls,
            ledger,
            feeds,
            operator_room,
            server_control,
            outbox,
            database,
            mail,
            kinds: _,
            instances: _,
        } = old;
        self.compare("host.application", application, &new.application);
        self.compare("host.fqdn", fqdn, &new.fqdn);
        self.compare("host.pool", pool, &new.pool);
        self.compare("host.port", port, &new.port);
        self.compare("host.gruu", gruu, &new.gruu);
        self.compare("host.server", server, &new.server);
        self.compare("host.server_name", server_name, &new.server_name);
        self.compare("host.chat_uri", chat_uri, &new.chat_uri);
        self.compare("host.register", register, &new.register);
        self.compare("host.tls", tls, &new.tls);
        self.compare("host.ledger", ledger, &new.ledger);
        self.compare("host.feeds", feeds, &new.feeds);
        self.compare("host.operator_room", operator_room, &new.operator_room);
        self.compare("host.server_control", server_control, &new.server_control);
        self.compare("host.outbox", outbox, &new.outbox);
        self.compare("host.database", database, &new.database);
        self.compare("host.mail", mail, &new.mail);
    }
}
