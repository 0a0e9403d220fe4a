//! `tehprof openapi`: the description of the API, made from the registry that answers it.
use super::{failure::Failure, out};
use crate::api;
use clap::Args;

/// Print the OpenAPI 3.1 document of the API
#[derive(Args, Debug)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Result<(), Failure> {
        out::json(&api::openapi::document())
    }
}
