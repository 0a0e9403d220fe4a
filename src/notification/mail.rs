//! What leaves the desk of notifications, by mail and into operators' chats: what is wanted at once goes within seconds,
//! several things together; the rest once a day, in the morning. In an operator's quiet hours nothing goes; it is not lost
//! but comes after them.
use super::{
    Kind,
    setting::{self, Pace, Settings},
    staff, words,
};
use crate::{
    api::field::{MessageId, NotificationId, OperatorId, TenantId, TicketId},
    app::App,
    channel::{
        email::attribution::MARKERS,
        outbox::{self, Words},
    },
    clock::{DAY, Millis},
    db::{
        Tx,
        sql::{all, first, one, run},
    },
    error::Result,
    lang::Lang,
    notice::{self, Notice},
    tenant,
};
use jiff::{Timestamp, Zoned, civil::Time, tz::TimeZone};
use rusqlite::Connection;
use std::fmt::Write as _;

/// The hour of the digest, in the tenant's time zone.
const MORNING: Time = Time::constant(9, 0, 0, 0);
/// What one mail tells of at most; the rest is counted in it and stays in the desk.
const AT_MOST: usize = 50;
/// How much of what a client wrote stands in a mail.
const EXCERPT: usize = 3000;

/// A way out of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    Mail,
    Chat,
}

impl Road {
    /// The column in which a notification says that it waits to go so.
    const fn column(self) -> &'static str {
        match self {
            Road::Mail => "mail",
            Road::Chat => "chat",
        }
    }
}

/// Writes the mails and the words that are due.
pub(crate) async fn send(app: App) -> Result<()> {
    let waiting = app
        .db
        .read(|db| {
            one(
                db,
                "select exists (select 1 from notification where mail is not null)
                     or exists (select 1 from notification where chat is not null)",
                [],
                |row| row.get::<_, bool>(0),
            )
        })
        .await?;
    if waiting {
        let owner = app.clone();
        app.db.write(move |tx| write(tx, &owner)).await?;
    }
    Ok(())
}

/// An operator whom something waits for.
#[derive(Clone, Debug)]
struct Reader {
    tenant: TenantId,
    operator: OperatorId,
    email: String,
    lang: Lang,
    is_active: bool,
}

/// Something that an operator is to be mailed.
#[derive(Clone, Debug)]
struct News {
    id: NotificationId,
    kind: Kind,
    ticket: Option<TicketId>,
    subject: Option<String>,
    message: Option<MessageId>,
    actor: String,
    detail: String,
    way: Pace,
    at: Millis,
}

fn write(tx: &Tx<'_>, app: &App) -> Result<()> {
    let readers = all(
        tx,
        "select o.tenant_id, o.id, o.email, coalesce(o.locale, t.locale), o.is_active and t.is_active
           from (select tenant_id, operator_id from notification where mail is not null
                  union
                 select tenant_id, operator_id from notification where chat is not null) n
           join operator o on o.tenant_id = n.tenant_id and o.id = n.operator_id
           join tenant t on t.id = o.tenant_id
          order by o.tenant_id, o.id",
        [],
        |row| {
            Ok(Reader {
                tenant: row.get(0)?,
                operator: row.get(1)?,
                email: row.get(2)?,
                lang: row.get(3)?,
                is_active: row.get(4)?,
            })
        },
    )?;
    for reader in readers {
        if !reader.is_active {
            run(
                tx,
                "update notification set mail = null, chat = null
                  where tenant_id = ?1 and operator_id = ?2 and (mail is not null or chat is not null)",
                (reader.tenant, reader.operator),
            )?;
            continue;
        }
        let zone = tenant::by_id(tx, reader.tenant)?.hours.zone().clone();
        let settings = setting::of(tx, reader.tenant, reader.operator)?;
        let Some(due) = Due::at(tx.now, &zone, &settings) else {
            continue;
        };
        for road in [Road::Mail, Road::Chat] {
            let (now, daily): (Vec<News>, Vec<News>) = waiting(tx, &reader, road)?
                .into_iter()
                .filter(|news| due.holds(news))
                .partition(|news| news.way == Pace::Now);
            for (kind, news) in [
                (notice::Kind::Notification, now),
                (notice::Kind::Digest, daily),
            ] {
                if news.is_empty() {
                    continue;
                }
                match road {
                    Road::Mail => mail(tx, app, &reader, kind, &zone, &news)?,
                    Road::Chat => say(tx, app, &reader, kind, &zone, &news)?,
                }
                gone(tx, &reader, road, &news)?;
            }
        }
    }
    Ok(())
}

/// What is due at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    /// What waits for the digest is due if it is older than this.
    digest: Millis,
}

impl Due {
    /// `None` in the quiet hours.
    fn at(now: Millis, zone: &TimeZone, settings: &Settings) -> Option<Due> {
        let local = local(now, zone);
        let minute =
            u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
        if settings
            .quiet
            .as_ref()
            .is_some_and(|quiet| quiet.holds(minute))
        {
            return None;
        }
        let today = local.date().to_datetime(MORNING).to_zoned(zone.clone());
        let morning = today.map_or(now, |at| at.timestamp().as_millisecond());
        // Before the morning it is yesterday's that was the last.
        let digest = if morning <= now {
            morning
        } else {
            morning - DAY
        };
        Some(Due { digest })
    }

    fn holds(self, news: &News) -> bool {
        news.way == Pace::Now || news.at < self.digest
    }
}

fn local(at: Millis, zone: &TimeZone) -> Zoned {
    Timestamp::from_millisecond(at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
}

fn waiting(tx: &Tx<'_>, reader: &Reader, road: Road) -> Result<Vec<News>> {
    let column = road.column();
    all(
        tx,
        &format!(
            "select n.id, n.kind, n.ticket_id, t.subject, n.message_id, n.actor_name, n.detail, n.{column}, n.created_at
               from notification n
               left join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
              where n.tenant_id = ?1 and n.operator_id = ?2 and n.{column} is not null
              order by n.id"
        ),
        (reader.tenant, reader.operator),
        |row| {
            Ok(News {
                id: row.get(0)?,
                kind: row.get(1)?,
                ticket: row.get(2)?,
                subject: row.get(3)?,
                message: row.get(4)?,
                actor: row.get(5)?,
                detail: row.get(6)?,
                way: row.get(7)?,
                at: row.get(8)?,
            })
        },
    )
}

/// Notes that news waits no more to go by a road.
fn gone(tx: &Tx<'_>, reader: &Reader, road: Road, news: &[News]) -> Result<()> {
    let ids: Vec<NotificationId> = news.iter().map(|one| one.id).collect();
    let column = road.column();
    run(
        tx,
        &format!(
            "update notification set {column} = null
              where tenant_id = ?1 and operator_id = ?2 and id in (select value from json_each(?3))"
        ),
        (reader.tenant, reader.operator, serde_json::to_string(&ids)?),
    )?;
    Ok(())
}

/// The ticket that all of the news is about, if it is one.
fn only_ticket(news: &[News]) -> Option<TicketId> {
    let ticket = news.first()?.ticket?;
    news.iter()
        .all(|one| one.ticket == Some(ticket))
        .then_some(ticket)
}

fn mail(
    tx: &Tx<'_>,
    app: &App,
    reader: &Reader,
    kind: notice::Kind,
    zone: &TimeZone,
    news: &[News],
) -> Result<()> {
    let count = news.len().to_string();
    let subject = subject(reader.lang, news);
    let mut text = told(app, reader.lang, zone, news);
    let settings = app.url("/tenant.html#/settings/notifications");
    let operator = reader.operator.to_string();
    let answers = only_ticket(news).map(|ticket| ticket.to_string());
    let (mut above, mut how) = (String::new(), "");
    if answers.is_some() {
        for one in news {
            if let Some(words) = said(tx, reader.tenant, one)? {
                let _ = write!(text, "\n\n{}:\n{words}", one.actor);
            }
        }
        above = format!("{}\n\n", marker(reader.lang));
        how = reader.lang.pick(HOW);
    }
    let mut variables = vec![
        ("subject", subject.as_str()),
        ("count", &count),
        ("news", &text),
        ("settings", &settings),
        ("above", &above),
        ("how", how),
    ];
    if let Some(ticket) = &answers {
        variables.extend([
            (notice::ANSWERS_TICKET, ticket.as_str()),
            (notice::ANSWERS_OPERATOR, &operator),
        ]);
    }
    let notice = Notice {
        kind,
        lang: reader.lang,
        variables: &variables,
        lasts: DAY,
    };
    notice::send(tx, &app.secret, reader.tenant, &reader.email, &notice)
}

/// How a mail about one ticket is answered, in Russian, Kazakh and English.
const HOW: [&str; 3] = [
    "Чтобы ответить клиенту от своего имени, ответьте на это письмо. Ответ, который начинается с #note или #заметка, станет \
     заметкой для коллег.\n\n",
    "Клиентке өз атыңыздан жауап беру үшін осы хатқа жауап жазыңыз. #note не #жазба сөзінен басталған жауап әріптестерге \
     арналған жазба болады.\n\n",
    "To answer the client in your own name, reply to this mail. A reply that begins with #note becomes a note for your \
     colleagues.\n\n",
];

/// The line above which a reply is to be written.
fn marker(lang: Lang) -> &'static str {
    MARKERS
        .iter()
        .find(|(of, _)| *of == lang.as_str())
        .map_or("", |(_, marker)| marker)
}

/// What was written in the message that news is about: what is new of it, not too much.
fn said(conn: &Connection, tenant: TenantId, news: &News) -> Result<Option<String>> {
    // What colleagues write among themselves stays in the desk.
    if news.kind != Kind::Message {
        return Ok(None);
    }
    let found: Option<(String, Option<i64>)> = first(
        conn,
        "select body, quoted_from from message where tenant_id = ?1 and id = ?2 and deleted_at is null",
        (tenant, news.message),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((body, quoted_from)) = found else {
        return Ok(None);
    };
    let units = quoted_from.map_or(usize::MAX, |units| usize::try_from(units).unwrap_or(0));
    let new: Vec<u16> = body.encode_utf16().take(units).collect();
    let new = String::from_utf16_lossy(&new);
    let mut words: String = new.trim().chars().take(EXCERPT).collect();
    if words.len() < new.trim().len() {
        words.push('…');
    }
    Ok((!words.is_empty()).then_some(words))
}

/// Says the news in the operator's chat. One that is gone meanwhile is told nothing; the desk still shows it.
fn say(
    tx: &Tx<'_>,
    app: &App,
    reader: &Reader,
    kind: notice::Kind,
    zone: &TimeZone,
    news: &[News],
) -> Result<()> {
    let Some(chat) = staff::reach(tx, reader.tenant, reader.operator, None)? else {
        return Ok(());
    };
    let mut text = told(app, reader.lang, zone, news);
    if kind == notice::Kind::Digest {
        let heading = reader.lang.pick([
            "Накопилось за день:",
            "Бір күнде жиналғаны:",
            "What came together in a day:",
        ]);
        text = format!("{heading}\n\n{text}");
    }
    outbox::say(tx, &chat, None, &Words::plain(text))
}

/// What a mail of the moment is headed by: its ticket, if it is about one only.
fn subject(lang: Lang, news: &[News]) -> String {
    let Some(first) = news.first() else {
        return String::new();
    };
    let line = match (&first.ticket, &first.subject) {
        (Some(id), Some(subject)) if news.iter().all(|one| one.ticket == first.ticket) => {
            format!("#{id} {subject}")
        }
        _ if news.len() == 1 => words::sentence(lang, first.kind, &first.actor, &first.detail),
        _ => {
            let [before, after] = lang.pick([
                ["Новое для вас: ", ""],
                ["Сізге жаңалық: ", ""],
                ["", " things for you"],
            ]);
            format!("{before}{}{after}", news.len())
        }
    };
    // A rule's words may have lines.
    line.split(char::is_control).collect::<Vec<_>>().join(" ")
}

/// What happened, ticket by ticket in the order of the first news of each.
fn told(app: &App, lang: Lang, zone: &TimeZone, news: &[News]) -> String {
    let shown = &news[..news.len().min(AT_MOST)];
    let mut text = String::new();
    let mut seen: Vec<Option<TicketId>> = Vec::new();
    for one in shown {
        if seen.contains(&one.ticket) {
            continue;
        }
        seen.push(one.ticket);
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        if let (Some(id), Some(subject)) = (one.ticket, &one.subject) {
            let _ = writeln!(text, "#{id} {subject}");
        }
        let lines: Vec<String> = shown
            .iter()
            .filter(|other| other.ticket == one.ticket)
            .map(|other| {
                let at = local(other.at, zone).strftime("%d.%m %H:%M").to_string();
                let said = words::sentence(lang, other.kind, &other.actor, &other.detail);
                format!("{at} — {said}")
            })
            .collect();
        text.push_str(&lines.join("\n"));
        let place = one.ticket.map_or_else(
            || "/tenant.html".to_owned(),
            |id| format!("/tenant.html#/t/{id}"),
        );
        let _ = write!(text, "\n{}", app.url(&place));
    }
    let rest = news.len() - shown.len();
    if rest > 0 {
        let more = lang.pick(["И ещё: ", "Тағы: ", "More in the desk: "]);
        let _ = write!(text, "\n\n{more}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::setting::Quiet;
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Almaty").unwrap()
    }

    fn at(text: &str) -> Millis {
        crate::clock::parse(text).unwrap()
    }

    fn news(way: Pace, at: Millis) -> News {
        News {
            id: NotificationId(1),
            kind: Kind::Message,
            ticket: Some(TicketId(7)),
            subject: Some("Касса".into()),
            message: None,
            actor: "Асем".into(),
            detail: String::new(),
            way,
            at,
        }
    }

    #[test]
    fn the_digest_holds_what_came_before_the_morning_and_comes_once() {
        let due = |now| Due::at(at(now), &zone(), &Settings::default()).unwrap();
        let daily = |when| news(Pace::Digest, at(when));
        // 08:59 in Almaty: what came yesterday at noon waits still.
        assert!(!due("2026-03-19T08:59:00+05:00").holds(&daily("2026-03-18T12:00:00+05:00")));
        assert!(due("2026-03-19T09:00:00+05:00").holds(&daily("2026-03-18T12:00:00+05:00")));
        assert!(!due("2026-03-19T17:00:00+05:00").holds(&daily("2026-03-19T09:30:00+05:00")));
        // What should have gone yesterday goes at any hour, as after a time when the desk did not run.
        assert!(due("2026-03-19T08:00:00+05:00").holds(&daily("2026-03-18T08:00:00+05:00")));
        assert!(
            due("2026-03-19T03:00:00+05:00")
                .holds(&news(Pace::Now, at("2026-03-19T03:00:00+05:00")))
        );
    }

    #[test]
    fn nothing_is_due_in_quiet_hours() {
        let settings = Settings {
            quiet: Some(Quiet {
                from: "22:00".into(),
                to: "08:00".into(),
            }),
            ..Settings::default()
        };
        let due = |now| Due::at(at(now), &zone(), &settings);
        assert_eq!(due("2026-03-19T23:30:00+05:00"), None);
        assert_eq!(due("2026-03-19T07:59:00+05:00"), None);
        assert!(due("2026-03-19T08:00:00+05:00").is_some());
    }

    #[test]
    fn a_mail_about_one_ticket_is_headed_by_it() {
        let one = news(Pace::Now, 0);
        let mut other = news(Pace::Now, 0);
        assert_eq!(subject(Lang::Ru, &[one.clone(), other.clone()]), "#7 Касса");
        other.ticket = None;
        other.subject = None;
        other.kind = Kind::Rule;
        other.detail = "Срочно\nпозвоните".into();
        assert_eq!(subject(Lang::En, &[one, other.clone()]), "2 things for you");
        assert_eq!(subject(Lang::Ru, &[other]), "Срочно позвоните");
    }
}
