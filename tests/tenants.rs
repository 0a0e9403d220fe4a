//! What the head of an installation decides of its tenants, and what a plan allows them.
use crate::support::{Caller, Desk, desk::PASSWORD};
use serde_json::{Value, json};

/// Somebody who looks after the whole installation.
fn head(desk: &Desk) -> Caller {
    let login = "head@acme.example";
    let person = [
        "operator", "add", "--tenant", "acme", "--name", "Head", "--email", login,
    ];
    desk.dir.run(
        &[&person[..], &["--head-admin", "--password-stdin"]].concat(),
        PASSWORD,
    );
    Caller::sign_in(&desk.address(), login, PASSWORD)
}

/// Changes globex, which is the second tenant.
#[track_caller]
fn change(head: &Caller, mut body: Value) -> Value {
    body["tenant_id"] = json!(2);
    head.call("update_tenant", body)
}

fn opened(who: &Caller) -> (u16, String) {
    let body = json!({ "subject": "One more", "description": "Text" });
    let reply = who.ask("create_ticket", &body);
    match reply.status {
        200 => (200, String::new()),
        status => (status, reply.code()),
    }
}

#[test]
fn a_tenant_s_own_limits_hold_at_once() {
    let desk = Desk::open();
    let head = head(&desk);
    let standing = change(
        &head,
        json!({ "plan": "pro", "limits": { "tickets_per_month": 1, "clients": 1, "operators": 0, "file_mb": 1, "storage_mb": 1 } }),
    );
    assert_eq!(standing["limits"]["tickets_per_month"], 1);
    assert_eq!(standing["overrides"]["clients"], 1);
    assert_eq!(
        standing["limits"]["keys"], 3,
        "what is not overridden is the plan's"
    );

    assert_eq!(opened(&desk.greta).0, 200);
    assert_eq!(opened(&desk.greta), (400, "plan_limit".into()));
    assert_eq!(opened(&desk.alia).0, 200, "another tenant is not concerned");
    let client = |n: u8| json!({ "portal_domain": format!("c{n}.example"), "company_name": "C" });
    desk.greta.call("create_client", client(1));
    assert_eq!(
        desk.greta.refused("create_client", client(2)),
        (400, "plan_limit".into())
    );
    let somebody = json!({ "name": "Max", "email": "max@globex.example", "password": PASSWORD });
    assert_eq!(
        desk.greta.refused("add_operator", somebody.clone()),
        (400, "plan_limit".into())
    );
    let file = |mb: usize| {
        let bytes = vec![b'x'; (mb << 20) - 4096];
        desk.greta.upload(
            "upload_file",
            json!({}),
            &[("x.bin", "application/octet-stream", &bytes)],
        )
    };
    assert_eq!(file(2).status, 413);
    assert_eq!(file(1).status, 200);
    assert_eq!(
        desk.greta
            .upload(
                "upload_file",
                json!({}),
                &[("y.bin", "application/octet-stream", &[7; 8192])]
            )
            .code(),
        "plan_limit"
    );

    let features = desk.greta.call("get_plan_features", json!({}));
    assert_eq!(features["plan"], "pro");
    assert_eq!(features["usage"]["tickets_this_month"], 1);
    assert_eq!(features["usage"]["clients"], 1);
    assert_eq!(features["usage"]["storage_bytes"], (1 << 20) - 4096);
    assert_eq!(features["limits"]["operators"], 0);

    // Without them the plan's own hold again.
    change(
        &head,
        json!({ "limits": { "tickets_per_month": null, "clients": "unlimited", "operators": null } }),
    );
    assert_eq!(opened(&desk.greta).0, 200);
    desk.greta.call("create_client", client(2));
    desk.greta.call("add_operator", somebody);
    let limits = desk.greta.call("get_plan_features", json!({}))["limits"].clone();
    assert_eq!(
        (&limits["tickets_per_month"], &limits["clients"]),
        (&json!(1000), &json!(null))
    );
}

#[test]
fn supervisors_are_counted_apart_from_operators() {
    let desk = Desk::open();
    change(
        &head(&desk),
        json!({ "plan": "pro", "limits": { "operators": 1 } }),
    );
    let add = |n: u8, role: &str| {
        let body = json!({ "name": "P", "email": format!("p{n}@globex.example"), "role": role, "password": PASSWORD });
        desk.greta.ask("add_operator", &body)
    };
    assert_eq!(add(1, "supervisor").status, 200);
    assert_eq!(add(2, "supervisor").code(), "plan_limit");
    assert_eq!(add(3, "operator").status, 200);
    assert_eq!(add(4, "operator").code(), "plan_limit");
    assert_eq!(
        add(5, "admin").status,
        200,
        "admins are as many as one likes"
    );
}

#[test]
fn two_who_come_at_once_do_not_both_get_the_last_place() {
    let desk = Desk::open();
    change(
        &head(&desk),
        json!({ "limits": { "tickets_per_month": 3 } }),
    );
    let outcomes: Vec<(u16, String)> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| opened(&desk.greta)))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let taken = outcomes.iter().filter(|outcome| outcome.0 == 200).count();
    assert_eq!(taken, 3, "{outcomes:?}");
    assert_eq!(
        desk.count("select count(*) from ticket where tenant_id = 2"),
        3
    );
}

#[test]
fn a_key_has_as_many_calls_a_minute_as_its_tenant() {
    let desk = Desk::open();
    let key = desk.key_of("globex", "read,tickets");
    change(
        &head(&desk),
        json!({ "limits": { "requests_per_minute": 2 } }),
    );
    let ask = || key.ask("list_tickets", &json!({}));
    let first = ask();
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-limit"), Some("2"));
    assert_eq!((ask().status, ask().status), (200, 429));
}

#[test]
fn a_key_that_was_made_on_a_larger_plan_does_what_the_plan_of_today_allows() {
    let desk = Desk::open();
    let head = head(&desk);
    let key = desk.key_of("globex", "read,write,tickets");
    for (plan, read, write) in [
        ("enterprise", 200, 200),
        ("starter", 200, 403),
        ("free", 403, 403),
    ] {
        change(&head, json!({ "plan": plan }));
        let reading = key.ask("list_tickets", &json!({}));
        assert_eq!((reading.status, opened(&key).0), (read, write), "{plan}");
        if reading.status == 403 {
            assert_eq!(reading.code(), "plan_required");
            assert_eq!(reading.json()["required_plan"], "starter");
        }
    }
}

#[test]
fn what_the_head_of_the_installation_asks_for_wrongly_is_refused_by_name() {
    let desk = Desk::open();
    let head = head(&desk);
    for (body, code, field) in [
        (json!({}), "missing_parameter", "tenant_id"),
        (json!({ "tenant_id": 99 }), "tenant_not_found", "tenant_id"),
        (
            json!({ "tenant_id": 2, "plan": "gold" }),
            "invalid_parameter",
            "plan",
        ),
        (
            json!({ "tenant_id": 2, "limits": { "kyes": 1 } }),
            "invalid_parameter",
            "limits.kyes",
        ),
        (
            json!({ "tenant_id": 2, "limits": { "keys": -1 } }),
            "invalid_parameter",
            "limits.keys",
        ),
        (
            json!({ "tenant_id": 2, "limits": { "file_mb": 0 } }),
            "invalid_parameter",
            "limits.file_mb",
        ),
        (
            json!({ "tenant_id": 1, "is_active": false }),
            "invalid_parameter",
            "is_active",
        ),
    ] {
        let reply = head.ask("update_tenant", &body);
        let refusal = reply.json();
        assert_eq!(
            (reply.status, &refusal["code"], &refusal["field"]),
            (400, &json!(code), &json!(field)),
            "{body}"
        );
    }
    let tenants = head.call("list_tenants", json!({}));
    assert_eq!(tenants[1]["overrides"], json!({}), "nothing is half done");
    for (action, body) in [
        ("list_tenants", json!({})),
        ("update_tenant", json!({ "tenant_id": 2, "plan": "free" })),
        (
            "create_tenant",
            json!({ "name": "X", "admin_email": "x@x.example" }),
        ),
        ("list_error_logs", json!({})),
        ("platform_stats", json!({})),
    ] {
        assert_eq!(
            desk.alia.refused(action, body.clone()),
            (403, "role_required".into()),
            "{action}"
        );
        assert_eq!(
            desk.key.refused(action, body),
            (403, "session_only".into()),
            "{action}"
        );
    }
}

#[test]
fn a_new_tenant_has_an_admin_and_stands_in_the_list() {
    let desk = Desk::open();
    let head = head(&desk);
    let body = json!({ "name": "Initech", "admin_email": "bill@initech.example", "admin_password": PASSWORD,
        "plan": "starter", "locale": "en", "timezone": "Europe/London" });
    let made = head.call("create_tenant", body.clone());
    assert_eq!(
        (&made["plan"], &made["invitation_url"]),
        (&json!("starter"), &json!(null))
    );
    let again = head.ask("create_tenant", &body);
    assert_eq!(again.json()["field"], "admin_email");
    let zone = json!({ "name": "Y", "admin_email": "y@y.example", "timezone": "Mars/Olympus" });
    assert_eq!(head.ask("create_tenant", &zone).json()["field"], "timezone");

    let bill = Caller::sign_in(&desk.address(), "bill@initech.example", PASSWORD);
    assert_eq!(
        bill.call("me", json!({}))["tenant"]["timezone"],
        "Europe/London"
    );
    assert_eq!(bill.refused("bulk_nothing", json!({})).0, 400);
    opened(&bill);
    let tenants = head.call("list_tenants", json!({}));
    let names: Vec<_> = tenants
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].clone())
        .collect();
    assert_eq!(names, ["acme", "globex", "Initech"]);
    assert_eq!(tenants[2]["usage"]["tickets_this_month"], 1);
    assert!(tenants[2]["last_activity_at"].is_string());
    let stats = head.call("platform_stats", json!({}));
    assert_eq!(
        (&stats["tenants"], &stats["tickets"]),
        (&json!(3), &json!(1))
    );

    let invited = json!({ "name": "Hooli", "admin_email": "gavin@hooli.example" });
    let link = head.call("create_tenant", invited)["invitation_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = link.split_once("token=").unwrap().1;
    desk.nobody().call(
        "reset_password",
        json!({ "token": token, "password": PASSWORD }),
    );
    Caller::sign_in(&desk.address(), "gavin@hooli.example", PASSWORD);
}
