//! Who stands behind the SMTP listener: the mailboxes of the channels that are fed by it.
use super::{
    config::{self, Channel},
    inbound::{self, Envelope, Transport},
    smtp_in::{Delivery, Known, Receiver, Taken},
};
use crate::{app::App, error::Result};
use std::collections::BTreeMap;

/// The mailboxes of the installation.
pub(crate) struct Mailboxes(pub(crate) App);

impl Mailboxes {
    /// The channel that takes mail for an address by SMTP.
    async fn channel(&self, recipient: &str) -> Result<Option<Channel>> {
        let (app, recipient) = (self.0.clone(), recipient.to_owned());
        let found = self
            .0
            .db
            .read(move |db| config::by_address(db, &app.secret, &recipient))
            .await?;
        Ok(found.filter(|channel| channel.is_fed_by("smtp")))
    }

    async fn store(&self, delivery: Delivery) -> Result<bool> {
        let mut by_channel = BTreeMap::<i64, (Channel, Vec<String>)>::new();
        for recipient in delivery.recipients {
            if let Some(channel) = self.channel(&recipient).await? {
                let (_, recipients) = by_channel
                    .entry(channel.id.0)
                    .or_insert_with(|| (channel, Vec::new()));
                recipients.push(recipient);
            }
        }
        let known = !by_channel.is_empty();
        for (channel, recipients) in by_channel.into_values() {
            let envelope = Envelope {
                transport: Transport::Smtp,
                from: Some(delivery.mail_from.clone()),
                to: recipients,
                content_type: None,
                is_cut: false,
            };
            inbound::store(&self.0, &channel, &envelope, delivery.raw.clone(), None).await?;
        }
        Ok(known)
    }
}

impl Receiver for Mailboxes {
    async fn knows(&self, recipient: &str) -> Known {
        match self.channel(recipient).await {
            Ok(Some(_)) => Known::Yes,
            Ok(None) => Known::No,
            Err(error) => {
                tracing::error!(%error, "a recipient could not be looked up");
                Known::TryLater
            }
        }
    }

    async fn take(&self, delivery: Delivery) -> Taken {
        match self.store(delivery).await {
            Ok(true) => Taken::Stored,
            Ok(false) => Taken::Refused("no such mailbox here".to_owned()),
            Err(error) => {
                tracing::error!(%error, "a mail could not be stored");
                Taken::TryLater
            }
        }
    }
}
