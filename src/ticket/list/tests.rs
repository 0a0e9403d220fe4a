//! How SQLite goes about each list.
use super::*;
use crate::db::migrate;

/// What SQLite will do for a page of `filter`.
fn plan(conn: &Connection, filter: &Filter) -> Vec<String> {
    let conditions = filter.conditions(TenantId(1)).unwrap();
    let (text, order) = (conditions.text(), filter.order());
    let sql = format!(
        "explain query plan select {COLUMNS} from {TABLES} where {text} order by {order} limit ? offset ?"
    );
    let values = conditions.bind([30.into(), 0.into()]);
    all(conn, &sql, rusqlite::params_from_iter(values), |row| {
        row.get(3)
    })
    .unwrap()
}

#[test]
fn no_list_reads_a_whole_table_and_the_usual_ones_are_not_sorted() {
    let path = std::env::temp_dir().join(format!("tehprof-plan-{}.db", std::process::id()));
    migrate::bring_up(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    let of = |stage, sort| Filter {
        stage,
        sort,
        ..Filter::all(Sight::Staff)
    };
    let usual = [
        of(Stage::All, Sort::UpdatedAt),
        of(Stage::Active, Sort::UpdatedAt),
        of(Stage::One(Status::New), Sort::UpdatedAt),
        of(Stage::All, Sort::CreatedAt),
        of(Stage::Active, Sort::Sla),
    ];
    let others = [
        of(Stage::Active, Sort::Priority),
        Filter {
            charge: Some(Charge::Operator(OperatorId(1))),
            ..of(Stage::Active, Sort::UpdatedAt)
        },
        Filter {
            tag: Some("vip".into()),
            ..of(Stage::All, Sort::UpdatedAt)
        },
        Filter {
            search: Some("принтер".into()),
            ..of(Stage::All, Sort::UpdatedAt)
        },
        Filter::all(Sight::User(ClientId(1), 7)),
    ];
    for filter in usual.iter().chain(&others) {
        let plan = plan(&conn, filter);
        let scans = plan
            .iter()
            .any(|step| step.starts_with("SCAN t") || step.starts_with("SCAN m"));
        assert!(!scans, "{filter:?}: {plan:#?}");
    }
    for filter in &usual {
        let plan = plan(&conn, filter);
        assert!(
            !plan.iter().any(|step| step.contains("TEMP B-TREE")),
            "{filter:?}: {plan:#?}"
        );
    }
    drop(conn);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
}
