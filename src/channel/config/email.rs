//! The set-up of an e-mail channel.
use super::{
    Channel, HIDDEN, Secrets,
    dkim::{self, DkimConfig},
    keep,
};
use crate::{
    api::field::{Email, Flag, Int, Line, Name, Text},
    error::{Error, Fault, Result},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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
    /// What signs the mail that leaves; left out it stays as it is, `null` ends it.
    #[serde(default, deserialize_with = "dkim::given")]
    #[schemars(with = "Option<DkimConfig>")]
    pub(crate) dkim: Option<Option<DkimConfig>>,
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
            smtp_password: keep(self.smtp.password, &kept.smtp_password),
            ..Secrets::default()
        };
        let inbound = match self.inbound {
            InboundConfig::Smtp {} => json!({ "provider": "smtp" }),
            InboundConfig::Mailgun { signing_key } => {
                secrets.signing_key = keep(signing_key, &kept.signing_key);
                if secrets.signing_key.is_none() {
                    return Err(Error::missing("config.inbound.signing_key"));
                }
                json!({ "provider": "mailgun" })
            }
        };
        let dkim = dkim::split(self.dkim, &self.address.0, before, &mut secrets)?;
        let mut smtp = Map::new();
        smtp.insert("host".into(), self.smtp.host.0.into());
        smtp.insert("port".into(), port.into());
        smtp.insert("security".into(), serde_json::to_value(self.smtp.security)?);
        if let Some(username) = self.smtp.username.filter(|u| !u.is_empty()) {
            smtp.insert("username".into(), username.0.into());
        }
        let mut config = json!({
            "address": self.address.0,
            "from_name": self.from_name.map(|n| n.0).unwrap_or_default(),
            "signature": self.signature.map(|s| s.0).unwrap_or_default(),
            "acknowledge": self.acknowledge.0,
            "smtp": smtp,
            "inbound": inbound,
        });
        if let Some(dkim) = dkim {
            config["dkim"] = dkim;
        }
        Ok((config, secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::field::{ChannelId, TenantId, decode},
        channel::config::ChannelType,
    };

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
            kind: ChannelType::Email,
            handle: None,
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
