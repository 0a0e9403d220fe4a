//! The demo tenant before its first ticket: who works there, whom it serves, and how the desk is set up.
use super::{
    DOMAIN,
    script::{
        Language, Scene,
        knowledge::{ARTICLES, Article},
        people::{self, CLIENTS, COMPANY, OPERATORS},
        reference::{CATEGORIES, QUICK_REPLIES, TAGS, TARIFFS, VIEWS},
    },
};
use crate::{
    access::rules::Role,
    api::field::{ClientId, ContactId, OperatorId, TenantId},
    client, contact,
    db::{Tx, sql::run},
    error::{Error, Result},
    knowledge::{self, NewArticle, Status},
    lang::Lang,
    operator::{self, NewOperator},
    tariff::{self, OwnRules, Terms},
    tenant::{self, NewTenant, plan::Plan},
    ticket::{
        Actor,
        model::{ActorKind, Origin},
        tags,
    },
};
use std::collections::BTreeMap;

/// The first of the portals' users; the published examples call this one Иван Петров.
const FIRST_USER: i64 = 123;

/// The portal and the user that the demo's client link is for: those of the published examples.
pub(crate) fn portal_user() -> (&'static str, (i64, String)) {
    let client = &CLIENTS[0];
    (
        client.portal_domain,
        (FIRST_USER, client.contacts[0].name.to_owned()),
    )
}

/// Somebody of a client as the desk knows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) contact: ContactId,
    pub(super) client: ClientId,
    /// Who they are to their company's portal.
    pub(super) user: i64,
}

/// Everybody who takes part, by their address.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) tenant: TenantId,
    operators: BTreeMap<&'static str, OperatorId>,
    members: BTreeMap<&'static str, Member>,
}

impl Cast {
    /// Makes the tenant, as of the transaction's time.
    pub(super) fn hire(tx: &Tx<'_>, password_hash: &str) -> Result<Cast> {
        let new = NewTenant {
            name: COMPANY,
            domain: Some(DOMAIN),
            plan: Plan::Enterprise,
            locale: Lang::Ru,
            timezone: None,
        };
        let mut cast = Cast {
            tenant: tenant::create(tx, &new, tx.now)?,
            operators: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        for person in OPERATORS {
            let login = (person.email, Some(person.phone), Some(password_hash));
            cast.hire_operator(tx, person, login)?;
        }
        furnish(tx, cast.tenant)?;
        for company in CLIENTS {
            cast.welcome(tx, company)?;
        }
        let admin = cast.operator(&OPERATORS[0])?;
        for (position, (name, filter)) in (1i64..).zip(VIEWS) {
            run(
                tx,
                "insert into saved_view (tenant_id, operator_id, is_shared, name, filter, position) values (?1, ?2, 1, ?3, ?4, ?5)",
                (cast.tenant, admin, name, filter, position),
            )?;
        }
        Ok(cast)
    }

    /// Brings everybody to a tenant that is there already, as of the transaction's time. Nobody of them can sign in, and
    /// what the tenant has set up itself stays as it is.
    pub(super) fn visit(tx: &Tx<'_>, tenant: TenantId) -> Result<Cast> {
        let mut cast = Cast {
            tenant,
            operators: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        for person in OPERATORS {
            // A login is unique in the installation, and several tenants may be visited.
            let email = person.email.replacen('@', &format!("+{tenant}@"), 1);
            cast.hire_operator(tx, person, (email.as_str(), None, None))?;
        }
        for company in CLIENTS {
            cast.welcome(tx, company)?;
        }
        let known = tags::list(tx, tenant)?;
        for (name, color) in TAGS {
            if known.iter().all(|tag| tag.name != *name) {
                tags::create(tx, tenant, name, color)?;
            }
        }
        quick_replies(tx, tenant)?;
        Ok(cast)
    }

    fn hire_operator(
        &mut self,
        tx: &Tx<'_>,
        person: &people::Operator,
        (email, phone, password_hash): (&str, Option<&str>, Option<&str>),
    ) -> Result<()> {
        let new = NewOperator {
            name: person.name,
            email,
            phone,
            role: Role::parse(person.role).ok_or_else(|| unknown(person.role))?,
            department: Some(person.department),
            password_hash,
            locale: person.languages.first().copied().and_then(lang),
        };
        let id = operator::create(tx, self.tenant, &new, tx.now)?;
        self.operators.insert(person.email, id);
        Ok(())
    }

    /// Makes a client with its people.
    fn welcome(&mut self, tx: &Tx<'_>, company: &'static people::Client) -> Result<()> {
        let id = client::create(
            tx,
            self.tenant,
            company.portal_domain,
            company.company_name,
            tx.now,
        )?;
        let tariff = TARIFFS
            .iter()
            .find(|tariff| tariff.code == company.tariff_plan);
        let tariff = tariff.ok_or_else(|| unknown(company.tariff_plan))?;
        run(
            tx,
            "update client
                set tariff_plan = ?3, hours_per_month = nullif(?4, ?5), locale = ?6, notes = ?7
              where tenant_id = ?1 and id = ?2",
            (
                self.tenant,
                id,
                tariff.code,
                company.hours_per_month,
                tariff.hours_per_month,
                lang(company.locale),
                company.notes,
            ),
        )?;
        for person in company.contacts {
            let contact =
                contact::of_address(tx, self.tenant, person.email, person.name, Some(id), tx.now)?;
            run(
                tx,
                "update contact set phone = ?3 where tenant_id = ?1 and id = ?2",
                (self.tenant, contact.id, person.phone),
            )?;
            let nth = i64::try_from(self.members.len()).map_err(Error::internal)?;
            let member = Member {
                contact: contact.id,
                client: id,
                user: FIRST_USER + nth,
            };
            self.members.insert(person.email, member);
        }
        Ok(())
    }

    /// The id of somebody of the desk.
    pub(super) fn operator(&self, person: &people::Operator) -> Result<OperatorId> {
        let known = self.operators.get(person.email).copied();
        known.ok_or_else(|| unknown(person.email))
    }

    /// Who opened a ticket.
    pub(super) fn member(&self, scene: &Scene) -> Result<Member> {
        let known = self.members.get(scene.contact.email).copied();
        known.ok_or_else(|| unknown(scene.contact.email))
    }

    /// Somebody of the desk at work.
    pub(super) fn staff(&self, person: &people::Operator) -> Result<Actor> {
        Ok(Actor {
            kind: ActorKind::Operator,
            id: Some(self.operator(person)?.0),
            name: person.name.to_owned(),
        })
    }

    /// The client's side of a ticket: a user of the portal, or somebody who wrote from outside.
    pub(super) fn client(&self, scene: &Scene) -> Result<Actor> {
        let mut actor = Actor::visitor(scene.contact.name);
        if scene.channel == Origin::Portal.as_str() {
            actor.id = Some(self.member(scene)?.user);
        }
        Ok(actor)
    }
}

/// Sets the desk's own categories, tariffs, tags and quick replies in place of those that every new desk has.
fn furnish(tx: &Tx<'_>, tenant: TenantId) -> Result<()> {
    run(tx, "delete from category where tenant_id = ?1", [tenant])?;
    for (position, category) in (0i64..).zip(CATEGORIES) {
        run(
            tx,
            "insert into category (tenant_id, code, name_ru, name_kk, name_en, position) values (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                tenant,
                category.code,
                category.ru,
                category.kk,
                category.en,
                position,
            ),
        )?;
    }
    run(tx, "delete from tariff where tenant_id = ?1", [tenant])?;
    for offer in TARIFFS {
        let terms = Terms {
            code: offer.code.to_owned(),
            name: offer.name.to_owned(),
            hours_per_month: offer.hours_per_month.into(),
            hourly_rate: Some(offer.hourly_rate.into()),
            currency: offer.currency.to_owned(),
            sla: OwnRules {
                urgent: offer.urgent,
                ..OwnRules::default()
            },
        };
        tariff::insert(tx, tenant, &terms, tx.now)?;
    }
    for (name, color) in TAGS {
        tags::create(tx, tenant, name, color)?;
    }
    quick_replies(tx, tenant)
}

fn quick_replies(tx: &Tx<'_>, tenant: TenantId) -> Result<()> {
    for reply in QUICK_REPLIES {
        run(
            tx,
            "insert into quick_reply (tenant_id, title, content, shortcut) values (?1, ?2, ?3, ?4)",
            (tenant, reply.title, reply.content, reply.shortcut),
        )?;
    }
    for article in ARTICLES {
        shelve(tx, tenant, article)?;
    }
    Ok(())
}

/// Puts an article into the knowledge base as one that has had its readers.
fn shelve(tx: &Tx<'_>, tenant: TenantId, article: &Article) -> Result<()> {
    let new = NewArticle {
        title: article.title.to_owned(),
        content: article.content.to_owned(),
        status: if article.is_draft {
            Status::Draft
        } else {
            Status::Published
        },
        category: article.category.to_owned(),
        lang: lang(article.language).ok_or_else(|| unknown(article.language.as_str()))?,
        slug: Some(article.slug.to_owned()),
        by: None,
    };
    let id = knowledge::create(tx, tenant, new)?;
    run(
        tx,
        "update kb_article set views = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, id, article.views),
    )?;
    Ok(())
}

/// The language of the wire.
pub(super) fn lang(language: Language) -> Option<Lang> {
    Lang::of_tag(language.as_str())
}

/// The script names something that the desk does not have.
pub(super) fn unknown(word: &str) -> Error {
    Error::internal(format!(
        "the demo's script names \"{word}\", which the desk does not know"
    ))
}
