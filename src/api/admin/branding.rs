//! White label: how the tenant's portal, widget and mails look.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Change, Color, Email, Flag, Line, Name, Picture, TenantId},
        query,
    },
    branding::{
        Look, Side, WidgetLook,
        image::{self, Kind},
    },
    error::Result,
    tenant::{self, Settings, plan::Plan},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<GetBranding>(),
    command::<SaveBranding>(),
    command::<ResetBranding>(),
];

/// How the tenant's pages look.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BrandingSettings {
    /// The tenant.
    id: TenantId,
    /// The company that gives support.
    company_name: String,
    /// What the portal is called, if not as the company.
    portal_title: Option<String>,
    /// Where the logo is.
    logo: Option<String>,
    /// Where the sign of the pages in a browser's tab is.
    favicon: Option<String>,
    /// The colour, `#rrggbb`.
    primary_color: String,
    /// The colour of links, `#rrggbb`; the first colour if there is none.
    accent_color: Option<String>,
    /// Where clients may write to by mail.
    support_email: Option<String>,
    /// What greets clients at the portal.
    welcome_text: String,
    /// Whether the portal leaves out what it is made with.
    hide_powered_by: bool,
    /// How the widget looks.
    widget: WidgetLook,
}

fn view(conn: &Connection, id: TenantId) -> Result<BrandingSettings> {
    let (tenant, images) = (tenant::by_id(conn, id)?, image::of(conn, id)?);
    let look = tenant.settings.look;
    Ok(BrandingSettings {
        id,
        company_name: tenant.name,
        portal_title: look.portal_title,
        logo: images.logo,
        favicon: images.favicon,
        primary_color: tenant.settings.primary_color,
        accent_color: look.accent_color,
        support_email: look.support_email,
        welcome_text: look.welcome_text,
        hide_powered_by: look.hide_powered_by,
        widget: look.widget,
    })
}

/// Shows how the tenant's pages look.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetBranding {}
impl Spec for GetBranding {
    const NAME: &'static str = "get_branding";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Оформление", "Безендіру", "Show the branding"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = BrandingSettings;
}
impl Query for GetBranding {
    fn run(self, cx: &Read<'_, Operator>) -> Result<BrandingSettings> {
        view(cx.db, cx.by.tenant)
    }
}

/// A change of how the widget looks; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct WidgetLookChange {
    /// Its colour; `null` gives it that of the pages.
    #[serde(default)]
    color: Change<Color>,
    /// On which side of a site its button is.
    #[serde(default)]
    position: Option<Side>,
}

/// Changes how the tenant's portal, widget and mails look; what is left out stays, `null` takes it away. Any colour may be
/// chosen: where text would not be readable on it or in it, the pages take a shade that is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveBranding {
    /// The company that gives support.
    #[serde(default)]
    company_name: Option<Name>,
    /// What the portal is called, if not as the company.
    #[serde(default)]
    portal_title: Change<Name>,
    /// The logo: a PNG, JPEG, WebP or GIF of at most 512 KB and 2048 by 2048 pixels, as a `data:` URL.
    #[serde(default)]
    logo: Change<Picture>,
    /// The sign of the pages in a browser's tab: the same, or an ICO.
    #[serde(default)]
    favicon: Change<Picture>,
    /// The colour.
    #[serde(default)]
    primary_color: Option<Color>,
    /// The colour of links.
    #[serde(default)]
    accent_color: Change<Color>,
    /// Where clients may write to by mail.
    #[serde(default)]
    support_email: Change<Email>,
    /// What greets clients at the portal, in one line.
    #[serde(default)]
    welcome_text: Option<Line>,
    /// Whether the portal leaves out what it is made with.
    #[serde(default)]
    hide_powered_by: Option<Flag>,
    /// How the widget looks.
    #[serde(default)]
    widget: Option<WidgetLookChange>,
}
impl Spec for SaveBranding {
    const NAME: &'static str = "save_branding";
    const NEEDS: Needs = Needs::role(Role::Admin).plan(Plan::Pro);
    const TITLE: [&'static str; 3] = [
        "Сохранить оформление",
        "Безендіруді сақтау",
        "Save the branding",
    ];
    const EXAMPLE: &'static str = r##"{"primary_color":"#0b6e4f","support_email":"help@desk.example","widget":{"position":"right"}}"##;
    type By = Operator;
    type Output = BrandingSettings;
}

fn change<T>(slot: &mut Option<String>, wanted: Change<T>, text: impl Fn(T) -> String) {
    match wanted {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(value) => *slot = Some(text(value)),
    }
}

impl Command for SaveBranding {
    fn run(self, cx: &Write<'_, Operator>) -> Result<BrandingSettings> {
        let mut tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        for (kind, wanted) in [(Kind::Logo, self.logo), (Kind::Favicon, self.favicon)] {
            match wanted {
                Change::Keep => {}
                Change::Clear => image::delete(cx.tx, tenant.id, kind)?,
                // The page sends back what it was given.
                Change::Set(picture) if image::is_address(&picture) => {}
                Change::Set(picture) => {
                    let image = image::read(&picture, kind.as_str())?;
                    image::save(cx.tx, tenant.id, kind, &image)?;
                }
            }
        }
        if let Some(name) = self.company_name {
            tenant.name = name.0;
        }
        let settings = &mut tenant.settings;
        if let Some(color) = self.primary_color {
            settings.primary_color = color.0;
        }
        let look = &mut settings.look;
        change(&mut look.portal_title, self.portal_title, |name| name.0);
        change(&mut look.accent_color, self.accent_color, |color| color.0);
        change(&mut look.support_email, self.support_email, |email| email.0);
        if let Some(text) = self.welcome_text {
            look.welcome_text = text.0;
        }
        if let Some(hide) = self.hide_powered_by {
            look.hide_powered_by = hide.0;
        }
        if let Some(widget) = self.widget {
            change(&mut look.widget.color, widget.color, |color| color.0);
            look.widget.position = widget.position.unwrap_or(look.widget.position);
        }
        tenant::save_about(cx.tx, &tenant)?;
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        view(cx.tx, tenant.id)
    }
}

/// Gives the tenant's pages the looks that a new desk has. The company keeps its name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ResetBranding {}
impl Spec for ResetBranding {
    const NAME: &'static str = "reset_branding";
    const NEEDS: Needs = Needs::role(Role::Admin).plan(Plan::Pro);
    const TITLE: [&'static str; 3] = [
        "Сбросить оформление",
        "Безендіруді бастапқыға қайтару",
        "Reset the branding",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = BrandingSettings;
}
impl Command for ResetBranding {
    fn run(self, cx: &Write<'_, Operator>) -> Result<BrandingSettings> {
        let mut tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        tenant.settings.primary_color = Settings::default().primary_color;
        tenant.settings.look = Look::default();
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        for kind in [Kind::Logo, Kind::Favicon] {
            image::delete(cx.tx, tenant.id, kind)?;
        }
        view(cx.tx, tenant.id)
    }
}
