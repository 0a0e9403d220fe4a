//! Deliveries as they reach us: stored as they came, before anything is made of them.
use crate::{
    app::App,
    channel::config::Channel,
    db::sql::run,
    error::{Error, Result},
    signal::Signal,
};
use serde::{Deserialize, Serialize};
use tokio::task;

/// How a delivery reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    Smtp,
    MailgunForm,
    MailgunEvent,
    SendgridForm,
    Imap,
    /// JSON of a messenger: posted to us, or asked for.
    Messenger,
}

/// What the transport said beside the mail itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) transport: Transport,
    /// The sender's address; empty for the null sender.
    pub(crate) from: Option<String>,
    pub(crate) to: Vec<String>,
    /// The type of a webhook's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    /// Whether only the beginning of the mail was taken, for the whole is too large.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_cut: bool,
}

/// A delivery before it is stored.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) envelope: Envelope,
    pub(crate) raw: Vec<u8>,
    /// What makes it the same when it is repeated.
    pub(crate) token: Option<String>,
}

impl Delivery {
    /// What a messenger told.
    pub(crate) fn told(raw: Vec<u8>, token: Option<String>) -> Delivery {
        let envelope = Envelope {
            transport: Transport::Messenger,
            from: None,
            to: Vec::new(),
            content_type: None,
            is_cut: false,
        };
        Delivery {
            envelope,
            raw,
            token,
        }
    }
}

/// Stores a delivery. When this returns, it is on the disk. A provider's token that came before brings nothing new.
pub(crate) async fn store(
    app: &App,
    channel: &Channel,
    envelope: &Envelope,
    raw: Vec<u8>,
    token: Option<String>,
) -> Result<()> {
    let delivery = Delivery {
        envelope: envelope.clone(),
        raw,
        token,
    };
    store_all(app, channel, vec![delivery], None).await
}

/// Stores deliveries together with how far the channel has now read, all or none.
pub(crate) async fn store_all(
    app: &App,
    channel: &Channel,
    deliveries: Vec<Delivery>,
    cursor: Option<String>,
) -> Result<()> {
    let (tenant, id) = (channel.tenant, channel.id);
    let blobs = app.blobs.clone();
    let kept = task::spawn_blocking(move || {
        let kept = deliveries.into_iter().map(|delivery| {
            let envelope = serde_json::to_string(&delivery.envelope)?;
            let blob = blobs.put(tenant, &delivery.raw)?;
            Ok((envelope, blob.hash, delivery.token))
        });
        kept.collect::<Result<Vec<_>>>()
    })
    .await
    .map_err(Error::internal)??;
    app.db
        .write(move |tx| {
            for (envelope, hash, token) in &kept {
                run(
                    tx,
                    "insert into inbound_event (tenant_id, channel_id, received_at, next_at, envelope, raw_hash, token)
                     values (?1, ?2, ?3, ?3, ?4, ?5, ?6)
                     on conflict do nothing",
                    (tenant, id, tx.now, envelope, hash, token),
                )?;
            }
            run(
                tx,
                "update channel set last_inbound_at = iif(?4, ?2, last_inbound_at), cursor = coalesce(?3, cursor) where id = ?1",
                (id, tx.now, cursor, !kept.is_empty()),
            )?;
            tx.signal(Signal::Inbound);
            Ok(())
        })
        .await
}

/// Writes down a delivery that the provider does not hand over, where `check` and people find it, together with how far the
/// channel has now read.
pub(crate) async fn set_aside(
    app: &App,
    channel: &Channel,
    envelope: &Envelope,
    why: String,
    cursor: String,
) -> Result<()> {
    let (tenant, id) = (channel.tenant, channel.id);
    let envelope = serde_json::to_string(envelope)?;
    app.db
        .write(move |tx| {
            run(
                tx,
                "insert into inbound_event (tenant_id, channel_id, received_at, next_at, envelope, state, detail)
                 values (?1, ?2, ?3, ?3, ?4, 'failed', ?5)",
                (tenant, id, tx.now, envelope, why),
            )?;
            run(
                tx,
                "update channel set cursor = ?2 where id = ?1",
                (id, cursor),
            )?;
            Ok(())
        })
        .await
}
