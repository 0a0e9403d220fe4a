//! Categories of tickets: made, named and deleted. Listing them is reference data.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Spec, Write, command,
        field::{Code, Name, Position},
    },
    db::sql::{first, one, run},
    error::{self, Error, Result},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{CategoryView, categories};

pub(super) const ACTIONS: &[Action] = &[command::<SaveCategory>(), command::<DeleteCategory>()];

/// Where tickets go that nobody has put into another one.
const NEEDED: &str = "other";

/// Makes a category, or changes the one of that code; what is left out stays. A new one without a name in some language
/// bears the name it has.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveCategory {
    /// Its code, by which tickets name it.
    code: Code,
    /// Its name in every language that has none of its own.
    #[serde(default)]
    name: Option<Name>,
    /// Its name in Russian.
    #[serde(default)]
    name_ru: Option<Name>,
    /// Its name in Kazakh.
    #[serde(default)]
    name_kk: Option<Name>,
    /// Its name in English.
    #[serde(default)]
    name_en: Option<Name>,
    /// Where it stands in lists; a new one comes last if left out.
    #[serde(default)]
    position: Option<Position>,
}
impl Spec for SaveCategory {
    const NAME: &'static str = "save_category";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Сохранить категорию", "Санатты сақтау", "Save a category"];
    const EXAMPLE: &'static str =
        r#"{"code":"printing","name_ru":"Печать","name_kk":"Басып шығару","name_en":"Printing"}"#;
    type By = Operator;
    type Output = CategoryView;
}
impl Command for SaveCategory {
    fn run(self, cx: &Write<'_, Operator>) -> Result<CategoryView> {
        let (tenant, code) = (cx.by.tenant, &self.code.0);
        let stored: Option<[String; 3]> = first(
            cx.tx,
            "select name_ru, name_kk, name_en from category where tenant_id = ?1 and code = ?2",
            (tenant, code),
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
        )?;
        let given = [self.name_ru, self.name_kk, self.name_en].map(|name| name.map(|n| n.0));
        let any = self.name.map(|n| n.0);
        let usual = any
            .clone()
            .or_else(|| given.iter().flatten().next().cloned());
        let names = match stored {
            Some(stored) => {
                let mut names = stored;
                for (name, new) in names.iter_mut().zip(given) {
                    if let Some(new) = new.or_else(|| any.clone()) {
                        *name = new;
                    }
                }
                names
            }
            None => {
                let usual = usual.ok_or_else(|| Error::missing("name"))?;
                given.map(|name| name.unwrap_or_else(|| usual.clone()))
            }
        };
        let position = self.position.map(|at| at.0);
        run(
            cx.tx,
            "insert into category (tenant_id, code, name_ru, name_kk, name_en, position)
             values (?1, ?2, ?3, ?4, ?5,
                     coalesce(?6, (select coalesce(max(position) + 1, 0) from category where tenant_id = ?1)))
             on conflict do update set name_ru = excluded.name_ru, name_kk = excluded.name_kk, name_en = excluded.name_en,
                                       position = coalesce(?6, position)",
            (tenant, code, &names[0], &names[1], &names[2], position),
        )?;
        let all = categories(cx.tx, tenant, cx.call.lang)?;
        let saved = all.into_iter().find(|category| category.has_code(code));
        saved.ok_or_else(|| Error::new(error::Code::CategoryNotFound).on("code"))
    }
}

/// Deletes a category. Tickets keep its code unless another one is named for them.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteCategory {
    /// Its code.
    code: Code,
    /// The category that its tickets are to have instead.
    #[serde(default)]
    replace_with: Option<Code>,
}
/// The category that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedCategory {
    /// Its code.
    id: String,
    /// Always true.
    deleted: bool,
}
impl Spec for DeleteCategory {
    const NAME: &'static str = "delete_category";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Удалить категорию", "Санатты жою", "Delete a category"];
    const EXAMPLE: &'static str = r#"{"code":"printing","replace_with":"other"}"#;
    type By = Operator;
    type Output = DeletedCategory;
}
impl Command for DeleteCategory {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<DeletedCategory> {
        let (tenant, code) = (cx.by.tenant, &self.code.0);
        if code == NEEDED {
            return Err(Error::new(error::Code::CategoryNeeded)
                .on("code")
                .with("name", NEEDED));
        }
        if let Some(other) = &self.replace_with {
            let known: bool = one(
                cx.tx,
                "select exists (select 1 from category where tenant_id = ?1 and code = ?2 and code <> ?3)",
                (tenant, &other.0, code),
                |row| row.get(0),
            )?;
            if !known {
                return Err(Error::new(error::Code::CategoryNotFound).on("replace_with"));
            }
        }
        let gone = run(
            cx.tx,
            "delete from category where tenant_id = ?1 and code = ?2",
            (tenant, code),
        )?;
        if gone == 0 {
            return Err(Error::new(error::Code::CategoryNotFound).on("code"));
        }
        if let Some(other) = &self.replace_with {
            run(
                cx.tx,
                "update ticket set category = ?3 where tenant_id = ?1 and category = ?2",
                (tenant, code, &other.0),
            )?;
        }
        Ok(DeletedCategory {
            id: self.code.0,
            deleted: true,
        })
    }
}
