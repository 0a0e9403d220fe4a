//! The whole state machine as a table, and the sentences it must keep.

use super::*;

const VERBS: [(&str, Verb); 11] = [
    ("estimate", Verb::Estimate),
    ("approve", Verb::Approve),
    ("reject", Verb::Reject),
    ("take_over", Verb::TakeOver),
    ("complete", Verb::Complete),
    ("hold", Verb::Hold),
    ("resume", Verb::Resume),
    ("accept", Verb::Accept),
    ("auto_close", Verb::AutoClose),
    ("close", Verb::Close),
    ("reopen", Verb::Reopen),
];

fn words(statuses: &[Status], between: &str) -> String {
    if statuses.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    words.join(between)
}

fn chain(steps: &[Status]) -> String {
    if steps.is_empty() {
        "stays".to_owned()
    } else {
        words(steps, " > ")
    }
}

/// One block per status: what each verb does, then what it refuses.
fn table() -> String {
    let mut lines = Vec::new();
    for from in Status::ALL {
        lines.push(from.to_string());
        let mut refused = Vec::new();
        let sets = Status::ALL.map(|to| (format!("set {to}"), Verb::Set(to)));
        let forces = Status::ALL.map(|to| (format!("force {to}"), Verb::Force(to)));
        let verbs = VERBS.map(|(name, verb)| (name.to_owned(), verb));
        for (name, verb) in verbs.into_iter().chain(sets).chain(forces) {
            match verb.steps(from) {
                Ok(steps) => lines.push(format!("  {name}: {}", chain(steps))),
                Err(_) => refused.push(name),
            }
        }
        lines.push(format!("  refused: {}", refused.join(", ")));
        let moved = support_reply(from).map_or("stays", Status::as_str);
        lines.push(format!("  support replies: {moved}"));
        let soon = client_reply(from, Window::Open);
        let late = client_reply(from, Window::Over);
        lines.push(format!("  client replies: {soon:?}, late {late:?}"));
        lines.push(format!("  offered: {}", words(&allowed(from), " ")));
        let (open, runs) = (from.is_open(), from.clock_runs());
        lines.push(format!("  open: {open}, clock runs: {runs}"));
    }
    lines.join("\n")
}

#[test]
fn the_whole_machine_is_this_table() {
    insta::assert_snapshot!(table(), @"
    new
      estimate: estimated
      complete: in_progress > done
      hold: in_progress > on_hold
      close: in_progress > done > closed
      set new: stays
      set estimated: estimated
      set in_progress: in_progress
      set on_hold: in_progress > on_hold
      set done: in_progress > done
      set closed: in_progress > done > closed
      force new: stays
      force estimated: estimated
      force in_progress: in_progress
      force on_hold: in_progress > on_hold
      force done: in_progress > done
      force closed: in_progress > done > closed
      refused: approve, reject, take_over, resume, accept, auto_close, reopen, set reopened, force reopened
      support replies: in_progress
      client replies: Stays, late Stays
      offered: estimated in_progress on_hold done closed
      open: true, clock runs: true
    estimated
      estimate: stays
      approve: in_progress
      reject: in_progress
      take_over: in_progress
      close: in_progress > done > closed
      set estimated: stays
      force estimated: stays
      force in_progress: in_progress
      force on_hold: in_progress > on_hold
      force done: in_progress > done
      force closed: in_progress > done > closed
      refused: complete, hold, resume, accept, auto_close, reopen, set new, set in_progress, set on_hold, set done, set closed, set reopened, force new, force reopened
      support replies: stays
      client replies: Stays, late Stays
      offered: nothing
      open: true, clock runs: false
    in_progress
      estimate: estimated
      complete: done
      hold: on_hold
      close: done > closed
      set estimated: estimated
      set in_progress: stays
      set on_hold: on_hold
      set done: done
      set closed: done > closed
      force estimated: estimated
      force in_progress: stays
      force on_hold: on_hold
      force done: done
      force closed: done > closed
      refused: approve, reject, take_over, resume, accept, auto_close, reopen, set new, set reopened, force new, force reopened
      support replies: stays
      client replies: Stays, late Stays
      offered: estimated on_hold done closed
      open: true, clock runs: true
    on_hold
      estimate: in_progress > estimated
      complete: in_progress > done
      resume: in_progress
      close: in_progress > done > closed
      set estimated: in_progress > estimated
      set in_progress: in_progress
      set on_hold: stays
      set done: in_progress > done
      set closed: in_progress > done > closed
      force estimated: in_progress > estimated
      force in_progress: in_progress
      force on_hold: stays
      force done: in_progress > done
      force closed: in_progress > done > closed
      refused: approve, reject, take_over, hold, accept, auto_close, reopen, set new, set reopened, force new, force reopened
      support replies: stays
      client replies: Stays, late Stays
      offered: estimated in_progress done closed
      open: true, clock runs: false
    done
      accept: closed
      auto_close: closed
      close: closed
      reopen: reopened
      set in_progress: reopened > in_progress
      set done: stays
      set closed: closed
      set reopened: reopened
      force in_progress: reopened > in_progress
      force done: stays
      force closed: closed
      force reopened: reopened
      refused: estimate, approve, reject, take_over, complete, hold, resume, set new, set estimated, set on_hold, force new, force estimated, force on_hold
      support replies: stays
      client replies: Reopens, late Reopens
      offered: in_progress closed reopened
      open: false, clock runs: false
    closed
      reopen: reopened
      set in_progress: reopened > in_progress
      set closed: stays
      set reopened: reopened
      force in_progress: reopened > in_progress
      force closed: stays
      force reopened: reopened
      refused: estimate, approve, reject, take_over, complete, hold, resume, accept, auto_close, close, set new, set estimated, set on_hold, set done, force new, force estimated, force on_hold, force done
      support replies: stays
      client replies: Reopens, late OpensNew
      offered: in_progress reopened
      open: false, clock runs: false
    reopened
      estimate: estimated
      complete: in_progress > done
      hold: in_progress > on_hold
      close: in_progress > done > closed
      set estimated: estimated
      set in_progress: in_progress
      set on_hold: in_progress > on_hold
      set done: in_progress > done
      set closed: in_progress > done > closed
      set reopened: stays
      force estimated: estimated
      force in_progress: in_progress
      force on_hold: in_progress > on_hold
      force done: in_progress > done
      force closed: in_progress > done > closed
      force reopened: stays
      refused: approve, reject, take_over, resume, accept, auto_close, reopen, set new, force new
      support replies: in_progress
      client replies: Stays, late Stays
      offered: estimated in_progress on_hold done closed
      open: true, clock runs: true
    ");
}

#[test]
fn every_chain_is_made_of_legal_steps_and_ends_where_it_was_asked_to() {
    for from in Status::ALL {
        for to in Status::ALL {
            let Ok(steps) = path(from, to) else { continue };
            let mut at = from;
            for &step in steps {
                assert!(at.next().contains(&step), "{from} to {to}: {at} to {step}");
                at = step;
            }
            assert_eq!(at, to);
        }
    }
}

#[test]
fn every_single_step_of_the_graph_is_a_path_of_its_own() {
    for from in Status::ALL {
        for &to in from.next() {
            assert_eq!(path(from, to), Ok(&[to][..]));
        }
    }
}

#[test]
fn what_is_offered_is_exactly_what_set_accepts() {
    for from in Status::ALL {
        for to in Status::ALL {
            let accepted = Verb::Set(to).steps(from).is_ok() && to != from;
            assert_eq!(allowed(from).contains(&to), accepted, "{from} to {to}");
        }
    }
}

#[test]
fn a_refusal_names_both_ends_and_what_is_allowed() {
    let refusal = Verb::Reopen.steps(Status::OnHold).unwrap_err();
    assert_eq!(refusal.from, Status::OnHold);
    assert_eq!(refusal.to, Status::Reopened);
    assert_eq!(refusal.allowed, allowed(Status::OnHold));
    assert_eq!(
        refusal.to_string(),
        "a ticket cannot go from on_hold to reopened"
    );
}

#[test]
fn an_estimate_nobody_approved_is_passed_by_force_alone() {
    assert!(
        Verb::Set(Status::InProgress)
            .steps(Status::Estimated)
            .is_err()
    );
    assert!(Verb::Complete.steps(Status::Estimated).is_err());
    assert_eq!(
        Verb::Force(Status::Done).steps(Status::Estimated),
        Ok(&[Status::InProgress, Status::Done][..])
    );
}

#[test]
fn the_reopening_window_includes_its_last_moment() {
    const DAY: i64 = 86_400_000;
    let closed_at = 1_772_000_000_000;
    assert_eq!(
        Window::at(closed_at, closed_at + 14 * DAY, 14),
        Window::Open
    );
    assert_eq!(
        Window::at(closed_at, closed_at + 14 * DAY + 1, 14),
        Window::Over
    );
}

#[test]
fn the_words_on_the_wire_read_back() {
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(status));
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(json, format!("\"{status}\""));
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
    }
    assert_eq!(Status::parse("NEW"), None);
}
