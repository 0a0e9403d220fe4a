//! The conversations held in Kazakh.

mod business;
mod workplace;

use super::Dialog;

pub(super) const DIALOGS: [&[Dialog]; 2] = [business::DIALOGS, workplace::DIALOGS];
