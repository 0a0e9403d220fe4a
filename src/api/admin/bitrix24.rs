//! Bitrix24 portals: whose each is, and which of its users are operators.
use super::Deleted;
use crate::{
    access::{
        Operator,
        bitrix24::{
            self,
            store::{self, PortalView},
        },
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Domain, Int, Line, OperatorId, PortalId},
        query,
    },
    client,
    error::{Code, Error, Fault, Result},
    operator,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListBitrix24Portals>(),
    command::<BindBitrix24Portal>(),
    command::<LinkBitrix24User>(),
    command::<UnlinkBitrix24User>(),
    command::<UnbindBitrix24Portal>(),
];

/// Lists the Bitrix24 portals that are bound to the tenant or its clients.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListBitrix24Portals {}
impl Spec for ListBitrix24Portals {
    const NAME: &'static str = "list_bitrix24_portals";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Порталы Битрикс24",
        "Битрикс24 порталдары",
        "List Bitrix24 portals",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<PortalView>;
}
impl Query for ListBitrix24Portals {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<PortalView>> {
        store::list(cx.db, cx.by.tenant)
    }
}

/// Binds a Bitrix24 portal: its users may come in with `domain` and `auth_token` in the body of a call. The tenant's own
/// portal brings operators, each linked by `link_bitrix24_user`; a client's brings users of that client. A client whose
/// `portal_domain` is the portal's own domain needs no binding. Binding again changes what is given.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct BindBitrix24Portal {
    /// The portal's host, with its port if it has one.
    domain: Line,
    /// The client whose portal it is; the tenant's own if left out.
    #[serde(default)]
    portal_domain: Option<Domain>,
    /// The code of the desk's application at the portal, such as `local.69a7c0ffee11.22334455`. Tokens of other applications
    /// are then refused, and an operator has their own role; without it they are an `operator` at most.
    #[serde(default)]
    app_code: Option<Line>,
}
impl Spec for BindBitrix24Portal {
    const NAME: &'static str = "bind_bitrix24_portal";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Привязать портал Битрикс24",
        "Битрикс24 порталын байланыстыру",
        "Bind a Bitrix24 portal",
    ];
    const EXAMPLE: &'static str = r#"{"domain":"our-company.bitrix24.kz"}"#;
    type By = Operator;
    type Output = PortalView;
}
impl Command for BindBitrix24Portal {
    fn run(self, cx: &Write<'_, Operator>) -> Result<PortalView> {
        let tenant = cx.by.tenant;
        let domain = bitrix24::host(&self.domain)
            .ok_or_else(|| Error::invalid("domain", Fault::NotDomain))?;
        let whose = self
            .portal_domain
            .map(|portal| client::by_domain(cx.tx, tenant, &portal))
            .transpose()?;
        let code = self.app_code.as_deref().map(String::as_str);
        let code = code.filter(|code| !code.is_empty());
        let id = store::bind(cx.tx, tenant, &domain, (whose, code), cx.tx.now)?;
        store::by_id(cx.tx, tenant, id)
    }
}

/// Lets a user of the tenant's own portal in as an operator. Nobody is linked by their e-mail.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct LinkBitrix24User {
    /// The portal.
    portal_id: PortalId,
    /// The user's number in the portal.
    user_id: Int,
    /// The operator they are.
    operator_id: OperatorId,
}
impl Spec for LinkBitrix24User {
    const NAME: &'static str = "link_bitrix24_user";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Связать пользователя Битрикс24 с сотрудником",
        "Битрикс24 пайдаланушысын қызметкермен байланыстыру",
        "Link a Bitrix24 user to an operator",
    ];
    const EXAMPLE: &'static str = r#"{"portal_id":1,"user_id":7,"operator_id":2}"#;
    type By = Operator;
    type Output = PortalView;
}
impl Command for LinkBitrix24User {
    fn run(self, cx: &Write<'_, Operator>) -> Result<PortalView> {
        let tenant = cx.by.tenant;
        let portal = store::by_id(cx.tx, tenant, self.portal_id)?;
        if portal.portal_domain.is_some() {
            return Err(Error::new(Code::PortalNotFound).on("portal_id"));
        }
        if self.user_id.0 < 1 {
            return Err(Error::invalid("user_id", Fault::NotPositive));
        }
        let whom = operator::active(cx.tx, tenant, self.operator_id)?;
        if whom.role > cx.by.role {
            let error = Error::new(Code::RoleRequired);
            return Err(error.with("required_role", whom.role.as_str()));
        }
        store::link(cx.tx, (tenant, portal.id), self.user_id.0, whom.id)?;
        store::by_id(cx.tx, tenant, portal.id)
    }
}

/// Lets a user of the tenant's own portal in no more.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UnlinkBitrix24User {
    /// The portal.
    portal_id: PortalId,
    /// The user's number in the portal.
    user_id: Int,
}
impl Spec for UnlinkBitrix24User {
    const NAME: &'static str = "unlink_bitrix24_user";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Отвязать пользователя Битрикс24",
        "Битрикс24 пайдаланушысын ажырату",
        "Unlink a Bitrix24 user",
    ];
    const EXAMPLE: &'static str = r#"{"portal_id":1,"user_id":7}"#;
    type By = Operator;
    type Output = PortalView;
}
impl Command for UnlinkBitrix24User {
    fn run(self, cx: &Write<'_, Operator>) -> Result<PortalView> {
        let tenant = cx.by.tenant;
        let portal = store::by_id(cx.tx, tenant, self.portal_id)?;
        store::unlink(cx.tx, (tenant, portal.id), self.user_id.0)?;
        store::by_id(cx.tx, tenant, portal.id)
    }
}

/// Unbinds a portal: nobody comes in from it any more.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UnbindBitrix24Portal {
    /// The portal.
    portal_id: PortalId,
}
impl Spec for UnbindBitrix24Portal {
    const NAME: &'static str = "unbind_bitrix24_portal";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Отвязать портал Битрикс24",
        "Битрикс24 порталын ажырату",
        "Unbind a Bitrix24 portal",
    ];
    const EXAMPLE: &'static str = r#"{"portal_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for UnbindBitrix24Portal {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let portal = store::by_id(cx.tx, cx.by.tenant, self.portal_id)?;
        store::unbind(cx.tx, cx.by.tenant, portal.id)?;
        Ok(Deleted::of(portal.id.0))
    }
}
