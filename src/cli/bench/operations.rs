//! What the server is loaded with, and what each operation is measured by.
use super::{
    ECHO, MESSAGES, TICKETS,
    fill::{self, Filled},
    load::Ask,
    text,
};
use fastrand::Rng;
use serde_json::json;
use std::sync::Arc;

/// An operation of the API and what it is compared with and aims for.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) of: Option<&'static str>,
    pub(super) target: Option<&'static str>,
    pub(super) ask: Ask,
    /// Over how many connections it is asked at most.
    pub(super) most: usize,
}

/// What is asked of the server, in this order: what writes comes last, so that reads meet the desk as it was filled. A field
/// that no action knows makes each question another one, so that its answer is found anew.
pub(super) fn all(filled: Filled) -> Vec<Operation> {
    let tickets = filled.tickets;
    let operation = |name, of, target, ask: fn(u64, i64) -> (&'static str, serde_json::Value)| {
        let ask: Ask = Arc::new(move |n| {
            let (path, body) = ask(n, tickets);
            (path, body.to_string())
        });
        Operation {
            name,
            of,
            target,
            ask,
            most: usize::MAX,
        }
    };
    let alone = |operation: Operation| Operation {
        most: 1,
        ..operation
    };
    vec![
        operation(
            "list_tickets, 30 rows",
            Some(ECHO),
            Some("≥ 12 %, p99 ≤ 13 ms"),
            |n, _| {
                (
                    "/api/admin.php/list_tickets",
                    json!({ "limit": 30, "n": n }),
                )
            },
        ),
        operation("list_tickets, asked again", Some(ECHO), None, |_, _| {
            ("/api/admin.php/list_tickets", json!({ "limit": 30 }))
        }),
        operation(
            "list_tickets, active",
            Some(ECHO),
            Some("≥ 12 %, p99 ≤ 13 ms"),
            |n, _| {
                (
                    "/api/admin.php/list_tickets",
                    json!({ "status": "active", "limit": 30, "n": n }),
                )
            },
        ),
        operation("list_tickets, all by priority", None, None, |n, _| {
            (
                "/api/admin.php/list_tickets",
                json!({ "sort": "priority", "limit": 30, "n": n }),
            )
        }),
        operation("list_tickets, deep page", None, None, |n, tickets| {
            let page = 1 + n as i64 * 7919 % (tickets / 30).max(1);
            (
                "/api/admin.php/list_tickets",
                json!({ "limit": 30, "page": page, "n": n }),
            )
        }),
        operation(
            "get_ticket, 20 messages",
            Some(ECHO),
            Some("≥ 16 %, p99 ≤ 9 ms"),
            |n, tickets| {
                let id = fill::LONG * (1 + n as i64 * 7919 % (tickets / fill::LONG).max(1));
                (
                    "/api/admin.php/get_ticket",
                    json!({ "ticket_id": id, "mark_read": false }),
                )
            },
        ),
        operation("search, a rare word", None, Some("p99 ≤ 5 ms"), |n, _| {
            let mut rng = Rng::with_seed(n % 5000);
            let word = format!("srv-{}", rng.u32(..900_000));
            (
                "/api/admin.php/list_tickets",
                json!({ "search": word, "n": n }),
            )
        }),
        operation("search, two words", None, Some("p99 ≤ 5 ms"), |n, _| {
            let words = [
                "принтер склад",
                "касса чек",
                "құжат төлем",
                "отчёт ошибка",
                "портал ссылка",
            ];
            (
                "/api/admin.php/list_tickets",
                json!({ "search": words[n as usize % 5], "n": n }),
            )
        }),
        operation("search, a common word", None, None, |n, _| {
            let words = ["принтер", "заявк", "өтінім", "сервер", "не"];
            (
                "/api/admin.php/list_tickets",
                json!({ "search": words[n as usize % 5], "n": n }),
            )
        }),
        operation("ticket_counts", None, None, |n, _| {
            ("/api/admin.php/ticket_counts", json!({ "n": n }))
        }),
        operation("dashboard", None, Some("p99 ≤ 10 ms"), |n, _| {
            ("/api/admin.php/dashboard", json!({ "n": n }))
        }),
        operation("dashboard, asked again", None, None, |_, _| {
            ("/api/admin.php/dashboard", json!({}))
        }),
        operation(
            "dashboard_analytics, 30 days",
            None,
            Some("p99 ≤ 100 ms"),
            |n, _| {
                (
                    "/api/admin.php/dashboard_analytics",
                    json!({ "days": 30, "n": n }),
                )
            },
        ),
        operation("dashboard_analytics, asked again", None, None, |_, _| {
            ("/api/admin.php/dashboard_analytics", json!({ "days": 30 }))
        }),
        alone(operation(
            "report_operators, 30 days",
            None,
            None,
            |_, _| ("/api/admin.php/report_operators", json!({ "days": 30 })),
        )),
        alone(operation("report_tickets, 30 days", None, None, |_, _| {
            ("/api/admin.php/report_tickets", json!({ "days": 30 }))
        })),
        operation(
            "add_message",
            Some(MESSAGES),
            Some("≥ 85 %, p99 ≤ 15 ms"),
            |n, tickets| {
                let mut rng = Rng::with_seed(n);
                let id = rng.i64(1..=tickets);
                (
                    "/api/admin.php/add_message",
                    json!({ "ticket_id": id, "message": text::message(&mut rng) }),
                )
            },
        ),
        operation(
            "create_ticket",
            Some(TICKETS),
            Some("≥ 85 %, p99 ≤ 15 ms"),
            |n, _| {
                let mut rng = Rng::with_seed(n);
                let (subject, description) = (text::subject(&mut rng), text::message(&mut rng));
                (
                    "/api/admin.php/create_ticket",
                    json!({ "subject": subject, "description": description }),
                )
            },
        ),
    ]
}
