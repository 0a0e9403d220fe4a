//! Outgoing webhooks for admins and for keys with that scope: endpoints, what was sent to them, and trying them.
use super::Deleted;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{DeliveryId, Flag, Int, Line, List, WebhookId},
        query, task,
    },
    app::App,
    audit,
    db::{Tx, sql::Page},
    error::{Code, Error, Fault, Result},
    outbound_http,
    tenant::plan::{
        Plan,
        Scope::{Read as R, Webhooks as H, Write as W},
    },
    ticket::Actor,
    webhook::{
        self, EventName, Webhook,
        queue::{self, Delivery, State},
        send, sign,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListWebhooks>(),
    task::<CreateWebhook>(),
    task::<UpdateWebhook>(),
    command::<DeleteWebhook>(),
    task::<TestWebhook>(),
    query::<ListWebhookDeliveries>(),
    command::<RedeliverWebhook>(),
];

const READ: Needs = Needs::scopes(&[H, R]).least(Role::Admin).plan(Plan::Pro);
const WRITE: Needs = Needs::scopes(&[H, W]).least(Role::Admin).plan(Plan::Pro);

/// How long a name server is waited for when an address is set.
const NAMING: Duration = Duration::from_secs(5);

/// Checks that an address may be called: it has the form of one and does not lead into a private network. It is checked
/// again whenever it is called.
pub(super) async fn vetted(app: &App, url: &str, field: &str) -> Result<()> {
    if url.chars().count() > 2_000 {
        return Err(Error::invalid(field.to_owned(), Fault::TooLong(2_000)));
    }
    if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains('#') {
        return Err(Error::invalid(field.to_owned(), Fault::NotUrl));
    }
    let reach = app.config.private_targets.of_others();
    let Ok(vetted) = tokio::time::timeout(NAMING, outbound_http::vet(url, reach)).await else {
        return Ok(());
    };
    match vetted {
        Ok(()) => Ok(()),
        // A name that does not resolve yet may do so later; each call will tell.
        Err(outbound_http::Failure::Unreachable(..)) => Ok(()),
        Err(outbound_http::Failure::Address) => {
            Err(Error::invalid(field.to_owned(), Fault::NotUrl))
        }
        Err(failure) => Err(Error::invalid(
            field.to_owned(),
            Fault::NotReachable(failure.to_string()),
        )),
    }
}

/// The key that a call gives, or a new one.
fn key_of(given: Option<String>) -> Result<String> {
    match given.filter(|key| !key.trim().is_empty()) {
        Some(key) if sign::bytes(&key).is_some() => Ok(key.trim().to_owned()),
        Some(_) => Err(Error::invalid("secret", Fault::NotSecret)),
        None => sign::new_key(),
    }
}

fn audited(
    tx: &Tx<'_>,
    by: &Operator,
    call: &crate::api::Call,
    action: &str,
    id: WebhookId,
) -> Result<()> {
    let place = (call.address.to_string(), call.request_id.as_str());
    let subject = format!("{{\"webhook_id\":{id}}}");
    audit::note(tx, by.tenant, &Actor::operator(by), action, &subject, place)
}

/// Lists the outgoing webhooks.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListWebhooks {}
impl Spec for ListWebhooks {
    const NAME: &'static str = "list_webhooks";
    const NEEDS: Needs = READ;
    const TITLE: [&'static str; 3] = ["Список вебхуков", "Вебхуктар тізімі", "List webhooks"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<Webhook>;
}
impl Query for ListWebhooks {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<Webhook>> {
        webhook::list(cx.db, cx.by.tenant, None)
    }
}

/// Adds an endpoint that is told of events. Calls are signed as Standard Webhooks has it; the secret is told here once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateWebhook {
    /// Where it is called, by http or https.
    url: Line,
    /// What it is told of.
    events: List<EventName, 14>,
    /// What its calls are signed with, `whsec_` and 24 to 64 bytes in base64; a new one is made if left out.
    #[serde(default)]
    secret: Option<String>,
}
impl Spec for CreateWebhook {
    const NAME: &'static str = "create_webhook";
    const NEEDS: Needs = WRITE;
    const TITLE: [&'static str; 3] = ["Добавить вебхук", "Вебхук қосу", "Add a webhook"];
    const EXAMPLE: &'static str = r#"{"url":"https://hooks.example.org/desk","events":["ticket.created","ticket.status_changed"]}"#;
    type By = Operator;
    type Output = Webhook;
}
impl Task for CreateWebhook {
    const CREATES: bool = true;

    async fn run(self, cx: Slow<Operator>) -> Result<Webhook> {
        if self.events.0.is_empty() {
            return Err(Error::invalid("events", Fault::Empty));
        }
        let key = key_of(self.secret)?;
        vetted(&cx.app, &self.url, "url").await?;
        let (app, by, call) = (cx.app.clone(), cx.by, cx.call);
        cx.app
            .db
            .write(move |tx| {
                let tenant = by.tenant;
                if webhook::count(tx, tenant)? >= webhook::MOST {
                    return Err(Error::new(Code::PlanLimit)
                        .on("url")
                        .with("limit", webhook::MOST.to_string()));
                }
                let mut events = self.events.0;
                events.sort();
                events.dedup();
                let id =
                    webhook::insert(tx, &app.secret, tenant, &self.url, &events, &key, tx.now)?;
                audited(tx, &by, &call, Self::NAME, id)?;
                Ok(Webhook {
                    secret: Some(key),
                    ..webhook::by_id(tx, tenant, id)?
                })
            })
            .await
    }
}

/// Changes an endpoint; what is left out stays. Switched on again, it is sent what has waited, in order.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateWebhook {
    /// The webhook.
    #[serde(alias = "id")]
    webhook_id: WebhookId,
    /// Where it is called.
    #[serde(default)]
    url: Option<Line>,
    /// What it is told of. With none it is called by triggers only.
    #[serde(default)]
    events: Option<List<EventName, 14>>,
    /// Whether it is switched on.
    #[serde(default)]
    is_active: Option<Flag>,
    /// Another secret.
    #[serde(default)]
    secret: Option<String>,
    /// Whether a new secret is to be made. It is told in the answer, once.
    #[serde(default)]
    new_secret: Flag,
}
impl Spec for UpdateWebhook {
    const NAME: &'static str = "update_webhook";
    const NEEDS: Needs = WRITE;
    const TITLE: [&'static str; 3] = ["Изменить вебхук", "Вебхукты өзгерту", "Update a webhook"];
    const EXAMPLE: &'static str = r#"{"webhook_id":1,"is_active":true}"#;
    type By = Operator;
    type Output = Webhook;
}
impl Task for UpdateWebhook {
    async fn run(self, cx: Slow<Operator>) -> Result<Webhook> {
        let key = match (self.new_secret.0, self.secret) {
            (true, _) => Some(sign::new_key()?),
            (false, Some(given)) => Some(key_of(Some(given))?),
            (false, None) => None,
        };
        let (tenant, id) = (cx.by.tenant, self.webhook_id);
        // Whose webhook it is comes first: nobody learns by it what an address leads to.
        cx.app
            .db
            .read(move |db| webhook::by_id(db, tenant, id).map(drop))
            .await?;
        if let Some(url) = &self.url {
            vetted(&cx.app, url, "url").await?;
        }
        let (app, by, call) = (cx.app.clone(), cx.by, cx.call);
        cx.app
            .db
            .write(move |tx| {
                let mut changed = webhook::by_id(tx, tenant, id)?;
                if let Some(url) = self.url {
                    changed.url = url.0;
                }
                if let Some(events) = self.events {
                    changed.events = events.0;
                    changed.events.sort();
                    changed.events.dedup();
                }
                let on_again = self.is_active.is_some_and(|on| on.0) && !changed.is_active;
                if let Some(on) = self.is_active {
                    changed.is_active = on.0;
                }
                webhook::update(tx, tenant, &changed)?;
                if let Some(key) = &key {
                    webhook::set_key(tx, &app.secret, tenant, id, key)?;
                }
                if on_again {
                    queue::hurry(tx, id)?;
                }
                audited(tx, &by, &call, Self::NAME, id)?;
                Ok(Webhook {
                    secret: key,
                    ..webhook::by_id(tx, tenant, id)?
                })
            })
            .await
    }
}

/// Deletes an endpoint with everything that waits for it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteWebhook {
    /// The webhook.
    #[serde(alias = "id")]
    webhook_id: WebhookId,
}
impl Spec for DeleteWebhook {
    const NAME: &'static str = "delete_webhook";
    const NEEDS: Needs = WRITE;
    const TITLE: [&'static str; 3] = ["Удалить вебхук", "Вебхукты жою", "Delete a webhook"];
    const EXAMPLE: &'static str = r#"{"webhook_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteWebhook {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        webhook::delete(cx.tx, cx.by.tenant, self.webhook_id)?;
        Ok(Deleted::of(self.webhook_id.0))
    }
}

/// Calls an endpoint at once with an event of the type `webhook.test` and answers how it went. What waits is not touched.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TestWebhook {
    /// The webhook.
    #[serde(alias = "id")]
    webhook_id: WebhookId,
}
impl Spec for TestWebhook {
    const NAME: &'static str = "test_webhook";
    const NEEDS: Needs = WRITE;
    const TITLE: [&'static str; 3] = ["Проверить вебхук", "Вебхукты тексеру", "Test a webhook"];
    const EXAMPLE: &'static str = r#"{"webhook_id":1}"#;
    type By = Operator;
    type Output = Delivery;
}
impl Task for TestWebhook {
    async fn run(self, cx: Slow<Operator>) -> Result<Delivery> {
        let (by, id) = (cx.by, self.webhook_id);
        let tenant = by.tenant;
        let call = cx.call;
        let trial = cx
            .app
            .db
            .write(move |tx| {
                webhook::by_id(tx, tenant, id)?;
                audited(tx, &by, &call, Self::NAME, id)?;
                queue::trial(tx, tenant, id)
            })
            .await?;
        let answer = send::attempt(&cx.app, &trial).await;
        cx.app
            .db
            .write(move |tx| {
                queue::tried(tx, &trial, &answer)?;
                queue::by_id(tx, tenant, trial.id)
            })
            .await
    }
}

/// Lists what was or is to be sent, the newest first. It is kept for 30 days.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListWebhookDeliveries {
    /// Deliveries of this webhook only.
    #[serde(default)]
    webhook_id: Option<WebhookId>,
    /// Deliveries that have fared so only.
    #[serde(default)]
    state: Option<State>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100; 20 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of deliveries.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeliveryPage {
    /// The deliveries of this page.
    deliveries: Vec<Delivery>,
    /// How many there are in all.
    total: i64,
    /// Which page this is.
    page: i64,
    /// How many a page has.
    limit: i64,
}
impl Spec for ListWebhookDeliveries {
    const NAME: &'static str = "list_webhook_deliveries";
    const NEEDS: Needs = READ;
    const TITLE: [&'static str; 3] = [
        "Журнал доставки вебхуков",
        "Вебхуктарды жеткізу журналы",
        "List webhook deliveries",
    ];
    const EXAMPLE: &'static str = r#"{"limit":20}"#;
    type By = Operator;
    type Output = DeliveryPage;
}
impl Query for ListWebhookDeliveries {
    fn run(self, cx: &Read<'_, Operator>) -> Result<DeliveryPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 20)?;
        let tenant = cx.by.tenant;
        if let Some(id) = self.webhook_id {
            webhook::by_id(cx.db, tenant, id)?;
        }
        let (deliveries, total) = queue::page(cx.db, tenant, self.webhook_id, self.state, page)?;
        Ok(DeliveryPage {
            deliveries,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Sends a delivery once more, as it was: the same `webhook-id`, the same body.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RedeliverWebhook {
    /// The delivery.
    #[serde(alias = "id")]
    delivery_id: DeliveryId,
}
impl Spec for RedeliverWebhook {
    const NAME: &'static str = "redeliver_webhook";
    const NEEDS: Needs = WRITE;
    const TITLE: [&'static str; 3] = [
        "Отправить вебхук повторно",
        "Вебхукты қайта жіберу",
        "Redeliver a webhook",
    ];
    const EXAMPLE: &'static str = r#"{"delivery_id":1}"#;
    type By = Operator;
    type Output = Delivery;
}
impl Command for RedeliverWebhook {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Delivery> {
        queue::again(cx.tx, cx.by.tenant, self.delivery_id)
    }
}
