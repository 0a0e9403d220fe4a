//! How the widget is to look and what it is to say.
use super::knowledge::is_offered;
use crate::{
    access::{WidgetSite, rules::Needs},
    api::{
        Query, Read, Spec,
        field::{At, Line},
    },
    branding,
    error::Result,
    lang::Lang,
    tenant,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The colours and the name that the widget wears.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetBranding {
    /// The company that gives support.
    company_name: String,
    /// Its colour, `#rrggbb`.
    primary_color: String,
    /// Whether the widget says what it is made with.
    powered_by: bool,
}

/// The words of the widget's first screen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetTexts {
    /// The title.
    title: String,
    /// What greets the visitor.
    welcome: String,
}

/// Which fields the form has.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetFields {
    /// Whether it asks for a name.
    name: bool,
    /// Whether it asks for an address.
    email: bool,
    /// Whether it asks for a phone number.
    phone: bool,
}

/// How the widget is to look and what it is to say.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetConfig {
    /// Colours and name.
    branding: WidgetBranding,
    /// Words.
    texts: WidgetTexts,
    /// Fields.
    fields: WidgetFields,
    /// Whether the desk is at work now.
    is_open: bool,
    /// When it is at work next, if it is not.
    opens_at: Option<At>,
    /// Whether the knowledge base may be searched.
    kb: bool,
}

/// Tells the widget how to look and what to say.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Config {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
}
impl Spec for Config {
    const NAME: &'static str = "config";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Настройки виджета",
        "Виджет баптаулары",
        "Widget configuration",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY"}"#;
    type By = WidgetSite;
    type Output = WidgetConfig;
}
impl Query for Config {
    fn run(self, cx: &Read<'_, WidgetSite>) -> Result<WidgetConfig> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let is_open = tenant.hours.is_open(cx.db.now);
        let kb = is_offered(cx.db, &tenant)?;
        let [title, welcome] = match cx.call.lang {
            Lang::Ru => ["Поддержка", "Опишите вопрос, и мы ответим здесь же."],
            Lang::Kk => [
                "Қолдау қызметі",
                "Сұрағыңызды жазыңыз, осында жауап береміз.",
            ],
            Lang::En => [
                "Support",
                "Tell us what happened and we will answer right here.",
            ],
        };
        Ok(WidgetConfig {
            opens_at: tenant
                .hours
                .next_open(cx.db.now)
                .filter(|_| !is_open)
                .map(At),
            is_open,
            branding: WidgetBranding {
                powered_by: branding::powered_by(tenant.plan, &tenant.settings.look),
                company_name: tenant.name,
                primary_color: tenant
                    .settings
                    .look
                    .widget
                    .color
                    .unwrap_or(tenant.settings.primary_color),
            },
            texts: WidgetTexts {
                title: title.to_owned(),
                welcome: welcome.to_owned(),
            },
            fields: WidgetFields {
                name: true,
                email: true,
                phone: true,
            },
            kb,
        })
    }
}
