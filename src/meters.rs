//! What the program counts about itself while it runs, for `/metrics`. Nothing here is stored.
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The upper bounds of the classes that times are counted in, in microseconds.
pub(crate) const BOUNDS: [u64; 10] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// Times, counted by how long they were.
#[derive(Debug, Default)]
pub(crate) struct Times {
    classes: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Times {
    pub(crate) fn note(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(class) = BOUNDS.iter().position(|bound| micros <= *bound) {
            self.classes[class].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many there were up to each bound, how many in all, and their sum in seconds.
    pub(crate) fn read(&self) -> ([u64; BOUNDS.len()], u64, f64) {
        let mut below = 0;
        let classes = std::array::from_fn(|class| {
            below += self.classes[class].load(Ordering::Relaxed);
            below
        });
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        (classes, self.count.load(Ordering::Relaxed), seconds)
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    /// Answers by the first digit of their status, from 1 to 5.
    answers: [AtomicU64; 5],
    /// How long answers took.
    pub(crate) answering: Times,
    /// How long commits took, each of one batch.
    pub(crate) committing: Times,
    /// Commands that were run, in all batches.
    commands: AtomicU64,
    /// Changes that were refused because the disk is full.
    refused: AtomicU64,
    /// Jobs of the clock that failed.
    failed_jobs: AtomicU64,
}

impl Meters {
    pub(crate) fn answered(&self, status: u16, time: Duration) {
        if let Some(class) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.answering.note(time);
    }

    pub(crate) fn committed(&self, commands: usize, time: Duration) {
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.committing.note(time);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn job_failed(&self) {
        self.failed_jobs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answers(&self) -> [u64; 5] {
        std::array::from_fn(|class| self.answers[class].load(Ordering::Relaxed))
    }

    pub(crate) fn counts(&self) -> [(&'static str, &'static str, u64); 3] {
        [
            (
                "tehprof_commands_total",
                "Commands that the writer has run.",
                self.commands.load(Ordering::Relaxed),
            ),
            (
                "tehprof_refused_writes_total",
                "Changes refused because the disk is full.",
                self.refused.load(Ordering::Relaxed),
            ),
            (
                "tehprof_failed_jobs_total",
                "Jobs of the clock that failed.",
                self.failed_jobs.load(Ordering::Relaxed),
            ),
        ]
    }
}
