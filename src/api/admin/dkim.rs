//! The signature under what a mailbox sends: making a key, what is to stand in DNS, and what stands there.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Query, Read, Slow, Spec, Task,
        field::{ChannelId, Name},
        query, task,
    },
    app::App,
    channel::{
        config::{
            self, Channel, ChannelType, dkim,
            records::{self, DnsRecord},
        },
        dns::{self, Finding, Remark, Sender, Standing},
        email,
    },
    error::{Code, Error, Result},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const ACTIONS: &[Action] = &[
    task::<MakeDkimKey>(),
    query::<GetDnsRecords>(),
    task::<CheckDnsRecords>(),
];

/// What is to stand in DNS for a mailbox.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DnsRecords {
    /// The channel.
    channel_id: ChannelId,
    /// The domain that signs what it sends, if one does.
    dkim_domain: Option<String>,
    /// The name of the key within that domain.
    dkim_selector: Option<String>,
    /// The records.
    records: Vec<DnsRecord>,
}

impl DnsRecords {
    fn of(channel: &Channel, app: &App) -> Result<DnsRecords> {
        let text = |pointer: &str| Some(channel.text(pointer).to_owned()).filter(|t| !t.is_empty());
        Ok(DnsRecords {
            channel_id: channel.id,
            dkim_domain: text("/dkim/domain"),
            dkim_selector: text("/dkim/selector"),
            records: wanted(channel, app)?,
        })
    }
}

/// The records that a mailbox is to have.
fn wanted(channel: &Channel, app: &App) -> Result<Vec<DnsRecord>> {
    records::records(channel, app.config.public_name().as_deref())
}

fn mailbox(channel: Channel) -> Result<Channel> {
    if channel.kind == ChannelType::Email {
        Ok(channel)
    } else {
        Err(Error::new(Code::ChannelNotFound).on("channel_id"))
    }
}

/// Makes a key for a mailbox, by which everything that it sends is signed from now on, and tells what is to stand in DNS for it.
/// The private key never leaves the server. A key that was there before is gone; give the new one another selector and leave
/// the old record in DNS for a week, for mail that is still on its way.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MakeDkimKey {
    /// The channel.
    channel_id: ChannelId,
    /// The domain that signs: the mailbox's own, or one above it; its own if left out.
    #[serde(default)]
    domain: Option<Name>,
    /// The name of the key within the domain; `tehprof` if left out.
    #[serde(default)]
    selector: Option<Name>,
}
impl Spec for MakeDkimKey {
    const NAME: &'static str = "make_dkim_key";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Создать ключ подписи DKIM",
        "DKIM қолтаңба кілтін жасау",
        "Make a DKIM key",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1,"selector":"desk2026"}"#;
    type By = Operator;
    type Output = DnsRecords;
}
impl Task for MakeDkimKey {
    async fn run(self, cx: Slow<Operator>) -> Result<DnsRecords> {
        let (app, tenant, id) = (cx.app.clone(), cx.by.tenant, self.channel_id);
        let owner = app.clone();
        let find =
            move |db: &rusqlite::Connection| mailbox(config::by_id(db, &owner.secret, tenant, id)?);
        let looking = find.clone();
        app.db.read(move |db| looking(db)).await?;
        let key = tokio::task::spawn_blocking(email::dkim::make_key)
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
        let (secret, made_by) = (app.secret.clone(), app.clone());
        app.db
            .write(move |tx| {
                let mut channel = find(tx)?;
                let own = channel.address.rsplit_once('@').map_or("", |(_, d)| d);
                let domain = self.domain.map_or(own.to_owned(), |d| d.0);
                let selector = self.selector.map_or("tehprof".to_owned(), |s| s.0);
                let sent = json!({ "domain": domain, "selector": selector, "private_key": key });
                dkim::set(&mut channel, sent).map_err(|error| {
                    error
                        .renamed("config.dkim.domain", "domain")
                        .renamed("config.dkim.selector", "selector")
                })?;
                config::update(tx, &secret, &channel)?;
                DnsRecords::of(&channel, &made_by)
            })
            .await
    }
}

/// Tells what is to stand in DNS so that mail finds a mailbox and receivers believe what it sends: MX unless mail is fetched, SPF,
/// DKIM if it signs, and DMARC. What stands there now is told by `check_dns_records`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetDnsRecords {
    /// The channel.
    channel_id: ChannelId,
}
impl Spec for GetDnsRecords {
    const NAME: &'static str = "get_dns_records";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Записи DNS для ящика",
        "Жәшікке арналған DNS жазбалары",
        "Show a mailbox's DNS records",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1}"#;
    type By = Operator;
    type Output = DnsRecords;
}
impl Query for GetDnsRecords {
    fn run(self, cx: &Read<'_, Operator>) -> Result<DnsRecords> {
        let channel = config::by_id(cx.db, &cx.app.secret, cx.by.tenant, self.channel_id)?;
        DnsRecords::of(&mailbox(channel)?, cx.app)
    }
}

/// Asks DNS what stands there now for a mailbox and compares it with what is to stand there. It takes a few seconds at most; what
/// was changed a moment ago may not have come through yet.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CheckDnsRecords {
    /// The channel.
    channel_id: ChannelId,
}
/// What is to be said of a record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DnsRemark {
    /// The machine's word for it.
    code: &'static str,
    /// The sentence, in the caller's language.
    text: String,
}
/// A record that is to stand in DNS, and what stands there.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckedRecord {
    /// The record that is wanted.
    #[serde(flatten)]
    wanted: DnsRecord,
    /// How what stands there compares with it.
    standing: Standing,
    /// What stands there.
    found: Vec<String>,
    /// What is to be said of it.
    remarks: Vec<DnsRemark>,
}
/// What stands in DNS for a mailbox.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckedRecords {
    /// The channel.
    channel_id: ChannelId,
    /// The records.
    records: Vec<CheckedRecord>,
}
impl Spec for CheckDnsRecords {
    const NAME: &'static str = "check_dns_records";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Проверить записи DNS ящика",
        "Жәшіктің DNS жазбаларын тексеру",
        "Check a mailbox's DNS records",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1}"#;
    type By = Operator;
    type Output = CheckedRecords;
}
impl Task for CheckDnsRecords {
    async fn run(self, cx: Slow<Operator>) -> Result<CheckedRecords> {
        let (app, id, tenant) = (cx.app.clone(), self.channel_id, cx.by.tenant);
        let owner = app.clone();
        let find = move |db: &rusqlite::Connection| config::by_id(db, &owner.secret, tenant, id);
        let channel = mailbox(app.db.read(move |db| find(db)).await?)?;
        let records = wanted(&channel, &app)?;
        let sender = Sender {
            domain: records::domain(&channel).to_lowercase(),
            relay: channel.text("/smtp/host").to_owned(),
        };
        let findings = dns::ask::compare(app.config.dns_server, &sender, &records).await;
        let lang = cx.call.lang;
        let remark = |remark: &Remark| DnsRemark {
            code: remark.code(),
            text: remark.sentence(lang),
        };
        let checked = |(wanted, finding): (DnsRecord, Finding)| CheckedRecord {
            wanted,
            standing: finding.standing,
            found: finding.found,
            remarks: finding.remarks.iter().map(remark).collect(),
        };
        Ok(CheckedRecords {
            channel_id: id,
            records: records.into_iter().zip(findings).map(checked).collect(),
        })
    }
}
