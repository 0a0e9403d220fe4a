//! White label: how a tenant's pages, widget and mails look. What is chosen lies in the tenant's settings, pictures in a
//! table of their own ([`image`]), and what becomes of a colour is decided in [`colour`].
pub(crate) mod colour;
pub(crate) mod image;

use crate::{
    error::Result,
    tenant::{
        Tenant,
        plan::{Feature, Plan},
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// On which side of a site the widget's button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Left,
    #[default]
    Right,
}

/// How the widget looks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct WidgetLook {
    /// Its colour; that of the pages if there is none.
    pub(crate) color: Option<String>,
    /// On which side of a site its button is.
    pub(crate) position: Side,
}

/// What a tenant has chosen beside its colour. All of it has a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    pub(crate) portal_title: Option<String>,
    pub(crate) accent_color: Option<String>,
    pub(crate) support_email: Option<String>,
    pub(crate) welcome_text: String,
    pub(crate) hide_powered_by: bool,
    pub(crate) widget: WidgetLook,
}

/// How the tenant's pages look.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BrandingView {
    /// The company that gives support.
    pub(crate) company_name: String,
    /// What the portal is called, if not as the company.
    pub(crate) portal_title: Option<String>,
    /// Its colour, `#rrggbb`.
    pub(crate) primary_color: String,
    /// The colour of links, `#rrggbb`; the first colour if there is none.
    pub(crate) accent_color: Option<String>,
    /// Where its logo is.
    pub(crate) logo: Option<String>,
    /// Where the sign of its pages in a browser's tab is.
    pub(crate) favicon: Option<String>,
    /// Where clients may write to by mail.
    pub(crate) support_email: Option<String>,
    /// What greets clients at the portal.
    pub(crate) welcome_text: String,
    /// Whether the portal says what it is made with.
    pub(crate) powered_by: bool,
}

/// Whether the portal says what it is made with. Only a plan with a white label may leave it out.
pub(crate) fn powered_by(plan: Plan, look: &Look) -> bool {
    !look.hide_powered_by || plan < Feature::WhiteLabel.begins()
}

pub(crate) fn shown(conn: &Connection, tenant: &Tenant) -> Result<BrandingView> {
    let (look, images) = (&tenant.settings.look, image::of(conn, tenant.id)?);
    Ok(BrandingView {
        company_name: tenant.name.clone(),
        portal_title: look.portal_title.clone(),
        primary_color: tenant.settings.primary_color.clone(),
        accent_color: look.accent_color.clone(),
        logo: images.logo,
        favicon: images.favicon,
        support_email: look.support_email.clone(),
        welcome_text: look.welcome_text.clone(),
        powered_by: powered_by(tenant.plan, look),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plan_with_a_white_label_leaves_out_what_pages_are_made_with() {
        let hiding = Look {
            hide_powered_by: true,
            ..Look::default()
        };
        for plan in Plan::ALL {
            assert!(powered_by(plan, &Look::default()));
            assert_eq!(powered_by(plan, &hiding), plan < Plan::Pro);
        }
    }
}
