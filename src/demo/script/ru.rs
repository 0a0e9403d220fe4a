//! The conversations held in Russian.

mod accounting;
mod crm;
mod infrastructure;
mod telephony;
mod workplace;

use super::Dialog;

pub(super) const DIALOGS: [&[Dialog]; 5] = [
    accounting::DIALOGS,
    crm::DIALOGS,
    infrastructure::DIALOGS,
    telephony::DIALOGS,
    workplace::DIALOGS,
];
