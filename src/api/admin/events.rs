//! What came in by the channels and what went out: why a message is where it is, and another go at what was left aside.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{ChannelId, Int, MessageId},
        query,
    },
    channel::{
        chat, config,
        inbound::record::{self, Departure, EventView, OutboxView, Wanted},
        outbox,
    },
    db::sql::Page,
    error::Result,
    tenant::plan::Scope::{Messages as M, Read as R},
    ticket::{Acting, Actor, message, model::Delivery},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListChannelEvents>(),
    query::<ExplainMessage>(),
    command::<ReplayEvent>(),
    query::<ListOutbox>(),
    command::<RetryOutbox>(),
];

/// Which deliveries are wanted.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventState {
    /// Those that wait to be worked on.
    Received,
    /// Those that were worked on.
    Done,
    /// Those that could not be read.
    Failed,
    /// Those that became nothing.
    Ignored,
}

/// Lists what came in by the channels, the newest first, each with what became of it and why.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListChannelEvents {
    /// Only those of this channel.
    #[serde(default)]
    channel_id: Option<ChannelId>,
    /// Only those that stand so.
    #[serde(default)]
    state: Option<EventState>,
    /// The page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a page has, at most 100; 50 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of deliveries.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The deliveries.
    events: Vec<EventView>,
    /// How many there are.
    total: i64,
    /// The page.
    page: i64,
    /// How many a page has.
    limit: i64,
}
impl Spec for ListChannelEvents {
    const NAME: &'static str = "list_channel_events";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Что пришло по каналам",
        "Арналар арқылы не келді",
        "List what came in",
    ];
    const EXAMPLE: &'static str = r#"{"state":"ignored","limit":20}"#;
    type By = Operator;
    type Output = Events;
}
impl Query for ListChannelEvents {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Events> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 50)?;
        if let Some(id) = self.channel_id {
            config::by_id(cx.db, &cx.app.secret, cx.by.tenant, id)?;
        }
        let wanted = Wanted {
            channel: self.channel_id,
            state: match self.state {
                Some(EventState::Received) => Some("received"),
                Some(EventState::Done) => Some("done"),
                Some(EventState::Failed) => Some("failed"),
                Some(EventState::Ignored) | None => None,
            },
            ignored: matches!(self.state, Some(EventState::Ignored)),
        };
        let (events, total) = record::page(cx.db, cx.by.tenant, &wanted, page, cx.call.lang)?;
        Ok(Events {
            events,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Tells why a message is where it is: the deliveries that it came by and speak of it, with the rule that decided, and
/// for one of ours every attempt to send it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExplainMessage {
    /// The message.
    message_id: MessageId,
}
/// A message's ways in and out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Explanation {
    /// The message.
    id: MessageId,
    /// What came in about it, the oldest first.
    events: Vec<EventView>,
    /// How it went out.
    deliveries: Vec<Departure>,
    /// How it fared.
    delivery_status: Option<Delivery>,
    /// Why it did not arrive.
    delivery_error: Option<String>,
    /// What the provider calls it.
    external_ids: Vec<String>,
}
impl Spec for ExplainMessage {
    const NAME: &'static str = "explain_message";
    const NEEDS: Needs = Needs::scopes(&[R, M]);
    const TITLE: [&'static str; 3] = [
        "Почему сообщение здесь",
        "Хабарлама неге осында",
        "Explain where a message is",
    ];
    const EXAMPLE: &'static str = r#"{"message_id":1}"#;
    type By = Operator;
    type Output = Explanation;
}
impl Query for ExplainMessage {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Explanation> {
        let (tenant, id) = (cx.by.tenant, self.message_id);
        message::by_id(cx.db, tenant, id)?;
        let (delivery_status, delivery_error) = record::fate(cx.db, tenant, id)?;
        Ok(Explanation {
            id,
            events: record::of_message(cx.db, tenant, id, cx.call.lang)?,
            deliveries: record::departures(cx.db, tenant, id)?,
            delivery_status,
            delivery_error,
            external_ids: chat::externals(cx.db, tenant, id)?,
        })
    }
}

/// Works again on a delivery that failed or was left aside, as after a mistake in a channel's set-up was mended. One that has
/// become a message stays what it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReplayEvent {
    /// The delivery.
    event_id: Int,
}
impl Spec for ReplayEvent {
    const NAME: &'static str = "replay_event";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Разобрать входящее заново",
        "Келгенді қайта қарау",
        "Work on a delivery again",
    ];
    const EXAMPLE: &'static str = r#"{"event_id":1}"#;
    type By = Operator;
    type Output = EventView;
}
impl Command for ReplayEvent {
    fn run(self, cx: &Write<'_, Operator>) -> Result<EventView> {
        let (tenant, id) = (cx.by.tenant, self.event_id.0);
        let event = record::by_id(cx.tx, tenant, id, cx.call.lang)?;
        record::replay(cx.tx, tenant, &event)?;
        record::by_id(cx.tx, tenant, id, cx.call.lang)
    }
}

/// What of the outbox is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutboxState {
    /// What waits to leave.
    Queued,
    /// What could not be sent and was given up.
    #[default]
    Failed,
}

/// Lists what waits to leave by the channels, or could not and was given up, the newest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListOutbox {
    /// Only by this channel.
    #[serde(default)]
    channel_id: Option<ChannelId>,
    /// What is wanted; what was given up if left out.
    #[serde(default)]
    state: OutboxState,
    /// The page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a page has, at most 100; 50 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of the outbox.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outbox {
    /// What waits or was given up.
    items: Vec<OutboxView>,
    /// How many there are.
    total: i64,
    /// The page.
    page: i64,
    /// How many a page has.
    limit: i64,
}
impl Spec for ListOutbox {
    const NAME: &'static str = "list_outbox";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Что не ушло по каналам",
        "Арналар арқылы не кетпеді",
        "List what has not left",
    ];
    const EXAMPLE: &'static str = r#"{"state":"failed","limit":20}"#;
    type By = Operator;
    type Output = Outbox;
}
impl Query for ListOutbox {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Outbox> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 50)?;
        if let Some(id) = self.channel_id {
            config::by_id(cx.db, &cx.app.secret, cx.by.tenant, id)?;
        }
        let state = match self.state {
            OutboxState::Queued => "queued",
            OutboxState::Failed => "failed",
        };
        let wanted = (self.channel_id, state);
        let (items, total) = record::outbox(cx.db, cx.by.tenant, wanted, page, cx.call.lang)?;
        Ok(Outbox {
            items,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Sends again what was given up, as after the reason was mended. What has left of it does not leave again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RetryOutbox {
    /// Its number in the outbox.
    outbox_id: Int,
}
/// What is sent again.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Retried {
    /// Its number in the outbox.
    id: i64,
}
impl Spec for RetryOutbox {
    const NAME: &'static str = "retry_outbox";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Отправить неотправленное заново",
        "Жіберілмегенді қайта жіберу",
        "Send again what was given up",
    ];
    const EXAMPLE: &'static str = r#"{"outbox_id":1}"#;
    type By = Operator;
    type Output = Retried;
}
impl Command for RetryOutbox {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Retried> {
        let acting = Acting::new(cx.tx, cx.by.tenant, Actor::operator(cx.by));
        outbox::resume(&acting, self.outbox_id.0)?;
        Ok(Retried {
            id: self.outbox_id.0,
        })
    }
}
