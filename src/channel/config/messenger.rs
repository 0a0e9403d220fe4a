//! The set-up of the messengers.
use super::{Channel, ChannelType, HIDDEN, Secrets, keep};
use crate::{
    api::field::{Flag, Line, Name, Text},
    error::{Error, Fault, Result},
};
use hyper::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How what is new reaches us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// The provider posts it to the channel's address, which must be public and https.
    #[default]
    Webhook,
    /// We ask for it; that needs no public address.
    Polling,
}

/// The set-up of a Telegram channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct TelegramConfig {
    /// The bot's token, as BotFather gives it; write-only.
    #[serde(default)]
    pub(crate) bot_token: Option<String>,
    /// The server of the Bot API; the public one if left out.
    #[serde(default)]
    pub(crate) api_base: Option<Line>,
    /// How what is new reaches us.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// What the bot says to who opens it.
    #[serde(default)]
    pub(crate) welcome: Option<Text>,
}

/// The set-up of a WhatsApp channel: an instance of an Evolution API server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct WhatsappConfig {
    /// The server.
    pub(crate) base_url: Line,
    /// The instance's name.
    pub(crate) instance: Name,
    /// The server's key or the instance's; write-only.
    #[serde(default)]
    pub(crate) api_key: Option<String>,
    /// Whether what is said in groups becomes tickets; no if left out.
    #[serde(default)]
    pub(crate) groups: Flag,
}

/// The set-up of a MAX channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct MaxConfig {
    /// The bot's token; write-only.
    #[serde(default)]
    pub(crate) token: Option<String>,
    /// The platform's server; the public one if left out.
    #[serde(default)]
    pub(crate) api_base: Option<Line>,
    /// How what is new reaches us.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// What the bot says to who opens it.
    #[serde(default)]
    pub(crate) welcome: Option<Text>,
}

/// What the set-up calls the token.
pub(super) const fn token_field(kind: ChannelType) -> &'static str {
    match kind {
        ChannelType::Telegram => "bot_token",
        ChannelType::Whatsapp => "api_key",
        ChannelType::Max | ChannelType::Email => "token",
    }
}

/// The address of a server, without what stands behind it.
fn server(field: &'static str, address: &str) -> Result<String> {
    let address = address.trim().trim_end_matches('/');
    let sound = address.parse::<Uri>().is_ok_and(|uri| {
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri
            .authority()
            .is_some_and(|a| !a.as_str().contains('@') && !a.host().is_empty());
        known && plain && uri.query().is_none()
    });
    if sound {
        Ok(address.to_owned())
    } else {
        Err(Error::invalid(field, Fault::NotUrl))
    }
}

/// The secrets after a change: a token goes to the server it was given for and to no other.
fn secrets(
    field: &'static str,
    given: Option<String>,
    before: Option<&Channel>,
    moved: bool,
) -> Result<Secrets> {
    let none = Secrets::default();
    let kept = before.map_or(&none, |channel| &channel.secrets);
    if moved && given.as_deref().is_none_or(|text| text == HIDDEN) {
        return Err(Error::invalid(field, Fault::OfAnotherServer));
    }
    let token = keep(given, &kept.token).ok_or_else(|| Error::missing(field))?;
    // It stands in addresses and headers.
    let sound = token.len() <= 512
        && token
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'\\' | b'%'));
    if !sound {
        return Err(Error::invalid(field, Fault::WrongType));
    }
    Ok(Secrets {
        token: Some(token),
        hook: kept.hook.clone(),
        ..Secrets::default()
    })
}

fn base(given: Option<Line>) -> Result<Option<String>> {
    given
        .filter(|line| !line.is_empty())
        .map(|line| server("config.api_base", &line))
        .transpose()
}

/// What is set up for a bot that has a token and a server.
fn bot(
    (field, token): (&'static str, Option<String>),
    (api_base, mode, welcome): (Option<Line>, Mode, Option<Text>),
    before: Option<&Channel>,
) -> Result<(Value, Secrets)> {
    let base = base(api_base)?;
    let moved = before.is_some_and(|c| c.text("/api_base") != base.as_deref().unwrap_or_default());
    let secrets = secrets(field, token, before, moved)?;
    let mut config = json!({ "mode": mode });
    if let Some(base) = base {
        config["api_base"] = base.into();
    }
    if let Some(welcome) = welcome.filter(|w| !w.trim().is_empty()) {
        config["welcome"] = welcome.0.into();
    }
    Ok((config, secrets))
}

impl TelegramConfig {
    pub(super) fn split(self, before: Option<&Channel>) -> Result<(Value, Secrets)> {
        bot(
            ("config.bot_token", self.bot_token),
            (self.api_base, self.mode, self.welcome),
            before,
        )
    }
}

impl MaxConfig {
    pub(super) fn split(self, before: Option<&Channel>) -> Result<(Value, Secrets)> {
        bot(
            ("config.token", self.token),
            (self.api_base, self.mode, self.welcome),
            before,
        )
    }
}

impl WhatsappConfig {
    pub(super) fn split(self, before: Option<&Channel>) -> Result<(Value, Secrets)> {
        let base = server("config.base_url", &self.base_url)?;
        let moved = before.is_some_and(|c| c.text("/base_url") != base);
        let secrets = secrets("config.api_key", self.api_key, before, moved)?;
        let config =
            json!({ "base_url": base, "instance": self.instance.0, "groups": self.groups.0 });
        Ok((config, secrets))
    }
}

impl Channel {
    /// How what is new reaches us.
    pub(crate) fn mode(&self) -> Mode {
        match self.text("/mode") {
            "polling" => Mode::Polling,
            _ => Mode::Webhook,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::field::{ChannelId, TenantId};
    use crate::channel::config::Sent;

    fn sent(config: Value) -> Sent {
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn a_token_is_taken_out_and_kept_when_it_comes_back_hidden() {
        let first = json!({ "bot_token": "123:secret", "mode": "polling" });
        let (shown, secrets) = sent(first).split(ChannelType::Telegram, None).unwrap();
        assert_eq!(shown, json!({ "mode": "polling" }));
        assert_eq!(secrets.token.as_deref(), Some("123:secret"));
        let before = channel(ChannelType::Telegram, shown, "123:secret");
        assert_eq!(before.shown()["bot_token"], HIDDEN);
        let again = json!({ "bot_token": HIDDEN });
        let (_, kept) = sent(again)
            .split(ChannelType::Telegram, Some(&before))
            .unwrap();
        assert_eq!(kept.token.as_deref(), Some("123:secret"));
        // Another server is not told what was told to the first.
        let elsewhere = json!({ "bot_token": HIDDEN, "api_base": "http://10.0.0.1:8081" });
        let refused = sent(elsewhere).split(ChannelType::Telegram, Some(&before));
        assert_eq!(refused.unwrap_err().field(), Some("config.bot_token"));
    }

    fn channel(kind: ChannelType, config: Value, token: &str) -> Channel {
        let secrets = Secrets {
            token: Some(token.into()),
            ..Secrets::default()
        };
        Channel {
            id: ChannelId(1),
            tenant: TenantId(1),
            kind,
            name: "Bot".into(),
            address: String::new(),
            handle: None,
            config,
            secrets,
            is_active: true,
        }
    }

    #[test]
    fn one_setting_is_changed_and_the_others_stay() {
        let config =
            json!({ "api_base": "http://10.0.0.1:8081", "mode": "webhook", "welcome": "Сәлем" });
        let before = channel(ChannelType::Telegram, config.clone(), "1:a");
        let change = |given: Value| sent(given).split(ChannelType::Telegram, Some(&before));
        for given in [
            json!({ "mode": "polling" }),
            json!({ "mode": "polling", "bot_token": HIDDEN }),
            json!({ "mode": "polling", "api_base": "http://10.0.0.1:8081/" }),
        ] {
            let (now, secrets) = change(given).unwrap();
            let mut wanted = config.clone();
            wanted["mode"] = "polling".into();
            assert_eq!(now, wanted);
            assert_eq!(secrets.token.as_deref(), Some("1:a"));
        }
        // What is emptied goes, and so does the address, for which the token is given again.
        let (now, _) = change(json!({ "welcome": "" })).unwrap();
        assert_eq!(now.get("welcome"), None);
        for api_base in [json!(""), Value::Null, json!("http://10.0.0.2")] {
            let refused = change(json!({ "api_base": api_base })).unwrap_err();
            assert_eq!(refused.field(), Some("config.bot_token"));
            assert!(refused.to_string().contains("another server"), "{refused}");
            let given = json!({ "api_base": api_base, "bot_token": "1:b" });
            assert_eq!(change(given).unwrap().1.token.as_deref(), Some("1:b"));
        }

        let config = json!({ "base_url": "https://wa.example", "instance": "x", "groups": false });
        let before = channel(ChannelType::Whatsapp, config, "key");
        let change = |given: Value| sent(given).split(ChannelType::Whatsapp, Some(&before));
        let (now, secrets) = change(json!({ "groups": true })).unwrap();
        assert_eq!(
            (&now["instance"], &now["groups"]),
            (&json!("x"), &json!(true))
        );
        assert_eq!(secrets.token.as_deref(), Some("key"));
        assert!(change(json!({ "base_url": "https://wa.elsewhere" })).is_err());
    }

    #[test]
    fn a_faulty_field_is_named_as_it_was_sent() {
        let fault = |kind, config: Value| {
            let error = sent(config).split(kind, None).unwrap_err();
            error.field().unwrap_or_default().to_owned()
        };
        assert_eq!(fault(ChannelType::Telegram, json!({})), "config.bot_token");
        assert_eq!(
            fault(
                ChannelType::Telegram,
                json!({ "bot_token": "1:a", "mode": "pigeon" })
            ),
            "config.mode"
        );
        assert_eq!(
            fault(ChannelType::Telegram, json!({ "bot_token": "1:a/../x" })),
            "config.bot_token"
        );
        assert_eq!(
            fault(
                ChannelType::Whatsapp,
                json!({ "instance": "x", "api_key": "k" })
            ),
            "config.base_url"
        );
        assert_eq!(
            fault(
                ChannelType::Whatsapp,
                json!({ "base_url": "wa.example", "instance": "x", "api_key": "k" })
            ),
            "config.base_url"
        );
        assert_eq!(
            fault(
                ChannelType::Max,
                json!({ "token": "k", "api_base": "ftp://x" })
            ),
            "config.api_base"
        );
    }
}
