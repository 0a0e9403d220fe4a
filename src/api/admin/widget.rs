//! The widget for staff: its key, the tag to embed it, the sites that may show it.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, Line, List, Name},
        query,
        widget::config::usual_words,
    },
    app::App,
    branding::Side,
    error::{Error, Fault, Result},
    lang::Lang,
    tenant::{self, Settings, Tenant, WidgetWords},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<GetWidgetSettings>(),
    command::<SaveWidgetSettings>(),
    command::<RegenerateWidgetKey>(),
];

/// Which fields the widget's form has. A name and an address are always asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FormFields {
    /// Whether it asks for a name.
    name: bool,
    /// Whether it asks for an address.
    email: bool,
    /// Whether it asks for a phone number.
    phone: bool,
    /// Whether it asks for a subject.
    subject: bool,
}

/// The words of the widget's first screen in one language.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FirstWords {
    /// The title; empty for the usual one.
    title: String,
    /// What greets the visitor; empty for the usual greeting.
    welcome: String,
}

/// The words of the widget's first screen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WordsByLanguage {
    /// In Russian.
    ru: FirstWords,
    /// In Kazakh.
    kk: FirstWords,
    /// In English.
    en: FirstWords,
}

impl WordsByLanguage {
    fn of(words: impl Fn(Lang) -> FirstWords) -> WordsByLanguage {
        WordsByLanguage {
            ru: words(Lang::Ru),
            kk: words(Lang::Kk),
            en: words(Lang::En),
        }
    }
}

/// How the widget is set up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetSettings {
    /// The public key that the tag names.
    api_key: String,
    /// The tag to put on a site.
    embed_code: String,
    /// The sites that may show it; all if empty.
    allowed_origins: Vec<String>,
    /// Which fields its form has.
    fields: FormFields,
    /// The company's own words, by language.
    texts: WordsByLanguage,
    /// The usual words, by language.
    usual_texts: WordsByLanguage,
    /// Whether it offers the knowledge base, while that is for everybody.
    kb: bool,
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
        fields: FormFields {
            name: true,
            email: true,
            phone: tenant.settings.widget_phone,
            subject: tenant.settings.widget_subject,
        },
        texts: WordsByLanguage::of(|lang| {
            let own = tenant.settings.widget_texts.get(&lang).cloned();
            let WidgetWords { title, welcome } = own.unwrap_or_default();
            FirstWords { title, welcome }
        }),
        usual_texts: WordsByLanguage::of(|lang| {
            let [title, welcome] = usual_words(lang).map(str::to_owned);
            FirstWords { title, welcome }
        }),
        kb: tenant.settings.widget_kb,
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

/// Which fields the widget's form is to have; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct FormFieldsChange {
    /// Whether it asks for a phone number.
    #[serde(default)]
    phone: Option<Flag>,
    /// Whether it asks for a subject.
    #[serde(default)]
    subject: Option<Flag>,
}

/// The company's own words in one language; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct FirstWordsChange {
    /// The title; empty for the usual one.
    #[serde(default)]
    title: Option<Line>,
    /// What greets the visitor; empty for the usual greeting.
    #[serde(default)]
    welcome: Option<Line>,
}

/// The company's own words by language; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct WordsChange {
    /// In Russian.
    #[serde(default)]
    ru: Option<FirstWordsChange>,
    /// In Kazakh.
    #[serde(default)]
    kk: Option<FirstWordsChange>,
    /// In English.
    #[serde(default)]
    en: Option<FirstWordsChange>,
}

impl WordsChange {
    fn apply(self, tenant: &mut Tenant) {
        for (lang, change) in [
            (Lang::Ru, self.ru),
            (Lang::Kk, self.kk),
            (Lang::En, self.en),
        ] {
            let Some(change) = change else { continue };
            let words = tenant.settings.widget_texts.entry(lang).or_default();
            if let Some(title) = change.title {
                words.title = title.0;
            }
            if let Some(welcome) = change.welcome {
                words.welcome = welcome.0;
            }
        }
    }
}

/// Changes the widget's settings; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveWidgetSettings {
    /// The sites that may show it, as origins (`https://shop.example`); all if empty.
    #[serde(default)]
    allowed_origins: Option<List<Name, 100>>,
    /// Which fields its form has.
    #[serde(default)]
    fields: Option<FormFieldsChange>,
    /// The company's own words, by language.
    #[serde(default)]
    texts: Option<WordsChange>,
    /// Whether it offers the knowledge base.
    #[serde(default)]
    kb: Option<Flag>,
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
    const EXAMPLE: &'static str = r#"{"allowed_origins":["https://shop.example"],"fields":{"phone":false},"texts":{"ru":{"title":"Поможем с заказом"}}}"#;
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
        if let Some(fields) = self.fields {
            let settings = &mut tenant.settings;
            settings.widget_phone = fields.phone.map_or(settings.widget_phone, |f| f.0);
            settings.widget_subject = fields.subject.map_or(settings.widget_subject, |f| f.0);
        }
        if let Some(texts) = self.texts {
            texts.apply(&mut tenant);
        }
        tenant.settings.widget_kb = self.kb.map_or(tenant.settings.widget_kb, |f| f.0);
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        if self.regenerate_key.0 {
            tenant::renew_widget_key(cx.tx, tenant.id)?;
        }
        Ok(settings(cx.app, &tenant::by_id(cx.tx, tenant.id)?))
    }
}

/// Gives the widget another key; the old one stops working at once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RegenerateWidgetKey {}
impl Spec for RegenerateWidgetKey {
    const NAME: &'static str = "regenerate_widget_key";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Сменить ключ виджета",
        "Виджет кілтін ауыстыру",
        "Regenerate the widget's key",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = WidgetSettings;
}
impl Command for RegenerateWidgetKey {
    fn run(self, cx: &Write<'_, Operator>) -> Result<WidgetSettings> {
        tenant::renew_widget_key(cx.tx, cx.by.tenant)?;
        Ok(settings(cx.app, &tenant::by_id(cx.tx, cx.by.tenant)?))
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
