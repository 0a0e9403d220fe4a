//! Goes through a file of the sources for what is handed to SQLite, and finds out what each text can be.
use crate::sources::{Constants, Pieces, Place, Sources, is_for_tests, literal};
use std::collections::BTreeMap;
use syn::{
    Expr, FnArg, ItemFn, ItemMod, Local, Pat, Token, Type,
    parse::Parser as _,
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// What a name stands for within a function.
#[derive(Clone)]
enum Bound<'a> {
    /// What it was set to.
    To(&'a Expr),
    /// One of the items of a list.
    Each(&'a Expr),
    /// A text that was fixed when the program was compiled, whatever it is.
    Fixed,
    /// Anything else.
    Open,
}

pub(crate) struct Finder<'a> {
    file: &'a str,
    constants: &'a Constants,
    /// Names of the functions around, innermost last.
    scopes: Vec<BTreeMap<String, Bound<'a>>>,
    found: &'a mut Sources,
}

/// Functions of `db::sql` and of the writer that take a connection and then a text, and how many arguments they take.
const ASKING: [(&str, usize); 5] = [
    ("all", 4),
    ("first", 4),
    ("one", 4),
    ("run", 3),
    ("execute", 2),
];

impl<'a> Finder<'a> {
    pub(crate) fn new(
        file: &'a str,
        constants: &'a Constants,
        found: &'a mut Sources,
    ) -> Finder<'a> {
        Finder {
            file,
            constants,
            scopes: Vec::new(),
            found,
        }
    }

    fn place(&self, expr: &Expr) -> Place {
        let line = syn::spanned::Spanned::span(expr).start().line;
        Place {
            file: self.file.to_owned(),
            line,
        }
    }

    fn statement(&mut self, expr: &'a Expr) {
        let place = self.place(expr);
        for pieces in self.texts(expr, 0) {
            self.found.statements.push((place.clone(), pieces));
        }
    }

    fn condition(&mut self, expr: &'a Expr) {
        let place = self.place(expr);
        for pieces in self.texts(expr, 0) {
            if let [text] = &pieces[..] {
                self.found.conditions.push((place.clone(), text.clone()));
            }
        }
    }

    fn tell(&mut self, what: &Expr) -> Vec<Pieces> {
        let written = quote(what);
        self.found.open.insert((self.file.to_owned(), written));
        vec![vec![String::new(), String::new()]]
    }

    fn bound(&self, name: &str) -> Option<Bound<'a>> {
        let mut scopes = self.scopes.iter().rev();
        scopes.find_map(|scope| scope.get(name).cloned())
    }

    /// Every text that an expression may stand for, with gaps where something not fixed stands.
    fn texts(&mut self, expr: &'a Expr, depth: usize) -> Vec<Pieces> {
        if depth > 12 {
            return self.tell(expr);
        }
        if let Some(text) = literal(expr) {
            return vec![vec![text]];
        }
        match expr {
            Expr::Reference(of) => self.texts(&of.expr, depth),
            Expr::Paren(of) => self.texts(&of.expr, depth),
            Expr::Group(of) => self.texts(&of.expr, depth),
            Expr::Block(of) => self.tail(&of.block, expr, depth),
            Expr::If(of) => {
                let mut all = self.tail(&of.then_branch, expr, depth);
                match &of.else_branch {
                    Some((_, other)) => all.extend(self.texts(other, depth + 1)),
                    None => all.extend(self.tell(expr)),
                }
                all
            }
            Expr::Match(of) => {
                let arms = of.arms.iter();
                arms.flat_map(|arm| self.texts(&arm.body, depth + 1))
                    .collect()
            }
            Expr::Path(of) => {
                let name = of.path.segments.last().unwrap().ident.to_string();
                self.named(&name, expr, depth)
            }
            Expr::Macro(of) if of.mac.path.is_ident("format") || of.mac.path.is_ident("concat") => {
                self.put_together(expr, &of.mac.tokens, depth)
            }
            // What conditions are put together to is fixed piece by piece.
            Expr::MethodCall(of) if of.method == "text" && of.args.is_empty() => {
                vec![vec![String::new(), String::new()]]
            }
            Expr::MethodCall(of)
                if of.method == "as_str" || of.method == "to_owned" || of.method == "clone" =>
            {
                self.texts(&of.receiver, depth + 1)
            }
            _ => self.tell(expr),
        }
    }

    fn tail(&mut self, block: &'a syn::Block, whole: &'a Expr, depth: usize) -> Vec<Pieces> {
        match block.stmts.last() {
            Some(syn::Stmt::Expr(last, None)) => {
                self.scopes.push(BTreeMap::new());
                for statement in &block.stmts {
                    if let syn::Stmt::Local(local) = statement {
                        self.local(local);
                    }
                }
                let texts = self.texts(last, depth + 1);
                self.scopes.pop();
                texts
            }
            _ => self.tell(whole),
        }
    }

    fn named(&mut self, name: &str, expr: &'a Expr, depth: usize) -> Vec<Pieces> {
        if name
            .chars()
            .all(|c| c.is_uppercase() || c == '_' || c.is_numeric())
        {
            return match self.constants.of(self.file, name) {
                Some(text) => vec![vec![text.clone()]],
                // A number, or a list that is walked through.
                None => vec![vec![String::new(), String::new()]],
            };
        }
        match self.bound(name) {
            Some(Bound::To(value)) => self.texts(value, depth + 1),
            Some(Bound::Each(list)) => self.each(list, depth),
            Some(Bound::Fixed) => vec![vec![String::new(), String::new()]],
            Some(Bound::Open) | None => self.tell(expr),
        }
    }

    /// The items of a list that stands there.
    fn each(&mut self, list: &'a Expr, depth: usize) -> Vec<Pieces> {
        match list {
            Expr::Array(of) => of
                .elems
                .iter()
                .flat_map(|item| self.texts(item, depth + 1))
                .collect(),
            Expr::Reference(of) => self.each(&of.expr, depth),
            Expr::MethodCall(of) if of.method == "iter" || of.method == "into_iter" => {
                self.each(&of.receiver, depth)
            }
            Expr::Path(of) => {
                let name = of.path.segments.last().unwrap().ident.to_string();
                self.named(&name, list, depth)
            }
            _ => self.tell(list),
        }
    }

    /// A text of `format!`, with each gap filled by what is fixed.
    fn put_together(
        &mut self,
        whole: &'a Expr,
        tokens: &proc_macro2::TokenStream,
        depth: usize,
    ) -> Vec<Pieces> {
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
        let Ok(arguments) = arguments else {
            return self.tell(whole);
        };
        // They live as long as the test does, as the sources do.
        let arguments: &'a [Expr] = Vec::leak(arguments.into_iter().collect());
        let Some(text) = arguments.first().and_then(literal) else {
            return self.tell(whole);
        };
        let mut all: Vec<Pieces> = vec![vec![String::new()]];
        let mut next = arguments[1..].iter();
        for part in parts(&text) {
            let fillings = match part {
                Part::Text(text) => vec![vec![text]],
                Part::Next => match next.next() {
                    Some(argument) => self.texts(argument, depth + 1),
                    None => self.tell(whole),
                },
                Part::Named(name) => {
                    let given = arguments[1..].iter().find_map(|argument| match argument {
                        Expr::Assign(of) if quote(&of.left) == name => Some(&*of.right),
                        _ => None,
                    });
                    match given {
                        Some(value) => self.texts(value, depth + 1),
                        None => {
                            let path: &'a Expr =
                                Box::leak(Box::new(syn::parse_str(&name).unwrap()));
                            self.texts(path, depth + 1)
                        }
                    }
                }
            };
            all = join(&all, &fillings);
        }
        all
    }

    fn local(&mut self, local: &'a Local) {
        let (pattern, kind) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            other => (other, None),
        };
        let value = local.init.as_ref().map(|init| &*init.expr);
        if let (Some(scope), Pat::Ident(name)) = (self.scopes.last_mut(), pattern) {
            let bound = match (value, kind) {
                (_, Some(kind)) if is_fixed(kind) => Bound::Fixed,
                (Some(value), _) => Bound::To(value),
                _ => Bound::Open,
            };
            scope.insert(name.ident.to_string(), bound);
        }
        if let (Some(scope), Pat::Tuple(names), Some(Expr::Tuple(values))) =
            (self.scopes.last_mut(), pattern, value)
        {
            for (name, value) in names.elems.iter().zip(&values.elems) {
                if let Pat::Ident(name) = name {
                    scope.insert(name.ident.to_string(), Bound::To(value));
                }
            }
        }
    }

    fn parameters(inputs: &'a Punctuated<FnArg, Token![,]>) -> BTreeMap<String, Bound<'a>> {
        let named = inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(name) => {
                    let bound = if is_fixed(&typed.ty) {
                        Bound::Fixed
                    } else {
                        Bound::Open
                    };
                    Some((name.ident.to_string(), bound))
                }
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        named.collect()
    }
}

/// Whether only what was there when the program was compiled can be of a type.
fn is_fixed(kind: &Type) -> bool {
    let written: String = quote(kind).split_whitespace().collect();
    written == "&'staticstr" || written == "usize" || written == "i64" || written == "TenantId"
}

fn quote<T: quote::ToTokens>(of: &T) -> String {
    of.to_token_stream().to_string()
}

/// A piece of the text of `format!`.
enum Part {
    Text(String),
    Next,
    Named(String),
}

fn parts(text: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        found.push(Part::Text(before.to_owned()));
        if after.starts_with("{{") || after.starts_with("}}") {
            found.push(Part::Text(after[..1].to_owned()));
            rest = &after[2..];
            continue;
        }
        let end = after.find('}').unwrap();
        let name = after[1..end].split(':').next().unwrap_or_default();
        found.push(match name {
            "" => Part::Next,
            name => Part::Named(name.to_owned()),
        });
        rest = &after[end + 1..];
    }
    found.push(Part::Text(rest.to_owned()));
    found
}

/// Each text followed by each filling.
fn join(all: &[Pieces], fillings: &[Pieces]) -> Vec<Pieces> {
    let mut joined = Vec::new();
    for text in all {
        for filling in fillings {
            let mut text = text.clone();
            let mut pieces = filling.iter();
            if let (Some(last), Some(first)) = (text.last_mut(), pieces.next()) {
                last.push_str(first);
            }
            text.extend(pieces.cloned());
            joined.push(text);
        }
    }
    joined
}

impl<'ast: 'a, 'a> Visit<'ast> for Finder<'a> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.scopes.push(Finder::parameters(&item.sig.inputs));
            visit::visit_item_fn(self, item);
            self.scopes.pop();
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.scopes.push(Finder::parameters(&item.sig.inputs));
            visit::visit_impl_item_fn(self, item);
            self.scopes.pop();
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        visit::visit_local(self, local);
        self.local(local);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        let named = closure.inputs.iter().filter_map(|input| match input {
            Pat::Type(typed) => match &*typed.pat {
                Pat::Ident(name) if is_fixed(&typed.ty) => {
                    Some((name.ident.to_string(), Bound::Fixed))
                }
                Pat::Ident(name) => Some((name.ident.to_string(), Bound::Open)),
                _ => None,
            },
            Pat::Ident(name) => Some((name.ident.to_string(), Bound::Open)),
            _ => None,
        });
        self.scopes.push(named.collect());
        visit::visit_expr_closure(self, closure);
        self.scopes.pop();
    }

    fn visit_expr_for_loop(&mut self, of: &'ast syn::ExprForLoop) {
        let mut scope = BTreeMap::new();
        match (&*of.pat, &*of.expr) {
            (Pat::Ident(name), list) => {
                scope.insert(name.ident.to_string(), Bound::Each(list));
            }
            (Pat::Tuple(names), Expr::Array(list)) => {
                let at = |at: usize| {
                    list.elems.iter().find_map(|item| match item {
                        Expr::Tuple(values) => values.elems.get(at),
                        _ => None,
                    })
                };
                for (index, name) in names.elems.iter().enumerate() {
                    if let (Pat::Ident(name), Some(first)) = (name, at(index)) {
                        scope.insert(name.ident.to_string(), Bound::To(first));
                    }
                }
            }
            _ => {}
        }
        self.scopes.push(scope);
        visit::visit_expr_for_loop(self, of);
        self.scopes.pop();
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        visit::visit_expr_call(self, call);
        let Expr::Path(of) = &*call.func else {
            return;
        };
        let path: Vec<String> = of
            .path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let name = path.last().map(String::as_str).unwrap_or_default();
        let is_local =
            path.len() == 1 || path[path.len() - 2] == "sql" || path[path.len() - 2] == "writer";
        if is_local && ASKING.contains(&(name, call.args.len())) {
            self.statement(&call.args[1]);
        }
        if path.ends_with(&["Where".to_owned(), "new".to_owned()]) {
            self.condition(&call.args[0]);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        let takes_text = match call.method.to_string().as_str() {
            "prepare" | "prepare_cached" | "execute_batch" => call.args.len() == 1,
            // A statement that is prepared takes values alone.
            "execute" => call.args.len() == 2,
            "query_row" | "query_one" => call.args.len() == 3,
            _ => false,
        };
        if takes_text {
            self.statement(&call.args[0]);
        }
        if call.method == "and" && call.args.len() == 2 {
            self.condition(&call.args[0]);
        }
    }
}
