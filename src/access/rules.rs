//! Who may do what, as far as it does not depend on a row of the database. Pure: the whole table is a test.
use super::{Operator, Principal, Via};
use crate::{
    error::{Code, Error, Result},
    tenant::plan::{Plan, Scope},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operator may do, from the least to the most.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Operator,
    Supervisor,
    Admin,
    HeadAdmin,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [
        Role::Operator,
        Role::Supervisor,
        Role::Admin,
        Role::HeadAdmin,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Supervisor => "supervisor",
            Role::Admin => "admin",
            Role::HeadAdmin => "head_admin",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.as_str() == text)
    }
}

crate::db::sql::text_column!(Role);

/// Which kind of caller an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Anybody, without a credential.
    Anyone,
    /// An operator of at least this role.
    Operator(Role),
    /// A user of a client portal.
    Client,
    /// A visitor of a site with the widget.
    Widget,
}

/// What a caller must have before an action runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    pub(crate) audience: Audience,
    /// The scopes an API key must have; `None` refuses keys altogether.
    pub(crate) scopes: Option<&'static [Scope]>,
    pub(crate) plan: Plan,
    /// Whether an operator without `can_edit` is refused.
    pub(crate) editing: bool,
    /// Whether it takes somebody who has signed in: no device's token will do.
    pub(crate) signed_in: bool,
}

impl Needs {
    const fn of(audience: Audience) -> Needs {
        Needs {
            audience,
            scopes: None,
            plan: Plan::Free,
            editing: false,
            signed_in: false,
        }
    }

    pub(crate) const fn anyone() -> Needs {
        Needs::of(Audience::Anyone)
    }
    pub(crate) const fn client() -> Needs {
        Needs::of(Audience::Client)
    }
    pub(crate) const fn widget() -> Needs {
        Needs::of(Audience::Widget)
    }
    /// A signed-in operator of at least `role`.
    pub(crate) const fn role(role: Role) -> Needs {
        Needs::of(Audience::Operator(role))
    }
    /// Somebody who has signed in with a password.
    pub(crate) const fn session() -> Needs {
        let mut needs = Needs::role(Role::Operator);
        needs.signed_in = true;
        needs
    }
    /// An operator, or a key with all of `scopes`.
    pub(crate) const fn scopes(scopes: &'static [Scope]) -> Needs {
        let mut needs = Needs::role(Role::Operator);
        needs.scopes = Some(scopes);
        needs
    }
    /// The same, and the operator, or the one that a key acts for, has at least `role`.
    pub(crate) const fn least(mut self, role: Role) -> Needs {
        self.audience = Audience::Operator(role);
        self
    }
    pub(crate) const fn editing(mut self) -> Needs {
        self.editing = true;
        self
    }
    pub(crate) const fn plan(mut self, plan: Plan) -> Needs {
        self.plan = plan;
        self
    }

    /// The whole of authorisation that needs no row.
    pub(crate) fn met_by(self, caller: &Principal) -> Result<()> {
        let plan = match (self.audience, caller) {
            (Audience::Anyone, _) => return Ok(()),
            (Audience::Operator(role), Principal::Operator(operator)) => {
                self.operator(role, operator)?;
                operator.plan
            }
            (Audience::Client, Principal::Client(client)) => client.plan,
            (Audience::Widget, Principal::Widget(site)) => site.plan,
            _ => return Err(Error::new(Code::NotAuthenticated)),
        };
        if plan < self.plan {
            return Err(Error::new(Code::PlanRequired).with("required_plan", self.plan.as_str()));
        }
        Ok(())
    }

    fn operator(self, role: Role, operator: &Operator) -> Result<()> {
        if let Via::Key { scopes, .. } = &operator.via {
            let Some(needed) = self.scopes else {
                return Err(Error::new(Code::SessionOnly));
            };
            if let Some(lacking) = needed.iter().find(|s| !scopes.contains(s)) {
                return Err(Error::new(Code::MissingScope).with("required_scope", lacking.as_str()));
            }
            // A key that was made on a larger plan keeps its scopes, for when the plan is larger again.
            for scope in needed {
                operator.limits.scope(*scope)?;
            }
        }
        if self.signed_in && !operator.by_session() {
            return Err(Error::new(Code::SessionOnly));
        }
        if operator.role < role {
            return Err(Error::new(Code::RoleRequired).with("required_role", role.as_str()));
        }
        if self.editing && !operator.can_edit() {
            return Err(Error::new(Code::EditingNotAllowed));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::field::{KeyId, MobileSessionId, OperatorId, TenantId},
        tenant::limits,
    };

    fn operator(role: Role, via: Via, plan: Plan, may_edit: bool) -> Principal {
        Principal::Operator(Operator {
            tenant: TenantId(1),
            plan,
            limits: limits::effective(plan, &limits::Overrides::default()),
            id: OperatorId(1),
            name: "Алия".into(),
            role,
            may_edit,
            via,
            as_of: None,
        })
    }

    fn session() -> Via {
        Via::Session { id: 1 }
    }

    fn key(scopes: &[Scope]) -> Via {
        Via::Key {
            id: KeyId(1),
            scopes: scopes.to_vec(),
        }
    }

    fn code(needs: Needs, caller: &Principal) -> Option<Code> {
        needs.met_by(caller).err().map(|e| e.code())
    }

    #[test]
    fn a_role_is_enough_for_itself_and_for_what_is_below_it() {
        for needed in Role::ALL {
            for has in Role::ALL {
                let caller = operator(has, session(), Plan::Free, true);
                let refused = (has < needed).then_some(Code::RoleRequired);
                assert_eq!(code(Needs::role(needed), &caller), refused);
            }
        }
    }

    #[test]
    fn a_key_needs_every_scope_and_never_reaches_a_session_action() {
        let needs = Needs::scopes(&[Scope::Write, Scope::Tickets]);
        let half = operator(
            Role::HeadAdmin,
            key(&[Scope::Write]),
            Plan::Enterprise,
            true,
        );
        assert_eq!(code(needs, &half), Some(Code::MissingScope));
        let whole = operator(
            Role::Operator,
            key(&[Scope::Tickets, Scope::Write]),
            Plan::Pro,
            true,
        );
        assert_eq!(code(needs, &whole), None);
        let all = operator(Role::HeadAdmin, key(&Scope::ALL), Plan::Enterprise, true);
        assert_eq!(
            code(Needs::role(Role::Operator), &all),
            Some(Code::SessionOnly)
        );
    }

    #[test]
    fn a_key_of_a_larger_plan_may_do_no_more_than_the_plan_of_today() {
        let caller = |plan| operator(Role::Admin, key(&Scope::ALL), plan, true);
        for (scope, begins) in [
            (Scope::Read, Plan::Starter),
            (Scope::Write, Plan::Pro),
            (Scope::Webhooks, Plan::Enterprise),
        ] {
            let needed: &'static [Scope] = match scope {
                Scope::Read => &[Scope::Read],
                Scope::Write => &[Scope::Write],
                _ => &[Scope::Webhooks],
            };
            for plan in Plan::ALL {
                let refused = (plan < begins).then_some(Code::PlanRequired);
                assert_eq!(code(Needs::scopes(needed), &caller(plan)), refused);
            }
        }
    }

    #[test]
    fn an_account_s_own_affairs_take_somebody_who_signed_in() {
        let device = Via::Mobile {
            id: MobileSessionId(1),
        };
        let phone = operator(Role::Operator, device, Plan::Free, true);
        assert_eq!(code(Needs::session(), &phone), Some(Code::SessionOnly));
        assert_eq!(code(Needs::role(Role::Operator), &phone), None);
        let person = operator(Role::Operator, session(), Plan::Free, true);
        assert_eq!(code(Needs::session(), &person), None);
    }

    #[test]
    fn a_plan_below_the_action_s_is_refused() {
        let needs = Needs::role(Role::Operator).plan(Plan::Pro);
        for plan in Plan::ALL {
            let refused = (plan < Plan::Pro).then_some(Code::PlanRequired);
            let caller = operator(Role::Admin, session(), plan, true);
            assert_eq!(code(needs, &caller), refused);
        }
    }

    #[test]
    fn only_a_plain_operator_can_lack_the_right_to_edit() {
        let needs = Needs::role(Role::Operator).editing();
        let plain = operator(Role::Operator, session(), Plan::Free, false);
        assert_eq!(code(needs, &plain), Some(Code::EditingNotAllowed));
        let above = operator(Role::Supervisor, session(), Plan::Free, false);
        assert_eq!(code(needs, &above), None);
    }

    #[test]
    fn nobody_reaches_what_is_for_somebody_else() {
        for needs in [
            Needs::role(Role::Operator),
            Needs::client(),
            Needs::widget(),
        ] {
            assert_eq!(
                code(needs, &Principal::Anonymous),
                Some(Code::NotAuthenticated)
            );
        }
        let caller = operator(Role::HeadAdmin, session(), Plan::Enterprise, true);
        assert_eq!(code(Needs::client(), &caller), Some(Code::NotAuthenticated));
        assert_eq!(code(Needs::anyone(), &Principal::Anonymous), None);
    }
}
