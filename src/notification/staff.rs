//! The chat of an operator with the tenant's bot: tied by a code that works once and not for long, lost when the bot is
//! blocked, found again when it is not.
use super::{Kind, News, write};
use crate::{
    api::field::{At, ChannelId, OperatorId, TenantId},
    channel::{
        chat::{self, Chat},
        config::{Channel, ChannelType},
        outbox::{self, Words},
    },
    clock::{MINUTE, Millis},
    db::{
        Tx,
        sql::{all, first, one, run},
    },
    error::Result,
    lang::Lang,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// How long a code works.
pub(crate) const LASTS: Millis = 15 * MINUTE;

/// A bot of the tenant that may be opened by a link.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Bot {
    /// Its channel.
    pub(crate) channel_id: ChannelId,
    /// The channel's type.
    #[serde(rename = "type")]
    pub(crate) kind: ChannelType,
    /// What the channel is called.
    pub(crate) name: String,
    /// What the messenger calls the bot.
    pub(crate) handle: String,
}

/// The bots that somebody may be led to.
pub(crate) fn bots(conn: &Connection, tenant: TenantId) -> Result<Vec<Bot>> {
    all(
        conn,
        "select id, name, handle, type from channel
          where tenant_id = ?1 and type in ('telegram', 'max') and is_active and coalesce(handle, '') <> ''
          order by id",
        [tenant],
        |row| {
            Ok(Bot {
                channel_id: row.get(0)?,
                name: row.get(1)?,
                handle: row.get(2)?,
                kind: row.get(3)?,
            })
        },
    )
}

/// The bots that an operator may be told by.
pub(crate) fn telling(conn: &Connection, tenant: TenantId) -> Result<Vec<Bot>> {
    let mut bots = bots(conn, tenant)?;
    bots.retain(|bot| bot.kind == ChannelType::Telegram);
    Ok(bots)
}

/// Where an operator is told of things in Telegram.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct StaffChat {
    /// The bot's channel.
    pub(crate) channel_id: ChannelId,
    /// What the channel is called.
    pub(crate) channel_name: String,
    /// Who is there, as Telegram says.
    pub(crate) title: String,
    /// Since when.
    pub(crate) since: At,
    /// Whether nothing arrives there any more, because the bot was blocked.
    pub(crate) is_lost: bool,
}

/// The chat of an operator, if there is one.
pub(crate) fn of(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
) -> Result<Option<StaffChat>> {
    first(
        conn,
        "select h.channel_id, n.name, h.title, s.created_at, s.lost_at is not null
           from staff_chat s
           join chat h on h.tenant_id = s.tenant_id and h.id = s.chat_id
           join channel n on n.tenant_id = h.tenant_id and n.id = h.channel_id
          where s.tenant_id = ?1 and s.operator_id = ?2",
        (tenant, operator),
        |row| {
            Ok(StaffChat {
                channel_id: row.get(0)?,
                channel_name: row.get(1)?,
                title: row.get(2)?,
                since: row.get(3)?,
                is_lost: row.get(4)?,
            })
        },
    )
}

/// The chat in which an operator can be told of something now, by a bot other than that of `broken`.
pub(super) fn reach(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
    broken: Option<ChannelId>,
) -> Result<Option<Chat>> {
    let found: Option<i64> = first(
        conn,
        "select h.id from staff_chat s
           join chat h on h.tenant_id = s.tenant_id and h.id = s.chat_id
           join channel n on n.tenant_id = h.tenant_id and n.id = h.channel_id and n.is_active
          where s.tenant_id = ?1 and s.operator_id = ?2 and s.lost_at is null and n.id is not ?3",
        (tenant, operator, broken),
        |row| row.get(0),
    )?;
    match found {
        Some(id) => chat::by_id(conn, tenant, id),
        None => Ok(None),
    }
}

/// Keeps a code for an operator; an earlier one is of no use any more.
pub(crate) fn keep_code(
    tx: &Tx<'_>,
    channel: &Channel,
    operator: OperatorId,
    hash: &[u8; 32],
) -> Result<Millis> {
    run(
        tx,
        "delete from staff_link where tenant_id = ?1 and operator_id = ?2",
        (channel.tenant, operator),
    )?;
    let expires = tx.now + LASTS;
    run(
        tx,
        "insert into staff_link (code_hash, tenant_id, operator_id, channel_id, expires_at) values (?1, ?2, ?3, ?4, ?5)",
        (hash, channel.tenant, operator, channel.id, expires),
    )?;
    Ok(expires)
}

/// Uses up a code. Answers whose it is, if they still work here.
pub(crate) fn use_code(
    tx: &Tx<'_>,
    channel: &Channel,
    hash: &[u8; 32],
) -> Result<Option<OperatorId>> {
    first(
        tx,
        "delete from staff_link
          where code_hash = ?1 and tenant_id = ?2 and channel_id = ?3 and expires_at > ?4
            and operator_id in (select id from operator where tenant_id = ?2 and is_active)
          returning operator_id",
        (hash, channel.tenant, channel.id, tx.now),
        |row| row.get(0),
    )
}

/// Ties a chat to an operator, and says so there. Nobody has two chats, and no chat two operators.
pub(crate) fn tie(tx: &Tx<'_>, chat: &Chat, operator: OperatorId) -> Result<()> {
    run(
        tx,
        "delete from staff_chat where tenant_id = ?1 and (operator_id = ?2 or chat_id = ?3)",
        (chat.tenant, operator, chat.id),
    )?;
    run(
        tx,
        "insert into staff_chat (tenant_id, operator_id, chat_id, created_at) values (?1, ?2, ?3, ?4)",
        (chat.tenant, operator, chat.id, tx.now),
    )?;
    let (name, lang, company): (String, Lang, String) = one(
        tx,
        "select o.name, coalesce(o.locale, t.locale), t.name
           from operator o join tenant t on t.id = o.tenant_id
          where o.tenant_id = ?1 and o.id = ?2",
        (chat.tenant, operator),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let text = lang.pick([
        "Готово: сюда будут приходить уведомления «{company}» для {name}. О чём писать, выбирается в настройках уведомлений.",
        "Дайын: {name} үшін «{company}» хабарландырулары осында келеді. Не туралы жазу керегі хабарландыру баптауларында таңдалады.",
        "Done: what {company} has to tell {name} will come here. What that is you choose in your notification settings.",
    ]);
    // A name brings no holes of its own.
    let text = text
        .split_inclusive('}')
        .map(|part| match part.contains("{company}") {
            true => part.replace("{company}", &company),
            false => part.replace("{name}", &name),
        })
        .collect::<String>();
    outbox::say(tx, chat, None, &Words::plain(text))
}

/// Lets go of an operator's chat.
pub(crate) fn untie(tx: &Tx<'_>, tenant: TenantId, operator: OperatorId) -> Result<()> {
    run(
        tx,
        "delete from staff_chat where tenant_id = ?1 and operator_id = ?2",
        (tenant, operator),
    )?;
    run(
        tx,
        "update notification set chat = null where tenant_id = ?1 and operator_id = ?2 and chat is not null",
        (tenant, operator),
    )?;
    Ok(())
}

/// Somebody takes nothing from a bot any more, or again. If it is an operator's chat, they are told so in the desk.
pub(crate) fn heard(tx: &Tx<'_>, tenant: TenantId, chat: i64, reachable: bool) -> Result<()> {
    let changed: Option<OperatorId> = first(
        tx,
        "update staff_chat set lost_at = iif(?3, null, ?4)
          where tenant_id = ?1 and chat_id = ?2 and (lost_at is null) <> ?3
          returning operator_id",
        (tenant, chat, reachable, tx.now),
        |row| row.get(0),
    )?;
    let Some(operator) = changed.filter(|_| !reachable) else {
        return Ok(());
    };
    run(
        tx,
        "update notification set chat = null where tenant_id = ?1 and operator_id = ?2 and chat is not null",
        (tenant, operator),
    )?;
    let news = News {
        kind: Kind::TelegramOff,
        ticket: None,
        message: None,
        actor: "",
        detail: "",
    };
    write(tx, tenant, operator, news)
}
