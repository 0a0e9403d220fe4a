//! Channels: what an admin sets up, how their secrets are kept, and how they fare.
use crate::{
    access::secret::Secret,
    api::field::{At, ChannelId, Email, Flag, Int, Line, Name, TenantId, Text},
    clock::Millis,
    db::sql::{all, first, one, run, taken},
    error::{Code, Error, Fault, Result},
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What stands in place of a secret that is set.
pub(crate) const HIDDEN: &str = "••••";

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    None,
    Starttls,
    Tls,
}

/// The mail server that takes what the desk sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct SmtpConfig {
    /// Its name or address.
    pub(crate) host: Name,
    /// Its port.
    pub(crate) port: Int,
    /// How the connection is protected; there is no fallback to less.
    pub(crate) security: Security,
    /// The account, if it wants one.
    #[serde(default)]
    pub(crate) username: Option<Line>,
    /// The account's password; write-only.
    #[serde(default)]
    pub(crate) password: Option<String>,
}

/// How mail comes in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "provider", rename_all = "lowercase")]
pub(crate) enum InboundConfig {
    /// Mailgun posts it to the channel's webhook.
    Mailgun {
        /// The HTTP webhook signing key; write-only.
        #[serde(default)]
        signing_key: Option<String>,
    },
    /// It comes to the appliance's own SMTP listener.
    Smtp {},
}

/// The set-up of an e-mail channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct EmailConfig {
    /// The mailbox: people write to it, and answers come from it.
    pub(crate) address: Email,
    /// The name that answers come from.
    #[serde(default)]
    pub(crate) from_name: Option<Line>,
    /// What stands below each answer.
    #[serde(default)]
    pub(crate) signature: Option<Text>,
    /// Whether a mail that opens a ticket is acknowledged; no if left out.
    #[serde(default)]
    pub(crate) acknowledge: Flag,
    /// Where answers are handed over.
    pub(crate) smtp: SmtpConfig,
    /// How mail comes in.
    pub(crate) inbound: InboundConfig,
}

/// The secrets of a channel, kept sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smtp_password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signing_key: Option<String>,
}

impl EmailConfig {
    /// Checks what no single field can, and takes the secrets out: what is left may be read back. A secret that is left
    /// out or comes back as it was shown keeps its value.
    pub(crate) fn split(self, before: Option<&Channel>) -> Result<(Value, Secrets)> {
        let none = Secrets::default();
        let kept = before.map_or(&none, |channel| &channel.secrets);
        let port = self.smtp.port.0;
        if !(1..=65_535).contains(&port) {
            return Err(Error::invalid(
                "config.smtp.port",
                Fault::OutOfRange(1, 65_535),
            ));
        }
        let set = |given: Option<String>, kept: &Option<String>| match given {
            None => kept.clone(),
            Some(text) if text == HIDDEN => kept.clone(),
            Some(text) => Some(text).filter(|t| !t.is_empty()),
        };
        // A password goes to the server it was given for and to no other.
        let elsewhere = before.is_some_and(|channel| {
            channel.text("/smtp/host") != self.smtp.host.as_str()
                || channel.config["smtp"]["port"] != port
                || channel.config["smtp"]["security"] != json!(self.smtp.security)
        });
        let given = self.smtp.password.as_deref().is_some_and(|p| p != HIDDEN);
        if elsewhere && kept.smtp_password.is_some() && !given {
            return Err(Error::missing("config.smtp.password"));
        }
        let mut secrets = Secrets {
            smtp_password: set(self.smtp.password, &kept.smtp_password),
            signing_key: None,
        };
        let inbound = match self.inbound {
            InboundConfig::Smtp {} => json!({ "provider": "smtp" }),
            InboundConfig::Mailgun { signing_key } => {
                secrets.signing_key = set(signing_key, &kept.signing_key);
                if secrets.signing_key.is_none() {
                    return Err(Error::missing("config.inbound.signing_key"));
                }
                json!({ "provider": "mailgun" })
            }
        };
        let mut smtp = Map::new();
        smtp.insert("host".into(), self.smtp.host.0.into());
        smtp.insert("port".into(), port.into());
        smtp.insert("security".into(), serde_json::to_value(self.smtp.security)?);
        if let Some(username) = self.smtp.username.filter(|u| !u.is_empty()) {
            smtp.insert("username".into(), username.0.into());
        }
        let config = json!({
            "address": self.address.0,
            "from_name": self.from_name.map(|n| n.0).unwrap_or_default(),
            "signature": self.signature.map(|s| s.0).unwrap_or_default(),
            "acknowledge": self.acknowledge.0,
            "smtp": smtp,
            "inbound": inbound,
        });
        Ok((config, secrets))
    }
}

/// A channel with its secrets, as the adapters need it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) address: String,
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
        if self.secrets.signing_key.is_some() {
            config["inbound"]["signing_key"] = HIDDEN.into();
        }
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
        "select * from channel where address in (?1, ?2) and is_active order by address = ?1 desc limit 1",
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

pub(crate) fn insert(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    name: &str,
    (config, secrets): (Value, Secrets),
    now: Millis,
) -> Result<ChannelId> {
    run(
        conn,
        "insert into channel (tenant_id, type, name, address, config, secrets, created_at)
         values (?1, 'email', ?2, ?3, ?4, ?5, ?6)",
        (
            tenant,
            name,
            config["address"].as_str(),
            config.to_string(),
            secret.seal(&serde_json::to_vec(&secrets)?)?,
            now,
        ),
    )
    .map_err(address_taken)?;
    Ok(ChannelId(conn.last_insert_rowid()))
}

pub(crate) fn update(conn: &Connection, secret: &Secret, channel: &Channel) -> Result<()> {
    run(
        conn,
        "update channel set name = ?3, address = ?4, config = ?5, secrets = ?6, is_active = ?7
          where tenant_id = ?1 and id = ?2",
        (
            channel.tenant,
            channel.id,
            &channel.name,
            channel.config["address"].as_str(),
            channel.config.to_string(),
            secret.seal(&serde_json::to_vec(&channel.secrets)?)?,
            channel.is_active,
        ),
    )
    .map_err(address_taken)?;
    Ok(())
}

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
    run(
        conn,
        "update ticket set channel_id = null where tenant_id = ?1 and channel_id = ?2",
        (tenant, id),
    )?;
    run(
        conn,
        "update message set delivery_status = 'failed', delivery_error = 'the channel was deleted'
          where tenant_id = ?1 and id in (select message_id from outbox where tenant_id = ?1 and channel_id = ?2 and state = 'queued')",
        (tenant, id),
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

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelState {
    Connected,
    Error,
    Disabled,
}

/// How a channel fares.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChannelStatus {
    /// The channel.
    pub(crate) id: ChannelId,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether it is switched on.
    pub(crate) is_active: bool,
    /// Whether it works.
    pub(crate) status: ChannelState,
    /// What went wrong last, until something goes right again.
    pub(crate) last_error: Option<String>,
    /// When something last came in.
    pub(crate) last_inbound_at: Option<At>,
    /// When something last went out.
    pub(crate) last_outbound_at: Option<At>,
    /// How much waits to go out.
    pub(crate) queued: i64,
    /// Where a provider posts to.
    pub(crate) webhook_url: String,
}

pub(crate) fn statuses(
    conn: &Connection,
    tenant: TenantId,
    url: impl Fn(ChannelId, &str) -> String,
) -> Result<Vec<ChannelStatus>> {
    all(
        conn,
        "select c.id, c.type, c.name, c.is_active, c.last_error, c.last_inbound_at, c.last_outbound_at,
                (select count(*) from outbox o where o.tenant_id = c.tenant_id and o.channel_id = c.id and o.state = 'queued')
           from channel c
          where c.tenant_id = ?1
          order by c.id",
        [tenant],
        |row| {
            let (id, kind): (ChannelId, String) = (row.get(0)?, row.get(1)?);
            let (is_active, last_error): (bool, Option<String>) = (row.get(3)?, row.get(4)?);
            Ok(ChannelStatus {
                webhook_url: url(id, &kind),
                id,
                kind,
                name: row.get(2)?,
                is_active,
                status: match (is_active, &last_error) {
                    (false, _) => ChannelState::Disabled,
                    (true, Some(_)) => ChannelState::Error,
                    (true, None) => ChannelState::Connected,
                },
                last_error,
                last_inbound_at: row.get(5)?,
                last_outbound_at: row.get(6)?,
                queued: row.get(7)?,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::field::decode;

    fn config(inbound: Value, password: Value) -> EmailConfig {
        decode(json!({
            "address": "Support@Desk.Example.kz",
            "smtp": { "host": "127.0.0.1", "port": "25", "security": "none", "password": password },
            "inbound": inbound
        }))
        .unwrap()
    }

    fn channel(config: Value, secrets: Secrets) -> Channel {
        Channel {
            id: ChannelId(1),
            tenant: TenantId(1),
            name: "Mail".into(),
            address: String::new(),
            config,
            secrets,
            is_active: true,
        }
    }

    #[test]
    fn secrets_are_taken_out_and_kept_when_they_come_back_hidden() {
        let mailgun = json!({ "provider": "mailgun", "signing_key": "k1" });
        let (shown, secrets) = config(mailgun, json!("p1")).split(None).unwrap();
        assert!(!shown.to_string().contains("p1") && !shown.to_string().contains("k1"));
        assert_eq!(shown["address"], "support@desk.example.kz");

        let hidden = json!({ "provider": "mailgun", "signing_key": HIDDEN });
        let before = channel(shown, secrets.clone());
        let (_, kept) = config(hidden, json!(HIDDEN)).split(Some(&before)).unwrap();
        assert_eq!(kept, secrets);
        let (_, cleared) = config(json!({ "provider": "smtp" }), json!(""))
            .split(Some(&before))
            .unwrap();
        assert_eq!(cleared, Secrets::default());
    }

    #[test]
    fn a_password_does_not_follow_to_another_server() {
        let (mut shown, secrets) = config(json!({ "provider": "smtp" }), json!("p1"))
            .split(None)
            .unwrap();
        shown["smtp"]["host"] = "smtp.elsewhere.example".into();
        let before = channel(shown, secrets);
        for password in [json!(HIDDEN), Value::Null] {
            let error = config(json!({ "provider": "smtp" }), password)
                .split(Some(&before))
                .unwrap_err();
            assert_eq!(error.field(), Some("config.smtp.password"));
        }
        assert!(
            config(json!({ "provider": "smtp" }), json!("p2"))
                .split(Some(&before))
                .is_ok()
        );
    }

    #[test]
    fn a_signed_webhook_needs_its_key() {
        let error = config(json!({ "provider": "mailgun" }), Value::Null)
            .split(None)
            .unwrap_err();
        assert_eq!(error.field(), Some("config.inbound.signing_key"));
    }
}
