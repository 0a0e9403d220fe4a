//! The widget for staff: its key, the tag to embed it, the sites that may show it.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, List, Name},
        query,
    },
    app::App,
    branding::Side,
    error::{Error, Fault, Result},
    tenant::{self, Settings, Tenant},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<GetWidgetSettings>(),
    command::<SaveWidgetSettings>(),
];

/// How the widget is set up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetSettings {
    /// The public key that the tag names.
    api_key: String,
    /// The tag to put on a site.
    embed_code: String,
    /// The sites that may show it; all if empty.
    allowed_origins: Vec<String>,
    /// `standard`: id and e-mail open a ticket; `strict`: its token is needed.
    widget_access: &'static str,
}

fn settings(app: &App, tenant: &Tenant) -> WidgetSettings {
    let source = app.url("/widget/loader.js");
    let (key, lang) = (&tenant.widget_key, tenant.locale.as_str());
    // The button is there before the widget asks the desk for anything.
    let side = match tenant.settings.look.widget.position {
        Side::Left => r#" data-position="left""#,
        Side::Right => "",
    };
    WidgetSettings {
        api_key: key.clone(),
        embed_code: format!(
            r#"<script src="{source}" data-api-key="{key}" data-lang="{lang}"{side}></script>"#
        ),
        allowed_origins: tenant.settings.widget_origins.clone(),
        widget_access: if tenant.settings.widget_strict {
            "strict"
        } else {
            "standard"
        },
    }
}

/// Shows the widget's key, the tag to embed it and the sites that may show it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetWidgetSettings {}
impl Spec for GetWidgetSettings {
    const NAME: &'static str = "get_widget_settings";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Настройки виджета",
        "Виджет баптаулары",
        "Show the widget's settings",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = WidgetSettings;
}
impl Query for GetWidgetSettings {
    fn run(self, cx: &Read<'_, Operator>) -> Result<WidgetSettings> {
        Ok(settings(cx.app, &tenant::by_id(cx.db, cx.by.tenant)?))
    }
}

/// How a widget visitor opens an earlier ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WidgetAccess {
    Standard,
    Strict,
}

impl WidgetAccess {
    pub(super) fn of(settings: &Settings) -> WidgetAccess {
        if settings.widget_strict {
            WidgetAccess::Strict
        } else {
            WidgetAccess::Standard
        }
    }
}

/// Changes the widget's settings; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveWidgetSettings {
    /// The sites that may show it, as origins (`https://shop.example`); all if empty.
    #[serde(default)]
    allowed_origins: Option<List<Name, 100>>,
    /// How a visitor opens an earlier ticket.
    #[serde(default)]
    widget_access: Option<WidgetAccess>,
    /// Whether to make a new key; the old one stops working at once.
    #[serde(default)]
    regenerate_key: Flag,
}
impl Spec for SaveWidgetSettings {
    const NAME: &'static str = "save_widget_settings";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Сохранить настройки виджета",
        "Виджет баптауларын сақтау",
        "Save the widget's settings",
    ];
    const EXAMPLE: &'static str = r#"{"allowed_origins":["https://shop.example"]}"#;
    type By = Operator;
    type Output = WidgetSettings;
}
impl Command for SaveWidgetSettings {
    fn run(self, cx: &Write<'_, Operator>) -> Result<WidgetSettings> {
        let mut tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        if let Some(origins) = self.allowed_origins {
            let mut list = Vec::with_capacity(origins.0.len());
            for (i, origin) in origins.0.iter().enumerate() {
                let origin = normal_origin(origin).ok_or_else(|| {
                    Error::invalid(format!("allowed_origins[{i}]"), Fault::NotUrl)
                })?;
                list.push(origin);
            }
            tenant.settings.widget_origins = list;
        }
        if let Some(access) = self.widget_access {
            tenant.settings.widget_strict = access == WidgetAccess::Strict;
        }
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        if self.regenerate_key.0 {
            tenant::renew_widget_key(cx.tx, tenant.id)?;
        }
        Ok(settings(cx.app, &tenant::by_id(cx.tx, tenant.id)?))
    }
}

/// An origin as browsers send it: scheme and host, no path.
fn normal_origin(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/').to_lowercase();
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let plain = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || "-._:[]".contains(c));
    plain.then_some(text)
}
