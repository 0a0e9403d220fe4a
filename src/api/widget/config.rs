//! How the widget is to look and what it is to say.
use super::knowledge::is_offered;
use crate::{
    access::{WidgetSite, rules::Needs},
    api::{
        Query, Read, Spec,
        field::{At, Line},
    },
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
}

/// The words of the widget's first screen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetTexts {
    /// The title.
    title: String,
    /// What greets the visitor.
    welcome: String,
    /// Within what time a first answer is to be expected while the desk is at work.
    reply: String,
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
    /// Whether it asks for a subject.
    subject: bool,
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
    /// Within how many working minutes a first answer is to be expected.
    reply_minutes: i64,
    /// Whether the knowledge base may be searched.
    kb: bool,
    /// `standard`: id and e-mail open an earlier ticket; `strict`: its token is needed.
    access: &'static str,
}

/// The program's own words for the first screen.
pub(crate) const fn usual_words(lang: Lang) -> [&'static str; 2] {
    lang.pick([
        ["Поддержка", "Опишите вопрос, и мы ответим здесь же."],
        [
            "Қолдау қызметі",
            "Сұрағыңызды жазыңыз, осында жауап береміз.",
        ],
        [
            "Support",
            "Tell us what happened and we will answer right here.",
        ],
    ])
}

/// When a first answer is to be expected, in words.
fn expected(minutes: i64, lang: Lang) -> String {
    let hours = minutes.saturating_add(59) / 60;
    match (lang, minutes < 60) {
        (Lang::Ru, true) => format!("Обычно отвечаем за {minutes} мин"),
        (Lang::Ru, false) => format!("Обычно отвечаем за {hours} ч"),
        (Lang::Kk, true) => format!("Әдетте {minutes} минутта жауап береміз"),
        (Lang::Kk, false) => format!("Әдетте {hours} сағатта жауап береміз"),
        (Lang::En, true) => format!("We usually reply within {minutes} min"),
        (Lang::En, false) => format!("We usually reply within {hours} h"),
    }
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
        let reply_minutes = i64::from(tenant::rules(cx.db, tenant.id)?.normal.response_minutes);
        let own = tenant.settings.widget_texts.get(&cx.call.lang);
        let [title, welcome] = usual_words(cx.call.lang);
        let word = |own: Option<&String>, usual: &str| {
            own.filter(|word| !word.is_empty())
                .map_or_else(|| usual.to_owned(), Clone::clone)
        };
        Ok(WidgetConfig {
            opens_at: tenant
                .hours
                .next_open(cx.db.now)
                .filter(|_| !is_open)
                .map(At),
            is_open,
            texts: WidgetTexts {
                title: word(own.map(|words| &words.title), title),
                welcome: word(own.map(|words| &words.welcome), welcome),
                reply: expected(reply_minutes, cx.call.lang),
            },
            fields: WidgetFields {
                name: true,
                email: true,
                phone: tenant.settings.widget_phone,
                subject: tenant.settings.widget_subject,
            },
            reply_minutes,
            access: if tenant.settings.widget_strict {
                "strict"
            } else {
                "standard"
            },
            kb,
            branding: WidgetBranding {
                company_name: tenant.name,
                primary_color: tenant
                    .settings
                    .look
                    .widget
                    .color
                    .unwrap_or(tenant.settings.primary_color),
            },
        })
    }
}
