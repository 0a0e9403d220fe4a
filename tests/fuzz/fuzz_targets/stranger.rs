//! Feeds what libFuzzer makes up to the reader that TEHPROF_FUZZ names.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static READER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("TEHPROF_FUZZ").unwrap_or_default();
    let known = tehprof::fuzzing::READERS.iter();
    match known.clone().find(|(known, _)| *known == name) {
        Some((_, reader)) => *reader,
        None => {
            let names: Vec<_> = known.map(|(name, _)| *name).collect();
            panic!("TEHPROF_FUZZ must be one of {}", names.join(", "));
        }
    }
});

fuzz_target!(|bytes: &[u8]| READER(bytes));
