//! What a program of SQLite's machine comes to: which rows its cursors can reach, and what they find them by.
use crate::plan::{Schema, Step, Tree};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

/// One program, and which tree each of its cursors is on.
pub(crate) struct Program<'a> {
    steps: &'a [Step],
    cursors: BTreeMap<i64, &'a Tree>,
    schema: &'a Schema,
}

/// What opens a cursor.
const OPENS: [&str; 3] = ["OpenRead", "OpenWrite", "ReopenIdx"];
/// What goes to a place in an index that a key names, from which it may go on.
const SEEKS: [&str; 4] = ["SeekGE", "SeekGT", "SeekLE", "SeekLT"];
/// What ends that.
const ENDS: [&str; 4] = ["IdxGE", "IdxGT", "IdxLE", "IdxLT"];
/// What finds by a whole key, or nothing.
const FINDS: [&str; 4] = ["Found", "NotFound", "NoConflict", "IfNoHope"];
/// What finds by a number.
const NUMBERS: [&str; 2] = ["SeekRowid", "NotExists"];
/// What begins at an end of the table.
const WALKS: [&str; 3] = ["Rewind", "Last", "Count"];
/// What compares registers, and is on no cursor.
const COMPARES: [&str; 6] = ["Ne", "Eq", "Lt", "Le", "Gt", "Ge"];
/// What goes on elsewhere if something is so.
const JUMPS: [&str; 12] = [
    "Ne", "Eq", "Lt", "Le", "Gt", "Ge", "IsNull", "NotNull", "If", "IfNot", "Found", "Goto",
];

impl<'a> Program<'a> {
    pub(crate) fn new(schema: &'a Schema, steps: &'a [Step]) -> Program<'a> {
        let opens = steps.iter().filter(|step| step.is(&OPENS));
        // The third says which database; the main one is naught, that of temporary tables one.
        let ours = opens.filter(|step| step.p[2] == 0);
        let cursors = ours.filter_map(|step| Some((step.p[0], schema.trees.get(&step.p[1])?)));
        Program {
            steps,
            cursors: cursors.collect(),
            schema,
        }
    }

    pub(crate) fn unkeyed(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (&cursor, tree) in &self.cursors {
            if self.is_owned(tree) && !self.is_keyed(cursor, &mut BTreeSet::new()) {
                found.insert(tree.table.clone());
            }
        }
        let cleared = self.steps.iter().filter(|step| step.does == "Clear");
        let trees = cleared.filter_map(|step| self.schema.trees.get(&step.p[0]));
        found.extend(
            trees
                .filter(|tree| tree.owner().is_some())
                .map(|tree| tree.table.clone()),
        );
        found
    }

    /// An index need not hold the column that its table has.
    fn is_owned(&self, tree: &Tree) -> bool {
        self.schema.owned().contains(tree.table.as_str())
    }

    fn on(&self, cursor: i64) -> impl Iterator<Item = &'a Step> {
        self.steps
            .iter()
            .filter(move |step| step.p[0] == cursor && !step.is(&OPENS) && !step.is(&COMPARES))
    }

    /// Whether a cursor comes to the rows of one tenant alone. `asked` are those that are asked already.
    fn is_keyed(&self, cursor: i64, asked: &mut BTreeSet<i64>) -> bool {
        let Some(tree) = self.cursors.get(&cursor) else {
            return false;
        };
        if !asked.insert(cursor) {
            return false;
        }
        let comes = self.on(cursor).filter(|step| comes_to_rows(step));
        let comes: Vec<&Step> = comes
            .filter(|step| !self.only_looks_for_room(step))
            .collect();
        let deferred = self
            .steps
            .iter()
            .filter(|step| step.does == "DeferredSeek" && step.p[2] == cursor);
        let from: Vec<i64> = deferred.map(|step| step.p[0]).collect();
        // One without either only writes.
        let is_keyed = self.passes_over(cursor, tree, asked)
            || self
                .leads_to(cursor)
                .is_some_and(|to| self.passes_over(to, self.cursors[&to], asked))
            || (comes.iter().all(|step| self.is_bound(step, tree, asked))
                && from.iter().all(|&index| self.is_keyed(index, asked)));
        asked.remove(&cursor);
        is_keyed
    }

    /// Whether a step finds out whether a row that is written is there already, and nothing is read of what is found.
    fn only_looks_for_room(&self, step: &Step) -> bool {
        let reads = ["Column", "Rowid", "DeferredSeek", "Delete", "RowData"];
        let is_read =
            || self.on(step.p[0]).any(|step| step.is(&reads)) || self.leads_to(step.p[0]).is_some();
        let is_written = || self.on(step.p[0]).any(|step| step.does == "Insert");
        match step.does.as_str() {
            "NoConflict" => !is_read(),
            "NotExists" => is_written() && !is_read(),
            _ => false,
        }
    }

    /// The table to whose rows a cursor on one of its indexes leads.
    fn leads_to(&self, index: i64) -> Option<i64> {
        let (table, is_index) = (self.cursors.get(&index)?, |tree: &Tree| !tree.by_number);
        if !is_index(table) {
            return None;
        }
        let deferred = self.on(index).find(|step| step.does == "DeferredSeek");
        if let Some(step) = deferred {
            return self.cursors.contains_key(&step.p[2]).then_some(step.p[2]);
        }
        let numbers: Vec<i64> = self
            .on(index)
            .filter(|step| step.does == "IdxRowid")
            .map(|step| step.p[1])
            .collect();
        let mut seeks = self.steps.iter().filter(|step| step.is(&NUMBERS));
        let to = seeks.find(|step| {
            let is_of_it = self
                .cursors
                .get(&step.p[0])
                .is_some_and(|tree| tree.table == table.table);
            is_of_it && numbers.iter().any(|&number| number == step.p[2])
        });
        to.map(|step| step.p[0])
    }

    /// Whether a step of a cursor can only come to the tenant that is wanted.
    fn is_bound(&self, step: &Step, tree: &Tree, asked: &mut BTreeSet<i64>) -> bool {
        let begins_with_owner = !tree.by_number && tree.owner() == Some(0);
        if step.is(&WALKS) {
            return false;
        }
        if step.is(&FINDS) {
            return begins_with_owner || self.is_from_keyed(step, asked);
        }
        if step.is(&SEEKS) {
            return begins_with_owner && key_length(step) > 0 && self.ends(step);
        }
        // By number: a tenant's own, or one that stands in a row that was come to keyed.
        tree.table == "tenant" || self.is_from_keyed(step, asked)
    }

    /// Whether a walk that begins at a key ends with the same tenant.
    fn ends(&self, seek: &Step) -> bool {
        let ends = self.on(seek.p[0]).filter(|step| step.is(&ENDS));
        ends.filter(|end| key_length(end) > 0)
            .any(|end| end.p[2] == seek.p[2] || self.same(end.p[2], seek.p[2]))
    }

    /// Whether two registers hold the same when a walk begins.
    fn same(&self, one: i64, other: i64) -> bool {
        let last = self.steps.len();
        let of = |register| {
            self.source(register, last)
                .map(|step| (&step.does, step.p[0]))
        };
        of(one).is_some() && of(one) == of(other)
    }

    /// The step that has written a register by the time of a step, through copies: the nearest before it, or what is made
    /// ready at the end of the program.
    fn source(&self, register: i64, by: usize) -> Option<&'a Step> {
        let (mut register, mut by) = (register, by);
        for _ in 0..self.steps.len() {
            let writes_it =
                |step: &&Step| written(step).is_some_and(|many| many.contains(&register));
            let before = self.steps[..by].iter().rev().find(writes_it);
            let step = before.or_else(|| self.steps[by..].iter().find(writes_it))?;
            match copied(step, register) {
                None => return Some(step),
                Some(from) => register = from,
            }
            by = position(step);
        }
        None
    }

    /// Whether what a step finds by was read from rows that were come to keyed, or is a new number.
    fn is_from_keyed(&self, step: &Step, asked: &mut BTreeSet<i64>) -> bool {
        self.is_read_from_keyed(step.p[2], step, asked)
    }

    fn is_read_from_keyed(&self, register: i64, by: &Step, asked: &mut BTreeSet<i64>) -> bool {
        let Some(source) = self.source(register, position(by)) else {
            return false;
        };
        match source.does.as_str() {
            // What sets off a trigger was come to by the program around it.
            "NewRowid" | "Param" | "RowSetRead" => true,
            "Column" | "Rowid" | "IdxRowid" | "RowData" => {
                let from = source.p[0];
                // What a cursor takes from itself it has come to otherwise before, and rows that were put aside were found by
                // the cursors of this program, each of which is looked at itself.
                from == by.p[0] || self.is_put_aside(from) || self.is_keyed(from, asked)
            }
            // The least or the greatest of what was come to.
            "AggFinal" => {
                let steps = self.steps.iter();
                let mut of =
                    steps.filter(|step| step.does == "AggStep" && step.p[2] == source.p[0]);
                of.next()
                    .is_some_and(|step| self.is_read_from_keyed(step.p[1], step, asked))
            }
            _ => false,
        }
    }

    fn is_put_aside(&self, cursor: i64) -> bool {
        let opens = [
            "OpenEphemeral",
            "OpenPseudo",
            "SorterOpen",
            "OpenAutoindex",
            "OpenDup",
        ];
        self.steps
            .iter()
            .any(|step| step.p[0] == cursor && step.is(&opens))
    }

    /// Whether each row is compared with the tenant that is wanted before anything is done with it.
    fn passes_over(&self, cursor: i64, tree: &Tree, asked: &mut BTreeSet<i64>) -> bool {
        let Some(owner) = tree.owner() else {
            return false;
        };
        let is_owner = |register: i64, step: &Step| {
            let source = self.source(register, position(step));
            source.is_some_and(|of| of.does == "Column" && of.p[0] == cursor && of.p[1] == owner)
        };
        let compares: Vec<&Step> = self.steps.iter().filter(|step| step.does == "Ne").collect();
        compares.into_iter().any(|step| {
            let [one, _, other] = step.p;
            !self.is_gone_round(step)
                && ((is_owner(one, step) && self.is_wanted(other, step, cursor, asked))
                    || (is_owner(other, step) && self.is_wanted(one, step, cursor, asked)))
        })
    }

    /// Whether something else than the comparison lets a row through: `or`.
    fn is_gone_round(&self, compare: &Step) -> bool {
        let before = self.steps[..position(compare)].iter();
        let mut jumps = before.filter(|step| step.is(&JUMPS));
        jumps.any(|step| step.p[1] == compare.address + 1)
    }

    /// Whether a register holds the tenant that is wanted: it was given, or is that of a row that was come to keyed.
    fn is_wanted(&self, register: i64, by: &Step, cursor: i64, asked: &mut BTreeSet<i64>) -> bool {
        let Some(step) = self.source(register, position(by)) else {
            return false;
        };
        let from = step.p[0];
        match step.does.as_str() {
            "Variable" | "Param" | "Integer" => true,
            "Column" | "Rowid" | "IdxRowid" => {
                from != cursor
                    && (self.is_put_aside(from) || self.is_keyed(from, asked))
                    && self.is_given(from, cursor, asked)
            }
            _ => false,
        }
    }

    /// Whether a tenant is read because it is wanted, and not because a row at hand is of it.
    fn is_given(&self, cursor: i64, other: i64, asked: &mut BTreeSet<i64>) -> bool {
        if self
            .cursors
            .get(&cursor)
            .is_none_or(|tree| tree.table != "tenant")
        {
            return true;
        }
        let seeks: Vec<&Step> = self.on(cursor).filter(|step| step.is(&NUMBERS)).collect();
        let mut seeks = seeks.into_iter();
        seeks.all(|step| {
            asked.insert(cursor) && {
                let is_so = self.is_wanted(step.p[2], step, other, asked);
                asked.remove(&cursor);
                is_so
            }
        })
    }
}

/// Where a step stands in its program.
fn position(step: &Step) -> usize {
    usize::try_from(step.address).unwrap()
}

fn comes_to_rows(step: &Step) -> bool {
    [&WALKS[..], &SEEKS, &FINDS, &NUMBERS]
        .iter()
        .any(|of| step.is(of))
}

/// How many columns of an index a key names.
fn key_length(step: &Step) -> i64 {
    step.more.parse().unwrap_or(0)
}

/// The registers that a step writes, of the steps that can bring a key.
fn written(step: &Step) -> Option<RangeInclusive<i64>> {
    let [one, two, three] = step.p;
    let many = match step.does.as_str() {
        "AggFinal" => one..=one,
        "Rowid" | "IdxRowid" | "NewRowid" | "Variable" | "Param" | "Integer" | "Int64"
        | "RowData" | "String8" | "Real" | "Blob" | "SCopy" | "IntCopy" | "Not" | "ZeroOrNull" => {
            two..=two
        }
        // The third is the last of several, if it is any.
        "Null" => two..=two.max(three),
        "Copy" => two..=two + three,
        "Move" => two..=two + three - 1,
        "Column" | "VColumn" | "RowSetRead" | "Function" | "PureFunc" | "Add" | "Subtract"
        | "Multiply" | "Divide" | "Remainder" | "Concat" | "ShiftLeft" | "ShiftRight" | "BitOr"
        | "BitAnd" | "And" | "Or" | "MakeRecord" => three..=three,
        _ => return None,
    };
    Some(many)
}

/// The register that a copy puts into another one.
fn copied(step: &Step, into: i64) -> Option<i64> {
    let copies = ["Copy", "SCopy", "IntCopy", "Move"];
    step.is(&copies).then(|| step.p[0] + into - step.p[1])
}
