//! Channels: what an admin sets up, how their secrets are kept, and how they fare.
pub(crate) mod advice;
pub(crate) mod dkim;
pub(crate) mod email;
pub(crate) mod health;
pub(crate) mod messenger;
pub(crate) mod records;

use crate::{
    access::secret::{Purpose, Secret, random_text},
    api::field::{ChannelId, TenantId, decode},
    clock::Millis,
    db::sql::{all, first, one, run, taken},
    error::{Code, Error, Result},
};
use data_encoding::HEXLOWER;
pub(crate) use email::{EmailConfig, Security};
use messenger::{MaxConfig, TelegramConfig, WhatsappConfig};
use rusqlite::{Connection, Row};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What stands in place of a secret that is set.
pub(crate) const HIDDEN: &str = "••••";

/// The types a channel may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelType {
    Email,
    Telegram,
    Whatsapp,
    Max,
}

impl ChannelType {
    const ALL: [ChannelType; 4] = [
        ChannelType::Email,
        ChannelType::Telegram,
        ChannelType::Whatsapp,
        ChannelType::Max,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            ChannelType::Email => "email",
            ChannelType::Telegram => "telegram",
            ChannelType::Whatsapp => "whatsapp",
            ChannelType::Max => "max",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<ChannelType> {
        ChannelType::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

crate::db::sql::text_column!(ChannelType);

/// The set-up of a channel as it is sent; what may stand in it depends on the channel's type.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sent(Map<String, Value>);

impl JsonSchema for Sent {
    fn schema_name() -> Cow<'static, str> {
        "ChannelConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let each = [
            generator.subschema_for::<EmailConfig>(),
            generator.subschema_for::<TelegramConfig>(),
            generator.subschema_for::<WhatsappConfig>(),
            generator.subschema_for::<MaxConfig>(),
        ];
        json_schema!({
            "description": "The set-up of a channel; which of these it is, the channel's type says.",
            "anyOf": each,
        })
    }
}

/// What a faulty field of the set-up is called: as the caller sent it.
#[derive(Deserialize)]
struct Named<T> {
    config: T,
}

impl Sent {
    fn read<T: DeserializeOwned>(self) -> Result<T> {
        let mut named = Map::new();
        named.insert("config".to_owned(), self.0.into());
        Ok(decode::<Named<T>>(named.into())?.config)
    }

    /// What may be read back, and the secrets. What is left out stays as it was, and so does a secret that comes back as it
    /// was shown.
    pub(crate) fn split(
        mut self,
        kind: ChannelType,
        before: Option<&Channel>,
    ) -> Result<(Value, Secrets)> {
        if let Some(Value::Object(kept)) = before.map(|channel| &channel.config) {
            fill(&mut self.0, kept);
        }
        match kind {
            ChannelType::Email => self.read::<EmailConfig>()?.split(before),
            ChannelType::Telegram => self.read::<TelegramConfig>()?.split(before),
            ChannelType::Whatsapp => self.read::<WhatsappConfig>()?.split(before),
            ChannelType::Max => self.read::<MaxConfig>()?.split(before),
        }
    }
}

/// Adds what is kept of a set-up to what was given. Another provider of mail begins with nothing, and the key that signs
/// has a rule of its own.
fn fill(given: &mut Map<String, Value>, kept: &Map<String, Value>) {
    let provider = given.get("provider");
    if provider.is_some_and(|provider| kept.get("provider") != Some(provider)) {
        return;
    }
    for (name, value) in kept.iter().filter(|(name, _)| *name != "dkim") {
        match (given.get_mut(name), value) {
            (None, value) => {
                given.insert(name.clone(), value.clone());
            }
            (Some(Value::Object(given)), Value::Object(kept)) => fill(given, kept),
            (Some(_), _) => {}
        }
    }
}

/// A secret as it was given, or the one that is kept.
fn keep(given: Option<String>, kept: &Option<String>) -> Option<String> {
    match given {
        None => kept.clone(),
        Some(text) if text == HIDDEN => kept.clone(),
        Some(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
    }
}

/// The secrets of a channel, kept sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smtp_password: Option<String>,
    /// What lets us into the mailbox that mail is fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) imap_password: Option<String>,
    /// By what a delivery of mail is known to be the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signing_key: Option<String>,
    /// What signs the mail that leaves, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dkim_key: Option<String>,
    /// What lets us into a messenger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// What a messenger's deliveries bear; made here, known to nobody who looks at the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hook: Option<String>,
}

/// A channel with its secrets, as the adapters need it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: ChannelType,
    pub(crate) name: String,
    pub(crate) address: String,
    /// What the provider calls it.
    pub(crate) handle: Option<String>,
    pub(crate) config: Value,
    pub(crate) secrets: Secrets,
    pub(crate) is_active: bool,
}

impl Channel {
    /// A text of the set-up, empty if it is not set.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.config
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn is_fed_by(&self, provider: &str) -> bool {
        self.text("/inbound/provider") == provider
    }

    /// The secret that the address of the webhook bears, if deliveries are known by nothing else.
    pub(crate) fn secret_in_url(&self) -> Option<&str> {
        let secret = self.secrets.signing_key.as_deref()?;
        self.is_fed_by("sendgrid").then_some(secret)
    }

    /// Whether a mail that opens a ticket is acknowledged.
    pub(crate) fn acknowledges(&self) -> bool {
        self.config["acknowledge"].as_bool().unwrap_or(false)
    }

    /// The name that answers come from.
    pub(crate) fn sender_name(&self) -> &str {
        match self.text("/from_name") {
            "" => &self.name,
            name => name,
        }
    }

    /// The set-up as it may be read back.
    pub(crate) fn shown(&self) -> Value {
        let mut config = self.config.clone();
        if self.secrets.smtp_password.is_some() {
            config["smtp"]["password"] = HIDDEN.into();
        }
        if self.secrets.imap_password.is_some() {
            config["inbound"]["password"] = HIDDEN.into();
        }
        if self.secrets.signing_key.is_some() {
            let field = if self.is_fed_by("sendgrid") {
                "secret"
            } else {
                "signing_key"
            };
            config["inbound"][field] = HIDDEN.into();
        }
        if self.secrets.token.is_some() {
            config[messenger::token_field(self.kind)] = HIDDEN.into();
        }
        dkim::shown(&mut config, &self.secrets);
        config
    }
}

fn read(row: &Row<'_>, secret: &Secret) -> rusqlite::Result<Channel> {
    let broken = |e: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, e)
    };
    let config: String = row.get("config")?;
    let sealed: Vec<u8> = row.get("secrets")?;
    let opened = secret.open(&sealed).map_err(|e| broken(e.into()))?;
    Ok(Channel {
        id: row.get("id")?,
        tenant: row.get("tenant_id")?,
        kind: row.get("type")?,
        handle: row.get("handle")?,
        name: row.get("name")?,
        address: row.get::<_, Option<String>>("address")?.unwrap_or_default(),
        config: serde_json::from_str(&config).map_err(|e| broken(e.into()))?,
        secrets: serde_json::from_slice(&opened).map_err(|e| broken(e.into()))?,
        is_active: row.get("is_active")?,
    })
}

pub(crate) fn by_id(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    id: ChannelId,
) -> Result<Channel> {
    first(
        conn,
        "select * from channel where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| read(row, secret),
    )?
    .ok_or_else(|| Error::new(Code::ChannelNotFound).on("channel_id"))
}

/// Any tenant's channel. For webhooks and workers, which know a channel before they know a tenant.
pub(crate) fn of_any_tenant(
    conn: &Connection,
    secret: &Secret,
    id: ChannelId,
) -> Result<Option<Channel>> {
    first(conn, "select * from channel where id = ?1", [id], |row| {
        read(row, secret)
    })
}

/// The active e-mail channel of a mailbox. A plus tag is not part of the mailbox.
pub(crate) fn by_address(
    conn: &Connection,
    secret: &Secret,
    address: &str,
) -> Result<Option<Channel>> {
    let address = address.trim().trim_matches(['<', '>']).to_lowercase();
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Ok(None);
    };
    let plain = local.split('+').next().unwrap_or(local);
    first(
        conn,
        "select * from channel where address in (?1, ?2) and is_active
            and tenant_id in (select id from tenant where is_active) order by address = ?1 desc limit 1",
        (&address, format!("{plain}@{domain}")),
        |row| read(row, secret),
    )
}

pub(crate) fn list(conn: &Connection, secret: &Secret, tenant: TenantId) -> Result<Vec<Channel>> {
    all(
        conn,
        "select * from channel where tenant_id = ?1 order by id",
        [tenant],
        |row| read(row, secret),
    )
}

/// The channel that new mail conversations of a tenant leave by: its oldest active mailbox.
pub(crate) fn default_email(conn: &Connection, tenant: TenantId) -> Result<Option<ChannelId>> {
    first(
        conn,
        "select id from channel where tenant_id = ?1 and type = 'email' and is_active order by id limit 1",
        [tenant],
        |row| row.get(0),
    )
}

/// All mailboxes of the installation: mail from one of them is our own.
pub(crate) fn mailboxes(conn: &Connection) -> Result<Vec<String>> {
    all(
        conn,
        "select address from channel where address is not null",
        [],
        |row| row.get(0),
    )
}

fn address_taken(error: Error) -> Error {
    taken(error, "channel.address", "config.address")
}

/// What is stored of the secret of a channel's deliveries.
fn hook_hash(secret: &Secret, hook: &str) -> String {
    HEXLOWER.encode(&secret.hash(Purpose::ChannelHook, hook))
}

/// What the database finds a channel by: the mailbox, and the secret of its deliveries.
fn marks(secret: &Secret, config: &Value, secrets: &Secrets) -> (Option<String>, Option<String>) {
    let address = config["address"].as_str().map(str::to_owned);
    let hook = secrets.hook.as_deref();
    (address, hook.map(|h| hook_hash(secret, h)))
}

pub(crate) fn insert(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    (kind, name): (ChannelType, &str),
    (config, mut secrets): (Value, Secrets),
    now: Millis,
) -> Result<ChannelId> {
    if kind != ChannelType::Email {
        secrets.hook = Some(random_text(43)?);
    }
    let (address, hook) = marks(secret, &config, &secrets);
    run(
        conn,
        "insert into channel (tenant_id, type, name, address, handle, config, secrets, hook_hash, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            tenant,
            kind,
            name,
            address,
            config["instance"].as_str(),
            config.to_string(),
            secret.seal(&serde_json::to_vec(&secrets)?)?,
            hook,
            now,
        ),
    )
    .map_err(address_taken)?;
    Ok(ChannelId(conn.last_insert_rowid()))
}

/// Writes back what an admin changed. The provider is told anew where to post.
pub(crate) fn update(conn: &Connection, secret: &Secret, channel: &Channel) -> Result<()> {
    let mut secrets = channel.secrets.clone();
    if channel.kind != ChannelType::Email && secrets.hook.is_none() {
        secrets.hook = Some(random_text(43)?);
    }
    let (address, hook) = marks(secret, &channel.config, &secrets);
    let instance = channel.config["instance"].as_str();
    run(
        conn,
        "update channel
            set name = ?3, address = ?4, config = ?5, secrets = ?6, is_active = ?7, hook_hash = ?8,
                handle = coalesce(?9, handle), hook_set_at = null, inbound_error = null, inbound_error_at = null
          where tenant_id = ?1 and id = ?2",
        (
            channel.tenant,
            channel.id,
            &channel.name,
            address,
            channel.config.to_string(),
            secret.seal(&serde_json::to_vec(&secrets)?)?,
            channel.is_active,
            hook,
            instance,
        ),
    )
    .map_err(address_taken)?;
    Ok(())
}

/// The active channels whose deliveries bear a secret. One secret is one channel's, but that is not for the asker to know.
pub(crate) fn by_hook(
    conn: &Connection,
    secret: &Secret,
    kind: ChannelType,
    hook: &str,
) -> Result<Option<Channel>> {
    let hash = hook_hash(secret, hook);
    first(
        conn,
        "select * from channel where type = ?1 and hook_hash = ?2 and is_active
            and tenant_id in (select id from tenant where is_active)",
        (kind, hash),
        |row| read(row, secret),
    )
}

/// The active channels of a type that the provider calls so. Different servers may use the same name.
pub(crate) fn by_handle(
    conn: &Connection,
    secret: &Secret,
    kind: ChannelType,
    handle: &str,
) -> Result<Vec<Channel>> {
    all(
        conn,
        "select * from channel where type = ?1 and handle = ?2 and is_active
            and tenant_id in (select id from tenant where is_active) order by id limit 100",
        (kind, handle),
        |row| read(row, secret),
    )
}

/// The active messengers of the installation.
pub(crate) fn messengers(conn: &Connection, secret: &Secret) -> Result<Vec<Channel>> {
    all(
        conn,
        "select * from channel where type <> 'email' and is_active
            and tenant_id in (select id from tenant where is_active) order by id",
        [],
        |row| read(row, secret),
    )
}

/// The active channels whose mail is fetched, and whether that fails.
pub(crate) fn fetched(conn: &Connection, secret: &Secret) -> Result<Vec<(Channel, bool)>> {
    all(
        conn,
        "select *, inbound_error is not null as fails from channel
          where type = 'email' and is_active and config ->> '$.inbound.provider' = 'imap'
            and tenant_id in (select id from tenant where is_active) order by id",
        [],
        |row| Ok((read(row, secret)?, row.get("fails")?)),
    )
}

/// Why an answer that waited was not sent, in Russian, Kazakh and English.
const DELETED: [&str; 3] = ["канал удалён", "арна жойылды", "the channel was deleted"];

/// Removes a channel. Its tickets stay; what it had not sent yet is gone with it. While mail that was accepted is still to
/// be worked on, which is a matter of moments, it is not removed.
pub(crate) fn delete(
    conn: &Connection,
    tenant: TenantId,
    id: ChannelId,
    now: Millis,
) -> Result<()> {
    let working: bool = one(
        conn,
        "select exists (select 1 from inbound_event
                         where tenant_id = ?1 and channel_id = ?2 and state = 'received' and next_at <= ?3)",
        (tenant, id, now),
        |row| row.get(0),
    )?;
    if working {
        return Err(Error::unavailable());
    }
    let lang = crate::tenant::by_id(conn, tenant)?.locale;
    run(
        conn,
        "update ticket set channel_id = null where tenant_id = ?1 and channel_id = ?2",
        (tenant, id),
    )?;
    run(
        conn,
        "update message set delivery_status = 'failed', delivery_error = ?3
          where tenant_id = ?1 and id in (select message_id from outbox where tenant_id = ?1 and channel_id = ?2 and state = 'queued')",
        (tenant, id, lang.pick(DELETED)),
    )?;
    match run(
        conn,
        "delete from channel where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )? {
        0 => Err(Error::new(Code::ChannelNotFound).on("channel_id")),
        _ => Ok(()),
    }
}
