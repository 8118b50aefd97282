//! Endpoints, and whoever delivers what leaves by them apart from rooms: answers to people, removals, mails.

use std::sync::Arc;

use parlor_bot::SipUri;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{Crew, RunningEndpoint};
use crate::config::EndpointConfig;
use crate::courier::Courier;
use crate::endpoint::EndpointTask;
use crate::mail::{MailConfig, MailCourier};
use crate::part::Part;
use crate::reception::{PrivateListeners, Reception};
use crate::remover::Remover;
use crate::shift::Leads;
use crate::status::EndpointStatus;

impl Crew {
    /// The users that bots post as, also those that other hosts lead, and those that are on their way out here.
    pub(crate) fn know_bots(&self, endpoints: &[EndpointConfig]) {
        let configured = endpoints.iter().map(|endpoint| endpoint.user.clone());
        self.bots.are(configured.chain(self.endpoints.keys().cloned()));
    }

    /// Has an endpoint sign in as soon as all is begun that it serves ([`Self::begin_sources`] is the last of it), and
    /// stay signed in; one that does so already is left alone.
    pub(crate) fn begin_endpoint(&mut self, endpoint: &EndpointConfig) {
        let user = endpoint.user.clone();
        self.bots.insert(user.clone());
        if self.endpoints.contains_key(&user) {
            return;
        }
        self.ground.board.add_endpoint(EndpointStatus {
            user: user.clone(),
            state: "idle".to_owned(),
            last_error: None,
        });
        let (chat, offered) = watch::channel(None);
        let (local, signed_in) = watch::channel(None);
        let (bell, private) = (Arc::<Notify>::default(), PrivateListeners::default());
        self.bells.courier(user.as_str(), Some(bell.clone()));
        let finish = self.stops.finish.child_token();
        let courier = Courier {
            ground: self.ground.clone(),
            user: user.clone(),
            bell: bell.clone(),
            endpoint: signed_in,
            finish: finish.clone(),
        };
        let courier = Part::begin(&mut self.tasks.senders, finish, courier.run());
        let remover = self.begin_remover(&user);
        let leave = self.stops.leave.child_token();
        let task = EndpointTask {
            ground: self.ground.clone(),
            endpoint: endpoint.clone(),
            service: self.service.clone(),
            chat,
            local,
            reception: Reception {
                ground: self.ground.clone(),
                user: user.clone(),
                listeners: private.clone(),
                bots: self.bots.clone(),
                intake: self.stops.intake.clone(),
            },
            leave: leave.clone(),
        };
        let complete = self.complete.clone();
        let task = async move {
            complete.cancelled().await;
            task.run().await;
        };
        let part = Part::begin(&mut self.tasks.connections, leave, task);
        let running = RunningEndpoint {
            chat: offered,
            private,
            bell,
            courier,
            remover,
            part,
        };
        self.endpoints.insert(user, running);
    }

    /// Begins to deliver the mails that are for this host, when there is a server for them.
    pub(crate) fn begin_mail(&mut self, leads: &Leads) {
        let Some(config) = &self.mail else { return };
        self.bells.mail(self.mail_bell.clone());
        let (ground, config) = (self.ground.clone(), MailConfig::clone(config));
        let (bell, finish) = (self.mail_bell.clone(), self.stops.finish.child_token());
        let courier = MailCourier::new(ground, config, leads.clone(), bell, finish.clone());
        self.mail_courier = Some(Part::begin(&mut self.tasks.senders, finish, courier.run()));
    }

    /// Ends to deliver mail; a mail that is under way is finished until the deadline.
    pub(crate) async fn end_mail(&mut self, deadline: Instant) {
        if let Some(courier) = self.mail_courier.take() {
            courier.end(deadline).await;
        }
    }

    /// What bots of a user want to be removed is, where this host may have it removed.
    fn begin_remover(&mut self, user: &SipUri) -> Option<(Arc<Notify>, Part)> {
        let server = self.server_control.clone()?;
        let (bell, finish) = (Arc::<Notify>::default(), self.stops.finish.child_token());
        self.bells.remover(user.as_str(), Some(bell.clone()));
        let remover = Remover {
            ground: self.ground.clone(),
            user: user.clone(),
            server,
            bell: bell.clone(),
            finish: finish.clone(),
        };
        Some((bell, Part::begin(&mut self.tasks.senders, finish, remover.run())))
    }
}
