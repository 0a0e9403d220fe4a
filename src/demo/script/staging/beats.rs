//! Turns a written conversation into the steps of one ticket, as far as its fate lets it come.

use super::closing;
use crate::demo::script::people::Operator;
use crate::demo::script::words::Dice;
use crate::demo::script::{Dialog, Turn};
use crate::ticket::status::{ClientReply, Status, Verb, Window, client_reply, support_reply};

/// How far a ticket comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    New,
    Working,
    Estimated,
    OnHold,
    Reopened,
    Done,
    Closed,
}

/// Something somebody does, before it has a time and final words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cue {
    Turn(Turn),
    Take,
    Assign(&'static Operator),
    Accept,
    AutoClose,
    Reopen(&'static str),
}

/// A cue, so many working minutes after the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    pub(super) gap: i64,
    pub(super) by: &'static Operator,
    pub(super) cue: Cue,
}

/// Who speaks for the desk in a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staff {
    pub(super) lead: &'static Operator,
    pub(super) colleague: &'static Operator,
    pub(super) supervisor: &'static Operator,
}

impl Fate {
    /// Says whether a conversation can come to this end.
    pub(super) fn suits(self, dialog: &Dialog) -> bool {
        let has = |wanted: fn(&Turn) -> bool| dialog.turns.iter().any(wanted);
        match self {
            Self::Estimated => has(|turn| matches!(turn, Turn::Estimate(..))),
            Self::OnHold => has(|turn| matches!(turn, Turn::Hold(..))),
            Self::Reopened => !dialog.relapse.is_empty(),
            Self::New | Self::Working | Self::Done | Self::Closed => true,
        }
    }

    /// Where a ticket of this fate stands.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::New => Status::New,
            Self::Working => Status::InProgress,
            Self::Estimated => Status::Estimated,
            Self::OnHold => Status::OnHold,
            Self::Reopened => Status::Reopened,
            Self::Done => Status::Done,
            Self::Closed => Status::Closed,
        }
    }
}

impl Turn {
    const fn gap(&self) -> u32 {
        match self {
            Self::Client(gap, _)
            | Self::Support(gap, _)
            | Self::Note(gap, _)
            | Self::PassOn(gap, _)
            | Self::Estimate(gap, ..)
            | Self::Approve(gap)
            | Self::Reject(gap, _)
            | Self::Hold(gap, _)
            | Self::Resume(gap)
            | Self::LogTime(gap, ..)
            | Self::Complete(gap, ..) => *gap,
        }
    }

    const fn is_the_clients(&self) -> bool {
        matches!(self, Self::Client(..) | Self::Approve(_) | Self::Reject(..))
    }
}

impl Cue {
    /// Where the ticket stands after this, by the state machine.
    fn leads(self, from: Status) -> Status {
        let last = |verb: Verb| {
            let steps = verb.steps(from).unwrap_or_default();
            steps.last().copied().unwrap_or(from)
        };
        match self {
            Self::Turn(turn) => match turn {
                Turn::Client(..) => match client_reply(from, Window::Open) {
                    ClientReply::Reopens => Status::Reopened,
                    ClientReply::Stays | ClientReply::OpensNew => from,
                },
                Turn::Support(..) => support_reply(from).unwrap_or(from),
                Turn::Note(..) | Turn::PassOn(..) | Turn::LogTime(..) => from,
                Turn::Estimate(..) => last(Verb::Estimate),
                Turn::Approve(_) => last(Verb::Approve),
                Turn::Reject(..) => last(Verb::Reject),
                Turn::Hold(..) => last(Verb::Hold),
                Turn::Resume(_) => last(Verb::Resume),
                Turn::Complete(..) => last(Verb::Complete),
            },
            Self::Take | Self::Assign(_) => from,
            Self::Accept => last(Verb::Accept),
            Self::AutoClose => last(Verb::AutoClose),
            Self::Reopen(_) => last(Verb::Reopen),
        }
    }
}

/// The steps of a ticket of this fate.
pub(super) fn beats(dialog: &Dialog, fate: Fate, staff: Staff, dice: &mut Dice) -> Vec<Beat> {
    let mut beats = whole(dialog, fate, staff, dice);
    match fate {
        Fate::New => {
            let asked = dialog
                .turns
                .iter()
                .take_while(|turn| turn.is_the_clients())
                .count();
            beats.truncate(asked);
            if dice.percent(40) {
                beats.push(Beat {
                    gap: 1,
                    by: staff.supervisor,
                    cue: Cue::Assign(staff.lead),
                });
            }
        }
        Fate::Working => cut(&mut beats, fate, dice, |turn| {
            matches!(turn, Turn::Client(..) | Turn::Support(..) | Turn::Note(..))
        }),
        Fate::Estimated => cut(&mut beats, fate, dice, |turn| {
            matches!(turn, Turn::Estimate(..) | Turn::Client(..))
        }),
        Fate::OnHold => cut(&mut beats, fate, dice, |turn| {
            matches!(turn, Turn::Hold(..))
        }),
        Fate::Reopened => {
            let cue = if dice.percent(50) {
                Cue::Reopen(dialog.relapse)
            } else {
                Cue::Turn(Turn::Client(0, dialog.relapse))
            };
            beats.push(Beat {
                gap: i64::from(dice.between(120, 1100)),
                by: staff.lead,
                cue,
            });
        }
        Fate::Done => {}
        Fate::Closed => {
            if !dialog.relapse.is_empty() && dice.percent(16) {
                second_round(&mut beats, dialog, dice);
            }
            beats.push(Beat {
                gap: i64::from(dice.between(4, 700)),
                by: staff.lead,
                cue: if dice.percent(72) {
                    Cue::Accept
                } else {
                    Cue::AutoClose
                },
            });
        }
    }
    beats
}

/// The conversation up to its completion, at a pace of its own.
fn whole(dialog: &Dialog, fate: Fate, staff: Staff, dice: &mut Dice) -> Vec<Beat> {
    let pace = i64::from(dice.between(70, 150));
    let late = matches!(fate, Fate::Done | Fate::Closed | Fate::Working) && dice.percent(12);
    let mut beats = Vec::with_capacity(dialog.turns.len() + 3);
    let mut taken = false;
    let mut by = staff.lead;
    for turn in dialog.turns {
        let mut gap = i64::from(turn.gap());
        if gap > 0 {
            gap = (gap * pace / 100 + i64::from(dice.between(0, 4))).max(1);
        }
        if !taken && !turn.is_the_clients() {
            taken = true;
            if late {
                gap += i64::from(match dialog.priority {
                    "urgent" => dice.between(30, 110),
                    _ => dice.between(130, 420),
                });
            }
            let assigned = by != staff.supervisor && dice.percent(30);
            let wait = if assigned { gap / 3 } else { gap - 1 };
            gap -= wait;
            beats.push(Beat {
                gap: wait,
                by: if assigned { staff.supervisor } else { by },
                cue: if assigned { Cue::Assign(by) } else { Cue::Take },
            });
        }
        beats.push(Beat {
            gap,
            by,
            cue: Cue::Turn(*turn),
        });
        if matches!(turn, Turn::PassOn(..)) {
            beats.push(Beat {
                gap: 1,
                by,
                cue: Cue::Assign(staff.colleague),
            });
            by = staff.colleague;
        }
    }
    beats
}

/// Ends the conversation at one of the turns after which the ticket stands where its fate wants it.
fn cut(beats: &mut Vec<Beat>, fate: Fate, dice: &mut Dice, may_end: fn(&Turn) -> bool) {
    let mut at = Status::New;
    let mut ends = Vec::new();
    for (index, beat) in beats.iter().enumerate() {
        at = beat.cue.leads(at);
        if let Cue::Turn(turn) = &beat.cue
            && at == fate.status()
            && may_end(turn)
        {
            ends.push(index);
        }
    }
    if let Some(end) = dice.pick(&ends) {
        beats.truncate(end + 1);
    }
}

/// The trouble comes back, is looked at again and goes away.
fn second_round(beats: &mut Vec<Beat>, dialog: &Dialog, dice: &mut Dice) {
    let Some(by) = beats.last().map(|beat| beat.by) else {
        return;
    };
    let words = closing::second_round(dialog.language);
    let turns = [
        (dice.between(150, 1400), Turn::Client(0, dialog.relapse)),
        (dice.between(8, 50), Turn::Support(0, words.look)),
        (dice.between(30, 160), Turn::Support(0, words.fixed)),
        (dice.between(10, 120), Turn::Client(0, words.thanks)),
        (5, Turn::Complete(0, words.result, 30)),
    ];
    beats.extend(turns.map(|(gap, turn)| Beat {
        gap: i64::from(gap),
        by,
        cue: Cue::Turn(turn),
    }));
}
