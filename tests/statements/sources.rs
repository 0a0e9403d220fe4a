//! The statements as they stand in the sources: the texts that are handed to SQLite, each as far as it is fixed, and what goes
//! into the gaps. A text is a literal, a constant, or either of them put together from fixed pieces; anything else is told.
use crate::finder::Finder;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{Attribute, Expr, ExprLit, ItemConst, Lit, visit::Visit};

/// A text in pieces, between which something else stands.
pub(crate) type Pieces = Vec<String>;

/// Where something stands in the sources.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Whole statements.
    pub(crate) statements: Vec<(Place, Pieces)>,
    /// Conditions that statements are put together from.
    pub(crate) conditions: Vec<(Place, String)>,
    /// What stands in a gap and cannot be seen to be fixed, as it is written there.
    pub(crate) open: BTreeSet<(String, String)>,
}

/// A file of the product with its path below `src`.
struct Source {
    name: String,
    parsed: syn::File,
}

impl Sources {
    pub(crate) fn read(root: &Path) -> Sources {
        let mut files = Vec::new();
        below(root, root, &mut files);
        let tests = test_modules(&files);
        files.retain(|file| !tests.iter().any(|test| is_of(&file.name, test)));
        let mut constants = Constants::default();
        for file in &files {
            constants.file.clone_from(&file.name);
            constants.visit_file(&file.parsed);
        }
        let mut sources = Sources::default();
        for file in &files {
            let mut finder = Finder::new(&file.name, &constants, &mut sources);
            finder.visit_file(&file.parsed);
        }
        sources
    }

    /// What is found in one text, for tests of the finder.
    pub(crate) fn of(text: &str) -> Sources {
        let parsed = syn::parse_file(text).unwrap();
        let mut constants = Constants::default();
        constants.visit_file(&parsed);
        let mut sources = Sources::default();
        let mut finder = Finder::new("", &constants, &mut sources);
        finder.visit_file(&parsed);
        sources
    }
}

fn below(root: &Path, folder: &Path, files: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            below(root, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let name = path.strip_prefix(root).unwrap();
            files.push(Source {
                name: name.to_str().unwrap().to_owned(),
                parsed: syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap(),
            });
        }
    }
}

/// Whether something is there for tests, or for fuzzers, alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test");
        let only = attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| {
                let condition = list.tokens.to_string();
                condition == "test" || condition.contains("fuzzing")
            });
        is_test || only
    })
}

/// The modules that are for tests alone, as paths below `src` without `.rs`.
fn test_modules(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let own = file.name.trim_end_matches(".rs");
        let folder = match own.rsplit_once('/') {
            _ if own == "lib" || own == "main" => String::new(),
            Some((folder, "mod")) => format!("{folder}/"),
            _ => format!("{own}/"),
        };
        for item in &file.parsed.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && is_for_tests(&module.attrs)
            {
                found.push(format!("{folder}{}", module.ident));
            }
        }
    }
    found
}

fn is_of(file: &str, module: &str) -> bool {
    let rest = file.strip_prefix(module);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Fixed texts by file and name.
#[derive(Default)]
pub(crate) struct Constants {
    file: String,
    texts: BTreeMap<(String, String), String>,
}

impl Constants {
    /// What a constant of a file says; one of another file only if all of that name say the same.
    pub(crate) fn of(&self, file: &str, name: &str) -> Option<&String> {
        let own = self.texts.get(&(file.to_owned(), name.to_owned()));
        own.or_else(|| {
            let others = self.texts.iter().filter(|((_, other), _)| other == name);
            let others: BTreeSet<&String> = others.map(|(_, text)| text).collect();
            if others.len() == 1 {
                others.first().copied()
            } else {
                None
            }
        })
    }
}

impl<'ast> Visit<'ast> for Constants {
    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        if let Some(text) = literal(&item.expr) {
            let key = (self.file.clone(), item.ident.to_string());
            self.texts.insert(key, text);
        }
    }
}

pub(crate) fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        Expr::Reference(of) => literal(&of.expr),
        Expr::Paren(of) => literal(&of.expr),
        Expr::Group(of) => literal(&of.expr),
        _ => None,
    }
}
