//! Fetching a tenant's export: an admin's session and the export's random name, both.
use super::{
    answer::{self, Answer},
    api::{Log, Visit},
    credential, files,
};
use crate::{
    access::{
        Principal,
        rules::{Needs, Role},
    },
    app::App,
    clock::wire,
    error::{Code, Error, Result},
    tenant::export,
    ticket::files::Served,
};
use hyper::{Method, Request, body::Incoming};

const NEEDS: Needs = Needs::role(Role::Admin);

pub(crate) async fn answer(
    app: &App,
    token: &str,
    request: &Request<Incoming>,
    visit: &Visit,
) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::wrong_method("GET, HEAD", visit.lang, &visit.request_id);
    }
    match serve(app, token, request, visit).await {
        Ok(answer) => answer,
        Err(error) => answer::error(&error, visit.lang, &visit.request_id),
    }
}

async fn serve(
    app: &App,
    token: &str,
    request: &Request<Incoming>,
    visit: &Visit,
) -> Result<Answer> {
    let operator = credential::operator(app, request.headers(), visit, &mut Log::default()).await?;
    let operator = operator.ok_or_else(|| Error::new(Code::NotAuthenticated))?;
    let tenant = operator.tenant;
    NEEDS.met_by(&Principal::Operator(operator))?;
    let missing = || Error::new(Code::NotFound);
    let path = export::find(&app.config.data_dir, tenant, token).ok_or_else(missing)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| missing())?;
    let size = file.metadata().await?.len();
    let now = wire(app.db.clock().now());
    let served = Served {
        name: format!(
            "tenant-{tenant}-{}.tehprof",
            now.get(..10).unwrap_or_default()
        ),
        mime: "application/octet-stream".to_owned(),
        size: i64::try_from(size).map_err(Error::internal)?,
        hash: String::new(),
    };
    Ok(files::stream(
        file,
        &served,
        true,
        request.method() == Method::HEAD,
    ))
}
