//! Who is asking: sessions, API keys, client tokens, widget keys. What each may do is in [`rules`]; where they are kept
//! is in [`store`].
pub(crate) mod bitrix24;
pub(crate) mod client_token;
pub(crate) mod guesses;
pub(crate) mod mobile;
pub(crate) mod password;
pub(crate) mod rules;
pub(crate) mod secret;
pub(crate) mod store;
pub(crate) mod throttle;
pub(crate) mod totp;

use crate::{
    api::field::{ClientId, ContactId, KeyId, MobileSessionId, OperatorId, PortalId, TenantId},
    lang::Lang,
    tenant::plan::{Limits, Plan, Scope},
};
use rules::Role;

/// Whoever makes a call, as far as the credential says.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    Anonymous,
    Operator(Operator),
    Client(ClientUser),
    Widget(WidgetSite),
}

/// How an operator proved who they are.
#[derive(Clone, Debug)]
pub(crate) enum Via {
    Session {
        id: i64,
    },
    Key {
        id: KeyId,
        scopes: Vec<Scope>,
    },
    Mobile {
        id: MobileSessionId,
    },
    /// By the token of a user of the tenant's Bitrix24 portal.
    Portal {
        id: PortalId,
        user: i64,
    },
}

/// Somebody of the tenant's staff, or a key that acts for them.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) tenant: TenantId,
    pub(crate) plan: Plan,
    /// What their tenant may use.
    pub(crate) limits: Limits,
    pub(crate) id: OperatorId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The operator's own `can_edit`; see [`Operator::can_edit`].
    pub(crate) may_edit: bool,
    pub(crate) via: Via,
    /// How far the database had come when they were let in, where that is known.
    pub(crate) as_of: Option<i64>,
}

impl Operator {
    /// Supervisors and admins may always edit; an operator may unless it was taken away.
    pub(crate) fn can_edit(&self) -> bool {
        self.may_edit || self.role > Role::Operator
    }

    pub(crate) fn by_session(&self) -> bool {
        matches!(self.via, Via::Session { .. })
    }

    /// Who this is, for the log and for telling callers apart.
    pub(crate) fn signature(&self) -> String {
        match &self.via {
            Via::Session { .. } => format!("operator {}", self.id),
            Via::Key { id, .. } => format!("key {id}"),
            Via::Mobile { id } => format!("device {id}"),
            Via::Portal { id, user } => format!("user {user} of portal {id}"),
        }
    }
}

/// A user of a client portal.
#[derive(Clone, Debug)]
pub(crate) struct ClientUser {
    pub(crate) tenant: TenantId,
    pub(crate) plan: Plan,
    /// What their tenant may use.
    pub(crate) limits: Limits,
    pub(crate) client: ClientId,
    pub(crate) portal_domain: String,
    pub(crate) company_name: String,
    pub(crate) user_id: i64,
    pub(crate) user_name: String,
    /// Tells one name-less session from another.
    pub(crate) session: String,
    /// The desk's contact that a mailed link is of.
    pub(crate) contact: Option<ContactId>,
    /// Whether all tickets of the portal are open to all its users.
    pub(crate) shared: bool,
    pub(crate) locale: Option<Lang>,
}

/// A site that shows the widget.
#[derive(Clone, Debug)]
pub(crate) struct WidgetSite {
    pub(crate) tenant: TenantId,
    pub(crate) plan: Plan,
    /// What its tenant may use.
    pub(crate) limits: Limits,
    pub(crate) allowed_origins: Vec<String>,
}

/// The kind of caller an action is written for, taken out of a [`Principal`].
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    fn of(principal: &Principal) -> Option<&Self>;
    /// The tenant it acts in, if it acts in one.
    fn tenant(&self) -> Option<TenantId>;
}

impl Caller for Principal {
    fn of(principal: &Principal) -> Option<&Principal> {
        Some(principal)
    }
    fn tenant(&self) -> Option<TenantId> {
        match self {
            Principal::Anonymous => None,
            Principal::Operator(o) => Some(o.tenant),
            Principal::Client(c) => Some(c.tenant),
            Principal::Widget(w) => Some(w.tenant),
        }
    }
}

macro_rules! caller {
    ($type:ident, $variant:ident) => {
        impl Caller for $type {
            fn of(principal: &Principal) -> Option<&$type> {
                match principal {
                    Principal::$variant(it) => Some(it),
                    _ => None,
                }
            }
            fn tenant(&self) -> Option<TenantId> {
                Some(self.tenant)
            }
        }
    };
}
caller!(Operator, Operator);
caller!(ClientUser, Client);
caller!(WidgetSite, Widget);
