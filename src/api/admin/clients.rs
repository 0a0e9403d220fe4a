//! Clients and the tokens by which clients enter.
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Amount, Change, Domain, Flag, Int, Line, Name, OperatorId, Text},
        query,
    },
    client::{self, ClientView},
    db::sql::{Page, run},
    error::{Code, Error, Fault, Result},
    lang::Lang,
    operator,
    tariff::{self, hundredths},
    tenant::plan::Scope::{Clients as C, Read as R, Write as W},
    ticket::clock,
    webhook,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListClients>(),
    command::<CreateClient>(),
    command::<ClientSettings>(),
    command::<CreateClientToken>(),
    command::<RevokeClientTokens>(),
];

/// Lists the clients with their settings, hours and tickets.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListClients {
    /// A part of the company's name or of its portal's.
    #[serde(default)]
    search: Option<Line>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100. Without it and `page` all are listed.
    #[serde(default)]
    limit: Option<Int>,
}

/// The part of a list that is asked for; all of it if none is.
pub(crate) fn part(page: Option<Int>, limit: Option<Int>) -> Result<Option<Page>> {
    if page.is_none() && limit.is_none() {
        return Ok(None);
    }
    Page::new(page.map(|p| p.0), limit.map(|l| l.0), Page::MOST).map(Some)
}
impl Spec for ListClients {
    const NAME: &'static str = "list_clients";
    const NEEDS: Needs = Needs::scopes(&[R, C]);
    const TITLE: [&'static str; 3] = ["Список клиентов", "Клиенттер тізімі", "List clients"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<ClientView>;
}
impl Query for ListClients {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ClientView>> {
        let search = self.search.map(|s| s.0).unwrap_or_default();
        let part = part(self.page, self.limit)?;
        client::list(cx.db, cx.by.tenant, None, &search, part, cx.db.now)
    }
}

/// What may be set of a client; what is left out stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct ClientData {
    /// The company.
    #[serde(default)]
    company_name: Option<Name>,
    /// The code of its tariff.
    #[serde(default)]
    tariff_plan: Option<Name>,
    /// The hours its plan includes each month; null for its tariff's.
    #[serde(default)]
    hours_per_month: Change<Amount>,
    /// What an hour beyond the plan costs; null for its tariff's rate.
    #[serde(default)]
    hourly_rate: Change<Amount>,
    /// The operator who looks after it; null for nobody.
    #[serde(default)]
    responsible_id: Change<OperatorId>,
    /// The language its people are written to in.
    #[serde(default)]
    locale: Option<Lang>,
    /// What the desk notes about it.
    #[serde(default)]
    notes: Option<Text>,
    /// Whether its people may use the portal.
    #[serde(default)]
    is_active: Option<Flag>,
    /// Whether all its people see all its tickets.
    #[serde(default)]
    shared_tickets: Option<Flag>,
}

impl ClientData {
    fn save(self, cx: &Write<'_, Operator>, domain: &str, field: &'static str) -> Result<()> {
        let (changed, responsible) = match self.responsible_id {
            Change::Keep => (false, None),
            Change::Clear => (true, None),
            Change::Set(id) => {
                operator::by_id(cx.tx, cx.by.tenant, id).map_err(|e| e.on("responsible_id"))?;
                (true, Some(id))
            }
        };
        let (has_hours, hours) = change(self.hours_per_month, |h| h.0);
        let (has_rate, rate) = change(self.hourly_rate, |r| hundredths(r.0));
        if let Some(code) = &self.tariff_plan {
            tariff::must_exist(cx.tx, cx.by.tenant, code, field)?;
        }
        let changed = run(
            cx.tx,
            "update client
                set company_name = coalesce(?3, company_name), tariff_plan = coalesce(?4, tariff_plan),
                    hours_per_month = iif(?13, ?5, hours_per_month), responsible_id = iif(?12, ?6, responsible_id),
                    locale = coalesce(?7, locale), notes = coalesce(?8, notes), is_active = coalesce(?9, is_active),
                    shared_tickets = coalesce(?10, shared_tickets), hourly_rate = iif(?14, ?11, hourly_rate)
              where tenant_id = ?1 and portal_domain = ?2",
            rusqlite::params![
                cx.by.tenant,
                domain,
                self.company_name.map(|n| n.0),
                self.tariff_plan.map(|t| t.0),
                hours,
                responsible,
                self.locale,
                self.notes.map(|n| n.0),
                self.is_active.map(|f| f.0),
                self.shared_tickets.map(|f| f.0),
                rate,
                changed,
                has_hours,
                has_rate,
            ],
        )?;
        if changed == 0 {
            return Err(Error::new(Code::ClientNotFound).on("portal_domain"));
        }
        Ok(())
    }
}

/// Whether a value is changed, and to what.
fn change<T, S>(change: Change<T>, stored: impl FnOnce(T) -> S) -> (bool, Option<S>) {
    match change {
        Change::Keep => (false, None),
        Change::Clear => (true, None),
        Change::Set(value) => (true, Some(stored(value))),
    }
}

/// Makes a client.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateClient {
    /// Its portal's domain, by which everything names it.
    portal_domain: Domain,
    /// The company.
    company_name: Name,
    /// The code of its tariff.
    #[serde(default)]
    tariff_plan: Option<Name>,
    /// The hours its plan includes each month; null for its tariff's.
    #[serde(default)]
    hours_per_month: Change<Amount>,
    /// What an hour beyond the plan costs; null for its tariff's rate.
    #[serde(default)]
    hourly_rate: Change<Amount>,
    /// The operator who looks after it.
    #[serde(default)]
    responsible_id: Change<OperatorId>,
    /// The language its people are written to in.
    #[serde(default)]
    locale: Option<Lang>,
    /// What the desk notes about it.
    #[serde(default)]
    notes: Option<Text>,
    /// Whether its people may use the portal.
    #[serde(default)]
    is_active: Option<Flag>,
    /// Whether all its people see all its tickets.
    #[serde(default)]
    shared_tickets: Option<Flag>,
}
impl Spec for CreateClient {
    const NAME: &'static str = "create_client";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = ["Создать клиента", "Клиент құру", "Create a client"];
    const EXAMPLE: &'static str = r#"{"portal_domain":"new.bitrix24.kz","company_name":"ТОО «Новый клиент»","hours_per_month":10}"#;
    type By = Operator;
    type Output = ClientView;
}
impl Command for CreateClient {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ClientView> {
        let id = client::create(
            cx.tx,
            cx.by.tenant,
            &self.portal_domain,
            &self.company_name,
            cx.tx.now,
        )?;
        let data = ClientData {
            company_name: None,
            tariff_plan: self.tariff_plan,
            hours_per_month: self.hours_per_month,
            hourly_rate: self.hourly_rate,
            responsible_id: self.responsible_id,
            locale: self.locale,
            notes: self.notes,
            is_active: self.is_active,
            shared_tickets: self.shared_tickets,
        };
        data.save(cx, &self.portal_domain, "tariff_plan")?;
        webhook::queue::client_created(cx.tx, cx.by.tenant, id)?;
        client::view(cx.tx, cx.by.tenant, &self.portal_domain, cx.tx.now)
    }
}

/// Changes a client's settings; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ClientSettings {
    /// The client's portal.
    portal_domain: Domain,
    /// What to set.
    data: ClientData,
}
impl Spec for ClientSettings {
    const NAME: &'static str = "client_settings";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = [
        "Настройки клиента",
        "Клиент баптаулары",
        "Change a client's settings",
    ];
    const EXAMPLE: &'static str = r#"{"portal_domain":"client.bitrix24.kz","data":{"hours_per_month":20,"tariff_plan":"standard"}}"#;
    type By = Operator;
    type Output = ClientView;
}
impl Command for ClientSettings {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ClientView> {
        let may_promise_else = self.data.tariff_plan.is_some();
        self.data
            .save(cx, &self.portal_domain, "data.tariff_plan")?;
        if may_promise_else {
            clock::recount(cx.tx, cx.by.tenant)?;
        }
        client::view(cx.tx, cx.by.tenant, &self.portal_domain, cx.tx.now)
    }
}

/// Makes a token by which a user of a client's portal enters without a password.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateClientToken {
    /// The client's portal.
    portal_domain: Domain,
    /// The user in the client's own system; 0 for nobody in particular.
    #[serde(default)]
    user_id: Option<Int>,
    /// What to call the user; `Client` if left out.
    #[serde(default)]
    user_name: Option<Name>,
    /// How long it works, in seconds: 300 to 604800; 86400 if left out.
    #[serde(default)]
    ttl: Option<Int>,
}
/// A token and the addresses it opens.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClientTokenOutput {
    /// The token.
    token: String,
    /// How long it works, in seconds.
    expires_in: i64,
    /// The portal, entered by the token.
    portal_url: String,
    /// The page to embed, entered by the token.
    embed_url: String,
}
impl Spec for CreateClientToken {
    const NAME: &'static str = "create_client_token";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = [
        "Выдать ссылку клиенту",
        "Клиентке сілтеме беру",
        "Create a client token",
    ];
    const EXAMPLE: &'static str = r#"{"portal_domain":"client.bitrix24.kz","user_id":123,"user_name":"Иван Петров","ttl":28800}"#;
    type By = Operator;
    type Output = ClientTokenOutput;
}
impl Command for CreateClientToken {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ClientTokenOutput> {
        let ttl = self.ttl.map_or(86_400, |t| t.0);
        if !(300..=604_800).contains(&ttl) {
            return Err(Error::invalid("ttl", Fault::OutOfRange(300, 604_800)));
        }
        let user_id = self.user_id.map_or(0, |u| u.0);
        if user_id < 0 {
            return Err(Error::invalid("user_id", Fault::OutOfRange(0, i64::MAX)));
        }
        let user = (
            user_id,
            self.user_name.map_or_else(|| "Client".to_owned(), |n| n.0),
        );
        let token = client::token(
            cx.tx,
            cx.app,
            cx.by.tenant,
            &self.portal_domain,
            user,
            ttl,
            cx.tx.now,
        )?;
        Ok(ClientTokenOutput {
            portal_url: cx.app.url(&format!("/index.html?ctoken={token}")),
            embed_url: cx.app.url(&format!("/embed.html?ctoken={token}")),
            token,
            expires_in: ttl,
        })
    }
}

/// Ends the tokens made so far for a client's portal: those of one user, or all. Whoever has one must be given another.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RevokeClientTokens {
    /// The client's portal.
    portal_domain: Domain,
    /// The user in the client's own system, 0 for those without a name; everybody if left out.
    #[serde(default)]
    user_id: Option<Int>,
}
impl Spec for RevokeClientTokens {
    const NAME: &'static str = "revoke_client_tokens";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = [
        "Отозвать ссылки клиента",
        "Клиент сілтемелерін қайтарып алу",
        "Revoke client tokens",
    ];
    const EXAMPLE: &'static str = r#"{"portal_domain":"client.bitrix24.kz","user_id":123}"#;
    type By = Operator;
    type Output = ClientView;
}
impl Command for RevokeClientTokens {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ClientView> {
        let user = self.user_id.map(|u| u.0);
        if user.is_some_and(|user| user < 0) {
            return Err(Error::invalid("user_id", Fault::OutOfRange(0, i64::MAX)));
        }
        client::end_tokens(cx.tx, cx.by.tenant, &self.portal_domain, user, cx.tx.now)?;
        client::view(cx.tx, cx.by.tenant, &self.portal_domain, cx.tx.now)
    }
}
