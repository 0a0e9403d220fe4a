//! A desk whose clock is turned by hand: what is told, when, and that it is told once.
use super::*;
use crate::{
    Clock as Machine,
    clock::{DAY, HOUR},
    db::{Closing, Db, migrate},
    lang::Lang,
    sla::hours::tests::{at, week},
    tenant::{NewTenant, plan::Plan},
    ticket::{
        self, NewTicket, change,
        message::{self, Draft},
        model::Origin,
        status::Verb,
    },
};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// A Tuesday morning in Almaty.
const MORNING: &str = "2026-03-17T10:00:00+05:00";

struct Desk {
    db: Option<Db>,
    closing: Closing,
    path: PathBuf,
    tenant: TenantId,
}

impl Desk {
    async fn open() -> Desk {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tehprof-clock-{}-{nth}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        migrate::bring_up(&path).unwrap();
        let (db, closing) = Db::open(&path, Machine::manual(at(MORNING))).unwrap();
        let new = |tx: &Tx<'_>| {
            let new = NewTenant {
                name: "acme",
                domain: None,
                plan: Plan::Enterprise,
                locale: Lang::Ru,
                timezone: Some("Asia/Almaty"),
            };
            tenant::create(tx, &new, tx.now)
        };
        let tenant = db.write(new).await.unwrap();
        Desk {
            db: Some(db),
            closing,
            path,
            tenant,
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Acting<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        let tenant = self.tenant;
        let db = self.db.as_ref().unwrap();
        db.write(move |tx| f(&Acting::new(tx, tenant, Actor::system())))
            .await
            .unwrap()
    }

    /// An urgent ticket: half an hour to answer, four to solve.
    async fn urgent(&self) -> TicketId {
        self.write(|cx| {
            let mut new = NewTicket::new("Касса".into(), Origin::Api, "Иван".into());
            new.priority = Priority::Urgent;
            let (ticket, _) = ticket::open(cx, new, Draft::client("Стоит".into()))?;
            Ok(ticket.id)
        })
        .await
    }

    async fn verb(&self, id: TicketId, verb: Verb) {
        self.write(move |cx| {
            let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
            change::by_verb(cx, &mut ticket, verb, None)?;
            ticket.save_now(cx.tx)
        })
        .await;
    }

    async fn answer(&self, id: TicketId) {
        self.write(move |cx| {
            let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
            message::post_by_support(cx, &mut ticket, Draft::support("Смотрим".into())).map(drop)
        })
        .await;
    }

    async fn ticket(&self, id: TicketId) -> Record {
        self.write(move |cx| record::by_id(cx.tx, cx.tenant, id))
            .await
    }

    fn pass(&self, time: Millis) {
        self.db.as_ref().unwrap().clock().advance(time);
    }

    /// Lets the job run until it finds nothing to do, and answers all that was told so far.
    async fn told(&self) -> Vec<String> {
        let db = self.db.as_ref().unwrap();
        for _ in 0..20 {
            if !db.read(|db| is_waiting(db, db.now)).await.unwrap() {
                return self.events().await;
            }
            db.write(|tx| {
                if recount_more(tx)? {
                    return Ok(());
                }
                ring(tx)
            })
            .await
            .unwrap();
        }
        panic!("the job never ends");
    }

    async fn events(&self) -> Vec<String> {
        self.write(|cx| {
            all(
                cx.tx,
                "select kind || ' ' || new || ' ' || ticket_id from event where kind like 'sla%' order by id",
                [],
                |row| row.get(0),
            )
        })
        .await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.db.take());
        self.closing.wait();
        for end in ["db", "db-wal", "db-shm"] {
            let _ = std::fs::remove_file(self.path.with_extension(end));
        }
    }
}

#[tokio::test]
async fn a_due_time_is_warned_of_and_missed_once_each() {
    let desk = Desk::open().await;
    desk.urgent().await;
    desk.pass(24 * MINUTE - 1);
    assert!(desk.told().await.is_empty());
    desk.pass(1);
    assert_eq!(desk.told().await, ["sla_warning response 1"]);
    desk.pass(6 * MINUTE);
    assert_eq!(desk.told().await.len(), 1, "the last moment is in time");
    desk.pass(1);
    assert_eq!(desk.told().await[1..], ["sla_breach response 1"]);
    let ticket = desk.ticket(TicketId(1)).await;
    assert!(ticket.sla_response_breached && !ticket.sla_resolution_breached);
    desk.pass(4 * HOUR);
    assert_eq!(desk.told().await[2..], ["sla_breach resolution 1"]);
}

#[tokio::test]
async fn a_clock_that_jumps_tells_nothing_twice() {
    let desk = Desk::open().await;
    desk.urgent().await;
    desk.pass(365 * DAY);
    let told = desk.told().await;
    assert_eq!(told, ["sla_breach response 1", "sla_breach resolution 1"]);
    desk.pass(-365 * DAY);
    assert_eq!(desk.told().await, told);
    desk.pass(365 * DAY);
    assert_eq!(desk.told().await, told);
}

#[tokio::test]
async fn what_was_answered_in_time_is_not_told_of() {
    let desk = Desk::open().await;
    let id = desk.urgent().await;
    desk.pass(10 * MINUTE);
    desk.answer(id).await;
    desk.pass(3 * HOUR);
    assert!(desk.told().await.is_empty());
    desk.verb(id, Verb::Complete).await;
    desk.pass(30 * DAY);
    assert!(desk.told().await.is_empty());
}

#[tokio::test]
async fn a_pause_moves_the_warning_with_the_due_time() {
    let desk = Desk::open().await;
    let id = desk.urgent().await;
    desk.answer(id).await;
    desk.pass(HOUR);
    desk.verb(id, Verb::Hold).await;
    desk.pass(7 * DAY);
    assert!(desk.told().await.is_empty());
    desk.verb(id, Verb::Resume).await;
    // An hour of four has passed, and the warning comes after three hours and twelve minutes.
    desk.pass(2 * HOUR + 12 * MINUTE - 1);
    assert!(desk.told().await.is_empty());
    desk.pass(1);
    assert_eq!(desk.told().await, ["sla_warning resolution 1"]);
}

#[tokio::test]
async fn other_rules_move_what_runs_and_leave_what_was_judged() {
    let desk = Desk::open().await;
    let answered = desk.urgent().await;
    let open = desk.urgent().await;
    let paused = desk.urgent().await;
    desk.pass(20 * MINUTE);
    desk.answer(answered).await;
    desk.verb(paused, Verb::Hold).await;
    desk.pass(40 * MINUTE);
    assert_eq!(desk.told().await.len(), 1, "the open one is late");
    let kept = desk.ticket(answered).await;
    desk.write(|cx| {
        let mut rules = tenant::rules(cx.tx, cx.tenant)?;
        rules.urgent = Rule {
            response_minutes: 120,
            resolution_minutes: 300,
        };
        tenant::save_rules(cx.tx, cx.tenant, &rules)?;
        recount(cx.tx, cx.tenant)
    })
    .await;
    let began = at(MORNING);
    let now = desk.ticket(answered).await;
    assert_eq!(now.sla_response_at, kept.sla_response_at);
    assert_eq!(now.sla_resolution_at, Some(began + 5 * HOUR));
    let late = desk.ticket(open).await;
    assert_eq!(late.sla_response_at, Some(began + 2 * HOUR));
    assert!(!late.sla_response_breached, "it has time again");
    desk.verb(paused, Verb::Resume).await;
    let resumed = desk.ticket(paused).await;
    assert_eq!(
        resumed.sla_response_at,
        Some(began + 2 * HOUR + 40 * MINUTE)
    );
    // The new due time is another one, and is told of anew.
    desk.pass(2 * HOUR);
    let told = desk.told().await;
    assert!(
        told.iter()
            .filter(|t| *t == "sla_breach response 2")
            .count()
            == 2,
        "{told:?}"
    );
}

#[tokio::test]
async fn many_tickets_are_counted_anew_in_portions() {
    let desk = Desk::open().await;
    for _ in 0..AT_ONCE + 7 {
        desk.urgent().await;
    }
    desk.write(|cx| {
        let always = week("Asia/Almaty", [("12:00", "13:00"); 7], &[]);
        tenant::save_hours(cx.tx, cx.tenant, &always)?;
        recount(cx.tx, cx.tenant)
    })
    .await;
    let noon = at("2026-03-17T12:30:00+05:00");
    let (first, last) = (TicketId(1), TicketId(AT_ONCE + 7));
    assert_eq!(desk.ticket(first).await.sla_response_at, Some(noon));
    assert_ne!(desk.ticket(last).await.sla_response_at, Some(noon));
    desk.told().await;
    assert_eq!(desk.ticket(last).await.sla_response_at, Some(noon));
}

#[tokio::test]
async fn a_time_agreed_on_by_hand_goes_first_and_is_warned_of() {
    let desk = Desk::open().await;
    let id = desk.urgent().await;
    desk.answer(id).await;
    desk.write(move |cx| {
        let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
        change::set_due(cx, &mut ticket, Some(at("2026-03-17T15:00:00+05:00")))?;
        ticket.save_now(cx.tx)
    })
    .await;
    desk.pass(4 * HOUR);
    assert_eq!(desk.told().await, ["sla_warning resolution 1"]);
    desk.write(move |cx| {
        let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
        change::set_due(cx, &mut ticket, None)?;
        ticket.save_now(cx.tx)
    })
    .await;
    let ticket = desk.ticket(id).await;
    assert_eq!(ticket.sla_next_at(), Some(at(MORNING) + 4 * HOUR));
}

#[tokio::test]
async fn the_kept_times_are_what_the_history_gives() {
    let desk = Desk::open().await;
    let id = desk.urgent().await;
    for (pass, verb) in [
        (HOUR, Verb::Estimate),
        (DAY, Verb::Reject),
        (HOUR / 2, Verb::Hold),
        (3 * DAY, Verb::Resume),
        (HOUR / 3, Verb::Complete),
        (2 * DAY, Verb::Reopen),
    ] {
        desk.pass(pass);
        desk.verb(id, verb).await;
        let kept = desk.ticket(id).await;
        let mut anew = kept.clone();
        desk.write(move |cx| renew(cx, &mut anew).map(|()| anew))
            .await
            .same_times(&kept);
    }
}

impl Record {
    #[track_caller]
    fn same_times(&self, other: &Record) {
        assert_eq!(self.sla_resolution_at, other.sla_resolution_at);
        assert_eq!(self.sla_resolution_warn_at, other.sla_resolution_warn_at);
        assert_eq!(self.sla_response_at, other.sla_response_at);
    }
}
