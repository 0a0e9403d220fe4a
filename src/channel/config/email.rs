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
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value, json};
use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

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
    /// Certificates in PEM to trust beside the public ones, as of a company's own authority.
    #[serde(default)]
    pub(crate) ca: Option<Text>,
}

/// How mail comes in.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(tag = "provider", rename_all = "lowercase")]
pub(crate) enum InboundConfig {
    /// Mailgun posts it to the channel's webhook.
    Mailgun {
        /// The HTTP webhook signing key; write-only.
        #[schemars(default)]
        signing_key: Option<String>,
    },
    /// SendGrid's Inbound Parse posts it to the channel's webhook.
    Sendgrid {
        /// What the address of the webhook is to bear as `&secret=`, for SendGrid signs nothing; write-only.
        #[schemars(default)]
        secret: Option<String>,
    },
    /// It is fetched from a mailbox on a server by IMAP, and stays there. What the mailbox holds already is left alone.
    Imap {
        /// The server's name or address.
        host: Name,
        /// Its port.
        port: Int,
        /// How the connection is protected; there is no fallback to less.
        security: Security,
        /// The account.
        username: Name,
        /// The account's password; write-only.
        #[schemars(default)]
        password: Option<String>,
        /// The folder to read; `INBOX` if left out.
        #[schemars(default)]
        folder: Option<Line>,
        /// Certificates in PEM to trust beside the public ones, as of a company's own authority.
        #[schemars(default)]
        ca: Option<Text>,
    },
    /// It comes to the appliance's own SMTP listener.
    Smtp {},
}

/// All that any provider may want. Read at once, so that a field that is at fault is known by its name.
#[derive(Deserialize)]
struct InboundFields {
    provider: Provider,
    #[serde(default)]
    signing_key: Option<String>,
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    host: Option<Line>,
    #[serde(default)]
    port: Option<Int>,
    #[serde(default)]
    security: Option<Security>,
    #[serde(default)]
    username: Option<Line>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    folder: Option<Line>,
    #[serde(default)]
    ca: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Provider {
    Mailgun,
    Sendgrid,
    Imap,
    Smtp,
}

impl<'de> Deserialize<'de> for InboundConfig {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<InboundConfig, D::Error> {
        let fields = InboundFields::deserialize(deserializer)?;
        let missing = D::Error::missing_field;
        let name = |line: Option<Line>, field| match line {
            Some(line) if !line.is_empty() => Ok(Name(line.0)),
            _ => Err(missing(field)),
        };
        Ok(match fields.provider {
            Provider::Mailgun => InboundConfig::Mailgun {
                signing_key: fields.signing_key,
            },
            Provider::Sendgrid => InboundConfig::Sendgrid {
                secret: fields.secret,
            },
            Provider::Smtp => InboundConfig::Smtp {},
            Provider::Imap => InboundConfig::Imap {
                host: name(fields.host, "host")?,
                port: fields.port.ok_or_else(|| missing("port"))?,
                security: fields.security.ok_or_else(|| missing("security"))?,
                username: name(fields.username, "username")?,
                password: fields.password,
                folder: fields.folder,
                ca: fields.ca,
            },
        })
    }
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
        let port = port(self.smtp.port, "config.smtp.port")?;
        // A password goes to the server it was given for and to no other.
        let elsewhere = before.is_some_and(|channel| {
            channel.text("/smtp/host") != self.smtp.host.as_str()
                || channel.config["smtp"]["port"] != port
                || channel.config["smtp"]["security"] != json!(self.smtp.security)
        });
        let given = self.smtp.password.as_deref().is_some_and(|p| p != HIDDEN);
        if elsewhere && kept.smtp_password.is_some() && !given {
            return Err(of_another_server("config.smtp.password"));
        }
        let mut secrets = Secrets {
            smtp_password: keep(self.smtp.password, &kept.smtp_password),
            ..Secrets::default()
        };
        // What one provider proves itself by is nothing to another.
        let proof = |provider: &str| {
            let same = before.is_some_and(|channel| channel.is_fed_by(provider));
            same.then(|| kept.signing_key.clone()).flatten()
        };
        let inbound = match self.inbound {
            InboundConfig::Smtp {} => json!({ "provider": "smtp" }),
            InboundConfig::Imap {
                host,
                port,
                security,
                username,
                password,
                folder,
                ca,
            } => {
                let folder = folder.filter(|folder| !folder.is_empty());
                let mut shown = json!({
                    "provider": "imap",
                    "host": host.0,
                    "port": self::port(port, "config.inbound.port")?,
                    "security": security,
                    "username": username.0,
                    "folder": folder.map_or_else(|| "INBOX".to_owned(), |folder| folder.0),
                });
                if let Some(ca) = certificates(ca, "config.inbound.ca")? {
                    shown["ca"] = ca.into();
                }
                let known = kept.imap_password.is_some();
                let hidden = password.as_deref().is_none_or(|text| text == HIDDEN);
                secrets.imap_password = keep(password, &mailbox_password(before, &shown));
                if secrets.imap_password.is_none() {
                    let field = "config.inbound.password";
                    return Err(match known && hidden {
                        true => of_another_server(field),
                        false => Error::missing(field),
                    });
                }
                shown
            }
            InboundConfig::Sendgrid { secret } => {
                secrets.signing_key = keep(secret, &proof("sendgrid"));
                if secrets.signing_key.is_none() {
                    return Err(Error::missing("config.inbound.secret"));
                }
                json!({ "provider": "sendgrid" })
            }
            InboundConfig::Mailgun { signing_key } => {
                secrets.signing_key = keep(signing_key, &proof("mailgun"));
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
        if let Some(ca) = certificates(self.smtp.ca, "config.smtp.ca")? {
            smtp.insert("ca".into(), ca.into());
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

/// A password is kept, but not for this server.
fn of_another_server(field: &'static str) -> Error {
    Error::invalid(field, Fault::OfAnotherServer)
}

/// The password that is kept of a mailbox: it goes to the server it was given for and to no other.
fn mailbox_password(before: Option<&Channel>, now: &Value) -> Option<String> {
    let before = before?;
    let same = ["provider", "host", "port", "security"]
        .iter()
        .all(|field| before.config["inbound"][field] == now[field]);
    same.then(|| before.secrets.imap_password.clone()).flatten()
}

fn port(port: Int, field: &'static str) -> Result<i64> {
    match port.0 {
        number @ 1..=65_535 => Ok(number),
        _ => Err(Error::invalid(field, Fault::OutOfRange(1, 65_535))),
    }
}

/// Certificates that can be read as such, if there are any.
fn certificates(given: Option<Text>, field: &'static str) -> Result<Option<String>> {
    let Some(text) = given.filter(|text| !text.0.trim().is_empty()) else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.0.as_bytes()) {
        let added = certificate.is_ok_and(|certificate| roots.add(certificate).is_ok());
        if !added {
            return Err(Error::invalid(field, Fault::NotCertificate));
        }
    }
    if roots.is_empty() {
        return Err(Error::invalid(field, Fault::NotCertificate));
    }
    Ok(Some(text.0.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::field::{ChannelId, TenantId, decode},
        channel::config::{ChannelType, Sent},
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
    fn one_setting_is_changed_and_the_others_stay() {
        let inbound = json!({
            "provider": "imap", "host": "imap.example", "port": 993, "security": "tls",
            "username": "help", "password": "p2", "folder": "Desk"
        });
        let (shown, secrets) = config(inbound, json!("p1")).split(None).unwrap();
        let before = channel(shown.clone(), secrets.clone());
        let change = |given: Value| {
            let sent: Sent = serde_json::from_value(given).unwrap();
            sent.split(ChannelType::Email, Some(&before))
        };
        let (now, kept) = change(json!({ "acknowledge": true })).unwrap();
        let mut wanted = shown.clone();
        wanted["acknowledge"] = true.into();
        assert_eq!((now, kept), (wanted, secrets.clone()));
        let (now, kept) = change(json!({ "inbound": { "folder": "INBOX" } })).unwrap();
        let mut wanted = shown;
        wanted["inbound"]["folder"] = "INBOX".into();
        assert_eq!((now, kept), (wanted, secrets));
        // What goes to another server is given again, and another provider begins with nothing.
        for (given, field) in [
            (
                json!({ "smtp": { "host": "smtp.elsewhere" } }),
                "config.smtp.password",
            ),
            (
                json!({ "inbound": { "host": "imap.elsewhere" } }),
                "config.inbound.password",
            ),
        ] {
            let refused = change(given).unwrap_err();
            assert_eq!(refused.field(), Some(field));
            assert!(refused.to_string().contains("another server"), "{refused}");
        }
        let (now, kept) = change(json!({ "inbound": { "provider": "smtp" } })).unwrap();
        assert_eq!(now["inbound"], json!({ "provider": "smtp" }));
        assert_eq!(kept.imap_password, None);
        let (now, _) = change(json!({ "dkim": null })).unwrap();
        assert_eq!(now.get("dkim"), None);
    }

    #[test]
    fn a_mailbox_is_checked_field_by_field() {
        let fault = |field: &str, value: Value| {
            let mut inbound = json!({
                "provider": "imap", "host": "imap.example", "port": 993, "security": "tls",
                "username": "help", "password": "p2"
            });
            inbound[field] = value;
            let body = json!({
                "address": "help@desk.example",
                "smtp": { "host": "127.0.0.1", "port": 25, "security": "none" },
                "inbound": inbound
            });
            let split = decode::<EmailConfig>(body).and_then(|config| config.split(None));
            split.map_err(|error| error.field().unwrap_or_default().to_owned())
        };
        let (shown, secrets) = fault("folder", Value::Null).unwrap();
        assert_eq!(shown["inbound"]["folder"], "INBOX");
        assert_eq!(secrets.imap_password.as_deref(), Some("p2"));
        assert!(!shown.to_string().contains("p2"));
        for (field, value) in [
            ("provider", json!("pop3")),
            ("host", json!("")),
            ("host", Value::Null),
            ("port", json!("abc")),
            ("security", json!("ssl")),
            ("username", json!(5)),
            ("folder", json!({})),
        ] {
            let named = fault(field, value.clone()).unwrap_err();
            assert!(
                named.ends_with(&format!("inbound.{field}")),
                "{named} for {value}"
            );
        }
        for (field, value) in [
            ("port", json!(0)),
            ("password", Value::Null),
            ("ca", json!("no certificate")),
        ] {
            let named = fault(field, value).unwrap_err();
            assert_eq!(named, format!("config.inbound.{field}"));
        }
    }

    #[test]
    fn a_signed_webhook_needs_its_key() {
        let error = config(json!({ "provider": "mailgun" }), Value::Null)
            .split(None)
            .unwrap_err();
        assert_eq!(error.field(), Some("config.inbound.signing_key"));
    }
}
