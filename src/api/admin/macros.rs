//! Macros: a text and actions that an operator applies to a ticket in one go.
use super::{
    Deleted,
    tickets::{acting, answer},
};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, Given, MacroId, Name, Text, TicketId},
        query,
    },
    automation::{
        act::{self, Act, Place},
        macros::{self, Macro},
        template,
    },
    error::{Error, Result},
    tenant::plan::Scope::Read as R,
    ticket::model::TicketView,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListMacros>(),
    command::<SaveMacro>(),
    command::<DeleteMacro>(),
    query::<PreviewMacro>(),
    command::<ApplyMacro>(),
];

/// Lists the macros by title.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListMacros {}
impl Spec for ListMacros {
    const NAME: &'static str = "list_macros";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Список макросов", "Макростар тізімі", "List macros"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<Macro>;
}
impl Query for ListMacros {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<Macro>> {
        macros::list(cx.db, cx.by.tenant, None)
    }
}

/// Makes a macro, or makes the one of `macro_id` another.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveMacro {
    /// The macro to change; a new one if left out.
    #[serde(default, alias = "id")]
    macro_id: Option<MacroId>,
    /// Its title.
    #[serde(alias = "name")]
    title: Name,
    /// What it says, with variables such as `{{client.name}}`, `{{ticket.id}}` or `{{operator.name}}`. May be empty if it acts.
    #[serde(default, alias = "text")]
    content: Text,
    /// Whether the text is an internal note.
    #[serde(default)]
    is_note: Flag,
    /// What it does besides: `[{type, value}]`, or the short map `{"set_status":"on_hold"}`.
    #[serde(default)]
    actions: Given,
}
impl Spec for SaveMacro {
    const NAME: &'static str = "save_macro";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Сохранить макрос", "Макросты сақтау", "Save a macro"];
    const EXAMPLE: &'static str = r#"{"title":"Ждём данных","content":"{{client.name}}, пришлите, пожалуйста, номер договора. С уважением, {{operator.name}}","actions":[{"type":"set_status","value":"on_hold"}]}"#;
    type By = Operator;
    type Output = Macro;
}
impl Command for SaveMacro {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Macro> {
        template::check(&self.content, "content")?;
        let actions = act::read(&self.actions.0, Place::Macro)?;
        let says = !self.content.trim().is_empty();
        if !says && actions.is_empty() {
            return Err(Error::missing("content"));
        }
        let tenant = cx.by.tenant;
        for (at, act) in actions.iter().enumerate() {
            act.check(cx.tx, tenant, &format!("actions[{at}]"))?;
        }
        let texts = (
            self.title.as_str(),
            if says { self.content.as_str() } else { "" },
            self.is_note.0,
        );
        let id = macros::save(cx.tx, tenant, self.macro_id, texts, &actions)?;
        macros::by_id(cx.tx, tenant, id)
    }
}

/// Deletes a macro.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteMacro {
    /// The macro.
    #[serde(alias = "id")]
    macro_id: MacroId,
}
impl Spec for DeleteMacro {
    const NAME: &'static str = "delete_macro";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Удалить макрос", "Макросты жою", "Delete a macro"];
    const EXAMPLE: &'static str = r#"{"macro_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteMacro {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        macros::delete(cx.tx, cx.by.tenant, self.macro_id)?;
        Ok(Deleted::of(self.macro_id.0))
    }
}

/// Shows what a macro would say and do in a ticket, without doing it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PreviewMacro {
    /// The ticket.
    ticket_id: TicketId,
    /// The macro.
    macro_id: MacroId,
}
/// What a macro would say and do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MacroPreview {
    /// Its text with the variables filled.
    text: String,
    /// Whether the text is an internal note.
    is_note: bool,
    /// What it does besides.
    actions: Vec<Act>,
}
impl Spec for PreviewMacro {
    const NAME: &'static str = "preview_macro";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Предпросмотр макроса",
        "Макросты алдын ала көру",
        "Preview a macro",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"macro_id":1}"#;
    type By = Operator;
    type Output = MacroPreview;
}
impl Query for PreviewMacro {
    fn run(self, cx: &Read<'_, Operator>) -> Result<MacroPreview> {
        let (tenant, name) = (cx.by.tenant, cx.by.name.as_str());
        let chosen = macros::by_id(cx.db, tenant, self.macro_id)?;
        let fill = |text: &str| macros::filled(cx.db, tenant, self.ticket_id, name, text);
        let mut actions = chosen.actions;
        for act in &mut actions {
            if matches!(act.kind, act::Kind::SendMessage | act::Kind::AddNote) {
                act.value = fill(act.value.as_str().unwrap_or_default())?.into();
            }
        }
        Ok(MacroPreview {
            text: fill(&chosen.content)?,
            is_note: chosen.is_note,
            actions,
        })
    }
}

/// Applies a macro to a ticket: posts its text, then carries out its actions, all or nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ApplyMacro {
    /// The ticket.
    ticket_id: TicketId,
    /// The macro.
    macro_id: MacroId,
}
impl Spec for ApplyMacro {
    const NAME: &'static str = "apply_macro";
    const NEEDS: Needs = Needs::role(Role::Operator).editing();
    const TITLE: [&'static str; 3] = ["Применить макрос", "Макросты қолдану", "Apply a macro"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"macro_id":1}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for ApplyMacro {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let chosen = macros::by_id(cx.tx, cx.by.tenant, self.macro_id)?;
        macros::apply(&acting(cx), self.ticket_id, &chosen)?;
        cx.tx.settle()?;
        answer(cx, self.ticket_id)
    }
}
