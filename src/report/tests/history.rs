//! Random histories of a desk, for what is counted in passing to be compared with a slow count.
use proptest::prelude::*;
use rusqlite::Connection;

/// A change of a ticket as the verbs of the desk and the shell make them.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Open {
        tenant: i64,
        minute: i64,
    },
    Set {
        ticket: usize,
        column: &'static str,
        value: Option<i64>,
    },
    Word {
        ticket: usize,
        column: &'static str,
        word: &'static str,
    },
    Bin {
        ticket: usize,
        restore: bool,
    },
    Purge {
        ticket: usize,
    },
    Write {
        ticket: usize,
        minute: i64,
        author: &'static str,
    },
    Message {
        message: i64,
        column: &'static str,
        value: Option<i64>,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let ticket = 0..40usize;
    let minute = 0..3_000i64;
    let word = prop_oneof![
        prop::sample::select(vec![
            "new",
            "estimated",
            "in_progress",
            "on_hold",
            "done",
            "closed",
            "reopened"
        ])
        .prop_map(|w| ("status", w)),
        prop::sample::select(vec!["low", "normal", "urgent"]).prop_map(|w| ("priority", w)),
        prop::sample::select(vec!["crm", "other"]).prop_map(|w| ("category", w)),
        prop::sample::select(vec!["email", "api", "widget"]).prop_map(|w| ("channel", w)),
    ];
    let number = prop_oneof![
        (
            prop::sample::select(vec!["client_id", "assigned_to"]),
            prop::option::of(1..3i64)
        ),
        (Just("unread_count"), (0..3i64).prop_map(Some)),
        (
            prop::sample::select(vec!["sla_response_breached", "sla_resolution_breached"]),
            (0..2i64).prop_map(Some)
        ),
        (
            prop::sample::select(vec![
                "first_response_at",
                "done_at",
                "closed_at",
                "due_at",
                "sla_response_at",
                "sla_resolution_at"
            ]),
            prop::option::of(minute.clone().prop_map(|m| m * 60_000)),
        ),
    ];
    prop_oneof![
        3 => (1..3i64, minute).prop_map(|(tenant, minute)| Step::Open { tenant, minute }),
        6 => (ticket.clone(), number)
            .prop_map(|(ticket, (column, value))| Step::Set { ticket, column, value }),
        4 => (ticket.clone(), word).prop_map(|(ticket, (column, word))| Step::Word { ticket, column, word }),
        2 => (ticket.clone(), any::<bool>()).prop_map(|(ticket, restore)| Step::Bin { ticket, restore }),
        1 => ticket.clone().prop_map(|ticket| Step::Purge { ticket }),
        4 => (ticket, 0..3_000i64, prop::sample::select(vec!["client", "support", "system"]))
            .prop_map(|(ticket, minute, author)| Step::Write { ticket, minute, author }),
        3 => (0..30i64, prop_oneof![
                (Just("is_note"), (0..2i64).prop_map(Some)),
                (Just("deleted_at"), prop::option::of(Just(1i64))),
                (Just("created_at"), (0..3_000i64).prop_map(|m| Some(m * 60_000))),
            ]).prop_map(|(message, (column, value))| Step::Message { message, column, value }),
    ]
}

pub(super) fn carry_out(conn: &Connection, tickets: &mut Vec<(i64, i64)>, step: &Step) {
    let known = |ticket: usize| tickets.get(ticket % tickets.len().max(1)).copied();
    match *step {
        Step::Open { tenant, minute } => {
            let id = i64::try_from(tickets.len()).unwrap() + 1;
            conn.execute(
                "insert into ticket (tenant_id, id, reference, subject, status, priority, channel, creator_name, created_at, updated_at)
                 values (?1, ?2, ?2, 's', 'new', 'normal', 'api', 'x', ?3, ?3)",
                (tenant, id, minute * 60_000),
            )
            .unwrap();
            tickets.push((tenant, id));
        }
        Step::Set {
            ticket,
            column,
            value,
        } => {
            let Some((tenant, id)) = known(ticket) else {
                return;
            };
            // The clients and operators of the second tenant are the third and fourth.
            let own = matches!(column, "client_id" | "assigned_to");
            let value = value.map(|v| if own { v + (tenant - 1) * 2 } else { v });
            let sql = format!("update ticket set {column} = ?3 where tenant_id = ?1 and id = ?2");
            conn.execute(&sql, (tenant, id, value)).unwrap();
        }
        Step::Word {
            ticket,
            column,
            word,
        } => {
            let Some((tenant, id)) = known(ticket) else {
                return;
            };
            let sql = format!("update ticket set {column} = ?3 where tenant_id = ?1 and id = ?2");
            conn.execute(&sql, (tenant, id, word)).unwrap();
        }
        Step::Bin { ticket, restore } => {
            let Some(key) = known(ticket) else { return };
            let sql =
                "update ticket set deleted_at = iif(?3, null, 1) where tenant_id = ?1 and id = ?2";
            conn.execute(sql, (key.0, key.1, restore)).unwrap();
        }
        Step::Purge { ticket } => {
            let Some(key) = known(ticket) else { return };
            conn.execute("delete from ticket where tenant_id = ?1 and id = ?2", key)
                .unwrap();
        }
        Step::Write {
            ticket,
            minute,
            author,
        } => {
            let Some((tenant, id)) = known(ticket) else {
                return;
            };
            // Into one that was purged, nothing is written.
            conn.execute(
                "insert into message (tenant_id, ticket_id, ordinal, author_type, author_name, body, channel, created_at)
                 select tenant_id, id, next_ordinal, ?3, 'x', 'y', 'api', ?4 from ticket where tenant_id = ?1 and id = ?2",
                (tenant, id, author, minute * 60_000),
            )
            .unwrap();
            conn.execute(
                "update ticket set next_ordinal = next_ordinal + 1, updated_at = ?3 where tenant_id = ?1 and id = ?2",
                (tenant, id, minute * 6_000_000),
            )
            .unwrap();
        }
        Step::Message {
            message,
            column,
            value,
        } => {
            let sql = format!(
                "update message set {column} = ?2
                  where id = (select id from message order by id limit 1 offset ?1)"
            );
            conn.execute(&sql, (message, value)).unwrap();
        }
    }
}
